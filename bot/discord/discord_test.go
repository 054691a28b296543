package discord_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/bot/discord"
	"twokey/bot/discord/discordtest"
	"twokey/chat"
	"twokey/chat/hostile"
)

func TestNewChecks(t *testing.T) {
	t.Parallel()
	good := func() discord.Config {
		return discord.Config{
			Mode: "gateway", Token: strings.Repeat("t0k3n", 10), ApplicationID: "310000000000000001", Guild: "410000000000000001",
			PublicKey: strings.Repeat("ab", 32), Inbox: &memory{}, Notes: &memory{},
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*discord.Config)
		want   string // part of the error; empty: none
	}{
		{"as it should be", func(*discord.Config) {}, ""},
		{"no mode", func(c *discord.Config) { c.Mode = "" }, "Mode"},
		{"a token with a word before it", func(c *discord.Config) { c.Token = "Bot " + c.Token }, "Token"},
		{"http without a key", func(c *discord.Config) { c.Mode, c.PublicKey = "http", "" }, "PublicKey"},
		{"a key that is too short", func(c *discord.Config) { c.Mode, c.PublicKey = "http", "abcd" }, "PublicKey"},
		{"a server's name", func(c *discord.Config) { c.Guild = "harbour" }, "Guild"},
		{"no inbox", func(c *discord.Config) { c.Inbox = nil }, "Inbox"},
		{"no notes", func(c *discord.Config) { c.Notes = nil }, "Notes"},
		{"plain http abroad", func(c *discord.Config) { c.APIURL = "http://discord.example/api" }, "APIURL"},
		{"plain http here", func(c *discord.Config) { c.APIURL = "http://127.0.0.1:9/api/v10/" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := good()
			tt.change(&cfg)
			_, err := discord.New(cfg)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("New: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("New: %v, want an error about %s", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "t0k3n"):
				t.Errorf("New: %v, which tells the token", err)
			}
		})
	}
}

// TestCommandsAreRegisteredOnce holds that the commands are there, for the server
// and for direct messages, and are not sent again while they are the same.
func TestCommandsAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	for _, path := range []string{"mfa me", "mfa-look status", "mfa-look audit list", "mfa-look audit show", "mfa-change reset"} {
		if !s.Known(channel, path) || !s.Known("", path) {
			t.Errorf("there is no /%s", path)
		}
	}
	s.bot()
	if got := len(s.Calls(discordtest.RouteOverwrite)); got != 1 {
		t.Errorf("the commands were sent %d times", got)
	}
	s.bot(func(c *discord.Config) { c.Commands = func() []chat.CommandSpec { return registry()[1:] } })
	if got := len(s.Calls(discordtest.RouteOverwrite)); got != 2 || s.Known(channel, "mfa me") {
		t.Errorf("the commands were sent %d times after a change", got)
	}
	var kept []map[string]any
	if err := json.Unmarshal(s.Commands(), &kept); err != nil {
		t.Fatal(err)
	}
	for _, c := range kept {
		if hidden := c["default_member_permissions"] == "0"; hidden != (c["name"] != "mfa") {
			t.Errorf("%s is shown to %v", c["name"], c["default_member_permissions"])
		}
	}
}

