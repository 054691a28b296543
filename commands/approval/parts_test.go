package approval_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

// parted returns arguments by which each target has its turn.
func parted(args json.RawMessage) json.RawMessage {
	return json.RawMessage(strings.TrimSuffix(string(args), "}") + `,"parted":true}`)
}

// askSeveral submits a request that goes from one target to the next, approved.
func (w *world) askSeveral(targets ...string) approval.Request {
	w.t.Helper()
	plan := w.plan("ada", 1, targets...)
	plan.Args = parted(plan.Args)
	for _, manager := range []string{"mia", "cid"} { // who decides as well
		plan.Subscribers = append(plan.Subscribers, approval.Subscriber{Address: address(manager), Concerned: true, Who: manager})
	}
	r, err := w.engine.Submit(context.Background(), plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.approve(r, "bea")
}

// under lets time pass until so many calls were sent, of which the last is on
// its way.
func (w *world) under(calls int) {
	w.t.Helper()
	for range 400 {
		synctest.Wait()
		if w.tenant.calls() >= calls {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("%d calls were sent, want %d", w.tenant.calls(), calls)
}

// classes are what became of each step, as the outcome says.
func classes(r approval.Request) string {
	var all []string
	for _, s := range r.Outcome.Done {
		all = append(all, s.Target+": "+string(s.Class))
	}
	return strings.Join(all, ", ")
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What becomes of one target keeps no other from its turn.
func TestG06EachTargetHasItsTurn(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.tenant.plan(fine, refused, appliedLost, lost)
		r := w.askSeveral("lamp", "door", "fan", "gate", "desk")
		w.tenant.set("desk", "red")
		r = w.wantEnd(r, approval.Partial)
		want(t, classes(r), "lamp: applied, door: refused, fan: applied, gate: not done, desk: left out")
		if seen := r.Outcome.Done[4].Seen; seen != "It was  and is red." {
			t.Errorf("of the desk is said %q", seen)
		}
		if n := len(w.tenant.applied()); n != 2 {
			t.Errorf("%d effects, want 2", n)
		}
	})
}

// A target that cannot be read is left out, and the next has its turn.
func TestG29ATargetThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.tenant.plan(slow, fine, fine)
		r := w.askSeveral("lamp", "door")
		w.under(1)
		w.tenant.setDown(true)
		r = w.wantEnd(r, approval.Partial)
		want(t, classes(r), "lamp: applied, door: left out")
	})
}

// O09: asked to stop while the next target is being read, it is left for the next
// process and not left out. Who learns of the stop first is chance.
func TestO09StoppedWhileATargetIsRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for range fewer(60) {
			w.tenant.plan(slow)
			r := w.askSeveral("lamp", "door")
			w.tenant.setTakes(4 * time.Second)
			w.under(w.tenant.calls() + 1)
			time.Sleep(3 * time.Second)
			w.halt()
			w.tenant.setTakes(0)
			w.start(nil)
			w.wantEnd(r, approval.Succeeded)
		}
	})
}

// A pause waits before the next target, over the death of the process and for no
// longer than it may; whoever may not, changes nothing.
func TestG15PauseAndResume(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.tenant.plan(slow)
		r := w.askSeveral("lamp", "door", "fan")
		if _, err := w.engine.Pause(ctx, press(r, "ada")); !errors.Is(err, approval.ErrNotBegun) && err != nil {
			t.Errorf("before it began: %v", err)
		} else if err == nil {
			t.Skip("it had begun")
		}
		w.under(1)
		for who, no := range map[string]error{"vic": approval.ErrNotYours, "lamp": approval.ErrNotYours} {
			if _, err := w.engine.Pause(ctx, press(r, who)); !errors.Is(err, no) {
				t.Errorf("pause by %s: %v", who, err)
			}
		}
		if _, err := w.engine.Pause(ctx, press(r, "cid")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Pause(ctx, press(r, "ada")); !errors.Is(err, approval.ErrPaused) {
			t.Errorf("a second pause: %v", err)
		}
		if _, err := w.engine.Resume(ctx, press(r, "ada")); !errors.Is(err, approval.ErrNotYourPause) {
			t.Errorf("the requester takes back the pause of somebody who decides: %v", err)
		}
		time.Sleep(20 * time.Second)
		w.restart(nil)
		time.Sleep(time.Minute)
		if n, is := w.tenant.calls(), w.find(r); n != 1 || !is.Pausable() {
			t.Errorf("while it is paused %d calls were sent, and it is %s", n, is.State)
		}
		if _, err := w.engine.Resume(ctx, press(w.find(r), "bea")); err != nil {
			t.Fatal(err)
		}
		r = w.wantEnd(r, approval.Succeeded)
		for _, kind := range []string{"request.paused", "request.resumed"} {
			if n := len(w.recorded(r, kind)); n != 1 {
				t.Errorf("%d records of %s", n, kind)
			}
		}
		if by := w.actor(w.recorded(r, "request.paused")[0]); by != "cid" {
			t.Errorf("paused by %s", by)
		}
	})
}

// A pause that is longer than what it interrupted may last is no reason to end
// it, whichever process it is taken over by.
func TestG15PausedOverRestart(t *testing.T) {
	for name, again := range map[string]func(w *world){
		"stopped": func(w *world) { w.halt(); w.start(nil) },
		"killed":  func(w *world) { w.restart(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.tenant.plan(slow)
				r := w.askSeveral("lamp", "door", "fan")
				w.under(1)
				if _, err := w.engine.Pause(context.Background(), press(r, "cid")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(limits.Attempt + 3*limits.Call)
				again(w)
				time.Sleep(30 * time.Second)
				if n, is := w.tenant.calls(), w.find(r); n != 1 || !is.Pausable() {
					t.Fatalf("while it is paused %d calls were sent, and it is %s: %q", n, is.State, is.Outcome.Why)
				}
				if _, err := w.engine.Resume(context.Background(), press(w.find(r), "cid")); err != nil {
					t.Fatal(err)
				}
				w.wantEnd(r, approval.Succeeded)
			})
		})
	}
}

