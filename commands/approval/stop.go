package approval

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Stop is for whoever a request is about: its target, or their manager. It
// cancels the request and alerts everybody who decides. Once it is running, or
// has run, it can only alert, and the request comes back as it stands. A request
// that is carried out on one target after the other is ended before the next by
// them as well, and by its requester and any approver.
func (e *Engine) Stop(ctx context.Context, v Vote) (Request, error) {
	r, err := e.stop(ctx, v)
	return r, e.refused(ctx, v, "stop", err)
}

func (e *Engine) stop(ctx context.Context, v Vote) (Request, error) {
	r, err := e.find(ctx, v)
	if err != nil {
		return Request{}, err
	}
	if r.Pausable() && (v.By == r.Requester || !r.Concerns(v.By)) {
		return e.halt(ctx, v, "request.halted", e.mayStop, Break)
	}
	to := e.alarmed(ctx, r)
	ctx, cancel := brake(ctx)
	defer cancel()
	var c Change
	var h Halt
	err = e.Store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if r, err = tx.Request(ref(v)); err != nil {
			return err
		}
		if c, err = Stop(r, v, now); err != nil {
			return attributed(tx, r, err)
		}
		if c.To != r.State {
			r, err = apply(tx, r, c, now)
		} else {
			h, err = onTheWay(tx, r, c, now)
		}
		if err != nil {
			return err
		}
		return alert(tx, r, v, to)
	})
	switch unsure := errors.Is(err, ErrUnsure); {
	case unsure && c.Outcome != nil:
		return e.decided(ctx, r.ID, c, err)
	case unsure && h.Held():
		return r, e.wanted(ctx, r, h, err)
	}
	return r, err
}

// onTheWay stores that somebody whom r concerns does not want what has begun. It
// ends before the next target, and the halt that says so comes back, unless somebody
// stopped it already; what has no next one goes on.
func onTheWay(tx Tx, r Request, c Change, now time.Time) (Halt, error) {
	if err := record(tx, r, now, c.Kind, c.Actor, c.Facts); err != nil || !r.Pausable() {
		return Halt{}, err
	}
	is, err := HaltOf(tx, r)
	if err != nil || is.Stop {
		return Halt{}, err
	}
	h := Halt{Stop: true, By: c.Actor.Object, Since: now}
	return h, keepHalt(tx, r, h, now, "request.halted", c.Actor, c.Facts)
}

// What stops things must work while the directory hangs, and though whoever
// asked for it was cut off: so long it is tried to read whom to tell, and so
// long to store it.
const (
	brakeRead  = 2 * time.Second
	brakeStore = 10 * time.Second
)

// brake returns what it takes to store a stop.
func brake(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), brakeStore)
}

// everyone returns whom to tell of a stop. With an error it is those who are
// known without asking.
func (e *Engine) everyone(ctx context.Context) ([]string, error) {
	if e.Everyone == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, brakeRead)
	defer cancel()
	return e.Everyone(ctx)
}

// alarmed returns whom an alert about r goes to. Nothing may keep somebody from
// stopping what is done to them: if it cannot be read who decides, those who
// are known and those who were asked about r are alerted.
func (e *Engine) alarmed(ctx context.Context, r Request) []string {
	to, err := e.everyone(ctx)
	if e.Everyone != nil && err == nil {
		return to
	}
	for _, s := range r.Subscribers {
		if !s.Requester && !s.Concerned {
			to = append(to, s.Address)
		}
	}
	return to
}

// alert owes those who decide one message for each person who stops r, and a
// second one if they do it again after it has begun.
func alert(tx Tx, r Request, v Vote, to []string) error {
	facts, err := json.Marshal(map[string]string{"request": r.ID, "by": v.By.Object, "why": v.Why})
	if err != nil {
		return err
	}
	key := r.ID + "/" + v.By.Object
	if r.State != Cancelled {
		key += "/begun"
	}
	return broadcast(tx, Notice{Kind: NoticeAlert, Facts: facts}, key, to)
}

