package rollout

import (
	"maps"
	"slices"
	"time"
)

// Sort tells declarations apart. Of one account there may be one of each.
type Sort string

// The sorts.
const (
	SortScope     Sort = "scope"     // it belongs to no one person, or to somebody on leave
	SortException Sort = "exception" // its person need not register yet
	SortDevice    Sort = "device"    // not an account: a device that signs in by an old protocol
)

// Leave is the purpose of an account whose person is away for long. It is left
// out as one with an exception is, until its day.
const Leave Purpose = "leave"

// Declaration is what somebody said of an account, or of a device, when and for
// how long, and who answers for it.
type Declaration struct {
	Object  string // the account's object ID; of a device the name that it was given
	Sort    Sort
	Purpose Purpose // of SortScope alone
	Name    string  // the account's name as of then, for people
	Why     string
	Owner   string    // object ID of who answers for it
	Request string    // the reference of the request that laid it down, or empty
	Since   time.Time // when it was laid down
	Until   time.Time // it ends by itself then; zero: it does not
}

// NewScope is who is not to be counted by what was declared.
func NewScope(all []Declaration) Scope {
	s := Scope{Declared: map[string]Purpose{}, Exceptions: map[string]time.Time{}}
	for _, d := range all {
		switch {
		case d.Sort == SortException, d.Sort == SortScope && d.Purpose == Leave:
			if until, ok := s.Exceptions[d.Object]; !ok || !until.IsZero() && (d.Until.IsZero() || d.Until.After(until)) {
				s.Exceptions[d.Object] = d.Until
			}
		case d.Sort == SortScope:
			s.Declared[d.Object] = d.Purpose
		}
	}
	return s
}

// Devices are the declarations of devices.
func Devices(all []Declaration) []Declaration {
	return slices.DeleteFunc(slices.Clone(all), func(d Declaration) bool { return d.Sort != SortDevice })
}

// With is both scopes together. What s says of an account comes before what more
// says: the owner's configuration before what was declared in the chat.
func (s Scope) With(more Scope) Scope {
	if len(more.Declared)+len(more.Exceptions) == 0 {
		return s
	}
	both := Scope{Declared: maps.Clone(more.Declared), Exceptions: maps.Clone(more.Exceptions)}
	if both.Declared == nil {
		both.Declared = map[string]Purpose{}
	}
	if both.Exceptions == nil {
		both.Exceptions = map[string]time.Time{}
	}
	maps.Copy(both.Declared, s.Declared)
	maps.Copy(both.Exceptions, s.Exceptions)
	return both
}
