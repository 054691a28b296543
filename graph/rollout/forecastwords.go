package rollout

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// whyWords word the reasons for which there is no forecast.
var whyWords = map[Reason]string{
	TooFewWeeks:  "there are fewer than three weekly changes to go by",
	TooFewRead:   "too few people could be read",
	ScopeChanged: "the people in scope became more than a tenth more or fewer, and there are fewer than three weekly changes since",
	RoadChanged:  "people are read in another way than before, and there are fewer than three weekly changes since",
	NoPace:       "at the pace of the last weeks it is not reached",
	TooVague:     "the last weeks say too little, and the range would be too wide to plan by",
}

// Sentence says when the goal is met, or why that cannot be said, in one
// sentence or two for people. Days are those of the zone.
func (f Forecast) Sentence(zone *time.Location) string {
	goal := strconv.FormatFloat(f.Goal.Percent, 'f', -1, 64) + " %"
	switch {
	case f.Why == GoalMet:
		return "The goal is met: " + goal + " of the people in scope are registered."
	case f.Why != "":
		return "There is no forecast for " + goal + ": " + cmp.Or(whyWords[f.Why], string(f.Why)) + "." + f.byWords(zone)
	case f.Earliest == f.Latest:
		return "At this pace " + goal + " falls in " + weekSpan(f.Earliest) + "." + f.byWords(zone)
	default:
		first, _ := monday(f.Earliest)
		last, _ := monday(f.Latest)
		return "At this pace " + goal + " falls between " + daySpan(first, last.AddDate(0, 0, 6)) + "." + f.byWords(zone)
	}
}

// MovedSince says how far the range has moved since an earlier forecast for the
// same goal; empty where either gives none, which the sentence has explained.
func (f Forecast) MovedSince(was Forecast) string {
	if f.Why != "" || was.Why != "" || f.Goal.Percent != was.Goal.Percent {
		return ""
	}
	begins, ends := weeksLater(was.Earliest, f.Earliest), weeksLater(was.Latest, f.Latest)
	than := " than in " + weekName(was.Week) + "."
	switch {
	case begins == 0 && ends == 0:
		return "The range has not moved since " + weekName(was.Week) + "."
	case begins == ends:
		return "The range is " + laterWords(begins) + than
	case begins == 0:
		return "The range ends " + laterWords(ends) + than
	case ends == 0:
		return "The range begins " + laterWords(begins) + than
	default:
		return "The range begins " + laterWords(begins) + " and ends " + laterWords(ends) + than
	}
}

// weeksLater is how many weeks one ISO week is after another, below 0 before it.
func weeksLater(was, is string) int {
	from, _ := monday(was)
	to, _ := monday(is)
	return int(to.Sub(from) / week)
}

// laterWords say how far, "2 weeks later".
func laterWords(weeks int) string {
	n, way := weeks, "later"
	if weeks < 0 {
		n, way = -weeks, "earlier"
	}
	if n == 1 {
		return "1 week " + way
	}
	return strconv.Itoa(n) + " weeks " + way
}

// byWords compare with the day of the goal.
func (f Forecast) byWords(zone *time.Location) string {
	if f.Goal.By.IsZero() {
		return ""
	}
	s := " The goal is " + f.Goal.By.In(zone).Format("2 January 2006")
	if f.Needed == 0 {
		return s + "."
	}
	s += " and needs " + strconv.FormatFloat(f.Needed, 'f', -1, 64) + " a week"
	if f.Pace.Changes > 0 {
		s += fmt.Sprintf(" (in the middle of the last %d weeks: %s)", f.Pace.Changes, strconv.FormatFloat(f.Pace.Usual, 'f', -1, 64))
	}
	return s + "."
}

// weekSpan is an ISO week with its days, "week 51 (14 Dec to 20 Dec 2026)".
func weekSpan(week string) string {
	first, _ := monday(week)
	return weekName(week) + " (" + strings.Replace(daySpan(first, first.AddDate(0, 0, 6)), " and ", " to ", 1) + ")"
}

// weekName names an ISO week as people do, "week 48".
func weekName(week string) string {
	_, number, _ := strings.Cut(week, "-W")
	return "week " + strings.TrimLeft(number, "0")
}

// daySpan names two days, the year once if it is the same.
func daySpan(first, last time.Time) string {
	if first.Year() == last.Year() {
		return first.Format("2 Jan") + " and " + last.Format("2 Jan 2006")
	}
	return first.Format("2 Jan 2006") + " and " + last.Format("2 Jan 2006")
}
