package commands

import (
	"testing"
	"time"

	"twokey/chat"
)

// TestExpiryMore are the hours and days on which the clock does odd things.
func TestExpiryMore(t *testing.T) {
	t.Parallel()
	week := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	hours := func(from, to time.Duration, days ...time.Weekday) func(*time.Location) Hours {
		return func(zone *time.Location) Hours {
			return Hours{chat.Hours{Days: days, From: from * time.Hour, To: to * time.Hour, Zone: zone}}
		}
	}
	office := hours(9, 17, week...)
	for _, row := range []struct {
		name, zone  string
		hours       func(*time.Location) Hours
		asked, want string // local times
	}{
		{"after hours", "Europe/Madrid", office, "2026-11-23 20:00", "2026-11-24 17:00"},
		{"on the last minute of a day", "Europe/Madrid", office, "2026-11-23 16:59", "2026-11-24 16:59"},
		{"friday at noon, cut at 48 hours", "Europe/Madrid", office, "2026-11-27 12:00", "2026-11-29 12:00"},
		{"saturday, cut in the small hours of monday", "Europe/Madrid", office, "2026-11-28 03:00", "2026-11-30 03:00"},
		{"saturday evening: monday is enough", "Europe/Madrid", office, "2026-11-28 19:00", "2026-11-30 17:00"},
		{"sunday: monday is enough", "Europe/Madrid", office, "2026-11-29 12:00", "2026-11-30 17:00"},
		{"short days add up", "Europe/Madrid", hours(9, 13, week...), "2026-11-23 09:00", "2026-11-24 13:00"},
		{"days too short to add up", "Europe/Madrid", hours(9, 11, week...), "2026-11-23 09:00", "2026-11-25 09:00"},
		{"early on the last day", "Europe/Madrid", hours(0, 4, week...), "2026-11-23 09:00", "2026-11-25 04:00"},
		{"nobody ever works", "Europe/Madrid", hours(9, 17), "2026-11-23 09:00", "2026-11-25 09:00"},
		{"hours that end before they begin", "Europe/Madrid", hours(17, 9, week...), "2026-11-23 09:00", "2026-11-25 09:00"},
		{"asked elsewhere on earth", "Pacific/Auckland", office, "2026-11-23 09:00", "2026-11-23 17:00"},
		{"the night is an hour short", "Europe/Madrid", AroundTheClock, "2026-03-28 22:00", "2026-03-29 07:00"},
		{"the night is an hour long", "Europe/Madrid", AroundTheClock, "2026-10-24 22:00", "2026-10-25 05:00"},
		{"work on a short day", "Europe/Madrid", hours(0, 8, time.Sunday), "2026-03-28 12:00", "2026-03-30 13:00"}, // 7 h on Sunday; 48 h end an hour later by the clock
		{"work on a long day", "Europe/Madrid", hours(0, 8, time.Sunday), "2026-10-24 12:00", "2026-10-25 07:00"},
		{"a day without a midnight", "America/Santiago", AroundTheClock, "2026-09-05 20:00", "2026-09-06 05:00"},
		{"the day before has one", "America/Santiago", office, "2026-09-04 16:00", "2026-09-06 17:00"}, // a Friday; 48 h
		{"a day without a midnight, in spring", "America/Havana", AroundTheClock, "2026-03-07 20:00", "2026-03-08 05:00"},
		{"a day without a midnight, east of Greenwich", "Asia/Beirut", AroundTheClock, "2026-03-28 20:00", "2026-03-29 05:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(row.zone)
			if err != nil {
				t.Fatal(err)
			}
			at := func(s string) time.Time {
				parsed, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
				if err != nil {
					t.Fatal(err)
				}
				return parsed
			}
			if got := row.hours(zone).Expiry(at(row.asked).UTC()); !got.Equal(at(row.want)) {
				t.Errorf("asked %s: ends %s, want %s", row.asked, got.In(zone), at(row.want))
			}
		})
	}
}

// TestExpiryAlways holds for every hour of a year, in zones of every kind: at
// least what the working hours give, at most 48 hours.
func TestExpiryAlways(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Madrid", "America/Santiago", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for hour := range 366 * 24 {
			asked := time.Date(2026, 1, 1, hour, 30, 0, 0, time.UTC)
			if got := AroundTheClock(zone).Expiry(asked); !got.Equal(asked.Add(pendingHours)) {
				t.Fatalf("%s: around the clock, asked %s: ends after %s, want 8 h", name, asked.In(zone), got.Sub(asked))
			}
			office := Hours{chat.Hours{Days: []time.Weekday{1, 2, 3, 4, 5}, From: 9 * time.Hour, To: 17 * time.Hour, Zone: zone}}
			if got := office.Expiry(asked).Sub(asked); got < pendingHours || got > pendingMost {
				t.Fatalf("%s: asked %s: ends after %s, want 8 h to 48 h", name, asked.In(zone), got)
			}
		}
	}
}
