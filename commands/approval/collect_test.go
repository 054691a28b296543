package approval_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

var errAway = errors.New("the person is not there")

// nobody is a delivery that does not arrive.
func nobody(context.Context) error { return errAway }

// O43: the pass is shown to its requester once, and to nobody else; it runs at
// their press and never by itself.
func TestO43OnlyTheRequesterCollects(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.askPass("ada", "sam")
		for who, code := range map[string]string{"abe": "not-collector", "bea": "not-collector", "sam": "not-collector"} {
			if _, err := w.press(w.process, r, who, received); !errors.Is(err, &approval.Refusal{Code: code}) {
				t.Errorf("collected by %s: %v, want %s", who, err, code)
			}
		}
		time.Sleep(30 * time.Minute)
		if n := w.tenant.calls(); n != 0 {
			t.Fatalf("%d calls before it was collected", n)
		}
		got, err := w.press(w.process, r, "ada", received)
		if err != nil || got.State != approval.Succeeded {
			t.Fatalf("collected by its requester: %s, %v", got.State, err)
		}
		if _, err := w.press(w.process, r, "ada", received); !errors.Is(err, &approval.Refusal{Code: "ended-succeeded"}) {
			t.Errorf("collected again: %v", err)
		}
		if n := len(w.shown(r)); n != 1 {
			t.Errorf("shown %d times", n)
		}
	})
}

// G25, O46's twin: when it may be collected, by the database's clock.
func TestG25WhenItCanBeCollected(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(w *world, p *approval.Plan)
		after  time.Duration
		code   string // "" succeeds
	}{
		{"at once", func(*world, *approval.Plan) {}, 0, ""},
		{"at the last moment", func(*world, *approval.Plan) {}, time.Hour - time.Second, ""},
		{"too late", func(*world, *approval.Plan) {}, time.Hour, "ended-expired"},
		{"before its start", func(_ *world, p *approval.Plan) { p.Policy.Wait = 10 * time.Minute }, 10*time.Minute - time.Second, "early"},
		{"at its start", func(_ *world, p *approval.Plan) { p.Policy.Wait = 10 * time.Minute }, 10 * time.Minute, ""},
		{"a late start", func(w *world, p *approval.Plan) { p.Policy.CollectUntil = w.now().Add(3 * time.Hour) }, 2 * time.Hour, ""},
		{"what is not collected", func(_ *world, p *approval.Plan) { p.Policy.Collect, p.Policy.Wait = 0, time.Minute }, 0, "not-collected"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				plan := w.passPlan("ada", "sam")
				row.change(w, &plan)
				r, err := w.engine.Submit(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				r = w.approve(r, "bea")
				time.Sleep(row.after)
				got, err := w.press(w.process, r, "ada", received)
				switch {
				case row.code != "":
					if !errors.Is(err, &approval.Refusal{Code: row.code}) {
						t.Errorf("%s, %v; want %s", got.State, err, row.code)
					}
				case err != nil || got.State != approval.Succeeded:
					t.Errorf("%s, %v", got.State, err)
				}
				if row.code == "not-collected" {
					if _, err := w.engine.Cancel(t.Context(), press(r, "ada")); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// G05, G12: standing and tenant are read again at the press.
func TestG05WhatChangedBeforeThePress(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(w *world)
		want   approval.State // "": it is refused for now
	}{
		{"nothing", func(*world) {}, approval.Succeeded},
		{"the requester's role", func(w *world) { w.people.change(func() { delete(w.people.askers, "ada") }) }, approval.Stale},
		{"the approver's role", func(w *world) { w.people.change(func() { delete(w.people.approvers, "bea") }) }, approval.Stale},
		{"another pass", func(w *world) { w.tenant.issue("sam") }, approval.Stale},
		{"the rules", func(w *world) { w.rules.Store(2) }, approval.Stale},
		{"the tenant is down", func(w *world) { w.tenant.setDown(true) }, ""},
		{"the directory is down", func(w *world) { w.people.change(func() { w.people.down = true }) }, ""},
		{"everything is frozen", func(w *world) { w.freeze(tenantID) }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				r := w.askPass("ada", "sam")
				row.change(w)
				got, err := w.press(w.process, r, "ada", received)
				if (err == nil) != (row.want != "") || got.State != row.want {
					t.Errorf("%s, %v; want %s", got.State, err, row.want)
				}
				if want := row.want == approval.Succeeded; (w.tenant.calls() > 0) != want {
					t.Errorf("%d calls", w.tenant.calls())
				}
			})
		})
	}
}

