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
	"slices"
	"sync"
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
	Pause: 2 * time.Minute,
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
	rules  atomic.Int64 // the version of the rules; 0 is that of every request
	tidy   func(context.Context) error

	process *process   // the newest
	others  []*process // that work beside it
	number  int
	asked   int

	log     journal // what every process logged, at any level
	mu      sync.Mutex
	handed  map[string][]string // by request ID: the passes that were shown to its requester
	collect sync.WaitGroup      // presses under way
	over    map[string]bool     // processes that run no more, by owner
	silent  bool                // no process learns that another has ended
}

// process is one life of the runner.
type process struct {
	owner  string
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
	w := &world{t: t, dsn: dsn, limits: limits, handed: map[string][]string{}, over: map[string]bool{}}
	w.tenant = &tenant{now: w.now, values: map[string]string{}, passes: map[string]pass{}, look: w.wantIntent, onRead: func() {}, late: limits.Settle / 4, wait: 2 * time.Second}
	w.people = &people{
		askers:    map[string]bool{"ada": true, "abe": true},
		approvers: map[string]bool{"abe": true, "bea": true, "cid": true},
	}
	w.open()
	w.beside = store.OpenToRead(w.dsn)
	w.tidy = func(ctx context.Context) error { return w.engine.Tidy(ctx) }
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
		Current:  w.current,
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
	for _, p := range w.alive() {
		p.runner.Wake()
	}
}

// alive returns every process, the newest last.
func (w *world) alive() []*process {
	if w.process == nil {
		return w.others
	}
	return append(slices.Clone(w.others), w.process)
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
	p := &process{owner: fmt.Sprintf("process-%d", w.number), store: m, stop: stop, done: make(chan error, 1)}
	p.runner = approval.NewRunner(approval.RunnerConfig{
		Store: m, Standing: w.people, Owner: p.owner, Limits: w.limits, Log: w.logger(),
		Actions: map[string]approval.Action{
			kindSet: setting{w.tenant, m}, kindPass: issuing{w.tenant, m}, kindMade: issuing{w.tenant, m}, kindOwn: owning{}, kindRead: reading{setting{w.tenant, m}}, approval.KindThaw: approval.Thaw{Store: m},
		},
		Tidy: w.tidy, Gone: w.gone, Current: w.current,
	})
	w.process = p
	go func() { p.done <- p.runner.Run(ctx) }()
}

// current refuses what was asked under other rules than those of now.
func (w *world) current(_ context.Context, r approval.Request) error {
	switch now := w.rules.Load(); now {
	case 0, int64(r.Policy.Version):
		return nil
	case -1:
		return errDown
	default:
		return &approval.Refusal{Code: approval.ErrChanged.Code, Text: "The rules are others."}
	}
}

// gone reports of a process that was killed or has ended that it is, as far as
// others can know that.
func (w *world) gone(owner string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over[owner] && !w.silent
}

// journal keeps what is written to it.
type journal struct {
	mu   sync.Mutex
	text []byte
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text = append(j.text, p...)
	return len(p), nil
}

func (j *journal) all() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.text)
}

// logger keeps all that is logged, to be searched for what must not be there.
func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// join begins a process beside those that there are. None of them is alone.
func (w *world) join(m *mortal) *process {
	w.t.Helper()
	if m == nil {
		m = &mortal{left: -1}
	}
	m.Store, m.company = w.store, true
	if w.process != nil {
		w.others = append(w.others, w.process)
	}
	w.start(m)
	return w.process
}

// leave ends one of the processes, and waits for it.
func (w *world) leave(p *process, kill bool) {
	w.t.Helper()
	if kill {
		p.store.kill()
	}
	p.store.goOn()
	p.stop()
	if err := <-p.done; err != nil {
		w.t.Errorf("Run: %v", err)
	}
	w.mu.Lock()
	w.over[p.owner] = true
	w.mu.Unlock()
	w.others = slices.DeleteFunc(w.others, func(o *process) bool { return o == p })
	if w.process == p {
		w.process = nil
		if n := len(w.others); n > 0 {
			w.process, w.others = w.others[n-1], w.others[:n-1]
		}
	}
}

// halt asks every process to stop, and waits for them.
func (w *world) halt() {
	w.t.Helper()
	for _, p := range w.alive() {
		p.stop()
	}
	for _, p := range w.alive() {
		w.leave(p, false)
	}
	w.collect.Wait()
}

// kill ends the process without a word: nothing that it stores from now on is
// stored. A call that is under way ends unheard.
func (w *world) kill() {
	w.t.Helper()
	for _, p := range w.alive() {
		p.store.kill()
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
	snapshot, err := (setting{tenant: w.tenant}).Snapshot(context.Background(), approval.Request{Targets: p.Targets})
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
	w.collect.Wait()
	for _, p := range w.alive() {
		p.store.goOn()
		p.store.spare()
		if p.store.died() && len(w.others) > 0 {
			w.leave(p, true)
		}
	}
	if w.process == nil || w.process.store.died() {
		w.restart(nil)
	}
	for _, r := range w.requests() {
		if r.Policy.Collect > 0 && r.State == approval.Approved { // nobody collects it any more
			_, _ = w.engine.Cancel(context.Background(), press(r, r.Requester.Object))
		}
		w.end(r)
	}
	w.check(true)
	w.checkSecrets()
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