// Of what was interrupted before it sent anything, and is done after that, nobody
// reads that it was interrupted.
func TestG03InterruptedAndDone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.tenant.setTakes(2 * time.Second)
		r := w.askSeveral("lamp", "door")
		for w.find(r).State != approval.Executing {
			time.Sleep(100 * time.Millisecond)
		}
		w.kill()
		w.start(nil)
		if r = w.wantEnd(r, approval.Succeeded); r.Outcome.Why != "" {
			t.Errorf("it ended: %q", r.Outcome.Why)
		}
	})
}

// Of what was interrupted and found too late to be gone on with is said so.
func TestG06NotGoneOnWithAfterItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.tenant.plan(slow)
		r := w.askSeveral("lamp", "door")
		w.under(1)
		w.kill()
		time.Sleep(limits.Attempt + limits.Call)
		w.restart(nil)
		r = w.wantEnd(r, approval.Partial)
		if !strings.Contains(r.Outcome.Why, "The time for carrying it out was over.") {
			t.Errorf("it ended: %q", r.Outcome.Why)
		}
	})
}

// Nobody waits for ever, and the place of what is paused is another's.
func TestG37PausesEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.tenant.plan(slow, slow, slow, slow)
		var all []approval.Request
		for _, some := range []string{"a", "b", "c", "d"} { // as many as are worked on at once
			all = append(all, w.askSeveral(some+"1", some+"2"))
		}
		w.under(4)
		for _, r := range all {
			if _, err := w.engine.Pause(context.Background(), press(r, "ada")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		w.wantEnd(w.approve(w.ask("ada", 1, "lamp"), "bea"), approval.Succeeded)
		for _, r := range all {
			r = w.wantEnd(r, approval.Partial)
			if !strings.Contains(r.Outcome.Why, "paused for too long") {
				t.Errorf("it ended: %q", r.Outcome.Why)
			}
		}
	})
}

// Stopping is for the requester and whoever decides: what was begun is finished,
// and what is left is listed. A freeze does the same.
func TestG15StopOnTheWay(t *testing.T) {
	for name, stop := range map[string]func(w *world, r approval.Request) error{
		"the requester stops": func(w *world, r approval.Request) error {
			_, err := w.engine.Stop(context.Background(), press(r, "ada"))
			return err
		},
		"an approver cancels": func(w *world, r approval.Request) error {
			_, err := w.engine.Cancel(context.Background(), press(r, "cid"))
			return err
		},
		"an approver stops what is paused": func(w *world, r approval.Request) error {
			_, err := w.engine.Pause(context.Background(), press(r, "ada"))
			time.Sleep(5 * time.Second)
			_, other := w.engine.Stop(context.Background(), press(r, "cid"))
			return errors.Join(err, other)
		},
		"an approver freezes all": func(w *world, r approval.Request) error {
			return w.engine.Freeze(context.Background(), approval.Vote{By: person("cid")}, tenantID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.tenant.plan(slow)
				r := w.askSeveral("lamp", "door", "fan")
				w.under(1)
				if err := stop(w, r); err != nil {
					t.Fatal(err)
				}
				r = w.wantEnd(r, approval.Partial)
				want(t, classes(r), "lamp: applied, door: not done, fan: not done")
				if !strings.Contains(r.Outcome.Why, "what was left was not done") {
					t.Errorf("it ended: %q", r.Outcome.Why)
				}
			})
		})
	}
}

// U05: whom a running request is about, and their manager, end it before the next
// target, whatever else they are here and though somebody has paused it; everybody
// is alerted. Who stopped it first stays the one who did.
func TestU05StoppedWhileItRuns(t *testing.T) {
	for _, who := range []string{"sue", "mia", "cid"} {
		t.Run(who, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.tenant.plan(slow)
				r := w.askSeveral("lamp", "sue", "fan")
				w.under(1)
				if _, err := w.engine.Pause(t.Context(), press(r, "ada")); err != nil {
					t.Fatal(err)
				}
				for _, by := range []string{who, "sue"} {
					if _, err := w.engine.Stop(t.Context(), press(r, by)); err != nil {
						t.Fatal(err)
					}
				}
				r = w.wantEnd(r, approval.Partial)
				want(t, classes(r), "lamp: applied, sue: not done, fan: not done")
				if halted := w.recorded(r, "request.halted"); len(halted) != 1 || w.actor(halted[0]) != who {
					t.Errorf("recorded as %+v", halted)
				}
				if len(w.owed(approval.NoticeAlert)) == 0 || len(w.recorded(r, "request.alert")) != 2 {
					t.Error("nobody is alerted")
				}
			})
		})
	}
}

// What is shown of a running request is made anew from time to time, and not
// with every target.
func TestProgressIsPaced(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		shown := func() (n int64) {
			for _, row := range w.owed(approval.NoticePrompt) {
				n = max(n, row.Wanted)
			}
			return n
		}
		w.tenant.plan(slices.Repeat([]fault{slow}, 12)...)
		r := w.askSeveral("t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12")
		w.under(1)
		before := shown()
		w.under(12)
		if n := shown() - before; n < 2 || n > 4 {
			t.Errorf("in 22 seconds it was shown anew %d times", n)
		}
		w.wantEnd(r, approval.Succeeded)
	})
}
