// Package simtenant is a simulated Microsoft 365 tenant: an http.Handler that
// speaks Microsoft Graph's HTTP for the paths that Twokey uses, well enough
// that the real SDK cannot tell.
//
// Its world follows from a seed, an epoch and a clock: the same three give the
// same people, methods and sign-ins, and an earlier clock shows the tenant as
// it was. On top of that stand the changes that were applied, each of them in
// a ledger: what is in the ledger happened, and what is not did not.
//
// It is as large as asked: above 20,000 people it keeps no account, and makes
// each when somebody looks at it. Beside Graph it serves the sign-in service,
// for its own apps and people, over TLS too: see [Tenant.TLS].
//
// It says no where Graph does: licences, exclusions, queries that Graph does
// not support, wrong bodies and, if asked, throttling. Faults are injected
// through the addresses under /_sim/, which answer on loopback only.
//
// Where Graph's behaviour is not known for sure, a comment beside the code says
// so. Any bearer may enter, unless [Config.Apps] says which apps there are.
package simtenant

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"twokey/graph"
)

// defaultSeed stands in for a seed of 0.
const defaultSeed = 1

// Config says what tenant to simulate. The zero value is the demo's: 240
// people, Entra ID Free, seed 1, now.
type Config struct {
	// People is the number of enabled members who are persons, the cast
	// included; at least 7, and 240 if it is 0. Leavers (3 in 100), guests (4 in
	// 100), emergency and service accounts come on top. Above 20,000 they are other
	// people than in a smaller tenant, though like them.
	People int
	// Licence is what the tenant owns; graph.Free if it is unknown.
	Licence graph.Licence
	// Seed decides names, ids and events; 1 if it is 0.
	Seed uint64
	// Epoch is the moment at which the world is "now". Registrations and
	// sign-ins begin some ten weeks before it and go on after it. Now() if zero.
	Epoch time.Time
	// Now is the tenant's clock, time.Now if nil.
	Now func() time.Time
	// Journal is a file to which every applied change is appended and synced.
	// If it holds a tenant, that tenant goes on: its seed, size, licence, epoch,
	// changes and clock win over this Config. Empty keeps nothing.
	Journal string
	// Throttle turns on Graph's request budgets, by the tenant's clock.
	Throttle bool
	// RefuseMethods makes reads of single users' methods need a licence, as a
	// real Free tenant might: nobody has verified that it does not.
	RefuseMethods bool
	// PassesOff begins the tenant with Temporary Access Passes switched off in
	// its methods policy, where a write can switch them on.
	PassesOff bool
	// ConcealNames begins the tenant with usage reports that hide names, which
	// is what Microsoft gives to new tenants.
	ConcealNames bool
	// Lag is how far all reads are behind: what was changed just now is not seen
	// yet. Writes are judged by what is.
	Lag time.Duration
	// Apps are the tenant's app registrations. Each of them may do what it was
	// granted and no more, and without a bearer nobody may do anything. Where
	// there are none, any bearer or none may do everything. They are not in the
	// journal: who takes one up has to name the same apps again.
	Apps []App
	// Contexts are the authentication contexts, like c1, for which a Conditional
	// Access policy demands a second factor. There are none without P1.
	Contexts []string
	// Unguarded lets any bearer and none do everything although there are Apps:
	// they are there to be looked at.
	Unguarded bool
}

// Effect is one applied change.
type Effect struct {
	N               int             `json:"n"` // 1, 2, 3, … in the order of application
	At              time.Time       `json:"at"`
	App             string          `json:"app"` // whose write it was
	RequestID       string          `json:"request_id"`
	ClientRequestID string          `json:"client_request_id"`
	Method          string          `json:"method"`
	Path            string          `json:"path"` // with its version, "/v1.0/…"
	Body            json.RawMessage `json:"body"` // as sent; null if there was none
}

// Tenant is a simulated tenant. Its methods may be used concurrently.
type Tenant struct {
	cfg    Config
	world  *world
	faults faults
	seen   requestLog
	limits limits
	days   dayCache
	roster roster
	// downloadKey signs the addresses of files; every run has its own.
	downloadKey []byte
	codes       tickets[signedIn]
	sessions    tickets[session]
	halfways    tickets[halfway]
	spent       spent
	signingKey  func() (*rsa.PrivateKey, error) // of tokens; made when it is first needed
	serving     func() (tlsPair, error)

	mu       sync.RWMutex // guards the rest: a change is applied and recorded under it
	offset   time.Duration
	versions []version
	notes    []note
	ledger   []Effect
	last     time.Time // when something was last changed
	journal  *journal
}