// freeze freezes a tenant by hand.
func (w *world) freeze(tenant string) {
	w.t.Helper()
	err := w.store.Update(context.Background(), func(tx approval.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		return tx.SetFreeze(tenant, approval.Freeze{Since: now, By: "host"})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// issue creates a pass that nobody here asked for.
func (t *tenant) issue(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.created++
	t.passes[fmt.Sprint("pass-", t.created)] = pass{user: user, at: t.now()}
}

// O45: what cannot be delivered is taken back by its ID, and the requester is
// told to ask again; whatever happens to taking it back is said. A pass that
// may still be there is said to be.
func TestO45NotDelivered(t *testing.T) {
	for _, row := range []struct {
		fault fault // of taking it back
		want  approval.State
		gone  bool
		says  string
		calls int
	}{
		{fine, approval.Partial, true, "taken back", 2},
		{throttled, approval.Partial, true, "taken back", 3},
		{notSent, approval.Partial, true, "taken back", 3},
		{appliedLost, approval.Partial, true, "taken back", 2},
		{silent, approval.Partial, true, "taken back", 2},
		{late, approval.Partial, true, "taken back", 2},
		{garbled, approval.Partial, true, "taken back", 2},
		{refused, approval.Partial, false, "It is valid until noon.", 2},
		{lost, approval.Partial, false, "is still valid", 2},
	} {
		t.Run(string(row.fault), func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				r := w.askPass("ada", "sam")
				w.tenant.plan(fine, row.fault)
				got, err := w.press(w.process, r, "ada", nobody)
				if err != nil || got.State != row.want && got.State != approval.Reconciling {
					t.Errorf("collected: %s, %v", got.State, err)
				}
				got = w.wantEnd(r, row.want)
				if gone := len(w.tenant.valid()) == 0; gone != row.gone {
					t.Errorf("gone: %t, want %t", gone, row.gone)
				}
				if !strings.Contains(got.Outcome.Why, row.says) {
					t.Errorf("it says %q, want %q", got.Outcome.Why, row.says)
				}
				if n := w.tenant.calls(); n != row.calls {
					t.Errorf("%d calls, want %d", n, row.calls)
				}
			})
		})
	}
}

// G25, O02, O03: whatever happens to creating a pass, one is created at most;
// one whose code was lost is found, taken back, and never created anew.
func TestG25EveryFaultOfCreating(t *testing.T) {
	for _, row := range []struct {
		fault fault
		want  approval.State
		shown int
	}{
		{fine, approval.Succeeded, 1},
		{slow, approval.Succeeded, 1},
		{throttled, approval.Succeeded, 1},
		{notSent, approval.Succeeded, 1},
		{refused, approval.Failed, 0},
		{lost, approval.Failed, 0},
		{appliedLost, approval.Partial, 0},
		{late, approval.Partial, 0},
		{silent, approval.Partial, 0},
		{garbled, approval.Partial, 0},
		{greedy, approval.Partial, 0},
	} {
		t.Run(string(row.fault), func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				r := w.askPass("ada", "sam")
				w.tenant.plan(row.fault)
				if _, err := w.press(w.process, r, "ada", received); err != nil {
					t.Errorf("collected: %v", err)
				}
				w.wantEnd(r, row.want)
				if n := len(w.shown(r)); n != row.shown {
					t.Errorf("shown %d times, want %d", n, row.shown)
				}
				if valid := len(w.tenant.valid()); valid != row.shown {
					t.Errorf("%d passes are valid, want %d", valid, row.shown)
				}
			})
		})
	}
}

