package commands

import (
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
