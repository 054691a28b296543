package approval_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// decisions are all that can be done about a request by somebody.
func decisions(e *approval.Engine) map[string]func(context.Context, approval.Vote) (approval.Request, error) {
	return map[string]func(context.Context, approval.Vote) (approval.Request, error){
		"approve": e.Approve, "deny": e.Deny, "cancel": e.Cancel, "stop": e.Stop,
		"ask": func(ctx context.Context, v approval.Vote) (approval.Request, error) { return e.Ask(ctx, v, "why?") },
		"resolve": func(ctx context.Context, v approval.Vote) (approval.Request, error) {
			return e.Resolve(ctx, v, true, "I looked")
		},
	}
}

// O23, G09: the requester presses approve: refused, and on record with the
// person and the account; the same again within a minute is not recorded twice,
// on no replica.
func TestO23TheRequesterApproves(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.people.change(func() { w.people.approvers["ada"] = true })
		r := w.ask("ada", 1, "lamp")
		for range 3 {
			for _, engine := range []*approval.Engine{w.engine, w.another()} {
				_, err := engine.Approve(t.Context(), press(r, "ada"))
				wantCode(t, err, "self")
			}
		}
		records := w.recorded(r, "request.refused")
		if len(records) != 1 {
			t.Fatalf("%d records of the refusal, want 1", len(records))
		}
		rec := records[0]
		if w.actor(rec) != "ada" || fact(t, rec, "code") != "self" || fact(t, rec, "choice") != "approve" || fact(t, rec, "account") == "" {
			t.Errorf("recorded by %s: %s", w.actor(rec), rec.Facts)
		}
		if _, err := w.engine.Approve(t.Context(), press(r, "vic")); err == nil { // another person, another reason
			t.Error("vic approved")
		}
		time.Sleep(time.Minute)
		_, err := w.engine.Approve(t.Context(), press(r, "ada"))
		wantCode(t, err, "self")
		if n := len(w.recorded(r, "request.refused")); n != 3 {
			t.Errorf("%d records, want 3", n)
		}
		err = w.store.View(t.Context(), func(tx approval.Tx) error {
			l, err := tx.Lease("refused/" + r.ID + "/" + tenantID + "/vic/not-allowed")
			if l.Fence != 0 {
				t.Errorf("what needs not be remembered any more is kept: %+v", l)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		w.untouched(r)
	})
}

// O26, G12: somebody approves, is taken off the list, and then the run is due:
// the vote is void, nothing runs, and it is told why.
func TestO26AVoteLapses(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		plan := w.plan("ada", 1, "lamp")
		plan.Policy.Wait = time.Minute
		r, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		w.approve(r, "bea")
		w.people.change(func() { w.people.approvers["bea"] = false })
		r = w.wantEnd(r, approval.Stale)
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls, want none", n)
		}
		if why := strings.Join(r.Outcome.Findings, " "); !strings.Contains(why, "bea may no longer approve this.") {
			t.Errorf("told %q", why)
		}
		if w.told(approval.NoticeOutcome)["ada"] != 1 {
			t.Error("the requester is not told")
		}
	})
}

// U01: an approval counts for nothing while there is doubt about its author: when it
// is given, towards a quorum, and when the change is to run. A denial always counts.
func TestU01ADoubtfulVote(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		doubt := func(who ...string) {
			w.people.change(func() {
				w.people.doubtful = map[string]bool{}
				for _, object := range who {
					w.people.doubtful[object] = true
				}
			})
		}
		doubt("bea")
		plan := w.plan("ada", 2, "lamp")
		plan.Policy.Wait = time.Minute
		r, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.engine.Approve(t.Context(), press(r, "bea"))
		wantCode(t, err, "doubt")
		doubt("abe")
		w.approve(r, "bea")
		doubt("bea")
		if r = w.approve(r, "cid"); r.State != approval.Pending {
			t.Fatalf("%s by one vote and a doubtful one, want pending", r.State)
		}
		doubt()
		if r = w.approve(r, "abe"); r.State != approval.Approved {
			t.Fatalf("%s by three votes, want approved", r.State)
		}
		doubt("abe", "cid")
		r = w.wantEnd(r, approval.Stale)
		if why := strings.Join(r.Outcome.Findings, " "); !strings.Contains(why, "The approval of abe does not count") {
			t.Errorf("told %q", why)
		}
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls, want none", n)
		}
		other := w.ask("ada", 1, "door")
		doubt("bea")
		if other, err = w.engine.Deny(t.Context(), press(other, "bea")); err != nil || other.State != approval.Denied {
			t.Errorf("a doubtful denial: %s, %v", other.State, err)
		}
	})
}