// TestTooManyCommands holds that what Discord would not take is noticed before it
// is sent.
func TestTooManyCommands(t *testing.T) {
	t.Parallel()
	for name, specs := range map[string][]chat.CommandSpec{
		"26 of one audience": slices.Collect(func(yield func(chat.CommandSpec) bool) {
			for i := range 26 {
				if !yield(chat.CommandSpec{Name: fmt.Sprint("c", i), Summary: "x"}) {
					return
				}
			}
		}),
		"a name with a dot": {{Name: "a.b", Summary: "x"}},
		"too many letters": slices.Collect(func(yield func(chat.CommandSpec) bool) {
			for i := range 25 {
				s := chat.CommandSpec{Name: fmt.Sprint("c", i), Summary: strings.Repeat("x", 99)}
				for j := range 4 {
					s.Options = append(s.Options, chat.Option{Name: fmt.Sprint("o", j), Summary: strings.Repeat("y", 99)})
				}
				if !yield(s) {
					return
				}
			}
		}),
	} {
		if _, err := discord.Manifest(discord.ManifestOptions{Commands: specs}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestOptionsBecomeWords holds that what is filled in arrives as it would be
// typed.
func TestOptionsBecomeWords(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	for i, c := range []struct {
		path  string
		given map[string]any
		want  string
	}{
		{"mfa me", nil, ""},
		{"mfa-change reset", map[string]any{"user": "sam@vale.example"}, "reset sam@vale.example"},
		{"mfa-change reset", map[string]any{"user": "Sam Rivera", "all": true, "keep": "phone", "reason": "a new phone\nreally"}, `reset "Sam Rivera" --keep phone --all a new phone really`},
		{"mfa-change reset", map[string]any{"user": "sam", "all": false}, "reset sam"},
		{"mfa-look audit list", nil, "audit"},
		{"mfa-look audit show", map[string]any{"request": "R-ABC234"}, "audit show R-ABC234"},
	} {
		s.answered(s.Command(ada, channel, c.path, c.given))
		if e := s.events(i + 1)[i]; e.Text != c.want || e.Kind != chat.Command || e.Locale != "en-GB" {
			t.Errorf("/%s %v is heard as %+v, want %q", c.path, c.given, e, c.want)
		}
	}
}

// TestSentencesNameCommandsAsTheyAreHere holds that what the bot says to type can
// be typed, and that nobody else's words are changed.
func TestSentencesNameCommandsAsTheyAreHere(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	s.heard.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Reply(ctx, chat.Message{
			Text: "Try “/mfa reset”, “/mfa audit show” or “/mfa audit”. “/mfa help me”.", Fields: []chat.Field{{Label: "Why", Value: "/mfa reset", Quoted: true}},
		})
	})
	s.answered(s.Command(ada, channel, "mfa me", nil))
	s.until("there is an answer", func() bool { return len(s.seen(ada)) == 1 })
	for _, want := range []string{"“/mfa-change reset”", "“/mfa-look audit show”", "“/mfa-look audit list”", "“/mfa help me”", "Why: “/mfa reset”"} {
		if got := s.seen(ada)[0].Plain; !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

// TestO33AClickSentAThousandTimes holds that one click is handled once, however
// often and to how many replicas it is delivered.
func TestO33AClickSentAThousandTimes(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{Allow: []string{"40060", "10015"}})
	s.bot()
	s.bot()
	id := s.prompt(s.inChannel(), chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.1"})
	d := s.answered(s.Press(bea, id, "Approve"))
	for range 333 {
		d.Again()
	}
	s.events(1)
	s.answered(s.Press(ada, id, "Approve"))
	s.events(2)
	if got := s.heard.all(); len(got) != 2 || got[0].From.User == got[1].From.User {
		t.Errorf("a click of bea's, a thousand times, and one of ada's were heard as %+v", got)
	}
}

// TestTwoReplicasHandleOnce holds that what every replica is told is handled by
// one of them.
func TestTwoReplicasHandleOnce(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{Burst: 1000, Allow: []string{"40060"}})
	s.bot()
	const n = 50
	for i := range n {
		s.answered(s.Command(ada, channel, "mfa me", nil))
		s.events(i + 1) // few of one person may wait
	}
	keys := map[string]bool{}
	for _, e := range s.heard.all() {
		keys[e.Key] = true
	}
	if got := len(s.heard.all()); got != n || len(keys) != n {
		t.Errorf("%d commands were handled %d times, by %d keys", n, got, len(keys))
	}
}

// TestO37HostileText holds that nothing that a person or a tenant object is called
// pings, links or formats, in a message or in a form.
func TestO37HostileText(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{Burst: 1000, Allow: []string{"global"}})
	words := append(slices.Clone(hostile.Words), "<!channel> <@U123> <https://evil.example|Approve> &amp;", "discord.gg/evil", "\\", "a\\*b", "1. x\n2) y", "-# small", "</mfa:1>", "<id:guide>", "<mailto:a@evil.example>", "https:\\/\\/evil.example")
	for i, w := range words {
		for {
			_, err := s.bots[0].Post(t.Context(), s.inChannel(), fmt.Sprint("word ", i), chat.Message{
				Notice: w, Headline: chat.Safe("Reset “"+w+"”", 200), Text: w, Steps: []string{w}, Footer: w, Fields: []chat.Field{{Label: w, Value: w}, {Label: "Why", Value: w, Quoted: true}},
				Details: []chat.Field{{Label: "Note", Value: w}}, Table: &chat.Table{Header: []string{w}, Rows: [][]string{{w}}},
				Links:   []chat.Link{{Label: w, URL: "https://ours.example/a(b)c"}, {Label: "not ours", URL: "javascript:" + w}},
				Buttons: []chat.Button{{ID: "approve", Label: w, Value: w, Form: []chat.FormField{{ID: "reason", Label: w, Required: true}}}},
			})
			s.bots[0].Rush()
			var early interface{ RetryAfter() time.Duration }
			if err == nil {
				break
			}
			if !errors.As(err, &early) || early.RetryAfter() == 0 {
				t.Fatalf("%+q: %v", w, err)
			}
		}
		seen := s.seen(ada)
		m := seen[len(seen)-1]
		if len(m.Pings) > 0 || !slices.Equal(m.Links, []string{"https://ours.example/a%28b%29c"}) {
			t.Errorf("%+q pings %q and leads to %q", w, m.Pings, m.Links)
		}
		for line := range strings.Lines(m.Plain) {
			if why := hostile.Hides(strings.Trim(line, "\n\u2003")); why != "" {
				t.Errorf("%+q is shown with %s: %+q", w, why, line)
			}
		}
		s.answered(s.Press(ada, m.ID, m.Buttons[0].Label))
		s.CloseModal(ada)
	}
}

// TestO38NamesThatTurnAndHide holds that a name with what hides and turns in it is
// written out, and that the fields keep their order.
func TestO38NamesThatTurnAndHide(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	name := "Sam\u202e\u200b\nTarget: Alice" + strings.Repeat("\u0301", 1000)
	if _, err := s.bots[0].Post(t.Context(), s.inChannel(), "x", chat.Message{
		Headline: "Reset", Fields: []chat.Field{{Label: "Target", Value: name, Quoted: true}, {Label: "Why", Value: "lost", Quoted: true}},
	}); err != nil {
		t.Fatal(err)
	}
	got := s.seen(ada)[0].Plain
	if !strings.Contains(got, "Target: “Sam<U+202E><U+200B> Target: Alice\u0301\u0301”\nWhy: “lost”") {
		t.Errorf("it is shown as %+q", got)
	}
}

// secret is a pass.
var secret = chat.Message{Notice: "What you collected", Headline: "Your pass.", Fields: []chat.Field{{Label: "Pass", Value: "7Xk-q2-zz"}}, Secret: true}

// TestO43ASecretIsSeenByOne holds that what one person may see once is shown to
// nobody else, wherever they asked, and is gone with the client.
func TestO43ASecretIsSeenByOne(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	s.heard.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		if err := r.Say(ctx, secret); err == nil {
			t.Error("a secret was said aloud")
		}
		return r.Reply(ctx, secret)
	})
	for i, where := range []string{channel, ""} {
		s.answered(s.Command(ada, where, "mfa me", nil))
		s.until("ada sees it", func() bool { return len(s.seen(ada)) == i+1 })
		if m := s.seen(ada)[i]; !m.Private || !strings.Contains(m.Plain, "7Xk-q2-zz") || len(s.seen(bea)) > 0 {
			t.Errorf("ada sees %+v, bea %+v", m, s.seen(bea))
		}
	}
	s.Reload(ada)
	if len(s.seen(ada)) > 0 || strings.Contains(s.log.String(), "7Xk-q2-zz") {
		t.Error("it stays")
	}
}

