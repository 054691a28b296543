package approval_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

// concerned plans a request about sam, of which sam and their manager mia are told.
func (w *world) concerned() approval.Request {
	w.t.Helper()
	plan := w.plan("ada", 1, "sam")
	plan.Subscribers = append(plan.Subscribers,
		approval.Subscriber{Address: address("sam"), Concerned: true, Who: "sam"},
		approval.Subscriber{Address: address("mia"), Concerned: true, Who: "mia"},
	)
	r, err := w.engine.Submit(context.Background(), plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// U05: whoever a request is about is told at once, and can stop it before it
// runs; everybody who decides is alerted. Afterwards they are alerted alone.
func TestU05WhoeverItIsAboutStopsIt(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for _, who := range []string{"sam", "mia"} {
			for _, approved := range []bool{false, true} {
				r := w.concerned()
				if told := w.told(approval.NoticeConcern); told["sam"] == 0 || told["mia"] == 0 {
					t.Errorf("told are %v", told)
				}
				if approved {
					w.halt()
					r = w.approve(r, "bea")
				}
				_, err := w.engine.Stop(t.Context(), press(r, "vic"))
				wantCode(t, err, "no-concern")
				_, err = w.engine.Stop(t.Context(), press(r, "bea")) // has another way
				wantCode(t, err, "no-concern")
				before := w.told(approval.NoticeAlert)["abe"]
				v := press(r, who)
				v.Why = "I lost nothing"
				if r, err = w.engine.Stop(t.Context(), v); err != nil || r.State != approval.Cancelled {
					t.Fatalf("stopped by %s: %s, %v", who, r.State, err)
				}
				_, err = w.engine.Stop(t.Context(), v)
				wantCode(t, err, "ended-cancelled")
				told := w.told(approval.NoticeAlert)
				if told["abe"] != before+1 || told["admins"] != before+1 {
					t.Errorf("alerted are %v, want everybody once more than %d times", told, before)
				}
				if w.told(approval.NoticeOutcome)["ada"] == 0 {
					t.Error("the requester is not told")
				}
				if w.process == nil {
					w.start(nil)
				}
			}
		}
		time.Sleep(time.Minute)
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls, want none", n)
		}
		w.tenant.plan(slow)
		r := w.approve(w.concerned(), "bea")
		synctest.Wait()
		time.Sleep(time.Second) // it is on its way
		alerts := w.told(approval.NoticeAlert)["abe"]
		for _, state := range []approval.State{approval.Executing, approval.Succeeded} {
			got, err := w.engine.Stop(t.Context(), press(r, "sam"))
			if err != nil || got.State != state || got.Version != w.find(r).Version {
				t.Errorf("stopped when %s: %s, %v", state, got.State, err)
			}
			w.wantEnd(r, approval.Succeeded)
		}
		if n := w.told(approval.NoticeAlert)["abe"]; n != alerts+1 { // once, however often it is pressed
			t.Errorf("%d alerts, want %d", n, alerts+1)
		}
		if n := len(w.recorded(r, "request.alert")); n != 2 {
			t.Errorf("%d alerts on record, want 2", n)
		}
	})
}

// U05, G29: that the directory cannot be read keeps nobody from stopping what
// is done to them; those who were asked about it are alerted then.
func TestU05StoppedWhileTheDirectoryIsAway(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.concerned()
		w.people.change(func() { w.people.down = true })
		if r, err := w.engine.Stop(t.Context(), press(r, "sam")); err != nil || r.State != approval.Cancelled {
			t.Errorf("%s, %v", r.State, err)
		}
		if told := w.told(approval.NoticeAlert); told["admins"] != 1 || told["ada"]+told["sam"]+told["mia"] != 0 {
			t.Errorf("alerted are %v", told)
		}
	})
}

// U05, G29: a directory that hangs keeps nobody from stopping what is done to
// them, nor an approver from freezing everything, for more than a moment; nor
// does it that whoever pressed is cut off meanwhile. Those who are known are told.
func TestU05StoppedWhileTheDirectoryHangs(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.engine.Everyone = func(ctx context.Context) ([]string, error) {
			<-ctx.Done()
			return []string{address("cid")}, ctx.Err()
		}
		start := time.Now()
		for _, patience := range []time.Duration{time.Hour, time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if r, err := w.engine.Stop(ctx, press(w.concerned(), "sam")); err != nil || r.State != approval.Cancelled {
				t.Errorf("%s, %v", r.State, err)
			}
			cancel()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.engine.Freeze(ctx, approval.Vote{By: person("bea"), Account: "chat/bea"}, tenantID); err != nil {
			t.Errorf("freeze: %v", err)
		}
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("it took %v", took)
		}
		if told := w.told(approval.NoticeAlert); told["cid"] != 2 || told["admins"] != 2 {
			t.Errorf("alerted are %v", told)
		}
		if told := w.told(approval.NoticeAnnouncement); told["cid"] != 1 {
			t.Errorf("told of the freeze are %v", told)
		}
	})
}

