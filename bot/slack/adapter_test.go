package slack_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// signingSecret is the secret of the tests' app.
const signingSecret = "8f742231b10e8888abcd99yyyzzz85a5"

// memory is an inbox that several replicas share.
type memory struct {
	mu   sync.Mutex
	seen map[string]bool
	fail error
}

func (m *memory) Take(_ context.Context, key string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return false, m.fail
	}
	if m.seen == nil {
		m.seen = map[string]bool{}
	}
	isNew := !m.seen[key]
	m.seen[key] = true
	return isNew, nil
}

// heard is a handler that remembers what it was given.
type heard struct {
	mu     sync.Mutex
	events []chat.Event
	answer func(ctx context.Context, r chat.Responder, e chat.Event) error
}

func (h *heard) Handle(ctx context.Context, r chat.Responder, e chat.Event) error {
	h.mu.Lock()
	h.events = append(h.events, e)
	h.mu.Unlock()
	if h.answer != nil {
		return h.answer(ctx, r, e)
	}
	return nil
}

func (h *heard) all() []chat.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]chat.Event{}, h.events...)
}

// log collects what is logged, at every level.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// stage is a workspace with a bot in it.
type stage struct {
	*slacktest.Workspace
	t     *testing.T
	bots  []*slack.Slack
	heard *heard
	inbox *memory
	log   *log
	hurry time.Duration // how long sockets may be silent; 0: as usual
}

// The cast: two members, and the channel they share.
const (
	ada     = "U0ADA00001"
	bea     = "U0BEA00001"
	channel = "C0TEAM0001"
)

// play starts a bot in a workspace, and waits until it is ready. Change may
// alter each bot's configuration.
func play(t *testing.T, o slacktest.Options, change ...func(*slack.Config)) *stage {
	t.Helper()
	s := set(t, o)
	s.bot(change...)
	return s
}

// set prepares a workspace without a bot.
func set(t *testing.T, o slacktest.Options) *stage {
	t.Helper()
	s := &stage{t: t, heard: &heard{}, inbox: &memory{}, log: &log{}}
	s.Workspace = slacktest.New(t, o)
	s.AddUser(slacktest.User{ID: ada, Name: "ada"})
	s.AddUser(slacktest.User{ID: bea, Name: "bea"})
	s.AddChannel(slacktest.Channel{ID: channel, Name: "team", Members: []string{ada, bea}})
	return s
}

// overHTTP starts a workspace that delivers by HTTP to n bots with one inbox.
// Deliveries of the workspace go to the first.
func overHTTP(t *testing.T, n int, o slacktest.Options, change ...func(*slack.Config)) *stage {
	t.Helper()
	var bots []*slack.Slack
	mux := httptest.NewServer(nil)
	t.Cleanup(mux.Close)
	o.HTTP = &slacktest.Endpoint{URL: mux.URL + "/slack", SigningSecret: signingSecret}
	s := play(t, o, append(change, inHTTP)...)
	for range n - 1 {
		s.bot(append(change, inHTTP)...)
	}
	bots = s.bots
	mux.Config.Handler = bots[0]
	return s
}

func inHTTP(c *slack.Config) { c.Mode, c.AppToken, c.SigningSecret = "http", "", signingSecret }

// bot adds a bot to the workspace, and waits until it is ready.
func (s *stage) bot(change ...func(*slack.Config)) *slack.Slack {
	s.t.Helper()
	cfg := slack.Config{
		Mode: "socket", AppToken: s.AppToken(), BotToken: s.BotToken(), APIURL: s.APIURL(), Inbox: s.inbox, Now: s.Now,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&cfg)
	}
	b, err := slack.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.hurry > 0 {
		b.Hurry(s.hurry)
	}
	b.Handle(s.heard)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
		if s.t.Failed() {
			s.t.Logf("the bot's log:\n%s", s.log)
		}
	})
	s.until("the bot is ready", func() bool { return b.Ready() == nil })
	s.bots = append(s.bots, b)
	return b
}

// until waits until something holds.
func (s *stage) until(what string, holds func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	if !s.Wait(ctx, holds) {
		s.t.Fatalf("waited in vain until %s; the log:\n%s", what, s.log)
	}
}

// events waits until n events were handled, and returns them.
func (s *stage) events(n int) []chat.Event {
	s.t.Helper()
	s.until("there are events", func() bool { return len(s.heard.all()) >= n })
	return s.heard.all()
}

// acked fails the test unless a delivery is acknowledged.
func (s *stage) acked(d *slacktest.Delivery) *slacktest.Delivery {
	s.t.Helper()
	if !d.Wait(s.t.Context()) {
		s.t.Fatalf("not acknowledged: %s", d.Failed())
	}
	return d
}

// prompt posts a message with buttons to the channel, and returns its ID.
func (s *stage) prompt(to chat.Address, buttons ...chat.Button) string {
	s.t.Helper()
	id, err := s.bots[0].Post(s.t.Context(), to, "prompt", chat.Message{Headline: "Ada asks for a pass for Sam", Buttons: buttons, Request: "R-ABC234"})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func inChannel() chat.Address { return chat.Address{Platform: slack.Platform, Channel: channel} }

// crowd adds n members to the channel, and returns their IDs.
func (s *stage) crowd(n int) []string {
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("U0MANY%04d", i)
		s.AddUser(slacktest.User{ID: users[i]})
	}
	s.AddChannel(slacktest.Channel{ID: channel, Name: "team", Members: append([]string{ada, bea}, users...)})
	return users
}
