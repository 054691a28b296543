package slack_test

import (
	"context"
	"strings"
	"testing"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

func TestCommandIsHeard(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := play1(t, mode)
			s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
				return r.Reply(ctx, chat.Message{Headline: "You are fine."})
			}
			s.acked(s.Command(ada, channel, `user @bea "a & b" <now>`))
			e := s.events(1)[0]
			if e.Kind != chat.Command || e.Text != `user @`+bea+` "a & b" <now>` || e.Channel != channel {
				t.Errorf("heard %+v", e)
			}
			if want := (chat.Account{Platform: "slack", Workspace: s.Team(), User: ada}); e.From != want {
				t.Errorf("from %+v, want %+v", e.From, want)
			}
			s.until("Ada sees the answer", func() bool { return strings.Contains(last(s.Seen(ada)).Plain, "You are fine.") })
			if got := last(s.Seen(ada)); !got.Private || len(s.Seen(bea)) != 0 {
				t.Errorf("the answer is %+v, and Bea sees %d messages", got, len(s.Seen(bea)))
			}
		})
	}
}

// play1 starts a bot in one of the modes.
func play1(t *testing.T, mode string) *stage {
	t.Helper()
	if mode == "http" {
		return overHTTP(t, 1, slacktest.Options{})
	}
	return play(t, slacktest.Options{})
}

func last(ms []slacktest.Message) slacktest.Message {
	if len(ms) == 0 {
		return slacktest.Message{}
	}
	return ms[len(ms)-1]
}

func TestPressAndForm(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := play1(t, mode)
			id := s.prompt(inChannel(),
				chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.seal", Style: chat.Primary},
				chat.Button{ID: "deny", Label: "Deny", Value: "R-ABC234.seal", Form: []chat.FormField{{ID: "reason", Label: "Why?", Required: true, MaxRunes: 20}}})
			s.acked(s.Press(bea, id, "Approve"))
			e := s.events(1)[0]
			if e.Kind != chat.Press || e.Button != "approve" || e.Value != "R-ABC234.seal" || e.Channel != channel || e.From.User != bea {
				t.Errorf("heard %+v", e)
			}
			s.acked(s.Press(bea, id, "Deny"))
			s.until("the form is open", func() bool { return s.Modal(bea) != nil })
			d := s.acked(s.Submit(bea, map[string]string{"reason": "   "}))
			if !strings.Contains(string(d.Answer()), "errors") || s.Modal(bea) == nil {
				t.Errorf("a form with spaces is answered with %s", d.Answer())
			}
			s.acked(s.Submit(bea, map[string]string{"reason": "not <now> & never"}))
			s.until("the form is closed", func() bool { return s.Modal(bea) == nil })
			e = s.events(2)[1]
			if e.Button != "deny" || e.Value != "R-ABC234.seal" || e.Fields["reason"] != "not <now> & never" || e.Channel != channel {
				t.Errorf("heard %+v", e)
			}
			if n := len(s.heard.all()); n != 2 {
				t.Errorf("%d events, want 2: a button with a form counts once it is filled in", n)
			}
		})
	}
}

func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, channel, text string
		kind                chat.EventKind
		want                string
	}{
		{"a question in direct messages", "", "how do I get a new phone?", chat.Mention, "how do I get a new phone?"},
		{"a command in direct messages", "", "mfa user @bea", chat.Command, "user @" + bea},
		{"the same with its slash", "", " /mfa  status", chat.Command, "status"},
		{"a word that only begins like it", "", "mfaster?", chat.Mention, "mfaster?"},
		{"a mention in a channel", channel, "@twokey, help <me> & him", chat.Mention, "help <me> & him"},
		{"the command in a mention", channel, "@twokey /mfa me", chat.Command, "me"},
		{"the bare name in a channel is a word", channel, "@twokey mfa me", chat.Mention, "mfa me"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := play(t, slacktest.Options{})
			s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
				return r.Reply(ctx, chat.Message{Text: "an answer"})
			}
			s.acked(s.Say(ada, tt.channel, tt.text))
			if e := s.events(1)[0]; e.Kind != tt.kind || e.Text != tt.want || e.Channel != tt.channel {
				t.Errorf("heard %+v, want %q", e, tt.want)
			}
			s.until("Ada has her answer", func() bool { return last(s.Seen(ada)).Plain == "an answer" })
			if got := last(s.Seen(ada)); got.Private != (tt.channel != "") {
				t.Errorf("the answer is %+v: in direct messages it stays, in a channel it is private", got)
			}
		})
	}
}

func TestBotsAreNotHeard(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	for _, change := range []map[string]any{
		{"bot_id": "B1"},
		{"subtype": "message_changed"},
		{"edited": map[string]any{"user": ada, "ts": "1.1"}},
		{"user": s.BotUser()},
		{"type": "reaction_added"},
		{"channel_type": "channel"},
	} {
		e := map[string]any{"type": "message", "channel_type": "im", "channel": s.Direct(ada), "user": ada, "team": s.Team(), "text": "hello", "ts": "1700000000.000100", "event_ts": "1700000000.000100"}
		for k, v := range change {
			e[k] = v
		}
		s.acked(s.Event(e))
	}
	s.acked(s.Say(ada, "", "this one"))
	if e := s.events(1); e[0].Text != "this one" {
		t.Errorf("heard %+v", e)
	}
}

func TestUnknownEnvelopesAreAcknowledged(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	s.acked(s.Envelope("options_of_2027", map[string]any{"new": []any{1, "two"}}))
	s.acked(s.Event(map[string]any{"type": "event_of_2027", "event_ts": "1.1"}))
	s.acked(s.Envelope("slash_commands", map[string]any{"user_id": 7}))
	s.acked(s.Envelope("interactive", map[string]any{"type": "shortcut_of_2027", "user": map[string]any{"id": ada}}))
	s.acked(s.Say(ada, "", "still here"))
	if e := s.events(1); e[0].Text != "still here" {
		t.Errorf("heard %+v", e)
	}
}

func TestHomeTab(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{}, func(c *slack.Config) {
		c.Home = func(_ context.Context, who chat.Account) ([]chat.Message, error) {
			return []chat.Message{{Headline: "Hello " + who.User, Buttons: []chat.Button{{ID: "me", Label: "My methods"}}}}, nil
		}
	})
	s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Reply(ctx, chat.Message{Text: "two methods"})
	}
	s.acked(s.OpenHome(ada))
	s.until("the home tab is shown", func() bool { return strings.Contains(string(s.Home(ada)), "Hello "+ada) })
	s.acked(s.Press(ada, slacktest.HomeTab, "My methods"))
	if e := s.events(1)[0]; e.Button != "me" || e.Channel != "" {
		t.Errorf("heard %+v", e)
	}
	s.until("the answer is in Ada's direct messages", func() bool { return last(s.Seen(ada)).Plain == "two methods" })
}
