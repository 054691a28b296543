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

// TestNobodyGrantsInVain: what a directory role may be missing for is not put
// down to the permission alone.
func TestNobodyGrantsInVain(t *testing.T) {
	t.Parallel()
	e := &graph.Error{Kind: graph.KindNoPermission, Op: "block account", Permission: "User.X"}
	for orRole, want := range map[bool][2]string{
		false: {
			"The bot's app registration lacks the permission User.X.",
			"Ask an administrator to grant it and consent in the Entra admin centre.",
		},
		true: {
			"The bot's app registration lacks the permission User.X or, if the account is an administrator's, a directory role.",
			"Do it in the Entra admin centre if the account is an administrator's: granting the permission would not help. " +
				"Otherwise ask an administrator to grant it and consent there.",
		},
	} {
		e.OrRole = orRole
		if e.Say() != want[0] || e.Hint() != want[1] {
			t.Errorf("OrRole %v: got %q and %q, want %q", orRole, e.Say(), e.Hint(), want)
		}
	}
}
