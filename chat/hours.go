package chat

import (
	"slices"
	"time"
)

// Hours are when somebody works, and may be written to: on which days, and from
// when to when, in a zone. They do not go over midnight.
type Hours struct {
	Days     []time.Weekday
	From, To time.Duration // since midnight; To may be 24 h
	Zone     *time.Location
}

// OfficeHours are Monday to Friday, from nine to five.
func OfficeHours(zone *time.Location) Hours {
	return Hours{
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
		From: 9 * time.Hour, To: 17 * time.Hour, Zone: zone,
	}
}

// daysAhead is how far Next looks: no working day is further away.
const daysAhead = 30

// Within reports whether a moment is in them.
func (h Hours) Within(t time.Time) bool {
	from, to := h.On(t.In(h.Zone), 0)
	return !t.Before(from) && t.Before(to)
}

// Next returns when they begin next, after a moment that is not within them.
func (h Hours) Next(t time.Time) time.Time {
	for day := range daysAhead {
		if from, _ := h.On(t.In(h.Zone), day); from.After(t) {
			return from
		}
	}
	return t
}

// On returns the working span of the n-th day after first's, empty if it is a
// free one. Days are counted by date and not from midnight to midnight: there
// are zones where the clock goes forward at midnight, and a day has none.
func (h Hours) On(first time.Time, n int) (from, to time.Time) {
	y, m, d := first.Date()
	wall := func(since time.Duration) time.Time {
		return time.Date(y, m, d+n, 0, int(since/time.Minute), 0, 0, h.Zone)
	}
	if !slices.Contains(h.Days, wall(12*time.Hour).Weekday()) {
		return time.Time{}, time.Time{}
	}
	return wall(h.From), wall(h.To)
}
