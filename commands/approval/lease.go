package approval

import (
	"context"
	"time"
)

// margin parts what must not overlap: a call ends so long before the trusted
// end of its lease, and another process waits so long after the lease's end
// and the limit of one call before it takes the request over.
const margin = 5 * time.Second

// job is one request that this process works on, under its lease.
type job struct {
	*Runner
	req   Request
	fence int64
	// until is when the lease may be another's, by this machine's own clock:
	// counted from before the database was asked for it.
	until time.Time

	attempt Attempt
	calls   []Call
	haunted bool        // whoever sent the last step may be alive, and send it yet
	shownAt time.Time   // when its message was last to be shown anew, by the database's time
	collect *collecting // nil unless its requester is collecting right now
}

// take acquires the lease of a request, and reads the request as it is then.
// The error is ErrLost while the request is another process's.
func (r *Runner) take(ctx context.Context, requestID string) (*job, error) {
	j := &job{Runner: r}
	asked := time.Now()
	err := r.store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if j.req, err = tx.Request(requestID); err != nil {
			return err
		}
		l, err := tx.Lease(LeaseOf(requestID))
		if err != nil {
			return err
		}
		if !r.free(j.req, l, now) {
			return ErrLost
		}
		j.fence, _, err = tx.Acquire(LeaseOf(requestID), r.owner, r.limits.Lease, true)
		return err
	})
	j.until = asked.Add(r.limits.Lease)
	return j, err
}

// free reports whether this process may take the lease of a request. Under it
// calls may be on their way, and a process that holds it and is not surely
// dead is left alone for as long after its end as one of them may last. The
// lease of a request with an unknown end only says when to look at it again.
func (r *Runner) free(req Request, l Lease, now time.Time) bool {
	switch {
	case req.State == Unknown:
		return !now.Before(l.Until)
	case l.Owner == "" || r.gone(l.Owner):
		return true
	case req.State == Executing || req.State == Reconciling:
		return !now.Before(l.Until.Add(r.limits.Call + margin))
	default:
		return !now.Before(l.Until)
	}
}

// gone reports whether the process of that name surely sends nothing any more
// for a request on which this process works: nobody else of this one does.
func (r *Runner) gone(owner string) bool {
	return owner == r.owner || r.store.Alone() || r.dead != nil && r.dead(owner)
}

// update stores what f does if the lease is still this job's, and renews it.
// It goes on for a while after the runner was stopped: what was begun has to
// be recorded.
func (j *job) update(ctx context.Context, f func(tx Tx, now time.Time) error) error {
	ctx, cancel := within(ctx, j.ends.store, j.limits.Call)
	defer cancel()
	asked := time.Now()
	err := j.store.Update(ctx, func(tx Tx) error {
		fence, ok, err := tx.Acquire(LeaseOf(j.req.ID), j.owner, j.limits.Lease, false)
		if err != nil {
			return err
		}
		if !ok || fence != j.fence {
			return ErrLost
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		return f(tx, now)
	})
	if err == nil {
		j.until = asked.Add(j.limits.Lease)
	}
	return err
}

// held returns ctx with an end at which the lease is still this job's for long
// enough to store what comes of it.
func (j *job) held(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Until(j.until)-margin)
}

// leave gives the lease back of a request of which this job began nothing.
func (j *job) leave(ctx context.Context) {
	ctx, cancel := within(ctx, j.ends.store, j.limits.Call)
	defer cancel()
	err := j.store.Update(ctx, func(tx Tx) error { return tx.Release(LeaseOf(j.req.ID), j.owner) })
	if err != nil {
		j.log.Warn("give a lease back", "request", j.req.Ref, "error", err) // it ends by itself
	}
}

// move stores one transition of the request, and whatever else decide stores
// with it.
func (j *job) move(ctx context.Context, decide func(tx Tx, now time.Time) (Change, error)) error {
	var moved Request
	err := j.update(ctx, func(tx Tx, now time.Time) error {
		c, err := decide(tx, now)
		if err != nil {
			return err
		}
		moved, err = apply(tx, j.req, c, now)
		return err
	})
	if err == nil {
		j.req = moved
	}
	return err
}

// within returns ctx with another end and another limit than its own.
func within(ctx, end context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	stop := context.AfterFunc(end, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}
