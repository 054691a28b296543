package approval_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"twokey/commands/approval"
)

// chronicle is a random history of a world, and what must be true in it.
type chronicle struct {
	*world
	ctx   context.Context
	plans []approval.Plan
	ids   []string                    // of the requests made of them
	ended map[string]approval.Request // as first seen ended
	stats *stats
}

// stats say what the histories held, so that a run that tried nothing is seen.
type stats struct{ histories, requests, kills, faults, effects atomic.Int64 }

// Random histories of people, faults and deaths: whatever happens, the
// invariants hold after every step, and everything comes to an end.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	var s stats
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		rapid.SyncTest(rt, func(rt *rapid.T) {
			w := newWorld(rt, file(dir))
			defer w.close()
			w.limits = shortLimits
			w.start(nil)
			c := &chronicle{world: w, ctx: context.Background(), ended: map[string]approval.Request{}, stats: &s}
			rt.Repeat(map[string]func(*rapid.T){ // twice what a history is made of
				"": c.invariants, "ask": c.doAsk, "ask 2": c.doAsk, "ask 3": c.doAsk, "ask again": c.doAskAgain,
				"approve": c.doApprove, "approve 2": c.doApprove, "approve 3": c.doApprove, "deny": c.doDeny, "cancel": c.doCancel,
				"wait": c.doWait, "wait 2": c.doWait, "jump": c.doJump, "kill": c.doKill, "stop": c.doStop,
				"drift": c.doDrift, "role": c.doRole, "fault": c.doFault, "down": c.doDown,
			})
			c.settle()
			s.histories.Add(1)
			s.requests.Add(int64(len(c.ids)))
			s.effects.Add(int64(len(w.tenant.applied())))
		})
	})
	t.Logf("%d histories, %d requests, %d kills, %d faults, %d effects",
		s.histories.Load(), s.requests.Load(), s.kills.Load(), s.faults.Load(), s.effects.Load())
	if s.kills.Load() == 0 || s.faults.Load() == 0 || s.effects.Load() == 0 {
		t.Error("the histories held too little")
	}
}

// settle switches the faults off and lets everything end.
func (c *chronicle) settle() {
	c.tenant.plan()
	c.tenant.setDown(false)
	c.people.change(func() { c.people.down = false })
	time.Sleep(30 * time.Second)
	c.ahead.Add(int64(expiry)) // nobody decides any more
	c.finish()
	c.invariants(nil)
}

func (c *chronicle) invariants(*rapid.T) {
	synctest.Wait() // nobody is in the middle of anything but of a call
	c.check(false)
	for _, r := range c.requests() {
		if first, ok := c.ended[r.ID]; ok && first.State != approval.Unknown && (first.Version != r.Version || first.State != r.State) {
			c.t.Errorf("G08: %s was %s and is %s", r.Ref, first.State, r.State)
		}
		if r.State.Final() {
			c.ended[r.ID] = r
		}
	}
}

func (c *chronicle) doAsk(t *rapid.T) {
	objects := []string{"lamp", "door", "fan", "gate", "desk", "bea"}
	targets := rapid.SliceOfNDistinct(rapid.SampledFrom(objects), 1, 3, rapid.ID).Draw(t, "targets")
	asker := rapid.SampledFrom([]string{"ada", "ada", "abe", "vic"}).Draw(t, "asker")
	plan := c.plan(asker, rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "quorum"), targets...)
	plan.Policy.Wait = time.Duration(rapid.SampledFrom([]int{0, 0, 20}).Draw(t, "wait")) * time.Second
	r, err := c.engine.Submit(c.ctx, plan)
	if err != nil {
		return
	}
	for _, o := range c.requests() {
		if o.ID != r.ID && !o.State.Final() && slices.ContainsFunc(o.Targets, func(t approval.Target) bool { return slices.Contains(targets, t.ID) }) {
			t.Fatalf("%s and %s are open for the same object", o.Ref, r.Ref)
		}
	}
	c.plans, c.ids = append(c.plans, plan), append(c.ids, r.ID)
}

func (c *chronicle) doAskAgain(t *rapid.T) {
	if len(c.plans) == 0 {
		t.Skip("nothing was asked")
	}
	i := rapid.IntRange(0, len(c.plans)-1).Draw(t, "plan")
	if r, err := c.engine.Submit(c.ctx, c.plans[i]); err != nil || r.ID != c.ids[i] {
		t.Fatalf("the same delivery gave %s, %v; want %s", r.ID, err, c.ids[i])
	}
}

