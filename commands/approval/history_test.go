package approval_test

import (
	"context"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"twokey/commands/approval"
	"twokey/store"
)

// chronicle is a random history of a world, and what must be true in it.
type chronicle struct {
	*world
	ctx   context.Context
	plans []approval.Plan
	ids   []string                    // of the requests made of them
	ended map[string]approval.Request // as first seen ended
	stats *stats
	steps int
}

// stats say what the histories held, so that a run that tried nothing is seen.
type stats struct{ histories, several, requests, kills, pauses, collects, faults, effects, halts atomic.Int64 }

// Random histories of people, faults and deaths: whatever happens, the
// invariants hold after every step, and everything comes to an end.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	var s stats
	empty := emptyDatabase(t)
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		if err := os.WriteFile(file(dir), empty, 0o600); err != nil {
			rt.Fatal(err)
		}
		rapid.SyncTest(rt, func(rt *rapid.T) {
			w := newWorld(rt, file(dir))
			defer w.close()
			w.limits = shortLimits
			c := &chronicle{world: w, ctx: context.Background(), ended: map[string]approval.Request{}, stats: &s}
			c.begin(rt)
			rt.Repeat(map[string]func(*rapid.T){ // twice what a history is made of
				"": c.invariants, "ask": c.doAsk, "ask 2": c.doAsk, "ask 3": c.doAsk, "ask again": c.doAskAgain,
				"approve": c.doApprove, "approve 2": c.doApprove, "approve 3": c.doApprove, "deny": c.doDeny, "cancel": c.doCancel,
				"wait": c.doWait, "wait 2": c.doWait, "jump": c.doJump, "kill": c.doKill, "stop": c.doStop,
				"ask a pass": c.doAskPass, "collect": c.doCollect, "collect 2": c.doCollect, "pause": c.doPause, "go on": c.doGoOn,
				"drift": c.doDrift, "role": c.doRole, "fault": c.doFault, "down": c.doDown,
				"freeze": c.doFreeze, "thaw": c.doThaw, "thaw 2": c.doThaw, "concerned": c.doConcerned, "resolve": c.doResolve,
				"ask for several": c.doAskSeveral, "pause a request": c.doHalt, "pause a request 2": c.doHalt, "resume a request": c.doResume, "stop a request": c.doBreak,
			})
			c.settle()
			s.histories.Add(1)
			s.requests.Add(int64(len(c.ids)))
			s.effects.Add(int64(len(w.tenant.applied())))
		})
	})
	t.Logf("%d histories (%d with several processes), %d requests, %d presses to collect, %d kills, %d pauses, %d halts, %d faults, %d effects",
		s.histories.Load(), s.several.Load(), s.requests.Load(), s.collects.Load(), s.kills.Load(), s.pauses.Load(), s.halts.Load(), s.faults.Load(), s.effects.Load())
	if s.several.Load() == 0 || s.kills.Load() == 0 || s.pauses.Load() == 0 || s.halts.Load() == 0 || s.faults.Load() == 0 || s.effects.Load() == 0 {
		t.Error("the histories held too little")
	}
}

// emptyDatabase returns the file of a database in which nothing is stored, so
// that a history need not begin with every migration.
func emptyDatabase(t *testing.T) []byte {
	t.Helper()
	path := file(t.TempDir())
	s, err := store.Open(t.Context(), store.Config{DSN: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// begin starts one process that is alone, or several.
func (c *chronicle) begin(t *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(t, "processes")
	if n == 1 {
		c.start(nil)
		return
	}
	c.silent = rapid.Bool().Draw(t, "silent")
	c.stats.several.Add(1)
	for range n {
		c.join(nil)
	}
}

// settle switches the faults off and lets everything end.
func (c *chronicle) settle() {
	for _, p := range c.alive() {
		p.store.goOn()
	}
	c.tenant.plan()
	c.tenant.setDown(false)
	c.people.change(func() { c.people.down = false })
	time.Sleep(30 * time.Second)
	c.ahead.Add(int64(expiry)) // nobody decides any more
	c.finish()
	c.invariants(nil)
}

func (c *chronicle) invariants(*rapid.T) {
	synctest.Wait()                // nobody is in the middle of anything but of a call
	if c.steps++; c.steps%4 == 0 { // it costs more than what it checks
		c.check(false)
	}
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
	plan := c.plan(asker, rapid.SampledFrom([]int{1, 1, 2, 0}).Draw(t, "quorum"), targets...)
	plan.Policy.Wait = time.Duration(rapid.SampledFrom([]int{0, 0, 20}).Draw(t, "wait")) * time.Second
	frozen := c.frozen()
	r, err := c.engine.Submit(c.ctx, plan)
	if err != nil {
		return
	}
	if frozen {
		t.Fatalf("%s was asked while all is frozen", r.Ref)
	}
	for _, o := range c.requests() {
		if o.ID != r.ID && !o.State.Final() && slices.ContainsFunc(o.Targets, func(t approval.Target) bool { return slices.Contains(targets, t.ID) }) {
			t.Fatalf("%s and %s are open for the same object", o.Ref, r.Ref)
		}
	}
	c.plans, c.ids = append(c.plans, plan), append(c.ids, r.ID)
}

// doAskSeveral asks for a change that goes from one target to the next, and has
// it approved, so that some are under way.
func (c *chronicle) doAskSeveral(t *rapid.T) {
	plan := c.plan("ada", 1, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"hall", "roof", "lift", "well", "bell"}), 2, 5, rapid.ID).Draw(t, "targets")...)
	plan.Args = parted(plan.Args)
	r, err := c.engine.Submit(c.ctx, plan)
	if err != nil {
		return
	}
	c.plans, c.ids = append(c.plans, plan), append(c.ids, r.ID)
	_, _ = c.engine.Approve(c.ctx, press(r, "bea")) // if bea may
	c.tenant.plan(rapid.SampledFrom([]fault{fine, slow, refused}).Draw(t, "first"), slow, slow)
}

