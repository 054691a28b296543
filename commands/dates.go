package commands

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseDay reads a date as people type it: “today”, “Friday”, “in 2 weeks”,
// “5 December”, “Dec 5th 2026”, “2026-12-05”, “5.12.”. A date without a year is
// the next such day. It returns the beginning of the day in the zone of now. What
// could be two dates is asked about and never chosen.
func parseDay(text string, now time.Time) (time.Time, error) {
	words := strings.Fields(strings.NewReplacer(",", " ", " of ", " ", " the ", " ").Replace(" " + strings.ToLower(text) + " "))
	today := midnight(now)
	var day *time.Weekday
	if len(words) > 1 {
		if d, ok := weekday(words[0]); ok {
			day, words = &d, words[1:]
		}
	}
	date, err := dayOf(words, today)
	if err != nil {
		return time.Time{}, err
	}
	if date.IsZero() {
		return date, &mistake{"I cannot read " + shown(text) + " as a date.", "Type it like “Friday”, “in 2 weeks”, “5 December” or “" + today.AddDate(0, 0, 10).Format(time.DateOnly) + "”."}
	}
	if day != nil && date.Weekday() != *day {
		return time.Time{}, &mistake{date.Format("2 January 2006") + " is a " + date.Weekday().String() + ", and not a " + day.String() + ".", "Type the date that you mean."}
	}
	return date, nil
}

// midnight is the beginning of the day that t is in.
func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// dayOf reads a date without a weekday before it; the zero time is none.
func dayOf(words []string, today time.Time) (time.Time, error) {
	if len(words) > 0 && words[0] == "in" {
		words = words[1:]
	}
	switch len(words) {
	case 1:
		return single(words[0], today)
	case 2, 3:
		if n, err := strconv.Atoi(words[0]); err == nil && len(words) == 2 && n >= 0 && n <= farDays {
			switch strings.TrimSuffix(words[1], "s") {
			case "day":
				return today.AddDate(0, 0, n), nil
			case "week":
				return today.AddDate(0, 0, 7*n), nil
			}
		}
		return spelt(words, today), nil
	default:
		return time.Time{}, nil
	}
}

func single(word string, today time.Time) (time.Time, error) {
	switch word {
	case "today":
		return today, nil
	case "tomorrow":
		return today.AddDate(0, 0, 1), nil
	}
	if d, ok := weekday(word); ok {
		return today.AddDate(0, 0, (int(d)-int(today.Weekday())+6)%7+1), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, word, today.Location()); err == nil {
		return t, nil
	}
	if parts := strings.Split(strings.TrimSuffix(word, "."), "."); len(parts) > 1 {
		return numeric(parts[0], parts[1], parts[2:], today), nil
	}
	if parts := strings.Split(word, "/"); len(parts) > 1 {
		dayFirst, monthFirst := numeric(parts[0], parts[1], parts[2:], today), numeric(parts[1], parts[0], parts[2:], today)
		if !dayFirst.IsZero() && !monthFirst.IsZero() && !dayFirst.Equal(monthFirst) {
			return time.Time{}, &mistake{shown(word) + " could be two dates.", "Type the month as a word: “" + dayFirst.Format("2 January") + "” or “" + monthFirst.Format("2 January") + "”."}
		}
		if dayFirst.IsZero() {
			return monthFirst, nil
		}
		return dayFirst, nil
	}
	return time.Time{}, nil
}

// spelt reads a day and a month in words, in either order, and maybe a year.
func spelt(words []string, today time.Time) time.Time {
	if m := month(words[0]); m != "" {
		return numeric(words[1], m, words[2:], today)
	}
	if m := month(words[1]); m != "" {
		return numeric(words[0], m, words[2:], today)
	}
	return time.Time{}
}

// numeric makes a date of a day, a month, and none or one year; zero if there
// is no such day.
func numeric(day, month string, year []string, today time.Time) time.Time {
	for _, end := range []string{"st", "nd", "rd", "th", "."} {
		day = strings.TrimSuffix(day, end)
	}
	d, err := strconv.Atoi(day)
	m, err2 := strconv.Atoi(month)
	y := today.Year()
	if err != nil || err2 != nil || len(year) > 1 {
		return time.Time{}
	}
	if len(year) == 1 {
		if y, err = strconv.Atoi(year[0]); err != nil || len(year[0]) != 4 {
			return time.Time{}
		}
	}
	date := func(y int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, today.Location()) }
	t := date(y)
	for n := 1; len(year) == 0 && n < 9 && (t.Before(today) || t.Day() != d); n++ {
		t = date(y + n) // up to the next 29 February
	}
	if t.Day() != d || t.Month() != time.Month(m) {
		return time.Time{}
	}
	return t
}

var months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// month returns the number of a month's name, or of the beginning of one.
func month(word string) string {
	i := slices.IndexFunc(months, func(m string) bool { return begins(m, word) })
	if i < 0 {
		return ""
	}
	return strconv.Itoa(i + 1)
}

func weekday(word string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if begins(strings.ToLower(d.String()), word) {
			return d, true
		}
	}
	return 0, false
}

func begins(name, word string) bool {
	word = strings.TrimSuffix(word, ".")
	return len(word) >= 3 && strings.HasPrefix(name, word)
}

// farDays is how far a date may be away, in days.
const farDays = 366
