package commands

import (
	"log/slog"
	"testing"

	"twokey/chat"
)

// TestRegistry holds that every command is listed once, and where it belongs.
func TestRegistry(t *testing.T) {
	t.Parallel()
	audience := map[string]chat.Audience{}
	for _, s := range NewMux(Env{}, slog.New(slog.DiscardHandler)).Registry() {
		if _, twice := audience[s.Name]; twice {
			t.Errorf("%q is listed twice", s.Name)
		}
		audience[s.Name] = s.Audience
	}
	for name, want := range map[string]chat.Audience{
		"me": chat.ForEverybody, "ask": chat.ForEverybody, "help": chat.ForEverybody, "whoami": chat.ForEverybody, "version": chat.ForEverybody,
		"requests": chat.ForEverybody, "approve": chat.ForEverybody, "deny": chat.ForEverybody, "cancel": chat.ForEverybody,
		"status": chat.ForReaders, "audit": chat.ForReaders, "audit show": chat.ForReaders, "doctor": chat.ForReaders, "digest now": chat.ForReaders,
		"tap": chat.ForChangers, "collect": chat.ForChangers, "defaults enable": chat.ForChangers, "freeze": chat.ForChangers, "thaw": chat.ForChangers, "away": chat.ForChangers, "resolve": chat.ForChangers,
	} {
		if got, there := audience[name]; !there || got != want {
			t.Errorf("%q is for %d (listed: %t), want %d", name, got, there, want)
		}
	}
}
