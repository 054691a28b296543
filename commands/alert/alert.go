// Package alert is word of something that somebody has to look at: it is told
// once, and again until a person acknowledges it.
//
// What is told and how often stands in the store, so that a restart neither
// forgets an alert nor tells it anew; of several processes one tells it.
package alert

import (
	"context"
	"time"

	"twokey/audit"
)

// Notice is the kind of message that tells an alert. Its facts are {"alert": ref}.
const Notice = "watch"

// Alert is one, as it is kept.
type Alert struct {
	Ref      string // "W-" and six characters, for people
	Tenant   string
	Key      string // what it tells of: with the tenant unique for good
	Headline string
	Text     string // paragraphs
	Raised   time.Time
	Told     int // how often
	// Acknowledged is when somebody saw to it, and By their object ID; zero as
	// long as nobody has.
	Acknowledged time.Time
	By           string
}

// Store keeps alerts.
type Store interface {
	// Raise keeps an alert, what is recorded of it, and that each address is owed
	// word of it; and that nobody needs to be told any more of the lines of the
	// tenant's audit log that it tells of: all in one transaction. What was raised
	// under its key is not raised again: then it only keeps what was told.
	Raise(ctx context.Context, a Alert, to []string, entries []audit.Entry, lines []string) (raised bool, err error)
	// Alert returns an alert by its ref; false if there is none.
	Alert(ctx context.Context, tenant, ref string) (a Alert, ok bool, err error)
	// DueAlerts lists those that are to be told again, the oldest first.
	DueAlerts(ctx context.Context, tenant string) ([]Alert, error)
	// Repeat owes each address word of an alert once more, and the next time after
	// a while. It does nothing if the alert was told since it was read, or
	// acknowledged.
	Repeat(ctx context.Context, a Alert, to []string, next time.Duration) error
	// Acknowledge keeps and records who saw to an alert first, and has all
	// messages about it show that. It returns the alert as it is kept then; false
	// if there is none.
	Acknowledge(ctx context.Context, tenant, ref, by string) (a Alert, ok bool, err error)
}

// Spacing is how long after an alert was told for the n-th time, from 1 on, it is
// told again if nobody acknowledges it: after an hour, then after twice as long
// each time, and in the end once a day.
func Spacing(n int) time.Duration {
	const day = 24 * time.Hour
	if n < 1 || n > 5 {
		return day
	}
	return min(time.Hour<<(n-1), day)
}