// O26, G10: a vote that lapsed does not help to form a quorum, and is on record
// as void; enough others are enough.
func TestO26AVoidVoteMakesNoQuorum(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 2, "lamp")
		w.approve(r, "bea")
		w.people.change(func() { w.people.approvers["bea"] = false })
		if r = w.approve(r, "cid"); r.State != approval.Pending {
			t.Fatalf("%s by one vote and a void one, want pending", r.State)
		}
		if void := fact(t, w.recorded(r, "request.vote")[1], "void"); fmt.Sprint(void) == "<nil>" {
			t.Error("the void vote is not on record")
		}
		w.wantEnd(w.approve(r, "abe"), approval.Succeeded)
		if n := w.tenant.calls(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

// O26, G12: who could not decide when the last vote was given, and can again,
// counts again: it is approved without a press, once, and nobody counts who may
// not decide.
func TestO26AVoteCountsAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 2, "lamp")
		w.approve(r, "bea")
		w.people.change(func() { w.people.approvers["bea"] = false })
		r = w.approve(r, "cid")
		time.Sleep(3 * time.Minute)
		w.untouched(r)
		w.people.change(func() { w.people.approvers["bea"] = true })
		w.rules.Store(2) // which keeps it from being approved by anybody
		time.Sleep(2 * time.Minute)
		w.untouched(r)
		w.rules.Store(0)
		r = w.wantEnd(r, approval.Succeeded)
		if recs := w.recorded(r, "request.recounted"); len(recs) != 1 || recs[0].Actor != audit.Bot {
			t.Errorf("recorded as %+v", recs)
		}
	})
}

// U21: it stays on record by what right somebody stopped a request or said how
// it ended, as it does for those who approve and deny.
func TestU21ByWhatRight(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		unknown := w.ask("ada", 1, "fan")
		w.tenant.plan(lost)
		w.approve(unknown, "bea")
		synctest.Wait()
		w.tenant.setDown(true)
		unknown = w.wantEnd(unknown, approval.Unknown)
		w.tenant.setDown(false)
		done := w.wantEnd(w.approve(w.concerned(), "bea"), approval.Succeeded)
		decide := decisions(w.engine)
		for _, row := range []struct {
			what, who, role, via, record string
			of                           approval.Request
		}{
			{"cancel", "ada", "requester", "request", "cancelled", w.ask("ada", 1, "lamp")},
			{"cancel", "bea", "approver", "user", "cancelled", w.ask("ada", 1, "door")},
			{"stop", "sam", "target", "request", "alert", done},
			{"stop", "sam", "target", "request", "cancelled", w.concerned()},
			{"stop", "mia", "manager", "request", "cancelled", approval.Request{}},
			{"resolve", "bea", "approver", "user", "resolved", unknown},
		} {
			r := row.of
			if r.ID == "" {
				r = w.concerned()
			}
			v := press(r, row.who)
			v.Proof = "pinned"
			if _, err := decide[row.what](t.Context(), v); err != nil {
				t.Errorf("%s by %s: %v", row.what, row.who, err)
				continue
			}
			rec := w.recorded(r, "request."+row.record)[0]
			for name, want := range map[string]any{"role": row.role, "via": row.via, "proof": "pinned"} {
				if got := fact(t, rec, name); got != want {
					t.Errorf("%s by %s: %s is %v, want %v", row.what, row.who, name, got, want)
				}
			}
			if mark, _ := fact(t, rec, "warrant").(string); !strings.HasPrefix(mark, "t-") {
				t.Errorf("%s by %s: the names are not kept: %s", row.what, row.who, rec.Facts)
			}
		}
	})
}

