package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Why something cannot be collected.
var (
	ErrNotCollector = no("not-collector", "Only the person who asked for this can collect it.")
	ErrNotCollected = no("not-collected", "There is nothing to collect: the bot carries this out by itself.")
	ErrEarly        = no("early", "It is approved, and can be collected from its start time on.")
	ErrBusy         = no("busy", "It is being collected already.")
	ErrStopping     = no("stopping", "The bot is being restarted. Please press again in a minute.")
)

// collecting is what a job holds while its requester waits for what it creates.
type collecting struct {
	deliver  func(ctx context.Context, handover any) error
	fresh    Fresh // of who collects
	handover any   // in memory only, and only until it was delivered
}

// Collect runs an approved request of a collecting policy, at its requester's
// press, in this process. Deliver shows what was created; it is called at most
// once, after the answer is stored. If it fails the thing is taken back, as a
// step of its own, and is never created anew: that needs another request.
//
// The request comes back as it is then. The error is a [*Refusal] if it may not
// be collected; any other error means that the end is not known to be stored.
func (r *Runner) Collect(ctx context.Context, v Vote, deliver func(ctx context.Context, handover any) error) (Request, error) {
	if r.gate != nil {
		if err := r.gate(ctx); err != nil {
			return Request{}, err
		}
	}
	id, kind, err := r.collectable(ctx, v)
	if err != nil {
		return Request{}, err
	}
	fresh, err := r.prove.prove(ctx, v.By, v.Account, kind, ToCollect)
	if err != nil {
		return Request{}, err
	}
	if !r.claim(id, true) {
		if r.stopping() {
			return Request{}, ErrStopping
		}
		return Request{}, ErrBusy
	}
	defer r.release(id, 0)
	j, err := r.take(ctx, id)
	if errors.Is(err, ErrLost) {
		return Request{}, ErrBusy
	}
	if err != nil {
		return Request{}, err
	}
	// Between the two readings somebody may have denied it.
	if err := Collectable(j.req, v, j.req.NotBefore); err != nil {
		j.leave(ctx)
		return Request{}, err
	}
	j.collect = &collecting{deliver: deliver, fresh: fresh}
	ok, err := j.prepare(ctx)
	if err == nil && ok {
		err = j.run(ctx, nil, "")
	}
	if err != nil {
		return Request{}, err
	}
	return j.req, nil
}

// collectable returns the ID and the kind of the request that v wants to collect,
// if it may be collected.
func (r *Runner) collectable(ctx context.Context, v Vote) (id, kind string, err error) {
	var req Request
	err = r.store.View(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if req, err = tx.Request(ref(v)); err != nil {
			return err
		}
		return Collectable(req, v, now)
	})
	return req.ID, req.Kind, err
}

// handOver delivers what the steps created, and takes it back if that fails.
func (j *job) handOver(ctx context.Context, remark string) error {
	steps, err := j.steps(ctx)
	if err != nil {
		return err
	}
	if allApplied(steps, len(j.calls)) && j.collect.handover != nil && j.shown(ctx) {
		j.note(true)
		return j.received(ctx, remark)
	}
	return j.takeBack(ctx, steps, remark)
}

func allApplied(steps []Step, planned int) bool {
	return ending(reports(steps, nil), planned) == Succeeded
}

// shown reports whether what was created was delivered. Why it was not is said
// to nobody: the error may hold what it was about.
func (j *job) shown(ctx context.Context) bool {
	ctx, cancel := within(ctx, j.ends.call, j.limits.Call)
	defer cancel()
	err := j.collect.deliver(ctx, j.collect.handover)
	j.collect.handover = nil
	return err == nil
}

// note keeps in memory whether what the request created was received, for the
// case that it cannot be stored at once.
func (j *job) note(received bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.delivered, j.req.ID)
	if received {
		j.delivered[j.req.ID] = true
	}
}

// received ends a request whose requester has what it created.
func (j *job) received(ctx context.Context, remark string) error {
	err := j.finish(ctx, Ending{Remark: remark})
	if err == nil {
		j.note(false)
	}
	return err
}

// clear ends a collecting request that was interrupted. Nothing is created any
// more, and what was created is taken back unless this process knows that it
// was received.
func (j *job) clear(ctx context.Context, steps []Step, remark string) error {
	j.mu.Lock()
	received := j.delivered[j.req.ID]
	j.mu.Unlock()
	if received {
		return j.received(ctx, remark)
	}
	return j.takeBack(ctx, steps, remark)
}

// takeBack withdraws what the steps created and nobody received, each by a step
// of its own that is numbered after the planned ones.
func (j *job) takeBack(ctx context.Context, steps []Step, remark string) error {
	for _, s := range steps {
		call, ok := j.withdrawal(s)
		number := len(j.calls) + s.Number
		if !ok || begun(steps, number) {
			continue
		}
		if err := j.own(ctx, time.Time{}); err != nil {
			return fmt.Errorf("take attempt: %w", err)
		}
		back, err := j.step(ctx, number, call, false)
		if errors.Is(err, errStopping) || err == nil && back.Class == Unclear {
			return j.lose(ctx, "It could not be shown to you. The bot is taking it back.")
		}
		if err != nil {
			return err
		}
	}
	steps, err := j.steps(ctx)
	if err != nil {
		return err
	}
	return j.finish(ctx, Ending{Lost: true, Remark: join(remark, j.left(steps))})
}

// withdrawal returns the call that takes back what s created, if it did.
func (j *job) withdrawal(s Step) (Call, bool) {
	w, ok := j.actions[j.req.Kind].(Withdrawer)
	if !ok || s.Class != Applied || s.Object == "" || s.Number > len(j.calls) {
		return Call{}, false
	}
	return w.Withdraw(j.req, s), true
}

// takenBack returns the step whose creation s takes back, and true; or s itself.
func (j *job) takenBack(s Step, steps []Step) (Step, bool) {
	for _, created := range steps {
		if len(j.calls) > 0 && created.Number+len(j.calls) == s.Number {
			return created, true
		}
	}
	return s, false
}

// left says of what was created and never received whether it is still valid.
func (j *job) left(steps []Step) string {
	said := ""
	if _, ok := j.actions[j.req.Kind].(Withdrawer); !ok && j.req.Policy.Collect > 0 && slices.ContainsFunc(steps, applied) {
		return "It is not sure that you were shown it, and it is kept nowhere. Please ask for it anew."
	}
	for _, s := range steps {
		if j.req.Policy.Collect == 0 || s.Class != Applied || s.Number > len(j.calls) {
			continue
		}
		back := Refused // nothing can be sent that would take it back
		for _, b := range steps {
			if b.Number == len(j.calls)+s.Number {
				back = b.Class
			}
		}
		said = join(said, leftWords(back, s.Facts))
	}
	return said
}

func leftWords(back Class, facts string) string {
	switch back {
	case Applied:
		return "It was created, but it is not sure that you were shown it, so it was taken back. Please ask for it anew."
	case Refused, NotSent, NotDone:
		return join("It was created, but it is not sure that you were shown it, and it could not be taken back: it is still valid.", facts, "Please remove it in the Entra admin centre, and ask for it anew.")
	default:
		return join("It was created, but it is not sure that you were shown it, and nobody can tell whether it was taken back: it may still be valid.", facts, "Please look for it in the Entra admin centre, and ask for it anew.")
	}
}
