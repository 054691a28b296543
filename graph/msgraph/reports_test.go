package msgraph

import (
	"testing"
	"time"
)

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
		name, since, until, now string // no until: ""
		want                    []string
	}{
		{"within a day", "2026-11-24T08:00:00Z", "", "2026-11-24T09:30:00Z", []string{"createdDateTime ge 2026-11-24T08:00:00Z"}},
		{"over midnight", "2026-11-22T08:00:00Z", "", "2026-11-24T09:30:00Z", []string{
			"createdDateTime ge 2026-11-24T00:00:00Z",
			"createdDateTime ge 2026-11-23T00:00:00Z and createdDateTime le 2026-11-24T00:00:00Z",
			"createdDateTime ge 2026-11-22T08:00:00Z and createdDateTime le 2026-11-23T00:00:00Z",
		}},
		{"from a midnight", "2026-11-23T00:00:00Z", "", "2026-11-24T00:00:00Z", []string{
			"createdDateTime ge 2026-11-24T00:00:00Z",
			"createdDateTime ge 2026-11-23T00:00:00Z and createdDateTime le 2026-11-24T00:00:00Z",
		}},
		{"a day", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-24T09:30:00Z", []string{
			"createdDateTime ge 2026-11-22T00:00:00Z and createdDateTime le 2026-11-23T00:00:00Z",
		}},
		{"from the future", "2026-11-25T00:00:00Z", "", "2026-11-24T00:00:00Z", []string{"createdDateTime ge 2026-11-25T00:00:00Z"}},
		{"with a fraction", "2026-11-24T08:00:00.9Z", "", "2026-11-24T09:30:00Z", []string{"createdDateTime ge 2026-11-24T08:00:00Z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var until time.Time
			if tt.until != "" {
				until = at(tt.until)
			}
			spans := daily(at(tt.since), until, at(tt.now))
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
