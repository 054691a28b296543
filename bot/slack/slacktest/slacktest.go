// Package slacktest is a Slack of our own that runs in a test: a workspace with
// people, channels, the Web API, Socket Mode and signed HTTP, which refuses what
// Slack refuses. It knows nothing of the client library that the adapter uses,
// so that neither can be wrong in the other's way; Slack's own clients are
// connected to it by the tests behind the build tag "outside".
//
// What the platform does with time (three seconds to acknowledge, retries after
// a minute and after five, response addresses that end after thirty minutes)
// happens on the workspace's clock, which tests move with [Workspace.Advance].
//
// Where Slack's documents leave a choice, the stricter reading is taken.
package slacktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Options say what the workspace is like. The zero value is a usable one.
type Options struct {
	Team       string // team ID; "T0TWOKEY01" if empty
	Enterprise string // enterprise ID, where the workspace is part of a grid
	AppID      string // "A0TWOKEY01" if empty
	BotUser    string // user ID of the bot; "U0TWOKEY0B" if empty
	Command    string // the slash command; "/mfa" if empty
	// Scopes are what the bot token may do; nil is [DefaultScopes].
	Scopes []string
	// HTTP is where Slack delivers to; nil means Socket Mode.
	HTTP *Endpoint
	// Now is the clock that everything is measured on; nil is the machine's.
	// [Workspace.Advance] moves the workspace's time beyond it in either case.
	Now func() time.Time
	// Ping is how often each socket is pinged; zero means every five seconds,
	// negative never. It is the machine's time.
	Ping time.Duration
	// Burst is how many messages a channel takes at once before it takes one a
	// second; zero means 3.
	Burst int
	// Processing is how long a file has no media type after its upload; zero
	// means 50 ms, on the workspace's clock.
	Processing time.Duration
	// Seed decides which of several sockets gets an envelope.
	Seed uint64
	// Allow names error codes that the bot may run into by design: they are
	// answered and are no violation. "timeout" is a delivery that was not
	// acknowledged in time, "http_error" one that was answered with another
	// status than 200. Codes that answer an honest question
	// ("users_not_found", "hash_conflict") never are one.
	Allow []string
	// AllowViolations lets a test end with violations, because it looks at
	// them itself.
	AllowViolations bool
}

// Endpoint is a bot that Slack reaches by HTTP.
type Endpoint struct {
	// URL is what "/commands", "/actions" and "/events" are appended to.
	URL           string
	SigningSecret string
}

// DefaultScopes is what a bot needs that answers commands, buttons, mentions
// and direct messages, uploads files and looks up who somebody is.
var DefaultScopes = []string{
	"commands", "chat:write", "im:write", "im:history", "app_mentions:read", "users:read", "users:read.email", "files:write", "files:read",
}

// Workspace is one Slack workspace with the bot's app installed.
type Workspace struct {
	options Options
	server  *httptest.Server
	quit    chan struct{}
	running sync.WaitGroup

	mu         sync.Mutex
	changed    chan struct{} // closed and replaced at each change
	clock      clock
	random     *rand.Rand
	serial     int
	closed     bool
	violations []string

	users    []*User
	channels []*Channel
	messages []*message
	byID     map[string]*message // by channel and ts, as Message.ID
	lastTS   string
	files    map[string]*file
	uploads  map[string]*file // by the secret in the upload address

	conns      []*conn
	tickets    map[string]bool // one-use secrets of socket addresses; true until used
	cutNext    bool
	linkOff    bool
	pending    map[string]*attempt // unacknowledged deliveries by envelope ID
	triggers   map[string]*trigger
	responses  map[string]*responseURL
	modals     map[string][]*View // stack per user
	homes      map[string]*View
	calls      []Call
	faults     []*Fault
	buckets    map[string]*bucket
	revoked    bool
	deliveries []*Delivery
}

// New starts a workspace that ends with the test. Violations that are left
// then fail it, unless the options allow them.
func New(t testing.TB, o Options) *Workspace {
	t.Helper()
	w := Start(o)
	t.Cleanup(func() {
		w.Close()
		if o.AllowViolations {
			return
		}
		for _, v := range w.Violations() {
			t.Errorf("Slack would complain: %s", v)
		}
	})
	return w
}

