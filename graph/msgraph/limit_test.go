package msgraph

import (
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	now := start
	l := &limiter{units: 5, window: 10 * time.Second, now: func() time.Time { return now }}
	step := func(at time.Duration, cost int, patience, want time.Duration, ok bool) {
		t.Helper()
		now = start.Add(at)
		wait, got := l.reserve(cost, patience)
		if wait != want || got != ok {
			t.Errorf("at %v, cost %d: got a wait of %v (%v), want %v (%v)", at, cost, wait, got, want, ok)
		}
	}
	const s = time.Second
	step(0, 3, time.Hour, 0, true)
	step(1*s, 2, time.Hour, 0, true)
	step(2*s, 1, time.Hour, 8*s, true)   // after the first three
	step(2*s, 3, time.Hour, 9*s, true)   // and the next two
	step(3*s, 1, s, 8*s, false)          // too long: nothing spent
	step(3*s, 1, time.Hour, 8*s, true)   // the same moment is still free
	step(3*s, 99, time.Hour, 18*s, true) // more than a window holds: a window of its own
	step(60*s, 5, time.Hour, 0, true)    // all forgotten
	l.close(start.Add(80 * s))
	l.close(start.Add(70 * s)) // an earlier word does not open it
	step(65*s, 1, time.Hour, 15*s, true)
}

func TestDaily(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		m, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, tt := range []struct {
		name, since, now string
		want             []string
	}{
		{"within a day", "2026-11-24T08:00:00Z", "2026-11-24T09:30:00Z", []string{"createdDateTime ge 2026-11-24T08:00:00Z"}},
		{"over midnight", "2026-11-22T08:00:00Z", "2026-11-24T09:30:00Z", []string{
			"createdDateTime ge 2026-11-24T00:00:00Z",
			"createdDateTime ge 2026-11-23T00:00:00Z and createdDateTime le 2026-11-24T00:00:00Z",
			"createdDateTime ge 2026-11-22T08:00:00Z and createdDateTime le 2026-11-23T00:00:00Z",
		}},
		{"from a midnight", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z", []string{
			"createdDateTime ge 2026-11-24T00:00:00Z",
			"createdDateTime ge 2026-11-23T00:00:00Z and createdDateTime le 2026-11-24T00:00:00Z",
		}},
		{"from the future", "2026-11-25T00:00:00Z", "2026-11-24T00:00:00Z", []string{"createdDateTime ge 2026-11-25T00:00:00Z"}},
		{"with a fraction", "2026-11-24T08:00:00.9Z", "2026-11-24T09:30:00Z", []string{"createdDateTime ge 2026-11-24T08:00:00Z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spans := daily(at(tt.since), at(tt.now))
			if len(spans) != len(tt.want) {
				t.Fatalf("got %d spans (%v), want %d", len(spans), spans, len(tt.want))
			}
			for i, s := range spans {
				if s.filter() != tt.want[i] {
					t.Errorf("span %d: got %q, want %q", i, s.filter(), tt.want[i])
				}
			}
		})
	}
}

// TestUnbudgeted checks that only Graph's own word holds calls back.
func TestUnbudgeted(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for i, l := range newBudgets(func() time.Time { return start }, true) {
		for range 1000 {
			if wait, ok := l.reserve(20, 0); wait != 0 || !ok {
				t.Fatalf("budget %d: got a wait of %v (%v), want none", i, wait, ok)
			}
		}
		l.close(start.Add(time.Second))
		if wait, ok := l.reserve(1, time.Hour); wait != time.Second || !ok {
			t.Errorf("budget %d: got a wait of %v (%v) after Graph asked for a second", i, wait, ok)
		}
	}
}
