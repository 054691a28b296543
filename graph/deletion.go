package graph

import (
	"errors"
	"slices"
	"strings"
)

// ErrDefaultMethod says that a method cannot be deleted yet: it is the one that
// its user is asked for first, and others remain. Delete those before it, or
// change the preference. The tenant's own error is around it.
var ErrDefaultMethod = errors.New("it is the default method, and others remain")

// DeletionOrder returns methods in the order in which the tenant lets them go:
// the default one last, because it is refused while others remain, and phones
// late, the mobile one after the alternate that hangs on it. It chooses none:
// what is to go is the caller's list. Passwords are left out, which cannot be
// deleted.
//
// It is a good guess where the tenant chooses the default itself (p.System), and
// where a user has two of the kind, of which the older goes last:
// [ErrDefaultMethod] then means to try again after the others. Who prefers the
// alternate phone needs another preference first: neither phone may go before
// the other.
func DeletionOrder(methods []Method, p SignInPreference) []Method {
	order := make([]Method, 0, len(methods))
	for _, m := range methods {
		if m.Kind != MethodPassword {
			order = append(order, m)
		}
	}
	slices.SortStableFunc(order, func(a, b Method) int {
		if likely := p.likeness(a); likely != p.likeness(b) {
			return likely - p.likeness(b)
		} else if likely > 0 {
			return b.Created.Compare(a.Created)
		}
		return lateness(a) - lateness(b)
	})
	return order
}

// lateness is a method's place in a deletion: first what is easily registered
// again, then what protects best, then phones.
func lateness(m Method) int {
	switch m.Kind {
	case MethodSoftwareOATH, MethodHardwareOATH:
		return 0
	case MethodAuthenticator:
		return 1
	case MethodPasskey, MethodWindowsHello, MethodPlatformCredential:
		return 3
	case MethodPhone:
		return 4 + slices.Index([]PhoneType{PhoneOffice, PhoneAlternate, PhoneMobile}, m.Phone())
	default:
		return 2
	}
}

// likeness says how likely a method is the default: 2 yes, 0 no, and 1 for the
// Authenticator where the user prefers codes, which it gives too.
func (p SignInPreference) likeness(m Method) int {
	is := false
	switch p.Method {
	case "push":
		is = m.Kind == MethodAuthenticator
	case "oath":
		if m.Kind == MethodAuthenticator {
			return 1
		}
		is = m.Kind == MethodSoftwareOATH || m.Kind == MethodHardwareOATH
	case "sms", "voiceMobile":
		is = m.Phone() == PhoneMobile
	case "voiceAlternateMobile":
		is = m.Phone() == PhoneAlternate
	case "voiceOffice":
		is = m.Phone() == PhoneOffice
	}
	if is {
		return 2
	}
	return 0
}

// phoneIDs are the IDs of phone methods, the same for every user in every
// tenant.
var phoneIDs = map[string]PhoneType{
	"3179e48a-750b-4051-897c-87b9720928f7": PhoneMobile,
	"b6332ec1-7057-4abe-9331-3d72feddfe41": PhoneAlternate,
	"e37fc753-ff3b-4958-9484-eaa9425c82bc": PhoneOffice,
}

// PhoneID returns the ID of a user's phone method of that type, "" if there is
// no such type.
func PhoneID(t PhoneType) string {
	for id, is := range phoneIDs {
		if is == t {
			return id
		}
	}
	return ""
}

// Phone returns which of its user's numbers a phone method is; empty if it is
// no phone or of a type that is not known.
func (m Method) Phone() PhoneType {
	if m.Kind != MethodPhone {
		return ""
	}
	return phoneIDs[strings.ToLower(m.ID)]
}
