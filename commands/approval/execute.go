package approval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// tries is how often a step may be sent that surely was not applied.
const tries = 3

// unread is after how long something is tried again that could not be read.
const unread = 5 * time.Second

// Reasons for which an execution ends before its last step.
var (
	errDeadline = errors.New("the attempt's time is over")
	errStopping = errors.New("the bot is stopping")
)

const whyLate = "The time for carrying it out was over."

// execute validates an approved request again and runs it. It says after what
// time to try once more if that was not possible.
func (r *Runner) execute(ctx context.Context, id string) (time.Duration, error) {
	j, err := r.take(ctx, id)
	if err != nil {
		return 0, err
	}
	ok, err := j.prepare(ctx)
	if err != nil {
		return unread, err
	}
	if !ok {
		return 0, nil
	}
	return 0, j.run(ctx, nil, "")
}

// prepare validates the request and opens its attempt. It returns false if the
// request ended instead. After an error nothing is begun, and the lease is
// given back: another process may be able to read what this one could not.
func (j *job) prepare(ctx context.Context) (bool, error) {
	ok, err := j.open(ctx)
	if err != nil {
		j.leave(ctx)
	}
	return ok, err
}

func (j *job) open(ctx context.Context) (bool, error) {
	read, err := j.weighing(ctx)
	if err != nil {
		return false, err
	}
	before, findings, err := j.validate(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("validate again: %w", err)
	}
	if len(findings) > 0 {
		return false, j.move(ctx, func(_ Tx, now time.Time) (Change, error) { return Outdate(j.req, findings, now) })
	}
	if j.calls, err = j.actions[j.req.Kind].Steps(j.req); err != nil {
		return false, fmt.Errorf("plan steps: %w", err)
	}
	return true, j.start(ctx, before, read)
}

// weighing returns the database's time before the tenant is read for a request
// that weighs who is left; the zero time for any other. While it is contested the
// tenant need not be read.
func (j *job) weighing(ctx context.Context) (now time.Time, err error) {
	if !j.weighs(j.req) {
		return now, nil
	}
	err = j.store.View(ctx, func(tx Tx) (err error) {
		if now, err = tx.Now(); err != nil {
			return err
		}
		return j.contested(tx, now)
	})
	return now, err
}

func (j *job) weighs(r Request) bool {
	w, ok := j.actions[r.Kind].(Weigher)
	return ok && w.Weighs(r)
}

// contested refuses to start what weighs who is left while another such request
// may be sending, or if what another did may not show yet in the tenant as it was
// read: then it is read anew.
func (j *job) contested(tx Tx, read time.Time) error {
	if read.IsZero() {
		return nil
	}
	seen := read.Add(-j.limits.Settle)
	running, err := tx.Requests(j.req.Tenant, Executing, Reconciling)
	if err != nil {
		return err
	}
	recent, err := tx.Recent(j.req.Tenant, seen.Add(-longest))
	if err != nil {
		return err
	}
	for _, o := range append(running, recent...) {
		if o.ID != j.req.ID && changing(o, seen) && j.weighs(o) {
			return ErrContested
		}
	}
	return nil
}

// changing reports whether r may be changing the tenant, or has changed it after
// the given time: what is read may be as old as that.
func changing(r Request, since time.Time) bool {
	switch r.State {
	case Executing, Reconciling:
		return true
	case Succeeded, Partial, Unknown:
		return r.Outcome.At.After(since)
	default:
		return false
	}
}

// validate reads everything again that the approval was based on, returns the
// tenant as it is now, and names what is different but for what the done steps
// did. An error means that it could not be read, or not while the request is
// surely this process's: do not run.
func (j *job) validate(ctx context.Context, done []Step) (json.RawMessage, []string, error) {
	ctx, cancel := j.held(ctx)
	defer cancel()
	now, findings, err := j.differences(ctx, done)
	if err == nil {
		err = ctx.Err() // what was read so slowly may be so no longer
	}
	return now, findings, err
}

