package commands

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseDay(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 25, 22, 15, 0, 0, zone) // a Wednesday
	for _, c := range []struct{ typed, want string }{
		{"today", "2026-11-25"},
		{"Tomorrow", "2026-11-26"},
		{"friday", "2026-11-27"},
		{"Wed", "2026-12-02"},
		{"tues", "2026-12-01"},
		{"in 3 days", "2026-11-28"},
		{"1 day", "2026-11-26"},
		{"in 2 weeks", "2026-12-09"},
		{"1 week", "2026-12-02"},
		{"2026-12-05", "2026-12-05"},
		{"5 December", "2026-12-05"},
		{"5th of Dec", "2026-12-05"},
		{"the 22nd of november 2027", "2027-11-22"},
		{"Dec 5", "2026-12-05"},
		{"December 5th, 2026", "2026-12-05"},
		{"Sept. 1", "2027-09-01"},
		{"24 November", "2027-11-24"}, // yesterday's is past
		{"25 November", "2026-11-25"},
		{"29 February", "2028-02-29"},
		{"Saturday 5 December", "2026-12-05"},
		{"Sat, 5 Dec", "2026-12-05"},
		{"5.12.", "2026-12-05"},
		{"5.12.2026", "2026-12-05"},
		{"25/12", "2026-12-25"},
		{"12/25/2026", "2026-12-25"},
		{"1/1", "2027-01-01"},
	} {
		got, err := parseDay(c.typed, now)
		if err != nil || got.Format(time.DateOnly) != c.want || got.Location() != zone || got.Hour() != 0 {
			t.Errorf("%q is %v, %v; want %s", c.typed, got, err, c.want)
		}
	}
	for typed, want := range map[string]string{
		"":                    "I cannot read",
		"soon":                "I cannot read",
		"next friday":         "I cannot read",
		"5":                   "I cannot read",
		"30 February":         "I cannot read",
		"31 April 2027":       "I cannot read",
		"29 February 2027":    "I cannot read",
		"2026-13-01":          "I cannot read",
		"5 Dec 26":            "I cannot read",
		"999 days":            "I cannot read",
		"-1 days":             "I cannot read",
		"99999999999999 days": "I cannot read",
		"5.13.":               "I cannot read",
		"32/13":               "I cannot read",
		"1.2.3.4":             "I cannot read",
		"the of":              "I cannot read",
		"5 Dec 2026 please":   "I cannot read",
		"may day":             "I cannot read",
		"5/12":                "could be two dates",
		"Friday 5 December":   "is a Saturday, and not a Friday",
	} {
		got, err := parseDay(typed, now)
		var m *mistake
		if !errors.As(err, &m) || !strings.Contains(m.say, want) || m.hint == "" {
			t.Errorf("%q is %v, %v; want %q", typed, got, err, want)
		}
	}
}

// TestParseDayHostile holds that a hostile text is a mistake like another,
// whatever it holds.
func TestParseDayHostile(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	for _, s := range append(slices.Clone(hostile), "", "1/2/3", "31/2/2027", "sat sun mon", "in in in", "9999999999999999999 weeks", "\u0660.\u0661.") {
		got, err := parseDay(s, now)
		if err == nil || !got.IsZero() {
			t.Errorf("%q is %v, %v", s, got, err)
		}
	}
}
