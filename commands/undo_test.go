package commands

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph"
	"twokey/store/pgtest"
)

// TestU12Undo turns a change back within a day: one of those who approved it is
// enough, nobody waits, nobody else may; and after a day the usual rule holds.
func TestU12Undo(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		undoesWithinADay(t, blank(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		undoesWithinADay(t, pgtest.DSN(t))
	})
}

func undoesWithinADay(t *testing.T, dsn string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldIn(t, dsn, p1, func(f *fixture) { f.roles[identity.Approver] = append(f.roles[identity.Approver], id("sue")) })
		writes := countWrites(w, nil)
		r := w.ask()
		w.press("abe", "approve", r.Seal(), nil)
		w.press("bea", "approve", r.Seal(), nil)
		w.advance(15 * time.Minute)
		w.run()
		w.want(approval.Succeeded, "two")

		wantSaid(t, w.say("ada", "defaults disable the scanners have stopped"), "Recorded as R-")
		back := w.want(approval.Pending, policyUndo)
		if got := back.Policy; got.Quorum != 1 || got.Wait != 0 || !slices.Equal(got.Only, []string{id("abe"), id("bea")}) {
			t.Errorf("the rule for undoing is %+v", got)
		}
		for _, s := range back.Subscribers {
			if strings.Contains(s.Address, "sue") {
				t.Errorf("sue, who did not approve it, is asked: %+v", s)
			}
		}
		said := w.render(approval.NoticePrompt, map[string]string{"request": back.ID}).Plain()
		for _, want := range []string{"one of those who approved what this undoes", "puts back what " + r.Ref + " changed"} {
			if !strings.Contains(said, want) {
				t.Errorf("the prompt does not say %q:\n%s", want, said)
			}
		}
		wantSaid(t, w.press("sue", "approve", back.Seal(), nil), "You may not decide this")
		w.press("bea", "approve", back.Seal(), nil)
		w.run()
		w.want(approval.Succeeded, policyUndo)
		if w.enabled || len(*writes) != 2 {
			t.Errorf("after %d writes security defaults are %s", len(*writes), onOff(w.enabled))
		}

		w.advance(undoTime)
		wantSaid(t, w.say("ada", "defaults enable once more"), "Recorded as R-")
		w.want(approval.Pending, "two")
	})
}

// want returns the newest request, which is in a state, under a policy.
func (w *world) want(state approval.State, policy string) approval.Request {
	w.t.Helper()
	r := w.stored()[0]
	if r.State != state || r.Policy.Name != policy {
		w.t.Fatalf("%s is %s under %q, want %s under %q: %+v", r.Ref, r.State, r.Policy.Name, state, policy, r.Outcome)
	}
	return r
}

// TestU12UndoByOthers holds that the usual rule stays where nobody who approved
// may decide any more.
func TestU12UndoByOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p1, func(f *fixture) {
			f.roles[identity.Approver] = append(f.roles[identity.Approver], id("sue"), id("vic"))
		})
		countWrites(w, nil)
		r := w.ask()
		w.press("abe", "approve", r.Seal(), nil)
		w.press("bea", "approve", r.Seal(), nil)
		w.advance(15 * time.Minute)
		w.run()
		w.disable("abe")
		w.disable("bea")
		wantSaid(t, w.say("ada", "defaults disable the scanners have stopped"), "Recorded as R-")
		w.want(approval.Pending, "two")
	})
}

// TestU12UndoOfALaterBlock has one of several who were blocked let in and blocked
// anew, by itself or beside others: letting all of them in puts back more than the
// first block, and that is for the usual rule.
func TestU12UndoOfALaterBlock(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]struct {
		lines func(ids []string) []string
		want  bool // it is an undoing
	}{
		"nothing later": {func([]string) []string { return nil }, true},
		"one anew": {func(ids []string) []string {
			return []string{"unblock " + ids[3] + " came back", "block " + ids[3] + " a stranger is in the account"}
		}, false},
		"one of two": {func(ids []string) []string {
			return []string{"unblock " + ids[3] + " came back", "block " + ids[3] + "," + ids[4] + " strangers are in both"}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				ids := o.plain(5)
				all := strings.Join(ids[:4], ",")
				for _, line := range append([]string{"block " + all + " they have left"}, later.lines(ids)...) {
					r := o.asks("ada", line)
					o.agrees(r)
					if r = o.ends(r); r.State != approval.Succeeded {
						t.Fatalf("%s: %s", line, r.State)
					}
				}
				if r := o.asks("ada", "unblock "+all+" all a mistake"); (r.Policy.Name == policyUndo) != later.want {
					t.Errorf("the rule is %+v", r.Policy)
				}
			}, func(s *setting) { s.laid.Many = 3 })
		})
	}
}