// Start starts a workspace on loopback that runs until Close.
func Start(o Options) *Workspace {
	o = o.named()
	o.Ping = or(o.Ping, 5*time.Second)
	o.Burst = or(o.Burst, 3)
	o.Processing = or(o.Processing, 50*time.Millisecond)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Scopes == nil {
		o.Scopes = DefaultScopes
	}
	w := &Workspace{
		options: o, quit: make(chan struct{}), changed: make(chan struct{}),
		random: rand.New(rand.NewPCG(o.Seed, 1)), byID: map[string]*message{}, files: map[string]*file{}, uploads: map[string]*file{},
		tickets: map[string]bool{}, pending: map[string]*attempt{}, triggers: map[string]*trigger{},
		responses: map[string]*responseURL{}, modals: map[string][]*View{}, homes: map[string]*View{},
		buckets: map[string]*bucket{},
	}
	w.clock.kick = make(chan struct{}, 1)
	w.users = append(w.users, &User{ID: o.BotUser, Name: "twokey", Bot: true, Team: o.Team})
	w.server = httptest.NewServer(w.handler())
	w.running.Go(w.runClock)
	return w
}

// named returns the options with all their names.
func (o Options) named() Options {
	o.Team = or(o.Team, "T0TWOKEY01")
	o.AppID = or(o.AppID, "A0TWOKEY01")
	o.BotUser = or(o.BotUser, "U0TWOKEY0B")
	o.Command = or(o.Command, "/mfa")
	return o
}

// or returns v, or instead if v is zero.
func or[T comparable](v, instead T) T {
	var zero T
	if v == zero {
		return instead
	}
	return v
}

// Close ends the workspace and everything that it started.
func (w *Workspace) Close() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	w.closed = true
	close(w.quit)
	for _, c := range w.conns {
		c.cut()
	}
	w.mu.Unlock()
	w.server.CloseClientConnections()
	w.server.Close()
	w.running.Wait()
}

// APIURL returns the base address of the Web API; it ends in "/".
func (w *Workspace) APIURL() string { return w.server.URL + "/api/" }

// AppToken returns the app-level token, which opens sockets and nothing else.
func (w *Workspace) AppToken() string { return "xapp-1-" + w.options.AppID + "-1-0123456789abcdef" }

// BotToken returns the bot token.
func (w *Workspace) BotToken() string { return "xoxb-1-1-0123456789abcdef" }

// BotUser returns the bot's user ID.
func (w *Workspace) BotUser() string { return w.options.BotUser }

// Team returns the workspace's own ID.
func (w *Workspace) Team() string { return w.options.Team }

// Revoke makes both tokens invalid, as when the app is removed.
func (w *Workspace) Revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = true
	w.change()
}

// Violations returns everything that Slack would have refused or complained
// about, oldest first: refused calls, late and oversize acknowledgements,
// response addresses used too often. Being told to slow down is none, nor is
// what a fault caused.
func (w *Workspace) Violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.violations)
}

// violate records a violation. It needs w.mu.
func (w *Workspace) violate(format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
	w.change()
}

// complain records a violation unless the options allow its code. It needs w.mu.
func (w *Workspace) complain(code, format string, args ...any) {
	if !slices.Contains(natural, code) && !slices.Contains(w.options.Allow, code) {
		w.violate(format, args...)
	}
}

// change wakes everybody who waits. It needs w.mu.
func (w *Workspace) change() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// Wait returns true as soon as the condition holds, and false if ctx ends
// before. It looks at each change of the workspace and, because the condition
// may be about something else too, every few milliseconds.
func (w *Workspace) Wait(ctx context.Context, holds func() bool) bool {
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if holds() {
			return true
		}
		select {
		case <-changed:
		case <-often.C:
		case <-ctx.Done():
			return false
		}
	}
}

// next returns a number that was not given before. It needs w.mu.
func (w *Workspace) next() int {
	w.serial++
	return w.serial
}

// newID returns an ID as Slack's look: a letter and ten more. It needs w.mu.
func (w *Workspace) newID(letter string) string {
	return fmt.Sprintf("%s0%09d", letter, w.next())
}

// uuid returns an envelope ID. It needs w.mu.
func (w *Workspace) uuid() string {
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", w.random.Uint32(), w.random.Uint32()>>16, w.next())
}

func (w *Workspace) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", w.serveAPI)
	mux.HandleFunc("GET /link/", w.serveSocket)
	mux.HandleFunc("POST /upload/{secret}", w.serveUpload)
	mux.HandleFunc("POST /respond/{secret}", w.serveResponse)
	mux.HandleFunc("GET /files/{id}", w.serveFile)
	return mux
}
