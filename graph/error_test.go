package graph_test

import (
	"testing"

	"twokey/graph"
)

// TestMistakeSpeaksForItself: what was never sent for a reason of ours must
// not be put down to the network, and trying again does not help.
func TestMistakeSpeaksForItself(t *testing.T) {
	t.Parallel()
	const why = graph.Mistake("A password cannot be deleted.")
	for _, tt := range []struct {
		name      string
		cause     error
		say, hint string
	}{
		{"a mistake", why, string(why), ""},
		{"the network", nil, "Microsoft 365 could not be reached.", "Try again in a minute."},
	} {
		e := &graph.Error{Kind: graph.KindNotSent, Op: "delete method", Err: tt.cause}
		if e.Say() != tt.say || e.Hint() != tt.hint {
			t.Errorf("%s: got %q and %q, want %q and %q", tt.name, e.Say(), e.Hint(), tt.say, tt.hint)
		}
	}
}