// O28, G08: old prompts of requests that have ended, however they did, are
// refused each with that end, and nothing changes.
func TestO28OldPrompts(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		ended := w.endings()
		if len(ended) != 8 {
			t.Fatalf("%d ends, want 8", len(ended))
		}
		w.people.change(func() { w.people.doubtful = map[string]bool{"abe": true} }) // which is not asked any more
		for state, r := range ended {
			effects := len(w.tenant.applied())
			for what, by := range map[string]string{"approve": "abe", "deny": "cid", "cancel": "ada"} {
				for _, seal := range []string{r.Seal(), r.Ref} {
					_, err := decisions(w.engine)[what](t.Context(), approval.Vote{By: person(by), Seal: seal})
					wantCode(t, err, "ended-"+string(state))
				}
			}
			_, err := w.engine.Ask(t.Context(), press(r, "abe"), "why?")
			wantCode(t, err, "ended-"+string(state))
			w.untouched(r)
			if n := len(w.tenant.applied()); n != effects {
				t.Errorf("%s: %d effects, want %d", state, n, effects)
			}
		}
	})
}

// O32, G28: somebody of another tenant can ask, decide, stop and freeze nothing
// here, whatever their ID is, and is shown nothing of it.
func TestO32AnotherTenantsPeople(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp", "ada")
		for _, object := range []string{"ada", "bea", "vic"} {
			by := approval.Principal{Tenant: "t-2", Object: object}
			for what, f := range decisions(w.engine) {
				got, err := f(t.Context(), approval.Vote{By: by, Account: "chat/x", Seal: r.Seal()})
				no := refusal(t, err)
				if got.ID != "" && got.ID != r.ID || strings.Contains(no.Text, "Contoso") || strings.Contains(no.Text, r.Words.Headline) || len(no.By) > 0 {
					t.Errorf("%s by %s gave %+v, %+v", what, object, got, no)
				}
			}
			wantCode(t, w.engine.Freeze(t.Context(), approval.Vote{By: by}, tenantID), "not-allowed")
			plan := w.plan("ada", 1, "door")
			plan.Requester = by
			_, err := w.engine.Submit(t.Context(), plan)
			wantCode(t, err, "not-allowed")
		}
		foreign := w.plan("ada", 1, "fan") // of this tenant, for another
		foreign.Tenant = "t-2"
		_, err := w.engine.Submit(t.Context(), foreign)
		wantCode(t, err, "not-allowed")
		w.untouched(r)
		if n := len(w.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if n := len(w.owed(approval.NoticePrompt)); n != 1 {
			t.Errorf("%d prompts, want 1", n)
		}
	})
}

// O34, G13: the rules changed after the prompt: what was shown is not what
// would run any more. (TestG13WhatWasShownIsWhatRuns
// changes what is stored.)
func TestO34TheRulesChanged(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		w.rules.Store(2)
		_, err := w.engine.Approve(t.Context(), press(r, "bea"))
		wantCode(t, err, "changed")
		w.untouched(r)
		if _, err := w.engine.Deny(t.Context(), press(r, "bea")); err != nil {
			t.Errorf("a denial needs no rule that still holds: %v", err)
		}
	})
}

// G16: an account that nobody proved has no principal, and no principal decides
// nothing.
func TestG16NobodyDecidesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		for _, by := range []approval.Principal{{}, {Tenant: tenantID}, {Object: "bea"}} {
			for what, f := range decisions(w.engine) {
				if got, err := f(t.Context(), approval.Vote{By: by, Account: "chat/x", Seal: r.Seal()}); err == nil {
					t.Errorf("%s by %+v: %s", what, by, got.State)
				}
			}
		}
		w.untouched(r)
	})
}
