package discord_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"twokey/bot/discord"
	"twokey/bot/discord/discordtest"
	"twokey/chat"
)

// The cast: two members who share a channel with the bot, and one who is
// somewhere else.
const (
	ada     = "210000000000000001"
	bea     = "210000000000000002"
	sam     = "210000000000000003"
	channel = "510000000000000001"
)

// memory is an inbox and notes that several replicas share.
type memory struct {
	mu    sync.Mutex
	seen  map[string]bool
	notes map[string]string
	fail  error
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

func (m *memory) Keep(_ context.Context, name, text string, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.notes == nil {
		m.notes = map[string]string{}
	}
	m.notes[name] = text
	return nil
}

func (m *memory) Kept(_ context.Context, name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.notes[name], m.fail
}

// breaks makes it fail, until it is called with nil.
func (m *memory) breaks(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
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
	answer := h.answer
	h.mu.Unlock()
	if answer != nil {
		return answer(ctx, r, e)
	}
	return nil
}

func (h *heard) answers(f func(ctx context.Context, r chat.Responder, e chat.Event) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
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

// registry is what the tests' bot can be asked for.
func registry() []chat.CommandSpec {
	return []chat.CommandSpec{
		{Name: "me", Summary: "How your own sign-in is protected.", Summaries: map[string]string{"de": "Wie Ihre Anmeldung geschützt ist.", "xx": "?"}},
		{Name: "ask", Summary: "Ask a question.", Options: []chat.Option{{Name: "question", Summary: "a question", Required: true, Rest: true}}},
		{Name: "deny", Summary: "Deny a request.", Options: []chat.Option{{Name: "request", Summary: "its number", Required: true}, {Name: "reason", Summary: "why", Rest: true}}},
		{Name: "status", Summary: "Where the rollout stands.", Audience: chat.ForReaders},
		{Name: "audit", Summary: "The record.", Audience: chat.ForReaders},
		{Name: "audit show", Summary: "One request.", Audience: chat.ForReaders, Options: []chat.Option{{Name: "request", Summary: "its number", Required: true}}},
		{Name: "reset", Summary: "Ask to reset somebody. One approver decides, or two if they hold a role. What cannot be put back is said before.", Audience: chat.ForChangers, Options: []chat.Option{
			{Name: "user", Summary: "a person", Required: true, Of: chat.OfAccounts},
			{Name: "keep", Summary: "a kind that stays", Flag: true, Choices: []string{"phone", "codes"}},
			{Name: "all", Summary: "all of it", Flag: true, Bare: true},
			{Name: "reason", Summary: "why", Rest: true},
		}},
	}
}

// stage is a server with a bot on it.
type stage struct {
	*discordtest.Platform
	t       *testing.T
	bots    []*discord.Discord
	heard   *heard
	handler chat.Handler // of what arrives: heard, unless the test has its own
	memory  *memory
	log     *log
	stop    func() // the newest bot, and waits until it has ended
}

// set prepares a server without a bot.
func set(t *testing.T, o discordtest.Options) *stage {
	t.Helper()
	o.Allow = append(o.Allow, "identify")
	s := &stage{t: t, heard: &heard{}, memory: &memory{}, log: &log{}, Platform: discordtest.New(t, o)}
	s.handler = s.heard
	s.AddUser(discordtest.User{ID: ada, Name: "ada"})
	s.AddUser(discordtest.User{ID: bea, Name: "bea"})
	s.AddUser(discordtest.User{ID: sam, Name: "sam"})
	s.AddChannel(discordtest.Channel{ID: channel, Name: "team", Members: []string{ada, bea}})
	return s
}

// play starts a bot on a server, and waits until it is ready. Change may alter
// its configuration.
func play(t *testing.T, o discordtest.Options, change ...func(*discord.Config)) *stage {
	t.Helper()
	s := set(t, o)
	s.bot(change...)
	return s
}

// overHTTP starts a server that delivers by HTTP, and a bot there.
func overHTTP(t *testing.T, o discordtest.Options, change ...func(*discord.Config)) *stage {
	t.Helper()
	mux := httptest.NewServer(nil)
	t.Cleanup(mux.Close)
	o.HTTP = mux.URL + "/discord/interactions"
	s := set(t, o)
	mux.Config.Handler = s.bot(append(change, func(c *discord.Config) { c.Mode = "http" })...)
	return s
}

// config is how a bot of the server is configured.
func (s *stage) config() discord.Config {
	return discord.Config{
		Mode: "gateway", Token: s.Token(), PublicKey: s.PublicKey(), ApplicationID: s.AppID(), Guild: s.Guild(), APIURL: s.APIURL(),
		Inbox: s.memory, Notes: s.memory, Commands: registry, Now: s.Now,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// bot adds a bot to the server, and waits until it is ready.
func (s *stage) bot(change ...func(*discord.Config)) *discord.Discord {
	s.t.Helper()
	cfg := s.config()
	for _, f := range change {
		f(&cfg)
	}
	s.Advance(6 * time.Second) // between two sessions
	b, err := discord.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	b.Handle(s.handler)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		stop()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	end := s.stop
	s.t.Cleanup(func() {
		end()
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

// answered fails the test unless a delivery is answered.
func (s *stage) answered(d *discordtest.Delivery) *discordtest.Delivery {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	if !d.Wait(ctx) {
		s.t.Fatalf("not answered: %s; the log:\n%s", d.Failed(), s.log)
	}
	return d
}

// prompt posts a message with buttons, and returns its ID.
func (s *stage) prompt(to chat.Address, buttons ...chat.Button) string {
	s.t.Helper()
	id, err := s.bots[0].Post(s.t.Context(), to, fmt.Sprint("prompt", to), chat.Message{Headline: "Ada asks for a pass for Sam", Buttons: buttons, Request: "R-ABC234"})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *stage) inChannel() chat.Address {
	return chat.Address{Platform: discord.Platform, Workspace: s.Guild(), Channel: channel}
}

// seen returns the bot's messages that somebody sees.
func (s *stage) seen(user string) (all []discordtest.Message) {
	for _, m := range s.Seen(user) {
		if m.From == s.AppID() && !m.Waiting {
			all = append(all, m)
		}
	}
	return all
}
