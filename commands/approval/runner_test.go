package approval_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

// outcome is how a request of several steps ends when a fault happens to one
// of them: how many steps are done then, counted from the first.
func outcome(done, planned int) approval.State {
	switch done {
	case 0:
		return approval.Failed
	case planned:
		return approval.Succeeded
	default:
		return approval.Partial
	}
}

// G01, G03, G06: every fault at every step of an action of six. The checker
// compares what is said with the ledger.
func TestG06EveryFaultAtEveryStep(t *testing.T) {
	const steps = 6
	targets := []string{"a", "b", "c", "d", "e", "f"}
	for _, row := range []struct {
		fault   fault
		times   int
		applied bool // the step is done in the end
		on      bool // and the next ones follow
	}{
		{fine, 1, true, true},
		{refused, 1, false, false},
		{throttled, 1, true, true},
		{throttled, 2, true, true},
		{throttled, 3, false, false},
		{notSent, 1, true, true},
		{notSent, 2, true, true},
		{notSent, 3, false, false},
		{lost, 1, false, false},
		{appliedLost, 1, true, true},
		{late, 1, true, true},
		{silent, 1, true, true},
		{garbled, 1, true, true},
		{greedy, 1, true, true},
	} {
		t.Run(fmt.Sprintf("%s %d times", row.fault, row.times), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				for at := range steps {
					plan := append(slices.Repeat([]fault{fine}, at), slices.Repeat([]fault{row.fault}, row.times)...)
					w.tenant.plan(plan...)
					before := w.tenant.calls()
					r := w.approve(w.ask("ada", 1, targets...), "bea")
					done, calls := at, at+row.times
					if row.applied {
						done++
					}
					if row.on {
						done = steps
						calls = steps
						if !row.applied || row.fault == throttled || row.fault == notSent {
							calls += row.times
						}
					}
					r = w.wantEnd(r, outcome(done, steps))
					if got := w.tenant.calls() - before; got != calls {
						t.Errorf("at step %d: %d calls, want %d", at+1, got, calls)
					}
					if r.State != approval.Succeeded && r.Outcome.Why == "" {
						t.Errorf("at step %d: %s without a word", at+1, r.State)
					}
				}
			})
		})
	}
}

// G03: a reading that is late, or fails for a while, changes no outcome; one
// that never succeeds leaves it unknown.
func TestG03ReadingsThatAreLateOrFail(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault fault
		lag   time.Duration
		down  time.Duration
		want  approval.State
	}{
		{"seen late", appliedLost, limits.Settle - 2*time.Second, 0, approval.Succeeded},
		{"not there", lost, limits.Settle - 2*time.Second, 0, approval.Failed},
		{"not readable for a while, applied", appliedLost, 0, limits.GiveUp / 2, approval.Succeeded},
		{"not readable for a while, lost", lost, 0, limits.GiveUp / 2, approval.Failed},
		{"never readable, applied", appliedLost, 0, time.Hour, approval.Unknown},
		{"never readable, lost", lost, 0, time.Hour, approval.Unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.tenant.lag = row.lag
				w.tenant.plan(row.fault)
				w.tenant.look = func(ctx context.Context, clientID string, c approval.Call) {
					w.wantIntent(ctx, clientID, c)
					w.tenant.setDown(row.down > 0)
				}
				time.AfterFunc(row.down, func() { w.tenant.setDown(false) })
				start := time.Now()
				r := w.approve(w.ask("ada", 1, "lamp"), "bea")
				w.wantEnd(r, row.want)
				if took := time.Since(start); row.want == approval.Failed && took < limits.Settle {
					t.Errorf("failed after %v, before the tenant could settle", took)
				}
				if n := w.tenant.calls(); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
			})
		})
	}
}

