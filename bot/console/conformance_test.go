package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"twokey/bot/console"
	"twokey/chat"
	"twokey/chat/chattest"
)

// TestConformance holds the console to what every adapter promises.
func TestConformance(t *testing.T) {
	t.Parallel()
	chattest.Run(t, func(t *testing.T, h chat.Handler) chattest.Harness {
		journal := filepath.Join(t.TempDir(), "journal")
		d := setup(t, func(c *console.Config) {
			c.Channels, c.Journal = map[string][]string{"team": {"ada", "bea"}}, journal
		})
		handled := make(chan struct{}, 1)
		d.console.Handle(chat.HandlerFunc(func(ctx context.Context, r chat.Responder, e chat.Event) error {
			defer func() {
				select {
				case handled <- struct{}{}:
				default:
				}
			}()
			return h.Handle(ctx, r, e)
		}))
		return harness{d.console, d, t, journal, handled}
	})
}

// harness is the console as the conformance tests act on it.
type harness struct {
	*console.Console
	desk    *desk
	t       *testing.T
	journal string
	handled chan struct{} // one is there if an event was handled since it was last looked at
}

func (h harness) Account(name string) chat.Account {
	return chat.Account{Platform: console.Platform, User: name}
}
func (h harness) Channel() chat.Address { return channel("team") }

func (h harness) say(name string, aloud bool, text string) {
	h.t.Helper()
	body := map[string]string{"text": text}
	if aloud {
		body["channel"] = "team"
	}
	raw, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	h.desk.accepted(h.t, "/api/people/"+name+"/messages", string(raw))
}

func (h harness) Command(name string, aloud bool, text string) {
	h.t.Helper()
	h.say(name, aloud, "/mfa "+text)
}

func (h harness) Mention(name string, aloud bool, text string) {
	h.t.Helper()
	if aloud {
		text = "@twokey " + text
	}
	h.say(name, aloud, text)
}

func (h harness) Press(name, id, label string, fields map[string]string) error {
	h.t.Helper()
	button := ""
	for _, m := range h.desk.list(h.t, name) {
		for _, b := range m.Buttons {
			if m.ID == id && b.Label == label {
				button = b.ID
			}
		}
	}
	raw, err := json.Marshal(map[string]any{"message": id, "button": button, "fields": fields})
	if err != nil {
		return err
	}
	if status, body := h.desk.call(h.t, http.MethodPost, "/api/people/"+name+"/press", string(raw)); status != http.StatusAccepted {
		return fmt.Errorf("%d: %s", status, body)
	}
	return nil
}

func (h harness) Seen(name string) (all []chattest.Seen) {
	h.t.Helper()
	for _, m := range h.desk.list(h.t, name) {
		if m.From != "twokey" {
			continue
		}
		seen := chattest.Seen{ID: m.ID, Text: m.Text, Picture: m.Image != nil, Files: map[string]string{}}
		for _, b := range m.Buttons {
			seen.Buttons = append(seen.Buttons, b.Label)
		}
		if m.File != nil {
			_, seen.Files[m.File.Name] = h.desk.call(h.t, http.MethodGet, m.File.URL, "")
		}
		all = append(all, seen)
	}
	return all
}

// Kept is what a console gets to know that is started again.
func (h harness) Kept(string) string {
	h.t.Helper()
	raw, err := os.ReadFile(h.journal)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(raw)
}

// Until looks again whenever an event was handled: all else on the console
// happens before the call that causes it returns.
func (h harness) Until(what string, holds func() bool) {
	h.t.Helper()
	for !holds() {
		select {
		case <-h.handled:
		case <-time.After(20 * time.Second):
			h.t.Fatalf("waited in vain until %s; the log:\n%s", what, h.desk.logged())
		}
	}
}