// defaultsRequest is a request of security defaults that was carried out.
func defaultsRequest(enable bool, at time.Time, approvers ...string) made {
	m := made{Request: approval.Request{
		Ref: fmt.Sprint("R-", at.Unix()), Tenant: tenantID, Kind: DefaultsKind, KindVersion: defaultsVersion, State: approval.Succeeded,
		Targets: []approval.Target{{ID: tenantID}}, Args: json.RawMessage(encode(map[string]bool{"enable": enable})),
		Snapshot: json.RawMessage(encode(defaultsSnapshot{Enabled: !enable})), Outcome: approval.Outcome{At: at},
	}}
	for _, a := range approvers {
		m.approvers = append(m.approvers, approval.Principal{Tenant: tenantID, Object: a})
	}
	return m
}

// TestUndo holds what is an undoing and what is not.
func TestUndo(t *testing.T) {
	t.Parallel()
	two := approval.Policy{Name: "two", Quorum: 2, Wait: 15 * time.Minute, Version: 7}
	hour := func(n int) time.Time { return start.Add(-time.Duration(n) * time.Hour) }
	for _, row := range []struct {
		name   string
		last   []made
		enable bool
		change func(p *approval.Plan)
		only   []string // nil: no undoing
	}{
		{"off again", []made{defaultsRequest(true, hour(1), "abe", "bea")}, false, nil, []string{"abe", "bea"}},
		{"on again", []made{defaultsRequest(false, hour(1), "abe", "bea")}, true, nil, []string{"abe", "bea"}},
		{"nothing was changed", nil, false, nil, nil},
		{"a part of it was changed", []made{func() made {
			m := defaultsRequest(true, hour(1), "abe")
			m.State = approval.Partial
			return m
		}()}, false, nil, nil},
		{"it is not known whether it was changed since", []made{defaultsRequest(true, hour(5), "abe"), func() made {
			m := defaultsRequest(true, hour(1), "abe")
			m.State = approval.Unknown
			return m
		}()}, false, nil, nil},
		{"a day later", []made{defaultsRequest(true, hour(24), "abe", "bea")}, false, nil, nil},
		{"just within a day", []made{defaultsRequest(true, hour(24).Add(time.Second), "abe")}, false, nil, []string{"abe"}},
		{"the same once more", []made{defaultsRequest(true, hour(1), "abe")}, true, nil, nil},
		{"the last one counts", []made{defaultsRequest(true, hour(5), "abe"), defaultsRequest(false, hour(1), "bea")}, true, nil, []string{"bea"}},
		{"whatever their order", []made{defaultsRequest(false, hour(1), "bea"), defaultsRequest(true, hour(5), "abe")}, true, nil, []string{"bea"}},
		{"not the one before", []made{defaultsRequest(true, hour(5), "abe"), defaultsRequest(false, hour(1), "bea")}, false, nil, nil},
		{"an old one hides behind none", []made{defaultsRequest(true, hour(30), "abe")}, false, nil, nil},
		{"it was so before", []made{func() made {
			m := defaultsRequest(true, hour(1), "abe")
			m.Snapshot = json.RawMessage(encode(defaultsSnapshot{Enabled: true}))
			return m
		}()}, false, nil, nil},
		{"the requester approved it alone", []made{defaultsRequest(true, hour(1), "ada")}, false, nil, nil},
		{"the requester and another", []made{defaultsRequest(true, hour(1), "ada", "abe")}, false, nil, []string{"abe"}},
		{"nobody approved it", []made{defaultsRequest(true, hour(1))}, false, nil, nil},
		{"another tenant", []made{defaultsRequest(true, hour(1), "abe")}, false, func(p *approval.Plan) { p.Tenant = "elsewhere" }, nil},
		{"another kind", []made{defaultsRequest(true, hour(1), "abe")}, false, func(p *approval.Plan) { p.Kind = "tap" }, nil},
		{"another target", []made{defaultsRequest(true, hour(1), "abe")}, false, func(p *approval.Plan) { p.Targets = []approval.Target{{ID: "x"}} }, nil},
		{"an approver is the target", []made{func() made {
			m := defaultsRequest(true, hour(1), "abe")
			m.Targets = []approval.Target{{ID: "abe"}}
			return m
		}()}, false, func(p *approval.Plan) { p.Targets = []approval.Target{{ID: "abe"}} }, nil},
		{"stored by another version", []made{defaultsRequest(true, hour(1), "abe")}, false, func(p *approval.Plan) { p.KindVersion++ }, nil},
		{"not understood", []made{func() made {
			m := defaultsRequest(true, hour(1), "abe")
			m.Args = json.RawMessage(`{}`)
			return m
		}()}, false, nil, nil},
		{"the usual rule is no stricter", []made{defaultsRequest(true, hour(1), "abe")}, false, func(p *approval.Plan) { p.Policy = approval.Policy{Name: "one", Quorum: 1} }, nil},
		{"nobody else decides it anyway", []made{defaultsRequest(true, hour(1), "abe")}, false, func(p *approval.Plan) { p.Policy = approval.Policy{Name: "confirm"} }, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := approval.Plan{
				Tenant: tenantID, Kind: DefaultsKind, KindVersion: defaultsVersion, Targets: []approval.Target{{ID: tenantID}},
				Args: json.RawMessage(encode(map[string]bool{"enable": row.enable})), Requester: approval.Principal{Tenant: tenantID, Object: "ada"}, Policy: two,
			}
			if row.change != nil {
				row.change(&p)
			}
			got := undo(row.last, p, start)
			if row.only == nil {
				if encode(got) != encode(p) {
					t.Errorf("the plan became one under %+v", got.Policy)
				}
				return
			}
			if got.Policy.Name != policyUndo || got.Policy.Quorum != 1 || got.Policy.Wait != 0 || !slices.Equal(got.Policy.Only, row.only) || len(got.Policy.Because) != 1 {
				t.Errorf("the rule is %+v, want one of %s", got.Policy, row.only)
			}
			if got.Policy = p.Policy; encode(got) != encode(p) {
				t.Errorf("more than the rule changed: %+v", got)
			}
		})
	}
}

