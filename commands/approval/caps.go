package approval

import (
	"cmp"
	"fmt"
	"time"
)

// Caps bound how much may be asked for. A zero means the default.
type Caps struct {
	PerRequest    int // targets of one request; 50
	PerHour       int // targets in a tenant within an hour; 100
	OpenPerPerson int // requests that are open at once; 10
	AskedPerHour  int // requests that one person asks within an hour; 20
}

// lookBack is how far back it is read what was asked: longer than any request
// can be open, so that none of those that count is missed.
const lookBack = 50 * time.Hour

// request refuses r if it aims at too much by itself.
func (c Caps) request(r Request) error {
	most := cmp.Or(c.PerRequest, 50)
	if len(r.Targets) <= most {
		return nil
	}
	return refuse(ErrTooMany, fmt.Sprintf("This would touch %d objects, and one request may touch %d. Ask for fewer at once.", len(r.Targets), most))
}

// person refuses somebody who has asked for too much, given what was asked
// lately in the tenant.
func (c Caps) person(p Principal, recent []Request, now time.Time) error {
	open, asked := 0, 0
	for _, o := range recent {
		if o.Requester != p {
			continue
		}
		if !o.State.Final() && !overdue(o, now) {
			open++
		}
		if now.Sub(o.Created) < time.Hour {
			asked++
		}
	}
	if most := cmp.Or(c.OpenPerPerson, 10); open >= most {
		return refuse(ErrTooMany, fmt.Sprintf("You have %d open requests, and that is the most. Wait for some to end, or cancel those that are not needed: “/mfa requests” lists them.", open))
	}
	if most := cmp.Or(c.AskedPerHour, 20); asked >= most {
		return refuse(ErrTooMany, fmt.Sprintf("You have asked for %d changes within an hour, and that is the most. Please go on in a while.", asked))
	}
	return nil
}

// tenant refuses r if together with what was asked lately it aims at too much.
// What ended without an effect does not count; what is open does, however old.
func (c Caps) tenant(r Request, recent []Request, now time.Time) error {
	sum := 0
	for _, o := range recent {
		if counts(o, now) {
			sum += len(o.Targets)
		}
	}
	most := cmp.Or(c.PerHour, 100)
	if sum+len(r.Targets) <= most {
		return nil
	}
	return refuse(ErrTooMany, fmt.Sprintf("Changes to %d objects are under way or were made within the last hour. With these %d it would be more than the %d that an hour may bring, so please ask again later, or for fewer.", sum, len(r.Targets), most))
}

func counts(o Request, now time.Time) bool {
	switch o.State {
	case Denied, Expired, Cancelled, Stale, Failed:
		return false
	case Succeeded, Partial, Unknown:
		return now.Sub(o.Outcome.At) < time.Hour
	default:
		return !overdue(o, now)
	}
}
