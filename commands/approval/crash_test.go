package approval_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

// A world in which a life is short, so that thousands of deaths fit in.
var shortLimits = approval.Limits{
	Tick: 2 * time.Second, Call: 3 * time.Second, Attempt: 20 * time.Second, Settle: 6 * time.Second, GiveUp: 12 * time.Second, Lease: 10 * time.Second, Pause: 40 * time.Second,
}

// cuts are the ways in which a transaction can be a process's last, or fail.
var cuts = map[string]struct{ after, heals bool }{
	"dies before it is stored":  {},
	"dies after it is stored":   {after: true},
	"it is not stored":          {heals: true},
	"it is stored, unknowingly": {heals: true, after: true},
}

// run approves a request for the targets with nobody there to run it, begins a
// process that sees the store through m, and gives it time: until the request
// has ended, or the process has. It reports whether m struck.
func (w *world) run(m *mortal, plan []fault, targets ...string) (approval.Request, bool) {
	w.t.Helper()
	w.halt()
	w.tenant.plan(plan...)
	r := w.approve(w.ask("ada", 1, targets...), "bea")
	m.Store = w.store
	w.start(m)
	for range 600 {
		synctest.Wait()
		if r = w.find(r); m.died() || r.State.Final() {
			break
		}
		time.Sleep(time.Second)
	}
	return r, m.struck()
}

// G01, G02, G03: wherever a process dies, or one of its transactions fails,
// the next one ends the request, says what is so, and sends nothing twice.
func TestG02KilledAtEveryTransaction(t *testing.T) {
	t.Parallel()
	var kills atomic.Int64
	t.Cleanup(func() { t.Logf("%d transactions cut", kills.Load()) })
	sweeps := 0
	for name, cut := range cuts {
		for _, f := range faults {
			for at := range 2 {
				if sweeps++; testing.Short() && sweeps%5 != 0 {
					continue // a short run makes a few of them
				}
				t.Run(fmt.Sprintf("%s, step %d %s", name, at+1, f), func(t *testing.T) {
					bubble(t, func(t *testing.T, w *world) {
						w.limits = shortLimits
						plan := append(slices.Repeat([]fault{fine}, at), f)
						for n := 0; ; n += stride() {
							m := &mortal{left: n, after: cut.after, heals: cut.heals}
							r, struck := w.run(m, plan, "lamp", "door")
							if m.died() {
								time.Sleep(time.Duration(n%5) * time.Second)
								w.restart(nil)
							}
							w.end(r)
							if !struck {
								return // it ended before so many transactions
							}
							kills.Add(1)
						}
					})
				})
			}
		}
	}
}

// stride is how far apart the transactions are that a sweep cuts: a short run
// leaves most of them out.
func stride() int {
	if testing.Short() {
		return 10
	}
	return 1
}

// fewer is how often something is done in a short run that is done n times
// otherwise: the race detector sees what it can see long before.
func fewer(n int) int { return n / stride() }

// The same, with processes that die while they find out what the one before
// them did.
func TestG02KilledDuringRecovery(t *testing.T) {
	rounds := fewer(150)
	bubble(t, func(t *testing.T, w *world) {
		w.limits = shortLimits
		r := rand.New(rand.NewPCG(2, 2))
		kills := 0
		for range rounds {
			plan := []fault{faults[r.IntN(len(faults))], faults[r.IntN(len(faults))]}
			m := &mortal{left: r.IntN(10), after: r.IntN(2) == 0}
			req, _ := w.run(m, plan, "lamp", "door")
			for depth := 0; depth < 3 && m.died(); depth++ {
				kills++
				time.Sleep(time.Duration(r.IntN(8)) * time.Second)
				m = &mortal{left: r.IntN(12), after: r.IntN(2) == 0}
				w.restart(m)
				for range 40 {
					synctest.Wait()
					if m.died() || w.find(req).State.Final() {
						break
					}
					time.Sleep(time.Second)
				}
			}
			if m.died() {
				kills++
				w.restart(nil)
			}
			w.end(req)
		}
		t.Logf("%d processes killed", kills)
	})
}

// What was approved while nothing ran is run by the next process, and
// what was asked is still there.
func TestG02NothingIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.kill()
		approved := w.approve(w.ask("ada", 1, "lamp"), "bea")
		pending := w.ask("ada", 2, "door")
		pending = w.approve(pending, "bea")
		time.Sleep(20 * time.Second)
		w.restart(nil)
		w.wantEnd(approved, approval.Succeeded)
		if got := w.find(pending); got.State != approval.Pending {
			t.Errorf("%s, want pending", got.State)
		}
		w.approve(pending, "abe")
		w.wantEnd(pending, approval.Succeeded)
	})
}

// A start that comes after the time to start expires the request instead.
func TestG14ARestartAfterTheTimeIsOver(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.kill()
		r := w.approve(w.ask("ada", 1, "lamp"), "bea")
		time.Sleep(time.Until(r.StartBy))
		w.restart(nil)
		w.wantEnd(r, approval.Expired)
	})
}