// running draws a request that can be paused, and who wants that; concerned tells
// that it is about them.
func (c *chronicle) running(t *rapid.T) (r approval.Request, who string, eligible, concerned bool) {
	all := slices.DeleteFunc(c.requests(), func(r approval.Request) bool { return !r.Pausable() })
	if len(all) == 0 {
		t.Skip("nothing is under way")
	}
	r, who = rapid.SampledFrom(all).Draw(t, "request"), rapid.SampledFrom([]string{"ada", "bea", "cid", "vic"}).Draw(t, "who")
	concerned = slices.ContainsFunc(r.Targets, func(t approval.Target) bool { return t.ID == who })
	return r, who, who == r.Requester.Object || !c.people.down && c.people.approvers[who] && !concerned, concerned
}

func (c *chronicle) halted(r approval.Request) (h approval.Halt) {
	if err := c.store.View(c.ctx, func(tx approval.Tx) (err error) { h, err = approval.HaltOf(tx, r); return err }); err != nil {
		c.t.Fatal(err)
	}
	return h
}

func (c *chronicle) doHalt(t *rapid.T) {
	r, who, eligible, _ := c.running(t)
	want := eligible && !c.halted(r).Held()
	if _, err := c.engine.Pause(c.ctx, press(r, who)); (err == nil) != want {
		t.Fatalf("pause by %s: %v, want allowed %t", who, err, want)
	}
	c.stats.halts.Add(1)
}

func (c *chronicle) doResume(t *rapid.T) {
	r, who, eligible, _ := c.running(t)
	h := c.halted(r)
	want := eligible && h.Held() && !h.Stop && (who != r.Requester.Object || h.By == who)
	if _, err := c.engine.Resume(c.ctx, press(r, who)); (err == nil) != want {
		t.Fatalf("resume by %s: %v, want allowed %t", who, err, want)
	}
}

func (c *chronicle) doBreak(t *rapid.T) {
	r, who, eligible, concerned := c.running(t)
	alerts := concerned && who != r.Requester.Object // as it cannot be cancelled any more
	want := alerts || eligible && !c.halted(r).Stop
	if _, err := c.engine.Stop(c.ctx, press(r, who)); (err == nil) != want {
		t.Fatalf("stop by %s: %v, want allowed %t", who, err, want)
	}
}

func (c *chronicle) doAskPass(t *rapid.T) {
	plan := c.passPlan("ada", rapid.SampledFrom([]string{"sam", "sue"}).Draw(t, "user"))
	if r, err := c.engine.Submit(c.ctx, plan); err == nil {
		c.plans, c.ids = append(c.plans, plan), append(c.ids, r.ID)
		if rapid.Bool().Draw(t, "approved") {
			_, _ = c.engine.Approve(c.ctx, press(r, "bea"))
		}
	}
}

// doCollect has somebody press at one of the processes. What is shown to them
// arrives or not, or after a while.
func (c *chronicle) doCollect(t *rapid.T) {
	var ready []approval.Request
	for _, r := range c.requests() {
		if r.Kind == kindPass && r.State == approval.Approved {
			ready = append(ready, r)
		}
	}
	if len(ready) == 0 {
		t.Skip("nothing can be collected")
	}
	r := rapid.SampledFrom(ready).Draw(t, "request")
	p := c.one(t)
	deliver := rapid.SampledFrom([]func(context.Context) error{received, received, nobody, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}}).Draw(t, "delivery")
	c.stats.collects.Add(1)
	c.collect.Go(func() { _, _ = c.press(p, r, "ada", deliver) })
}

// one draws a process.
func (c *chronicle) one(t *rapid.T) *process {
	all := c.alive()
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "process")]
}

