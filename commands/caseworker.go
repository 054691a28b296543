package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/staff"
	"twokey/graph"
)

// Caseworker looks after open cases by the clock: it notices what is registered
// once somebody was let in again, watches who registers after a reset, and
// reminds the help desk of whoever waits. Several may run on one store.
type Caseworker struct {
	env   Env
	every time.Duration
	log   *slog.Logger
	wake  chan struct{}
}

// NewCaseworker returns a caseworker that looks so often.
func NewCaseworker(env Env, every time.Duration, log *slog.Logger) *Caseworker {
	return &Caseworker{env: env, every: every, log: log, wake: make(chan struct{}, 1)}
}

// Wake makes it look at once. It never blocks.
func (w *Caseworker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (w *Caseworker) Run(ctx context.Context) error {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			w.log.ErrorContext(ctx, "look after cases", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-w.wake:
		}
	}
}

// Look looks after every open case once. One that fails fails alone.
func (w *Caseworker) Look(ctx context.Context) error {
	errs := []error{w.watchResets(ctx)}
	open, err := w.env.Staff.OpenCases(ctx, w.env.Organization.ID, "")
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, c := range open {
		if err := w.lookAt(ctx, c); err != nil {
			errs = append(errs, fmt.Errorf("case %s: %w", c.Ref, err))
		}
	}
	return errors.Join(errs...)
}

func (w *Caseworker) lookAt(ctx context.Context, c staff.Case) error {
	now := w.env.Now()
	switch {
	case !c.Due.IsZero() && !now.Before(c.Due):
		return w.remind(ctx, c)
	case c.Kind == staff.Reset && len(c.New) == 0 && now.Sub(c.Opened) >= resetWatch:
		return w.lapse(ctx, c)
	case c.Kind == staff.Prompt && now.Sub(c.Quiet()) >= promptLife:
		return w.lapse(ctx, c)
	case c.Kind.ForManager():
		return w.notice(ctx, c)
	default:
		return nil
	}
}

// change changes a case by the bot's own doing.
func (w *Caseworker) change(ctx context.Context, c staff.Case, kind string, change func(staff.Case, time.Time) (staff.Case, error), tell func(approval.Tx, staff.Case) error) error {
	_, err := w.env.Staff.ChangeCase(ctx, c.Tenant, c.Ref, func(now staff.Case, at time.Time) (staff.Case, error) {
		if now.Version != c.Version {
			return now, staff.ErrLost // another one looks after it, or somebody works on it
		}
		return change(now, at)
	}, func(tx approval.Tx, c staff.Case) error {
		if err := recordCase(tx, w.env, c, kind, audit.Bot, ""); err != nil {
			return err
		}
		return errors.Join(tx.Touch(caseTopic(c.Ref)), tell(tx, c))
	})
	if errors.Is(err, staff.ErrLost) {
		return nil
	}
	return err
}

// remind reminds the help desk once of whoever waits.
func (w *Caseworker) remind(ctx context.Context, c staff.Case) error {
	to, err := desk(ctx, w.env, c.Person)
	if err != nil {
		return err
	}
	return w.change(ctx, c, "case.reminded", func(c staff.Case, _ time.Time) (staff.Case, error) {
		c.Due = time.Time{}
		return c, nil
	}, func(tx approval.Tx, c staff.Case) error {
		return oweCase(tx, caseFacts{Case: c.Ref, To: toDesk, What: saidReminder, Line: len(c.Lines)}, to)
	})
}

