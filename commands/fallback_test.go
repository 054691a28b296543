package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
)

// gone is who is away in a test, by object ID.
type gone map[string]time.Time

func (g gone) Away(context.Context, string) (map[string]time.Time, error) { return g, nil }

func (g gone) SetAway(context.Context, approval.Principal, time.Time, func(approval.Tx) error) error {
	return nil
}

// decided says what becomes of a request under a policy: how it is decided, or
// why it is refused.
func (w *world) decided(t *testing.T, p approval.Policy, requester string, targets ...string) string {
	t.Helper()
	r := approval.Request{Tenant: tenantID, Kind: "tap", Requester: principal(w.env, id(requester)), Policy: p}
	for _, name := range targets {
		r.Targets = append(r.Targets, approval.Target{ID: id(name)})
	}
	bench, err := w.env.People.Bench(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	p = fallback(w.env.Rules.Now(), p, bench, len(targets))
	if p.Quorum > 0 && len(bench.Can) < p.Quorum {
		return fmt.Sprintf("refused: appoint %d", p.Quorum-len(bench.Can))
	}
	s := fmt.Sprintf("%s: %d of %d, then %s", p.Name, p.Quorum, len(bench.Can), p.Wait)
	if p.Name == policyFallback && (p.Wait < time.Hour || len(p.Because) == 0) {
		t.Errorf("%s without a longer wait or its reason: %+v", s, p)
	}
	if p.Name != policyFallback && len(p.Because) > 0 {
		t.Errorf("%s for a reason: %v", s, p.Because)
	}
	return s
}

// TestU10 holds what happens in organisations of one, two and three people who
// approve, where each of them is there, away, or whom the request is about, and
// where one of them asks or somebody else does. The table is the golden file.
func TestU10(t *testing.T) {
	t.Parallel()
	policies := []approval.Policy{{Name: "one", Quorum: 1}, {Name: "two", Quorum: 2, Wait: 15 * time.Minute}}
	var table strings.Builder
	row := func(cells ...string) {
		fmt.Fprintln(&table, strings.TrimRight(fmt.Sprintf("%-28s%-14s%-8s%-34s%s", cells[0], cells[1], cells[2], cells[3], cells[4]), " "))
	}
	row("approvers", "asked by", "policy", "fallback on", "fallback off")
	for n := 1; n <= 3; n++ {
		names := []string{"abe", "bea", "olga"}[:n]
		for _, states := range product([]string{"there", "away", "target"}, n) {
			for _, requester := range []string{"hal", "abe"} {
				for _, p := range policies {
					var outcome []string
					for _, on := range []bool{true, false} {
						w, targets := staffed(t, names, states, func(r *rules.Rules) { r.Fallback = on })
						outcome = append(outcome, w.decided(t, p, requester, targets...))
					}
					who := "another"
					if requester == "abe" {
						who = "the first"
					}
					row(strings.Join(states, ", "), who, p.Name, outcome[0], outcome[1])
				}
			}
		}
	}
	golden(t, "u10.txt", table.String())
}

// staffed is a world of these approvers, of whom some are away and others are
// the targets.
func staffed(t *testing.T, names, states []string, change func(*rules.Rules)) (w *world, targets []string) {
	w = newDryWorld(t, func(f *fixture) { f.roles[identity.Approver] = nil })
	away := gone{}
	r := w.rules()
	for i, name := range names {
		r.Roles["approver"] = append(r.Roles["approver"], rules.Holder{User: id(name)})
		switch states[i] {
		case "away":
			away[id(name)] = w.now().Add(time.Hour)
		case "target":
			targets = append(targets, name)
		}
	}
	change(&r)
	w.env.Rules, w.env.Absences = rules.Fixed(r), away
	w.env.People = w.people()
	return w, targets
}

// product lists all ways to choose n times among the values.
func product(values []string, n int) (all [][]string) {
	if n == 0 {
		return [][]string{nil}
	}
	for _, head := range product(values, n-1) {
		for _, v := range values {
			all = append(all, append(slices.Clone(head), v))
		}
	}
	return all
}

// TestU10NobodyLinked holds that approvers who have no chat account that counts
// make up no quorum: nobody could ask them, and they could press nothing.
func TestU10NobodyLinked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) {
		for _, a := range []chat.Account{account("abe"), account("bea"), {Platform: "other", User: "abe-2"}} {
			delete(f.links, a)
		}
	})
	wantSaid(t, w.say("ada", "defaults enable all have been trained"), "This needs 2 approvers, and nobody could decide. Nothing was asked for.",
		"No chat account counts of “Abe Lindqvist”, “Bea Fontaine”: “/mfa link” makes one")
	if n := len(w.stored()); n > 0 {
		t.Errorf("%d requests are stored", n)
	}
	wantSaid(t, w.say("olga", "doctor"), "These could not be decided today: defaults", "No chat account counts of “Abe Lindqvist”, “Bea Fontaine”")
}

