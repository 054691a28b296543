package approval_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/commands/approval"
)

// thaw plans the end of a freeze, as the asker would ask for it now.
func (w *world) thaw(asker string) approval.Plan {
	w.t.Helper()
	p := w.plan(asker, 2)
	thaw := approval.Thaw{Store: w.store}
	f, err := approval.FreezeOf(w.background(), w.store, tenantID)
	if err != nil {
		w.t.Fatal(err)
	}
	p.Kind, p.Args = approval.KindThaw, thaw.Args(f)
	if p.Snapshot, err = thaw.Snapshot(w.background(), approval.Request{Tenant: tenantID}); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// Any approver freezes at once: it is on record, everybody is told, nothing can
// be asked and nothing starts. Deciding goes on, and a thaw alone may be asked
// and runs, with two approvers. What has run out meanwhile stays so.
func TestFreeze(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		waiting := w.ask("ada", 1, "lamp")
		pending := w.ask("ada", 1, "door")
		v := approval.Vote{By: person("bea"), Account: "chat/bea", Why: "somebody uses ada's account"}
		wantCode(t, w.engine.Freeze(t.Context(), approval.Vote{By: person("ada")}, tenantID), "not-allowed")
		if err := w.engine.Freeze(t.Context(), v, tenantID); err != nil {
			t.Fatal(err)
		}
		wantCode(t, w.another().Freeze(t.Context(), v, tenantID), "frozen")
		recs := w.recorded(approval.Request{}, "tenant.frozen")
		if len(recs) != 1 || w.actor(recs[0]) != "bea" || strings.Contains(recs[0].Facts, "somebody") {
			t.Errorf("recorded as %+v", recs)
		}
		if told := w.told(approval.NoticeAnnouncement); told["admins"] != 1 || told["abe"] != 1 || told["cid"] != 1 {
			t.Errorf("told are %v", told)
		}
		_, err := w.engine.Submit(t.Context(), w.plan("ada", 1, "fan"))
		wantCode(t, err, "frozen")
		if no := refusal(t, err); len(no.By) != 1 || no.By[0] != person("bea") || no.Words != v.Why || no.Since.IsZero() || no.Since.After(time.Now()) {
			t.Errorf("refused with %+v", no)
		}
		readings := w.tenant.readings()
		waiting = w.approve(waiting, "abe")
		time.Sleep(time.Minute)
		w.untouched(waiting)
		if w.tenant.calls() != 0 || w.tenant.readings() != readings {
			t.Errorf("%d calls and %d readings while it is frozen, want none", w.tenant.calls(), w.tenant.readings()-readings)
		}
		r, err := w.engine.Submit(t.Context(), w.thaw("ada"))
		if err != nil {
			t.Fatal(err)
		}
		w.wantEnd(w.approve(r, "bea", "cid"), approval.Succeeded)
		if recs := w.recorded(r, "tenant.thawed"); len(recs) != 1 {
			t.Errorf("thawed: %+v", recs)
		}
		if told := w.told(approval.NoticeAnnouncement); told["admins"] != 2 {
			t.Errorf("told of the thaw are %v", told)
		}
		w.wantEnd(waiting, approval.Succeeded) // its time was not over
		w.wantEnd(w.approve(pending, "bea"), approval.Succeeded)
		if err := w.engine.Freeze(t.Context(), v, tenantID); err != nil {
			t.Errorf("freezing again: %v", err)
		}
		late, err := w.engine.Submit(t.Context(), w.thaw("ada"))
		if err != nil {
			t.Fatal(err)
		}
		w.wantEnd(w.approve(late, "bea", "cid"), approval.Succeeded)
	})
}

// A freeze that comes while the tenant is read again for the start still stops
// it: nothing is sent.
func TestFreezeBetweenTheReadingAndTheStart(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		var once sync.Once
		w.tenant.onRead = func() { once.Do(func() { w.freeze(tenantID) }) }
		r = w.approve(r, "bea")
		time.Sleep(time.Minute)
		w.untouched(r)
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls after the freeze, want none", n)
		}
	})
}

// Whoever agreed to end one freeze has not agreed to end the next.
func TestThawEndsTheFreezeItWasAskedFor(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		if err := approval.FreezeNow(t.Context(), w.store, tenantID, "root", "a phone call", []string{adminsAddress}); err != nil {
			t.Fatal(err)
		}
		wantCode(t, approval.FreezeNow(t.Context(), w.store, tenantID, "root", "again", nil), "frozen")
		if err := approval.FreezeItself(t.Context(), w.store, tenantID, "an alarm", nil); err != nil {
			t.Errorf("FreezeItself of what is frozen: %v", err)
		}
		plan := w.thaw("ada")
		plan.Policy.Wait = time.Minute
		r, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		w.approve(r, "bea", "cid")
		time.Sleep(time.Second)
		if err := approval.FreezeItself(t.Context(), w.store, tenantID, "somebody acts in our name", []string{adminsAddress}); err != nil {
			t.Fatal(err)
		}
		err = w.store.Update(t.Context(), func(tx approval.Tx) error { // as if it was looked at just before
			return approval.Thaw{}.Apply(tx, r, time.Now())
		})
		wantCode(t, err, "thawed")
		r = w.wantEnd(r, approval.Stale)
		if why := strings.Join(r.Outcome.Findings, " "); !strings.Contains(why, "frozen anew") {
			t.Errorf("told %q", why)
		}
		_, err = w.engine.Submit(t.Context(), w.plan("ada", 1, "lamp"))
		wantCode(t, err, "frozen")
		recs := w.recorded(approval.Request{}, "tenant.frozen")
		if len(recs) != 2 || recs[0].Actor != "host" || strings.Contains(recs[0].Facts, "root") || recs[1].Actor != "twokey" {
			t.Errorf("recorded as %+v", recs)
		}
		if told := w.owed(approval.NoticeAnnouncement); len(told) != 2 {
			t.Errorf("told of %d, want of each freeze", len(told))
		}
	})
}

// However often it is frozen anew, another thaw may be asked for: one that waits
// for a freeze before is in nobody's way, and such as became stale are no reason
// to wait a day.
func TestThawAfterFreezesAnew(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		anew := func() {
			t.Helper()
			if err := approval.FreezeItself(t.Context(), w.store, tenantID, "something else was noticed", nil); err != nil {
				t.Fatal(err)
			}
		}
		ask := func() approval.Request {
			t.Helper()
			r, err := w.engine.Submit(t.Context(), w.thaw("ada"))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		anew()
		for range 3 {
			r := ask()
			time.Sleep(time.Minute)
			anew()
			w.wantEnd(w.approve(r, "bea", "cid"), approval.Stale)
		}
		waits := ask()
		_, err := w.engine.Submit(t.Context(), w.thaw("ada"))
		wantCode(t, err, "open")
		time.Sleep(time.Minute)
		anew()
		r := ask()
		if waits = w.wantEnd(waits, approval.Cancelled); !strings.Contains(waits.Outcome.Why, "frozen anew") {
			t.Errorf("told %q", waits.Outcome.Why)
		}
		w.wantEnd(w.approve(r, "bea", "cid"), approval.Succeeded)
	})
}