// G05, G12: whatever the approval rested on is read again, and a difference
// stops the run before the first write.
func TestG05WhatChangedBeforeTheStart(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(w *world)
		want   approval.State
		finds  string
	}{
		{"nothing", func(w *world) {}, approval.Succeeded, ""},
		{"the value", func(w *world) { w.tenant.set("lamp", "red") }, approval.Stale, "red"},
		{"another value", func(w *world) { w.tenant.set("door", "red") }, approval.Succeeded, ""},
		{"the requester's role", func(w *world) { w.people.change(func() { delete(w.people.askers, "ada") }) }, approval.Stale, "ada"},
		{"the first approver's role", func(w *world) { w.people.change(func() { delete(w.people.approvers, "bea") }) }, approval.Stale, "bea"},
		{"the second approver's role", func(w *world) { w.people.change(func() { delete(w.people.approvers, "abe") }) }, approval.Stale, "abe"},
		{"somebody else's role", func(w *world) { w.people.change(func() { delete(w.people.approvers, "cid") }) }, approval.Succeeded, ""},
		{"the rules", func(w *world) { w.rules.Store(2) }, approval.Stale, "The rules are others."},
		{"the rules, which cannot be read", func(w *world) { w.rules.Store(-1) }, approval.Expired, ""},
		{"the directory is down", func(w *world) { w.people.change(func() { w.people.down = true }) }, approval.Expired, ""},
		{"the tenant is down", func(w *world) { w.tenant.setDown(true) }, approval.Expired, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				plan := w.plan("ada", 2, "lamp", "fan")
				plan.Policy.Wait = time.Minute
				r, err := w.engine.Submit(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				w.approve(r, "bea", "abe")
				time.Sleep(30 * time.Second)
				row.change(w)
				r = w.wantEnd(r, row.want)
				if n := w.tenant.calls(); (n > 0) != (row.want == approval.Succeeded) {
					t.Errorf("%d calls", n)
				}
				if got := strings.Join(r.Outcome.Findings, " "); !strings.Contains(got, row.finds) || (got == "") != (row.finds == "") {
					t.Errorf("found %q, want something about %q", got, row.finds)
				}
			})
		})
	}
}

// What could not be read is read again, and then it runs.
func TestValidationIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		w.tenant.setDown(true)
		w.approve(r, "bea")
		time.Sleep(time.Minute)
		if got := w.find(r); got.State != approval.Approved {
			t.Fatalf("%s, want approved", got.State)
		}
		w.tenant.setDown(false)
		w.wantEnd(r, approval.Succeeded)
	})
}

// The wait is waited for, and deny and cancel win in it.
func TestTheWait(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		submit := func(target string) approval.Request {
			plan := w.plan("ada", 1, target)
			plan.Policy.Wait = time.Minute
			r, err := w.engine.Submit(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			return w.approve(r, "bea")
		}
		runs, denied, cancelled := submit("a"), submit("b"), submit("c")
		time.Sleep(time.Minute - time.Second)
		if n := w.tenant.calls(); n != 0 {
			t.Fatalf("%d calls during the wait", n)
		}
		if _, err := w.engine.Deny(t.Context(), press(denied, "bea")); err != nil {
			t.Errorf("deny by who approved: %v", err)
		}
		if _, err := w.engine.Cancel(t.Context(), press(cancelled, "abe")); err != nil {
			t.Errorf("cancel: %v", err)
		}
		w.wantEnd(runs, approval.Succeeded)
		w.wantEnd(denied, approval.Denied)
		w.wantEnd(cancelled, approval.Cancelled)
		if n := w.tenant.calls(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

// A Retry-After is kept; one that ends after the attempt's time is no try
// any more, and one that is longer than that is not even waited for.
func TestRetryAfter(t *testing.T) {
	for _, row := range []struct {
		wait  time.Duration
		calls int
		took  time.Duration
		want  approval.State
	}{
		{17 * time.Second, 3, 34 * time.Second, approval.Succeeded},
		{30 * time.Second, 2, limits.Attempt, approval.Failed},
		{limits.Attempt, 1, 0, approval.Failed},
	} {
		t.Run(row.wait.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.tenant.wait = row.wait
				w.tenant.plan(throttled, throttled)
				start := time.Now()
				r := w.wantEnd(w.approve(w.ask("ada", 1, "lamp"), "bea"), row.want)
				if took := time.Since(start); took < row.took || took > row.took+limits.Lease/2 {
					t.Errorf("ended after %v, want after %v", took, row.took)
				}
				if n := w.tenant.calls(); n != row.calls {
					t.Errorf("%d calls, want %d", n, row.calls)
				}
				if row.want == approval.Failed && r.Outcome.Why != "429" {
					t.Errorf("failed because %q, want what the tenant said", r.Outcome.Why)
				}
			})
		})
	}
}

// G07: asked to stop, the runner ends the call that is under way, begins no
// other step, and says what was done. It is gone within the limit of one call.
func TestG07Stopping(t *testing.T) {
	for _, row := range []struct {
		name  string
		plan  []fault
		after time.Duration
		want  approval.State
		calls int
	}{
		{"during the first call", []fault{slow}, time.Second, approval.Partial, 1},
		{"during the second call", []fault{fine, slow}, time.Second, approval.Partial, 2},
		{"during the last call", []fault{fine, fine, slow}, time.Second, approval.Succeeded, 3},
		{"during a call that is never answered", []fault{fine, silent}, time.Second, approval.Partial, 2},
		{"while it waits to send again", []fault{fine, throttled}, time.Second, approval.Partial, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.tenant.plan(row.plan...)
				r := w.approve(w.ask("ada", 1, "a", "b", "c"), "bea")
				time.Sleep(row.after)
				start := time.Now()
				w.halt()
				if took := time.Since(start); took > limits.Call {
					t.Errorf("gone after %v, want within %v", took, limits.Call)
				}
				time.Sleep(time.Minute)
				if n := w.tenant.calls(); n != row.calls {
					t.Errorf("%d calls, want %d", n, row.calls)
				}
				w.restart(nil)
				w.wantEnd(r, row.want)
			})
		})
	}
}

