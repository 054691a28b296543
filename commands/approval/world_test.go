package approval_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"twokey/commands/approval"
	"twokey/store"
	"twokey/store/pgtest"
)

const tenantID = "t-1"

// The rules of the world: short, so that much of its time can pass in a test.
var limits = approval.Limits{
	Tick: time.Second, Call: 5 * time.Second, Attempt: 40 * time.Second, Settle: 16 * time.Second, GiveUp: time.Minute, Lease: 10 * time.Second,
}

const expiry = 10 * time.Minute

func person(object string) approval.Principal {
	return approval.Principal{Tenant: tenantID, Object: object}
}

// world is an engine and a runner over a real database, a tenant and people.
// It lives in a bubble, where time passes when all sleep.
type world struct {
	t      rapid.TB
	dsn    string
	ahead  atomic.Int64 // the database's clock is so many nanoseconds ahead
	store  *store.Store
	beside *store.Store // looks at the database from outside
	tenant *tenant
	people *people
	engine *approval.Engine
	limits approval.Limits

	process *process
	number  int
	asked   int
}

// process is one life of the runner.
type process struct {
	runner *approval.Runner
	store  *mortal
	stop   context.CancelFunc
	done   chan error
}

// newWorld opens a world in a bubble, over the database of that name. Its people
// are the askers ada and abe, and the approvers abe, bea and cid. Whoever opens
// it closes it.
func newWorld(t rapid.TB, dsn string) *world {
	t.Helper()
	w := &world{t: t, dsn: dsn, limits: limits}
	w.tenant = &tenant{now: w.now, values: map[string]string{}, look: w.wantIntent, late: limits.Settle / 4, wait: 2 * time.Second}
	w.people = &people{
		askers:    map[string]bool{"ada": true, "abe": true},
		approvers: map[string]bool{"abe": true, "bea": true, "cid": true},
	}
	w.open()
	w.beside = store.OpenToRead(w.dsn)
	return w
}

// bubble runs f in a world of its own whose runner works, and checks what is
// left of it against the tenant's ledger.
func bubble(t *testing.T, f func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	bubbleOver(t, file(t.TempDir()), f)
}

// everywhere runs f in a bubble on each of the databases.
func everywhere(t *testing.T, f func(*testing.T, *world)) {
	t.Helper()
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { bubble(t, f) })
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		bubbleOver(t, pgtest.DSN(t), f)
	})
}

// file names the database in a directory.
func file(dir string) string { return filepath.Join(dir, "twokey.db") }

func bubbleOver(t *testing.T, dsn string, f func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dsn)
		defer w.close()
		w.start(nil)
		f(t, w)
		w.finish()
	})
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *world) open() {
	w.t.Helper()
	s, err := store.Open(context.Background(), store.Config{DSN: w.dsn, Now: w.now})
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	w.store = s
	w.engine = &approval.Engine{
		Store: s, Standing: w.people, Wake: w.wake,
		Expiry:   func(asked time.Time) time.Time { return asked.Add(expiry) },
		Caps:     approval.Caps{PerHour: -1, OpenPerPerson: -1, AskedPerHour: -1},
		Everyone: func(context.Context) ([]string, error) { return w.people.everyone() },
	}
}

func (w *world) close() {
	w.t.Helper()
	w.halt()
	if err := errors.Join(w.beside.Close(), w.store.Close()); err != nil {
		w.t.Errorf("close: %v", err)
	}
}

func (w *world) wake() {
	if w.process != nil {
		w.process.runner.Wake()
	}
}

// start begins a process that has never been before. With a store of its own
// it sees the database through that.
func (w *world) start(m *mortal) {
	w.t.Helper()
	w.number++
	if m == nil {
		m = &mortal{Store: w.store, left: -1}
	}
	ctx, stop := context.WithCancel(context.Background())
	actions := map[string]approval.Action{kindSet: setting{w.tenant}, approval.KindThaw: approval.Thaw{Store: m}}
	r := approval.NewRunner(approval.RunnerConfig{
		Store: m, Standing: w.people, Actions: actions, Owner: fmt.Sprintf("process-%d", w.number), Limits: w.limits, Log: slog.New(slog.DiscardHandler),
		Tidy: w.engine.Tidy, Gone: w.gone,
	})
	p := &process{runner: r, store: m, stop: stop, done: make(chan error, 1)}
	w.process = p
	go func() { p.done <- r.Run(ctx) }()
}

// gone says of a process that was killed or has ended that it is: there is one
// at a time here.
func (w *world) gone(owner string) bool { return owner != fmt.Sprintf("process-%d", w.number) }

// halt asks the process to stop, and waits for it.
func (w *world) halt() {
	w.t.Helper()
	if w.process == nil {
		return
	}
	w.process.stop()
	if err := <-w.process.done; err != nil {
		w.t.Errorf("Run: %v", err)
	}
	w.process = nil
}

// kill ends the process without a word: nothing that it stores from now on is
// stored. A call that is under way ends unheard.
func (w *world) kill() {
	w.t.Helper()
	if w.process != nil {
		w.process.store.kill()
	}
	w.halt()
}

