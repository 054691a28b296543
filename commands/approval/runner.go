package approval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Limits bound what the runner does. The zero value of each means its default.
type Limits struct {
	Tick    time.Duration // how often it looks without being woken; 1 s
	Call    time.Duration // one call to the tenant; 30 s
	Attempt time.Duration // one execution; 2 min
	Settle  time.Duration // after an unclear answer, before reading means "not done"; 60 s
	GiveUp  time.Duration // after it, a result that cannot be read is unknown; 10 min
	Lease   time.Duration // 30 s
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
	set(&l.Lease, 30*time.Second)
	return l
}

// tries is how often a step may be sent that surely was not applied.
const tries = 3

// Runner executes approved requests, and finds out what became of those that
// a crash or an unclear answer left open. One runner works at a time on a
// store: the one that holds the lease.
type Runner struct {
	store    Store
	standing Standing
	actions  map[string]Action
	owner    string
	dead     func(owner string) bool
	gate     func(context.Context) error
	tidy     func(context.Context) error
	limits   Limits
	log      *slog.Logger
	wake     chan struct{}
	fence    int64
	later    map[string]time.Time // by request ID: not before, after a reading failed
	watched  map[string]time.Time // by a step's client ID: since when its missing answer is looked for
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
	// Gate, if set, is asked before each look at the requests. While it gives
	// an error nothing is begun, moved or found out.
	Gate func(ctx context.Context) error
	// Tidy, if set, is called with each look.
	Tidy   func(ctx context.Context) error
	Limits Limits
	Log    *slog.Logger
}

// NewRunner returns a runner for the given kinds of action.
func NewRunner(cfg RunnerConfig) *Runner {
	return &Runner{
		store: cfg.Store, standing: cfg.Standing, actions: cfg.Actions, owner: cfg.Owner,
		dead: cfg.Gone, gate: cfg.Gate, tidy: cfg.Tidy,
		limits: cfg.Limits.withDefaults(), log: cfg.Log,
		wake: make(chan struct{}, 1), later: map[string]time.Time{}, watched: map[string]time.Time{},
	}
}

