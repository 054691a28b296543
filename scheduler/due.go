package scheduler

import (
	"fmt"
	"time"
)

// Weekly is a moment of every week: a weekday and a wall time in a zone.
//
// Every week has exactly one such moment, whatever the clocks do. Where the
// wall time does not exist (clocks go forward over it) it is the first moment
// that does after it; where it exists twice, the first. Cron libraries that
// step through wall time skip or repeat such weeks, which is why this rule is
// our own.
type Weekly struct {
	Day    time.Weekday
	Hour   int // 0 to 23
	Minute int // 0 to 59
	Zone   *time.Location
}

// Validate names what is wrong with the rule.
func (w Weekly) Validate() error {
	switch {
	case w.Day < time.Sunday || w.Day > time.Saturday:
		return fmt.Errorf("day %d is no weekday: 0 is Sunday, 6 is Saturday", w.Day)
	case w.Hour < 0 || w.Hour > 23:
		return fmt.Errorf("hour %d is not from 0 to 23", w.Hour)
	case w.Minute < 0 || w.Minute > 59:
		return fmt.Errorf("minute %d is not from 0 to 59", w.Minute)
	case w.Zone == nil:
		return fmt.Errorf("there is no zone")
	}
	return nil
}

// Next returns the first due moment after t.
func (w Weekly) Next(t time.Time) time.Time {
	day := w.onOrBefore(t)
	for {
		if due := w.on(day); due.After(t) {
			return due
		}
		day = day.AddDate(0, 0, 7)
	}
}

// Last returns the last due moment at or before t.
func (w Weekly) Last(t time.Time) time.Time {
	_, due := w.last(t)
	return due
}

// last also returns the date, at noon UTC, whose moment it is. A date that the
// clocks skip has its moment on a later one.
func (w Weekly) last(t time.Time) (date, due time.Time) {
	// From a week ahead: clocks that go back over midnight show the day before
	// once more, when the day's moment may have passed.
	date = w.onOrBefore(t).AddDate(0, 0, 7)
	for {
		if due = w.on(date); !due.After(t) {
			return date, due
		}
		date = date.AddDate(0, 0, -7)
	}
}

// onOrBefore returns the date, at noon UTC, of the last such weekday that has
// begun in the zone by t. Dates are counted at noon UTC, where every day exists.
func (w Weekly) onOrBefore(t time.Time) time.Time {
	y, m, d := t.In(w.Zone).Date()
	noon := time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	back := (int(noon.Weekday()) - int(w.Day) + 7) % 7
	return noon.AddDate(0, 0, -back)
}

// on returns the due moment of a date: the first instant whose wall clock in
// the zone shows the wanted time of that date or a later one.
func (w Weekly) on(date time.Time) time.Time {
	y, m, d := date.Date()
	wanted := time.Date(y, m, d, w.Hour, w.Minute, 0, 0, time.UTC)
	// No zone is more than 26 hours away from UTC in either direction, and no
	// clock change is longer than a day, so the instant is within this span.
	from, to := wanted.Add(-50*time.Hour), wanted.Add(50*time.Hour)
	return firstShowing(w.Zone, wanted, from, to)
}

// firstShowing finds the first instant from which the wall clock shows wanted
// or later. Wall clocks are not monotonic, so the span is walked from one
// clock change to the next; between two changes it is arithmetic.
func firstShowing(zone *time.Location, wanted, from, to time.Time) time.Time {
	for at := from; at.Before(to); {
		_, offset := at.In(zone).Zone()
		hit := wanted.Add(-time.Duration(offset) * time.Second)
		if hit.Before(at) {
			hit = at // the wall clock jumped over it
		}
		end := steadyUntil(zone, at)
		if end.IsZero() || hit.Before(end) {
			return hit.UTC()
		}
		at = end
	}
	return to
}

// steadyUntil returns until when a zone's clock is not set, from a moment on; it
// may name an earlier time, and the zero time where it never is.
//
// On the last day of a leap year Go ends the stretch with the day before, in
// zones that go on by a rule, as those built into the program do
// (time.Location's tzset takes each year to have 365 days). Whoever then went on
// from that end would go round for good, so that day is taken by the minute.
func steadyUntil(zone *time.Location, at time.Time) time.Time {
	_, end := at.In(zone).ZoneBounds()
	if !end.IsZero() && !end.After(at) {
		return at.Add(time.Minute)
	}
	return end
}
