package rollout

import (
	"slices"
	"time"
)

// A Deadline is a dated change with how many it will hit here.
type Deadline struct {
	DatedChange
	// Affected are the people or accounts to be moved before. Its ID says how
	// they were counted: on a tenant without the sign-in log those who use SMTP
	// AUTH are [MailSeenSMTP], a suspicion.
	Affected Figure
}

// Deadlines returns the changes in [MicrosoftDates] that hit this tenant, see [Hitting].
func Deadlines(fn Funnel, l Legacy) []Deadline { return Hitting(MicrosoftDates(), fn, l) }

// Hitting returns the dated changes that hit this tenant, in the order of their
// days and those without one last. One that hits nobody, as far as the reading
// shows, is left out; one of which that is not known stays, with the reason. So
// does a past one: whoever it hit still needs help.
func Hitting(changes []DatedChange, fn Funnel, l Legacy) []Deadline {
	var found []Deadline
	for _, c := range changes {
		d := Deadline{c, c.counted(fn, l)}
		if n, known := d.Affected.Value(); !known || n > 0 || d.Affected.Unknown > 0 {
			found = append(found, d)
		}
	}
	slices.SortStableFunc(found, func(a, b Deadline) int {
		if a.On.IsZero() || b.On.IsZero() {
			return b.On.Compare(a.On) // the zero day last
		}
		return a.On.Compare(b.On)
	})
	return found
}

// counted counts whom the change hits; of what nobody counts nothing is known.
func (c DatedChange) counted(fn Funnel, l Legacy) Figure {
	count := affected[hit{c.Hits, c.For}]
	if count == nil {
		return Missing(ID(c.Hits), Count, fn.AsOf, NotRead)
	}
	return count(fn, l)
}

// DaysLeft is the number of days until a change, negative after it; false where
// no day is announced. Both are dates: the day is that of now in its own zone.
func (c DatedChange) DaysLeft(now time.Time) (int, bool) {
	if c.On.IsZero() {
		return 0, false
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return int(c.On.Sub(today) / (24 * time.Hour)), true
}

// SMTPAuthAccounts is the figure of the accounts that got in by SMTP AUTH.
const SMTPAuthAccounts ID = "smtp_auth_accounts"

func smtpAuthAccounts(l Legacy) Figure {
	logged := Missing(SMTPAuthAccounts, Count, l.AsOf, l.Get(LegacySucceeded).Reason())
	for _, use := range l.ByProtocol {
		if use.Protocol == SMTPAuth {
			logged = Number(SMTPAuthAccounts, l.AsOf, use.Accounts)
		}
	}
	return orSuspected(logged, l.Get(MailSeenSMTP))
}

// orSuspected returns what the log counted, or else what the mail program
// report makes suspect. That report's zero is no answer: not everything shows
// in it.
func orSuspected(logged, seen Figure) Figure {
	if _, known := logged.Value(); known {
		return logged
	}
	if n, _ := seen.Value(); n > 0 {
		return seen
	}
	return logged
}
