package discord_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"twokey/bot/discord"
	"twokey/bot/discord/discordtest"
	"twokey/chat"
)

// pipes is a network within a test, on which time is the test's: a minute of
// waiting takes none.
type pipes struct {
	conns chan net.Conn
	gone  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), gone: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.gone) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.gone:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// still runs a test in which all time is the test's, with a bot on a server.
func still(t *testing.T, o discordtest.Options, test func(t *testing.T, s *stage, bot func() *discord.Discord)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := newPipes()
		o.Listener = net
		o.Now = time.Now
		s := set(t, o)
		test(t, s, func() *discord.Discord { return s.bot(func(c *discord.Config) { c.Dial, c.Now = net.dial, time.Now }) })
	})
}

// comes fails the test unless something that ada does is handled, once, within a
// minute of now.
func (s *stage) comes(what string) {
	s.t.Helper()
	before, began := len(s.heard.all()), time.Now()
	for time.Since(began) < time.Minute {
		if s.Connected() > 0 {
			d := s.Command(ada, channel, "mfa me", nil)
			s.answered(d)
			s.events(before + 1)
			time.Sleep(time.Second)
			if n := len(s.heard.all()) - before; n != 1 {
				s.t.Errorf("%s: one command was handled %d times", what, n)
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("%s: the bot is not back within a minute; the log:\n%s", what, s.log)
}

// TestTheGatewayComesBack holds that the bot is back within a minute, whatever
// happens on a connection and at what moment, and that nothing is handled twice.
// In each of these the library hangs, or waits for minutes, or loses the session.
func TestTheGatewayComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then    func(s *stage)
		opening []discordtest.Opening // what the next connections meet
		starts  int                   // sessions that are begun in all
	}{
		"op 7":                                 {(*stage).reconnect, nil, 1},
		"op 7 in answer to the resume":         {(*stage).reconnect, []discordtest.Opening{{First: "reconnect"}}, 1},
		"op 9, resumable":                      {func(s *stage) { s.Invalidate(true) }, nil, 1},
		"op 9":                                 {func(s *stage) { s.Invalidate(false) }, nil, 2},
		"op 9 in answer to the resume":         {(*stage).reconnect, []discordtest.Opening{{First: "invalid"}}, 2},
		"op 9 in answer to a new session":      {func(s *stage) { s.Invalidate(false) }, []discordtest.Opening{{First: "invalid"}}, 3},
		"op 7 in answer to a new session":      {func(s *stage) { s.Invalidate(false) }, []discordtest.Opening{{First: "reconnect"}}, 3},
		"op 11 in answer to the resume":        {(*stage).reconnect, []discordtest.Opening{{First: "ack"}}, 1},
		"op 11 in answer to a new session":     {func(s *stage) { s.Invalidate(false) }, []discordtest.Opening{{First: "ack"}}, 2},
		"silence in answer to the resume":      {(*stage).reconnect, []discordtest.Opening{{First: "nothing"}}, 1},
		"silence in answer to a new session":   {func(s *stage) { s.Invalidate(false) }, []discordtest.Opening{{First: "nothing"}}, 3},
		"silence instead of the hello":         {(*stage).reconnect, []discordtest.Opening{{Mute: true}}, 1},
		"a cut":                                {func(s *stage) { s.CutSockets() }, nil, 1},
		"a cut in answer to the resume, twice": {func(s *stage) { s.CutSockets() }, []discordtest.Opening{{First: "cut"}, {First: "cut"}}, 2},
		"the session has timed out (4009)":     {func(s *stage) { s.CloseSockets(4009) }, nil, 2},
		"an unknown error (4000)":              {func(s *stage) { s.CloseSockets(4000) }, nil, 1},
		"a close with 1001":                    {func(s *stage) { s.CloseSockets(1001) }, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			still(t, discordtest.Options{Heartbeat: 30 * time.Second}, func(t *testing.T, s *stage, bot func() *discord.Discord) {
				bot()
				s.comes("at first")
				time.Sleep(time.Minute)
				s.Open(c.opening...)
				c.then(s)
				synctest.Wait()
				time.Sleep(10 * time.Millisecond)
				s.comes(name)
				if got := len(s.Starts()); got != c.starts {
					t.Errorf("%d sessions were begun, want %d", got, c.starts)
				}
			})
		})
	}
}

