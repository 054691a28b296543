package approval

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what the runner does. The zero value of each means its default.
type Limits struct {
	Tick    time.Duration // how often it looks without being woken; 1 s
	Call    time.Duration // one call to the tenant; 30 s
	Attempt time.Duration // one execution; 2 min
	Settle  time.Duration // after an unclear answer, before reading means "not done"; 60 s
	GiveUp  time.Duration // after it, a result that cannot be read is unknown; 10 min
	Lease   time.Duration // for how long a request is this process's alone; longer than a call by 5 s at least; 45 s
	Drain   time.Duration // from the stop until the runner is gone; calls are cut off when a fifth of it is left; 10 s
	Pause   time.Duration // for how long a request may be paused; then what is left is not done; 1 h
	Workers int           // requests that are worked on at once; 4
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&l.Tick, time.Second)
	set(&l.Call, 30*time.Second)
	set(&l.Attempt, 2*time.Minute)
	set(&l.Settle, time.Minute)
	set(&l.GiveUp, 10*time.Minute)
	set(&l.Lease, 45*time.Second)
	l.Lease = max(l.Lease, 2*margin) // a shorter one would leave no time for any call
	set(&l.Drain, 10*time.Second)
	set(&l.Pause, time.Hour)
	if l.Workers == 0 {
		l.Workers = 4
	}
	return l
}

// Runner executes approved requests, and finds out what became of those that
// a crash or an unclear answer left open. Any number of runners may work on a
// store at once: each request has a lease of its own, under which one of them
// works on it and stores what it does.
type Runner struct {
	store     Store
	standing  Standing
	actions   map[string]Action
	owner     string
	dead      func(owner string) bool
	current   func(context.Context, Request) error
	prove     Prove
	gate      func(context.Context) error
	wasBarred bool // at the last look
	tidy      func(context.Context) error
	limits    Limits
	log       *slog.Logger
	tidying   atomic.Bool
	wake      chan struct{}
	workers   chan struct{} // holds a token for each that is busy
	ends      ends
	working   sync.WaitGroup

	mu        sync.Mutex
	stopped   bool
	busy      map[string]bool      // by request ID: a goroutine of this process works on it
	later     map[string]time.Time // by request ID: it is left alone until then
	watched   map[string]time.Time // by a step's client ID: since when its missing answer is looked for
	delivered map[string]bool      // by request ID: what it created was received, and that is not stored yet
}

// RunnerConfig is what a runner is made of. Store, Standing, Owner and Log are
// needed.
type RunnerConfig struct {
	Store    Store
	Standing Standing
	Actions  map[string]Action // by kind
	Owner    string            // names this process and no other, ever
	// Gone reports whether the process of that name surely runs no more. If it
	// is nil, only [Store.Alone] proves that.
	Gone func(owner string) bool
	// Current, if set, is what [Engine.Current] is: it is asked again before
	// anything is sent. A [*Refusal] ends the request as stale.
	Current func(ctx context.Context, r Request) error
	// Prove, if set, is what [Engine.Prove] is, for whoever collects.
	Prove Prove
	// Gate, if set, is asked before each look at the requests. While it gives
	// an error nothing is begun, moved or found out.
	Gate func(ctx context.Context) error
	// Tidy, if set, is called with each look, beside it, unless it still is at
	// it from an earlier one.
	Tidy   func(ctx context.Context) error
	Limits Limits
	Log    *slog.Logger
}

// NewRunner returns a runner for the given kinds of action.
func NewRunner(cfg RunnerConfig) *Runner {
	limits := cfg.Limits.withDefaults()
	return &Runner{
		store: cfg.Store, standing: cfg.Standing, actions: cfg.Actions, owner: cfg.Owner,
		dead: cfg.Gone, current: cfg.Current, prove: cfg.Prove, gate: cfg.Gate, tidy: cfg.Tidy, limits: limits, log: cfg.Log,
		wake: make(chan struct{}, 1), workers: make(chan struct{}, limits.Workers), ends: newEnds(),
		busy: map[string]bool{}, later: map[string]time.Time{}, watched: map[string]time.Time{}, delivered: map[string]bool{},
	}
}

// ends are the three ends of a runner, one after the other: nothing begins
// after the first, no call lasts beyond the second, and nothing is stored
// beyond the third. They are the runner's own, and not those of one call.
type ends struct {
	begin, call, store          context.Context
	endBegin, endCall, endStore context.CancelFunc
}

func newEnds() (e ends) {
	e.begin, e.endBegin = context.WithCancel(context.Background())
	e.call, e.endCall = context.WithCancel(context.Background())
	e.store, e.endStore = context.WithCancel(context.Background())
	return e
}

// Wake makes the runner look at once. It never blocks.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and returns when everything that it began has
// ended: see [Limits]. What is left over then is any other runner's.
func (r *Runner) Run(ctx context.Context) error {
	r.look(ctx)
	r.stop()
	cut := time.AfterFunc(r.limits.Drain*4/5, r.ends.endCall)
	end := time.AfterFunc(r.limits.Drain, r.ends.endStore)
	r.working.Wait()
	err := r.letGo()
	cut.Stop()
	end.Stop()
	r.ends.endCall()
	r.ends.endStore()
	return err
}

// look passes over the requests until ctx ends.
func (r *Runner) look(ctx context.Context) {
	defer context.AfterFunc(ctx, r.ends.endBegin)()
	tick := time.NewTicker(r.limits.Tick)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := r.pass(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("runner pass", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-r.wake:
		}
	}
}

// stop lets nothing begin any more.
func (r *Runner) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.ends.endBegin()
}

func (r *Runner) stopping() bool { return r.ends.begin.Err() != nil }

