package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/bot/console"
	"twokey/bot/discord"
	"twokey/bot/discord/discordtest"
	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/identity"
	"twokey/graph"
	"twokey/graph/simtenant"
)

// platform is a chat with the real adapter in it, in which the cast shares the
// administrators' channel.
type platform struct {
	name    string
	account func(person string) chat.Account
	admins  chat.Address
	// begin connects the adapter to what answers.
	begin func(t *testing.T, h chat.Handler, registry func() []chat.CommandSpec)
	// types types a command into the administrators' channel, and returns how it is
	// called there once it was taken.
	types func(t *testing.T, person string, c Command, line string) string
	// until waits until something holds.
	until func(ctx context.Context, holds func() bool) bool
	// seen lists what the bot has shown somebody.
	seen func(t *testing.T, person string) []shownMessage
}

// shownMessage is one message of the bot as a person of a platform sees it.
type shownMessage struct {
	text    string
	buttons int
	files   int
}

// memory is an inbox, and the notes of one adapter.
type memory struct {
	mu   sync.Mutex
	kept map[string]string
}

func (m *memory) Take(ctx context.Context, key string) (bool, error) {
	was, _ := m.Kept(ctx, "taken "+key)
	return was == "", m.Keep(ctx, "taken "+key, "yes", 0)
}

func (m *memory) Keep(_ context.Context, name, text string, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[name] = text
	return nil
}

func (m *memory) Kept(_ context.Context, name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[name], nil
}

// castNames are those who are in the administrators' channel.
func castNames() (names []string) {
	for _, m := range simtenant.Cast(0) {
		names = append(names, m.ID)
	}
	return names
}

// running starts an adapter, and ends it with the test.
func running(t *testing.T, a interface{ Run(context.Context) error }, ready func() error, until func(context.Context, func() bool) bool) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	if !until(t.Context(), func() bool { return ready() == nil }) {
		t.Fatal("it is not ready")
	}
}

// onDiscord is where Discord has a command, by its audience.
var onDiscord = map[chat.Audience]string{chat.ForEverybody: "mfa", chat.ForReaders: "mfa-look", chat.ForChangers: "mfa-change"}

