package slack_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
	"twokey/chat/chattest"
)

// TestConformance holds the adapter to what every adapter promises, over both
// of Slack's roads.
func TestConformance(t *testing.T) {
	t.Parallel()
	o := slacktest.Options{
		Burst: 1000,
		Allow: []string{"channel_not_found", "user_not_found", "not_in_channel"}, // addresses of nobody
	}
	for name, start := range map[string]func(t *testing.T) *stage{
		"socket": func(t *testing.T) *stage { return play(t, o) },
		"http":   func(t *testing.T) *stage { return overHTTP(t, 1, o) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chattest.Run(t, func(t *testing.T, h chat.Handler) chattest.Harness {
				s := start(t)
				s.AddUser(slacktest.User{ID: sam, Name: "sam"})
				s.heard.mu.Lock()
				s.heard.answer = h.Handle
				s.heard.mu.Unlock()
				return harness{s.bots[0], s}
			})
		})
	}
}

// sam is in no channel.
const sam = "U0SAM00001"

var people = map[string]string{"ada": ada, "bea": bea, "sam": sam}

// harness is the workspace as the conformance tests act on it.
type harness struct {
	*slack.Slack
	stage *stage
}

func (h harness) Account(name string) chat.Account {
	return chat.Account{Platform: slack.Platform, Workspace: h.stage.Team(), User: people[name]}
}

func (h harness) Channel() chat.Address {
	return chat.Address{Platform: slack.Platform, Workspace: h.stage.Team(), Channel: channel}
}

func (h harness) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	for { // how fast Slack takes messages is tried elsewhere
		h.Rush()
		id, err := h.Slack.Post(ctx, to, key, m)
		var early interface{ RetryAfter() time.Duration }
		if !errors.As(err, &early) || early.RetryAfter() == 0 {
			return id, err
		}
	}
}

func (h harness) Command(name string, aloud bool, text string) {
	h.stage.t.Helper()
	h.stage.acked(h.stage.Workspace.Command(people[name], where(aloud), text))
}

func (h harness) Mention(name string, aloud bool, text string) {
	h.stage.t.Helper()
	if aloud {
		text = "@twokey " + text
	}
	h.stage.acked(h.stage.Say(people[name], where(aloud), text))
}

func where(aloud bool) string {
	if aloud {
		return channel
	}
	return ""
}

func (h harness) Press(name, id, label string, fields map[string]string) error {
	h.stage.t.Helper()
	h.stage.acked(h.stage.Workspace.Press(people[name], id, label))
	if fields == nil {
		return nil
	}
	h.Until("the form is open", func() bool { return h.stage.Modal(people[name]) != nil })
	d := h.stage.Submit(people[name], fields)
	if why := d.Failed(); why != "" {
		return h.away(name, why)
	}
	h.stage.acked(d)
	if v := h.stage.Modal(people[name]); v != nil && len(v.Errors) > 0 {
		return h.away(name, strings.Join(slices.Collect(maps.Values(v.Errors)), " "))
	}
	return nil
}

// away closes a form that was not taken.
func (h harness) away(name, why string) error {
	h.stage.CloseModal(people[name], true)
	return errors.New(why)
}

func (h harness) Seen(name string) (all []chattest.Seen) {
	for _, m := range h.stage.Seen(people[name]) {
		if m.From != h.stage.BotUser() || m.Deleted {
			continue
		}
		seen := chattest.Seen{ID: m.ID, Text: m.Plain, Files: map[string]string{}}
		for _, b := range m.Buttons {
			seen.Buttons = append(seen.Buttons, b.Label)
		}
		for _, f := range m.Files {
			seen.Files[f.Name] = string(f.Data)
			seen.Picture = seen.Picture || strings.HasPrefix(f.Mimetype, "image/")
		}
		seen.Follows = append(m.Pings, m.Links...)
		all = append(all, seen)
	}
	return all
}

// Kept is what is there after the client was loaded anew, and what was logged.
func (h harness) Kept(name string) string {
	h.stage.Reload(people[name])
	var kept strings.Builder
	for _, m := range h.stage.Seen(people[name]) {
		kept.WriteString(m.Plain + m.Text + string(m.Blocks))
	}
	return kept.String() + h.stage.log.String()
}

func (h harness) Until(what string, holds func() bool) {
	h.stage.t.Helper()
	h.stage.until(what, holds)
}
