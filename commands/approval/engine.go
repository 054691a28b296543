package approval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Plan is a change that a command has worked out: what to ask for.
type Plan struct {
	Tenant      string
	TenantName  string
	Kind        string
	KindVersion int
	Args        json.RawMessage
	Targets     []Target
	Snapshot    json.RawMessage
	Words       Words
	Reason      string
	Requester   Principal
	Account     string // the requester's chat account, opaque
	Proof       string // how that account was proved to be theirs
	Key         string // the delivery's key
	Policy      Policy
	ConfigHash  string // of the owner's rules in force
	Subscribers []Subscriber
}

// Engine asks and decides. The zero value is not usable: Store, Standing and
// Expiry are needed.
type Engine struct {
	Store    Store
	Standing Standing
	// Expiry returns when a request that is asked at the given moment ends if
	// nobody decides.
	Expiry func(asked time.Time) time.Time
	// Wake is called when an approved request may be ready to run. It must
	// not block.
	Wake func()
}

// Submit stores a request with its record and its prompts. A delivery that was
// seen before returns the request it made then. The error is a [*Refusal] if
// the request may not or could never be decided, or if an open one has the
// same target.
func (e *Engine) Submit(ctx context.Context, p Plan) (Request, error) {
	if r, err := e.seen(ctx, p.Key); !errors.Is(err, ErrNotFound) {
		return r, err
	}
	w, err := e.Standing.MayAsk(ctx, p.Requester, p.Kind)
	if err != nil {
		return Request{}, err
	}
	w.Proof = p.Proof
	r := newRequest(p, w)
	if err := e.reachable(ctx, r); err != nil {
		return Request{}, err
	}
	err = e.Store.Update(ctx, func(tx Tx) error {
		earlier, err := tx.RequestByKey(p.Key)
		if err == nil {
			r = earlier
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		return e.insert(tx, &r, p.Account)
	})
	if err != nil {
		return Request{}, err
	}
	return r, nil
}

// seen returns what a delivery asked before, whatever has changed since: the
// answer to the same delivery is the same.
func (e *Engine) seen(ctx context.Context, key string) (r Request, err error) {
	err = e.Store.View(ctx, func(tx Tx) error {
		r, err = tx.RequestByKey(key)
		return err
	})
	return r, err
}

func newRequest(p Plan, w Warrant) Request {
	id, ref := newID()
	return Request{
		ID: id, Ref: ref, Key: p.Key,
		Tenant: p.Tenant, TenantName: storable(p.TenantName),
		Kind: p.Kind, KindVersion: p.KindVersion, Args: p.Args, Targets: storable(p.Targets),
		Snapshot: p.Snapshot, Words: storable(p.Words), Reason: storable(p.Reason),
		Requester: p.Requester, Warrant: storable(w),
		Subscribers: p.Subscribers, Policy: storable(p.Policy), ConfigHash: p.ConfigHash,
		State: Pending, Version: 1,
	}
}

// reachable refuses a request that could never pass.
func (e *Engine) reachable(ctx context.Context, r Request) error {
	people, err := e.Standing.Approvers(ctx, r)
	if err != nil {
		return fmt.Errorf("list approvers: %w", err)
	}
	if len(people) < r.Policy.Quorum {
		return refuse(ErrQuorum, fmt.Sprintf(
			"This needs %d approvers other than you, and only %d could decide. Ask an owner to appoint another approver.",
			r.Policy.Quorum, len(people)))
	}
	return nil
}

func (e *Engine) insert(tx Tx, r *Request, account string) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	if err := alone(tx, *r, now); err != nil {
		return err
	}
	// As the store keeps it: the digest is of what is read again later.
	r.Created, r.Expires = now, e.Expiry(now).UTC().Truncate(time.Microsecond)
	if r.Digest, err = r.Sum(); err != nil {
		return err
	}
	if err := tx.Insert(*r); err != nil {
		return err
	}
	facts := map[string]any{
		"kind": r.Kind, "args": r.Args, "targets": ids(r.Targets), "digest": r.Digest,
		"policy": r.Policy, "expires": stamp(r.Expires), "account": account,
	}
	if err := record(tx, *r, now, "request.submitted", r.Requester, facts); err != nil {
		return err
	}
	return prompt(tx, *r)
}

func ids(targets []Target) []string {
	out := make([]string, len(targets))
	for i, t := range targets {
		out[i] = t.ID
	}
	return out
}

// alone refuses a second open request that aims at the same object, or is of
// the same kind where neither aims at one: whichever ran first would make the
// other stale. Requests that have run out meanwhile are expired on the way.
func alone(tx Tx, r Request, now time.Time) error {
	others, err := tx.Requests(r.Tenant, Pending, Approved, Executing, Reconciling)
	if err != nil {
		return err
	}
	for _, o := range others {
		if !overlap(o, r) {
			continue
		}
		if c, over := Expire(o, now); over {
			if _, err := apply(tx, o, c, now); err != nil {
				return err
			}
			continue
		}
		return refuse(ErrOpen, fmt.Sprintf("%s is open for the same thing already. Wait for it to end, or cancel it with “/mfa cancel %s”.", o.Ref, o.Ref))
	}
	return nil
}