func inSlack(t *testing.T) platform {
	w := slacktest.New(t, slacktest.Options{Burst: 1000})
	id := func(person string) string { return "U0" + strings.ToUpper(person) + "00001" }
	const channel = "C0ADMINS001"
	var members []string
	for _, name := range castNames() {
		w.AddUser(slacktest.User{ID: id(name), Name: name})
		members = append(members, id(name))
	}
	w.AddChannel(slacktest.Channel{ID: channel, Name: "admins", Members: members})
	return platform{
		name: "Slack", until: w.Wait, admins: chat.Address{Platform: slack.Platform, Workspace: w.Team(), Channel: channel},
		account: func(person string) chat.Account {
			return chat.Account{Platform: slack.Platform, Workspace: w.Team(), User: id(person)}
		},
		begin: func(t *testing.T, h chat.Handler, _ func() []chat.CommandSpec) {
			a, err := slack.New(slack.Config{
				Mode: "socket", AppToken: w.AppToken(), BotToken: w.BotToken(), APIURL: w.APIURL(), Inbox: &memory{kept: map[string]string{}}, Now: w.Now, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			a.Handle(h)
			running(t, a, a.Ready, w.Wait)
		},
		types: func(t *testing.T, person string, c Command, line string) string {
			if d := w.Command(id(person), channel, line); !d.Wait(t.Context()) {
				t.Errorf("%q is not taken: %s", line, d.Failed())
			}
			return "/mfa " + c.Name
		},
		seen: func(_ *testing.T, person string) (all []shownMessage) {
			for _, m := range w.Seen(id(person)) {
				if m.From == w.BotUser() && !m.Deleted {
					all = append(all, shownMessage{m.Plain, len(m.Buttons), len(m.Files)})
				}
			}
			return all
		},
	}
}

func inDiscord(t *testing.T) platform {
	p := discordtest.New(t, discordtest.Options{Burst: 1000, Allow: []string{"identify"}})
	names := castNames()
	id := func(person string) string { return fmt.Sprintf("2100000000000000%02d", slices.Index(names, person)) }
	const channel = "510000000000000001"
	var members []string
	for _, name := range names {
		p.AddUser(discordtest.User{ID: id(name), Name: name})
		members = append(members, id(name))
	}
	p.AddChannel(discordtest.Channel{ID: channel, Name: "admins", Members: members})
	return platform{
		name: "Discord", until: p.Wait, admins: chat.Address{Platform: discord.Platform, Workspace: p.Guild(), Channel: channel},
		account: func(person string) chat.Account {
			return chat.Account{Platform: discord.Platform, Workspace: p.Guild(), User: id(person)}
		},
		begin: func(t *testing.T, h chat.Handler, registry func() []chat.CommandSpec) {
			notes := &memory{kept: map[string]string{}}
			p.Advance(6 * time.Second) // between two sessions
			a, err := discord.New(discord.Config{
				Mode: "gateway", Token: p.Token(), PublicKey: p.PublicKey(), ApplicationID: p.AppID(), Guild: p.Guild(), APIURL: p.APIURL(),
				Inbox: notes, Notes: notes, Commands: registry, Now: p.Now, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			a.Handle(h)
			running(t, a, a.Ready, p.Wait)
		},
		types: func(t *testing.T, person string, c Command, line string) string {
			path := onDiscord[c.audience()] + " " + c.Name
			if !p.Known(channel, path) {
				path += " list" // it has its name in common with others
			}
			d := p.Command(id(person), channel, path, chosen(t, c, line))
			if !d.Wait(t.Context()) {
				t.Errorf("%q as %q is not answered: %s", line, path, d.Failed())
			}
			return "/" + path
		},
		seen: func(_ *testing.T, person string) (all []shownMessage) {
			for _, m := range p.Seen(id(person)) {
				if m.From == p.AppID() && !m.Waiting {
					all = append(all, shownMessage{m.Plain, len(m.Buttons), len(m.Files)})
				}
			}
			return all
		},
	}
}

// chosen fills the options of a command in, as somebody does who has a field for
// each.
func chosen(t *testing.T, c Command, line string) map[string]any {
	t.Helper()
	_, words, _ := find([]Command{c}, strings.Fields(line))
	args, rest, err := parse(phrases.Voice{}, c, words)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	given := map[string]any{}
	for _, o := range c.Options {
		value, typed := args[o.Name]
		if o.Rest && c.Plan != nil {
			value, typed = rest, rest != ""
		}
		switch name := strings.ReplaceAll(o.Name, " ", "-"); {
		case !typed:
		case o.Bare:
			given[name] = true
		default:
			given[name] = strings.ReplaceAll(value, nameEnd, ", ")
		}
	}
	return given
}

func inConsole(t *testing.T) platform {
	var people []console.Person
	for _, m := range simtenant.Cast(0) {
		people = append(people, console.Person{ID: m.ID, Name: m.Name})
	}
	c, err := console.New(console.Config{People: people, Channels: map[string][]string{"admins": castNames()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		_ = c.Close()
		server.Close()
	})
	call := func(t *testing.T, method, path, body string, into any) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		a, err := server.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Body.Close() }()
		text, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode/100 != 2 || json.Unmarshal(text, into) != nil {
			t.Fatalf("%s %s: %d %s %v", method, path, a.StatusCode, text, err)
		}
	}
	return platform{
		name: "console", until: func(_ context.Context, holds func() bool) bool { return holds() }, admins: chat.Address{Platform: console.Platform, Channel: "admins"},
		account: func(person string) chat.Account { return chat.Account{Platform: console.Platform, User: person} },
		begin:   func(_ *testing.T, h chat.Handler, _ func() []chat.CommandSpec) { c.Handle(h) },
		types: func(t *testing.T, person string, c Command, line string) string {
			body, err := json.Marshal(map[string]string{"text": "/mfa " + line, "channel": "admins"})
			if err != nil {
				t.Fatal(err)
			}
			call(t, http.MethodPost, "/api/people/"+person+"/messages", string(body), &struct{}{})
			return "/mfa " + c.Name
		},
		seen: func(t *testing.T, person string) (all []shownMessage) {
			var list []struct {
				ID, From, Text string
				Buttons        []struct{ ID string }
				File, Image    *struct{ URL string }
			}
			call(t, http.MethodGet, "/api/people/"+person+"/messages", "", &list)
			for _, m := range list {
				if m.From == "twokey" {
					files := 0
					if m.File != nil {
						files++
					}
					if m.Image != nil {
						files++
					}
					all = append(all, shownMessage{m.Text, len(m.Buttons), files})
				}
			}
			return all
		},
	}
}

// answeredOnce is what came of an event where it was handled.
type answeredOnce struct {
	err   error
	files int // in the answers
}

// counting counts the files and pictures of answers. A platform may show them
// later than the words.
type counting struct {
	chat.Responder
	files int
}

func (c *counting) Reply(ctx context.Context, m chat.Message) error {
	c.count(m)
	return c.Responder.Reply(ctx, m)
}

func (c *counting) Say(ctx context.Context, m chat.Message) error {
	c.count(m)
	return c.Responder.Say(ctx, m)
}

func (c *counting) count(m chat.Message) {
	if m.File != nil {
		c.files++
	}
	if m.Image != nil {
		c.files++
	}
}

// on says every command of the registry in the administrators' channel of a
// platform, through its real adapter and over a tenant of a licence, and returns
// what came of each: how it is typed there, who sees the answer, and with how many
// buttons and files. The answer is the one that the transcript has.
func (p platform) on(t *testing.T, licence graph.Licence, said map[string]string) map[string]string {
	t.Helper()
	cells := map[string]string{}
	furnish(t, func(o *office) {
		o.digest.preview = func() (chat.Message, error) { return chat.Message{Headline: "MFA week 48"}, nil }
		o.digest.post = func(string) (bool, error) { return true, nil }
		o.known()
		o.env.Admins = p.admins
		o.assemble()
		handled := make(chan answeredOnce, 1)
		p.begin(t, chat.HandlerFunc(func(ctx context.Context, r chat.Responder, e chat.Event) error {
			files := &counting{Responder: r}
			err := o.mux.Handle(ctx, files, e)
			handled <- answeredOnce{err, files.files}
			return err
		}), o.mux.Registry)
		for _, c := range o.mux.all {
			cells[c.Name] = p.once(t, c, handled, said[c.Name])
		}
	}, func(s *setting) {
		s.still, s.sim.Licence = true, licence
		for _, m := range simtenant.Cast(0) {
			s.laid.Links[identity.LinkKey(p.account(m.ID))] = m.ObjectID
		}
	})
	return cells
}

// once says one command and returns what came of it.
func (p platform) once(t *testing.T, c Command, handled <-chan answeredOnce, transcript string) string {
	t.Helper()
	person, line := whoSays(c), c.Example
	if lines := spoken[c.Name]; len(lines) > 0 {
		person, line, _ = strings.Cut(lines[0], " ")
	}
	before, beside := len(p.seen(t, person)), len(p.seen(t, bystander(person)))
	typed := p.types(t, person, c, line)
	said := <-handled
	if said.err != nil {
		t.Errorf("%s: %q: %v", p.name, line, said.err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got shownMessage
	p.until(ctx, func() bool {
		got = p.news(t, person, before)
		return got.text != "" && got.files == said.files
	})
	if got.files != said.files || got.text == "" {
		t.Errorf("%s: %q is answered with %d files, want %d\n%s", p.name, line, got.files, said.files, got.text)
	}
	if want := firstAnswer(transcript); transcript != "" && !strings.Contains(plainly(got.text), plainly(strings.TrimSuffix(want, "… (cut)"))) {
		t.Errorf("%s: %q is answered with\n%s\nwant %s", p.name, line, got.text, want)
	}
	what := "privately"
	if len(p.seen(t, bystander(person))) > beside {
		what = "aloud"
	}
	if got.buttons > 0 {
		what += ", " + plural(fmt.Sprint(got.buttons), "button")
	}
	if got.files > 0 {
		what += ", " + plural(fmt.Sprint(got.files), "file")
	}
	return "`" + typed + "` " + what
}

// news is what the bot has shown somebody since they saw so many messages: the
// answer, and what came with it elsewhere.
func (p platform) news(t *testing.T, person string, before int) (all shownMessage) {
	t.Helper()
	for _, m := range p.seen(t, person)[before:] {
		all.text, all.buttons, all.files = all.text+m.text+"\n", all.buttons+m.buttons, all.files+m.files
	}
	return all
}

// bystander is somebody else in the channel.
func bystander(person string) string {
	return map[bool]string{true: "sue", false: "bea"}[person == "bea"]
}

// marking is what platforms mark text with, and how they name commands.
var marking = regexp.MustCompile("[*_`|\\\\]|(mfa)-(look|change)")

// plainly is a text without what one platform writes otherwise than another.
func plainly(s string) string {
	s = marking.ReplaceAllString(settled(s), "$1")
	return strings.Join(strings.Fields(strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "/", "").Replace(s)), " ")
}
