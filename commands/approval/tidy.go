package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// tidying remembers when each open request is to be looked at next, so that a
// look at all of them reads nothing but their list and writes nothing. It is
// only a shortcut: that a message is owed once is ensured by its key, over
// replicas and restarts as well.
type tidying struct {
	mu   sync.Mutex
	next map[string]time.Time // by request ID and version
}

func (t *tidying) key(r Request) string { return r.ID + "/" + strconv.Itoa(r.Version) }

// keep forgets all that is not open any more.
func (t *tidying) keep(open []Request) {
	next := make(map[string]time.Time, len(open))
	for _, r := range open {
		if at, ok := t.next[t.key(r)]; ok {
			next[t.key(r)] = at
		}
	}
	t.next = next
}

const (
	// Without [Engine.Hours] the first reminder is due after this, and each next
	// one after twice the time.
	firstReminder = 30 * time.Minute
	mostReminders = 16 // by then a month has passed
	// readLimit is how long tidying may wait for the tenant, and retry when it
	// asks again.
	readLimit = 10 * time.Second
	retry     = time.Minute
)

// Tidy reminds those who have not decided, asks the backups once if nobody has
// or if one of them is away, and tells a requester whose wait is
// over that they can collect. It is called often, by every replica.
func (e *Engine) Tidy(ctx context.Context) error {
	if !e.tidying.mu.TryLock() {
		return nil // somebody is at it
	}
	defer e.tidying.mu.Unlock()
	var due []untidy
	var now time.Time
	err := e.Store.View(ctx, func(tx Tx) (err error) {
		if now, err = tx.Now(); err != nil {
			return err
		}
		due, err = e.untidied(tx, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("list open requests: %w", err)
	}
	var errs []error
	for _, l := range due {
		next, err := e.tidy(ctx, l, now)
		if err != nil {
			next = now.Add(retry)
			errs = append(errs, fmt.Errorf("tidy %s: %w", l.req.Ref, err))
		}
		e.tidying.next[e.tidying.key(l.req)] = next
	}
	return errors.Join(errs...)
}

// untidy is a request that is to be looked at, with the votes on it.
type untidy struct {
	req   Request
	votes []Decision
}

// untidied lists what is to be looked at now: first what is approved, for which
// the tenant need not be asked.
func (e *Engine) untidied(tx Tx, now time.Time) (due []untidy, err error) {
	var open []Request
	for _, s := range []State{Approved, Pending} {
		some, err := tx.Requests("", s)
		if err != nil {
			return nil, err
		}
		open = append(open, some...)
	}
	e.tidying.keep(open)
	for _, r := range open {
		if overdue(r, now) || now.Before(e.tidying.next[e.tidying.key(r)]) {
			continue
		}
		votes, err := tx.Decisions(r.ID)
		if err != nil {
			return nil, err
		}
		due = append(due, untidy{r, votes})
	}
	return due, nil
}

// tidy does what is due for one request, and returns when the next thing is.
func (e *Engine) tidy(ctx context.Context, u untidy, now time.Time) (time.Time, error) {
	r := u.req
	if r.State == Approved {
		return e.invite(ctx, r, now)
	}
	n := 0
	for n < mostReminders && !now.Before(e.reminder(r, n+1)) {
		n++
	}
	if n > 0 {
		if err := e.remind(ctx, r, n); err != nil {
			return time.Time{}, err
		}
	}
	next := e.reminder(r, n+1)
	if r.Policy.Quorum > 1 && len(Counted(r, u.votes)) >= r.Policy.Quorum { // and yet not all of them counted
		if soon := now.Add(retry); soon.Before(next) {
			next = soon
		}
		if err := e.recount(ctx, r); err != nil {
			return time.Time{}, err
		}
	}
	return next, e.escalate(ctx, r, n > 0)
}

// recount approves r if enough of those who voted may decide it now: who could
// not when the last vote was given may have their right back, and nobody else
// would count again.
func (e *Engine) recount(ctx context.Context, r Request) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	void, to, err := e.counting(ctx, r)
	var no *Refusal
	if errors.As(err, &no) {
		return nil // it cannot be approved any more
	}
	if err != nil {
		return err
	}
	err = e.Store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		votes, err := tx.Decisions(r.ID)
		if err != nil {
			return err
		}
		c, enough := Recount(r, slices.DeleteFunc(votes, func(d Decision) bool { return slices.Contains(void, d.By) }), now)
		if !enough {
			return ErrLost
		}
		c.Loud = to
		_, err = apply(tx, r, c, now)
		return err
	})
	switch {
	case errors.Is(err, ErrLost):
		return nil
	case err == nil && e.Wake != nil:
		e.Wake()
	}
	return err
}

