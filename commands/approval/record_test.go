package approval_test

import (
	"slices"
	"strings"
	"testing"

	"twokey/audit"
	"twokey/commands/approval"
)

// U22: after a whole story the chain names nobody who took part and quotes
// nobody; who and what is meant is found beside it.
func TestU22TheChainNamesNobody(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const (
			requester = "11111111-aaaa-4aaa-8aaa-111111111111"
			approver  = "22222222-bbbb-4bbb-8bbb-222222222222"
			denier    = "33333333-cccc-4ccc-8ccc-333333333333"
			target    = "44444444-dddd-4ddd-8ddd-444444444444"
			voter     = "55555555-eeee-4eee-8eee-555555555555"
		)
		w.people.change(func() {
			w.people.askers[requester] = true
			w.people.approvers[approver], w.people.approvers[denier] = true, true
		})
		plan := w.plan(requester, 1, target)
		plan.Account, plan.Targets[0].Name = "slack/T1/UREQUESTER", "Sam Leaver"
		plan.Policy.Voters = []string{approver, voter}
		done, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Approve(t.Context(), approval.Vote{By: person(approver), Account: "slack/T1/UAPPROVER", Seal: done.Seal()}); err != nil {
			t.Fatal(err)
		}
		w.wantEnd(done, approval.Succeeded)
		plan.Key += "-again"
		denied, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		vote := approval.Vote{By: person(denier), Account: "discord/G1/DENIER", Seal: denied.Seal(), Why: "Sam Leaver has left"}
		if _, err := w.engine.Deny(t.Context(), vote); err != nil {
			t.Fatal(err)
		}

		var actors []string
		for r, err := range w.store.Audit(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join([]string{r.Actor, r.Kind, r.Request, r.Facts}, "\n")
			for _, secret := range []string{requester, approver, denier, target, voter, "Leaver", "left", "REQUESTER", "APPROVER", "DENIER"} {
				if strings.Contains(text, secret) {
					t.Errorf("record %d names %q: %s", r.Number, secret, text)
				}
			}
			if !slices.Contains(actors, r.Actor) {
				actors = append(actors, r.Actor)
			}
		}
		people, err := w.store.Who(t.Context(), actors...)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, a := range actors {
			if p, known := people[a]; known {
				a = p.Object
			}
			got = append(got, a)
		}
		if want := []string{requester, approver, "twokey", denier}; !slices.Equal(got, want) {
			t.Errorf("the actors are %q, want %q", got, want)
		}
		words, err := w.store.Asides(t.Context(), denied.Ref)
		if err != nil || !slices.ContainsFunc(words, func(w audit.Aside) bool { return w.Words == vote.Why }) {
			t.Errorf("beside the chain stands %+v, %v; want the reason", words, err)
		}
	})
}