func overlap(a, b Request) bool {
	if len(a.Targets)+len(b.Targets) == 0 {
		return a.Kind == b.Kind
	}
	for _, x := range a.Targets {
		for _, y := range b.Targets {
			if x.ID == y.ID {
				return true
			}
		}
	}
	return false
}

func prompt(tx Tx, r Request) error {
	for i, s := range r.Subscribers {
		kind := NoticePrompt
		if s.Requester {
			kind = NoticeRequest
		}
		n := Notice{Key: kind + "/" + r.ID + "/" + strconv.Itoa(i), Kind: kind, Topic: r.ID, Address: s.Address, Facts: topicFacts(r.ID)}
		if err := tx.Owe(n); err != nil {
			return err
		}
	}
	return nil
}

func topicFacts(requestID string) []byte {
	facts, _ := json.Marshal(map[string]string{"request": requestID}) // two strings: cannot fail
	return facts
}

// Approve counts v. The request that comes back is as stored after it.
func (e *Engine) Approve(ctx context.Context, v Vote) (Request, error) {
	if err := e.eligible(ctx, &v); err != nil {
		return Request{}, err
	}
	r, err := e.decide(ctx, v, func(tx Tx, r Request, now time.Time) (Change, error) {
		earlier, err := tx.Decisions(r.ID)
		if err != nil {
			return Change{}, err
		}
		return Approve(r, v, earlier, now)
	})
	if err == nil && r.State == Approved && e.Wake != nil {
		e.Wake()
	}
	return r, err
}

// Deny ends the request.
func (e *Engine) Deny(ctx context.Context, v Vote) (Request, error) {
	if err := e.eligible(ctx, &v); err != nil {
		return Request{}, err
	}
	return e.decide(ctx, v, func(_ Tx, r Request, now time.Time) (Change, error) { return Deny(r, v, now) })
}

// Cancel ends the request, for its requester or an eligible approver.
func (e *Engine) Cancel(ctx context.Context, v Vote) (Request, error) {
	r, err := e.Find(ctx, ref(v))
	if err != nil {
		return Request{}, err
	}
	if v.By != r.Requester {
		if _, err := e.Standing.MayDecide(ctx, v.By, r); err != nil {
			return Request{}, notYours(err)
		}
	}
	return e.decide(ctx, v, func(_ Tx, r Request, now time.Time) (Change, error) { return Cancel(r, v, now) })
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
	if err := e.eligible(ctx, &v); err != nil {
		return Request{}, err
	}
	var r Request
	err := e.Store.Update(ctx, func(tx Tx) error {
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
	if err := tell(tx, r, NoticeQuestion, hex.EncodeToString(hash[:8]), facts); err != nil {
		return err
	}
	return record(tx, r, now, "request.question", v.By, map[string]any{"account": v.Account})
}

// Find returns a request by reference.
func (e *Engine) Find(ctx context.Context, ref string) (Request, error) {
	var r Request
	err := e.Store.View(ctx, func(tx Tx) (err error) {
		r, err = tx.Request(ref)
		return err
	})
	return r, err
}

// eligible asks whether v's author may decide the request that v names, and
// notes by what right. The request's own rules come first, so that "you asked
// this yourself" is said to somebody who is no approver as well.
func (e *Engine) eligible(ctx context.Context, v *Vote) error {
	r, err := e.Find(ctx, ref(*v))
	if err != nil {
		return err
	}
	if v.By == r.Requester {
		return ErrSelf
	}
	if v.Warrant, err = e.Standing.MayDecide(ctx, v.By, r); err != nil {
		return err
	}
	v.Warrant.Proof = v.Proof
	v.Warrant = storable(v.Warrant)
	return nil
}

func ref(v Vote) string {
	if len(v.Seal) > 8 {
		return v.Seal[:8]
	}
	return v.Seal
}

// decide stores what f decides, as one transaction under the request's lock. A
// request that has run out is expired instead, and that is stored too.
func (e *Engine) decide(ctx context.Context, v Vote, f func(Tx, Request, time.Time) (Change, error)) (Request, error) {
	var r Request
	var refused error
	err := e.Store.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if r, err = tx.Request(ref(v)); err != nil {
			return err
		}
		c, err := f(tx, r, now)
		if over, yes := Expire(r, now); err != nil && yes {
			refused, c, err = err, over, nil
		}
		if err != nil {
			return err
		}
		r, err = apply(tx, r, c, now)
		return err
	})
	if err != nil {
		return Request{}, err
	}
	return r, refused
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
	if c.To.Final() {
		return moved, outcome(tx, moved)
	}
	return moved, nil
}

// outcome owes the requester a message of its own: an edit alone is not noticed.
func outcome(tx Tx, r Request) error {
	return tell(tx, r, NoticeOutcome, string(r.State), topicFacts(r.ID))
}

// tell owes the requester one message of its own at each of their addresses.
// The mark parts it from others of its kind about the same request.
func tell(tx Tx, r Request, kind, mark string, facts []byte) error {
	for i, s := range r.Subscribers {
		if !s.Requester {
			continue
		}
		key := kind + "/" + r.ID + "/" + strconv.Itoa(i) + "/" + mark
		if err := tx.Owe(Notice{Key: key, Kind: kind, Topic: key, Address: s.Address, Facts: facts}); err != nil {
			return err
		}
	}
	return nil
}
