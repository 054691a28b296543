package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// Submit stores a request with its record and its prompts. A delivery that was
// seen before returns the request it made then. The error is a [*Refusal] if
// the request may not or could never be decided, if an open one is for the
// same, if the tenant is frozen, or if too much was asked. A request that needs
// nobody else is approved at once.
func (e *Engine) Submit(ctx context.Context, p Plan) (Request, error) {
	if r, err := e.seen(ctx, p); !errors.Is(err, ErrNotFound) {
		return r, err
	}
	r, err := e.admit(ctx, p)
	if err != nil {
		return Request{}, err
	}
	to, err := e.loud(ctx, r.Policy)
	if err != nil {
		return Request{}, err
	}
	asked := r
	want := Ahead{
		Tenant: p.Tenant, Key: p.Key, Asked: &asked, Since: cooling + longest,
		People: involved(r, p.Requester.Object, p.Account),
	}
	err = update(ctx, e.Store, want, func(tx Tx) error {
		r = asked // a transaction may be run again
		earlier, err := tx.RequestByKey(p.Key)
		if err == nil {
			r = earlier
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		return e.insert(tx, &r, p.Account, to)
	})
	if errors.Is(err, ErrUnsure) {
		r, err = e.submitted(ctx, p.Key, err)
	}
	if err != nil {
		return Request{}, err
	}
	e.ready(r)
	return r, nil
}

// seen returns what a delivery asked before, whatever has changed since: the
// answer to the same delivery is the same. Whoever has asked too much is turned
// away here already, before the tenant is read for them.
func (e *Engine) seen(ctx context.Context, p Plan) (r Request, err error) {
	err = view(ctx, e.Store, Ahead{Key: p.Key}, func(tx Tx) error {
		if r, err = tx.RequestByKey(p.Key); !errors.Is(err, ErrNotFound) {
			return err
		}
		if e.Caps.none() {
			return ErrNotFound
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		asked, err := e.Caps.asked(tx, p.Tenant, now)
		if err != nil {
			return err
		}
		if err := e.Caps.person(p.Requester, asked, now); err != nil {
			return err
		}
		return ErrNotFound
	})
	return r, err
}

// admit asks everything of a plan that needs no transaction.
func (e *Engine) admit(ctx context.Context, p Plan) (Request, error) {
	if err := e.gate(ctx); err != nil {
		return Request{}, err
	}
	if p.Tenant == "" || p.Requester.Tenant != p.Tenant {
		return Request{}, ErrNotAllowed
	}
	w, err := e.Standing.MayAsk(ctx, p.Requester, p.Kind)
	if err != nil {
		return Request{}, err
	}
	w.Proof = p.Proof
	if w.Fresh, err = e.Prove.prove(ctx, p.Requester, p.Account, p.Kind, ToAsk); err != nil {
		return Request{}, err
	}
	r := newRequest(p, w)
	if err := e.Caps.request(r); err != nil {
		return Request{}, err
	}
	return r, e.reachable(ctx, r)
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

// reachable refuses a request that could never pass, and says what it would need.
func (e *Engine) reachable(ctx context.Context, r Request) error {
	if r.Policy.Quorum <= 0 {
		return nil
	}
	people, err := e.Standing.Approvers(ctx, r)
	if err != nil {
		return fmt.Errorf("list approvers: %w", err)
	}
	short := r.Policy.Quorum - len(people)
	if short <= 0 {
		return nil
	}
	who, remedy := "people who are neither you nor its target", fmt.Sprintf("Ask an owner to appoint %d more.", short)
	if len(r.Policy.Barred) > 0 {
		who = "people who are neither you nor its target, and did not make sure of who the target is"
	}
	if len(r.Policy.Only) > 0 {
		who, remedy = "of the few people who may decide this one", "Ask for the change itself instead."
	}
	return refuse(ErrQuorum, fmt.Sprintf("This needs the approval of %d %s, and only %d could give it now. %s", r.Policy.Quorum, who, len(people), remedy))
}

// insert stores r, if nothing that is stored speaks against it, and those to
// whom it must be announced are told if it needs nobody else.
func (e *Engine) insert(tx Tx, r *Request, account string, to []string) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	if err := e.welcome(tx, r, now); err != nil {
		return err
	}
	// As the store keeps it: the digest is of what is read again later.
	r.Created, r.Expires = now, e.until(*r, now).UTC().Truncate(time.Microsecond)
	if r.Digest, err = r.Sum(); err != nil {
		return err
	}
	if err := tx.Insert(*r); err != nil {
		return err
	}
	facts := map[string]any{
		"kind": r.Kind, "args": string(r.Args), "targets": ids(r.Targets), "digest": r.Digest,
		"policy": r.Policy, "config": r.ConfigHash, "expires": stamp(r.Expires), "account": account,
	}
	r.Warrant.note(facts)
	if err := record(tx, *r, now, "request.submitted", r.Requester, facts); err != nil {
		return err
	}
	if err := prompt(tx, *r); err != nil {
		return err
	}
	if r.Policy.Quorum > 0 {
		return nil
	}
	c, err := Confirm(*r, now)
	if err != nil {
		return err
	}
	c.Loud = to
	*r, err = apply(tx, *r, c, now)
	return err
}

func (e *Engine) until(r Request, now time.Time) time.Time {
	if r.Policy.Life > 0 {
		return now.Add(r.Policy.Life)
	}
	return e.Expiry(now)
}

func ids(targets []Target) []string {
	out := make([]string, len(targets))
	for i, t := range targets {
		out[i] = t.ID
	}
	return out
}

// welcome refuses r if what is stored speaks against it.
func (e *Engine) welcome(tx Tx, r *Request, now time.Time) error {
	if err := thawed(tx, *r); err != nil {
		return err
	}
	if err := alone(tx, *r, now); err != nil {
		return err
	}
	asked, err := e.Caps.asked(tx, r.Tenant, now)
	if err != nil {
		return err
	}
	if err := e.Caps.person(r.Requester, asked, now); err != nil {
		return err
	}
	if err := e.Caps.tenant(*r, asked, now); err != nil {
		return err
	}
	return e.remember(tx, r, now)
}

// remember notes in r's words what became of just the same request before, and
// refuses it if that was too often nothing.
func (e *Engine) remember(tx Tx, r *Request, now time.Time) error {
	same, err := tx.Alike(*r, now.Add(-cooling-longest))
	if err != nil {
		return err
	}
	same = slices.DeleteFunc(same, func(o Request) bool { return !repeats(*r, o, now) })
	if err := cooled(*r, same); err != nil {
		return err
	}
	for _, o := range same {
		ds, err := tx.Decisions(o.ID)
		if err != nil {
			return err
		}
		r.Words.History = append(r.Words.History, story(o, ds))
	}
	r.Words.History = storable(r.Words.History)
	return nil
}

// alone refuses a second open request of the same kind that aims at the same
// object, or where neither aims at one: whichever ran first would make the
// other stale. Requests that have run out meanwhile are expired on the way, and
// thaws of a freeze that is over are cancelled.
func alone(tx Tx, r Request, now time.Time) error {
	others, err := tx.Requests(r.Tenant, OpenStates()...)
	if err != nil {
		return err
	}
	for _, o := range others {
		if !overlap(o, r) {
			continue
		}
		c, over := Expire(o, now)
		if !over {
			c, over, err = outlived(tx, o, r.Requester, now)
		}
		if err != nil {
			return err
		}
		if over {
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
	if a.Kind != b.Kind {
		return false
	}
	if len(a.Targets)+len(b.Targets) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Targets, func(x Target) bool {
		return slices.ContainsFunc(b.Targets, func(y Target) bool { return x.ID == y.ID })
	})
}

// A request that was turned down and is asked again unchanged within the
// cooling time is shown with its history; after so many, somebody else must ask.
const (
	cooling  = 24 * time.Hour
	patience = 3
	longest  = 50 * time.Hour // that a request is open
)

// repeats reports whether r asks for just what o asked, which is alike, and o
// was turned down lately.
func repeats(r, o Request, now time.Time) bool {
	return (o.State == Denied || o.State == Stale) && now.Sub(o.Outcome.At) < cooling &&
		sameTargets(o, r)
}

func sameTargets(a, b Request) bool {
	x, y := ids(a.Targets), ids(b.Targets)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func cooled(r Request, same []Request) error {
	var refs []string
	for _, o := range same {
		if o.Requester == r.Requester {
			refs = append(refs, o.Ref)
		}
	}
	if len(refs) < patience {
		return nil
	}
	return refuse(ErrCooling, fmt.Sprintf("You asked for exactly this within the last day, and it was not to be: %s. Somebody else has to ask for it now.", strings.Join(refs, ", ")))
}

// story says what became of an earlier request. Names and words in it are
// people's own.
func story(o Request, ds []Decision) string {
	s := fmt.Sprintf("%s, asked for by %s, was %s on %s", o.Ref, o.Warrant.Name, map[State]string{Denied: "denied", Stale: "outdated"}[o.State], day(o.Outcome.At))
	for _, d := range ds {
		if !d.Approve {
			s += " by " + d.Warrant.Name
		}
	}
	if why := strings.Join(append([]string{o.Outcome.Why}, o.Outcome.Findings...), " "); strings.TrimSpace(why) != "" {
		s += ": " + strings.TrimSpace(why)
	}
	return s
}

func day(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 MST") }