// invite tells the requester of an approved r once its wait is over, if it is
// to be collected.
func (e *Engine) invite(ctx context.Context, r Request, now time.Time) (time.Time, error) {
	switch {
	case r.Policy.Collect == 0:
		return r.StartBy, nil
	case now.Before(r.NotBefore):
		return r.NotBefore, nil
	}
	return r.StartBy, e.Store.Update(ctx, func(tx Tx) error { return ready(tx, r) })
}

// reminder returns when the n-th reminder of r is due.
func (e *Engine) reminder(r Request, n int) time.Time {
	if e.Hours != nil {
		return e.Hours(r.Created, n)
	}
	return r.Created.Add(firstReminder << (n - 1))
}

// remind owes the n-th reminder of r to everybody who was asked and has not
// voted: in their own messages, or where none are known, where they were asked.
// One that was missed is not made up for.
func (e *Engine) remind(ctx context.Context, r Request, n int) error {
	return e.Store.Update(ctx, func(tx Tx) error {
		ds, err := tx.Decisions(r.ID)
		if err != nil {
			return err
		}
		to := addresses(asked(r, ds), func(s Subscriber) bool { return s.Who != "" })
		if len(to) == 0 {
			to = addresses(asked(r, ds), func(Subscriber) bool { return true })
		}
		return broadcast(tx, Notice{Kind: NoticeReminder, Topic: r.ID, Facts: topicFacts(r.ID)}, r.ID+"/"+strconv.Itoa(n), to)
	})
}

// asked returns those who were asked to decide r and have not voted.
func asked(r Request, ds []Decision) []Subscriber {
	return slices.DeleteFunc(slices.Clone(r.Subscribers), func(s Subscriber) bool {
		voted := slices.ContainsFunc(ds, func(d Decision) bool { return d.By.Object == s.Who })
		return s.Requester || s.Concerned || voted
	})
}

func addresses(all []Subscriber, which func(Subscriber) bool) (to []string) {
	for _, s := range all {
		if which(s) {
			to = append(to, s.Address)
		}
	}
	return to
}

// escalate asks the backups about r, once: if it is late, or if one of
// those who decide is away.
func (e *Engine) escalate(ctx context.Context, r Request, late bool) error {
	if e.Backups == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	if !late {
		if e.Away == nil {
			return nil
		}
		if away, err := e.Away(ctx, r); err != nil || !away {
			return err
		}
	}
	backups, err := e.Backups(ctx, r)
	if err != nil {
		return fmt.Errorf("list backups: %w", err)
	}
	backups = slices.DeleteFunc(backups, func(b Subscriber) bool {
		return slices.ContainsFunc(r.Subscribers, func(s Subscriber) bool { return s.Address == b.Address })
	})
	if len(backups) == 0 {
		return nil
	}
	return e.askBackups(ctx, r, backups)
}

// escalations is how the names of the leases begin that remember that backups
// were asked.
const escalations = "backups/"

var errAsked = errors.New("the backups were asked before")

// askBackups shows r to more people. A lease that outlives r remembers that it
// was done, whoever the backups were then.
func (e *Engine) askBackups(ctx context.Context, r Request, backups []Subscriber) error {
	err := e.Store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if err := tx.ForgetLeases(escalations); err != nil {
			return err
		}
		owner, _ := newID()
		_, first, err := tx.Acquire(escalations+r.ID, owner, r.Expires.Sub(now)+time.Hour, false)
		if err != nil {
			return err
		}
		if !first {
			return errAsked
		}
		var who []string
		for _, s := range backups {
			if err := show(tx, r, Subscriber{Address: s.Address}, "backup/"+s.Address); err != nil {
				return err
			}
			if s.Who != "" && !slices.Contains(who, s.Who) {
				who = append(who, s.Who)
			}
		}
		for i, object := range who {
			if who[i], err = tx.Alias(r.Tenant, object, ""); err != nil {
				return err
			}
		}
		return record(tx, r, now, "request.escalated", Principal{}, map[string]any{"to": who})
	})
	if errors.Is(err, errAsked) {
		return nil
	}
	return err
}