// TestO45ASecretThatCannotBeDelivered holds that nobody gets it later or
// elsewhere, and that the handler is told, so that it can be withdrawn.
func TestO45ASecretThatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]discordtest.Fault{
		"refused":           {Status: 400, Code: 50035},
		"the token is gone": {Status: 404, Code: 10015},
		"Discord is down":   {Status: 503},
		"cut before":        {Cut: "before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, discordtest.Options{})
			fault.Route, fault.Times = discordtest.RouteOriginal, 1
			s.Fault(fault)
			told := make(chan error, 1)
			s.heard.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
				told <- r.Reply(ctx, secret)
				return nil
			})
			s.answered(s.Command(ada, channel, "mfa me", nil))
			if err := <-told; err == nil {
				t.Error("the handler was told that it was delivered")
			} else if strings.Contains(err.Error(), "7Xk") {
				t.Errorf("the error tells it: %v", err)
			}
			for _, m := range append(s.Seen(ada), s.Seen(bea)...) {
				if strings.Contains(m.Plain, "7Xk-q2-zz") {
					t.Errorf("it was delivered elsewhere: %+v", m)
				}
			}
			if n := len(s.Calls(discordtest.RouteOriginal)); n != 1 {
				t.Errorf("it was sent %d times", n)
			}
		})
	}
}

