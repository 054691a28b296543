package rollout

import (
	"context"
	"errors"
	"time"

	"twokey/graph"
)

// Reason says in a few words why a figure has no value. It is for people.
type Reason string

// The reasons, beside "permission missing: X".
const (
	NeedsP1       Reason = "needs P1"
	NotRead       Reason = "not read"
	SourceFailed  Reason = "source failed"
	NobodyInScope Reason = "nobody in scope"
)

// ReasonOf words an error of the tenant, "" for none.
func ReasonOf(err error) Reason {
	var tenant *graph.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled): // we stopped, it did not fail
		return NotRead
	case !errors.As(err, &tenant):
		return SourceFailed
	}
	switch tenant.Kind {
	case graph.KindNoLicence:
		return NeedsP1
	case graph.KindNoPermission:
		if tenant.Permission == "" {
			return "permission missing"
		}
		return Reason("permission missing: " + tenant.Permission)
	default:
		return SourceFailed
	}
}

// A Source is what one part of the tenant answered: a value or an error. The
// zero Source was not asked.
type Source[T any] struct {
	value T
	err   error
	asked bool
}

// From keeps an answer; it takes a reader's results as they come.
func From[T any](value T, err error) Source[T] {
	return Source[T]{value: value, err: err, asked: true}
}

// Get returns the value, and whether there is one.
func (s Source[T]) Get() (T, bool) {
	if !s.asked || s.err != nil {
		var none T
		return none, false
	}
	return s.value, true
}

// Err returns the error, for the log.
func (s Source[T]) Err() error { return s.err }

// Reason says why there is no value, "" if there is one.
func (s Source[T]) Reason() Reason {
	if !s.asked {
		return NotRead
	}
	return ReasonOf(s.err)
}

// Facts is all that one reading got from the tenant. Each source failed or
// answered for itself.
type Facts struct {
	AsOf             time.Time // when the reading began: nothing here is older
	Organization     Source[graph.Organization]
	Licence          Source[graph.Licence]
	SecurityDefaults Source[graph.SecurityDefaults]
	Policies         Source[[]graph.Policy]
	Users            Source[[]graph.User]
	RoleHolders      Source[[]graph.RoleHolder]

	// The report (P1) or one read a user (every licence): see [Road].
	Registrations Source[[]graph.Registration]
	Methods       Source[[]graph.UserMethods]

	LegacySince   time.Time // sign-ins were asked for from here to AsOf
	LegacySignIns Source[[]graph.SignIn]
}