// restart begins a new process on the same file, as the next start of the bot.
func (w *world) restart(m *mortal) {
	w.t.Helper()
	w.kill()
	if err := w.store.Close(); err != nil {
		w.t.Errorf("close: %v", err)
	}
	w.open()
	if m != nil {
		m.Store = w.store
	}
	w.start(m)
}

// plan returns a request for the given targets to be set to "on", as the asker
// would make it now.
func (w *world) plan(asker string, quorum int, targets ...string) approval.Plan {
	w.t.Helper()
	w.asked++
	p := approval.Plan{
		Tenant: tenantID, TenantName: "Contoso", Kind: kindSet, KindVersion: 1,
		Args:  json.RawMessage(fmt.Sprintf(`{"value":"on-%d"}`, w.asked)),
		Words: approval.Words{Headline: "Set it on"}, Reason: "because", Requester: person(asker), Account: "chat/" + asker,
		Key:         fmt.Sprintf("delivery-%d", w.asked),
		Policy:      approval.Policy{Name: "some", Quorum: quorum, Version: 1},
		Subscribers: []approval.Subscriber{{Address: `{"platform":"chat","user":"` + asker + `"}`, Requester: true}, {Address: `{"platform":"chat","channel":"admins"}`}},
	}
	for _, id := range targets {
		p.Targets = append(p.Targets, approval.Target{ID: id, Name: "the object " + id})
	}
	snapshot, err := (setting{w.tenant}).Snapshot(context.Background(), approval.Request{Targets: p.Targets})
	if err != nil {
		snapshot = json.RawMessage("{}")
	}
	p.Snapshot = snapshot
	return p
}

// ask submits a request that must be accepted.
func (w *world) ask(asker string, quorum int, targets ...string) approval.Request {
	w.t.Helper()
	r, err := w.engine.Submit(context.Background(), w.plan(asker, quorum, targets...))
	if err != nil {
		w.t.Fatalf("Submit: %v", err)
	}
	return r
}

func press(r approval.Request, who string) approval.Vote {
	return approval.Vote{By: person(who), Account: "chat/" + who, Seal: r.Seal()}
}

// approve lets people approve who must be able to.
func (w *world) approve(r approval.Request, who ...string) approval.Request {
	w.t.Helper()
	for _, object := range who {
		var err error
		if r, err = w.engine.Approve(context.Background(), press(r, object)); err != nil {
			w.t.Fatalf("Approve by %s: %v", object, err)
		}
	}
	return r
}

// find reads a request.
func (w *world) find(r approval.Request) approval.Request {
	w.t.Helper()
	r, err := w.engine.Find(context.Background(), r.ID)
	if err != nil {
		w.t.Fatalf("Find: %v", err)
	}
	return r
}

// end waits until a request has ended.
func (w *world) end(r approval.Request) approval.Request {
	w.t.Helper()
	for range 2 * int(expiry/time.Second) {
		synctest.Wait()
		if r = w.find(r); r.State.Final() {
			return r
		}
		time.Sleep(time.Second)
	}
	w.t.Fatalf("%s is stuck in %s", r.Ref, r.State)
	return r
}

// wantEnd waits for the end, which must be this one.
func (w *world) wantEnd(r approval.Request, want approval.State) approval.Request {
	w.t.Helper()
	if r = w.end(r); r.State != want {
		w.t.Errorf("%s ended as %s (%+v), want %s", r.Ref, r.State, r.Outcome, want)
	}
	return r
}

// finish switches all faults off, waits until every request has ended, and
// checks the whole history.
func (w *world) finish() {
	w.t.Helper()
	w.tenant.plan()
	w.tenant.setDown(false)
	w.people.change(func() { w.people.down = false })
	if w.process != nil {
		w.process.store.spare()
	}
	if w.process == nil || w.process.store.died() {
		w.restart(nil)
	}
	for _, r := range w.requests() {
		w.end(r)
	}
	w.check(true)
}

func (w *world) requests() (rs []approval.Request) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx approval.Tx) (err error) {
		rs, err = tx.Requests("")
		return err
	})
	if err != nil {
		w.t.Fatalf("list requests: %v", err)
	}
	return rs
}

// wantIntent is guarantee G04, asked of the database from outside whenever a
// call arrives at the tenant: its intent is stored, open, and says the same.
func (w *world) wantIntent(_ context.Context, clientID string, c approval.Call) {
	hash := sha256.Sum256(c.Body)
	err := w.beside.View(context.Background(), func(tx approval.Tx) error {
		running, err := tx.Requests("", approval.Executing, approval.Reconciling)
		if err != nil {
			return err
		}
		for _, r := range running {
			steps, err := tx.Steps(r.ID)
			if err != nil {
				return err
			}
			for _, s := range steps {
				if s.ClientID == clientID && s.Class == approval.Open && s.Method == c.Method && s.URL == c.URL && s.BodyHash == hex.EncodeToString(hash[:]) {
					return nil
				}
			}
		}
		return fmt.Errorf("%s %s arrived without an intent", c.Method, c.URL)
	})
	if err != nil {
		w.t.Errorf("G04: %v", err)
	}
}