// New makes the tenant, or takes it up again from its journal.
func New(cfg Config) (*Tenant, error) {
	cfg = cfg.withDefaults()
	if err := checkApps(cfg.Apps); err != nil {
		return nil, err
	}
	t := &Tenant{
		cfg: cfg, downloadKey: make([]byte, 32),
		signingKey: sync.OnceValues(makeSigningKey), serving: sync.OnceValues(makeTLS),
	}
	rand.Read(t.downloadKey)
	if cfg.Journal == "" {
		t.begin()
		return t, nil
	}
	if err := t.resume(); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", cfg.Journal, err)
	}
	return t, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.People == 0 {
		cfg.People = 240
	}
	cfg.People = max(cfg.People, castSize)
	if cfg.Licence == graph.LicenceUnknown {
		cfg.Licence = graph.Free
	}
	if cfg.Seed == 0 {
		cfg.Seed = defaultSeed
	}
	if cfg.Epoch.IsZero() {
		cfg.Epoch = cfg.Now()
	}
	cfg.Epoch = cfg.Epoch.UTC().Truncate(time.Second)
	return cfg
}

// begin makes the world of the configuration, without any change yet.
func (t *Tenant) begin() {
	t.world = newWorld(t.cfg.Seed, t.cfg.Epoch, t.cfg.People, t.cfg.Licence)
	t.versions, t.notes = t.world.past(t.cfg)
	t.world.holdAppRoles(t.versions[0].state.apps)
}

// Config returns the configuration in force, with defaults filled in and, where
// a journal was taken up, what it says. Another Tenant made from it with an
// earlier Now and no Journal shows the same tenant as it was then.
func (t *Tenant) Config() Config { return t.cfg }

// Now returns the time by the tenant's clock.
func (t *Tenant) Now() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.now()
}

// now never falls behind the last change, whatever the clock below does: who
// has been told of a change can read it.
func (t *Tenant) now() time.Time {
	now := t.cfg.Now().Add(t.offset).UTC()
	if now.Before(t.last) {
		return t.last
	}
	return now
}

// Advance moves the tenant's clock forward, on top of Config.Now. It is kept in
// the journal like a change. The clock cannot be moved back.
func (t *Tenant) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offset += min(d, math.MaxInt64-t.offset)
	// A clock that is not in the journal only runs behind after a restart.
	_ = t.journal.append(line{Offset: t.offset.String()})
}

// Ledger returns a copy of all applied changes, in order.
func (t *Tenant) Ledger() []Effect {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.ledger)
}

// Close closes the journal. Changes are refused from then on if there was one.
func (t *Tenant) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.journal.close()
}

// ServeHTTP answers Graph's paths under /v1.0 and /beta, those of the sign-in
// service under the tenant's id or domain, and /_sim/. Where a
// fault says so it ends the connection instead: by hijacking it, or, where that
// is not possible, by panicking with http.ErrAbortHandler.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		t.control(w, r)
		return
	}
	if name, rest, ok := loginCall(r.URL.Path); ok {
		t.signIn(w, r, name, rest)
		return
	}
	c, err := t.newCall(r)
	n := t.seen.begin(c, false)
	status := 0
	defer func() { t.seen.end(n, status) }()
	// The body is read first: net/http notices only then that a caller left.
	if err == nil {
		err = c.readBody(w, r)
	}
	c.fault = t.faults.take(c.method, c.path, fault.any)
	if !c.fault.wait(c.ctx) || c.fault.Cut == cutBefore && c.fault.Status == 0 {
		cutOff(w)
		return
	}
	var a *answer
	if err == nil {
		a, err = c.answer()
	}
	if c.fault.Cut == cutAfter && c.fault.Status == 0 {
		cutOff(w)
		return
	}
	a = c.fault.garble(c.answerTo(a, err))
	status = a.status
	c.write(w, a)
}

// answer runs a call whose parts are all read: first the injected fault, then
// the budget, then the thing itself.
func (c *call) answer() (*answer, error) {
	if c.fault.Status != 0 && c.fault.Cut != cutAfter {
		return nil, c.refused()
	}
	c.look()
	a, err := c.do()
	if c.fault.Status != 0 && err == nil {
		return nil, c.refused()
	}
	return a, err
}

// look sets what the call sees: the tenant as it is, or was when a change that
// is read from the journal was made.
func (c *call) look() {
	if c.replay != nil {
		c.view = c.t.viewAt(c.replay.At) // nobody else is there yet
		return
	}
	lag := c.fault.stale()
	if c.method == http.MethodGet {
		lag = max(lag, c.t.cfg.Lag)
	}
	c.view = c.t.viewBack(lag)
}

func (c *call) do() (*answer, error) {
	if c.isBatch() {
		return c.batch()
	}
	if c.version == downloads {
		return c.download()
	}
	if err := c.find(); err != nil {
		return nil, err
	}
	if err := c.spend(); err != nil {
		return nil, err
	}
	if err := c.permitted(); err != nil {
		return nil, err
	}
	return c.route.do(c)
}

// viewBack returns the tenant as it was some time ago; for 0, with every change.
func (t *Tenant) viewBack(lag time.Duration) view {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.viewAt(t.now().Add(-lag))
}

// viewAt returns the tenant as it was at a moment. Its caller holds the lock.
func (t *Tenant) viewAt(at time.Time) view {
	v := view{t: t, now: at, changes: t.roster.seen(at), versions: t.versions[:len(t.versions):len(t.versions)], notes: t.notes[:len(t.notes):len(t.notes)]}
	v.state = v.stateAt(v.now)
	return v
}
