package approval

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// A request that is about several targets is carried out on one after the
// other. Before the first call for each it is looked whether somebody wants it to
// wait or to end, and whether that target still is what was approved.

// showEvery is how often a message about a running request is shown anew.
const showEvery = 10 * time.Second

// errHalted is why the first call for a target is not made now.
var errHalted = errors.New("somebody wants it to wait, or to end here")

// lasts is for how long the planned calls may be sent: every target but the
// first adds the time of a call.
func (j *job) lasts() time.Duration {
	targets := map[string]bool{}
	for _, c := range j.calls {
		targets[c.Target] = true
	}
	return j.limits.Attempt + time.Duration(max(len(targets)-1, 0))*j.limits.Call
}

// enter sends the first call that is made now for a target, or stores that none
// is, because of what is different about it.
func (j *job) enter(ctx context.Context, number int, call Call, steps []Step) (Step, error) {
	parted, ok := j.actions[j.req.Kind].(Parted)
	if !ok || call.Target == "" {
		return j.step(ctx, number, call, len(j.req.Targets) > 1)
	}
	if err := j.update(ctx, func(tx Tx, _ time.Time) error { return j.passable(tx) }); err != nil {
		return Step{}, err
	}
	findings, err := j.different(ctx, parted, call, steps)
	if err != nil {
		j.log.Warn("read target", "request", j.req.Ref, "error", err)
		return j.leaveOut(ctx, number, call, "It could not be read, so nothing was changed.")
	}
	if len(findings) > 0 {
		return j.leaveOut(ctx, number, call, strings.Join(findings, " "))
	}
	return j.step(ctx, number, call, true)
}

// different names what is different about the target of a call.
func (j *job) different(ctx context.Context, parted Parted, call Call, steps []Step) ([]string, error) {
	done := slices.DeleteFunc(slices.Clone(steps), func(s Step) bool {
		return !applied(s) || s.Number > len(j.calls) || j.calls[s.Number-1].Target != call.Target
	})
	ctx, cancel := j.held(ctx)
	defer cancel()
	findings, err := parted.Part(ctx, j.req, call.Target, done)
	if err == nil {
		err = ctx.Err() // what was read so slowly may be so no longer
	}
	return findings, err
}

// leaveOut stores of a call that it is not made, and why. It does not while the
// bot stops, which may be what cut the reading off: ctx tells that first.
func (j *job) leaveOut(ctx context.Context, number int, call Call, why string) (Step, error) {
	s := j.planned(number, 1, call)
	if j.stopping() || ctx.Err() != nil {
		return s, errStopping
	}
	err := j.update(ctx, func(tx Tx, now time.Time) error {
		s.Intent, s.Class = now, Open
		if err := j.passable(tx); err != nil {
			return err
		}
		if err := tx.Intend(s); err != nil {
			return err
		}
		s.Class, s.Facts, s.FinishedAt = LeftOut, why, now
		if err := tx.Conclude(s); err != nil {
			return err
		}
		if err := j.showOn(tx, call.Target, now); err != nil {
			return err
		}
		return record(tx, j.req, now, "step.left-out", Principal{}, map[string]any{"step": number, "fence": j.fence, "class": LeftOut, "facts": why})
	})
	return s, err
}

// passable returns errHalted while the next target has to wait, or never has its
// turn: also when all changes are frozen.
func (j *job) passable(tx Tx) error {
	h, err := HaltOf(tx, j.req)
	if err == nil && h.Held() {
		return errHalted
	}
	if err == nil {
		err = thawed(tx, j.req)
	}
	if errors.Is(err, ErrFrozen) {
		return errHalted
	}
	return err
}

// showOn has the message about a request shown anew, if it is about several
// targets and was not shown a short while ago.
func (j *job) showOn(tx Tx, target string, now time.Time) error {
	if target == "" || now.Sub(j.shownAt) < showEvery {
		return nil
	}
	j.shownAt = now
	return tx.Touch(j.req.ID)
}

// wait waits until a paused request goes on, with everything validated again
// then. It returns why it does not, in a sentence.
func (j *job) wait(ctx context.Context, steps []Step) (why string, err error) {
	left, err := j.timeLeft(ctx)
	if err != nil {
		return "", err
	}
	why, waited, err := j.paused(ctx, left)
	if err != nil || why != "" || !waited {
		return why, err
	}
	now, err := j.now(ctx)
	if err != nil {
		return "", err
	}
	err = j.own(ctx, now.Add(left))
	if errors.Is(err, ErrFrozen) {
		return whyFrozen, nil
	}
	if err != nil {
		return "", err
	}
	done := slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return !applied(s) })
	_, findings, err := j.validate(ctx, done)
	if err != nil || len(findings) == 0 {
		return "", err
	}
	return "It was paused, and not gone on with: " + strings.Join(findings, " "), nil
}

// timeLeft is for how long the attempt may still send: a pause does not count.
func (j *job) timeLeft(ctx context.Context) (time.Duration, error) {
	now, err := j.now(ctx)
	return max(j.attempt.Deadline.Sub(now), 0), err
}

const whyFrozen = "All changes were frozen, so what was left was not done."

// paused returns when nobody wants the request to wait any more, and whether
// anybody did; or why it ends. Meanwhile it keeps the lease, and its place among
// those that are worked on is another request's.
func (j *job) paused(ctx context.Context, left time.Duration) (why string, waited bool, err error) {
	<-j.workers
	defer func() { j.workers <- struct{}{} }()
	tick := time.NewTicker(j.limits.Tick)
	defer tick.Stop()
	for ; ; waited = true {
		goes, why, err := j.goesOn(ctx)
		if err != nil || goes || why != "" {
			return why, waited, err
		}
		if !waited || time.Until(j.until) < j.limits.Lease/2 {
			if err := j.rest(ctx, left); err != nil {
				return "", waited, err
			}
		}
		select {
		case <-j.ends.begin.Done():
			return "", waited, errStopping
		case <-tick.C:
		}
	}
}

// rest renews the lease of a paused request, and has the time that is left to it
// outlast the pause: whoever takes it over meanwhile goes on with it.
func (j *job) rest(ctx context.Context, left time.Duration) error {
	return j.update(ctx, func(tx Tx, now time.Time) error {
		a := j.attempt
		a.Deadline = now.Add(left + j.limits.Pause)
		return tx.TakeAttempt(a)
	})
}

// goesOn reports whether nobody wants the request to wait, or why it ends.
func (j *job) goesOn(ctx context.Context) (goes bool, why string, err error) {
	var h Halt
	err = j.store.View(ctx, func(tx Tx) error {
		if h, err = HaltOf(tx, j.req); err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		frozen := thawed(tx, j.req)
		switch {
		case h.Stop: // by whom is read below
		case errors.Is(frozen, ErrFrozen):
			why = whyFrozen
		case frozen != nil:
			return frozen
		case !h.Held():
			goes = true
		case now.Sub(h.Since) >= j.limits.Pause:
			why = "It was paused for too long, so what was left was not done."
		}
		return nil
	})
	if err == nil && h.Stop {
		why = j.standing.Name(ctx, Principal{Tenant: j.req.Tenant, Object: h.By}) + " stopped it, so what was left was not done."
	}
	return goes, why, err
}