// letGo gives back the leases of requests that this process leaves unfinished,
// so that another need not wait for their end.
func (r *Runner) letGo() error {
	err := r.store.Update(r.ends.store, func(tx Tx) error {
		open, err := tx.Requests("", Approved, Executing, Reconciling)
		if err != nil {
			return err
		}
		for _, req := range open {
			if err := tx.Release(LeaseOf(req.ID), r.owner); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.log.Warn("give leases back", "error", err) // they end by themselves
	}
	return nil
}

// barred reports whether nothing may be done. That can last for long, and is
// logged when it begins.
func (r *Runner) barred(ctx context.Context) bool {
	if r.gate == nil {
		return false
	}
	err := r.gate(ctx)
	if err != nil && !r.wasBarred && ctx.Err() == nil {
		r.log.Error("runner does nothing", "error", err)
	}
	r.wasBarred = err != nil
	return r.wasBarred
}

// pass looks once at every open request, and has somebody work on what is due.
func (r *Runner) pass(ctx context.Context) error {
	if r.barred(ctx) {
		return nil
	}
	open, err := r.due(ctx)
	if err != nil {
		return fmt.Errorf("list open requests: %w", err)
	}
	r.tidyUp(ctx)
	var errs []error
	full := false
	for _, d := range open {
		if d.over {
			errs = append(errs, r.expire(ctx, d.req))
		} else if !full {
			full = !r.begin(ctx, d.req.ID, d.work)
		}
	}
	return errors.Join(errs...)
}

// tidyUp has what is not urgent done beside everything else: it may have to wait
// for the tenant.
func (r *Runner) tidyUp(ctx context.Context) {
	if r.tidy == nil || !r.tidying.CompareAndSwap(false, true) {
		return
	}
	r.working.Go(func() {
		defer r.tidying.Store(false)
		if err := safely(func() error { return r.tidy(ctx) }); err != nil && ctx.Err() == nil {
			r.log.Error("tidy up", "error", err)
		}
	})
}

// duty is what has to be done about a request.
type duty struct {
	req  Request
	over bool // it has expired
	work func(ctx context.Context, id string) (time.Duration, error)
}

// due lists what has to be done, oldest request first, and after all others
// those whose result is not known.
func (r *Runner) due(ctx context.Context) (all []duty, err error) {
	err = r.store.View(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		open, err := tx.Requests("", OpenStates()...)
		if err != nil {
			return err
		}
		unknown, err := tx.Unresolved(now.Add(-unresolved))
		if err != nil {
			return err
		}
		open = append(open, unknown...)
		for _, req := range open {
			d := duty{req: req, over: overdue(req, now), work: r.duty(req, now)}
			if d.work == nil && !d.over {
				continue
			}
			if req.State == Approved && !d.over { // while all is frozen the tenant is not even read for it
				if err := thawed(tx, req); errors.Is(err, ErrFrozen) {
					continue
				} else if err != nil {
					return err
				}
			}
			l, err := tx.Lease(LeaseOf(req.ID))
			if err != nil {
				return err
			}
			if d.over || r.free(req, l, now) {
				all = append(all, d)
			}
		}
		return nil
	})
	return all, err
}

// duty returns what has to be done about an open request now, nil if nothing.
func (r *Runner) duty(req Request, now time.Time) func(context.Context, string) (time.Duration, error) {
	switch {
	case req.State == Approved && req.Policy.Collect == 0 && !now.Before(req.NotBefore):
		return r.execute
	case req.State == Executing || req.State == Reconciling:
		return r.resume
	case req.State == Unknown && now.Before(req.Outcome.At.Add(resolvable)):
		return r.resolve
	default:
		return nil
	}
}

// begin has a goroutine of its own work on a request, and returns false if no
// more can be begun. A request that is worked on already, or is to be left
// alone for a while, counts as begun.
func (r *Runner) begin(ctx context.Context, id string, work func(context.Context, string) (time.Duration, error)) bool {
	select {
	case r.workers <- struct{}{}:
	default:
		return false
	}
	if !r.claim(id, false) {
		<-r.workers
		return true
	}
	go func() {
		var wait time.Duration
		err := safely(func() (err error) {
			wait, err = work(ctx, id)
			return err
		})
		var no *Refusal // another was first, or it is not the time
		if err != nil && !errors.As(err, &no) && ctx.Err() == nil {
			r.log.Error("work on request", "id", id, "error", err)
		}
		if err != nil {
			wait = max(wait, r.limits.Tick)
		}
		<-r.workers
		r.release(id, wait)
		r.Wake()
	}()
	return true
}

// safely turns a panic into an error: one kind of action that is broken must
// not take the others with it. What it left open is looked up like any other.
func safely(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return work()
}

// claim reserves a request for one goroutine of this process. It returns false
// if another has it, if nothing may begin any more, or, unless it is urgent,
// if it is to be left alone for a while.
func (r *Runner) claim(id string, urgent bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || r.busy[id] || !urgent && time.Now().Before(r.later[id]) {
		return false
	}
	r.busy[id] = true
	r.working.Add(1)
	return true
}

// release ends a claim. The request is then left alone for the given time.
func (r *Runner) release(id string, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, id)
	delete(r.later, id)
	if wait > 0 {
		r.later[id] = time.Now().Add(wait)
	}
	r.working.Done()
}

// expire ends a request whose time is over.
func (r *Runner) expire(ctx context.Context, req Request) error {
	err := r.store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		c, over := Expire(req, now)
		if !over {
			return ErrLost
		}
		_, err = apply(tx, req, c, now)
		return err
	})
	if err != nil && !errors.Is(err, ErrLost) {
		return fmt.Errorf("expire %s: %w", req.Ref, err)
	}
	return nil
}
