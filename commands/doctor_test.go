package commands

import (
	"strings"
	"testing"
	"time"

	"twokey/commands/identity"
	"twokey/commands/rules"
)

// TestU10Doctor holds that doctor says for each kind of change who could decide
// it today, and what is laxer than usual or wrong with those who decide.
func TestU10Doctor(t *testing.T) {
	t.Parallel()
	clinic := func(change func(*rules.Rules), away gone) string {
		w := newWorld(t, crowd, func(f *fixture) {
			f.roles[identity.Approver] = []string{id("abe"), id("bea")}
			f.roles[identity.Owner] = []string{id("olga")}
			f.changes = []string{DefaultsKind, PassKind, RevokeKind}
		})
		r := w.rules()
		change(&r)
		w.env.Rules, w.env.Absences = rules.Fixed(r), away
		w.env.People = w.people()
		w.assemble()
		return w.say("olga", "doctor").Plain()
	}
	later := start.Add(48 * time.Hour)
	for _, c := range []struct {
		name   string
		change func(*rules.Rules)
		away   gone
	}{
		{"all there", func(*rules.Rules) {}, nil},
		{"one away", func(r *rules.Rules) { r.Fallback = true }, gone{id("abe"): later}},
		{"one away and no fallback", func(*rules.Rules) {}, gone{id("abe"): later}},
		{"all away", func(r *rules.Rules) { r.Fallback = true }, gone{id("abe"): later, id("bea"): later}},
		{"managers", func(r *rules.Rules) { r.ManagerApproves = true }, gone{id("abe"): later, id("bea"): later}},
		{"one approver where two are usual", func(r *rules.Rules) {
			r.Approvals = map[string]rules.Approval{policyTwo: {Policy: policyOne, Wait: 90 * time.Minute}}
		}, nil},
		{"solo", func(r *rules.Rules) { r.Solo, r.AcceptNoStepUp, r.AcceptLockout = true, true, true }, nil},
		{"a guest and a leaver are listed", func(r *rules.Rules) {
			r.Roles["approver"] = append(r.Roles["approver"], rules.Holder{User: id("guest")}, rules.Holder{User: id("deleted")}, rules.Holder{User: id("em1")})
		}, nil},
		{"nothing switched on", func(r *rules.Rules) { r.Changes = nil }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			golden(t, "doctor-"+strings.ReplaceAll(c.name, " ", "-")+".txt", clinic(c.change, c.away)+"\n")
		})
	}
}

// What waits for its day is listed until then.
func TestU09Doctor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was, is := w.rules(), w.rules()
	is.Solo = true
	w.govern(rules.NewKeeper([]rules.Version{{Rules: was, Since: w.now().Add(-time.Hour)}, {Rules: is, Since: w.now()}}, w.now))
	wantSaid(t, w.say("olga", "doctor"), "Solo: “on”, and before “off”. It does not hold yet: what makes the rules weaker waits 24 hours.")
	w.advance(rules.Late)
	wantSaid(t, w.say("olga", "doctor"), "“solo” is on: one person alone can change the tenant.")
}

// Doctor says nothing where it could not look.
func TestG29Doctor(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t, func(f *fixture) { f.byGroup = map[identity.Role]string{identity.Approver: "g-board"} })
	w.fails["groups"] = errAway
	wantSaid(t, w.say("olga", "doctor"), "it could not be read who is in it: Microsoft 365 could not be reached.")
}