// TestU10UnlinkedMakeNoFewerDo holds that one approval is not enough because
// somebody has linked no account, whether or not they are away or the target too:
// whoever wants fewer to decide could see to that.
func TestU10UnlinkedMakeNoFewerDo(t *testing.T) {
	t.Parallel()
	two := approval.Policy{Name: "two", Quorum: 2, Wait: 15 * time.Minute}
	for _, c := range []struct {
		states   []string // of abe, bea and olga
		unlinked string
		want     string
	}{
		{[]string{"there", "away", "there"}, "", "two: 2 of 2, then 15m0s"},
		{[]string{"there", "away", "there"}, "olga", "refused: appoint 1"},
		{[]string{"there", "target", "there"}, "olga", "refused: appoint 1"},
		{[]string{"there", "away"}, "", "fallback: 1 of 1, then 1h0m0s"},
		{[]string{"there", "away"}, "bea", "refused: appoint 1"},
		{[]string{"there", "target"}, "bea", "refused: appoint 1"},
		{[]string{"there", "there", "there"}, "olga", "two: 2 of 2, then 15m0s"},
	} {
		w, targets := staffed(t, []string{"abe", "bea", "olga"}[:len(c.states)], c.states, func(r *rules.Rules) {
			r.Fallback = true
			delete(r.Links, identity.LinkKey(account(c.unlinked)))
		})
		if got := w.decided(t, two, "hal", targets...); got != c.want {
			t.Errorf("%v, without an account %q: %s, want %s", c.states, c.unlinked, got, c.want)
		}
	}
}

// TestU10Manager holds that a manager is enough for their own staff where
// nobody approves, and for nobody who has a role.
func TestU10Manager(t *testing.T) {
	t.Parallel()
	w, _ := staffed(t, []string{"abe"}, []string{"away"}, func(r *rules.Rules) { r.ManagerApproves = true })
	w.managers = map[string]string{id("sam"): id("sue"), id("vic"): id("sue")}
	one := approval.Policy{Name: "one", Quorum: 1, Manager: true}
	for target, want := range map[string]string{"sam": "one: 1 of 1, then 0s", "vic": "refused: appoint 1"} {
		if got := w.decided(t, one, "hal", target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	if got := w.decided(t, one, "sue", "sam"); got != "refused: appoint 1" {
		t.Errorf("the manager asks and decides: %s", got)
	}
}

// TestU10Appoint holds that a refusal says who may not decide and why, and whom
// to appoint.
func TestU10Appoint(t *testing.T) {
	t.Parallel()
	w, _ := staffed(t, []string{"abe", "bea", "hal"}, []string{"away", "there", "there"}, func(*rules.Rules) {})
	r := approval.Plan{
		Tenant: tenantID, Kind: "tap", Requester: principal(w.env, id("hal")), Policy: approval.Policy{Quorum: 2},
		Targets: []approval.Target{{ID: id("bea")}},
	}
	err := tooFew(t.Context(), w.env, r, approval.ErrQuorum)
	want := "This needs 2 approvers, and nobody could decide. “Bea Fontaine” may not: it is about them. “Abe Lindqvist” may not: away. " +
		"You are an approver, and may not decide what you ask for yourself. Nothing was asked for. " +
		"Appoint 2 more approvers: somebody outside of IT, as a director or whoever leads finance, will do. An owner does that in the configuration: “Olga Petrova”."
	if err == nil || err.(interface{ Say() string }).Say() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	r.Policy.Only = []string{id("bea")}
	for _, other := range []error{approval.ErrQuorum, approval.ErrOpen, errAway} {
		if err := tooFew(t.Context(), w.env, r, other); err != other {
			t.Errorf("%v becomes %v", other, err)
		}
	}
}

// TestU10FewerDecideForNobodyAdded holds that nobody makes one approval enough by
// asking about an approver beside those whom the request is meant for.
func TestU10FewerDecideForNobodyAdded(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		if r := o.asks("ada", "reset "+upn("vic")+" for a test"); r.Policy.Quorum != 2 {
			t.Fatalf("about vic alone it is decided by %+v", r.Policy)
		}
		got := o.say("ada", "reset "+upn("vic")+","+upn("bea")+" for a test")
		wantSaid(t, got, "This needs 2 approvers, and only 1 could decide.", "may not: it is about them", "ask about approvers apart from the others")
		if r := o.asks("ada", "reset "+upn("bea")+" for a test"); r.Policy.Name != policyFallback || r.Policy.Quorum != 1 || r.Policy.Wait < fallbackWait {
			t.Errorf("about bea alone it is decided by %+v", r.Policy)
		}
	}, func(s *setting) { s.laid.Fallback = true })
}
