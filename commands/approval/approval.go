// Package approval is the engine behind every change: a request is asked by
// one person, decided by others, and executed once.
//
//	         deny / cancel / expire
//	PENDING ───────────────────────► DENIED | CANCELLED | EXPIRED
//	   │ quorum                              ▲
//	   ▼        deny / cancel / expire       │
//	APPROVED ────────────────────────────────┘
//	   │  └─ re-validation differs ─► STALE
//	   ▼ start
//	EXECUTING ─ every step answered ─► SUCCEEDED | FAILED | PARTIAL
//	   │ crash or unclear answer
//	   ▼
//	RECONCILING ─ probe ─► SUCCEEDED | FAILED | PARTIAL | UNKNOWN
//
// What it promises:
//
//   - A step is sent at most once unless the answer proves that it was not
//     applied, and no byte of it leaves before its intent is stored.
//   - State, audit record and the messages owed for it are one transaction;
//     nothing is said before it is stored.
//   - A vote counts people, not clicks or accounts; never the requester or a
//     target; and is bound to exactly what was shown.
//   - Before the first write the tenant is read again. A difference ends the
//     request as stale, and nothing is written.
//   - The database's clock alone says what has expired.
//
// Deciding is pure: the functions in transition.go take a request, what is
// stored about it and the time, and give a [Change] or a [Refusal]. The
// [Engine] and the [Runner] read, ask them, and store what they say by
// compare-and-set.
package approval

import (
	"encoding/json"
	"slices"
	"time"
)

// State is where a request stands.
type State string

// The states. Those from Succeeded on are final, and never change again but
// for Unknown, which a person or a later reading may resolve.
const (
	Pending     State = "pending"
	Approved    State = "approved"
	Executing   State = "executing"
	Reconciling State = "reconciling"
	Succeeded   State = "succeeded"
	Failed      State = "failed"  // surely nothing changed
	Partial     State = "partial" // a known part was done
	Denied      State = "denied"
	Expired     State = "expired"
	Cancelled   State = "cancelled"
	Stale       State = "stale"   // the tenant or somebody's standing changed in between
	Unknown     State = "unknown" // ended, and a person must look
)

// OpenStates are those that are not final.
func OpenStates() []State { return []State{Pending, Approved, Executing, Reconciling} }

// FinalStates are those in which nothing is done any more.
func FinalStates() []State {
	return []State{Succeeded, Failed, Partial, Denied, Expired, Cancelled, Stale, Unknown}
}

// Final reports whether s is the end. A state that this version does not know is
// one.
func (s State) Final() bool { return !slices.Contains(OpenStates(), s) }

// Principal is one human being: a directory user, whatever chat accounts they
// hold. Two principals are the same person if and only if they are equal.
type Principal struct {
	Tenant string `json:"tenant"` // tenant ID
	Object string `json:"object"` // object ID
}

// Target is an object that the action changes. The name is as of asking.
type Target struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Policy is the rule under which a request is decided.
type Policy struct {
	Name         string        `json:"name"`                   // "confirm", "one", "two", "fallback", "solo", "undo"
	Quorum       int           `json:"quorum"`                 // how many different people must approve; 0: the requester's own confirmation is enough
	Wait         time.Duration `json:"wait"`                   // from the quorum to the start
	Collect      time.Duration `json:"collect,omitzero"`       // not 0: it never runs by itself, its requester collects it within this time after the wait
	CollectUntil time.Time     `json:"collect_until,omitzero"` // or until then, where that is later
	Life         time.Duration `json:"life,omitzero"`          // how long it may be decided, by the clock; 0: [Engine.Expiry] says
	Only         []string      `json:"only,omitempty"`         // object IDs: nobody else may decide
	Voters       []string      `json:"voters,omitempty"`       // object IDs: nobody else's approval counts, though others may deny
	Barred       []string      `json:"barred,omitempty"`       // object IDs: on their word the request rests, so they may not decide it
	Manager      bool          `json:"manager,omitzero"`       // the target's manager may decide too
	Because      []string      `json:"because,omitempty"`      // why it is stricter or laxer than usual, a sentence each
	Version      int           `json:"version"`                // of the rules that made it
}

// Warrant says why somebody may ask or decide. It is kept with the request or
// the decision, for whoever asks years later by what right that was done.
type Warrant struct {
	Name  string `json:"name"`            // as of then
	UPN   string `json:"upn,omitempty"`   // as of then
	Role  string `json:"role"`            // "approver", "manager", "lead", "requester", "target"
	Via   string `json:"via"`             // what gave the role: "user", "group <object ID>", or "request" itself
	Proof string `json:"proof,omitempty"` // how the chat account was proved to be theirs
	Fresh Fresh  `json:"fresh,omitzero"`  // what they had proved just before
}

// viaRequest is how somebody came to a role that a request itself gives them.
const viaRequest = "request"

