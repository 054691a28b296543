package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/commands/staff"
	"twokey/graph"
)

// What the guide cannot do is counted for leads, so that they can write what is
// missing. Nobody's name is kept with it, and of a question nothing that tells
// whose it was.

// gapAgain is how long the same from the same account counts once.
const gapAgain = time.Hour

// gapFewest is the smallest number that is said as it is.
const gapFewest = 5

// unhelpfulLine is how people say that an article did not help.
const unhelpfulLine = "guide unhelpful"

// gapQuestions is how many questions are shown.
const gapQuestions = 20

// guideGaps shows what the guide could not do.
func guideGaps(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "guide gaps", Summary: "What the guide could not answer, and which articles did not help; without names.", Example: "guide gaps"},
		Access:      only(identity.Lead),
		Answer: func(ctx context.Context, _ Call) (chat.Message, error) {
			gaps, err := env.Staff.Gaps(ctx, env.Organization.ID)
			if err != nil {
				return chat.Message{}, err
			}
			return gapsShown(env, gaps), nil
		},
	}
}

// gapWords are what each kind is called, in the order in which they are shown.
var gapWords = []struct {
	kind staff.GapKind
	name string
}{
	{staff.GapAsked, "not answered"},
	{staff.GapUnhelpful, "did not help"},
	{staff.GapWanted, "wanted from a person"},
	{staff.GapLanguage, "asked in another language"},
	{staff.GapElsewhere, "taken for another subject"},
}

func gapsShown(env Env, gaps []staff.Gap) chat.Message {
	if len(gaps) == 0 {
		return chat.Message{Headline: "The guide has no gaps that it knows of: nothing was left unanswered, and nobody said that an article did not help.", Footer: onlyLeads}
	}
	m := chat.Message{
		Headline: "What the guide could not do for people since " + gaps[0].Week.Format("2 January 2006") + ".",
		Text:     "Write an article of your own for what is asked often (“/mfa guide print” shows ours; docs/guide.md says how), or see that what did not help is mended.",
		Table:    &chat.Table{Header: []string{"What", "Nearest article", "Times"}},
		Footer:   onlyLeads,
	}
	for _, w := range gapWords {
		for _, s := range gapSums(gaps, w.kind) {
			m.Table.Rows = append(m.Table.Rows, []string{w.name, cmp.Or(chat.Safe(s.topic, 60), "none"), atLeastFew(s.times)})
		}
	}
	for _, q := range gapsAsked(gaps) {
		label := "Asked"
		if q.Kind == staff.GapUnhelpful {
			label = "Asked, and " + chat.Safe(q.Topic, 60) + " did not help"
		}
		m.Fields = append(m.Fields, chat.Field{Label: label, Value: q.Words, Quoted: true})
	}
	return m
}

const onlyLeads = "Nobody's name is kept with this, and no time but the week. Words that may tell of somebody are masked. It is kept for 26 weeks."

// atLeastFew says a number, and of a small one only that it is small.
func atLeastFew(n int) string {
	if n < gapFewest {
		return fmt.Sprintf("under %d", gapFewest)
	}
	return fmt.Sprint(n)
}

type gapSum struct {
	topic string
	times int
}

// gapSums adds up a kind over all weeks and questions, the most first.
func gapSums(gaps []staff.Gap, kind staff.GapKind) []gapSum {
	var sums []gapSum
	for _, g := range gaps {
		if g.Kind != kind {
			continue
		}
		i := slices.IndexFunc(sums, func(s gapSum) bool { return s.topic == g.Topic })
		if i < 0 {
			i, sums = len(sums), append(sums, gapSum{topic: g.Topic})
		}
		sums[i].times += g.Times
	}
	slices.SortFunc(sums, func(a, b gapSum) int {
		small := func(s gapSum) int { return max(s.times, gapFewest-1) } // their order must not say more than the number
		return cmp.Or(cmp.Compare(small(b), small(a)), cmp.Compare(a.topic, b.topic))
	})
	return sums
}

// gapsAsked are the questions whose words are kept: those that were asked in most
// weeks and most often, then by the alphabet, so that nothing tells when.
func gapsAsked(gaps []staff.Gap) []staff.Gap {
	var all []staff.Gap
	for _, g := range gaps {
		if g.Words == "" {
			continue
		}
		i := slices.IndexFunc(all, func(x staff.Gap) bool { return x.Kind == g.Kind && x.Topic == g.Topic && x.Words == g.Words })
		if i < 0 {
			i, all = len(all), append(all, staff.Gap{Kind: g.Kind, Topic: g.Topic, Words: g.Words})
		}
		all[i].Times += g.Times
	}
	slices.SortFunc(all, func(a, b staff.Gap) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(a.Words, b.Words), strings.Compare(a.Topic, b.Topic))
	})
	all = all[:min(len(all), gapQuestions)]
	slices.SortFunc(all, func(a, b staff.Gap) int {
		return cmp.Or(strings.Compare(a.Words, b.Words), strings.Compare(a.Topic, b.Topic))
	})
	return all
}

// keepGap counts what the guide could not do, once an hour for the same from the
// same account. That it cannot be kept keeps nobody from an answer.
func keepGap(ctx context.Context, env Env, from chat.Account, g staff.Gap) {
	if env.Staff == nil || env.gaps == nil {
		return
	}
	if env.gaps.pass(strings.Join([]string{identity.LinkKey(from), string(g.Kind), g.Topic, g.Words}, "\n"), env.Now()) {
		_ = env.Staff.KeepGap(ctx, env.Organization.ID, g)
	}
}

// gapOf is the gap that an answer leaves, or none.
func gapOf(v phrases.Voice, a guide.Answer, masked string) (g staff.Gap, left bool) {
	if len(a.Topics) > 0 {
		g.Topic = a.Topics[0]
	}
	switch {
	case a.Expect == guide.ExpectNone && v.Language() != phrases.English:
		return staff.Gap{Kind: staff.GapLanguage, Topic: string(v.Language())}, true
	case a.Expect == guide.ExpectNone: // what is none of ours may be anything, so its words are not kept
		return staff.Gap{Kind: staff.GapElsewhere}, true
	case a.Expect == guide.ExpectHandover && a.Deed:
		g.Kind = staff.GapWanted
		return g, true
	case a.Expect == guide.ExpectHandover:
		g.Kind, g.Words = staff.GapAsked, masked
		return g, true
	}
	return g, false
}

// maskedQuestion is a question as it may be kept. While nobody's name is known it
// is not kept at all: names could stay in it.
func maskedQuestion(ctx context.Context, env Env, question string) string {
	facts, known := env.last(ctx)
	users, ok := facts.Users.Get()
	if !known || !ok {
		return ""
	}
	return env.Guide.Masked(question, inDirectory(users))
}

// shortestName is the shortest part of a name that is looked for.
const shortestName = 3

// inDirectory returns whether a word is part of the name of somebody in the tenant.
func inDirectory(users []graph.User) func(word string) bool {
	return func(word string) bool {
		return len(word) >= shortestName && slices.ContainsFunc(users, func(u graph.User) bool { return namedSo(u.Name, word) })
	}
}

// namedSo reports whether a word is one of a name's. A tenant may have a million.
func namedSo(name, word string) bool {
	for part := range strings.FieldsSeq(name) {
		if strings.EqualFold(part, word) {
			return true
		}
	}
	return false
}
