package scheduler

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"twokey/graph/rollout"
)

// zoneNames are the names in the time zone database that time/tzdata embeds,
// as Go 1.26's lib/time/zoneinfo.zip lists them.
//
//go:embed testdata/zones.txt
var zoneNames string

func in(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// moment reads a time as RFC 3339.
func moment(t *testing.T, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sweep returns the due moments in (from, to], by Next alone, after checking
// that Last agrees on each and on what lies between.
func sweep(t *testing.T, w Weekly, from, to time.Time) (dues []time.Time) {
	t.Helper()
	for due := w.Next(from); !due.After(to); due = w.Next(due) {
		if len(dues) > 0 {
			between(t, w, dues[len(dues)-1], due)
		}
		if got := w.Last(due); !got.Equal(due) {
			t.Errorf("%v: Last(Next) = %v, want %v", w, got, due)
		}
		dues = append(dues, due)
	}
	return dues
}

// between checks that there is no moment between two that follow each other.
func between(t *testing.T, w Weekly, due, next time.Time) {
	t.Helper()
	if !next.After(due) {
		t.Fatalf("%v: %v is followed by %v", w, due, next)
	}
	for _, at := range []time.Time{
		due.Add(time.Nanosecond), due.Add(5 * time.Minute), due.Add(next.Sub(due) / 2),
		next.Add(-5 * time.Minute), next.Add(-time.Nanosecond),
	} {
		if got := w.Last(at); !got.Equal(due) {
			t.Errorf("%v: Last(%v) = %v, want %v", w, at.In(w.Zone), got, due)
		}
		if got := w.Next(at); !got.Equal(next) {
			t.Errorf("%v: Next(%v) = %v, want %v", w, at.In(w.Zone), got, next)
		}
	}
}

// wall is what a clock in the zone shows, as a moment in UTC.
func wall(at time.Time, zone *time.Location) time.Time {
	_, offset := at.In(zone).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// checkWall checks that a due moment is the first at which the clock shows the
// wanted time of its date or, where it skips that, what comes right after.
func checkWall(t *testing.T, w Weekly, wanted, due time.Time) {
	t.Helper()
	shown := wall(due, w.Zone)
	before := wall(due.Add(-time.Nanosecond), w.Zone)
	if shown.Before(wanted) || !before.Before(wanted) {
		t.Errorf("%v: the clock goes from %v to %v, want %v", w, before, shown, wanted)
	}
	if !shown.Equal(wanted) && shown.Sub(before) < time.Minute {
		t.Errorf("%v: it is %v, and no clock has skipped %v", w, shown, wanted)
	}
	// Had the clock shown it before, there would be a change between.
	change, _ := due.Add(-time.Nanosecond).In(w.Zone).ZoneBounds()
	if due.Sub(change) < 25*time.Hour && !wall(change.Add(-time.Nanosecond), w.Zone).Before(wanted) {
		t.Errorf("%v: %v was shown before, want the first time", w, wanted)
	}
}

// O16: the clocks go from 02:00 to 03:00 on that Sunday.
func TestO16(t *testing.T) {
	t.Parallel()
	w := Weekly{Day: time.Sunday, Hour: 2, Minute: 30, Zone: in(t, "Europe/Madrid")}
	dues := sweep(t, w, moment(t, "2027-03-22T00:00:00+01:00"), moment(t, "2027-04-04T23:59:00+02:00"))
	want := []string{"2027-03-28T03:00:00+02:00", "2027-04-04T02:30:00+02:00"}
	checkDues(t, w, dues, want)
}

// O17: 01:30 comes twice on that Sunday.
func TestO17(t *testing.T) {
	t.Parallel()
	w := Weekly{Day: time.Sunday, Hour: 1, Minute: 30, Zone: in(t, "America/New_York")}
	dues := sweep(t, w, moment(t, "2026-10-26T00:00:00-04:00"), moment(t, "2026-11-08T23:59:00-05:00"))
	checkDues(t, w, dues, []string{"2026-11-01T01:30:00-04:00", "2026-11-08T01:30:00-05:00"})
}

func checkDues(t *testing.T, w Weekly, dues []time.Time, want []string) {
	t.Helper()
	var got []string
	for _, due := range dues {
		got = append(got, due.In(w.Zone).Format(time.RFC3339))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v is due at %v, want %v", w, got, want)
	}
}

func TestStrangeClocks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, zone string
		day        time.Weekday
		hour, min  int
		from       string // a fortnight from here
		want       []string
	}{
		{
			"half an hour forward", "Australia/Lord_Howe", time.Sunday, 2, 15, "2026-09-28T00:00:00Z",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-11T02:15:00+11:00"},
		},
		{
			"half an hour back", "Australia/Lord_Howe", time.Sunday, 1, 45, "2027-03-29T00:00:00Z",
			[]string{"2027-04-04T01:45:00+11:00", "2027-04-11T01:45:00+10:30"},
		},
		{
			"a day that is skipped", "Pacific/Apia", time.Friday, 9, 0, "2011-12-24T00:00:00Z",
			[]string{"2011-12-31T00:00:00+14:00", "2012-01-06T09:00:00+14:00"},
		},
		{
			"the day after it", "Pacific/Apia", time.Saturday, 0, 0, "2011-12-25T00:00:00Z",
			[]string{"2011-12-31T00:00:00+14:00", "2012-01-07T00:00:00+14:00"},
		},
		{
			"a day that is skipped between two weeks", "Pacific/Enderbury", time.Sunday, 9, 0, "1994-12-26T00:00:00Z",
			[]string{"1995-01-01T09:00:00+13:00", "1995-01-08T09:00:00+13:00"},
		},
		{
			"a day that comes twice", "America/Juneau", time.Friday, 12, 0, "1867-10-12T00:00:00Z",
			[]string{"1867-10-18T12:00:00+15:02", "1867-10-25T12:00:00-08:57"},
		},
		{
			"back for Ramadan", "Africa/Casablanca", time.Sunday, 2, 30, "2027-02-01T00:00:00Z",
			[]string{"2027-02-07T02:30:00+01:00", "2027-02-14T02:30:00Z"},
		},
		{
			"forward after Ramadan", "Africa/Casablanca", time.Sunday, 2, 30, "2027-03-08T00:00:00Z",
			[]string{"2027-03-14T03:00:00+01:00", "2027-03-21T02:30:00+01:00"},
		},
		{
			"back over midnight", "America/St_Johns", time.Sunday, 0, 0, "2010-11-01T12:00:00Z",
			[]string{"2010-11-07T00:00:00-02:30", "2010-11-14T00:00:00-03:30"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := Weekly{Day: tt.day, Hour: tt.hour, Minute: tt.min, Zone: in(t, tt.zone)}
			from := moment(t, tt.from)
			checkDues(t, w, sweep(t, w, from, from.AddDate(0, 0, 14)), tt.want)
		})
	}
}

// G31: every week of every zone has exactly one due moment, at the wanted time
// or the first after it that exists, and its slot is that week's.
func TestG31EveryZone(t *testing.T) {
	t.Parallel()
	times := []struct {
		day       time.Weekday
		hour, min int
	}{
		{time.Monday, 9, 0},
		{time.Sunday, 2, 30},
		{time.Sunday, 0, 0},
		{time.Sunday, 1, 59},
		{time.Saturday, 23, 59},
		{time.Saturday, 22, 30},
		{time.Friday, 0, 30},
		{time.Thursday, 23, 0},
	}
	const year = 2026
	years := 10
	if testing.Short() {
		years = 3
	}
	names := strings.Fields(zoneNames)
	if len(names) < 590 {
		t.Fatalf("%d zones are not all", len(names))
	}
	ofGo := zonesOfGo(t)
	seen := make(map[string]bool)
	zones := make([]*time.Location, 0, 2*len(names))
	for _, name := range names { // as this machine has them and, where there are none, the program itself
		zones = append(zones, in(t, name), ofGo(name))
	}
	for _, zone := range zones {
		if key := changes(zone, year-1, years+2); !seen[key] { // most zones do the same as others
			seen[key] = true
			for _, at := range times {
				checkYears(t, Weekly{at.day, at.hour, at.min, zone}, year, years)
			}
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d zones that differ are not all", len(seen))
	}
}

// changes lists the clock changes of a zone, with the offsets before and after.
func changes(zone *time.Location, year, years int) string {
	var b strings.Builder
	last := -1
	at := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)
	for end := at.AddDate(years, 0, 0); !at.IsZero() && at.Before(end); at = steadyUntil(zone, at) {
		if _, offset := at.In(zone).Zone(); offset != last {
			fmt.Fprintln(&b, at.Unix(), offset)
			last = offset
		}
	}
	return b.String()
}

// checkYears checks a rule in whole weeks of its zone, from the year's first.
func checkYears(t *testing.T, w Weekly, year, years int) {
	t.Helper()
	monday := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	monday = monday.AddDate(0, 0, -(int(monday.Weekday())+6)%7)
	wanted := monday.AddDate(0, 0, (int(w.Day)+6)%7).Add(time.Duration(w.Hour)*time.Hour + time.Duration(w.Minute)*time.Minute)
	weeks := 52 * years
	from := time.Date(monday.Year(), monday.Month(), monday.Day(), 0, 0, 0, 0, w.Zone).Add(-time.Nanosecond)
	end := monday.AddDate(0, 0, 7*weeks)
	to := time.Date(end.Year(), end.Month(), end.Day(), 0, 0, 0, 0, w.Zone).Add(-time.Nanosecond)
	dues := sweep(t, w, from, to)
	if len(dues) != weeks {
		t.Errorf("%v: %d moments in %d weeks from %v", w, len(dues), weeks, from)
		return
	}
	for i, due := range dues {
		on := wanted.AddDate(0, 0, 7*i)
		checkWall(t, w, on, due)
		if got, want := SlotAt("", "", w, due).Week, rollout.ISOWeek(on); got != want {
			t.Errorf("%v: %v is of week %s, want %s", w, due, got, want)
		}
	}
}

// The last day of a leap year is a day like others, with the zones that are built
// into the program too.
func TestLastDayOfALeapYear(t *testing.T) {
	t.Parallel()
	for _, zone := range []*time.Location{in(t, "Europe/Madrid"), zonesOfGo(t)("Europe/Madrid")} {
		w := Weekly{Day: time.Sunday, Hour: 23, Zone: zone}
		from := moment(t, "2028-12-24T00:00:00+01:00")
		checkDues(t, w, sweep(t, w, from, from.AddDate(0, 0, 21)), []string{"2028-12-24T23:00:00+01:00", "2028-12-31T23:00:00+01:00", "2029-01-07T23:00:00+01:00"})
	}
}

// A moment that the clocks push over midnight into the week after must not take
// that week's slot.
func TestSlotPushedIntoTheNextWeek(t *testing.T) {
	t.Parallel()
	w := Weekly{Day: time.Sunday, Hour: 23, Minute: 30, Zone: in(t, "Africa/Algiers")}
	for _, tt := range []struct{ at, planned, week string }{
		{"1971-04-25T00:00:00Z", "1971-04-18T23:30:00Z", "1971-W15"},
		{"1971-04-26T00:00:00Z", "1971-04-26T00:00:00+01:00", "1971-W16"},
		{"1971-05-03T00:00:00Z", "1971-05-02T23:30:00+01:00", "1971-W17"},
	} {
		slot := SlotAt("t", "j", w, moment(t, tt.at))
		if got := slot.Planned.In(w.Zone).Format(time.RFC3339); got != tt.planned || slot.Week != tt.week {
			t.Errorf("at %s: planned %s in %s, want %s in %s", tt.at, got, slot.Week, tt.planned, tt.week)
		}
	}
}

// O22: a rule that could never be due, or always, is refused with what is wrong.
func TestO22Validate(t *testing.T) {
	t.Parallel()
	good := Weekly{Day: time.Saturday, Hour: 23, Minute: 59, Zone: time.UTC}
	for _, tt := range []struct {
		name   string
		change func(*Weekly)
		want   string // "" for none
	}{
		{"good", func(*Weekly) {}, ""},
		{"zero", func(w *Weekly) { *w = Weekly{Zone: time.UTC} }, ""},
		{"day 7", func(w *Weekly) { w.Day = 7 }, "day 7"},
		{"day before", func(w *Weekly) { w.Day = -1 }, "day -1"},
		{"hour 24", func(w *Weekly) { w.Hour = 24 }, "hour 24"},
		{"hour before", func(w *Weekly) { w.Hour = -1 }, "hour -1"},
		{"minute 60", func(w *Weekly) { w.Minute = 60 }, "minute 60"},
		{"minute before", func(w *Weekly) { w.Minute = -1 }, "minute -1"},
		{"no zone", func(w *Weekly) { w.Zone = nil }, "zone"},
	} {
		w := good
		tt.change(&w)
		err := w.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		_, err = New("t", []Job{{Name: "the-job", Due: w}}, nil, time.Now, nil)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), "the-job") {
			t.Errorf("%s: New = %v, want an error that names the job (%q)", tt.name, err, tt.want)
		}
	}
}