// note adds to a record's facts by what right its author acted. All of it, with
// the names, stands beside the chain under a mark.
func (w Warrant) note(facts map[string]any) {
	facts["role"], facts["via"], facts["proof"], facts["warrant"] = w.Role, w.Via, w.Proof, w
	w.Fresh.Note(facts)
}

// Words are what approvers are shown, made when the request is asked and
// covered by its digest. They are written for somebody who is not technical.
type Words struct {
	Headline string   `json:"headline"` // what happens to whom
	Now      string   `json:"now"`      // the current value
	Then     string   `json:"then"`     // the new value
	Radius   string   `json:"radius"`   // whom it touches
	Risk     string   `json:"risk"`     // what goes wrong if it is wrong
	Undo     string   `json:"undo"`
	Call     string   `json:"call"` // whom to call
	Findings []string `json:"findings,omitempty"`
	// History are earlier requests for exactly the same that were denied or
	// outdated lately, a sentence each. The engine sets it.
	History []string `json:"history,omitempty"`
}

// Subscriber is somebody who is shown the request and every change of it. The
// address is opaque here.
type Subscriber struct {
	Address   string `json:"address"`
	Requester bool   `json:"requester,omitempty"`
	Concerned bool   `json:"concerned,omitempty"` // a target or their manager: is told, and may stop it
	Who       string `json:"who,omitempty"`       // object ID of the person behind the address; empty for a channel
}

// Request is one asked change. All but State, Version, NotBefore, StartBy and
// Outcome is fixed when it is asked.
type Request struct {
	ID          string // 128 random bits in hex
	Ref         string // for people: "R-" and six base32 characters
	Key         string // the delivery that asked it
	Tenant      string
	TenantName  string
	Kind        string // of the action
	KindVersion int
	Args        json.RawMessage
	Targets     []Target
	Snapshot    json.RawMessage // the action's own reading of the tenant when asked
	Words       Words
	Reason      string // the requester's justification, as typed
	Requester   Principal
	Warrant     Warrant // why the requester may ask
	Subscribers []Subscriber
	Policy      Policy
	ConfigHash  string // of the owner's rules when it was asked
	Digest      string // see [Request.Sum]
	Created     time.Time
	Expires     time.Time

	State     State
	Version   int       // grows with every change; compare-and-set is on it
	NotBefore time.Time // set with the quorum: the end of the wait
	StartBy   time.Time // set with the quorum: not started by then, it expires
	Outcome   Outcome
}

// Outcome is how a request ended, or why it is where it is.
type Outcome struct {
	By       Principal    `json:"by,omitzero"` // who denied, cancelled or resolved
	Why      string       `json:"why,omitempty"`
	Findings []string     `json:"findings,omitempty"` // what differed, what is not known
	Done     []StepReport `json:"done,omitempty"`
	Planned  int          `json:"planned,omitempty"` // how many steps there were to be; -1 if that was not known
	At       time.Time    `json:"at,omitzero"`
}

// StepReport says what became of one step.
type StepReport struct {
	Number    int    `json:"number"`
	What      string `json:"what"`
	Class     Class  `json:"class"`
	RequestID string `json:"request_id,omitempty"` // the tenant's name for the call
	Target    string `json:"target,omitempty"`     // whom it was for, if the request has several targets
	Seen      string `json:"seen,omitempty"`       // why it was not done, where there is more to say
}

// Decision is one person's vote. There is at most one approval and one denial
// of a request by each person, and it is never changed.
type Decision struct {
	Request string // the request's ID
	By      Principal
	Account string // the chat account that was used, opaque
	Warrant Warrant
	Approve bool
	Digest  string // of what was shown
	Why     string // a denial's reason
	At      time.Time
}

// Attempt is one execution of a request, under a fence that only grows.
type Attempt struct {
	Request  string
	Fence    int64
	Owner    string // the process
	Started  time.Time
	Deadline time.Time
	Closed   bool
	Before   json.RawMessage // the tenant as it was read just before the first intent
}

// Class is what an answer says about a step.
type Class string

// The classes. Open is an intent without an answer.
const (
	Open    Class = "open"
	Applied Class = "applied"
	Refused Class = "refused"  // the tenant said no: not done
	NotSent Class = "not sent" // no byte left: not done
	Unclear Class = "unclear"  // the call is over, and it may have been done
	NotDone Class = "not done" // found by reading, after an unclear answer; or not begun
	// LeftOut is a step that is never sent: its target is not as was approved.
	LeftOut Class = "left out"
	Missing Class = "missing" // no answer was ever stored, and reading cannot tell either
)

// Step is one call of an attempt: stored as an intent before it is sent, and
// again with what the answer says.
type Step struct {
	Request    string
	Number     int // from 1
	Try        int // from 1
	Fence      int64
	Method     string
	URL        string
	BodyHash   string
	Intent     time.Time // the database's time
	Class      Class
	Facts      string // no secrets
	RequestID  string // the tenant's
	ClientID   string // ours, sent with the call
	What       string // in words
	Object     string // the ID of what it created, if it creates anything
	FinishedAt time.Time
}