func (c *chronicle) doPause(t *rapid.T) {
	c.one(t).store.pause()
	c.stats.pauses.Add(1)
}

func (c *chronicle) doGoOn(t *rapid.T) { c.one(t).store.goOn() }

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
	breaks := r.Pausable() && !c.halted(r).Stop
	got, err := c.engine.Cancel(c.ctx, press(r, who))
	if want := (open || breaks) && may; (err == nil) != want || want && (got.State == approval.Cancelled) != open {
		t.Fatalf("cancel %s by %s: %s, %v; want allowed %t", r.State, who, got.State, err, want)
	}
}

// frozen reports whether the tenant is frozen.
func (c *chronicle) frozen() bool {
	var f approval.Freeze
	err := c.store.View(c.ctx, func(tx approval.Tx) (err error) {
		f, err = tx.Freeze(tenantID)
		return err
	})
	if err != nil {
		c.t.Fatalf("read freeze: %v", err)
	}
	return !f.Since.IsZero()
}

// thawing reports whether a thaw has been asked for and has not ended.
func (c *chronicle) thawing() (open bool) {
	err := c.store.View(c.ctx, func(tx approval.Tx) error {
		all, err := tx.Requests(tenantID, approval.OpenStates()...)
		open = slices.ContainsFunc(all, func(r approval.Request) bool { return r.Kind == approval.KindThaw })
		return err
	})
	if err != nil {
		c.t.Fatalf("read requests: %v", err)
	}
	return open
}

// doFreeze pulls the brake, which is pulled anew while a thaw is waiting.
func (c *chronicle) doFreeze(t *rapid.T) {
	who := rapid.SampledFrom([]string{"bea", "ada", "vic"}).Draw(t, "who")
	synctest.Wait()
	want := !c.people.down && c.people.approvers[who] && (!c.frozen() || c.thawing())
	err := c.engine.Freeze(c.ctx, approval.Vote{By: person(who)}, tenantID)
	if (err == nil) != want || want && !c.frozen() {
		t.Fatalf("freeze by %s: %v, want allowed %t", who, err, want)
	}
}

// doThaw asks for the end of a freeze, and lets it be approved like any other.
func (c *chronicle) doThaw(t *rapid.T) {
	if !c.frozen() {
		t.Skip("nothing is frozen")
	}
	plan := c.thaw("ada")
	plan.Policy.Quorum = 1
	r, err := c.engine.Submit(c.ctx, plan)
	if err != nil {
		return
	}
	c.plans, c.ids = append(c.plans, plan), append(c.ids, r.ID)
	_, _ = c.engine.Approve(c.ctx, press(r, "cid")) // if cid may
}

// doConcerned has a person stop a request who may be its target.
func (c *chronicle) doConcerned(t *rapid.T) {
	r, who, open, eligible := c.pick(t)
	breaks := r.Pausable() && !c.halted(r).Stop && (eligible || who == r.Requester.Object)
	aimed := slices.ContainsFunc(r.Targets, func(t approval.Target) bool { return t.ID == who })
	got, err := c.engine.Stop(c.ctx, press(r, who))
	begun := slices.Contains([]approval.State{approval.Executing, approval.Reconciling, approval.Succeeded, approval.Partial, approval.Unknown}, r.State)
	if want := aimed && (open || begun) || breaks; (err == nil) != want {
		t.Fatalf("stop %s by %s: %v, want allowed %t", r.State, who, err, want)
	}
	if err == nil && (got.State == approval.Cancelled) != open {
		t.Fatalf("stop %s by %s: %s", r.State, who, got.State)
	}
}

// doResolve has a person say how a request ended, be it true or not.
func (c *chronicle) doResolve(t *rapid.T) {
	r, who, _, eligible := c.pick(t)
	want := eligible && r.State == approval.Unknown
	got, err := c.engine.Resolve(c.ctx, press(r, who), rapid.Bool().Draw(t, "done"), "I looked")
	if (err == nil) != want || want && got.Outcome.By != person(who) {
		t.Fatalf("resolve %s by %s: %+v, %v; want allowed %t", r.State, who, got.Outcome, err, want)
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

// doKill ends a process and begins one that dies at some transaction of its own.
func (c *chronicle) doKill(t *rapid.T) {
	m := &mortal{left: rapid.IntRange(-1, 25).Draw(t, "transactions"), after: rapid.Bool().Draw(t, "after"), heals: rapid.Bool().Draw(t, "heals")}
	c.stats.kills.Add(1)
	if len(c.others) == 0 {
		c.restart(m)
		return
	}
	c.leave(c.one(t), true)
	c.join(m)
}

func (c *chronicle) doStop(t *rapid.T) {
	if len(c.others) == 0 {
		c.halt()
		c.start(nil)
		return
	}
	c.leave(c.one(t), false)
	c.join(nil)
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
