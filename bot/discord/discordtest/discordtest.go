// Package discordtest is a Discord of our own that runs in a test: a server with
// people and channels, the REST API, the gateway and signed HTTP interactions,
// which refuses what Discord refuses. Every body that it is sent is held to
// Discord's own OpenAPI description. It knows nothing of the client library that
// the adapter uses, so that neither can be wrong in the other's way; independent
// clients are connected to it by the tests behind the build tag "outside".
//
// What the platform does with time (three seconds to answer, tokens that end
// after fifteen minutes) is measured on the platform's clock, which tests move
// with [Platform.Advance].
//
// Where Discord's documents leave a choice, the stricter reading is taken.
package discordtest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Options say what the platform is like. The zero value is a usable one.
type Options struct {
	AppID string // "310000000000000001" if empty; also the bot's user ID
	Guild string // "410000000000000001" if empty
	// HTTP is the address that interactions are sent to; empty means the gateway.
	HTTP string
	// Now is the clock that everything is measured on; nil is the machine's.
	// [Platform.Advance] moves the platform's time beyond it in either case.
	Now func() time.Time
	// Heartbeat is the interval that clients are told; zero means 41.25 s. It is
	// the machine's time.
	Heartbeat time.Duration
	// Burst is how many messages a channel takes within five seconds; zero means 5.
	Burst int
	// Starts is how many sessions may be begun in a day; zero means 1000.
	Starts int
	// Listener is where it is reached; nil means the loopback.
	Listener net.Listener
	// Allow names error codes that the bot may run into by design: they are
	// answered and are no violation. "timeout" is an interaction that was not
	// answered in time.
	Allow []string
	// AllowViolations lets a test end with violations, because it looks at them
	// itself.
	AllowViolations bool
}

// Platform is one Discord, with one server in which the bot is.
type Platform struct {
	options Options
	server  *httptest.Server
	key     ed25519.PrivateKey
	quit    chan struct{}
	running sync.WaitGroup

	mu         sync.Mutex
	changed    chan struct{} // closed and replaced at each change
	ahead      time.Duration
	serial     uint64
	closed     bool
	violations []string
	revoked    bool

	users        []*User
	channels     []*Channel
	messages     []*message
	commands     map[string][]object // by scope: a guild's ID, or "" for global
	created      int                 // commands that were created today
	interactions map[string]*Delivery
	tokens       map[string]*Delivery
	modals       map[string]*Modal // open, by user
	deliveries   []*Delivery

	calls   []Call
	faults  []*Fault
	buckets map[string]*bucket
	invalid []time.Time // answers that count towards a ban

	sessions []*session
	conns    []*conn
	openings []Opening
	starts   []time.Time // identifies
}

// New starts a platform that ends with the test. Violations that are left then
// fail it, unless the options allow them.
func New(t testing.TB, o Options) *Platform {
	t.Helper()
	p := Start(o)
	t.Cleanup(func() {
		p.Close()
		if o.AllowViolations {
			return
		}
		for _, v := range p.Violations() {
			t.Errorf("Discord would complain: %s", v)
		}
	})
	return p
}

// Start starts a platform that runs until Close.
func Start(o Options) *Platform {
	o.AppID = or(o.AppID, "310000000000000001")
	o.Guild = or(o.Guild, "410000000000000001")
	o.Heartbeat = or(o.Heartbeat, 41250*time.Millisecond)
	o.Burst = or(o.Burst, 5)
	o.Starts = or(o.Starts, 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
	seed := sha256.Sum256([]byte("discordtest " + o.AppID))
	p := &Platform{
		options: o, key: ed25519.NewKeyFromSeed(seed[:]), quit: make(chan struct{}), changed: make(chan struct{}),
		commands: map[string][]object{}, interactions: map[string]*Delivery{}, tokens: map[string]*Delivery{},
		modals: map[string]*Modal{}, buckets: map[string]*bucket{},
	}
	p.users = append(p.users, &User{ID: o.AppID, Name: "twokey", Bot: true})
	p.server = httptest.NewUnstartedServer(p.handler())
	if o.Listener != nil {
		_ = p.server.Listener.Close() // it was opened only to be replaced
		p.server.Listener = o.Listener
	}
	p.server.Start()
	return p
}

// or returns v, or instead if v is zero.
func or[T comparable](v, instead T) T {
	var zero T
	if v == zero {
		return instead
	}
	return v
}

// Close ends the platform and everything that it started.
func (p *Platform) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	close(p.quit)
	for _, d := range p.deliveries {
		if !d.answered && !d.excused && p.now().Sub(d.began) > deadline {
			p.complain("timeout", "an interaction of type %v was not answered within %s", d.payload["type"], deadline)
		}
	}
	for _, c := range p.conns {
		c.cut()
	}
	p.mu.Unlock()
	p.server.CloseClientConnections()
	p.server.Close()
	p.running.Wait()
}

