package approval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Engine asks and decides. The zero value is not usable: Store, Standing and
// Expiry are needed. It must not be copied once it is used.
type Engine struct {
	Store    Store
	Standing Standing
	// Expiry returns when a request that is asked at the given moment ends if
	// nobody decides, unless its policy says so itself.
	Expiry func(asked time.Time) time.Time
	// Wake is called when an approved request may be ready to run. It must
	// not block.
	Wake func()
	Caps Caps
	// Gate returns nil, or a [*Refusal] while nothing may be asked or decided
	// because the bot must only read. May be nil.
	Gate func(ctx context.Context) error
	// Current returns nil, or a [*Refusal] if the rules by which r is decided
	// are no longer those it was asked under. May be nil.
	Current func(ctx context.Context, r Request) error
	// Prove is asked before somebody asks or approves. May be nil: then nobody has
	// to prove anew who they are.
	Prove Prove
	// Everyone returns the addresses of all who decide or own, and of the
	// channel of the administrators; with an error, of those who are known
	// without asking the tenant. May be nil: then nothing is announced.
	Everyone func(ctx context.Context) ([]string, error)
	// Backups returns who is to be asked about r once nobody answered. May be
	// nil: nobody.
	Backups func(ctx context.Context, r Request) ([]Subscriber, error)
	// Away reports whether somebody who decides requests like r is away, so that
	// the backups are asked at once. May be nil: nobody is.
	Away func(ctx context.Context, r Request) (bool, error)
	// Hours returns when the n-th reminder (1…) of a request is due that was
	// asked at from. If it is nil they are due around the clock.
	Hours func(from time.Time, n int) time.Time

	tidying tidying
}

func (e *Engine) gate(ctx context.Context) error {
	if e.Gate == nil {
		return nil
	}
	return e.Gate(ctx)
}

// ready wakes whoever runs what is approved.
func (e *Engine) ready(r Request) {
	if r.State == Approved && e.Wake != nil {
		e.Wake()
	}
}

// Approve counts v. The request that comes back is as stored after it.
func (e *Engine) Approve(ctx context.Context, v Vote) (Request, error) {
	r, err := e.approve(ctx, v)
	if err == nil {
		e.ready(r)
	}
	return r, e.refused(ctx, v, "approve", err)
}

func (e *Engine) approve(ctx context.Context, v Vote) (Request, error) {
	r, err := e.eligible(ctx, &v, e.Standing.MayDecide)
	if err != nil {
		return Request{}, err
	}
	var void []Principal
	var to []string
	if r.State == Pending { // else it is over, and that is said at once
		if void, to, err = e.convincing(ctx, &v, r); err != nil {
			return Request{}, err
		}
	}
	return e.decide(ctx, v, r, func(tx Tx, r Request, now time.Time) (Change, error) {
		earlier, err := tx.Decisions(r.ID)
		if err != nil {
			return Change{}, err
		}
		c, err := Approve(r, v, slices.DeleteFunc(earlier, func(d Decision) bool { return slices.Contains(void, d.By) }), now)
		if err == nil && len(void) > 0 {
			c.Facts["void"] = objects(void)
		}
		c.Loud = to
		return c, err
	})
}

// convincing asks what v's author has to prove, besides counting.
func (e *Engine) convincing(ctx context.Context, v *Vote, r Request) (void []Principal, to []string, err error) {
	if v.Warrant.Fresh, err = e.Prove.prove(ctx, v.By, v.Account, r.Kind, ToApprove); err != nil {
		return nil, nil, err
	}
	if err := undoubted(ctx, e.Standing, v.By, r); err != nil {
		return nil, nil, err
	}
	return e.counting(ctx, r)
}

// counting asks everything on which it hangs that an approval of r counts now,
// and returns whose earlier ones do not, and to whom it is announced.
func (e *Engine) counting(ctx context.Context, r Request) (void []Principal, to []string, err error) {
	if e.Current != nil {
		if err := e.Current(ctx, r); err != nil {
			return nil, nil, err
		}
	}
	if void, err = e.void(ctx, r); err != nil {
		return nil, nil, err
	}
	to, err = e.loud(ctx, r.Policy)
	return void, to, err
}