// TestU12Restores holds for each kind of change what puts it back.
func TestU12Restores(t *testing.T) {
	t.Parallel()
	access := func(kind string, s accessSnapshot, a accessArgs) approval.Request {
		return approval.Request{Kind: kind, KindVersion: accessVersion, Args: json.RawMessage(encode(a)), Snapshot: json.RawMessage(encode(s))}
	}
	policies := func(s graph.PolicyState) accessSnapshot {
		return accessSnapshot{Policies: []graph.Policy{{ID: "p1", State: s}}}
	}
	campaign := func(was, is graph.Campaign) approval.Request {
		return approval.Request{Kind: CampaignKind, KindVersion: campaignVersion, Args: json.RawMessage(encode(campaignState{is})), Snapshot: json.RawMessage(encode(campaignState{was}))}
	}
	passes := func(was, is graph.PassPolicy) approval.Request {
		return approval.Request{Kind: PassPolicyKind, KindVersion: passPolicyVersion, Args: json.RawMessage(encode(passPolicyArgs{is})), Snapshot: json.RawMessage(encode(passPolicySnapshot{was}))}
	}
	one, two := graph.Target{ID: "g1", Group: true}, graph.Target{ID: "g2", Group: true}
	on, off := graph.PolicyEnabled, graph.PolicyDisabled
	for _, row := range []struct {
		name      string
		made, now approval.Request
		want      bool
	}{
		{"enforced, and back to reporting", access(RequireMFAKind, policies(graph.PolicyReportOnly), accessArgs{State: on, Policy: "p1"}), access(RequireMFAKind, policies(on), accessArgs{State: graph.PolicyReportOnly, Policy: "p1"}), true},
		{"enforced from off, and back to reporting", access(LegacyBlockKind, policies(off), accessArgs{State: on, Policy: "p1"}), access(LegacyBlockKind, policies(on), accessArgs{State: graph.PolicyReportOnly, Policy: "p1"}), true},
		{"set to report, and enforced again", access(RequireMFAKind, policies(on), accessArgs{State: graph.PolicyReportOnly, Policy: "p1"}), access(RequireMFAKind, policies(graph.PolicyReportOnly), accessArgs{State: on, Policy: "p1"}), true},
		{"made to report, then enforced", access(RequireMFAKind, accessSnapshot{}, accessArgs{State: graph.PolicyReportOnly}), access(RequireMFAKind, policies(graph.PolicyReportOnly), accessArgs{State: on, Policy: "p1"}), false},
		{"reporting from off, then enforced", access(RequireMFAKind, policies(off), accessArgs{State: graph.PolicyReportOnly, Policy: "p1"}), access(RequireMFAKind, policies(graph.PolicyReportOnly), accessArgs{State: on, Policy: "p1"}), false},
		{"another policy", access(RequireMFAKind, policies(graph.PolicyReportOnly), accessArgs{State: on, Policy: "p1"}), access(RequireMFAKind, policies(on), accessArgs{State: graph.PolicyReportOnly, Policy: "p2"}), false},
		{"blocked, then unblocked", approval.Request{Kind: BlockKind, KindVersion: blockVersion}, approval.Request{Kind: UnblockKind, KindVersion: blockVersion}, true},
		{"unblocked, then blocked", approval.Request{Kind: UnblockKind, KindVersion: blockVersion}, approval.Request{Kind: BlockKind, KindVersion: blockVersion}, true},
		{"blocked by themselves, then unblocked", approval.Request{Kind: ownBlockKind.name, KindVersion: blockVersion}, approval.Request{Kind: UnblockKind, KindVersion: blockVersion}, true},
		{"blocked by themselves, then by another", approval.Request{Kind: ownBlockKind.name, KindVersion: blockVersion}, approval.Request{Kind: BlockKind, KindVersion: blockVersion}, false},
		{"blocked twice", approval.Request{Kind: BlockKind, KindVersion: blockVersion}, approval.Request{Kind: BlockKind, KindVersion: blockVersion}, false},
		{"a campaign as it was", campaign(graph.Campaign{State: graph.CampaignOff, SnoozeDays: 3}, graph.Campaign{State: graph.CampaignOn, SnoozeDays: 1}), campaign(graph.Campaign{}, graph.Campaign{State: graph.CampaignOff, SnoozeDays: 3}.Spelled()), true},
		{"a campaign as it never was", campaign(graph.Campaign{State: graph.CampaignOff, SnoozeDays: 3}, graph.Campaign{State: graph.CampaignOn, SnoozeDays: 1}), campaign(graph.Campaign{}, graph.Campaign{State: graph.CampaignOff, SnoozeDays: 2}.Spelled()), false},
		{"the policy of passes as it was", passes(graph.PassPolicy{Include: []graph.Target{two, one}}, graph.PassPolicy{Enabled: true}), passes(graph.PassPolicy{}, graph.PassPolicy{Include: []graph.Target{one, two}}), true},
		{"the policy of passes for fewer", passes(graph.PassPolicy{Include: []graph.Target{two, one}}, graph.PassPolicy{Enabled: true}), passes(graph.PassPolicy{}, graph.PassPolicy{Include: []graph.Target{one}}), false},
		{"a pass", approval.Request{Kind: PassKind, KindVersion: passVersion}, approval.Request{Kind: PassKind, KindVersion: passVersion}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			target := []approval.Target{{ID: "x"}}
			m := made{Request: row.made, approvers: []approval.Principal{{Tenant: tenantID, Object: "abe"}}}
			m.Tenant, m.State, m.Targets, m.Outcome.At = tenantID, approval.Succeeded, target, start.Add(-time.Hour)
			p := approval.Plan{
				Tenant: tenantID, Kind: row.now.Kind, KindVersion: row.now.KindVersion, Args: row.now.Args, Targets: target,
				Requester: approval.Principal{Tenant: tenantID, Object: "ada"}, Policy: approval.Policy{Name: "two", Quorum: 2},
			}
			if got := undo([]made{m}, p, start).Policy.Name == policyUndo; got != row.want {
				t.Errorf("undoing: %t, want %t", got, row.want)
			}
			p.Policy.Because = []string{whyLockout}
			if got := undo([]made{m}, p, start); got.Policy.Name == policyUndo {
				t.Error("what leaves too few able to sign in was left to one")
			}
			p.Policy.Because, p.KindVersion = nil, p.KindVersion+1
			if got := undo([]made{m}, p, start); got.Policy.Name == policyUndo {
				t.Error("what another version stored was understood")
			}
		})
	}
}

// TestU12BlockedAgain has an account that its owner blocked, and that was unblocked
// past the bot, blocked by another: that puts nothing back, so that the role of
// whom it is about asks for two.
func TestU12BlockedAgain(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := o.request(o.say("vic", "prompt yes").Request)
		o.agrees(r)
		o.ends(r)
		o.portal("PATCH", "/v1.0/users/"+cast("vic"), `{"accountEnabled":true}`)
		if again := o.asks("ada", "block "+upn("vic")+" has left"); again.Policy.Name != policyTwo || again.Policy.Quorum != 2 {
			t.Errorf("it is decided by %+v", again.Policy)
		}
	})
}
