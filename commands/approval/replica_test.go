package approval_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

// sure reports whether a process that died is known to be dead: it is if no
// other can use the database.
func (w *world) sure() bool { return w.store.Alone() || !w.silent }

// onArrival calls f with the number of each call that arrives at the tenant,
// before it is applied.
func (w *world) onArrival(f func(n int)) {
	var mu sync.Mutex
	n := 0
	w.tenant.look = func(ctx context.Context, clientID string, c approval.Call) {
		w.wantIntent(ctx, clientID, c)
		mu.Lock()
		n++
		at := n
		mu.Unlock()
		f(at)
	}
}

// dies has the process die at the first call's arrival: nothing that it hears
// is stored.
func (w *world) dies() {
	p := w.process
	w.onArrival(func(n int) {
		if n == 1 {
			p.store.kill()
		}
	})
}

// O01: approved and stored, and the process dies before anything is started.
func TestO01DiesBeforeTheStart(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.kill()
		r := w.approve(w.ask("ada", 1, "lamp"), "bea")
		time.Sleep(20 * time.Second)
		w.restart(nil)
		w.wantEnd(r, approval.Succeeded)
		if n := w.tenant.calls(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

// O02: the intent to create a pass is stored, and the process dies before the
// first byte. None is created, ever; that it was not is said only where nobody
// can be sending it any more.
func TestO02DiesBeforeTheFirstByte(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.silent = true
		r := w.askPass("ada", "sam")
		w.dies()
		w.tenant.plan(lost)
		_, _ = w.press(w.process, r, "ada", received)
		time.Sleep(20 * time.Second)
		w.restart(nil)
		want := approval.Unknown
		if w.sure() {
			want = approval.Failed
		}
		w.wantEnd(r, want)
		if n := len(w.tenant.applied()); n != 0 {
			t.Errorf("%d effects, want none", n)
		}
	})
}

// O03: the pass was created, and the process dies before it reads the answer.
// The pass is recognised, deleted as a step of its own, and not created again.
func TestO03DiesBeforeTheAnswer(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.tenant.issue("sam") // another was there before
		r := w.askPass("ada", "sam")
		w.dies()
		_, _ = w.press(w.process, r, "ada", received)
		time.Sleep(20 * time.Second)
		w.restart(nil)
		r = w.wantEnd(r, approval.Partial)
		made := w.tenant.applied()
		if len(made) != 2 || made[0].Method != "POST" || made[1].URL != "/passes/pass-2" || len(w.tenant.valid()) != 1 {
			t.Errorf("the tenant has %+v after %+v", w.tenant.valid(), made)
		}
		if !strings.Contains(r.Outcome.Why, "taken back") || len(w.shown(r)) > 0 {
			t.Errorf("it says %q", r.Outcome.Why)
		}
	})
}

// O04: the answer was read, and the process dies before it is stored.
func TestO04DiesBeforeTheResultIsStored(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.dies()
		r := w.approve(w.ask("ada", 1, "lamp"), "bea")
		time.Sleep(20 * time.Second)
		w.restart(nil)
		r = w.wantEnd(r, approval.Succeeded)
		if n := w.tenant.calls(); n != 1 || !strings.Contains(r.Outcome.Why, "Confirmed by reading") {
			t.Errorf("%d calls; it says %q", n, r.Outcome.Why)
		}
	})
}

// O05: the result is stored, and the process dies before anybody is told. The
// outcome is owed once, and the prompt is owed anew.
func TestO05DiesBeforeAnybodyIsTold(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.wantEnd(w.approve(w.ask("ada", 1, "lamp"), "bea"), approval.Succeeded)
		w.restart(nil)
		time.Sleep(time.Minute)
		rows, err := w.store.Due(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := 0
		for _, row := range rows {
			if row.Kind == approval.NoticeOutcome {
				outcomes++
			}
			if row.Kind == approval.NoticePrompt && row.Wanted < int64(r.Version) {
				t.Errorf("the prompt is owed in state %d of %d", row.Wanted, r.Version)
			}
		}
		if outcomes != 1 {
			t.Errorf("%d outcomes are owed, want 1", outcomes)
		}
	})
}