// notice looks whether the person has registered a method since they were let in
// again, and tells them and the help desk.
func (w *Caseworker) notice(ctx context.Context, c staff.Case) error {
	if c.Kind == staff.Lost {
		let, err := w.letIn(ctx, c)
		if err != nil || !let {
			return err
		}
	}
	methods, err := methodsOf(ctx, w.env, c.Person)
	if k, known := kindOf(err); known && k == graph.KindNotFound {
		return w.lapse(ctx, c) // the account is gone
	}
	if err != nil {
		return err
	}
	var fresh []string
	for _, id := range methodIDs(methods) {
		if !slices.Contains(c.Had, id) && !slices.Contains(c.New, id) {
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	to := directs(ctx, w.env, c.Person)
	people, err := desk(ctx, w.env, c.Person)
	if err != nil {
		return err
	}
	return w.change(ctx, c, "case.registered", func(c staff.Case, _ time.Time) (staff.Case, error) {
		c.New, c.Theirs = append(slices.Clone(c.New), fresh...), false
		return c, nil
	}, func(tx approval.Tx, c staff.Case) error {
		n := len(c.New)
		return errors.Join(
			oweCase(tx, caseFacts{Case: c.Ref, To: toPerson, What: saidRegistered, Line: n}, to),
			oweCase(tx, caseFacts{Case: c.Ref, To: toDesk, What: saidConfirm, Line: n}, people),
		)
	})
}

// letIn reports whether what was asked for in a case has been done.
func (w *Caseworker) letIn(ctx context.Context, c staff.Case) (bool, error) {
	requests, err := relatedRequests(ctx, w.env, c)
	return slices.ContainsFunc(requests, tookEffect), err
}

// promptLife is for how long a report of a prompt stays open without another
// word. The next one is a case of its own then.
const promptLife = 72 * time.Hour

// resetWatch is for how long it is watched who registers after a reset.
const resetWatch = time.Hour

// tookEffect reports whether a request has changed something, be it in part.
func tookEffect(r approval.Request) bool {
	return r.State == approval.Succeeded || r.State == approval.Partial
}

// watchResets opens a case for each reset of late that no other looks after:
// whoever has the password can register next. One that fails fails alone.
func (w *Caseworker) watchResets(ctx context.Context) error {
	now := w.env.Now()
	var done []approval.Request
	err := w.env.Requests.View(ctx, func(tx approval.Tx) error {
		recent, err := tx.Recent(w.env.Organization.ID, now.Add(-2*resetWatch))
		for _, r := range recent {
			if r.Kind == ResetKind && tookEffect(r) && now.Sub(r.Outcome.At) < resetWatch {
				done = append(done, singly(r)...)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range done {
		if err := w.watchReset(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("watch %s: %w", r.Ref, err))
		}
	}
	return errors.Join(errs...)
}

// singly are the parts of a reset that took effect, each as a reset of one account.
func singly(r approval.Request) []approval.Request {
	if len(r.Targets) == 1 {
		return []approval.Request{r}
	}
	all, err := parts(r)
	if err != nil {
		return nil // it was none of this version's
	}
	var some []approval.Request
	for _, one := range all {
		f := became(r.Outcome.Done, one.Targets[0].ID)
		if f.class != approval.Applied && !f.some {
			continue
		}
		if one.State = approval.Succeeded; f.class != approval.Applied {
			one.State = approval.Partial
		}
		one.Outcome.Done = nil
		for _, s := range r.Outcome.Done {
			if s.Target == one.Targets[0].ID {
				s.Number = len(one.Outcome.Done) + 1
				one.Outcome.Done = append(one.Outcome.Done, s)
			}
		}
		some = append(some, one)
	}
	return some
}

// lookedAfter reports whether a reset was asked for in a case that is open, or
// that ended when what was registered was theirs.
func (w *Caseworker) lookedAfter(ctx context.Context, r approval.Request) (bool, error) {
	ref := caseOf(r)
	if ref == "" {
		return false, nil
	}
	c, err := w.env.Staff.Case(ctx, r.Tenant, ref)
	if errors.Is(err, staff.ErrNoCase) {
		return false, nil
	}
	return c.Open || c.Theirs && len(c.New) > 0, err
}

func (w *Caseworker) watchReset(ctx context.Context, r approval.Request) error {
	env := w.env
	earlier, err := env.Staff.CasesOf(ctx, r.Tenant, r.Targets[0].ID)
	if err != nil || slices.ContainsFunc(earlier, func(c staff.Case) bool { return c.Request == r.Ref }) {
		return err
	}
	if after, err := w.lookedAfter(ctx, r); err != nil || after {
		return err
	}
	left, err := keptByReset(r)
	if err != nil {
		return err
	}
	account := ""
	for _, s := range r.Subscribers {
		if s.Requester {
			account = s.Address // an address in somebody's own messages reads as an account
		}
	}
	c := staff.Case{
		Ref: staff.NewRef(), Tenant: r.Tenant, Kind: staff.Reset, Person: r.Targets[0].ID, Opener: r.Requester.Object,
		Body: staff.Body{Account: account, Request: r.Ref, Had: left},
	}
	tell, err := caseConcerns(ctx, env, c)
	if err != nil {
		return err
	}
	_, _, err = env.Staff.OpenCase(ctx, c, func(tx approval.Tx, c staff.Case) error {
		return errors.Join(
			recordCase(tx, env, c, "case.opened", audit.Bot, ""),
			oweCase(tx, caseFacts{Case: c.Ref, To: toDesk}, tell.desk),
			oweCase(tx, caseFacts{Case: c.Ref, To: toPerson}, tell.person),
		)
	})
	return err
}

// lapse closes a case in which nothing can come any more.
func (w *Caseworker) lapse(ctx context.Context, c staff.Case) error {
	return w.change(ctx, c, "case.closed", func(c staff.Case, now time.Time) (staff.Case, error) {
		return c.Close(staff.Lapsed, audit.Bot, now)
	}, quietly)
}

// confirmWords ask the help desk whose it is that was registered.
func confirmWords(ctx context.Context, env Env, c staff.Case) (chat.Message, error) {
	m, err := lostCard(ctx, env, c)
	if c.Open && !c.Theirs {
		m.Notice = "A method was registered: case " + c.Ref
		m.Headline = caseName(ctx, env, c.Person) + " has a new method: is it theirs? Case " + c.Ref + "."
	}
	return m, err
}