// Resolve ends an unknown result by what a person has found out: whether the
// change was done. They must be able to decide the request, be neither its
// requester nor a target, and say what they found.
func (e *Engine) Resolve(ctx context.Context, v Vote, done bool, note string) (Request, error) {
	r, err := e.resolve(ctx, v, done, note)
	return r, e.refused(ctx, v, "resolve", err)
}

func (e *Engine) resolve(ctx context.Context, v Vote, done bool, note string) (Request, error) {
	if v.Why = strings.TrimSpace(note); v.Why == "" {
		return Request{}, ErrNote
	}
	r, err := e.eligible(ctx, &v, e.Standing.MayDecide)
	if err != nil {
		return Request{}, err
	}
	return e.decide(ctx, v, r, func(_ Tx, r Request, now time.Time) (Change, error) { return Resolve(r, v, done, now) })
}

// Stop ends r because somebody whom it concerns wants that, or only says so if
// it has begun: then the state stays, and the engine halts what is left.
func Stop(r Request, v Vote, now time.Time) (Change, error) {
	right := r.concern(v.By)
	switch {
	case v.By.Tenant != r.Tenant:
		return Change{}, ErrNotAllowed
	case right.Role == "":
		return Change{}, ErrConcern
	}
	c := Change{To: r.State, Kind: "request.alert", Actor: v.By, Facts: map[string]any{"account": v.Account, "why": v.Why}}
	right.Proof = v.Proof
	right.note(c.Facts)
	switch r.State {
	case Executing, Reconciling, Succeeded, Partial, Unknown:
		return c, nil
	default:
	}
	if err := open(r, now); err != nil {
		return Change{}, err
	}
	c.To, c.Kind = Cancelled, "request.cancelled"
	c.Outcome = &Outcome{By: v.By, Why: v.Why, At: now}
	c.Facts["concerned"] = true
	return c, nil
}

// Concerns reports whether r is about p, or about somebody whose manager p was
// when it was asked.
func (r Request) Concerns(p Principal) bool { return r.concern(p).Role != "" }

// concern returns by what right p may stop r: as its target, or as the manager
// of one as of when it was asked. It has no role if r is not about p.
func (r Request) concern(p Principal) Warrant {
	if i := slices.IndexFunc(r.Targets, func(t Target) bool { return t.ID == p.Object }); i >= 0 {
		return Warrant{Name: r.Targets[i].Name, Role: "target", Via: viaRequest}
	}
	if slices.ContainsFunc(r.Subscribers, func(s Subscriber) bool { return s.Concerned && s.Who != "" && s.Who == p.Object }) {
		return Warrant{Role: "manager", Via: viaRequest}
	}
	return Warrant{}
}

// Resolve ends an unknown r by what a person found: every step whose result was
// not known was done, or was not.
func Resolve(r Request, v Vote, done bool, now time.Time) (Change, error) {
	switch {
	case v.By.Tenant != r.Tenant:
		return Change{}, ErrNotAllowed
	case r.State != Unknown:
		return Change{}, ended(r)
	case v.By == r.Requester:
		return Change{}, ErrSelf
	case r.aims(v.By):
		return Change{}, ErrTarget
	}
	o := Outcome{By: v.By, Why: v.Why, Findings: r.Outcome.Findings, Done: slices.Clone(r.Outcome.Done), Planned: r.Outcome.Planned, At: now}
	if o.Planned == 0 { // an outcome of before that was kept
		o.Planned = len(o.Done)
	}
	for i, s := range o.Done {
		if settled(s.Class) {
			continue
		}
		if o.Done[i].Class = NotDone; done {
			o.Done[i].Class = Applied
		}
	}
	to := ending(o.Done, o.Planned)
	if to == Succeeded && r.Policy.Collect > 0 {
		to = Partial // it was shown to nobody, as whatever ends without a known result
	}
	facts := map[string]any{"to": to, "steps": o.Done, "note": v.Why, "account": v.Account}
	v.Warrant.note(facts)
	return Change{To: to, Outcome: &o, Kind: "request.resolved", Actor: v.By, Facts: facts}, nil
}