// O46: asked to wait 17 s, the pass is not sent for again before that, and both
// tries are recorded.
func TestO46ThrottledPass(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.tenant.wait = 17 * time.Second
		w.tenant.plan(throttled)
		r := w.askPass("ada", "sam")
		start := w.now()
		got, err := w.press(w.process, r, "ada", received)
		if err != nil || got.State != approval.Succeeded {
			t.Fatalf("collected: %s, %v", got.State, err)
		}
		made := w.tenant.applied()
		if len(made) != 1 || made[0].At.Sub(start) < 17*time.Second {
			t.Errorf("applied %+v after %v", made, made[0].At.Sub(start))
		}
		if steps := w.steps(r); len(steps) != 2 || steps[0].Class != approval.Refused || steps[1].Class != approval.Applied {
			t.Errorf("the tries are recorded as %+v", steps)
		}
	})
}

func (w *world) steps(r approval.Request) (steps []approval.Step) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx approval.Tx) (err error) {
		steps, err = tx.Steps(r.ID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return steps
}

// G02, G25, O02, O03: wherever the process dies while a pass is collected, one
// is created at most, and none is left that nobody knows of.
func TestG25KilledAtEveryTransaction(t *testing.T) {
	for name, cut := range cuts {
		for _, f := range []fault{fine, appliedLost, lost} {
			for _, deliver := range []func(context.Context) error{received, nobody} {
				t.Run(fmt.Sprintf("%s, %s, delivered %t", name, f, deliver(context.Background()) == nil), func(t *testing.T) {
					everywhere(t, func(t *testing.T, w *world) {
						w.limits = shortLimits
						step := stride()
						if !w.store.Alone() { // the transactions are the same, and each is slower
							step = 8
						}
						for n := 0; ; n += step {
							m := &mortal{left: -1, after: cut.after, heals: cut.heals}
							w.restart(m)
							r := w.askPass("ada", fmt.Sprint("sam-", n))
							w.tenant.plan(f)
							synctest.Wait()
							m.dieAfter(n)
							_, _ = w.press(w.process, r, "ada", deliver)
							time.Sleep(20 * time.Second)
							m.spare()
							struck := m.struck()
							if m.died() {
								w.restart(nil)
							}
							if got := w.find(r); got.State == approval.Approved {
								if _, err := w.press(w.process, r, "ada", deliver); err != nil {
									t.Errorf("collected after all: %v", err)
								}
							}
							w.end(r)
							if !struck {
								return
							}
						}
					})
				})
			}
		}
	}
}

// G25: two presses at once, at two processes, create one pass.
func TestG25PressedTwice(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.halt()
		first, second := w.join(nil), w.join(nil)
		r := w.askPass("ada", "sam")
		w.tenant.plan(slow)
		errs := make(chan error, 4)
		for _, p := range []*process{first, second, first, second} {
			go func() {
				_, err := w.press(p, r, "ada", received)
				errs <- err
			}()
		}
		won := 0
		for range 4 {
			switch err := <-errs; {
			case err == nil:
				won++
			case !errors.Is(err, approval.ErrBusy):
				t.Errorf("refused with %v", err)
			}
		}
		if won != 1 || w.tenant.calls() != 1 {
			t.Errorf("%d presses won, %d calls", won, w.tenant.calls())
		}
	})
}

// G25: a press that could not begin keeps nobody from collecting at another
// process.
func TestG25PressedAnewElsewhere(t *testing.T) {
	for name, away := range map[string]func(*world, bool){
		"the tenant is down":   func(w *world, away bool) { w.tenant.setDown(away) },
		"everything is frozen": func(w *world, away bool) { w.setFrozen(away) },
		"the tenant never answers": func(w *world, away bool) {
			w.tenant.setTakes(map[bool]time.Duration{true: time.Hour}[away])
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.halt()
				first, second := w.join(nil), w.join(nil)
				r := w.askPass("ada", "sam")
				away(w, true)
				if got, err := w.press(first, r, "ada", received); err == nil {
					t.Errorf("collected: %s", got.State)
				}
				away(w, false)
				if got, err := w.press(second, r, "ada", received); err != nil || got.State != approval.Succeeded {
					t.Errorf("collected elsewhere: %s, %v", got.State, err)
				}
			})
		})
	}
}

