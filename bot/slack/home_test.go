package slack_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// What is pressed in the home tab, with a form or without, changes it at once.
func TestHomeTabShowsWhatWasPressed(t *testing.T) {
	t.Parallel()
	var decided atomic.Int32
	s := play(t, slacktest.Options{}, func(c *slack.Config) {
		c.Home = func(context.Context, chat.Account) ([]chat.Message, error) {
			if decided.Load() == 2 {
				return []chat.Message{{Headline: "Nothing waits for your decision."}}, nil
			}
			return []chat.Message{{Headline: "A request waits.", Buttons: []chat.Button{
				{ID: "approve", Label: "Approve", Value: "R-ABC234.0"},
				{ID: "deny", Label: "Deny", Value: "R-ABC234.0", Form: []chat.FormField{{ID: "reason", Label: "Why not?"}}},
			}}}, nil
		}
	})
	s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		decided.Add(1)
		return r.Reply(ctx, chat.Message{Text: "Noted."})
	}
	s.acked(s.OpenHome(ada))
	s.until("the home tab is there", func() bool { return len(s.HomeButtons(ada)) == 2 })
	s.acked(s.Press(ada, slacktest.HomeTab, "Approve"))
	s.events(1)
	s.acked(s.Press(ada, slacktest.HomeTab, "Deny"))
	s.until("the form is open", func() bool { return s.Modal(ada) != nil })
	s.acked(s.Submit(ada, map[string]string{"reason": "no"}))
	s.until("nothing is left to press", func() bool {
		return len(s.HomeButtons(ada)) == 0 && strings.Contains(string(s.Home(ada)), "Nothing waits")
	})
	if e := s.events(2)[1]; e.Button != "deny" || e.Fields["reason"] != "no" || e.Channel != "" {
		t.Errorf("heard %+v", e)
	}
	if n := len(s.Seen(ada)); n != 2 {
		t.Errorf("she got %d answers in her own messages, want 2", n)
	}
}
