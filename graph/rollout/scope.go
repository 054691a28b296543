package rollout

import (
	"slices"
	"time"

	"twokey/graph"
)

// Purpose says what an account that belongs to no one person is for.
type Purpose string

// The purposes that can be declared.
const (
	Service   Purpose = "service"
	Shared    Purpose = "shared"
	Room      Purpose = "room"
	Sync      Purpose = "sync"
	Emergency Purpose = "emergency"
)

// Scope is who is not to be counted among the people. Both maps are keyed by
// object ID. Accounts are declared, not guessed: a guess that errs hides a
// person for good.
type Scope struct {
	Declared   map[string]Purpose
	Exceptions map[string]time.Time // open exceptions and their ends; zero: no end named
}

// Reasons for not being counted that are not declared.
const (
	outDisabled  = "disabled"
	outGuest     = "guest"
	outException = "exception"
)

// exclusions are all reasons for leaving an account out, in the order in which
// they are asked. An account is left out once, for the first that holds.
var exclusions = [...]string{
	outDisabled, outGuest,
	string(Service), string(Shared), string(Room), string(Sync), string(Emergency),
	outException,
}

// excluded returns why an account is not counted among the people, or "". A
// holder of the synchronisation's role is no person even if nobody declared
// it: that role is a fact of the tenant, and security defaults exempt it too.
func (s Scope) excluded(u graph.User, roles []graph.Role, now time.Time) string {
	purpose, declared := s.Declared[u.ID]
	until, excepted := s.Exceptions[u.ID]
	switch {
	case !u.Enabled:
		return outDisabled
	case u.Guest:
		return outGuest
	case declared:
		return string(purpose)
	case slices.ContainsFunc(roles, graph.Role.Synchronises):
		return string(Sync)
	case excepted && (until.IsZero() || now.Before(until)):
		return outException
	default:
		return ""
	}
}
