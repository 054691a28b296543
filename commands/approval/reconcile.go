package approval

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// resolvable is for how long a reading may still end a request whose result is
// not known.
const resolvable = 24 * time.Hour

// unresolved is for how long after it had to be started such a request is looked
// at at all: if the bot did not run meanwhile, it ends long after that.
const unresolved = resolvable + 30*24*time.Hour

// resume goes on with a request that is executing or reconciling while nobody
// works on it: an unclear answer, an error or the end of a process left it. It
// finds out by reading what was done, and then does what may still be done.
func (r *Runner) resume(ctx context.Context, id string) (time.Duration, error) {
	j, err := r.take(ctx, id)
	if err != nil {
		return 0, err
	}
	if err := j.lose(ctx, "The bot was interrupted while it carried this out. It is looking up what happened."); err != nil {
		return 0, err
	}
	steps, err := j.recall(ctx)
	if err != nil {
		return 0, err
	}
	remark, wait, err := j.settle(ctx, steps)
	if err != nil || wait > 0 {
		return wait, err
	}
	return j.proceed(ctx, steps, remark)
}

// recall reads what is stored about the execution and plans its calls again.
func (j *job) recall(ctx context.Context) ([]Step, error) {
	err := j.store.View(ctx, func(tx Tx) (err error) {
		j.attempt, err = tx.Attempt(j.req.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read attempt: %w", err)
	}
	if action, ok := j.actions[j.req.Kind]; ok {
		if j.calls, err = action.Steps(j.req); err != nil {
			j.log.Warn("plan steps", "request", j.req.Ref, "error", err)
		}
	}
	return j.steps(ctx)
}

// forgotten reports whether this version of the bot cannot tell what was
// planned. An action of the bot's own plans no calls.
func (j *job) forgotten() bool {
	_, local := j.actions[j.req.Kind].(Local)
	return len(j.calls) == 0 && !local
}

// settle finds out what became of the steps whose answer is missing or
// unclear, and notes it in steps. It says after what time to look again while
// that is too early to say.
func (j *job) settle(ctx context.Context, steps []Step) (remark string, wait time.Duration, err error) {
	for i, s := range steps {
		if s.Class != Open && s.Class != Unclear && s.Class != Missing {
			continue
		}
		found, back := j.probe(ctx, s, steps)
		now, err := j.now(ctx)
		if err != nil {
			return "", 0, err
		}
		since := min(now.Sub(s.Intent), j.watching(s))
		silent := j.silent(s)
		class, settled := judge(s.Class, found.Class, silent, since, j.limits)
		if !settled || back && since < j.limits.Settle { // it may not be there yet, rather than any more
			return "", min(max(since/4, j.limits.Tick), 15*time.Second), nil
		}
		if j.req.State == Unknown && class != Applied && class != NotDone {
			return "", j.limits.Tick, nil // as unknown as before
		}
		s.Class, s.Facts, s.Object = class, found.Seen, cmp.Or(found.Object, s.Object)
		if err := j.conclude(ctx, s, ""); err != nil {
			return "", 0, fmt.Errorf("store finding: %w", err)
		}
		j.unwatch(s)
		j.haunted = j.haunted || !silent
		steps[i], remark = s, join(remark, verdict(class)+found.Seen)
	}
	return remark, 0, nil
}

func verdict(c Class) string {
	switch c {
	case Applied:
		return "Confirmed by reading: "
	case NotDone:
		return "It did not happen: "
	default:
		return "Nobody can tell whether it happened: "
	}
}

// probe reads what became of s. If s takes back what another step created, it
// was applied if that is no longer there.
func (j *job) probe(ctx context.Context, s Step, steps []Step) (found Finding, back bool) {
	action, ok := j.actions[j.req.Kind]
	if !ok {
		return Finding{Class: Open, Seen: "This version of the bot does not know this kind of change."}, false
	}
	created, back := j.takenBack(s, steps)
	ctx, cancel := context.WithTimeout(ctx, j.limits.Call)
	defer cancel()
	found, err := action.Probe(ctx, j.req, j.attempt.Before, created)
	if err != nil {
		j.log.Warn("probe", "request", j.req.Ref, "error", err)
		return Finding{Class: Open, Seen: "The result could not be read."}, back
	}
	if back {
		found.Class = map[Class]Class{Applied: NotDone, NotDone: Applied}[found.Class]
	}
	return found, back
}

// judge says what a step's class is, given what was stored and found about it:
// silent, that its sender surely sends nothing any more, and since, how long
// ago it was sent. It returns false while it is too early to say. That an
// effect is not seen proves that it did not happen only if the sender is
// silent and the tenant has had time to settle.
func judge(stored, found Class, silent bool, since time.Duration, l Limits) (Class, bool) {
	if !silent {
		since -= l.Call
	}
	switch {
	case found == Applied:
		return Applied, true
	case since < l.Settle:
		return stored, false
	case found == NotDone && silent:
		return NotDone, true
	case found == NotDone || since >= l.GiveUp:
		if stored == Open {
			stored = Missing
		}
		return stored, true
	default:
		return stored, false
	}
}

// silent reports whether whoever sent s surely sends nothing for it any more:
// it has stored an answer, be it an unclear one, or its process is gone.
func (j *job) silent(s Step) bool { return s.Class == Unclear || j.gone(j.attempt.Owner) }

func (j *job) now(ctx context.Context) (now time.Time, err error) {
	err = j.store.View(ctx, func(tx Tx) error {
		now, err = tx.Now()
		return err
	})
	return now, err
}

// watching returns for how long this process has watched a step whose answer
// is missing, by the machine's own clock: the database's may have been moved
// meanwhile, and a tenant does not settle any faster for that.
func (r *Runner) watching(s Step) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, ok := r.watched[s.ClientID]
	if !ok {
		first = time.Now()
		r.watched[s.ClientID] = first
	}
	return time.Since(first)
}

func (r *Runner) unwatch(s Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.watched, s.ClientID)
}

