package commands

import (
	"time"

	"twokey/chat"
)

// Hours are when those work who decide.
type Hours struct{ chat.Hours }

// AroundTheClock are hours that never end.
func AroundTheClock(zone *time.Location) Hours {
	return Hours{chat.Hours{
		Days: []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday},
		To:   24 * time.Hour, Zone: zone,
	}}
}

// OfficeHours are Monday to Friday, from nine to five.
func OfficeHours(zone *time.Location) Hours {
	return Hours{chat.OfficeHours(zone)}
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
		from, to := h.On(asked.In(h.Zone), n)
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
		from, to := h.On(asked.In(h.Zone), day)
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