// TestO27RolesAndNamesGiveNothing holds that whoever speaks is known by their ID
// alone: a nickname and a role of the server do not reach the bot.
func TestO27RolesAndNamesGiveNothing(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	s.AddUser(discordtest.User{ID: bea, Name: "ada", Nick: "Ada Okafor, IT"})
	id := s.prompt(s.inChannel(), chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.1"})
	s.answered(s.Press(bea, id, "Approve"))
	want := chat.Account{Platform: "discord", Workspace: s.Guild(), User: bea}
	if e := s.events(1)[0]; e.From != want {
		t.Errorf("from %+v, want %+v", e.From, want)
	}
}

// TestWhoLeftDecidesNothing holds that who is no member of the server any more is
// not heard in direct messages: at a press and at a typed command Discord is asked
// anew.
func TestWhoLeftDecidesNothing(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{Allow: []string{"10007"}})
	id := s.prompt(chat.Direct(chat.Account{Platform: "discord", Workspace: s.Guild(), User: bea}), chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.1"})
	s.answered(s.Press(bea, id, "Approve"))
	s.events(1)
	s.AddUser(discordtest.User{ID: bea, Name: "bea", Away: true})
	s.answered(s.Press(bea, id, "Approve"))
	s.until("she is told", func() bool {
		return slices.ContainsFunc(s.seen(bea), func(m discordtest.Message) bool { return strings.Contains(m.Plain, "Only members of the server") })
	})
	if got := len(s.heard.all()); got != 1 {
		t.Errorf("%d presses were heard, want 1", got)
	}
}

// TestWhoLeftTypesNothing is the same of a command that is typed within minutes of
// a question which was answered.
func TestWhoLeftTypesNothing(t *testing.T) {
	t.Parallel()
	for name, sends := range map[string]func(s *stage){
		"as a message": func(s *stage) { s.Say(bea, "", "mfa deny R-ABC234 no") },
		"as a command": func(s *stage) { s.Command(bea, "", "mfa deny", map[string]any{"request": "R-ABC234"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, discordtest.Options{Allow: []string{"10007", "50278"}})
			s.Say(bea, "", "how do I set up my phone")
			s.events(1)
			s.AddUser(discordtest.User{ID: bea, Name: "bea", Away: true})
			sends(s)
			s.until("she is refused", func() bool { return strings.Contains(s.log.String(), "of somebody who is no member") })
			if got := len(s.heard.all()); got != 1 {
				t.Errorf("%d events were heard, want the question alone", got)
			}
		})
	}
}

// TestAnOldButton holds that a button whose meaning is kept no more says so.
func TestAnOldButton(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	id := s.prompt(s.inChannel(), chat.Button{ID: "confirm", Label: "Ask", Value: strings.Repeat("long ", 60)})
	s.answered(s.Press(ada, id, "Ask"))
	if e := s.events(1)[0]; e.Button != "confirm" || e.Value != strings.Repeat("long ", 60) {
		t.Errorf("heard %+v", e)
	}
	s.memory.mu.Lock()
	clear(s.memory.notes)
	s.memory.mu.Unlock()
	d := s.answered(s.Press(ada, id, "Ask"))
	if !strings.Contains(string(d.Answer()), "no longer in use") || len(s.heard.all()) != 1 {
		t.Errorf("answered with %s", d.Answer())
	}
}

// TestAStoreThatFails holds that nothing is done that cannot be noted, and that
// the person is told.
func TestAStoreThatFails(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	s.memory.breaks(errors.New("disk full"))
	s.answered(s.Command(ada, channel, "mfa me", nil))
	s.until("ada is told", func() bool {
		return slices.ContainsFunc(s.seen(ada), func(m discordtest.Message) bool { return strings.Contains(m.Plain, "could not make a note") })
	})
	if got := len(s.heard.all()); got != 0 {
		t.Errorf("%d events were handled", got)
	}
}

// TestAPostIsNotThereTwice holds that a post whose answer was lost is the same
// post when it is made again, by whomever.
func TestAPostIsNotThereTwice(t *testing.T) {
	t.Parallel()
	for _, cut := range []string{"before", "after"} {
		s := play(t, discordtest.Options{})
		s.Fault(discordtest.Fault{Route: discordtest.RouteMessage, Cut: cut, Times: 3})
		m := chat.Message{Headline: "Week 48."}
		if id, err := s.bots[0].Post(t.Context(), s.inChannel(), "week 48", m); err == nil {
			t.Errorf("posted as %s", id)
		}
		other := s.bot() // as after a crash
		id, err := other.Post(t.Context(), s.inChannel(), "week 48", m)
		if seen := s.seen(ada); err != nil || len(seen) != 1 || seen[0].ID != id {
			t.Errorf("cut %s: posted as %s, %v; ada sees %d", cut, id, err, len(seen))
		}
	}
}

// TestSlowDown holds that a refusal for haste says how long to wait and holds up
// nobody else, that one for everything holds up all, and that one in HTML by
// whatever stands before Discord is understood.
func TestSlowDown(t *testing.T) {
	t.Parallel()
	other := "510000000000000002"
	for name, c := range map[string]struct {
		fault discordtest.Fault
		wait  time.Duration
		all   bool
	}{
		"one channel":          {discordtest.Fault{Status: 429, RetryAfter: 2500 * time.Millisecond}, 2500 * time.Millisecond, false},
		"everything":           {discordtest.Fault{Status: 429, RetryAfter: 3 * time.Second, Global: true}, 3 * time.Second, true},
		"in HTML":              {discordtest.Fault{Status: 429, HTML: true}, time.Minute, true},
		"in HTML, with a time": {discordtest.Fault{Status: 429, HTML: true, RetryAfter: 7 * time.Second}, 7 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, discordtest.Options{})
			s.AddChannel(discordtest.Channel{ID: other, Members: []string{ada}})
			c.fault.Route = discordtest.RouteMessage
			s.Fault(c.fault)
			m := chat.Message{Headline: "x"}
			_, err := s.bots[0].Post(t.Context(), s.inChannel(), "1", m)
			var early interface{ RetryAfter() time.Duration }
			if !errors.As(err, &early) || early.RetryAfter() > c.wait || early.RetryAfter() < c.wait-time.Second {
				t.Fatalf("Post = %v, want to be told to wait %s", err, c.wait)
			}
			at := s.inChannel()
			at.Channel = other
			if _, err = s.bots[0].Post(t.Context(), at, "2", m); (err != nil) != c.all {
				t.Errorf("another channel: %v", err)
			}
		})
	}
}

