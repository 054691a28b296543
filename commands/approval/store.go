package approval

import (
	"context"
	"time"

	"twokey/audit"
)

// Store keeps requests and all that belongs to them in one database.
type Store interface {
	// Update runs f in one write transaction and commits if f returns nil; no
	// other writer is between. It may run f again, after an attempt of which
	// nothing is stored. If f returns an error nothing is stored and that error
	// comes back as it is. An error that wraps ErrUnsure means that it is not
	// known whether it is stored; with any other it is not: say "not recorded"
	// and act on nothing. After a commit that owes messages the outbox is woken.
	Update(ctx context.Context, f func(Tx) error) error
	// View runs f in one read transaction. Its Tx may not be written to.
	View(ctx context.Context, f func(Tx) error) error
	// Alone reports whether no other process can be using this database, so
	// that whoever held it before is surely dead.
	Alone() bool
}

// ReadsAhead is a Store that takes what its caller says about a transaction as a
// hint what to read in one go with that of others. It changes nothing but what
// the transaction costs; f is run again in another one if it asks for more than
// a View can have without one.
type ReadsAhead interface {
	UpdateAhead(ctx context.Context, want Ahead, f func(Tx) error) error
	ViewAhead(ctx context.Context, want Ahead, f func(Tx) error) error
}

// Ahead is what a transaction is going to ask for, as far as that is known
// before. A zero field asks for nothing.
type Ahead struct {
	Tenant  string
	Key     string        // of a delivery: the request that it asked
	Request string        // a reference, or an ID
	Decided string        // the ID of a request: the decisions on it
	People  []string      // objects of the tenant that stand in the audit chain
	Asked   *Request      // what is to be asked: the tenant's freeze, its open requests, and those alike …
	Since   time.Duration // … that are no older than this
}

func update(ctx context.Context, s Store, want Ahead, f func(Tx) error) error {
	if s, ok := s.(ReadsAhead); ok {
		return s.UpdateAhead(ctx, want, f)
	}
	return s.Update(ctx, f)
}

func view(ctx context.Context, s Store, want Ahead, f func(Tx) error) error {
	if s, ok := s.(ReadsAhead); ok {
		return s.ViewAhead(ctx, want, f)
	}
	return s.View(ctx, f)
}

