package guide

import (
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
	// Score is how sure the guide is, from 0 to 1. It ranks; it is not a
	// probability.
	Score float64
	// Variant is the device that the question names, or AnyDevice.
	Variant Device
}

// The thresholds were set on testdata/dev.jsonl and practice.jsonl.
const (
	// leastScore is what a subject must score to be believed.
	leastScore = 0.21
	// sureScore is what a subject must score if nothing in the question has
	// to do with phones and apps: it may well be about something else that we
	// have never heard of.
	sureScore = 0.4
	// sureLikeness is how like one of our phrases it must be instead.
	sureLikeness = 0.85
	// clearLead is by how much an article must beat the best subject that is
	// handed over.
	clearLead = 1.07
	// alsoShare is the share of the best score from which another article is
	// worth naming too.
	alsoShare = 0.6
	maxTopics = 3
)

// Ask says what a question in somebody's own words should get. Any text is a
// question; nothing in it is followed.
func (g *Guide) Ask(question string) Answer {
	r := g.words.read(question)
	hits := g.index.search(r.terms)
	best := hits[0]
	a := Answer{Expect: best.subject.expect, Score: best.score, Variant: r.device()}
	switch {
	case r.aboutNothing():
		a.Expect = ExpectNone
	case best.score < leastScore && r.ours:
		a.Expect = ExpectHandover
	case best.score < leastScore, best.score < sureScore && best.nearest < sureLikeness && !r.kin:
		a.Expect = ExpectNone
	case a.Expect == ExpectHandover:
		a.Topics = slices.Clone(best.subject.near)
	case a.Expect == ExpectAnswer:
		a.Topics = topics(hits)
		if g.requests.in(question) || best.score < clearLead*bestHandover(hits) {
			a.Expect = ExpectHandover
		}
	}
	return a
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

func bestHandover(hits []hit) float64 {
	i := slices.IndexFunc(hits, func(h hit) bool { return h.subject.expect == ExpectHandover })
	if i < 0 {
		return 0
	}
	return hits[i].score
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
	Polite   []string `yaml:"polite"`
	Unless   []string `yaml:"unless"`
}

// requests tells a request to do something from a question how to do it.
type requests struct {
	openers                                 [][]string
	commands, deeds, owners, polite, unless []string
}

// reach is how many words after its opener a deed may stand, and how many
// words before a polite word a command may.
const reach = 4

func newRequests(c requestsConfig) requests {
	r := requests{commands: c.Commands, deeds: c.Deeds, owners: c.Owners, polite: c.Polite, unless: c.Unless}
	for _, o := range c.Openers {
		r.openers = append(r.openers, tokens(o))
	}
	return r
}

// in reports whether a text asks for something to be done. A command counts
// after an opener, soon before a polite word, or as the very first word. A deed
// counts only after an opener, and if the text says for whom, as "can you add
// two phones?" asks whether one can.
func (r requests) in(text string) bool {
	ts := tokens(text)
	if len(ts) == 0 || anyOf(r.unless, ts) {
		return false
	}
	if slices.Contains(r.commands, ts[0]) {
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

// anyOf reports whether one of the words is in the list.
func anyOf(list, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
}

// isDevice returns the device that a term stands for, if it does.
func isDevice(term string) (Device, bool) {
	name, ok := strings.CutPrefix(term, devicePrefix)
	return Device(name), ok
}