// O06: of five steps two are answered when the process dies. Inside the
// attempt's time the others are done, after it they are said not to be.
func TestO06DiesBetweenTwoSteps(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration
		want  approval.State
		calls int
	}{
		{"inside the time", 5 * time.Second, approval.Succeeded, 5},
		{"after the time", 2 * limits.Attempt, approval.Partial, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				p := w.process
				w.onArrival(func(n int) {
					if n == 2 {
						p.store.dieAfter(1) // the answer is its last
					}
				})
				r := w.approve(w.ask("ada", 1, "a", "b", "c", "d", "e"), "bea")
				time.Sleep(row.after)
				w.restart(nil)
				r = w.wantEnd(r, row.want)
				if n := w.tenant.calls(); n != row.calls {
					t.Errorf("%d calls, want %d", n, row.calls)
				}
				done := 0
				for _, s := range r.Outcome.Done {
					if s.Class == approval.Applied {
						done++
					}
				}
				if len(r.Outcome.Done) != 5 || done != row.calls {
					t.Errorf("reported are %+v", r.Outcome.Done)
				}
			})
		})
	}
}

// G05: what was changed in between, or whoever may no longer, keeps the steps
// that are left from being sent; what the steps before changed does not.
func TestG05WhatChangedBeforeGoingOn(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(w *world)
		want   approval.State
		says   string
	}{
		{"nothing", func(*world) {}, approval.Succeeded, ""},
		{"what is left", func(w *world) { w.tenant.set("c", "red") }, approval.Partial, "red"},
		{"what was done", func(w *world) { w.tenant.set("a", "red") }, approval.Partial, "red"},
		{"the approver's role", func(w *world) { w.people.change(func() { delete(w.people.approvers, "bea") }) }, approval.Partial, "bea"},
		{"the rules", func(w *world) { w.rules.Store(2) }, approval.Partial, "The rules are others."},
		{"the tenant is down for a while", func(w *world) {
			w.tenant.setDown(true)
			time.AfterFunc(15*time.Second, func() { w.tenant.setDown(false) })
		}, approval.Succeeded, ""},
		{"the tenant is down", func(w *world) { w.tenant.setDown(true) }, approval.Partial, ""},
		{"the tenant answers nothing for a while", func(w *world) {
			w.tenant.setTakes(time.Hour)
			time.AfterFunc(8*time.Second, func() { w.tenant.setTakes(0) })
		}, approval.Succeeded, ""},
		{"the tenant answers nothing", func(w *world) { w.tenant.setTakes(time.Hour) }, approval.Partial, ""},
		{"everything is frozen", func(w *world) { w.freeze(tenantID) }, approval.Partial, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				p := w.process
				w.onArrival(func(n int) {
					if n == 2 {
						p.store.dieAfter(1)
					}
				})
				r := w.approve(w.ask("ada", 1, "a", "b", "c"), "bea")
				synctest.Wait()
				w.kill()
				row.change(w)
				w.restart(nil)
				r = w.wantEnd(r, row.want)
				if !strings.Contains(r.Outcome.Why, row.says) {
					t.Errorf("it says %q, want something of %q", r.Outcome.Why, row.says)
				}
			})
		})
	}
}

// G06: where one refusal stops nothing, every step is tried, and each is
// reported as it was.
func TestG06Onward(t *testing.T) {
	for _, f := range []fault{refused, lost, appliedLost, throttled} {
		t.Run(string(f), func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				plan := w.plan("ada", 1, "a", "b", "c")
				plan.Args = []byte(`{"value":"on","onward":true}`)
				r, err := w.engine.Submit(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				w.tenant.plan(fine, f, fine)
				want := approval.Partial
				if f == appliedLost || f == throttled {
					want = approval.Succeeded
				}
				r = w.wantEnd(w.approve(r, "bea"), want)
				if got := r.Outcome.Done; len(got) != 3 || got[2].Class != approval.Applied {
					t.Errorf("reported are %+v", got)
				}
			})
		})
	}
}

// O09: asked to stop while three calls are on their way and a request was just
// approved: nothing begins, the calls end or are recorded as unclear, all
// within the drain time; and everything goes on after it.
func TestO09StopsInTheMiddle(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.halt()
		w.limits.Call, w.limits.Lease, w.limits.Attempt, w.limits.Drain = 30*time.Second, 45*time.Second, 2*time.Minute, 10*time.Second
		w.start(nil)
		w.tenant.plan(slow, silent, silent)
		var running []approval.Request
		for _, object := range []string{"a", "b", "c"} {
			r := w.approve(w.ask("ada", 1, object, object+"2"), "bea")
			synctest.Wait()
			running = append(running, r)
		}
		plan := w.plan("ada", 1, "d")
		plan.Policy.Wait = time.Second
		waiting, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		w.approve(waiting, "bea")
		time.Sleep(time.Second)
		start := time.Now()
		w.halt()
		if took := time.Since(start); took > w.limits.Drain {
			t.Errorf("gone after %v, want within %v", took, w.limits.Drain)
		}
		if n := w.tenant.calls(); n != 3 {
			t.Errorf("%d calls, want 3: one began after the stop", n)
		}
		for _, r := range running {
			if s := w.steps(r); len(s) != 1 || s[0].Class == approval.Open {
				t.Errorf("left as %+v", s)
			}
		}
		w.start(nil)
		for _, r := range append(running, waiting) {
			w.wantEnd(r, approval.Succeeded)
		}
	})
}