// proceed does what may still be done of an execution of whose steps all that
// can be known is known, and ends it.
func (j *job) proceed(ctx context.Context, steps []Step, remark string) (time.Duration, error) {
	if len(steps) == 0 {
		remark = "The bot was interrupted before it sent anything."
	}
	if ending(reports(steps, nil), -1) == Unknown || j.forgotten() {
		return 0, j.finish(ctx, Ending{Forgotten: j.forgotten(), Remark: join(remark, j.left(steps))})
	}
	if j.req.Policy.Collect > 0 {
		return 0, j.clear(ctx, steps, remark)
	}
	now, err := j.now(ctx)
	if err != nil {
		return 0, err
	}
	if j.haunted || !j.unfinished(steps) {
		return 0, j.finish(ctx, Ending{Forgotten: len(j.calls) == 0, Remark: remark})
	}
	if !now.Before(j.attempt.Deadline) {
		return 0, j.finish(ctx, Ending{Forgotten: len(j.calls) == 0, Remark: join(remark, whyLate)})
	}
	return j.complete(ctx, steps, remark)
}

// unfinished reports whether there is something left to do.
func (j *job) unfinished(steps []Step) bool {
	if slices.ContainsFunc(steps, func(s Step) bool { return s.Number > len(j.calls) }) {
		return false
	}
	_, more := next(j.calls, steps)
	return more || len(j.calls) == 0 && len(steps) == 0
}

// complete sends the steps that have no intent yet if everything the approval
// rests on is still so, but for what the steps before them did.
func (j *job) complete(ctx context.Context, steps []Step, remark string) (time.Duration, error) {
	done := slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return !applied(s) })
	_, findings, err := j.validate(ctx, done)
	if err != nil {
		return unread, fmt.Errorf("validate before going on: %w", err)
	}
	if len(findings) > 0 {
		why := "It was interrupted, and not gone on with: " + strings.Join(findings, " ")
		return 0, j.finish(ctx, Ending{Forgotten: len(j.calls) == 0, Remark: join(remark, why)})
	}
	if err := j.own(ctx, j.attempt.Deadline); err != nil {
		return unread, err
	}
	if len(steps) == 0 {
		remark = "" // that nothing was sent is so no more
	}
	return 0, j.run(ctx, steps, remark)
}

// own makes this process the one that sends the attempt's steps, until the
// deadline, unless everything is frozen: for a whole attempt's time at most, as
// that of a paused one is further off. With none it gets a whole attempt's
// time from now, and only takes things back, which a freeze does not stop.
func (j *job) own(ctx context.Context, deadline time.Time) error {
	a := j.attempt
	a.Fence, a.Owner, a.Deadline = j.fence, j.owner, deadline
	err := j.update(ctx, func(tx Tx, now time.Time) error {
		if deadline.IsZero() {
			a.Deadline = now.Add(j.limits.Attempt)
		} else if err := thawed(tx, j.req); err != nil {
			return err
		} else if latest := now.Add(j.lasts()); latest.Before(deadline) {
			a.Deadline = latest
		}
		return tx.TakeAttempt(a)
	})
	if err == nil {
		j.attempt = a
	}
	return err
}

// resolve looks once more at a request whose result is not known, at growing
// intervals: the next look is when as much time again has passed. It only
// reads.
func (r *Runner) resolve(ctx context.Context, id string) (time.Duration, error) {
	j, err := r.take(ctx, id)
	if err != nil {
		return 0, err
	}
	steps, err := j.recall(ctx)
	if err != nil {
		return 0, err
	}
	remark, wait, err := j.settle(ctx, steps)
	if err != nil {
		return 0, err
	}
	if wait == 0 && !j.forgotten() {
		return 0, j.finish(ctx, Ending{Lost: j.req.Policy.Collect > 0, Remark: join(remark, j.left(steps))})
	}
	return 0, j.update(ctx, func(tx Tx, now time.Time) error {
		again := max(now.Sub(j.req.Outcome.At), time.Minute)
		_, _, err := tx.Acquire(LeaseOf(id), r.owner, again, false)
		return err
	})
}
