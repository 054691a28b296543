package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/bot/console"
	"twokey/chat"
)

// desk is a console that is served, and what its handler was given.
type desk struct {
	console *console.Console
	server  *httptest.Server
	events  chan chat.Event
	clock   *clock
	gate    sync.RWMutex // while it is locked, no event stream begins

	mu     sync.Mutex
	answer chat.HandlerFunc
	log    bytes.Buffer
}

// clock is a bot's clock that is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return nil
}

func team() []console.Person {
	return []console.Person{
		{ID: "ada", Name: "Ada Adler", Roles: []string{"lead", "helpdesk"}, About: "Try /mfa who missing."},
		{ID: "abe", Name: "Abe Abernathy", Roles: []string{"approver"}},
		{ID: "bea", Name: "Bea Brandt", Roles: []string{"approver"}},
		{ID: "sam", Name: "Sam Sato"},
	}
}

// setup serves a console until the test ends. Its handler notes every event
// and then does what answers was last given.
func setup(t testing.TB, change ...func(*console.Config)) *desk {
	t.Helper()
	d := &desk{
		events: make(chan chat.Event, 64),
		clock:  &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)},
	}
	cfg := console.Config{
		People:   team(),
		Channels: map[string][]string{"team": {"ada", "abe", "bea", "sam"}, "admins": {"ada", "abe", "bea"}},
		Now:      d.clock.Now,
		Advance:  d.clock.Advance,
		Notes:    []string{"The approval wait is 10 s here instead of 15 min.", "Choosing a person counts as their sign-in."},
		Log:      slog.New(slog.NewTextHandler(d, nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := console.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Handle(chat.HandlerFunc(d.handle))
	d.console, d.server = c, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			d.passGate()
		}
		c.ServeHTTP(w, r)
	}))
	t.Cleanup(d.close)
	return d
}

func (d *desk) close() {
	_ = d.console.Close()
	d.server.Close()
}

func (d *desk) passGate() {
	d.gate.RLock()
	defer d.gate.RUnlock()
}

func (d *desk) answers(f chat.HandlerFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = f
}

func (d *desk) handle(ctx context.Context, r chat.Responder, e chat.Event) error {
	d.events <- e
	d.mu.Lock()
	f := d.answer
	d.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(ctx, r, e)
}

// Write takes the console's log.
func (d *desk) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(b)
}

func (d *desk) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// message is one as the contract has it.
type message struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	Channel string    `json:"channel"`
	Private bool      `json:"private"`
	Edited  bool      `json:"edited"`
	Text    string    `json:"text"`
	Buttons []struct {
		ID    string `json:"id"`
		Label string `json:"label"`
		Form  []struct {
			ID       string `json:"id"`
			Label    string `json:"label"`
			Required bool   `json:"required"`
		} `json:"form"`
	} `json:"buttons"`
	Image *struct {
		URL string `json:"url"`
		Alt string `json:"alt"`
	} `json:"image"`
	Request string `json:"request"`
	File    *struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"file"`
}

// call makes one request and returns the status and the body of its answer.
func (d *desk) call(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.server.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	return d.do(t, req)
}

func (d *desk) do(t testing.TB, req *http.Request) (int, string) {
	t.Helper()
	resp, err := d.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

// accepted makes a POST that must be accepted and returns the answer.
func (d *desk) accepted(t testing.TB, path, body string) string {
	t.Helper()
	status, got := d.call(t, http.MethodPost, path, body)
	if status != http.StatusAccepted {
		t.Fatalf("POST %s %s: %d %s, want 202", path, body, status, got)
	}
	return got
}

// press presses a button of a message and fails the test unless it is accepted.
func (d *desk) press(t testing.TB, person, message, button string) {
	t.Helper()
	d.accepted(t, "/api/people/"+person+"/press", `{"message":"`+message+`","button":"`+button+`"}`)
}

// list returns what a person sees.
func (d *desk) list(t testing.TB, person string) []message {
	t.Helper()
	status, body := d.call(t, http.MethodGet, "/api/people/"+person+"/messages", "")
	if status != http.StatusOK {
		t.Fatalf("GET messages of %s: %d %s", person, status, body)
	}
	return decode[[]message](t, body)
}

// last returns the newest message that a person sees.
func (d *desk) last(t testing.TB, person string) message {
	t.Helper()
	all := d.list(t, person)
	if len(all) == 0 {
		t.Fatalf("%s sees no message", person)
	}
	return all[len(all)-1]
}

func (d *desk) post(t testing.TB, at chat.Address, key string, m chat.Message) string {
	t.Helper()
	id, err := d.console.Post(t.Context(), at, key, m)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func decode[T any](t testing.TB, body string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func direct(person string) chat.Address {
	return chat.Direct(chat.Account{Platform: console.Platform, User: person})
}

func channel(name string) chat.Address {
	return chat.Address{Platform: console.Platform, Channel: name}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		people   []console.Person
		channels map[string][]string
		want     string
	}{
		{"nobody", nil, nil, "console people: there must be at least one"},
		{"id not fit for a path", []console.Person{{ID: "a/b"}}, nil, `console people[0]: id "a/b" must be letters, digits, - and _`},
		{"no id", []console.Person{{ID: "ada"}, {Name: "Bea"}}, nil, `console people[1]: id "" must be letters, digits, - and _`},
		{"same id", []console.Person{{ID: "ada"}, {ID: "ada"}}, nil, `console people[1]: id "ada" is there twice`},
		{"bot's own id", []console.Person{{ID: "twokey"}}, nil, `console people[0]: id "twokey" is the bot's own`},
		{"unknown member", []console.Person{{ID: "ada"}}, map[string][]string{"team": {"bea"}}, `console channels[team]: there is no person "bea"`},
		{"reserved channel", []console.Person{{ID: "ada"}}, map[string][]string{"dm": {"ada"}}, `console channels: "dm" cannot be a channel's name`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := console.New(console.Config{People: tc.people, Channels: tc.channels})
			if err == nil || err.Error() != tc.want {
				t.Errorf("New: %v, want %s", err, tc.want)
			}
		})
	}
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	d := setup(t)
	entered, ended := make(chan struct{}), make(chan struct{})
	d.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		close(entered)
		<-ctx.Done()
		if err := r.Reply(context.WithoutCancel(ctx), chat.Message{Text: "too late"}); err == nil {
			t.Error("a reply after Close was taken")
		}
		close(ended)
		return ctx.Err()
	})
	s := d.stream(t, "ada", "")
	d.accepted(t, "/api/people/ada/messages", `{"text":"hello"}`)
	<-entered
	if err := d.console.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	select {
	case <-ended:
	default:
		t.Error("Close returned before the handler did")
	}
	s.drain(t)
	if _, err := d.console.Post(t.Context(), direct("ada"), "", chat.Message{Text: "x"}); err == nil {
		t.Error("Post after Close succeeded")
	}
	if status, body := d.call(t, http.MethodPost, "/api/people/ada/messages", `{"text":"hello"}`); status != http.StatusServiceUnavailable {
		t.Errorf("message after Close: %d %s, want 503", status, body)
	}
	if err := d.console.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