func (s *stage) reconnect() { s.Platform.Reconnect() }

// TestADeadConnectionIsNoticed holds that a connection that is open and says
// nothing is given up within two heartbeats, and that what happened meanwhile is
// not lost.
func TestADeadConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	still(t, discordtest.Options{Heartbeat: 20 * time.Second}, func(t *testing.T, s *stage, bot func() *discord.Discord) {
		bot()
		s.comes("at first")
		s.Silence()
		s.Say(ada, "", "how do I do this?") // Discord keeps it for the session
		time.Sleep(45 * time.Second)
		s.events(2)
		if got := len(s.Starts()); got != 1 {
			t.Errorf("%d sessions were begun, want 1", got)
		}
	})
}

// TestStoppingTellsWhoWaited holds that whoever has waited for their turn until
// there was no more time is told, and not left with the promise of an answer. So is
// whoever was at turn.
func TestStoppingTellsWhoWaited(t *testing.T) {
	t.Parallel()
	still(t, discordtest.Options{}, func(t *testing.T, s *stage, bot func() *discord.Discord) {
		s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
			<-ctx.Done()
			return r.Reply(ctx, chat.Message{Text: "too late"})
		}
		bot()
		for range 3 {
			s.answered(s.Command(ada, channel, "mfa me", nil))
		}
		s.stop()
		var told []string
		for _, m := range s.Seen(ada) {
			told = append(told, m.Plain)
		}
		if len(told) != 3 || !strings.Contains(told[0], "I had to stop while I was at this") || !strings.Contains(told[1], "nothing happened") || told[1] != told[2] {
			t.Errorf("Ada sees %q", told)
		}
	})
}

// TestTheBotEndsWhileItOpens holds that a bot that is stopped while it opens a
// connection ends.
func TestTheBotEndsWhileItOpens(t *testing.T) {
	t.Parallel()
	for _, opening := range []discordtest.Opening{{Mute: true}, {First: "nothing"}, {First: "reconnect"}, {First: "ack"}} {
		t.Run(fmt.Sprintf("%+v", opening), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				net := newPipes()
				s := set(t, discordtest.Options{Listener: net, Now: time.Now})
				s.Open(opening)
				cfg := s.config()
				cfg.Dial, cfg.Now = net.dial, time.Now
				b, err := discord.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- b.Run(ctx) }()
				time.Sleep(3 * time.Second)
				stop()
				began := time.Now()
				if err := <-done; err != nil || time.Since(began) > 11*time.Second {
					t.Errorf("Run = %v after %s", err, time.Since(began))
				}
			})
		})
	}
}

