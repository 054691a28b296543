package approval

import (
	"context"
	"encoding/json"
	"time"
)

// Action is one kind of change. Its methods that read do so live, past every
// cache, and never write; what they return as JSON must be the same text for
// the same facts.
type Action interface {
	// Snapshot reads what matters for r in the tenant as it is now.
	Snapshot(ctx context.Context, r Request) (json.RawMessage, error)
	// Compare names every difference that matters between the snapshot that
	// was approved and the tenant now, one sentence each. None means that the
	// request may run. It also refuses what must never run, and what has
	// nothing left to change.
	Compare(was, now json.RawMessage, r Request) []string
	// Steps returns the calls that carry r out, in order.
	Steps(r Request) ([]Call, error)
	// Probe finds out by reading whether the step was applied: Applied, NotDone,
	// or Open while that cannot be told. The sentence says what was seen.
	Probe(ctx context.Context, r Request, s Step) (Class, string, error)
}

// Call is one write to the tenant, described before it is made.
type Call struct {
	What   string // in words, "turn security defaults on"
	Method string
	URL    string // without secrets in its query
	Body   []byte
	// Send makes the call exactly once. It must not repeat it, whatever the
	// answer. The client ID goes with it to the tenant's logs.
	Send func(ctx context.Context, clientID string) Answer
}

// Answer is what became of a call.
type Answer struct {
	Class     Class
	RequestID string // the tenant's
	Facts     string // for the record: no secrets
	// Again says that the call surely was not applied and may be made once
	// more, as a new intent, after Wait.
	Again bool
	Wait  time.Duration
}

// Standing says who may ask and decide, from the tenant as it is now. An error
// that is not a [*Refusal] means that it could not be read: the answer is no.
type Standing interface {
	// MayAsk returns nil if p may ask for this kind of action.
	MayAsk(ctx context.Context, p Principal, kind string) error
	// MayDecide returns nil if p is an eligible approver of r.
	MayDecide(ctx context.Context, p Principal, r Request) error
	// Approvers lists who could decide r now, without its requester and targets.
	Approvers(ctx context.Context, r Request) ([]Principal, error)
	// Name returns how p is called, for people; the ID if that is not known.
	Name(ctx context.Context, p Principal) string
}
