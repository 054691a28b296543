package commands

import (
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15 minutes", time.Minute: "1 minute", 90 * time.Minute: "90 minutes", time.Hour: "1 hour", 48 * time.Hour: "48 hours",
		10 * time.Second: "10 seconds", time.Second: "1 second", 1500 * time.Millisecond: "1.5 seconds",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]approval.Policy{
		"one approver, never the requester": {Quorum: 1},
		"2 different approvers, never the requester; then 10 seconds in which any approver can stop it": {Quorum: 2, Wait: 10 * time.Second},
	} {
		if got := rule(p); got != want {
			t.Errorf("rule(%+v) = %q, want %q", p, got, want)
		}
	}
}

// A state of a newer version is named as it is stored, not guessed.
func TestStateWordsOfTheUnknown(t *testing.T) {
	t.Parallel()
	if got := stateWords(Env{}, approval.Request{State: "paused"}); got != "paused" {
		t.Errorf("got %q", got)
	}
}

// A time of another day is said with its day, in the organisation's zone.
func TestTimesOfAnotherDay(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CET", 3600)
	env := Env{Zone: zone, Now: func() time.Time { return time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC) }}
	for at, want := range map[time.Time]string{
		time.Date(2026, 11, 23, 22, 30, 0, 0, time.UTC): "23:30:00 CET",
		time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC): "Tue 24 Nov 2026, 00:30:00 CET",
		time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC):   "Mon 30 Nov 2026, 09:00:00 CET",
	} {
		r := approval.Request{State: approval.Approved, NotBefore: at, StartBy: at}
		if got := stateWords(env, r); got != "approved; runs at "+want {
			t.Errorf("runs: %q, want %q", got, want)
		}
		if got := next(env, r); !strings.Contains(got, want) {
			t.Errorf("runs: %q, want %q", got, want)
		}
		r.Policy.Collect = time.Hour
		if got := stateWords(env, r); got != "approved; can be collected until "+want {
			t.Errorf("is collected: %q, want %q", got, want)
		}
	}
}

// A pass that was created and taken back is not said to be a part of a change.
func TestWordsOfWhatWasWithdrawn(t *testing.T) {
	t.Parallel()
	r := approval.Request{
		State: approval.Partial, Policy: approval.Policy{Collect: time.Hour},
		Outcome: approval.Outcome{Why: "It was taken back.", Done: oneStep(approval.Applied)},
	}
	for _, got := range []string{stateWords(Env{}, r), result(t.Context(), Env{}, r)} {
		if strings.Contains(got, "part") || strings.Contains(got, "the rest") {
			t.Errorf("it says %q", got)
		}
	}
	if got := result(t.Context(), Env{}, r); !strings.HasSuffix(got, r.Outcome.Why) {
		t.Errorf("it says %q", got)
	}
}