// G07: asked to stop at any moment, the process is gone in time, and the next
// one ends everything.
func TestG07AtAnyMoment(t *testing.T) {
	runs := fewer(100)
	bubble(t, func(t *testing.T, w *world) {
		w.limits.Drain = 4 * time.Second
		r := rand.New(rand.NewPCG(7, 7))
		for range runs {
			w.restart(nil)
			w.tenant.plan(faults[r.IntN(len(faults))], faults[r.IntN(len(faults))])
			req := w.approve(w.ask("ada", 1, "a", "b", "c"), "bea")
			synctest.Wait()
			time.Sleep(time.Duration(r.IntN(8000)) * time.Millisecond)
			start := time.Now()
			w.halt()
			if took := time.Since(start); took > w.limits.Drain {
				t.Errorf("gone after %v, want within %v", took, w.limits.Drain)
			}
			w.tenant.plan()
			w.start(nil)
			w.end(req)
		}
	})
}

// O12, for the start: what was approved and has run out is not started, by the
// database's time, though this machine's clock is a day behind.
func TestO12TheDatabasesTime(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.kill()
		w.ahead.Add(int64(24 * time.Hour))
		approved := w.approve(w.ask("ada", 1, "lamp"), "bea")
		pending := w.ask("ada", 1, "door")
		time.Sleep(approved.StartBy.Sub(w.now()) + time.Second)
		w.restart(nil)
		w.wantEnd(approved, approval.Expired)
		time.Sleep(pending.Expires.Sub(w.now()) - time.Second)
		w.kill() // nobody sweeps
		time.Sleep(2 * time.Second)
		if _, err := w.engine.Approve(t.Context(), press(pending, "bea")); err == nil {
			t.Error("approved after its time")
		}
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

// O13: the executor is stopped after its intent for longer than its lease and
// a call may last, and another process takes over: it only reads. When the
// first goes on it sends what it was about to, starts nothing more, and its
// result is refused.
func TestO13StoppedPastItsLease(t *testing.T) {
	for _, row := range []struct {
		name  string
		sends bool // before it is stopped
		first approval.State
		last  approval.State
	}{
		{"before the first byte", false, approval.Unknown, approval.Partial},
		{"before the answer", true, approval.Partial, approval.Partial},
	} {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.halt()
				first := w.join(nil)
				w.onArrival(func(n int) {
					if n != 1 {
						return
					}
					first.store.pause()
					if !row.sends {
						first.store.breathe()
					}
				})
				r := w.approve(w.ask("ada", 1, "a", "b"), "bea")
				synctest.Wait()
				w.join(nil)
				w.wantEnd(r, row.first)
				first.store.goOn()
				time.Sleep(10 * time.Minute) // so long the second goes on looking
				r = w.wantEnd(r, row.last)
				if n := w.tenant.calls(); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
				for _, s := range w.steps(r) {
					if s.Fence != 1 || s.Number != 1 {
						t.Errorf("a step was begun after that: %+v", s)
					}
				}
			})
		})
	}
}

// G34: a process that lives and waits for an answer is left alone, and what it
// hears is what is recorded.
func TestG34WhoeverWaitsForAnAnswerIsLeftAlone(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.halt()
		w.join(nil)
		w.onArrival(func(n int) { time.Sleep(w.limits.Call - time.Second) })
		r := w.approve(w.ask("ada", 1, "lamp"), "bea")
		synctest.Wait()
		w.join(nil)
		r = w.wantEnd(r, approval.Succeeded)
		if strings.Contains(r.Outcome.Why, "Confirmed by reading") {
			t.Errorf("it says %q", r.Outcome.Why)
		}
		for _, s := range w.steps(r) {
			if s.Fence != 1 {
				t.Errorf("it was taken from who waited: %+v", s)
			}
		}
	})
}

