package guide

import (
	"cmp"
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
)

// balance is what subjects count that no article covers.
type balance struct {
	// What other subjects count by whether a question has to do with signing
	// in, or at least with phones and apps, or with neither.
	ours, kin, neither float64
	// What subjects for a person count: it is better to ask one than to explain
	// to somebody what they cannot do.
	handover float64
}

func usualBalance() balance { return balance{ours: 0.5, kin: 1.1, neither: 1.7, handover: 1.15} }

// Ask says what a question in somebody's own words should get. Any text is a
// question; nothing in it is followed.
func (g *Guide) Ask(question string) Answer { return g.ask(question, usualBalance()) }

func (g *Guide) ask(question string, b balance) Answer {
	r := g.words.read(question)
	hits := g.judge(question, r, b)
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
	case a.Expect == ExpectAnswer:
		a.Topics = topics(hits)
		if g.requests.in(question) {
			a.Expect, a.Deed = ExpectHandover, true
		}
	}
	return a
}

// judge returns every subject with its score, best first; of those that are
// none of ours the best alone.
func (g *Guide) judge(question string, r reading, b balance) []hit {
	l := g.learned()
	likely := make([]float32, len(l.classes))
	l.probabilities(l.vector(shares(question, r.terms)), likely)
	chance := make(map[string]float64, len(likely))
	for c, p := range likely {
		chance[l.classes[c]] = float64(p)
	}
	foreign := b.neither
	switch {
	case r.ours:
		foreign = b.ours
	case r.kin:
		foreign = b.kin
	}
	var out []hit
	seen := false
	for _, h := range g.index.search(r.terms) {
		share := 1.0
		switch h.subject.expect {
		case ExpectNone:
			if seen {
				continue
			}
			seen, share = true, foreign
		case ExpectHandover:
			if share = b.handover; h.subject.deed && g.requests.asksHow(question) {
				continue
			}
		}
		h.score = min(1, share*(learnedShare*chance[h.subject.id]+(1-learnedShare)*h.score))
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
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
	return slices.DeleteFunc(topics, func(id string) bool {
		return !slices.ContainsFunc(hits, func(h hit) bool { return h.subject.id == id && h.score >= likelyScore })
	})
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
	Unless   []string `yaml:"unless"`
}

// requests tells a request to do something from a question how to do it.
type requests struct {
	openers                                         [][]string
	commands, deeds, owners, others, polite, unless []string
}

// reach is how many words after its opener a deed may stand, and how many
// words before a polite word a command may.
const reach = 4

func newRequests(c requestsConfig) requests {
	r := requests{commands: c.Commands, deeds: c.Deeds, owners: c.Owners, others: c.Others, polite: c.Polite, unless: c.Unless}
	for _, o := range c.Openers {
		r.openers = append(r.openers, tokens(o))
	}
	return r
}

// in reports whether a text asks for something to be done. A command counts
// after an opener, soon before a polite word, or as the very first word. A deed
// counts only after an opener, and if the text says for whom, as "can you add
// two phones?" asks whether one can; as the very first word it counts if it is
// for somebody else, who is seldom asked how to do it.
func (r requests) in(text string) bool {
	ts := tokens(text)
	if len(ts) == 0 || r.asksHow(text) {
		return false
	}
	if slices.Contains(r.commands, ts[0]) || slices.Contains(r.deeds, ts[0]) && anyOf(r.others, ts) {
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
