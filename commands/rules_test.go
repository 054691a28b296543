package commands

import (
	"maps"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
)

// relay makes the world's rules anew, as if the owner had just written them.
func (w *world) relay(change func(*rules.Rules)) {
	w.t.Helper()
	was, is := w.rules(), w.rules()
	change(&is)
	w.env.Rules.Set([]rules.Version{{Rules: was, Since: w.now().Add(-time.Hour)}, {Rules: is, Since: w.now()}})
}

// TestU01NewLink holds that a link which is new gives what staff may do: its
// person is known, and can neither ask nor decide, nor read what is not theirs.
func TestU01NewLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := rules.NewKeeper([]rules.Version{{Rules: w.rules(), Since: w.now().Add(-time.Hour)}}, w.now)
	w.govern(k)
	r := w.ask()
	w.relay(func(is *rules.Rules) {
		is.Links = maps.Clone(is.Links)
		is.Links[identity.LinkKey(account("abe-new"))] = id("abe")
		is.Links[identity.LinkKey(account("ada-new"))] = id("ada")
	})
	wantSaid(t, w.say("abe-new", "whoami"), "You are Abe Lindqvist.", "Roles: staff, until the link is a day old")
	wantSaid(t, w.say("abe-new", "me"), "You are set up.")
	const not = "linked less than a day ago"
	for _, line := range []string{"approve " + r.Ref, "deny " + r.Ref, "cancel " + r.Ref, "status"} {
		wantSaid(t, w.say("abe-new", line), not)
	}
	wantSaid(t, w.say("ada-new", "defaults enable because"), not)
	wantSaid(t, w.press("abe-new", "approve", r.Seal(), nil), not)
	if got := w.stored()[0]; got.State != approval.Pending || got.Version != r.Version {
		t.Errorf("it is %s of version %d", got.State, got.Version)
	}
	wantSaid(t, w.say("abe", "approve "+r.Ref), "is recorded")
	w.advance(rules.Late)
	wantSaid(t, w.say("abe-new", "whoami"), "Roles: approver")
}

// TestU21Evidence holds that a request keeps what it was asked and decided by.
func TestU21Evidence(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		r := w.ask()
		if r.ConfigHash != w.rules().Hash() {
			t.Errorf("hash %q", r.ConfigHash)
		}
		want := approval.Warrant{Name: "Ada Okafor", UPN: "ada@vale.example", Role: "lead", Via: "user", Proof: "pinned in the configuration", Fresh: r.Warrant.Fresh}
		if r.Warrant != want || want.Fresh.Proof != chosenProof {
			t.Errorf("%+v", r.Warrant)
		}
		wantSaid(t, w.say("abe", "approve "+r.Ref), "is recorded")
		err := w.store.View(t.Context(), func(tx approval.Tx) error {
			d, err := tx.Decisions(r.ID)
			if err == nil && (d[0].Warrant.Role != "approver" || d[0].Warrant.Proof != "pinned in the configuration") {
				t.Errorf("%+v", d[0].Warrant)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