// G08, T15: an unknown end is settled once, by somebody who may decide, is
// neither requester nor target, and says what they found. No other end is.
func TestG08ResolvedByAPerson(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for _, row := range []struct {
			name    string
			faults  []fault
			targets []string
			done    bool
			want    approval.State
		}{
			{"done", []fault{lost}, []string{"a"}, true, approval.Succeeded},
			{"not done", []fault{lost}, []string{"b"}, false, approval.Failed},
			{"the second done", []fault{fine, lost}, []string{"c", "d"}, true, approval.Succeeded},
			{"the second not done", []fault{fine, lost}, []string{"e", "f"}, false, approval.Partial},
			{"the first done, the second not begun", []fault{lost}, []string{"g", "h"}, true, approval.Partial},
		} {
			w.tenant.setDown(false)
			r := w.ask("ada", 1, row.targets...)
			w.tenant.plan(row.faults...)
			w.approve(r, "bea")
			synctest.Wait()
			w.tenant.setDown(true)
			r = w.wantEnd(r, approval.Unknown)
			for who, code := range map[string]string{"ada": "self", "vic": "not-allowed"} {
				_, err := w.engine.Resolve(t.Context(), press(r, who), row.done, "I looked")
				wantCode(t, err, code)
			}
			_, err := w.engine.Resolve(t.Context(), press(r, "bea"), row.done, " \n")
			wantCode(t, err, "note")
			got, err := w.engine.Resolve(t.Context(), press(r, "bea"), row.done, "the portal shows it")
			if err != nil || got.State != row.want || got.Outcome.By != person("bea") || got.Outcome.Why != "the portal shows it" {
				t.Errorf("%s: %s by %v, %q, %v; want %s", row.name, got.State, got.Outcome.By, got.Outcome.Why, err, row.want)
			}
			_, err = w.engine.Resolve(t.Context(), press(r, "abe"), !row.done, "I looked again")
			wantCode(t, err, "ended-"+string(row.want))
			if recs := w.recorded(r, "request.resolved"); len(recs) != 1 || w.actor(recs[0]) != "bea" || strings.Contains(recs[0].Facts, "portal") {
				t.Errorf("%s: recorded as %+v", row.name, recs)
			}
			if n := w.told(approval.NoticeOutcome)["ada"]; n == 0 {
				t.Errorf("%s: the requester is not told", row.name)
			}
		}
	})
}

// A pass whose taking back has no known result was shown to nobody, whatever a
// person finds of it: it is not done.
func TestG25ResolvedByAPerson(t *testing.T) {
	for name, done := range map[string]bool{"done": true, "not done": false} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				r := w.askPass("ada", "sam")
				w.tenant.plan(fine, appliedLost)
				w.onArrival(func(n int) {
					if n == 2 {
						w.tenant.setDown(true)
					}
				})
				if _, err := w.press(w.process, r, "ada", nobody); err != nil {
					t.Error(err)
				}
				r = w.wantEnd(r, approval.Unknown)
				got, err := w.engine.Resolve(t.Context(), press(r, "bea"), done, "I looked in the portal, ask for it anew")
				if err != nil || got.State != approval.Partial {
					t.Errorf("a pass that nobody received is %s: %q, %v", got.State, got.Outcome.Why, err)
				}
			})
		})
	}
}

// T15 when it may not be.
func TestG08OnlyTheUnknownIsResolved(t *testing.T) {
	t.Parallel()
	for _, s := range allStates {
		r := inState(t, s, 1)
		r.Outcome = approval.Outcome{Done: []approval.StepReport{{Number: 1, Class: approval.Unclear}}}
		c, err := approval.Resolve(r, press(r, "bea"), true, moment)
		if s == approval.Unknown {
			if err != nil || c.To != approval.Succeeded || r.Outcome.Done[0].Class != approval.Unclear {
				t.Errorf("%s: %+v, %v", s, c, err)
			}
			_, err = approval.Resolve(r, press(r, "cid"), true, moment)
			wantCode(t, err, "target")
			continue
		}
		wantCode(t, err, "ended-"+string(s))
	}
}
