package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

func deadlines(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "deadlines", Summary: "The dated changes by Microsoft that hit this tenant, and how many people or accounts each.", Example: "deadlines"},
		Access:      only(identity.Viewer),
		Aloud:       true,
		Kept:        true,
		Answer: func(ctx context.Context, _ Call) (chat.Message, error) {
			facts := env.kept(ctx)
			all := rollout.Deadlines(rollout.NewFunnel(facts, env.Scope), rollout.NewLegacy(facts, env.Scope))
			return deadlinesMessage(env, all, facts), nil
		},
	}
}

func deadlinesMessage(env Env, all []rollout.Deadline, facts rollout.Facts) chat.Message {
	m := chat.Message{
		Headline: "No dated change by Microsoft that Twokey knows of hits this tenant, as far as could be read.",
		Footer:   "As of " + moment(env, facts.AsOf) + ". Whom a change hits is counted here; the dates are Microsoft's, as they were looked up.",
	}
	if len(all) == 0 {
		return m
	}
	m.Headline = deadlineHeadline(env, all)
	m.Table = &chat.Table{Header: []string{"When", "What", "For", "Hits here"}}
	for _, d := range all {
		m.Table.Rows = append(m.Table.Rows, []string{d.When, d.What, populationWords[d.For], hitsWords(d)})
		source := chat.Field{Label: "Source, " + d.ID + " for " + populationWords[d.For], Value: d.Source + ", looked up on " + d.Checked.Format("2 January 2006")}
		if !slices.Contains(m.Details, source) {
			m.Details = append(m.Details, source)
		}
	}
	if slices.ContainsFunc(all, func(d rollout.Deadline) bool { return d.Hits == rollout.HitsSMTPAuth || d.Hits == rollout.HitsLegacy }) {
		m.Text = "Unknown devices cannot be excluded: a scanner or a program that was not used lately does not show."
	}
	return m
}

// deadlineHeadline names the next day.
func deadlineHeadline(env Env, all []rollout.Deadline) string {
	for _, d := range all {
		if days, announced := d.DaysLeft(today(env)); announced && days >= 0 {
			return fmt.Sprintf("The next of %s is %s, %s away: %s.", plural(fmt.Sprint(len(all)), "dated change"), d.When, plural(fmt.Sprint(days), "day"), d.What)
		}
	}
	return plural(fmt.Sprint(len(all)), "dated change") + " by Microsoft hit this tenant; none of them has a day ahead."
}

// populationWords say whom a dated change is for.
var populationWords = map[rollout.Population]string{
	rollout.ForMembers:   "members",
	rollout.ForAdmins:    "administrators",
	rollout.ForGuests:    "guests",
	rollout.ForEmergency: "emergency accounts",
}

// hitsWords say how many a change hits, or why that is not known.
func hitsWords(d rollout.Deadline) string {
	n, known := d.Affected.Value()
	switch {
	case known:
	case d.For == rollout.ForGuests:
		return "not counted: what guests have registered is not read"
	default:
		return "not known: " + d.Affected.String()
	}
	words := atLeast(d.Affected)
	switch d.Affected.ID {
	case rollout.MailSeenSMTP, rollout.MailSeen:
		words += " seen in the mail program report: a suspicion"
	default:
		if n == 0 {
			words = "none of those who could be read"
		}
	}
	return strings.TrimSpace(words)
}
