package commands

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	"twokey/store"
	"twokey/store/pgtest"
)

// office is a bot over a simulated tenant, which it reaches through the real
// client and over HTTP. Its tenant's ledger says what was done.
type office struct {
	*world
	sim    *simtenant.Tenant
	client *msgraph.Client
	twist  *twist
	laid   rules.Rules
	dsn    string
	runner *approval.Runner
	begun  time.Time
	still  bool                                // time stands, but for what is advanced
	tick   time.Duration                       // between looks at the requests: hours pass here, with a look for each
	facts  func(context.Context) rollout.Facts // nil: nothing is known of the tenant
}

// twist is the tenant as the bot reads it, where a test wants it otherwise than
// the simulation can be made: who holds which role, and what our app may do.
type twist struct {
	*msgraph.Client
	roles  map[string][]graph.Role // by user ID, on top of the tenant's
	bosses map[string]string       // by user ID, in place of the tenant's
	mighty bool                    // our app holds a directory role
	meekly bool                    // our app lacks the permission to block
}

func (t *twist) RoleHolders(ctx context.Context) ([]graph.RoleHolder, error) {
	all, err := t.Client.RoleHolders(ctx)
	for id, roles := range t.roles {
		all = append(all, graph.RoleHolder{UserID: id, Roles: roles})
	}
	return all, err
}

func (t *twist) Manager(ctx context.Context, id string) (graph.User, error) {
	if boss, ok := t.bosses[id]; ok {
		return t.User(ctx, boss)
	}
	return t.Client.Manager(ctx, id)
}

func (t *twist) Grants(context.Context) (graph.Grants, error) {
	g := graph.Grants{Permissions: []graph.Permission{"User.EnableDisableAccount.All"}}
	if t.mighty {
		g.Roles = []string{graph.RolePrivilegedAuthAdmin}
	}
	if t.meekly {
		g.Permissions = nil
	}
	return g, nil
}

// pipes is a listener without a network: real sockets do not count as waiting.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// setting is what an office begins with.
type setting struct {
	sim  simtenant.Config
	laid rules.Rules
	dsn  string // a file of its own, if empty

	still bool // time stands

	tick time.Duration // how often requests are looked at
}

// busy is looked after as often as a bot does it.
func busy(s *setting) { s.tick = time.Second }

func p1Office(s *setting) { s.sim.Licence = graph.P1 }

// openEach runs f in an office on a file, and in one on a server.
func openEach(t *testing.T, f func(o *office), change ...func(*setting)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { open(t, f, change...) })
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn := migrated(t)
		open(t, f, append(slices.Clone(change), func(s *setting) { s.dsn = dsn })...)
	})
}

// migrated is a database on the server with its tables in it: to make those
// anew takes longer than most tests.
func migrated(t *testing.T) string {
	t.Helper()
	return pgtest.Prepared(t, "migrated", func(dsn string) error {
		s, err := store.Open(context.Background(), store.Config{DSN: dsn, Now: time.Now})
		if err != nil {
			return err
		}
		return s.Close()
	})
}

// open runs f in an office where time passes only when everybody waits.
func open(t *testing.T, f func(o *office), change ...func(*setting)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { furnish(t, f, change...) })
}