// G36, in part: a kind of change that is not configured any more is not run,
// and one that was under way ends.
func TestAKindThatIsGone(t *testing.T) {
	const intents = 4 // how many transactions of a process come before its first
	for _, row := range []struct {
		name string
		cut  int // the transaction at which the process dies that knew the kind
		want approval.State
	}{
		{"not begun", intents - 1, approval.Stale},
		{"nothing sent", intents, approval.Failed},
		{"one of two sent", intents + 1, approval.Unknown},
		{"one of two done", intents + 2, approval.Partial},
		{"two of two sent", intents + 3, approval.Unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				r, _ := w.run(&mortal{left: row.cut}, nil, "a", "b")
				w.kill()
				forgetful := approval.NewRunner(approval.RunnerConfig{Store: w.store, Standing: w.people, Owner: "forgetful", Limits: limits, Log: slog.New(slog.DiscardHandler)})
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- forgetful.Run(ctx) }()
				w.wantEnd(r, row.want)
				stop()
				<-done
			})
		})
	}
}

// G34: a process that lost its lease starts nothing, and stores nothing over
// its successor's result. The successor only reads: a call that may still be
// on its way is never reported as failed.
func TestG34ASuccessor(t *testing.T) {
	for _, row := range []struct {
		fault fault
		want  approval.State
	}{
		{stuckBefore, approval.Unknown},
		{stuckAfter, approval.Partial},
	} {
		t.Run(string(row.fault), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.halt()
				first := w.join(nil)
				w.tenant.plan(row.fault)
				r := w.approve(w.ask("ada", 1, "a", "b"), "bea")
				synctest.Wait()
				w.join(nil)
				r = w.wantEnd(r, row.want)
				before := len(w.records()[r.Ref])
				time.Sleep(stuck) // the first goes on, and finds itself replaced
				for _, rec := range w.records()[r.Ref][before:] {
					if strings.Contains(rec.Facts, `"fence":1`) {
						t.Errorf("the first process stored over its successor: %+v", rec)
					}
				}
				if n := w.tenant.calls(); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
				w.leave(first, false)
			})
		})
	}
}

// Tidying up that hangs or breaks keeps nothing from starting, and not the
// process from ending.
func TestTidyingKeepsNothingWaiting(t *testing.T) {
	for name, tidy := range map[string]func(context.Context) error{
		"hangs": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"breaks": func(context.Context) error { panic("a bug") },
		"fails":  func(context.Context) error { return errDown },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.tidy = tidy
				w.restart(nil)
				start := time.Now()
				r := w.wantEnd(w.approve(w.ask("ada", 1, "lamp"), "bea"), approval.Succeeded)
				if took := time.Since(start); took > 2*w.limits.Tick {
					t.Errorf("%s ended after %v", r.Ref, took)
				}
			})
		})
	}
}

// What has run out expires though everybody is busy with what is older.
func TestExpiryWaitsForNobody(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.limits.Workers = 1
		w.restart(nil)
		busy, waits := w.ask("ada", 1, "lamp"), w.ask("ada", 1, "fan")
		time.Sleep(time.Second)
		plan := w.plan("ada", 1, "door")
		plan.Policy.Life = 7 * time.Second
		short, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		w.tenant.setTakes(time.Hour) // of which the validation is cut off, and begun again
		w.approve(busy, "bea")
		w.approve(waits, "bea")
		time.Sleep(plan.Policy.Life + 2*w.limits.Tick)
		if got := w.find(short); got.State != approval.Expired {
			t.Errorf("%s, want expired", got.State)
		}
		w.tenant.setTakes(0)
		w.wantEnd(busy, approval.Succeeded)
		w.wantEnd(waits, approval.Succeeded)
	})
}

// Several processes share the work, and each request is one's alone.
func TestG34ManyProcessesOneExecution(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.halt()
		for range 4 {
			w.join(nil)
		}
		for i := range 20 {
			w.approve(w.ask("ada", 1, fmt.Sprint("object-", i)), "bea")
		}
		for _, r := range w.requests() {
			w.wantEnd(r, approval.Succeeded)
		}
		if n := w.tenant.calls(); n != 20 {
			t.Errorf("%d calls, want 20", n)
		}
	})
}
