package approval

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// lose hands an execution that nobody works on any more to reconciling. Passes
// come one after the other, so whatever is still executing at the beginning of
// one was left by an error or by a process before this one.
func (r *Runner) lose(ctx context.Context, req Request, now time.Time) error {
	a, err := r.attempt(ctx, req)
	if err != nil {
		return err
	}
	gone := r.gone(a) || !now.Before(a.Deadline.Add(r.limits.Call))
	if !gone {
		return nil
	}
	return r.move(ctx, req, func(time.Time) (Change, error) {
		return Lose(req, "The bot was interrupted while it carried this out. It is looking up what happened.")
	})
}

// gone reports whether whoever ran the attempt surely sends nothing any more.
func (r *Runner) gone(a Attempt) bool {
	return a.Owner == r.owner || r.store.Alone() || r.dead != nil && r.dead(a.Owner)
}

func (r *Runner) attempt(ctx context.Context, req Request) (a Attempt, err error) {
	err = r.store.View(ctx, func(tx Tx) error {
		a, err = tx.Attempt(req.ID)
		return err
	})
	if err != nil {
		return Attempt{}, fmt.Errorf("read attempt: %w", err)
	}
	return a, nil
}

// reconcile finds out by reading what an interrupted request did. It never
// writes to the tenant, and sends nothing that was left.
func (r *Runner) reconcile(ctx context.Context, req Request, now time.Time) error {
	a, err := r.attempt(ctx, req)
	if err != nil {
		return err
	}
	steps, err := r.steps(ctx, req)
	if err != nil {
		return err
	}
	action, planned := r.planned(req)
	remark := ""
	if len(steps) == 0 {
		remark = "The bot was interrupted before it sent anything."
	}
	for _, s := range steps {
		if s.Class != Open && s.Class != Unclear {
			continue
		}
		var settled bool
		if s, remark, settled = r.probe(ctx, action, req, a, s, now); !settled {
			return nil
		}
		s.Fence = r.fence
		if err := r.conclude(ctx, req, s); err != nil {
			return fmt.Errorf("store finding: %w", err)
		}
		delete(r.watched, s.ClientID)
	}
	return r.finish(ctx, req, planned, remark)
}

// planned returns the action of a request and how many steps it has: -1, which
// no count of done steps equals, where this version of the bot cannot tell.
func (r *Runner) planned(req Request) (Action, int) {
	action, ok := r.actions[req.Kind]
	if !ok {
		return forgotten{}, -1
	}
	calls, err := action.Steps(req)
	if err != nil {
		r.log.Warn("plan steps", "request", req.Ref, "error", err)
		return action, -1
	}
	return action, len(calls)
}

// forgotten stands for a kind of action that is not configured any more: it
// can find out nothing.
type forgotten struct{ Action }

func (forgotten) Probe(context.Context, Request, json.RawMessage, Step) (Finding, error) {
	return Finding{Class: Open, Seen: "This version of the bot does not know this kind of change."}, nil
}

func (r *Runner) steps(ctx context.Context, req Request) (steps []Step, err error) {
	err = r.store.View(ctx, func(tx Tx) error {
		all, err := tx.Steps(req.ID)
		steps = lastTries(all)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	return steps, nil
}

// probe reads what became of s, and reports false while it is too early to
// say. That an effect is not seen proves that it did not happen only when the
// sender is gone and the tenant has had time to settle.
func (r *Runner) probe(ctx context.Context, action Action, req Request, a Attempt, s Step, now time.Time) (Step, string, bool) {
	limited, cancel := context.WithTimeout(ctx, r.limits.Call)
	defer cancel()
	found, err := action.Probe(limited, req, a.Before, s)
	if err != nil {
		r.log.Warn("probe", "request", req.Ref, "error", err)
		found = Finding{Class: Open, Seen: "The result could not be read."}
	}
	class, seen, gone := found.Class, found.Seen, r.gone(a)
	s.Facts, s.Object = seen, found.Object
	since := min(now.Sub(s.Intent), r.watching(s))
	if !gone {
		since -= r.limits.Call
	}
	switch {
	case class == Applied:
		s.Class = Applied
		return s, "Confirmed by reading: " + seen, true
	case since < r.limits.Settle:
		return s, "", false
	case class == NotDone && gone:
		s.Class = NotDone
		return s, "It did not happen: " + seen, true
	case class == NotDone || since >= r.limits.GiveUp:
		s.Class = Unclear
		return s, "Nobody can tell whether it happened: " + seen, true
	default:
		return s, "", false
	}
}

// watching returns for how long this process has watched a step whose answer
// is missing, by the machine's own clock: the database's may have been moved
// meanwhile, and a tenant does not settle any faster for that.
func (r *Runner) watching(s Step) time.Duration {
	first, ok := r.watched[s.ClientID]
	if !ok {
		first = time.Now()
		r.watched[s.ClientID] = first
	}
	return time.Since(first)
}