// pick draws a request and somebody to decide it, and says what is known of
// both at this moment, in which nothing else happens.
func (c *chronicle) pick(t *rapid.T) (r approval.Request, who string, open, eligible bool) {
	if len(c.ids) == 0 {
		t.Skip("nothing was asked")
	}
	last := len(c.ids) - 1
	i := max(last-rapid.IntRange(0, 3).Draw(t, "back"), 0)
	who = rapid.SampledFrom([]string{"bea", "bea", "cid", "cid", "abe", "ada", "vic"}).Draw(t, "who")
	synctest.Wait()
	r = c.find(approval.Request{ID: c.ids[i]})
	switch r.State {
	case approval.Pending:
		open = c.now().Before(r.Expires)
	case approval.Approved:
		open = c.now().Before(r.StartBy)
	default:
	}
	aimed := slices.ContainsFunc(r.Targets, func(t approval.Target) bool { return t.ID == who })
	eligible = !c.people.down && c.people.approvers[who] && !aimed && who != r.Requester.Object
	return r, who, open, eligible
}

func (c *chronicle) doApprove(t *rapid.T) {
	r, who, open, eligible := c.pick(t)
	var earlier []approval.Decision
	err := c.store.View(c.ctx, func(tx approval.Tx) (err error) {
		earlier, err = tx.Decisions(r.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	voted := slices.ContainsFunc(earlier, func(d approval.Decision) bool { return d.By.Object == who })
	_, err = c.engine.Approve(c.ctx, press(r, who))
	if want := open && eligible && !voted && r.State == approval.Pending; (err == nil) != want {
		t.Fatalf("approve %s by %s: %v, want allowed %t", r.State, who, err, want)
	}
}

func (c *chronicle) doDeny(t *rapid.T) {
	r, who, open, eligible := c.pick(t)
	got, err := c.engine.Deny(c.ctx, press(r, who))
	if (err == nil) != (open && eligible) || err == nil && got.State != approval.Denied {
		t.Fatalf("deny %s by %s: %s, %v; want allowed %t", r.State, who, got.State, err, open && eligible)
	}
}

func (c *chronicle) doCancel(t *rapid.T) {
	r, who, open, eligible := c.pick(t)
	may := eligible || who == r.Requester.Object
	got, err := c.engine.Cancel(c.ctx, press(r, who))
	if (err == nil) != (open && may) || err == nil && got.State != approval.Cancelled {
		t.Fatalf("cancel %s by %s: %s, %v; want allowed %t", r.State, who, got.State, err, open && may)
	}
}

func (c *chronicle) doWait(t *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
}

// doJump moves the database's clock ahead. Whatever is on its way to the
// tenant arrives first: no clock makes that faster.
func (c *chronicle) doJump(t *rapid.T) {
	time.Sleep(c.tenant.late)
	c.ahead.Add(int64(rapid.IntRange(1, 200).Draw(t, "seconds")) * int64(time.Second))
}

// doKill ends the process and begins one that dies at some transaction of its own.
func (c *chronicle) doKill(t *rapid.T) {
	m := &mortal{left: rapid.IntRange(-1, 25).Draw(t, "transactions"), after: rapid.Bool().Draw(t, "after"), heals: rapid.Bool().Draw(t, "heals")}
	c.restart(m)
	c.stats.kills.Add(1)
}

func (c *chronicle) doStop(*rapid.T) {
	c.halt()
	c.start(nil)
}

func (c *chronicle) doDrift(t *rapid.T) {
	c.tenant.set(rapid.SampledFrom([]string{"lamp", "door"}).Draw(t, "object"), rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "value"))
}

func (c *chronicle) doRole(t *rapid.T) {
	who, may := rapid.SampledFrom([]string{"ada", "abe", "bea", "cid"}).Draw(t, "who"), rapid.IntRange(0, 3).Draw(t, "may") > 0
	c.people.change(func() {
		if who == "ada" {
			c.people.askers[who] = may
		} else {
			c.people.approvers[who] = may
		}
	})
}

func (c *chronicle) doFault(t *rapid.T) {
	fs := rapid.SliceOfN(rapid.SampledFrom(faults), 1, 4).Draw(t, "faults")
	c.tenant.plan(fs...)
	c.stats.faults.Add(int64(len(fs)))
}

func (c *chronicle) doDown(t *rapid.T) {
	c.tenant.setDown(rapid.IntRange(0, 2).Draw(t, "tenant") == 0)
	down := rapid.IntRange(0, 4).Draw(t, "directory") == 0
	c.people.change(func() { c.people.down = down })
}
