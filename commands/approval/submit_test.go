package approval_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
)

// A request that needs nobody else is confirmed by being asked: on record as
// its requester's doing, and run like any other.
func TestConfirm(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		plan := w.plan("ada", 0, "lamp")
		plan.Policy.Name, plan.Policy.Wait = "confirm", time.Minute
		r, err := w.engine.Submit(t.Context(), plan)
		if err != nil || r.State != approval.Approved || r.NotBefore != r.Created.Add(time.Minute) {
			t.Fatalf("%s from %v, %v; want approved, a minute after %v", r.State, r.NotBefore, err, r.Created)
		}
		if again, err := w.engine.Submit(t.Context(), plan); err != nil || again.ID != r.ID {
			t.Errorf("the same delivery gave %s, %v", again.ID, err)
		}
		if recs := w.recorded(r, "request.confirmed"); len(recs) != 1 || w.actor(recs[0]) != "ada" {
			t.Errorf("recorded as %+v", recs)
		}
		w.wantEnd(r, approval.Succeeded)
		w.people.change(func() { w.people.approvers = map[string]bool{} })
		if _, err := w.engine.Submit(t.Context(), w.plan("ada", 0, "door")); err != nil {
			t.Errorf("without any approvers: %v", err)
		}
		_, err = w.engine.Submit(t.Context(), w.plan("vic", 0, "fan"))
		wantCode(t, err, "not-allowed")
	})
}

// U10: what passes under a rule that is laxer than usual is announced to all who
// decide, once, with how to stop it; if it cannot be read who they are it may
// not pass.
func TestU10LaxRulesAreAnnounced(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for i, rule := range []string{"fallback", "solo"} {
			plan := w.plan("ada", 1-i, fmt.Sprint("lamp", i))
			plan.Policy.Name, plan.Policy.Wait = rule, time.Hour
			r, err := w.engine.Submit(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			if plan.Policy.Quorum > 0 {
				if len(w.told(approval.NoticeAnnouncement)) > 0 {
					t.Error("it is announced before it is approved")
				}
				w.approve(r, "bea")
			}
			told := w.told(approval.NoticeAnnouncement)
			for _, who := range []string{"admins", "abe", "bea", "cid"} {
				if told[who] != i+1 {
					t.Errorf("%s: %s is told %d times, want %d", rule, who, told[who], i+1)
				}
			}
			last := w.owed(approval.NoticeAnnouncement)[4*i]
			if text := string(last.Facts); !strings.Contains(text, "starts in 60 minutes") || !strings.Contains(text, "/mfa cancel "+r.Ref) {
				t.Errorf("announced is %s", text)
			}
			if _, err := w.engine.Cancel(t.Context(), press(r, "cid")); err != nil {
				t.Errorf("stopping it: %v", err)
			}
		}
		plan := w.plan("ada", 0, "fan")
		plan.Policy.Name = "solo"
		w.people.change(func() { w.people.down = true })
		if _, err := w.engine.Submit(t.Context(), plan); !errors.Is(err, errDown) {
			t.Errorf("with nobody to tell: %v", err)
		}
		w.people.change(func() { w.people.down = false })
	})
}

// A policy may say how long a request lives, and until when it is collected.
func TestPolicyTimes(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for i, row := range []struct {
			life, wait, collect, until time.Duration // from the quorum
			expires, startBy           time.Duration
		}{
			{0, 0, 0, 0, expiry, 5 * time.Minute},
			{4 * time.Hour, time.Minute, 0, 0, 4 * time.Hour, 6 * time.Minute},
			{0, 0, time.Hour, 0, expiry, time.Hour},
			{0, time.Minute, time.Hour, 0, expiry, time.Hour + time.Minute},
			{0, 0, time.Hour, 5 * time.Hour, expiry, 5 * time.Hour},
			{0, 0, time.Hour, 30 * time.Minute, expiry, time.Hour},
		} {
			now := w.now().UTC().Truncate(time.Microsecond)
			plan := w.plan("ada", 1, fmt.Sprint("object-", i))
			plan.Policy.Life, plan.Policy.Wait, plan.Policy.Collect = row.life, row.wait, row.collect
			if row.until > 0 {
				plan.Policy.CollectUntil = now.Add(row.until).In(time.FixedZone("CET", 3600))
			}
			r, err := w.engine.Submit(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			r = w.approve(r, "bea")
			if got := r.Expires.Sub(now); got != row.expires {
				t.Errorf("row %d: it lives %v, want %v", i, got, row.expires)
			}
			if got := r.StartBy.Sub(now); got != row.startBy {
				t.Errorf("row %d: it may start for %v, want %v", i, got, row.startBy)
			}
			if _, err := w.engine.Cancel(t.Context(), press(r, "ada")); err != nil && row.collect > 0 {
				t.Error(err)
			}
		}
	})
}

// What was turned down and is asked again just so comes with what became of it
// before; after three times somebody else has to ask.
func TestCooling(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		ask := func(asker string) (approval.Request, error) {
			plan := w.plan(asker, 1, "lamp", "door")
			plan.Args = []byte(`{"value":"on"}`)
			return w.engine.Submit(t.Context(), plan)
		}
		for n := range 3 {
			time.Sleep(time.Second)
			r, err := ask("ada")
			if err != nil {
				t.Fatal(err)
			}
			if got := len(r.Words.History); got != n {
				t.Errorf("request %d comes with %d lines of history: %q", n+1, got, r.Words.History)
			}
			v := press(r, "bea")
			v.Why = "not “today”"
			if n == 1 {
				w.tenant.set("lamp", "drifted")
				w.wantEnd(w.approve(r, "bea"), approval.Stale)
				continue
			}
			if _, err := w.engine.Deny(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		_, err := ask("ada")
		wantCode(t, err, "cooling")
		other := w.plan("ada", 1, "lamp") // not just so
		if _, err := w.engine.Submit(t.Context(), other); err != nil {
			t.Errorf("another request: %v", err)
		}
		time.Sleep(expiry)
		r, err := ask("abe")
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Words.History) != 3 || !strings.Contains(r.Words.History[0], "asked for by Name of ada, was denied") || !strings.Contains(r.Words.History[0], "by Name of bea: not “today”") ||
			!strings.Contains(r.Words.History[1], "was outdated on") {
			t.Errorf("the history is %q", r.Words.History)
		}
		w.approve(r, "bea") // the history is covered by the digest, and comes back as it was
		w.wantEnd(r, approval.Succeeded)
		w.ahead.Add(int64(24 * time.Hour))
		if r, err := ask("ada"); err != nil || len(r.Words.History) != 0 {
			t.Errorf("a day later: %q, %v", r.Words.History, err)
		}
	})
}

// While the bot must only read, nothing is asked or decided.
func TestGate(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		shut := &approval.Refusal{Code: "damaged", Text: "The audit record is damaged."}
		w.engine.Gate = func(context.Context) error { return shut }
		for what, f := range decisions(w.engine) {
			if _, err := f(t.Context(), press(r, "bea")); !errors.Is(err, shut) {
				t.Errorf("%s: %v, want that it is shut", what, err)
			}
		}
		_, err := w.engine.Submit(t.Context(), w.plan("ada", 1, "door"))
		wantCode(t, err, "damaged")
		wantCode(t, w.engine.Freeze(t.Context(), press(r, "bea"), tenantID), "damaged")
		w.untouched(r)
		if n := len(w.recorded(r, "request.refused")); n > 0 {
			t.Errorf("%d records were written", n)
		}
	})
}
