package guide

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Expect says what a question gets.
type Expect string

// The three things that a question can get.
const (
	ExpectAnswer   Expect = "answer"   // the article Topics[0]
	ExpectHandover Expect = "handover" // a person; Topics may help meanwhile
	ExpectNone     Expect = "none"     // silence: it is about something else
)

// Answer is what the guide makes of a question.
type Answer struct {
	Expect Expect
	// Topics are up to three article IDs, best first. An answer has at least
	// one, silence none.
	Topics []string
	// Nearest are up to three article IDs to which the question comes closest,
	// whatever it gets; Topics first. A question without words has none.
	Nearest []string
	// Score is how sure the guide is, from 0 to 1. It ranks; it is not a
	// probability.
	Score float64
	// Deed says that something is to be done, which a person has to do.
	Deed bool
	// Variant is the device that the question names, or AnyDevice.
	Variant Device
}

// The thresholds were set by cross-validation on our own questions, see
// TestBalanceCrossValidated.
const (
	// learnedShare is what was learned counts, beside how like the phrases of a
	// subject a question is.
	learnedShare = 0.5
	// leastScore is what a subject must score to be believed.
	leastScore = 0.15
	// sureScore is what it must score if half of the words are unknown.
	sureScore = 0.3
	// likelyScore is what an article must score to be named beside a person who
	// is asked to do something.
	likelyScore = 0.32
	// alsoShare is the share of the best score from which another article is
	// worth naming too.
	alsoShare = 0.05
	maxTopics = 3
	// frameFloor keeps a frame from ruling anything out, and frameScale leaves
	// scores as they are where frames say nothing: a third each.
	frameFloor = 0.02
	frameScale = 3
)

// balance is what kinds of subjects count beside each other.
type balance struct {
	// What other subjects count by whether a question has to do with signing
	// in, or at least with phones and apps, or with neither.
	ours, kin, neither float64
	// What subjects for a person count: it is better to ask one than to explain
	// to somebody what they cannot do.
	handover float64
	// What it counts how a question is put, as the power of how likely that is
	// of one for an article or a person.
	frame float64
}

func usualBalance() balance {
	return balance{ours: 0.5, kin: 1.1, neither: 1.7, handover: 2.1, frame: 0.25}
}

// Ask says what a question in somebody's own words should get. Any text is a
// question; nothing in it is followed.
func (g *Guide) Ask(question string) Answer { return g.ask(question, usualBalance()) }

func (g *Guide) ask(question string, b balance) Answer {
	r := g.words.read(question)
	return g.settle(question, r, g.judge(question, r), b)
}

// settle says what a question gets, by what every subject scored.
func (g *Guide) settle(question string, r reading, judged []hit, b balance) Answer {
	hits := g.weigh(question, r, judged, b)
	a := g.decide(question, r, hits)
	if len(r.terms) > 0 {
		a.Nearest = nearestOf(a.Topics, hits)
	}
	return a
}

// decide says what a question gets, by the subjects that it may be about, best
// first.
func (g *Guide) decide(question string, r reading, hits []hit) Answer {
	best := hits[0]
	a := Answer{Expect: best.subject.expect, Score: best.score, Variant: r.device()}
	least := leastScore
	if r.unknown > 0 && 2*r.unknown >= len(r.terms) {
		least = sureScore
	}
	switch {
	case r.aboutNothing():
		a.Expect = ExpectNone
	case best.score < least && r.ours:
		a.Expect = ExpectHandover
	case best.score < least:
		a.Expect = ExpectNone
	case best.subject.deed:
		a.Deed = true
		a.Topics = likely(topics(hits), hits)
	case a.Expect == ExpectHandover:
		a.Topics = slices.Clone(best.subject.near)
		// That a person is asked does not make the subject the likeliest.
		if also := likely(topics(hits), hits); len(also) > 0 && judgedOf(also[0], hits) > best.judged {
			a.Topics = also
		}
	case a.Expect == ExpectAnswer:
		a.Topics = topics(hits)
		if g.requests.in(question) {
			a.Expect, a.Deed = ExpectHandover, true
		}
	}
	return a
}

// judge returns every subject with its score.
func (g *Guide) judge(question string, r reading) []hit {
	chance := g.learned().subjects.chances(shares(question, r.terms))
	hits := g.index.search(r.terms)
	for i := range hits {
		hits[i].judged = min(1, learnedShare*chance[hits[i].subject.id]+(1-learnedShare)*hits[i].score)
	}
	return hits
}