// void returns whose earlier approvals of r do not count any more, because
// they may not decide now. Where one is enough there are none before it.
func (e *Engine) void(ctx context.Context, r Request) ([]Principal, error) {
	if r.Policy.Quorum <= 1 {
		return nil, nil
	}
	var ds []Decision
	err := e.Store.View(ctx, func(tx Tx) (err error) {
		ds, err = tx.Decisions(r.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	var people []Principal
	for _, p := range Counted(r, ds) {
		err := mayApprove(ctx, e.Standing, p, r)
		var no *Refusal
		switch {
		case errors.As(err, &no):
			people = append(people, p)
		case err != nil:
			return nil, fmt.Errorf("ask again who approved: %w", err)
		}
	}
	return people, nil
}

func objects(people []Principal) []string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = p.Object
	}
	return out
}

// Deny ends the request, for any approver.
func (e *Engine) Deny(ctx context.Context, v Vote) (Request, error) {
	r, err := e.eligible(ctx, &v, e.Standing.MayStop)
	if err != nil {
		return Request{}, e.refused(ctx, v, "deny", err)
	}
	r, err = e.decide(ctx, v, r, func(_ Tx, r Request, now time.Time) (Change, error) { return Deny(r, v, now) })
	return r, e.refused(ctx, v, "deny", err)
}

// Cancel ends the request, for its requester or any approver. One that is
// carried out on one target after the other ends before the next.
func (e *Engine) Cancel(ctx context.Context, v Vote) (Request, error) {
	r, err := e.cancel(ctx, v)
	return r, e.refused(ctx, v, "cancel", err)
}

func (e *Engine) cancel(ctx context.Context, v Vote) (Request, error) {
	r, err := e.find(ctx, v)
	if err != nil {
		return Request{}, err
	}
	if r.Pausable() {
		return e.halt(ctx, v, "request.halted", e.mayStop, Break)
	}
	if err := e.entitle(ctx, &v, r, e.mayStop); err != nil {
		return Request{}, err
	}
	return e.decide(ctx, v, r, func(_ Tx, r Request, now time.Time) (Change, error) { return Cancel(r, v, now) })
}

// right is how it is asked by what right somebody decides r, or stops it.
type right func(ctx context.Context, p Principal, r Request) (Warrant, error)

// entitle notes in v by what right its author ends r, or has it wait or go on: as
// its requester, or as somebody who may.
func (e *Engine) entitle(ctx context.Context, v *Vote, r Request, may right) error {
	if v.By == r.Requester {
		v.Warrant = asRequester(r, *v)
		return nil
	}
	return e.warrant(ctx, v, r, may)
}

// mayStop asks by what right p ends r or has it wait, who is not its requester.
func (e *Engine) mayStop(ctx context.Context, p Principal, r Request) (Warrant, error) {
	w, err := e.Standing.MayStop(ctx, p, r)
	return w, notYours(err)
}

func notYours(err error) error {
	var no *Refusal
	if errors.As(err, &no) {
		return ErrNotYours
	}
	return err
}

// Ask relays an approver's question to the requester.
func (e *Engine) Ask(ctx context.Context, v Vote, question string) (Request, error) {
	r, err := e.ask(ctx, v, question)
	return r, e.refused(ctx, v, "ask", err)
}

func (e *Engine) ask(ctx context.Context, v Vote, question string) (Request, error) {
	r, err := e.eligible(ctx, &v, e.Standing.MayDecide)
	if err != nil {
		return Request{}, err
	}
	err = e.Store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if r, err = tx.Request(ref(v)); err != nil {
			return err
		}
		if err := open(r, now); err != nil {
			return err
		}
		return relay(tx, r, v, question, now)
	})
	return r, err
}

