package commands

import (
	"slices"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
)

// asks lists who is asked about a request in their own messages.
func asks(r approval.Request) (who []string) {
	for _, s := range r.Subscribers {
		if s.Who != "" && !s.Requester && !slices.Contains(who, s.Who) {
			who = append(who, s.Who)
		}
	}
	return who
}

// TestAway holds that one can say that oneself is away and nobody else, that
// whoever is away is not asked and the backups are instead, and that the press
// of somebody who is away counts all the same.
func TestAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) {
		f.roles[identity.Approver] = []string{id("abe"), id("bea"), id("vic"), id("hal")}
	})
	is := w.rules()
	is.Backups = []string{id("hal"), id("vic")}
	w.govern(rules.Fixed(is))
	wantSaid(t, w.say("abe", "away"), "You are not away.")
	r := w.ask()
	if got := asks(r); !slices.Equal(got, []string{id("abe"), id("bea")}) {
		t.Errorf("at first %v are asked", got)
	}
	w.say("ada", "cancel "+r.Ref)
	w.advance(time.Minute)

	wantSaid(t, w.say("abe", "away until Friday"), "You are away until Friday 27 November 2026, and back on that day.", "If you press a button all the same, it counts.")
	wantSaid(t, w.say("abe", "away"), "You are away, and back on Friday 27 November 2026.")
	wantSaid(t, w.say("bea", "away"), "You are not away.")
	r = w.ask()
	if got := asks(r); !slices.Equal(got, []string{id("bea"), id("hal"), id("vic")}) {
		t.Errorf("while abe is away %v are asked", got)
	}
	wantSaid(t, w.say("abe", "approve "+r.Ref), "is recorded")
	w.say("ada", "cancel "+r.Ref)

	wantSaid(t, w.say("abe", "away back"), "Welcome back.")
	wantSaid(t, w.say("abe", "away"), "You are not away.")
	wantSaid(t, w.say("abe", "away 30 November"), "Monday 30 November 2026")
	wantSaid(t, w.say("abe", "away until today"), "Welcome back.")
	wantSaid(t, w.say("abe", "away until tomorrow"), "Tuesday 24 November 2026")
	w.advance(24 * time.Hour)
	wantSaid(t, w.say("abe", "away"), "You are not away.")

	for line, want := range map[string]string{
		"away until 2026-11-01": "Sunday 1 November 2026 is past.",
		"away until 2028-01-01": "is more than a year away.",
		"away bea until Friday": "I cannot read",
		"away until whenever":   "I cannot read “whenever” as a date.",
	} {
		wantSaid(t, w.say("abe", line), want)
	}
	records := w.recorded("person.away")
	if len(records) != 5 {
		t.Errorf("%d records of absences: %+v", len(records), records)
	}
	for _, r := range records {
		if r.Actor == id("abe") || r.Actor == "" {
			t.Errorf("recorded for %q", r.Actor)
		}
	}
}

// Whoever leaves too few behind is told so.
func TestAwayLeavesFew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wantSaid(t, w.say("abe", "away until Friday"), "1 approver left. What needs two waits longer, or cannot be asked for.")
	wantSaid(t, w.say("sam", "away until Friday"), "1 approver left.")
	wantSaid(t, w.say("stranger", "away until Friday"), "I do not know who you are")
}

// TestU10Away holds that a request which needs two is left to one where the
// other is away: one waits longer and everybody is told, and where the owner
// does not want that it is refused, naming who is away and whom to appoint.
func TestU10Away(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		is := w.rules()
		is.Fallback = true
		w.govern(rules.Fixed(is))
		w.say("abe", "away until Friday")
		r := w.ask()
		if r.Policy.Name != policyFallback || r.Policy.Quorum != 1 || r.Policy.Wait != time.Hour || len(r.Policy.Because) != 1 {
			t.Errorf("decided by %+v", r.Policy)
		}
		w.say("ada", "cancel "+r.Ref)
		is.Fallback = false
		w.govern(rules.Fixed(is))
		wantSaid(t, w.say("ada", "defaults enable all have been trained"),
			"This needs 2 approvers, and only 1 could decide. “Abe Lindqvist” may not: away. Nothing was asked for. Appoint 1 more approver", "“Olga Petrova”")
	})
}