// weigh returns the subjects with their scores in balance, best first; of those
// that are none of ours the best alone.
func (g *Guide) weigh(question string, r reading, judged []hit, b balance) []hit {
	foreign := b.neither
	switch {
	case r.ours:
		foreign = b.ours
	case r.kin:
		foreign = b.kin
	}
	put := g.learned().frames.chances(frame(r.roles))
	share := map[Expect]float64{ExpectNone: foreign}
	for _, e := range []Expect{ExpectAnswer, ExpectHandover} {
		share[e] = math.Pow(frameScale*(put[string(e)]+frameFloor), b.frame)
	}
	share[ExpectHandover] *= b.handover
	asksHow := g.requests.asksHow(question)
	out := make([]hit, 0, len(judged))
	other := hit{}
	for _, h := range judged {
		h.score = share[h.subject.expect] * h.judged
		switch {
		case h.subject.expect == ExpectNone:
			if other.subject == nil || h.score > other.score {
				other = h
			}
		case !h.subject.deed || !asksHow:
			out = append(out, h)
		}
	}
	if other.subject != nil {
		out = append(out, other)
	}
	slices.SortStableFunc(out, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	for i := range out {
		out[i].score = min(1, out[i].score)
	}
	return out
}

// nearestOf fills up topics from the articles among the hits.
func nearestOf(topics []string, hits []hit) []string {
	out := slices.Clone(topics[:min(len(topics), maxTopics)])
	for _, h := range hits {
		if len(out) == maxTopics || h.score == 0 {
			break
		}
		if h.subject.expect == ExpectAnswer && !slices.Contains(out, h.subject.id) {
			out = append(out, h.subject.id)
		}
	}
	return out
}

// likely returns those of the articles that may well be what a deed is about.
func likely(topics []string, hits []hit) []string {
	return slices.DeleteFunc(topics, func(id string) bool { return judgedOf(id, hits) < likelyScore })
}

func judgedOf(id string, hits []hit) float64 {
	return hits[slices.IndexFunc(hits, func(h hit) bool { return h.subject.id == id })].judged
}

// topics returns the articles among the hits that are worth naming.
func topics(hits []hit) []string {
	var out []string
	for _, h := range hits {
		if len(out) == maxTopics || h.score < alsoShare*hits[0].score {
			break
		}
		if h.subject.expect == ExpectAnswer {
			out = append(out, h.subject.id)
		}
	}
	return out
}

// aboutNothing reports whether a text holds nothing but the makes of phones,
// which go with any subject.
func (r reading) aboutNothing() bool {
	return !slices.ContainsFunc(r.terms, func(t string) bool { return termWeight(t) == 1 })
}

// device returns the device that a question is about: the only one named; a
// special way to sign in before the make of a phone; and of two makes the one
// that somebody moves to.
func (r reading) device() Device {
	var special, phones []Device
	for _, m := range r.devices {
		list := &special
		if m.device == IPhone || m.device == Android {
			list = &phones
		}
		if !slices.Contains(*list, m.device) {
			*list = append(*list, m.device)
		}
	}
	switch {
	case len(special) == 1:
		return special[0]
	case len(special) > 1 || len(phones) == 0:
		return AnyDevice
	case len(phones) == 1:
		return phones[0]
	}
	target := AnyDevice
	for _, m := range r.devices {
		if m.after == "to" || m.after == "new" {
			if target != AnyDevice && target != m.device {
				return AnyDevice
			}
			target = m.device
		}
	}
	return target
}

// requestsConfig is the words by which a request to do something is known.
type requestsConfig struct {
	Openers  []string `yaml:"openers"`
	Commands []string `yaml:"commands"`
	Deeds    []string `yaml:"deeds"`
	Owners   []string `yaml:"owners"`
	Others   []string `yaml:"others"`
	Polite   []string `yaml:"polite"`
	Pressing []string `yaml:"pressing"`
	Unless   []string `yaml:"unless"`
}

// requests tells a request to do something from a question how to do it.
type requests struct {
	openers                                                   [][]string
	commands, deeds, owners, others, polite, pressing, unless []string
}

// reach is how many words after its opener a deed may stand, and how many
// words before a polite word a command may.
const reach = 4

func newRequests(c requestsConfig) requests {
	r := requests{commands: c.Commands, deeds: c.Deeds, owners: c.Owners, others: c.Others, polite: c.Polite, pressing: c.Pressing, unless: c.Unless}
	for _, o := range c.Openers {
		r.openers = append(r.openers, tokens(o))
	}
	return r
}

// in reports whether a text asks for something to be done. A command counts
// after an opener, soon before a polite word, or as the very first word. A deed
// counts only after an opener, and if the text says for whom, as "can you add
// two phones?" asks whether one can; and at the start of a clause, if something
// shows that somebody else is to do it.
func (r requests) in(text string) bool {
	ts := tokens(text)
	if len(ts) == 0 || r.asksHow(text) {
		return false
	}
	if slices.Contains(r.commands, ts[0]) || r.orders(text, ts) {
		return true
	}
	owned := anyOf(r.owners, ts)
	for i, t := range ts {
		if slices.Contains(r.polite, t) && anyOf(r.commands, ts[max(0, i-reach):i]) {
			return true
		}
		for _, o := range r.openers {
			if len(ts)-i < len(o) || !slices.Equal(ts[i:i+len(o)], o) {
				continue
			}
			rest := ts[i+len(o):]
			rest = rest[:min(reach, len(rest))]
			if anyOf(r.commands, rest) || owned && anyOf(r.deeds, rest) {
				return true
			}
		}
	}
	return false
}

// orders reports whether a clause of the text begins with a deed, as orders do
// and as keywords do too: it is an order if it is polite or pressing, or for
// somebody else, who is seldom asked how to do it.
func (r requests) orders(text string, words []string) bool {
	delegated := anyOf(r.others, words) || anyOf(r.polite, words) || anyOf(r.pressing, words)
	for i, clause := range strings.FieldsFunc(text, endsClause) {
		ts := tokens(clause)
		if len(ts) < 2 || !slices.Contains(r.deeds, ts[0]) && !slices.Contains(r.commands, ts[0]) || ts[1] == "up" {
			continue
		}
		if delegated || ts[1] == "me" || i > 0 && ts[1] == "it" {
			return true
		}
	}
	return false
}

func endsClause(r rune) bool { return strings.ContainsRune(".,;:!?\n", r) }

// asksHow reports whether a text asks how something is done.
func (r requests) asksHow(text string) bool { return anyOf(r.unless, tokens(text)) }

// anyOf reports whether one of the words is in the list.
func anyOf(list, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
}

// isDevice returns the device that a term stands for, if it does.
func isDevice(term string) (Device, bool) {
	name, ok := strings.CutPrefix(term, devicePrefix)
	return Device(name), ok
}
