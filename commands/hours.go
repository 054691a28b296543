package commands

import (
	"slices"
	"time"
)

// Hours are when people work: on which days, and from when to when, in a zone.
type Hours struct {
	Days     []time.Weekday
	From, To time.Duration // since midnight; To may be 24 h
	Zone     *time.Location
}

// AroundTheClock are hours that never end.
func AroundTheClock(zone *time.Location) Hours {
	return Hours{
		Days: []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday},
		To:   24 * time.Hour, Zone: zone,
	}
}

// OfficeHours are Monday to Friday, from nine to five.
func OfficeHours(zone *time.Location) Hours {
	return Hours{
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
		From: 9 * time.Hour, To: 17 * time.Hour, Zone: zone,
	}
}

// A request waits for as many of the approvers' working hours, and never
// longer than the clock hours.
const (
	pendingHours = 8 * time.Hour
	pendingMost  = 48 * time.Hour
	pendingDays  = 4 // the most dates that those can touch, where the clock goes forward
)

// Expiry returns when a request that is asked at the given moment ends if
// nobody decides.
func (h Hours) Expiry(asked time.Time) time.Time {
	most := asked.Add(pendingMost)
	left := pendingHours
	for n := range pendingDays {
		from, to := h.on(asked.In(h.Zone), n)
		from = later(from, asked)
		if !to.After(from) {
			continue
		}
		if worked := to.Sub(from); worked < left {
			left -= worked
			continue
		}
		return earlier(from.Add(left), most)
	}
	return most
}

// The first reminder of a request comes after this much working time, and each
// next one after twice the time.
const firstReminder = 30 * time.Minute

// Reminder returns when the n-th reminder (1…) is due of a request that was
// asked at the given moment. It never comes outside of working hours, and if
// there are too few of those, after every request has ended.
func (h Hours) Reminder(asked time.Time, n int) time.Time {
	left := firstReminder << (n - 1)
	for day := range reminderDays {
		from, to := h.on(asked.In(h.Zone), day)
		from = later(from, asked)
		if !to.After(from) {
			continue
		}
		if worked := to.Sub(from); worked <= left {
			left -= worked
			continue
		}
		return from.Add(left)
	}
	return asked.AddDate(0, 0, reminderDays)
}

const reminderDays = 30 // longer than any request may be decided

// Within reports whether a moment is in them.
func (h Hours) Within(t time.Time) bool {
	from, to := h.on(t.In(h.Zone), 0)
	return !t.Before(from) && t.Before(to)
}

// Next returns when they begin next, after a moment that is not within them.
func (h Hours) Next(t time.Time) time.Time {
	for day := range reminderDays {
		if from, _ := h.on(t.In(h.Zone), day); from.After(t) {
			return from
		}
	}
	return t
}

// on returns the working span of the n-th day after first's, empty if it is a
// free one. Days are counted by date and not from midnight to midnight: there
// are zones where the clock goes forward at midnight, and a day has none.
func (h Hours) on(first time.Time, n int) (from, to time.Time) {
	y, m, d := first.Date()
	wall := func(since time.Duration) time.Time {
		return time.Date(y, m, d+n, 0, int(since/time.Minute), 0, 0, h.Zone)
	}
	if !slices.Contains(h.Days, wall(12*time.Hour).Weekday()) {
		return time.Time{}, time.Time{}
	}
	return wall(h.From), wall(h.To)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