// G34: a tenant that answers late or never keeps no process busy for longer than
// the request is its own. Of several none takes it from another over and over,
// and it runs when the tenant answers again.
func TestG34SlowReadings(t *testing.T) {
	for _, row := range []struct {
		name      string
		takes     time.Duration
		end       time.Duration // from then on the tenant answers at once
		processes int
		want      approval.State
	}{
		{"late, but in time", limits.Lease / 4, time.Hour, 1, approval.Succeeded},
		{"never, for a while", time.Hour, 30 * time.Second, 1, approval.Succeeded},
		{"never, for a while, with others beside", time.Hour, 30 * time.Second, 3, approval.Succeeded},
		{"longer than the lease", limits.Lease + time.Second, 30 * time.Second, 3, approval.Succeeded},
		{"never", time.Hour, time.Hour, 3, approval.Expired},
	} {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.halt()
				for range row.processes {
					w.join(nil)
				}
				r := w.ask("ada", 1, "lamp")
				w.tenant.setTakes(row.takes)
				time.AfterFunc(row.end, func() { w.tenant.setTakes(0) })
				r = w.approve(r, "bea")
				start := time.Now()
				w.wantEnd(r, row.want)
				if took := time.Since(start); row.want == approval.Succeeded && took > row.end+limits.Lease {
					t.Errorf("ended after %v, want soon after %v", took, row.end)
				}
				w.tenant.setTakes(0)
				w.wantEnd(w.approve(w.ask("ada", 1, "door"), "bea"), approval.Succeeded) // nobody hangs on
			})
		})
	}
}

// G34: a hundred times a process is stopped at some moment for some time beside
// another, and goes on.
func TestG34AHundredPauses(t *testing.T) {
	runs := fewer(100)
	bubble(t, func(t *testing.T, w *world) {
		w.halt()
		w.limits = shortLimits
		r := rand.New(rand.NewPCG(34, 34))
		for range runs {
			m := &mortal{left: -1, sleeps: true, after: r.IntN(2) == 0}
			first := w.join(m)
			w.tenant.plan(faults[r.IntN(len(faults))])
			m.dieAfter(r.IntN(12))
			req := w.approve(w.ask("ada", 1, "a", "b", "c"), "bea")
			synctest.Wait()
			second := w.join(nil)
			time.Sleep(time.Duration(r.IntN(60)) * time.Second)
			first.store.spare()
			first.store.goOn()
			w.end(req)
			w.leave(first, false)
			w.leave(second, false)
		}
	})
}

// O47: what was created and answered with 504 is not sent again, but found.
func TestO47CreatedThen504(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		plan := w.passPlan("ada", "sam")
		plan.Kind, plan.Policy.Collect = kindMade, 0
		r, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		w.tenant.plan(appliedLost)
		w.wantEnd(w.approve(r, "bea"), approval.Succeeded)
		if n := len(w.tenant.valid()); n != 1 || w.tenant.calls() != 1 {
			t.Errorf("%d were created by %d calls", n, w.tenant.calls())
		}
		if s := w.steps(r); len(s) != 1 || s[0].Object != "pass-1" {
			t.Errorf("kept as %+v", s)
		}
	})
}

// O48: what was sent in full before the connection broke is not sent again, but
// read.
func TestO48SentThenReset(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.tenant.plan(appliedLost)
		r := w.wantEnd(w.approve(w.ask("ada", 1, "lamp"), "bea"), approval.Succeeded)
		if n := w.tenant.calls(); n != 1 || !strings.HasPrefix(r.Outcome.Why, "Confirmed by reading: ") {
			t.Errorf("%d calls; it says %q", n, r.Outcome.Why)
		}
	})
}

// T15: a result that stayed unknown because it could not be read is found by a
// later reading, which only reads.
func TestG08AnUnknownResultIsFoundLater(t *testing.T) {
	for _, row := range []struct {
		fault fault
		want  approval.State
	}{{appliedLost, approval.Succeeded}, {lost, approval.Failed}} {
		t.Run(string(row.fault), func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.limits.Tick = 20 * time.Second // of seven hours
				w.restart(nil)
				w.onArrival(func(int) { w.tenant.setDown(true) })
				w.tenant.plan(row.fault)
				r := w.wantEnd(w.approve(w.ask("ada", 1, "lamp"), "bea"), approval.Unknown)
				time.Sleep(3 * time.Hour)
				w.tenant.setDown(false)
				time.Sleep(4 * time.Hour)
				w.wantEnd(r, row.want)
				if n := w.tenant.calls(); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
			})
		})
	}
}