// TestARefusalForGoodEndsTheRun holds that what no later try can change is told
// to whoever started the bot.
func TestARefusalForGoodEndsTheRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(s *stage, c *discord.Config)
		want   string
	}{
		"a wrong token":              {func(_ *stage, c *discord.Config) { c.Token += "x" }, "copy it again"},
		"another app's token":        {func(_ *stage, c *discord.Config) { c.ApplicationID = "310000000000000009" }, "one of another app"},
		"another server":             {func(_ *stage, c *discord.Config) { c.Guild = "410000000000000009" }, "add it to the server"},
		"an intent that is not on":   {func(s *stage, _ *discord.Config) { s.Open(discordtest.Opening{Close: 4014}) }, "not switched on"},
		"the gateway knows no token": {func(s *stage, _ *discord.Config) { s.Open(discordtest.Opening{Close: 4004}) }, "copy it again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, discordtest.Options{Allow: []string{"401", "50001"}})
			cfg := s.config()
			c.before(s, &cfg)
			b, err := discord.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = b.Run(t.Context())
			var says interface {
				Say() string
				Hint() string
			}
			if !errors.As(err, &says) || !strings.Contains(says.Hint(), c.want) || !strings.HasPrefix(says.Say(), "Discord does not let the bot in") {
				t.Errorf("Run = %v, want a hint with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), s.Token()) {
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
}

// TestAThousandCrashes holds that a bot that crashes whenever it has begun a
// session, a thousand times, begins so few in any day that Discord keeps its
// token; and that two replicas who do so together are within the limit too.
func TestAThousandCrashes(t *testing.T) {
	t.Parallel()
	for name, replicas := range map[string]int{"one": 1, "two": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				net := newPipes()
				s := set(t, discordtest.Options{Listener: net, Now: time.Now})
				var mu sync.Mutex
				var began []time.Time
				var all sync.WaitGroup
				for range replicas {
					all.Go(func() {
						for range 1000 / replicas {
							s.crash(net)
							mu.Lock()
							began = append(began, time.Now())
							mu.Unlock()
						}
					})
				}
				all.Wait()
				slices.SortFunc(began, time.Time.Compare)
				most := 0
				for i := range began {
					n := 0
					for _, at := range began[i:] {
						if at.Sub(began[i]) < 24*time.Hour {
							n++
						}
					}
					most = max(most, n)
				}
				if most > 1000 || most < 100 {
					t.Errorf("%d sessions were begun in one day", most)
				}
				t.Logf("%d crashes, %d sessions at most in one day", len(began), most)
			})
		})
	}
}

// crash starts a bot and ends it as soon as it has begun a session.
func (s *stage) crash(net *pipes) {
	cfg := s.config()
	cfg.Dial, cfg.Now, cfg.Commands, cfg.Log = net.dial, time.Now, nil, nil
	b, err := discord.New(cfg)
	if err != nil {
		s.t.Error(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	for b.Ready() != nil {
		time.Sleep(time.Second)
	}
	stop()
	if err := <-done; err != nil {
		s.t.Error(err)
	}
}

// TestFewStartsAreLeft holds that the bot waits where Discord says that few
// sessions are left, and does not begin one.
func TestFewStartsAreLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newPipes()
		s := set(t, discordtest.Options{Listener: net, Now: time.Now, Starts: 15})
		cfg := s.config()
		cfg.Dial, cfg.Now = net.dial, time.Now
		b, err := discord.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		if n := len(s.Starts()); n != 0 || b.Ready() == nil {
			t.Errorf("%d sessions were begun; ready: %v", n, b.Ready())
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestUnknownComponentsAreNoTrouble holds that what Discord invents later reaches
// the bot in one piece: the library would leave an event half empty.
func TestUnknownComponentsAreNoTrouble(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	id := s.prompt(s.inChannel(), chat.Button{ID: "deny", Label: "Deny", Value: "R-ABC234", Form: []chat.FormField{{ID: "reason", Label: "Why?", Required: true, MaxRunes: 100}}})
	s.answered(s.Press(ada, id, "Deny"))
	m := s.Modal(ada)
	s.CloseModal(ada)
	label := map[string]any{"type": 18, "id": 1, "component": map[string]any{"type": 4, "id": 2, "custom_id": "reason", "value": "because"}}
	novel := map[string]any{"type": 99, "id": 3, "novelty": []any{1, "x", nil}}
	s.answered(s.Interact(5, ada, channel, map[string]any{"custom_id": m.ID, "components": []any{novel, label}}))
	if e := s.events(1)[0]; e.Button != "deny" || e.Fields["reason"] != "because" {
		t.Errorf("heard %+v", e)
	}
	s.Dispatch("MESSAGE_CREATE", map[string]any{"id": "1", "components": []any{novel}})
	s.Dispatch("INTERACTION_CREATE", map[string]any{"id": 7, "type": "x"})
	s.Dispatch("SOMETHING_NEW", []any{1})
	s.Dispatch("INTERACTION_CREATE", nil)
	s.answered(s.Command(ada, channel, "mfa me", nil))
	s.events(2)
}
