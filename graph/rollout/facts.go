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
	// NotWatched is what nobody looks at on this licence, see [EmergencySignIns].
	NotWatched Reason = "not watched"
	// NamesConcealed is a report in which the tenant hides who it speaks of.
	NamesConcealed Reason = "names concealed"
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

// Facts is all that is known of the tenant at one moment. Each source failed
// or answered for itself; one that was never asked is the zero Source. What was
// kept from earlier readings stands here too, and then carries its own time.
type Facts struct {
	AsOf             time.Time // when the reading began
	Organization     Source[graph.Organization]
	Licence          Source[graph.Licence]
	SecurityDefaults Source[graph.SecurityDefaults]
	Policies         Source[[]graph.Policy]
	MethodsPolicy    Source[graph.MethodsPolicy]
	Users            Source[[]graph.User]
	UsersAsOf        time.Time // when the accounts were so; zero: AsOf
	RoleHolders      Source[[]graph.RoleHolder]
	// GroupMembers are the object IDs of the users in a group, nested groups
	// included, by the group's ID: of the groups that enabled Conditional Access
	// policies and the methods policy name. A group that is not a key was not
	// read, which is not an empty group.
	GroupMembers Source[map[string][]string]
	// PerUserMFA is the old per-user setting, one row a user. A user without a
	// row is unknown, not disabled.
	PerUserMFA Source[[]graph.UserMFA]
	// LastSignIns need P1. A user without a row is unknown; one whose row has no
	// time was never seen.
	LastSignIns Source[[]graph.LastSignIn]

	// How people can sign in: rows of the report (P1) and reads user by user
	// (every licence). Either or both may be there, for all people or for some,
	// see [Road]. Each row has its own AsOf; for one person the newer one counts
	// (methods without an AsOf are of this reading), and one that could not be
	// read counts for nothing. A person without a row is unknown.
	Registrations Source[[]graph.Registration]
	Methods       Source[[]graph.UserMethods]

	// LegacySince is from when on LegacyUse is known: its sums are complete from
	// here to LegacyUntil, or to AsOf if that is zero. Where they are kept for
	// days it is the first day's midnight, UTC.
	LegacySince time.Time
	LegacyUntil time.Time
	LegacyUse   Source[[]LegacyUse] // needs P1
	// EmailApps is what a tenant without the sign-in log has instead.
	EmailApps Source[graph.EmailAppUse]

	// Declared is what people have declared of accounts, on top of the [Scope]
	// that figures are worked out for.
	Declared Scope
	// Devices are what was declared to sign in by an old protocol.
	Devices []Declaration

	worked *worked // see [Facts.ForMany]
}

// usersAsOf and legacyUntil are when what is kept of these sources was so.
func (f Facts) usersAsOf() time.Time   { return orElse(f.UsersAsOf, f.AsOf) }
func (f Facts) legacyUntil() time.Time { return orElse(f.LegacyUntil, f.AsOf) }

func orElse(at, instead time.Time) time.Time {
	if at.IsZero() {
		return instead
	}
	return at
}
