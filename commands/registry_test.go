package commands

import (
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"twokey/bot/discord"
	"twokey/chat"
	"twokey/chat/phrases"
)

// TestRegistry holds that every command is listed once, and where it belongs.
func TestRegistry(t *testing.T) {
	t.Parallel()
	audience := map[string]chat.Audience{}
	listed := NewMux(Env{}, slog.New(slog.DiscardHandler)).Registry()
	if _, err := discord.Manifest(discord.ManifestOptions{Commands: listed}); err != nil {
		t.Errorf("Discord would not take the commands: %v (two words make a group, which counts once)", err)
	}
	for _, s := range listed {
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

// TestSummariesAreTranslated holds that what a command for everybody is for is
// said in every language, as far as platforms show it, and that nothing is
// translated that is not said.
func TestSummariesAreTranslated(t *testing.T) {
	t.Parallel()
	book, err := summaries()
	if err != nil {
		t.Fatal(err)
	}
	said, needed := map[string]bool{}, map[string]bool{}
	for _, c := range NewMux(Env{}, nil).all {
		if c.audience() == chat.ForEverybody {
			said[c.Summary] = true
			for _, o := range c.Options {
				said[o.Summary] = true
			}
		}
		if c.Access.everybody && !strings.HasPrefix(c.Name, "case ") { // the help desk's
			needed[c.Summary] = true
			for _, o := range c.Options {
				needed[o.Summary] = true
			}
		}
	}
	for _, l := range phrases.Languages()[1:] {
		for summary, text := range book.Page(l) {
			if !said[summary] || text == "" || text == summary || utf8.RuneCountInString(text) > 100 {
				t.Errorf("%s: %q is %q", l, summary, text)
			}
		}
		for summary := range needed {
			if book.Page(l)[summary] == "" {
				t.Errorf("%s: %q is not translated", l, summary)
			}
		}
	}
}