// APIURL returns the base address of the REST API, without a slash at its end.
func (p *Platform) APIURL() string { return p.server.URL + apiPath }

// apiPath is where the API is, as its version says.
const apiPath = "/api/v10"

// Token returns the bot's token.
func (p *Platform) Token() string {
	return "MzEwMDAwMDAwMDAwMDAwMDAx." + hex.EncodeToString(p.key[:6]) + ".discordtest-token"
}

// PublicKey returns the app's public key in hex.
func (p *Platform) PublicKey() string {
	return hex.EncodeToString(p.key.Public().(ed25519.PublicKey))
}

// AppID returns the application's ID, which is also the bot's user ID.
func (p *Platform) AppID() string { return p.options.AppID }

// Guild returns the server's ID.
func (p *Platform) Guild() string { return p.options.Guild }

// DeliverTo sets the address that interactions are sent to.
func (p *Platform) DeliverTo(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.options.HTTP = url
}

// Revoke makes the token invalid, as when it is reset.
func (p *Platform) Revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked = true
	p.change()
}

// Violations returns everything that Discord would have refused or complained
// about, oldest first. Being told to slow down is none, nor is what a fault
// caused.
func (p *Platform) Violations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.violations)
}

// complain records a violation unless the options allow its code. It needs p.mu.
func (p *Platform) complain(code, format string, args ...any) {
	if !slices.Contains(p.options.Allow, code) {
		p.violations = append(p.violations, fmt.Sprintf(format, args...))
		p.change()
	}
}

// change wakes everybody who waits. It needs p.mu.
func (p *Platform) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Wait returns true as soon as the condition holds, and false if ctx ends
// before. It looks at each change of the platform and, because the condition may
// be about something else too, every few milliseconds.
func (p *Platform) Wait(ctx context.Context, holds func() bool) bool {
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
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

// now needs p.mu.
func (p *Platform) now() time.Time { return p.options.Now().Add(p.ahead) }

// Now returns the platform's time.
func (p *Platform) Now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

// Advance moves the platform's time on.
func (p *Platform) Advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead += d
	p.change()
}

// discordEpoch is when Discord's IDs begin.
const discordEpoch = 1420070400000

// snowflake returns an ID as Discord's look: the time, and a number that was
// not given before. It needs p.mu.
func (p *Platform) snowflake() string {
	p.serial++
	return strconv.FormatUint(uint64(p.now().UnixMilli()-discordEpoch)<<22|p.serial&0x3fffff, 10)
}

// stamp returns a time as Discord writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

func (p *Platform) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, r := range routes {
		method, path, _ := cutRoute(pattern)
		mux.HandleFunc(method+" "+apiPath+path, func(rw http.ResponseWriter, q *http.Request) { p.serveREST(rw, q, pattern, r) })
	}
	mux.HandleFunc("GET /gateway/", p.serveGateway)
	mux.HandleFunc(apiPath+"/", func(rw http.ResponseWriter, q *http.Request) {
		p.mu.Lock()
		p.complain("unknown route", "%s %s is no route that discordtest plays", q.Method, q.URL.Path)
		p.mu.Unlock()
		write(rw, http.StatusNotFound, object{"message": "404: Not Found", "code": 0})
	})
	return mux
}
