package approval

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Caps bound how much may be asked for. A zero means the default, and less no
// bound.
type Caps struct {
	PerRequest    int // targets of one request; 50
	PerHour       int // targets in a tenant within an hour; 100
	OpenPerPerson int // requests that are open at once; 10
	AskedPerHour  int // requests that one person asks within an hour; 20
}

// or returns the cap, or the default for it, or more than anybody asks for.
func or(most, otherwise int) int {
	if most < 0 {
		return math.MaxInt
	}
	return cmp.Or(most, otherwise)
}

// asked is what the caps are held against: what is open, and what was asked or
// could be started within the last hour.
func (c Caps) asked(tx Tx, tenant string, now time.Time) ([]Request, error) {
	if c.none() {
		return nil, nil
	}
	open, err := tx.Requests(tenant, OpenStates()...)
	if err != nil {
		return nil, err
	}
	recent, err := tx.Recent(tenant, now.Add(-time.Hour))
	for _, r := range recent {
		if r.State.Final() {
			open = append(open, r)
		}
	}
	return open, err
}

// none reports whether nothing that was asked before is looked at.
func (c Caps) none() bool { return c.PerHour < 0 && c.OpenPerPerson < 0 && c.AskedPerHour < 0 }

// request refuses r if it aims at too much by itself.
func (c Caps) request(r Request) error {
	most := or(c.PerRequest, 50)
	if len(r.Targets) <= most {
		return nil
	}
	return refuse(ErrTooMany, fmt.Sprintf("This would touch %d objects, and one request may touch %d. Ask for fewer at once.", len(r.Targets), most))
}

// person refuses somebody who has asked for too much.
func (c Caps) person(p Principal, all []Request, now time.Time) error {
	open, asked := 0, 0
	for _, o := range all {
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
	if most := or(c.OpenPerPerson, 10); open >= most {
		return refuse(ErrTooMany, fmt.Sprintf("You have %d open requests, and that is the most. Wait for some to end, or cancel those that are not needed: “/mfa requests” lists them.", open))
	}
	if most := or(c.AskedPerHour, 20); asked >= most {
		return refuse(ErrTooMany, fmt.Sprintf("You have asked for %d changes within an hour, and that is the most. Please go on in a while.", asked))
	}
	return nil
}

// tenant refuses r if together with all that was asked it aims at too much.
// What ended without an effect does not count; what is open does, however old.
func (c Caps) tenant(r Request, all []Request, now time.Time) error {
	sum := 0
	for _, o := range all {
		if counts(o, now) {
			sum += len(o.Targets)
		}
	}
	most := or(c.PerHour, 100)
	if sum <= most-len(r.Targets) {
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
