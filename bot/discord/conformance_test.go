package discord_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"twokey/bot/discord"
	"twokey/bot/discord/discordtest"
	"twokey/chat"
	"twokey/chat/chattest"
)

// TestConformance holds the adapter to what every adapter promises, over both
// of Discord's roads.
func TestConformance(t *testing.T) {
	t.Parallel()
	o := discordtest.Options{
		Burst: 1000,
		Allow: []string{"10003", "50033", "10008", "global"}, // addresses of nobody; how fast we post is tried elsewhere
	}
	for name, start := range map[string]func(t *testing.T) *stage{
		"gateway": func(t *testing.T) *stage { return play(t, o, forEverybody) },
		"http":    func(t *testing.T) *stage { return overHTTP(t, o, forEverybody) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chattest.Run(t, func(t *testing.T, h chat.Handler) chattest.Harness {
				s := start(t)
				s.heard.answers(h.Handle)
				if name == "http" {
					return deaf{harness{s.bots[0], s}}
				}
				return harness{s.bots[0], s}
			})
		})
	}
}

// forEverybody has all commands under one name, as on other platforms, so that
// sentences stay as they are.
func forEverybody(c *discord.Config) {
	all := registry()
	for i := range all {
		all[i].Audience = chat.ForEverybody
	}
	c.Commands = func() []chat.CommandSpec { return all }
}

var people = map[string]string{"ada": ada, "bea": bea, "sam": sam}

// harness is the server as the conformance tests act on it.
type harness struct {
	*discord.Discord
	stage *stage
}

// deaf is a platform that tells the bot of no free text.
type deaf struct{ harness }

// Deaf says so.
func (deaf) Deaf() {}

func (h harness) Account(name string) chat.Account {
	return chat.Account{Platform: discord.Platform, Workspace: h.stage.Guild(), User: people[name]}
}

func (h harness) Channel() chat.Address { return h.stage.inChannel() }

func (h harness) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	for { // how fast Discord takes messages is tried elsewhere
		id, err := h.Discord.Post(ctx, to, key, m)
		var early interface{ RetryAfter() time.Duration }
		if !errors.As(err, &early) || early.RetryAfter() == 0 {
			return id, err
		}
		h.Rush()
	}
}

// Command types what a line says: here a command is chosen, and its options are
// filled in.
func (h harness) Command(name string, aloud bool, text string) {
	h.stage.t.Helper()
	path, given := "mfa me", map[string]any(nil)
	switch first, rest, _ := strings.Cut(text, " "); first {
	case "":
	case "status":
		path = "mfa status"
	case "reset":
		path, given = "mfa reset", map[string]any{"user": "", "reason": rest}
	default:
		h.stage.t.Fatalf("the tests' bot has no command %q", text)
	}
	h.stage.answered(h.stage.Platform.Command(people[name], where(aloud), path, given))
}

func (h harness) Mention(name string, aloud bool, text string) {
	h.stage.t.Helper()
	if aloud {
		text = "@twokey " + text
	}
	h.stage.Say(people[name], where(aloud), text)
}

func where(aloud bool) string {
	if aloud {
		return channel
	}
	return ""
}

func (h harness) Press(name, id, label string, fields map[string]string) error {
	h.stage.t.Helper()
	h.stage.answered(h.stage.Platform.Press(people[name], id, label))
	if fields == nil {
		return nil
	}
	if h.stage.Modal(people[name]) == nil {
		h.stage.t.Fatal("the form is not open")
	}
	d := h.stage.Submit(people[name], fields)
	if why := d.Failed(); why != "" {
		h.stage.CloseModal(people[name])
		return errors.New(why)
	}
	h.stage.answered(d)
	var a struct {
		Type int
		Data struct{ Content string }
	}
	if err := json.Unmarshal(d.Answer(), &a); err != nil {
		h.stage.t.Fatal(err)
	}
	if a.Type == 4 { // it says what is wrong instead of what was promised
		return errors.New(a.Data.Content)
	}
	return nil
}

func (h harness) Seen(name string) (all []chattest.Seen) {
	for _, m := range h.stage.seen(people[name]) {
		seen := chattest.Seen{ID: m.ID, Text: m.Plain, Files: map[string]string{}, Follows: append(m.Pings, m.Links...)}
		for _, b := range m.Buttons {
			seen.Buttons = append(seen.Buttons, b.Label)
		}
		for _, f := range m.Files {
			called := f.Title
			if called == "" {
				called = f.Name
			}
			seen.Files[called] = string(f.Data)
			seen.Picture = seen.Picture || strings.HasPrefix(f.Media, "image/")
		}
		all = append(all, seen)
	}
	return all
}

// Kept is what is there after the client was loaded anew, what was logged, and
// what the store holds.
func (h harness) Kept(name string) string {
	h.stage.Reload(people[name])
	var kept strings.Builder
	for _, m := range h.stage.Platform.Seen(people[name]) {
		kept.WriteString(m.Plain + string(m.Body))
	}
	h.stage.memory.mu.Lock()
	defer h.stage.memory.mu.Unlock()
	for _, text := range h.stage.memory.notes {
		kept.WriteString(text)
	}
	return kept.String() + h.stage.log.String()
}

func (h harness) Until(what string, holds func() bool) {
	h.stage.t.Helper()
	h.stage.until(what, holds)
}
