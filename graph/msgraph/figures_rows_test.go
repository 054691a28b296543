package msgraph_test

import (
	"fmt"

	"twokey/graph/rollout"
)

// answer is what a command tells beside the figures: "" for a value, or the
// reason. Only the first n weeks have been read.
type answer func(c column, n int) (rollout.Reason, error)

// commandAnswers are the rows of the second table.
func commandAnswers() []struct {
	name string
	ask  answer
} {
	type row = struct {
		name string
		ask  answer
	}
	var rows []row
	for _, q := range rollout.Questions() {
		rows = append(rows, row{"who " + string(q), func(c column, _ int) (rollout.Reason, error) {
			_, why := rollout.Who(c.facts, c.scope, q)
			return why, nil
		}})
	}
	listed := func(list func(rollout.Legacy) bool) answer {
		return func(c column, _ int) (rollout.Reason, error) {
			if list(c.legacy) {
				return "", nil
			}
			return c.legacy.Get(rollout.LegacySucceeded).Reason(), nil
		}
	}
	return append(
		rows,
		row{"legacy --by protocol", listed(func(l rollout.Legacy) bool { return l.ByProtocol != nil })},
		row{"legacy --by app", listed(func(l rollout.Legacy) bool { return l.ByApp != nil })},
		row{"legacy --by device", listed(func(l rollout.Legacy) bool { return l.ByDevice != nil })},
		row{"legacy --by user", listed(func(l rollout.Legacy) bool { return l.Accounts != nil })},
		row{"legacy, suspicions by mailbox", func(c column, _ int) (rollout.Reason, error) {
			return c.legacy.Get(rollout.MailSeenPeople).Reason(), nil
		}},
		row{"preflight, legacy can be green", func(c column, _ int) (rollout.Reason, error) { return greenable(c), nil }},
		row{"breakglass, last sign-ins", func(c column, _ int) (rollout.Reason, error) {
			_, why := rollout.EmergencySignIns(c.facts, c.scope)
			return why, nil
		}},
		row{"scope suggest", func(c column, _ int) (rollout.Reason, error) {
			_, why := rollout.People(c.facts, c.scope)
			return why, nil
		}},
		row{"scope suggest, never signed in", func(c column, _ int) (rollout.Reason, error) {
			_, why := rollout.SuggestScope(c.facts, c.scope)
			return why, nil
		}},
		row{"changes", func(c column, _ int) (rollout.Reason, error) { return rollout.ReasonOf(c.failed), nil }},
		row{"changes since last week", func(c column, n int) (rollout.Reason, error) { return changedSince(c.weeks[:n]), nil }},
		row{"trend, registered", func(c column, n int) (rollout.Reason, error) { return drawn(c.weeks[:n], rollout.Registered) }},
		row{"trend, enforced", func(c column, n int) (rollout.Reason, error) { return drawn(c.weeks[:n], rollout.Enforced) }},
		row{"trend, legacy sign-ins", func(c column, n int) (rollout.Reason, error) { return drawn(c.weeks[:n], rollout.LegacySucceeded) }},
		row{"trend, mailboxes seen with old protocols", func(c column, n int) (rollout.Reason, error) { return drawn(c.weeks[:n], rollout.MailSeen) }},
		row{"forecast", func(c column, n int) (rollout.Reason, error) {
			f, err := rollout.NewForecast(c.weeks[:n], rollout.Goal{Percent: 100})
			return f.Why, err
		}},
	)
}

// greenable returns why the verdict on legacy authentication cannot be green on
// such a tenant, whatever is found.
func greenable(c column) rollout.Reason {
	if v := rollout.JudgeLegacy(c.facts, c.scope); v.Source != rollout.SignInLog {
		return rollout.Reason(fmt.Sprintf("never green: %s (%s)", v.Source, v.Why))
	}
	return ""
}

func changedSince(weeks []rollout.Week) rollout.Reason {
	this := weeks[len(weeks)-1]
	var last *rollout.Week
	if len(weeks) > 1 {
		last = &weeks[len(weeks)-2]
	}
	registered := rollout.Compare(this, last).Get(rollout.Registered)
	if _, ok := registered.Change(); !ok && registered.Reason() == "" {
		return rollout.NotRead
	}
	return registered.Reason()
}

// drawn is a trend of two points or more.
func drawn(weeks []rollout.Week, id rollout.ID) (rollout.Reason, error) {
	points, err := rollout.Trend(weeks)
	known := 0
	var why rollout.Reason
	for _, f := range rollout.Series(points, id) {
		if _, ok := f.Value(); ok {
			known++
		}
		why = f.Reason()
	}
	if known < 2 && why == "" {
		why = rollout.NotRead
	}
	return why, err
}

func commandRows(read []column) []string {
	lines := tableHead("Answer")
	for _, a := range commandAnswers() {
		line := "| `" + a.name + "`"
		for _, c := range read {
			line += " | " + cell(c, a.ask)
		}
		lines = append(lines, line+" |")
	}
	return append(lines, deadlineRows(read)...)
}

// cell is "value" if the first reading gives one, or from which reading on.
func cell(c column, ask answer) string {
	var why rollout.Reason
	for n := 1; n <= len(c.weeks); n++ {
		var err error
		if why, err = ask(c, n); err != nil {
			return err.Error()
		}
		if why == "" && n == 1 {
			return "value"
		}
		if why == "" {
			return fmt.Sprintf("stored since: weekly reading %d", n)
		}
	}
	return string(why)
}

// deadlineRows says whether each dated change can be told to hit somebody.
func deadlineRows(read []column) []string {
	var lines []string
	for _, d := range rollout.MicrosoftDates() {
		line := fmt.Sprintf("| `deadlines`, %s for %s", d.ID, d.For)
		for _, c := range read {
			line += " | " + hitWord(rollout.Hitting([]rollout.DatedChange{d}, c.funnel, c.legacy))
		}
		lines = append(lines, line+" |")
	}
	return lines
}

func hitWord(hitting []rollout.Deadline) string {
	if len(hitting) == 0 {
		return "value"
	}
	affected := hitting[0].Affected
	switch _, ok := affected.Value(); {
	case !ok:
		return string(affected.Reason())
	case affected.ID == rollout.MailSeenSMTP:
		return "value (suspicion)"
	default:
		return "value"
	}
}