// furnish runs f in an office, by whatever time passes there.
func furnish(t *testing.T, f func(o *office), change ...func(*setting)) {
	t.Helper()
	o := &office{begun: time.Now(), world: &world{t: t, fixture: town(), digest: &fakeDigest{}, log: &bytes.Buffer{}, ahead: &atomic.Int64{}}}
	s := setting{sim: simtenant.Config{People: 20, Epoch: start, Now: o.now}, laid: o.rules(), tick: 5 * time.Second}
	for _, c := range change {
		c(&s)
	}
	o.tick = s.tick
	o.laid, o.still, o.dsn = s.laid, s.still, cmp.Or(s.dsn, blank(t))
	var err error
	if o.sim, err = simtenant.New(s.sim); err != nil {
		t.Fatal(err)
	}
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: o.sim, ErrorLog: log.New(io.Discard, "", 0)}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) })
	transport := &http.Transport{DialContext: l.dial}
	defer func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		running.Wait()
	}()
	o.client, err = msgraph.New(msgraph.Config{
		BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken("twokey"), Unbudgeted: true, Now: o.now, Transport: transport, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	o.staff(f)
}

// rules are the demo's: the cast, and both emergency accounts protected.
func (o *office) rules() rules.Rules {
	r := rules.Rules{Tenant: "", Roles: map[string][]rules.Holder{}, Links: map[string]string{}, Changes: Kinds(), Wait: 15 * time.Minute, Contact: "Ada Okafor, extension 42"}
	for _, m := range simtenant.Cast(0) {
		r.Links[identity.LinkKey(account(m.ID))] = m.ObjectID
	}
	for role, names := range map[identity.Role][]string{
		identity.Owner: {"olga"}, identity.Lead: {"olga", "ada"}, identity.Helpdesk: {"ada"}, identity.Approver: {"abe", "bea"}, identity.Viewer: {"vic"},
	} {
		for _, name := range names {
			r.Roles[string(role)] = append(r.Roles[string(role)], rules.Holder{User: cast(name)})
		}
	}
	for _, m := range simtenant.Emergency(0) {
		r.Emergency, r.Protected = append(r.Emergency, m.ObjectID), append(r.Protected, m.ObjectID)
	}
	return r
}

// cast returns somebody's object ID in the simulated tenant.
func cast(name string) string {
	for _, m := range slices.Concat(simtenant.Cast(0), simtenant.Emergency(0)) {
		if m.ID == name {
			return m.ObjectID
		}
	}
	panic("there is no " + name)
}

func upn(name string) string { return name + "@harbourvale.example" }

// staff puts the bot together, and ends it again.
func (o *office) staff(f func(o *office)) {
	t := o.t
	ctx := t.Context()
	org, err := o.client.Organization(ctx)
	if err != nil {
		t.Fatal(err)
	}
	o.laid.Tenant = org.ID
	o.store, err = store.Open(ctx, store.Config{DSN: o.dsn, Now: o.now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	articles, err := theGuide()
	if err != nil {
		t.Fatal(err)
	}
	o.twist = &twist{Client: o.client, roles: map[string][]graph.Role{}}
	keeper := rules.Fixed(o.laid)
	people := identity.New(identity.Config{
		Rules: keeper, Ask: AskRoles(), Self: SelfKinds(), Security: o.client, Requests: o.store, Opening: Opening(), Links: o.store, Now: o.now,
	}, o.client)
	o.env = Env{
		Organization: org, Tenant: o.twist, Writer: o.client, Scope: rollout.Scope{},
		Facts: func(ctx context.Context) rollout.Facts { // what is known may come later than the runner
			if o.facts == nil {
				return rollout.Facts{}
			}
			return o.facts(ctx)
		},
		Engine:   &approval.Engine{Store: o.store, Standing: people, Expiry: AroundTheClock(zone).Expiry, Caps: approval.Caps{PerRequest: o.laid.PerRequest, PerHour: o.laid.PerHour}},
		Requests: o.store, People: people, Guide: articles, Records: o.store, Declarations: o.store, Digest: o.digest, Staff: o.store,
		Rules: keeper, Proofs: o.store, Chosen: everybodyChosen, Zone: zone, Links: []string{"intranet.vale.example"}, Admins: adminsChannel, ChatSignIn: ChatOwn, Build: "twokey 0.1", Now: o.now,
		Collect: func(ctx context.Context, v approval.Vote, deliver func(context.Context, any) error) (approval.Request, error) {
			return o.runner.Collect(ctx, v, deliver)
		},
	}
	o.env.Nudges = o.nudger()
	o.env.Engine.Prove = func(ctx context.Context, p approval.Principal, account, kind string, d approval.Deed) (approval.Fresh, error) {
		return Prove(o.env)(ctx, p, account, kind, d) // as the env is then
	}
	o.runner = approval.NewRunner(approval.RunnerConfig{
		Store: o.store, Standing: people, Actions: Actions(o.env), Owner: "process-1", Log: slog.New(slog.NewTextHandler(o.log, nil)),
		Current: Current(keeper), Prove: o.env.Engine.Prove, Limits: approval.Limits{Tick: o.tick},
	})
	o.assemble()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var ended sync.WaitGroup
	ended.Go(func() { _ = o.runner.Run(running) })
	defer ended.Wait()
	defer stop()
	f(o)
}

// now goes on with the bubble's time, from the start of the day.
func (o *office) now() time.Time {
	if o.still {
		return o.world.now()
	}
	return start.Add(time.Duration(o.ahead.Load()) + time.Since(o.begun))
}

// effects are the writes that the tenant applied in the bot's name.
func (o *office) effects() []simtenant.Effect {
	return slices.DeleteFunc(o.sim.Ledger(), func(e simtenant.Effect) bool { return e.App != "twokey" })
}

// portal changes the tenant past the bot, and returns the answer.
func (o *office) portal(method, path, body string) string {
	o.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Authorization", "Bearer portal")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	o.sim.ServeHTTP(w, r)
	if w.Code/100 != 2 {
		o.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// fault plans failures, as JSON.
func (o *office) fault(list string) {
	o.t.Helper()
	o.portal("POST", "/_sim/faults", list)
}

// asks has somebody ask for a change, and returns the request.
func (o *office) asks(person, line string) approval.Request {
	o.t.Helper()
	got := o.say(person, line)
	if !strings.HasPrefix(got.Headline, "Recorded as R-") {
		o.t.Fatalf("%q is answered with\n%s", line, got.Plain())
	}
	return o.request(got.Request)
}

func (o *office) request(ref string) approval.Request {
	o.t.Helper()
	return o.named(ref)
}

// agrees has the approvers approve a request, as many as it needs.
func (o *office) agrees(r approval.Request) {
	o.t.Helper()
	for _, name := range []string{"abe", "bea"}[:r.Policy.Quorum] {
		wantSaid(o.t, o.press(name, "approve", r.Seal(), nil), "Your approval of "+r.Ref+" is recorded")
	}
}

// ends lets time pass until the request has ended, and returns it.
func (o *office) ends(r approval.Request) approval.Request {
	o.t.Helper()
	for range 60 {
		time.Sleep(30 * time.Second)
		if r = o.request(r.Ref); r.State.Final() {
			return r
		}
	}
	o.t.Fatalf("%s is %s after half an hour\n%s", r.Ref, r.State, o.log)
	return r
}

// steps are the last tries of a request's steps.
func (o *office) steps(r approval.Request) (all []approval.Step) {
	o.t.Helper()
	err := o.store.View(context.Background(), func(tx approval.Tx) (err error) {
		all, err = tx.Steps(r.ID)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return all
}

// notices words every message of a kind that is owed about anything.
func (o *office) notices(kind string) (all []chat.Message, to []chat.Address) {
	o.t.Helper()
	rows, err := o.store.Due(context.Background(), 1000)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, row := range rows {
		if row.Kind != kind {
			continue
		}
		m, err := Renderers(o.env)[kind](context.Background(), row.Facts)
		if err != nil {
			o.t.Fatal(err)
		}
		all, to = append(all, m), append(to, row.To)
	}
	return all, to
}

// methodsNow reads somebody's methods past the bot.
func (o *office) methodsNow(name string) []graph.Method {
	o.t.Helper()
	all, err := o.client.Methods(context.Background(), []string{cast(name)})
	if err != nil || all[0].Err != nil {
		o.t.Fatal(err, all)
	}
	return all[0].Methods
}

// muffled is somebody whose private answers do not arrive.
type muffled struct {
	tried int
	aloud []chat.Message
}

func (m *muffled) Reply(_ context.Context, said chat.Message) error {
	if said.Secret {
		m.tried++
	}
	return errors.New("not delivered")
}

func (m *muffled) Say(_ context.Context, said chat.Message) error {
	m.aloud = append(m.aloud, said)
	return nil
}