// Tx is one transaction. It must not be used after the function it was given
// to returns.
type Tx interface {
	// Now is the database's time: the same at every call in a transaction, UTC,
	// in whole microseconds.
	Now() (time.Time, error)

	// Request returns the request with the given ID or reference, or ErrNotFound.
	Request(idOrRef string) (Request, error)
	// RequestByKey returns the request that was asked by the delivery with
	// this key, or ErrNotFound.
	RequestByKey(key string) (Request, error)
	// Requests lists the tenant's requests in any of the given states, oldest
	// first. An empty tenant means all; no states mean all.
	Requests(tenant string, states ...State) ([]Request, error)
	// Unresolved lists the requests of every tenant whose result is not known and
	// that had to be started by since or later, oldest first.
	Unresolved(since time.Time) ([]Request, error)
	// Recent lists the tenant's requests that were asked at since or later, or
	// had to be started by then or later, oldest first, whatever became of them.
	Recent(tenant string, since time.Time) ([]Request, error)
	// Alike lists the requests of r's tenant, kind and arguments that were asked
	// at since or later, oldest first.
	Alike(r Request, since time.Time) ([]Request, error)
	// Insert stores a new request. It fails if the ID, reference or key exists.
	Insert(r Request) error
	// Move stores what c changes of r, if the stored request still has r's
	// state and version, and returns the request as it is now. Otherwise it
	// stores nothing and returns ErrLost.
	Move(r Request, c Change) (Request, error)

	// Decisions returns the decisions on a request, oldest first.
	Decisions(requestID string) ([]Decision, error)
	// AddDecision stores d; a second one by the same person is an error.
	AddDecision(d Decision) error

	// OpenAttempt stores a; a second open one of a request is an error. It
	// fails with ErrLost if a's fence is not that of the request's lease (see
	// [LeaseOf]).
	OpenAttempt(a Attempt) error
	// TakeAttempt gives the open attempt of a request a's fence, owner and
	// deadline: whoever sends its steps from now on. It fails with ErrLost if
	// a's fence is not the lease's, or if no attempt is open.
	TakeAttempt(a Attempt) error
	// Attempt returns the newest attempt of a request, or ErrNotFound.
	Attempt(requestID string) (Attempt, error)
	// CloseAttempt marks the open attempt of a request closed.
	CloseAttempt(requestID string) error
	// Steps returns every try of every step, in the order of their intents.
	Steps(requestID string) ([]Step, error)
	// Intend stores the intent of a step that is about to be sent. It fails
	// with ErrLost if s's fence is not the lease's.
	Intend(s Step) error
	// Conclude stores what the answer to s said: class, facts, the tenant's
	// request ID and the object. It fails with ErrLost if s's fence is no longer the lease's.
	Conclude(s Step) error

	// Acquire takes or renews the named lease for owner and returns its fence.
	// It is refused (false) while another's is valid, unless force is set. A
	// new owner gets a higher fence than any before.
	Acquire(name, owner string, ttl time.Duration, force bool) (fence int64, ok bool, err error)
	// Lease returns who holds the named lease; its zero value if nobody ever did.
	Lease(name string) (Lease, error)
	// Release ends the named lease if owner holds it. The fence stays, and the
	// lease is nobody's: its owner is "".
	Release(name, owner string) error

	// ForgetLeases removes the leases whose names begin with prefix and that have
	// ended. Their fences begin anew: it is for those that only remember
	// something for a while.
	ForgetLeases(prefix string) error

	// Freeze returns since when, by whom and why the tenant is frozen; its
	// Since is zero if it is not.
	Freeze(tenant string) (Freeze, error)
	// SetFreeze freezes the tenant, or thaws it if f's Since is zero.
	SetFreeze(tenant string, f Freeze) error

	// Setting returns what was set for the tenant under a name, "" if nothing is.
	Setting(tenant, name string) (value string, err error)
	// Set sets a value, which only whoever sets it understands; "" ends it.
	Set(tenant, name, value string) error

	// Record appends to the audit chain, at the database's time whatever the
	// entry says.
	Record(e audit.Entry) error
	// Alias returns the pseudonym under which the audit chain knows a person,
	// "p-…", and keeps the name beside it unless that is empty. An empty object
	// and those of package audit that are no people come back as they are.
	Alias(tenant, object, name string) (string, error)
	// Aside keeps words beside the audit chain and returns the mark that stands
	// for them there, "t-…"; nothing for no words. The request is a reference,
	// or empty.
	Aside(tenant, request, words string) (string, error)
	// Owe stores a message that must be sent. A key that exists stays as it is.
	Owe(n Notice) error
	// Touch marks every message about a topic as to be shown anew.
	Touch(topic string) error
}

// Notice is a message that is owed: which kind, to which address, about what.
// Its words are made when it is sent, from what is stored then.
type Notice struct {
	Key     string // unique for good
	Kind    string
	Topic   string // the request's ID, or the key of what stays as it is
	Address string // opaque here
	Facts   []byte // JSON
}

// The kinds of notice that the engine owes.
const (
	NoticePrompt       = "prompt"       // to approvers: decide this
	NoticeRequest      = "request"      // to the requester: how it stands
	NoticeConcern      = "concern"      // to a target or their manager: this is asked about you
	NoticeReady        = "ready"        // to the requester: collect it
	NoticeOutcome      = "outcome"      // to the requester: how it ended
	NoticeQuestion     = "question"     // to the requester: an approver asks
	NoticeReminder     = "reminder"     // to approvers: it still waits
	NoticeAlert        = "alert"        // to everybody who decides: somebody concerned has stopped it
	NoticeAnnouncement = "announcement" // to everybody who decides, about no request; facts are headline and text
)

// Lease says who alone may work on something, until when, and under which
// fence. The fence only grows.
type Lease struct {
	Owner string // "" if it was released
	Fence int64
	Until time.Time
}

// LeaseOf names the lease under which a request is carried out.
func LeaseOf(requestID string) string { return "run/" + requestID }

// Freeze says that nothing may be asked or started in a tenant.
type Freeze struct {
	Since time.Time
	By    string // a person's object ID, or "host"
	Why   string
}

// ErrLost says that somebody else changed the row first.
var ErrLost = no("lost", "Somebody else was faster. Please look at the request again.")