func (j *job) differences(ctx context.Context, done []Step) (json.RawMessage, []string, error) {
	action, ok := j.actions[j.req.Kind]
	if !ok {
		return nil, []string{"This version of the bot does not know how to do this."}, nil
	}
	if !sealed(j.req, j.req.Ref) {
		return nil, []string{"What is stored is not what was approved."}, nil
	}
	findings, err := j.outdated(ctx)
	if err == nil && len(findings) == 0 {
		findings, err = j.standings(ctx)
	}
	if err != nil || len(findings) > 0 {
		return nil, findings, err
	}
	now, err := action.Snapshot(ctx, j.req)
	if err != nil {
		return nil, nil, fmt.Errorf("read tenant: %w", err)
	}
	return now, action.Compare(j.req.Snapshot, now, j.req, done), nil
}

// outdated asks whether the rules still are those under which it was approved.
// A no is the finding.
func (j *job) outdated(ctx context.Context) ([]string, error) {
	if j.current == nil {
		return nil, nil
	}
	err := j.current(ctx, j.req)
	var no *Refusal
	if errors.As(err, &no) {
		return []string{no.Text}, nil
	}
	return nil, err
}

// standings asks again whether the requester may ask, and whether enough of
// those who approved may still decide: the votes of others are void.
func (j *job) standings(ctx context.Context) ([]string, error) {
	var decisions []Decision
	err := j.store.View(ctx, func(tx Tx) (err error) {
		decisions, err = tx.Decisions(j.req.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	_, err = j.standing.MayAsk(ctx, j.req.Requester, j.req.Kind)
	findings, err := j.lapsed(ctx, nil, j.req.Requester, err, "ask for this")
	if err != nil {
		return nil, err
	}
	left := 0
	var void []string // votes that do not count any more
	for _, p := range Counted(j.req, decisions) {
		before := len(void)
		err := mayApprove(ctx, j.standing, p, j.req)
		if void, err = j.lapsed(ctx, void, p, err, "approve this"); err != nil {
			return nil, err
		}
		left += 1 - (len(void) - before)
	}
	if left < j.req.Policy.Quorum {
		findings = append(append(findings, void...), "The approvals that count are not enough.")
	}
	return findings, nil
}

// lapsed adds to the findings that somebody lost the right that the error
// refuses them. Any other error means that it could not be read.
func (j *job) lapsed(ctx context.Context, findings []string, p Principal, err error, may string) ([]string, error) {
	var no *Refusal
	switch {
	case errors.Is(err, ErrDoubt):
		return append(findings, "The approval of "+j.standing.Name(ctx, p)+" does not count: there is a new way into their account since, or was within the day before."), nil
	case errors.As(err, &no):
		return append(findings, j.standing.Name(ctx, p)+" may no longer "+may+"."), nil
	}
	return findings, err
}

// start opens the attempt. Before is the tenant as it was just read, after the
// time of the other.
func (j *job) start(ctx context.Context, before json.RawMessage, read time.Time) error {
	return j.move(ctx, func(tx Tx, now time.Time) (Change, error) {
		if err := thawed(tx, j.req); err != nil {
			return Change{}, err
		}
		if err := j.contested(tx, read); err != nil {
			return Change{}, err
		}
		j.attempt = Attempt{
			Request: j.req.ID, Fence: j.fence, Owner: j.owner,
			Started: now, Deadline: now.Add(j.lasts()), Before: before,
		}
		c, err := Start(j.req, now)
		if err != nil {
			return Change{}, err
		}
		if j.collect != nil {
			j.collect.fresh.Note(c.Facts)
		}
		return c, tx.OpenAttempt(j.attempt)
	})
}

// run sends the steps that have no intent yet, in order, and stores how the
// request ended; earlier are the others, and the remark says what is known of
// them. It stops at the first that was not applied, unless that is
// one after which the next are made all the same, or the next are for another
// target.
func (j *job) run(ctx context.Context, earlier []Step, remark string) error {
	steps, at := slices.Clone(earlier), ""
	for number, more := next(j.calls, steps); more; number, more = next(j.calls, steps) {
		call := j.calls[number-1]
		s, err := Step{}, error(nil)
		if call.Target != at || call.Target == "" {
			s, err = j.enter(ctx, number, call, steps)
		} else {
			s, err = j.step(ctx, number, call, false)
		}
		switch {
		case errors.Is(err, errHalted):
			why, err := j.wait(ctx, steps)
			switch {
			case errors.Is(err, errStopping):
				return j.lose(ctx, "The bot was stopped while this was paused. It goes on after the restart.")
			case err != nil:
				return err
			case why != "":
				return j.finish(ctx, Ending{Remark: join(remark, why)})
			}
			at = ""
			continue
		case errors.Is(err, errStopping):
			return j.lose(ctx, "The bot was stopped in between. What is left is looked at after the restart.")
		case errors.Is(err, errDeadline):
			return j.finish(ctx, Ending{Remark: join(remark, whyLate)})
		case err != nil:
			return err // the step stays open, and the next look finds out
		case s.Class == Unclear:
			return j.lose(ctx, "Microsoft 365 gave no clear answer. The bot is looking up what happened.")
		case s.Class != Applied && call.Target == "":
			remark = join(remark, s.Facts)
		}
		steps, at = append(steps, s), call.Target
	}
	if j.collect != nil {
		return j.handOver(ctx, remark)
	}
	return j.finish(ctx, Ending{Remark: remark})
}

// join puts sentences together and leaves out empty and repeated ones.
func join(sentences ...string) string {
	var all []string
	for _, s := range sentences {
		if s != "" && (len(all) == 0 || all[len(all)-1] != s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, " ")
}

// lose hands the request to whoever finds out what happened.
func (j *job) lose(ctx context.Context, why string) error {
	if j.req.State != Executing {
		return nil // it is looked up already
	}
	return j.move(ctx, func(Tx, time.Time) (Change, error) { return Lose(j.req, why) })
}

// step sends one call, and again only where the answer proves that it was not
// applied. With the first for a target it may have to wait: errHalted.
func (j *job) step(ctx context.Context, number int, call Call, enters bool) (Step, error) {
	for try := 1; ; try++ {
		s, err := j.intend(ctx, number, try, call, enters && try == 1)
		if err != nil {
			return Step{}, fmt.Errorf("store intent: %w", err)
		}
		answer := j.send(ctx, s, call)
		s.Class, s.RequestID, s.Facts, s.Object = answer.Class, answer.RequestID, answer.Facts, answer.Object
		again := answer.Again
		switch s.Class {
		case Applied:
			again = false
			if j.collect != nil && answer.Handover != nil {
				j.collect.handover = answer.Handover
			}
		case Refused, NotSent: // surely not done: it may be sent once more
		default:
			s.Class, again = Unclear, false
		}
		if err := j.conclude(ctx, s, call.Target); err != nil {
			return Step{}, fmt.Errorf("store answer: %w", err)
		}
		if !again || try == tries || !j.pause(ctx, answer.Wait) {
			return s, nil
		}
	}
}

// send makes a call that is over before this process stops, and before another
// may think that this one is gone.
func (j *job) send(ctx context.Context, s Step, call Call) Answer {
	left := min(j.limits.Call, time.Until(j.until)-margin)
	if left <= 0 { // the process was held up since it stored the intent
		return Answer{Class: NotSent, Facts: "The bot was held up, and sent nothing.", Again: true}
	}
	ctx, cancel := within(ctx, j.ends.call, left)
	defer cancel()
	return call.Send(ctx, s.ClientID)
}

// pause waits before another try, keeps the lease meanwhile, and returns false
// if there is none, because the bot is stopping or the attempt would be over
// by then.
func (j *job) pause(ctx context.Context, wait time.Duration) bool {
	for end := time.Now().Add(wait); wait < j.limits.Attempt; wait = time.Until(end) {
		timer := time.NewTimer(min(wait, j.limits.Lease/3))
		select {
		case <-j.ends.begin.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		inTime := false
		err := j.update(ctx, func(_ Tx, now time.Time) error {
			inTime = now.Before(j.attempt.Deadline)
			return nil
		})
		if errors.Is(err, ErrLost) || err == nil && !inTime {
			return false
		}
		if !time.Now().Before(end) {
			return err == nil
		}
	}
	return false
}

// planned is the step that a call would be.
func (j *job) planned(number, try int, call Call) Step {
	hash := sha256.Sum256(call.Body)
	return Step{
		Request: j.req.ID, Number: number, Try: try, Fence: j.fence,
		Method: call.Method, URL: call.URL, BodyHash: hex.EncodeToString(hash[:]),
		Class: Open, What: call.What, ClientID: clientID(j.req.ID, number, try),
	}
}

// intend stores that a step is about to be sent.
func (j *job) intend(ctx context.Context, number, try int, call Call, enters bool) (Step, error) {
	s := j.planned(number, try, call)
	if j.stopping() {
		return s, errStopping
	}
	err := j.update(ctx, func(tx Tx, now time.Time) error {
		if !now.Before(j.attempt.Deadline) {
			return errDeadline
		}
		if enters {
			if err := j.passable(tx); err != nil {
				return err
			}
		}
		s.Intent = now
		if err := tx.Intend(s); err != nil {
			return err
		}
		return record(tx, j.req, now, "step.intent", Principal{}, map[string]any{
			"step": number, "try": try, "fence": j.fence, "method": s.Method, "url": s.URL, "body": s.BodyHash, "client_request_id": s.ClientID,
		})
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

// conclude stores what became of a step, under this job's fence whoever sent it.
// The message about a request of several targets is shown anew from time to time.
func (j *job) conclude(ctx context.Context, s Step, target string) error {
	s.Fence = j.fence
	return j.update(ctx, func(tx Tx, now time.Time) error {
		s.FinishedAt = now
		if err := tx.Conclude(s); err != nil {
			return err
		}
		if err := j.showOn(tx, target, now); err != nil {
			return err
		}
		return record(tx, j.req, now, "step.answer", Principal{}, map[string]any{
			"step": s.Number, "try": s.Try, "fence": s.Fence, "class": s.Class, "request_id": s.RequestID, "object": s.Object, "facts": s.Facts,
		})
	})
}

// steps reads the last try of each step that was begun.
func (j *job) steps(ctx context.Context) (steps []Step, err error) {
	ctx, cancel := within(ctx, j.ends.store, j.limits.Call)
	defer cancel()
	err = j.store.View(ctx, func(tx Tx) error {
		all, err := tx.Steps(j.req.ID)
		steps = lastTries(all)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	return steps, nil
}

func applied(s Step) bool { return s.Class == Applied }

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

// finish ends the request by what is stored about its steps.
func (j *job) finish(ctx context.Context, e Ending) error {
	seen, err := j.verify(ctx)
	if err != nil {
		return err
	}
	e.Calls, e.Remark = j.calls, join(e.Remark, seen)
	err = j.end(ctx, e)
	var no *undone
	if errors.As(err, &no) {
		return j.end(ctx, Ending{Forgotten: true, Remark: no.why.Text})
	}
	return err
}

// undone says that an action did not apply what is the bot's own.
type undone struct{ why *Refusal }

func (u *undone) Error() string { return u.why.Error() }

func (j *job) end(ctx context.Context, e Ending) error {
	return j.move(ctx, func(tx Tx, now time.Time) (Change, error) {
		steps, err := tx.Steps(j.req.ID)
		if err != nil {
			return Change{}, err
		}
		c, err := Finish(j.req, lastTries(steps), e, now)
		if err != nil {
			return Change{}, err
		}
		if c.To == Succeeded {
			if err := j.applyLocal(tx, now); err != nil {
				return Change{}, err
			}
		}
		if len(j.req.Targets) > 1 {
			if err := setHalt(tx, j.req, Halt{}); err != nil {
				return Change{}, err
			}
		}
		if j.req.State == Unknown {
			return c, nil // its attempt is closed
		}
		return c, tx.CloseAttempt(j.req.ID)
	})
}

// applyLocal stores the effect of an action that is the bot's own.
func (j *job) applyLocal(tx Tx, now time.Time) error {
	local, ok := j.actions[j.req.Kind].(Local)
	if !ok {
		return nil
	}
	err := local.Apply(tx, j.req, now)
	var no *Refusal
	if errors.As(err, &no) {
		return &undone{no}
	}
	return err
}

// verify reads the tenant once more where the action wants that and something
// was done, and says what it saw. No outcome depends on it.
func (j *job) verify(ctx context.Context) (string, error) {
	v, ok := j.actions[j.req.Kind].(Verifier)
	if !ok || j.stopping() {
		return "", nil
	}
	steps, err := j.steps(ctx)
	if err != nil || !slices.ContainsFunc(steps, applied) {
		return "", err
	}
	ctx, cancel := within(ctx, j.ends.call, j.limits.Call)
	defer cancel()
	seen, err := v.Verify(ctx, j.req)
	if err != nil {
		j.log.Warn("verify", "request", j.req.Ref, "error", err)
		return "The result could not be read once more.", nil
	}
	return seen, nil
}
