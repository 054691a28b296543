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
	// nothing left to change. What the done steps of r changed, if it was
	// begun before, is no difference; at the first start there are none.
	Compare(was, now json.RawMessage, r Request, done []Step) []string
	// Steps returns the calls that carry r out, in order: the same calls
	// whenever it is asked, since a step is known by its number.
	Steps(r Request) ([]Call, error)
	// Probe finds out by reading whether the step was applied. The snapshot
	// before is of just before the first step's intent. An error means that
	// nothing could be read, and is asked again.
	Probe(ctx context.Context, r Request, before json.RawMessage, s Step) (Finding, error)
}

// Finding is what reading says about a step whose answer is missing.
type Finding struct {
	Class  Class  // Applied, NotDone, or Open while that cannot be told
	Seen   string // what was seen, a sentence
	Object string // the ID of what the step created, if it was found
}

// Local is an action whose effect is the bot's own: a row of the store. Its
// Steps are none; Apply stores the effect in the transaction that stores the
// outcome, so that there is never one without the other. A [*Refusal] ends the
// request as failed, with nothing stored.
type Local interface {
	Apply(tx Tx, r Request, now time.Time) error
}

// Verifier is an action that reads the tenant once more after its last step.
// The sentence goes into the outcome. An error is said there, and changes no
// outcome: every step was answered.
type Verifier interface {
	Verify(ctx context.Context, r Request) (string, error)
}

// Withdrawer is an action that creates something which is shown once. Withdraw
// returns the call that takes back what a step created (its Object says which)
// and nobody can receive any more. That it is not there any more is an answer
// that counts as Applied. Whether it is still there is asked of Probe, with the
// step that created it.
type Withdrawer interface {
	Withdraw(r Request, created Step) Call
}

// Weigher is an action that is refused for whom it would leave able to put things
// right again, so that what it is compared with is more than its own targets.
type Weigher interface {
	// Weighs reports whether it is so of r. Two such requests of a tenant never
	// run at the same time: each would count on whom the other takes away.
	Weighs(r Request) bool
}

// Parted is an action that is carried out on several targets, one after the
// other: its calls say for which each is. Between two of them it can be paused
// and stopped, and what becomes of one target keeps no other from its turn.
type Parted interface {
	// Part reads a target once more just before the first call that is made for
	// it now, and names what is different from what was approved, one sentence
	// each: then none is made, and the target counts as outdated. What the done
	// steps did, if it was begun before, is no difference.
	Part(ctx context.Context, r Request, target string, done []Step) ([]string, error)
}

// Call is one write to the tenant, described before it is made.
type Call struct {
	// Target is the ID of the target that it is for, where an action is [Parted].
	Target string
	What   string // in words, "turn security defaults on"
	Method string
	URL    string // without secrets in its query
	Body   []byte
	// Onward says that the calls after this one are made even if it surely was
	// not applied: of several deletions one may be refused.
	Onward bool
	// Send makes the call exactly once. It must not repeat it, whatever the
	// answer, and must give up when ctx ends. The client ID goes with it to
	// the tenant's logs.
	Send func(ctx context.Context, clientID string) Answer
}

// Answer is what became of a call.
type Answer struct {
	Class     Class
	RequestID string // the tenant's
	// Facts are for the record: no secrets. Of what is shown once they say
	// until when it is valid, for whoever has to remove it by hand.
	Facts string
	// Again says that the call surely was not applied and may be made once
	// more, as a new intent, after Wait.
	Again bool
	Wait  time.Duration
	// Object is the ID of what was created, for the record.
	Object string
	// Handover is what whoever collects is given, a pass for one. It is never
	// stored, logged or put into an error.
	Handover any
}
