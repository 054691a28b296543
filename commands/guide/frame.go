package guide

import (
	"cmp"
	"slices"
	"strings"
)

// frameReach is how many neighbours a frame's pieces have at most.
const frameReach = 3

// What a word of a question is to its frame, where it does not stand for
// itself.
const (
	roleStart   = "^"
	roleEnd     = "$"
	roleDeed    = "!"    // something to be done
	roleOurs    = "ours" // has to do with signing in
	roleKin     = "kin"  // has to do with phones and apps
	roleKnown   = "word"
	roleUnknown = "?"
)

// frame returns how a question is put, whatever it is about: "could you … my …
// for our trainee", "somebody … my … and it was not me", "how do I …". It says
// whether a person is asked to act, where no phrase names the very thing.
func frame(roles []string) []feature {
	seq := slices.Concat([]string{roleStart}, roles, []string{roleEnd})
	var out []feature
	for i := range seq {
		for n := 1; n <= min(frameReach, len(seq)-i); n++ {
			out = append(out, feature{strings.Join(seq[i:i+n], " "), 1})
		}
	}
	slices.SortFunc(out, func(a, b feature) int { return cmp.Compare(a.name, b.name) })
	return slices.Compact(out)
}

// role returns what a term is to the frame; word is how it was typed.
func (w *words) role(term, word string, known bool) string {
	switch {
	case w.deeds[word]:
		return roleDeed
	case w.stop[term], w.framing[term], w.framing[word]:
		return term
	case w.ours[term]:
		return roleOurs
	case w.kin[term]:
		return roleKin
	case known:
		return roleKnown
	}
	return roleUnknown
}

// frameExamples are the frames of all phrases, by what a question should get.
func frameExamples(w *words, subjects []subject) []example {
	var out []example
	for _, s := range subjects {
		for _, ask := range s.asks {
			out = append(out, example{frame(w.read(ask).roles), string(s.expect)})
		}
	}
	return out
}