// TestAnsweredWhilePaused holds that a person is answered in time while the bot's
// own calls are held up, and also where all calls are, if only for a moment.
func TestAnsweredWhilePaused(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]discordtest.Fault{
		"of the bot":     {Status: 429, RetryAfter: time.Minute, Global: true},
		"of the address": {Status: 429, RetryAfter: time.Second, HTML: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, discordtest.Options{})
			fault.Route = discordtest.RouteMessage
			s.Fault(fault)
			posted := make(chan struct{})
			go func() {
				defer close(posted)
				_, _ = s.bots[0].Post(t.Context(), s.inChannel(), "1", chat.Message{Headline: "x"}) // it may wait or fail
			}()
			s.until("the post is refused", func() bool { return s.Invalid() > 0 })
			s.answered(s.Command(ada, channel, "mfa me", nil))
			<-posted
		})
	}
}

// TestWaitingCanBeCancelled holds that whoever waits for their turn stops when
// they need it no more.
func TestWaitingCanBeCancelled(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{})
	s.Fault(discordtest.Fault{Route: discordtest.RouteOriginal, Status: 429, RetryAfter: 15 * time.Second})
	done := make(chan time.Duration, 1)
	s.heard.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		err := r.Reply(ctx, chat.Message{Text: "x"})
		done <- time.Since(began)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Reply = %v", err)
		}
		return nil
	})
	s.answered(s.Command(ada, channel, "mfa me", nil))
	if took := <-done; took > 5*time.Second {
		t.Errorf("it waited %s", took)
	}
}

