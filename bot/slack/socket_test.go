package slack_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// TestRefreshLosesNothing has Slack renew the connections after every hundred
// commands, by its warning to all of them and one by one without any.
func TestRefreshLosesNothing(t *testing.T) {
	t.Parallel()
	const commands, every = 1000, 100
	s := play(t, slacktest.Options{})
	users := s.crowd(20) // one person's commands would have to wait for each other
	s.until("both sockets are open", func() bool { return s.Connected() == 2 })
	for i := range commands {
		switch {
		case i%(2*every) == 0:
			s.Refresh("warning")
			s.until("the next sockets are there while the old ones are", func() bool { return s.Connected() == 4 })
		case i%(2*every) == every/2:
			s.Advance(12 * time.Second) // the old ones are closed
		case i%every == 0:
			s.RefreshOne()
		}
		s.acked(s.Command(users[i%len(users)], channel, fmt.Sprintf("status %d", i)))
	}
	heard := map[string]bool{}
	for _, e := range s.events(commands) {
		heard[e.Text] = true
	}
	if len(heard) != commands {
		t.Errorf("%d of %d commands were heard", len(heard), commands)
	}
	s.until("there are two sockets again", func() bool { return s.Connected() == 2 })
	if n := len(s.Calls("apps.connections.open")); n > 2+2*commands/(2*every)+commands/(2*every)+2 {
		t.Errorf("%d sockets were opened", n)
	}
}

func TestSocketsComeBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*stage){
		"cut":              func(s *stage) { s.CutSockets() },
		"silent":           func(s *stage) { s.Silence() },
		"cut in a frame":   func(s *stage) { s.CutNext(); s.Command(ada, channel, "lost") },
		"all told to move": func(s *stage) { s.Refresh("refresh_requested") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, slacktest.Options{Ping: -1})
			s.hurry = 150 * time.Millisecond
			b := s.bot()
			s.until("both sockets are open", func() bool { return s.Connected() == 2 })
			before := len(s.Calls("apps.connections.open"))
			end(s)
			s.until("sockets were opened anew", func() bool {
				n := len(s.Calls("apps.connections.open"))
				return n > before && b.Ready() == nil
			})
			s.until("a command arrives", func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				return s.Command(ada, channel, "status").Wait(ctx)
			})
		})
	}
}

func TestReadySaysThatTheLinkIsOff(t *testing.T) {
	t.Parallel()
	s := set(t, slacktest.Options{Allow: []string{"forbidden_team"}})
	s.hurry = 10 * time.Second
	b := s.bot()
	s.until("both sockets are held", func() bool { return s.Connected() == 2 })
	s.DisableLink()
	s.until("it is not ready", func() bool { return b.Ready() != nil })
	s.until("it says what to do", func() bool {
		err := b.Ready()
		return err != nil && strings.Contains(err.Error(), "switch Socket Mode on")
	})
	if !strings.Contains(s.log.String(), "link_disabled") {
		t.Error("the log does not say why the sockets ended")
	}
	s.EnableLink()
	s.until("it is ready again", func() bool { return b.Ready() == nil })
}

func TestRunEndsWithAWrongToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(s *stage, c *slack.Config)
		want   string
	}{
		{"a bot token that is not known", func(_ *stage, c *slack.Config) { c.BotToken = "xoxb-9-9" }, "copy it again"},
		{"an app token that is not known", func(_ *stage, c *slack.Config) { c.AppToken = "xapp-9-9" }, "copy it again"},
		{"an app that was removed", func(s *stage, _ *slack.Config) { s.Revoke() }, "install the app again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := set(t, slacktest.Options{AllowViolations: true})
			cfg := slack.Config{Mode: "socket", AppToken: s.AppToken(), BotToken: s.BotToken(), APIURL: s.APIURL(), Inbox: s.inbox}
			tt.change(s, &cfg)
			b, err := slack.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = b.Run(t.Context())
			var says interface{ Say() string }
			if !errors.As(err, &says) || !strings.Contains(says.Say(), tt.want) {
				t.Errorf("Run: %v, want it to say %q", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), cfg.BotToken) || strings.Contains(err.Error(), cfg.AppToken)) {
				t.Errorf("Run: %v, which tells a token", err)
			}
		})
	}
}

func TestStoppingLetsHandlersEnd(t *testing.T) {
	t.Parallel()
	s := set(t, slacktest.Options{})
	b, err := slack.New(slack.Config{Mode: "socket", AppToken: s.AppToken(), BotToken: s.BotToken(), APIURL: s.APIURL(), Inbox: s.inbox})
	if err != nil {
		t.Fatal(err)
	}
	begun, end := make(chan struct{}), make(chan struct{})
	b.Handle(chat.HandlerFunc(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		close(begun)
		<-end
		return r.Reply(ctx, chat.Message{Text: "done all the same"})
	}))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	s.until("it is ready", func() bool { return b.Ready() == nil })
	s.acked(s.Command(ada, channel, "status"))
	<-begun
	stop()
	s.until("the sockets are closed", func() bool { return s.Connected() == 0 })
	select {
	case err := <-done:
		t.Errorf("Run returned %v while a handler ran", err)
	default:
	}
	close(end)
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := last(s.Seen(ada)).Plain; got != "done all the same" {
		t.Errorf("Ada sees %q", got)
	}
	if b.Ready() == nil {
		t.Error("it is ready after it has stopped")
	}
}

// Whoever has waited for their turn until there was no more time is told, and not
// left without a word: what they did was acknowledged. So is whoever was at turn.
func TestStoppingTellsWhoWaited(t *testing.T) {
	t.Parallel()
	s := set(t, slacktest.Options{})
	b, err := slack.New(slack.Config{Mode: "socket", AppToken: s.AppToken(), BotToken: s.BotToken(), APIURL: s.APIURL(), Inbox: s.inbox})
	if err != nil {
		t.Fatal(err)
	}
	b.Drain(time.Millisecond)
	b.Handle(chat.HandlerFunc(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		<-ctx.Done()
		return r.Reply(ctx, chat.Message{Text: "too late"})
	}))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	s.until("it is ready", func() bool { return b.Ready() == nil })
	for range 3 {
		s.acked(s.Command(ada, channel, "status"))
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	var told []string
	for _, m := range s.Seen(ada) {
		told = append(told, m.Plain)
	}
	if len(told) != 3 || !strings.Contains(told[0], "I had to stop while I was at this") || !strings.Contains(told[1], "nothing happened") || told[1] != told[2] {
		t.Errorf("Ada sees %q", told)
	}
}

// A Graph that never answers keeps nobody's click from being acknowledged.
func TestG19AcknowledgesWhileHandlersHang(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := play1(t, mode)
			release := make(chan struct{})
			s.heard.answer = func(context.Context, chat.Responder, chat.Event) error {
				<-release
				return nil
			}
			t.Cleanup(func() { close(release) })
			for _, user := range s.crowd(40) {
				s.acked(s.Command(user, channel, "status"))
			}
			s.events(16)
			if n := len(s.heard.all()); n != 16 {
				t.Errorf("%d are handled at once, want 16", n)
			}
		})
	}
}