// setFrozen freezes the tenant by hand, or ends that.
func (w *world) setFrozen(frozen bool) {
	w.t.Helper()
	if frozen {
		w.freeze(tenantID)
	} else {
		w.unfreeze(tenantID)
	}
}

// G07, G25: a stop while the pass is shown cuts that off in time. The next
// process takes the pass back; and nothing is collected while the bot stops.
func TestG25StoppedWhileItIsShown(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.limits.Call, w.limits.Lease, w.limits.Drain = 30*time.Second, 45*time.Second, 10*time.Second
		w.restart(nil)
		r, other := w.askPass("ada", "sam"), w.askPass("abe", "sue")
		p := w.process
		w.collect.Go(func() {
			_, _ = w.press(p, r, "ada", func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			})
		})
		synctest.Wait()
		start := time.Now()
		w.halt()
		if took := time.Since(start); took > w.limits.Drain {
			t.Errorf("gone after %v, want within %v", took, w.limits.Drain)
		}
		if _, err := w.press(p, other, "abe", received); !errors.Is(err, approval.ErrStopping) {
			t.Errorf("collected from a bot that has stopped: %v", err)
		}
		w.start(nil)
		w.wantEnd(r, approval.Partial)
		if len(w.tenant.valid()) != 0 {
			t.Error("the pass is left")
		}
	})
}

// own has a row of the bot's own asked for and approved.
func (w *world) own() approval.Request {
	w.t.Helper()
	plan := w.plan("ada", 1)
	plan.Kind, plan.Snapshot = kindOwn, []byte("{}")
	r, err := w.engine.Submit(context.Background(), plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.approve(r, "bea")
}

// An effect that is a row of the bot's own is stored with the outcome, or not
// at all, wherever the process dies.
func TestG03AnEffectOfItsOwn(t *testing.T) {
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				for n := 0; ; n++ {
					m := &mortal{left: -1, after: cut.after, heals: cut.heals}
					w.restart(m)
					w.unfreeze(otherTenant)
					m.dieAfter(n)
					r := w.own()
					time.Sleep(5 * time.Second)
					m.spare()
					struck := m.struck()
					if m.died() {
						w.restart(nil)
					}
					r = w.end(r)
					if there := w.frozen(otherTenant) == r.Ref; there != (r.State == approval.Succeeded) {
						t.Errorf("it is %s, and the row is there: %t", r.State, there)
					}
					if !struck {
						break
					}
				}
				if got := w.wantEnd(w.own(), approval.Failed); got.Outcome.Why != "It is there already." {
					t.Errorf("it failed because %q", got.Outcome.Why)
				}
			})
		})
	}
}

// frozen says why a tenant is frozen.
func (w *world) frozen(tenant string) (why string) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx approval.Tx) error {
		f, err := tx.Freeze(tenant)
		why = f.Why
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return why
}

func (w *world) unfreeze(tenant string) {
	w.t.Helper()
	err := w.store.Update(context.Background(), func(tx approval.Tx) error { return tx.SetFreeze(tenant, approval.Freeze{}) })
	if err != nil {
		w.t.Fatal(err)
	}
}

// An action that reads once more at its end has what it saw said, if anything
// was done; that it cannot be read changes no outcome.
func TestVerifying(t *testing.T) {
	for _, row := range []struct {
		fault fault
		down  bool
		want  approval.State
		says  string
	}{
		{fine, false, approval.Succeeded, "Read once more."},
		{fine, true, approval.Succeeded, "The result could not be read once more."},
		{refused, false, approval.Failed, "403 Forbidden"},
	} {
		t.Run(fmt.Sprintf("%s, down %t", row.fault, row.down), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.tenant.plan(row.fault)
				w.onArrival(func(int) { w.tenant.setDown(row.down) })
				plan := w.plan("ada", 1, "lamp")
				plan.Kind = kindRead
				r, err := w.engine.Submit(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				if got := w.wantEnd(w.approve(r, "bea"), row.want); got.Outcome.Why != row.says {
					t.Errorf("it says %q, want %q", got.Outcome.Why, row.says)
				}
			})
		})
	}
}