// Wake makes the runner look at once. It never blocks.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. A call that is under way then is waited for and
// recorded, at most for the limit of one call; no new one is begun.
func (r *Runner) Run(ctx context.Context) error {
	tick := time.NewTicker(r.limits.Tick)
	defer tick.Stop()
	for {
		if err := r.pass(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("runner pass", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-r.wake:
		}
	}
}

// pass looks once at every open request.
func (r *Runner) pass(ctx context.Context) error {
	if r.gate != nil {
		if err := r.gate(ctx); err != nil {
			return fmt.Errorf("nothing is done: %w", err)
		}
	}
	held, err := r.hold(ctx)
	if err != nil || !held {
		return err
	}
	var open []Request
	var now time.Time
	err = r.store.View(ctx, func(tx Tx) (err error) {
		if now, err = tx.Now(); err != nil {
			return err
		}
		open, err = tx.Requests("", Pending, Approved, Executing, Reconciling)
		return err
	})
	if err != nil {
		return fmt.Errorf("list open requests: %w", err)
	}
	var errs []error
	if r.tidy != nil {
		errs = append(errs, r.tidy(ctx))
	}
	for _, req := range open {
		if ctx.Err() != nil {
			break
		}
		if err := r.advance(ctx, req, now); err != nil && !errors.Is(err, ErrLost) {
			errs = append(errs, fmt.Errorf("%s: %w", req.Ref, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Runner) hold(ctx context.Context) (held bool, err error) {
	err = r.store.Update(ctx, func(tx Tx) error {
		r.fence, held, err = tx.Acquire("runner", r.owner, r.limits.Lease, r.store.Alone())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("hold lease: %w", err)
	}
	return held, nil
}

func (r *Runner) advance(ctx context.Context, req Request, now time.Time) error {
	switch {
	case overdue(req, now):
		return r.move(ctx, req, func(now time.Time) (Change, error) {
			c, over := Expire(req, now)
			if !over {
				return Change{}, ErrLost
			}
			return c, nil
		})
	case req.State == Approved && !now.Before(req.NotBefore) && !now.Before(r.later[req.ID]):
		return r.execute(ctx, req, now)
	case req.State == Executing:
		return r.lose(ctx, req, now)
	case req.State == Reconciling:
		return r.reconcile(ctx, req, now)
	}
	return nil
}

// move stores one transition of req, decided at the database's time.
func (r *Runner) move(ctx context.Context, req Request, decide func(now time.Time) (Change, error)) error {
	return r.store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		c, err := decide(now)
		if err != nil {
			return err
		}
		_, err = apply(tx, req, c, now)
		return err
	})
}

// execute validates an approved request again and runs it.
func (r *Runner) execute(ctx context.Context, req Request, now time.Time) error {
	seen, findings, err := r.revalidate(ctx, req)
	if err != nil {
		r.later[req.ID] = now.Add(5 * time.Second)
		return fmt.Errorf("validate again: %w", err)
	}
	delete(r.later, req.ID)
	if len(findings) > 0 {
		return r.move(ctx, req, func(now time.Time) (Change, error) { return Outdate(req, findings, now) })
	}
	calls, err := r.actions[req.Kind].Steps(req)
	if err != nil {
		return fmt.Errorf("plan steps: %w", err)
	}
	attempt, err := r.start(ctx, &req, seen)
	if err != nil {
		return err
	}
	// From here on the work is finished even if the process is asked to stop:
	// what was begun has to be recorded.
	return r.run(context.WithoutCancel(ctx), ctx.Done(), req, attempt, calls)
}

// revalidate reads everything again that the approval was based on, returns the
// tenant as it is now, and names what is different. An error means that it
// could not be read: do not run.
func (r *Runner) revalidate(ctx context.Context, req Request) (json.RawMessage, []string, error) {
	action, ok := r.actions[req.Kind]
	if !ok {
		return nil, []string{"This version of the bot does not know how to do this."}, nil
	}
	if !sealed(req, req.Ref) {
		return nil, []string{"What is stored is not what was approved."}, nil
	}
	findings, err := r.standings(ctx, req)
	if err != nil || len(findings) > 0 {
		return nil, findings, err
	}
	now, err := action.Snapshot(ctx, req)
	if err != nil {
		return nil, nil, fmt.Errorf("read tenant: %w", err)
	}
	return now, action.Compare(req.Snapshot, now, req, nil), nil
}

// standings asks again whether the requester may ask and those who approved
// may decide.
func (r *Runner) standings(ctx context.Context, req Request) ([]string, error) {
	var decisions []Decision
	err := r.store.View(ctx, func(tx Tx) (err error) {
		decisions, err = tx.Decisions(req.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	var findings []string
	check := func(p Principal, err error, may string) error {
		var no *Refusal
		if errors.As(err, &no) {
			findings = append(findings, r.standing.Name(ctx, p)+" may no longer "+may+".")
			return nil
		}
		return err
	}
	_, err = r.standing.MayAsk(ctx, req.Requester, req.Kind)
	if err := check(req.Requester, err, "ask for this"); err != nil {
		return nil, err
	}
	people := Counted(req, decisions)
	if len(people) < req.Policy.Quorum {
		findings = append(findings, "The approvals on record are not enough.")
	}
	for _, p := range people {
		_, err := r.standing.MayDecide(ctx, p, req)
		if err := check(p, err, "approve this"); err != nil {
			return nil, err
		}
	}
	return findings, nil
}

func (r *Runner) start(ctx context.Context, req *Request, before json.RawMessage) (Attempt, error) {
	var a Attempt
	err := r.store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		c, err := Start(*req, now)
		if err != nil {
			return err
		}
		a = Attempt{Request: req.ID, Fence: r.fence, Owner: r.owner, Started: now, Deadline: now.Add(r.limits.Attempt), Before: before}
		if err := tx.OpenAttempt(a); err != nil {
			return err
		}
		*req, err = apply(tx, *req, c, now)
		return err
	})
	return a, err
}

// run sends the steps in order and stores how they ended. It stops at the
// first that was not applied, and between steps when stop is closed.
func (r *Runner) run(ctx context.Context, stop <-chan struct{}, req Request, a Attempt, calls []Call) error {
	remark := ""
	for i, call := range calls {
		if i > 0 && closed(stop) {
			remark = "The bot was stopped in between."
			break
		}
		s, err := r.step(ctx, stop, req, a, i+1, call)
		if err != nil {
			return err // the step stays open, and the next pass finds out
		}
		if s.Class == Unclear {
			return r.move(ctx, req, func(time.Time) (Change, error) {
				return Lose(req, "Microsoft 365 gave no clear answer. The bot is looking up what happened.")
			})
		}
		if s.Class != Applied {
			remark = s.Facts
			break
		}
	}
	return r.finish(ctx, req, len(calls), remark)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// step sends one call, and again only where the answer proves that it was not
// applied.
func (r *Runner) step(ctx context.Context, stop <-chan struct{}, req Request, a Attempt, number int, call Call) (Step, error) {
	for try := 1; ; try++ {
		s, err := r.intend(ctx, req, a, number, try, call)
		if err != nil {
			return Step{}, fmt.Errorf("store intent: %w", err)
		}
		limited, cancel := context.WithTimeout(ctx, r.limits.Call)
		answer := call.Send(limited, s.ClientID)
		cancel()
		s.Class, s.RequestID, s.Facts, s.Object = answer.Class, answer.RequestID, answer.Facts, answer.Object
		again := answer.Again
		switch s.Class {
		case Applied:
			again = false
		case Refused, NotSent: // surely not done: it may be sent once more
		default:
			s.Class, again = Unclear, false
		}
		if err := r.conclude(ctx, req, s); err != nil {
			return Step{}, fmt.Errorf("store answer: %w", err)
		}
		if !again || try == tries || !r.pause(ctx, stop, a, answer.Wait) {
			return s, nil
		}
	}
}

// pause waits before another try and returns false if there is none, because
// the bot is stopping or the attempt would be over by then.
func (r *Runner) pause(ctx context.Context, stop <-chan struct{}, a Attempt, wait time.Duration) bool {
	if wait >= r.limits.Attempt {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-stop:
		return false
	case <-timer.C:
	}
	var now time.Time
	err := r.store.View(ctx, func(tx Tx) (err error) {
		now, err = tx.Now()
		return err
	})
	return err == nil && now.Before(a.Deadline)
}

var errDeadline = errors.New("the attempt's time is over")

func (r *Runner) intend(ctx context.Context, req Request, a Attempt, number, try int, call Call) (Step, error) {
	hash := sha256.Sum256(call.Body)
	s := Step{
		Request: req.ID, Number: number, Try: try, Fence: a.Fence,
		Method: call.Method, URL: call.URL, BodyHash: hex.EncodeToString(hash[:]),
		Class: Open, What: call.What, ClientID: clientID(req.ID, number, try),
	}
	err := r.store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if !now.Before(a.Deadline) {
			return errDeadline
		}
		s.Intent = now
		if err := tx.Intend(s); err != nil {
			return err
		}
		facts := map[string]any{"step": number, "try": try, "method": s.Method, "url": s.URL, "body": s.BodyHash, "client_request_id": s.ClientID}
		return record(tx, req, now, "step.intent", Principal{}, facts)
	})
	return s, err
}

// clientID returns the name under which the tenant's own logs will know a
// call. It is made from the step, so that either side finds the other.
func clientID(request string, number, try int) string {
	hash := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", request, number, try))
	h := hex.EncodeToString(hash[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (r *Runner) conclude(ctx context.Context, req Request, s Step) error {
	return r.store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		s.FinishedAt = now
		if err := tx.Conclude(s); err != nil {
			return err
		}
		facts := map[string]any{"step": s.Number, "try": s.Try, "class": s.Class, "request_id": s.RequestID, "facts": s.Facts}
		return record(tx, req, now, "step.answer", Principal{}, facts)
	})
}

// finish ends req by what is stored about its steps.
func (r *Runner) finish(ctx context.Context, req Request, planned int, remark string) error {
	return r.store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		steps, err := tx.Steps(req.ID)
		if err != nil {
			return err
		}
		c, err := Finish(req, lastTries(steps), planned, remark, now)
		if err != nil {
			return err
		}
		if err := tx.CloseAttempt(req.ID); err != nil {
			return err
		}
		_, err = apply(tx, req, c, now)
		return err
	})
}

// lastTries keeps the last try of each step.
func lastTries(steps []Step) []Step {
	var last []Step
	for _, s := range steps {
		if n := len(last); n > 0 && last[n-1].Number == s.Number {
			last[n-1] = s
			continue
		}
		last = append(last, s)
	}
	return last
}