func relay(tx Tx, r Request, v Vote, question string, now time.Time) error {
	facts, err := json.Marshal(map[string]string{"request": r.ID, "by": v.By.Object, "question": question})
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(stamp(now) + v.By.Object + question))
	if err := tell(tx, r, Notice{Kind: NoticeQuestion, Facts: facts}, hex.EncodeToString(hash[:8])); err != nil {
		return err
	}
	return record(tx, r, now, "request.question", v.By, map[string]any{"account": v.Account})
}

// Find returns a request by reference.
func (e *Engine) Find(ctx context.Context, ref string) (Request, error) {
	var r Request
	err := view(ctx, e.Store, Ahead{Request: ref}, func(tx Tx) (err error) {
		r, err = tx.Request(ref)
		return err
	})
	return r, err
}

// find returns the request that v names, if anything may be decided now.
func (e *Engine) find(ctx context.Context, v Vote) (Request, error) {
	if err := e.gate(ctx); err != nil {
		return Request{}, err
	}
	return e.Find(ctx, ref(v))
}

// eligible asks whether v's author may decide or stop the request that v names,
// and notes by what right. The request's own rules come first, so that "you asked
// this yourself" is said to somebody who is no approver as well.
func (e *Engine) eligible(ctx context.Context, v *Vote, may right) (Request, error) {
	r, err := e.find(ctx, *v)
	if err != nil {
		return Request{}, err
	}
	if v.By == r.Requester {
		if r.State.Final() && r.State != Unknown { // there is nothing left to decide for anybody
			return Request{}, ended(r)
		}
		return Request{}, ErrSelf
	}
	return r, e.warrant(ctx, v, r, may)
}

// warrant notes by what right v's author does something about r, or refuses them.
func (e *Engine) warrant(ctx context.Context, v *Vote, r Request, may right) error {
	w, err := may(ctx, v.By, r)
	if err != nil {
		return err
	}
	w.Proof = v.Proof
	v.Warrant = storable(w)
	return nil
}

func ref(v Vote) string {
	if len(v.Seal) > 8 {
		return v.Seal[:8]
	}
	return v.Seal
}

// decide stores what f decides, as one transaction under the request's lock. A
// request that has run out is expired instead, and that is stored too. What it
// was before, seen says: only that it need not be read one by one.
func (e *Engine) decide(ctx context.Context, v Vote, seen Request, f func(Tx, Request, time.Time) (Change, error)) (Request, error) {
	var r Request
	var c Change
	var no error
	want := Ahead{Tenant: seen.Tenant, Request: ref(v), Decided: seen.ID, People: involved(seen, v.By.Object, v.Account)}
	err := update(ctx, e.Store, want, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if r, err = tx.Request(ref(v)); err != nil {
			return err
		}
		if c, no = f(tx, r, now); no != nil {
			over, yes := Expire(r, now)
			if !yes {
				return attributed(tx, r, no)
			}
			c = over
		}
		r, err = apply(tx, r, c, now)
		return err
	})
	switch unsure := errors.Is(err, ErrUnsure); {
	case no != nil && (err == nil || unsure):
		return r, no // it has run out, whether or not that is stored already
	case unsure:
		return e.decided(ctx, r.ID, c, err)
	case err != nil:
		return Request{}, err
	}
	return r, nil
}

// apply stores a change, its record and the messages that it owes.
func apply(tx Tx, r Request, c Change, now time.Time) (Request, error) {
	if c.Decision != nil {
		if err := tx.AddDecision(*c.Decision); err != nil {
			return Request{}, err
		}
	}
	moved, err := tx.Move(r, c)
	if err != nil {
		return Request{}, err
	}
	if err := record(tx, r, now, c.Kind, c.Actor, c.Facts); err != nil {
		return Request{}, err
	}
	if err := tx.Touch(r.ID); err != nil {
		return Request{}, err
	}
	switch {
	case c.To.Final():
		err = outcome(tx, moved)
	case c.To == Approved:
		err = approved(tx, moved, c.Loud, now)
	}
	return moved, err
}