// TestTheBanIsFarAway holds that a bot that is refused whatever it does stops long
// before Discord bans its address.
func TestTheBanIsFarAway(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{Allow: []string{"50001", "global"}, Burst: 1 << 20})
	s.AddChannel(discordtest.Channel{ID: channel, BotAway: true})
	for i := range 12_000 {
		_, err := s.bots[0].Post(t.Context(), s.inChannel(), fmt.Sprint(i), chat.Message{Headline: "x"})
		if err == nil {
			t.Fatal("posted")
		}
		s.bots[0].Rush()
	}
	if got := s.Invalid(); got > 2000 || got < 500 {
		t.Errorf("%d invalid answers", got)
	}
}

// TestNoErrorHoldsAToken holds that what is logged and returned has no token in
// it, neither the bot's nor that of an interaction.
func TestNoErrorHoldsAToken(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{Allow: []string{"10062"}})
	var errs []string
	var mu sync.Mutex
	s.heard.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		err := r.Reply(ctx, secret)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, err.Error())
		}
		return err
	})
	var tokens []string
	for _, f := range []discordtest.Fault{{Cut: "before", Times: 1}, {Status: 500, HTML: true}, {Status: 429, HTML: true, RetryAfter: time.Second}, {Status: 401, Code: 50027}, {Status: http.StatusFound}} {
		f.Route = discordtest.RouteOriginal
		s.Fault(f)
		d := s.answered(s.Command(ada, channel, "mfa me", nil))
		tokens = append(tokens, d.Token())
	}
	s.events(5)
	s.until("all have failed but the one that waits", func() bool { mu.Lock(); defer mu.Unlock(); return len(errs) >= 4 })
	mu.Lock()
	defer mu.Unlock()
	for _, token := range append(tokens, s.Token()) {
		if text := s.log.String() + strings.Join(errs, "\n"); strings.Contains(text, token) {
			t.Errorf("a token is in\n%s", text)
		}
	}
}

// TestAfterFifteenMinutes holds that an answer that comes too late for its
// interaction comes as a direct message, unless it is a secret.
func TestAfterFifteenMinutes(t *testing.T) {
	t.Parallel()
	s := play(t, discordtest.Options{Allow: []string{"50027"}})
	done := make(chan error, 1)
	s.heard.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		s.Advance(16 * time.Minute)
		if err := r.Reply(ctx, secret); err == nil {
			t.Error("a secret was delivered")
		}
		done <- r.Reply(ctx, chat.Message{Text: "It is done."})
		return nil
	})
	s.answered(s.Command(ada, channel, "mfa me", nil))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	seen := s.seen(ada)
	if last := seen[len(seen)-1]; last.Channel != s.Direct(ada) || last.Private || last.Plain != "It is done." {
		t.Errorf("ada sees %+v", last)
	}
}
