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
	TooFewWeeks:  "there are fewer than three weekly changes to go by, and each weekly reading adds one",
	TooFewRead:   "too few people could be read",
	ScopeChanged: "the people in scope became more than a tenth more or fewer, and there are fewer than three weekly changes since",
	RoadChanged:  "people are read in another way than before, and there are fewer than three weekly changes since",
	NoPace:       "at the pace of the last weeks it is not reached",
}

// Sentence says when the goal is met, or why that cannot be said, in one
// sentence or two for people. Days are those of the zone.
func (f Forecast) Sentence(zone *time.Location) string {
	goal := strconv.FormatFloat(f.Goal.Percent, 'f', -1, 64) + " %"
	switch {
	case f.Why == GoalMet:
		return "The goal is met: " + goal + " of the people in scope are registered."
	case f.Why != "":
		return "There is no forecast for " + goal + ": " + f.noForecast() + "." + f.byWords(zone)
	case f.Earliest == f.Latest:
		return "At this pace " + goal + " falls in " + weekSpan(f.Earliest) + "." + f.byWords(zone)
	default:
		first, _ := monday(f.Earliest)
		last, _ := monday(f.Latest)
		return "At this pace " + goal + " falls between " + daySpan(first, last.AddDate(0, 0, 6)) + "." + f.byWords(zone)
	}
}

// noForecast says why there is none and, where that is open, how wide the range
// is and what would narrow it.
func (f Forecast) noForecast() string {
	if f.Why != TooVague {
		return cmp.Or(whyWords[f.Why], string(f.Why))
	}
	longest := strconv.Itoa(f.last)
	if f.last > horizon {
		longest = "more than two years"
	}
	return fmt.Sprintf("the last weeks leave it open whether it takes %s or %s; a few more even weeks, or a nearer goal, would narrow it to something to plan by",
		weeksWords(f.first), longest)
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
	return weeksWords(n) + " " + way
}

func weeksWords(n int) string {
	if n == 1 {
		return "1 week"
	}
	return strconv.Itoa(n) + " weeks"
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
