package commands

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	_ "time/tzdata" // zones must be known on machines that have no zone files

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/rollout"
	graphsync "twokey/graph/sync"
	"twokey/scheduler"
	"twokey/store"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestMain has more tests run at once than there are cores: most of their time
// goes by while a database writes.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(strconv.Itoa(4 * runtime.GOMAXPROCS(0)))
	}
	os.Exit(m.Run())
}

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("%s, line %d:\n got %s\nwant %s\n(-update rewrites the file)", path, i+1, gotLines[i], wantLines[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d (-update rewrites the file)", path, len(gotLines), len(wantLines))
}

// whole shows all of a message: its plain twin, and what that leaves out.
func whole(m chat.Message) string {
	var b strings.Builder
	if m.Notice != "" {
		fmt.Fprintf(&b, "(notification: %s)\n", m.Notice)
	}
	b.WriteString(m.Plain() + "\n")
	for _, button := range m.Buttons {
		fmt.Fprintf(&b, "(button %s, %s: %q", button.ID, [...]string{"plain", "primary", "danger"}[button.Style], button.Value)
		for _, f := range button.Form {
			fmt.Fprintf(&b, ", %s %q, %d runes, required %t", f.ID, f.Label, f.MaxRunes, f.Required)
		}
		b.WriteString(")\n")
	}
	return b.String()
}

// tenant answers each call of the interfaces that commands and a full reading need by its function.
type tenant struct {
	Tenant // what no test of this fixture asks about
	Writer
	organization        func(context.Context) (graph.Organization, error)
	licence             func(context.Context) (graph.Licence, error)
	securityDefaults    func(context.Context) (graph.SecurityDefaults, error)
	policies            func(context.Context) ([]graph.Policy, error)
	users               func(context.Context) ([]graph.User, error)
	user                func(context.Context, string) (graph.User, error)
	roleHolders         func(context.Context) ([]graph.RoleHolder, error)
	registrations       func(context.Context) ([]graph.Registration, error)
	methods             func(context.Context, []string) ([]graph.UserMethods, error)
	legacySignIns       func(context.Context, time.Time) ([]graph.SignIn, error)
	setSecurityDefaults func(context.Context, bool) (graph.Receipt, error)
	groupMembers        func(group string) ([]string, error)
	manager             func(user string) (graph.User, error)
}

var (
	_ Tenant           = (*tenant)(nil)
	_ Writer           = (*tenant)(nil)
	_ identity.Tenant  = (*tenant)(nil)
	_ graphsync.Reader = (*tenant)(nil)
)

func (t *tenant) Organization(ctx context.Context) (graph.Organization, error) {
	return t.organization(ctx)
}
func (t *tenant) Licence(ctx context.Context) (graph.Licence, error) { return t.licence(ctx) }
func (t *tenant) SecurityDefaults(ctx context.Context) (graph.SecurityDefaults, error) {
	return t.securityDefaults(ctx)
}
func (t *tenant) Policies(ctx context.Context) ([]graph.Policy, error) { return t.policies(ctx) }
func (t *tenant) Users(ctx context.Context) ([]graph.User, error)      { return t.users(ctx) }
func (t *tenant) User(ctx context.Context, id string) (graph.User, error) {
	return t.user(ctx, id)
}

func (t *tenant) RoleHolders(ctx context.Context) ([]graph.RoleHolder, error) {
	return t.roleHolders(ctx)
}

func (t *tenant) Registrations(ctx context.Context) ([]graph.Registration, error) {
	return t.registrations(ctx)
}

// The rest is a reading of the whole tenant: of one page, without a past, and
// without what no command asks about.

func (t *tenant) UserPage(ctx context.Context, _ graph.Cursor) ([]graph.User, graph.Cursor, error) {
	users, err := t.users(ctx)
	return users, "", err
}

func (t *tenant) UserChanges(context.Context, graph.DeltaToken) (graph.UserChanges, error) {
	return graph.UserChanges{Next: "now"}, nil
}

func (t *tenant) RegistrationPage(ctx context.Context, _ graph.Cursor) ([]graph.Registration, graph.Cursor, error) {
	rows, err := t.registrations(ctx)
	return rows, "", err
}

func (t *tenant) Audits(context.Context, graph.AuditQuery) ([]graph.Audit, error) { return nil, nil }

func (t *tenant) PerUserMFA(_ context.Context, ids []string) (all []graph.UserMFA, _ error) {
	for _, id := range ids {
		all = append(all, graph.UserMFA{UserID: id, State: graph.PerUserDisabled})
	}
	return all, nil
}

func (t *tenant) LastSignIns(context.Context) ([]graph.LastSignIn, error) { return nil, nil }

func (t *tenant) EmailAppUse(context.Context, graph.EmailAppPeriod) (graph.EmailAppUse, error) {
	return graph.EmailAppUse{}, errAway
}

// MethodsPolicy lets everybody use every kind of method.
func (t *tenant) MethodsPolicy(context.Context) (graph.MethodsPolicy, error) {
	policy := graph.MethodsPolicy{Migrated: true}
	for _, kind := range []graph.MethodKind{graph.MethodAuthenticator, graph.MethodPasskey, graph.MethodPhone, graph.MethodSoftwareOATH} {
		policy.Methods = append(policy.Methods, graph.MethodSetting{Kind: kind, Enabled: true, Include: []graph.Target{{ID: graph.AllUsers, Group: true}}})
	}
	return policy, nil
}

func (t *tenant) GroupMembers(_ context.Context, group string) ([]string, error) {
	return t.groupMembers(group)
}

func (t *tenant) MemberOf(_ context.Context, user string, groups []string) (in []string, _ error) {
	for _, group := range groups {
		members, err := t.groupMembers(group)
		if err != nil {
			return nil, err
		}
		if slices.Contains(members, user) {
			in = append(in, group)
		}
	}
	return in, nil
}

func (t *tenant) Manager(_ context.Context, user string) (graph.User, error) { return t.manager(user) }

func (t *tenant) Methods(ctx context.Context, ids []string) ([]graph.UserMethods, error) {
	return t.methods(ctx, ids)
}

func (t *tenant) EachLegacySignIn(ctx context.Context, since, until time.Time, each func(graph.SignIn) error) error {
	signIns, err := t.legacySignIns(ctx, since)
	for _, s := range signIns {
		if !s.At.Before(since) && (until.IsZero() || s.At.Before(until)) {
			err = errors.Join(err, each(s))
		}
	}
	return err
}

func (t *tenant) SetSecurityDefaults(ctx context.Context, on bool) (graph.Receipt, error) {
	return t.setSecurityDefaults(ctx, on)
}

// fixture is a tenant as plain values, and the owner's choices about it. A
// test changes what it is about before the world begins.
type fixture struct {
	licence  graph.Licence
	enabled  bool // security defaults
	policies []graph.Policy
	users    []graph.User
	methods  map[string][]graph.Method // by user ID
	unread   map[string]error          // by user ID: their methods cannot be read
	holders  []graph.RoleHolder
	signIns  []graph.SignIn
	fails    map[string]error // by source: "users", "policies", …

	links     map[chat.Account]string
	roles     map[identity.Role][]string
	byGroup   map[identity.Role]string // a group, by its ID
	groups    map[string][]string      // who is in them
	managers  map[string]string        // who is set above somebody
	declared  map[string]rollout.Purpose
	protected []string
	contact   string
	changes   []string
}

const tenantID = "11111111-aaaa-bbbb-cccc-222222222222"

// start is a Monday, at 11:00 where the organisation is at home.
var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func id(name string) string { return "id-" + name }

func account(name string) chat.Account {
	return chat.Account{Platform: "chat", Workspace: "W1", User: name}
}

var adminsChannel = chat.Address{Platform: "chat", Workspace: "W1", Channel: "C-admins"}

// town is an ordinary small organisation on the free licence, a little short of
// being ready for security defaults.
func town() *fixture {
	f := &fixture{
		licence: graph.Free, methods: map[string][]graph.Method{}, unread: map[string]error{}, fails: map[string]error{},
		links: map[chat.Account]string{}, roles: map[identity.Role][]string{}, declared: map[string]rollout.Purpose{},
		changes: []string{DefaultsKind}, contact: "Ada Okafor at the IT help desk, extension 42",
	}
	for _, p := range []struct {
		name, full string
		roles      []identity.Role
		methods    []graph.MethodKind
	}{
		{"olga", "Olga Petrova", []identity.Role{identity.Owner, identity.Lead}, []graph.MethodKind{graph.MethodPasskey}},
		{"ada", "Ada Okafor", []identity.Role{identity.Lead, identity.Helpdesk}, []graph.MethodKind{graph.MethodAuthenticator}},
		{"abe", "Abe Lindqvist", []identity.Role{identity.Approver}, []graph.MethodKind{graph.MethodAuthenticator, graph.MethodPhone}},
		{"bea", "Bea Fontaine", []identity.Role{identity.Approver}, []graph.MethodKind{graph.MethodPhone}},
		{"vic", "Vic Marlowe", []identity.Role{identity.Viewer}, []graph.MethodKind{graph.MethodAuthenticator}},
		{"hal", "Hal Brandt", []identity.Role{identity.Helpdesk}, []graph.MethodKind{graph.MethodAuthenticator}},
		{"sam", "Sam Rivera", nil, nil},
		{"sue", "Sue Tanaka", nil, []graph.MethodKind{graph.MethodAuthenticator, graph.MethodPasskey}},
	} {
		f.add(p.name, p.full, p.methods...)
		f.links[account(p.name)] = id(p.name)
		for _, r := range p.roles {
			f.roles[r] = append(f.roles[r], id(p.name))
		}
	}
	f.links[chat.Account{Platform: "other", User: "abe-2"}] = id("abe")
	f.add("em1", "Emergency 1", graph.MethodPasskey)
	f.add("em2", "Emergency 2", graph.MethodPasskey)
	f.add("scan", "Scanner 2nd Floor")
	f.add("sync", "On-Premises Sync")
	f.declared = map[string]rollout.Purpose{id("em1"): rollout.Emergency, id("em2"): rollout.Emergency, id("scan"): rollout.Service}
	f.hold("olga", graph.RoleGlobalAdministrator)
	f.hold("ada", graph.RoleHelpdeskAdministrator)
	f.hold("em1", graph.RoleGlobalAdministrator)
	f.hold("em2", graph.RoleGlobalAdministrator)
	f.hold("sync", graph.RoleDirectorySyncAccounts)
	return f
}

// add puts an account into the tenant, with a password and the given methods.
func (f *fixture) add(name, full string, kinds ...graph.MethodKind) {
	f.users = append(f.users, graph.User{ID: id(name), Name: full, UPN: name + "@vale.example", Enabled: true, Licensed: true})
	f.register(name, kinds...)
}

func (f *fixture) register(name string, kinds ...graph.MethodKind) {
	methods := []graph.Method{{ID: "password", Kind: graph.MethodPassword}}
	for i, k := range kinds {
		methods = append(methods, graph.Method{ID: fmt.Sprint(name, i), Kind: k})
	}
	f.methods[id(name)] = methods
}

func (f *fixture) hold(name, role string) {
	f.holders = append(f.holders, graph.RoleHolder{UserID: id(name), Roles: []graph.Role{{TemplateID: role}}})
}

// edit changes an account.
func (f *fixture) edit(name string, change func(*graph.User)) {
	i := slices.IndexFunc(f.users, func(u graph.User) bool { return u.ID == id(name) })
	change(&f.users[i])
}

func (f *fixture) disable(name string) { f.edit(name, func(u *graph.User) { u.Enabled = false }) }

func (f *fixture) remove(name string) {
	f.users = slices.DeleteFunc(f.users, func(u graph.User) bool { return u.ID == id(name) })
	f.holders = slices.DeleteFunc(f.holders, func(h graph.RoleHolder) bool { return h.UserID == id(name) })
}

var (
	errNoLicence = &graph.Error{Kind: graph.KindNoLicence, Op: "read it"}
	errNotFound  = &graph.Error{Kind: graph.KindNotFound, Op: "read user", Status: 404}
	errAway      = &graph.Error{Kind: graph.KindNotSent, Op: "read it"}
)

// tenant returns the fixture as the tenant that the commands see.
func (f *fixture) tenant() *tenant {
	return &tenant{
		organization: func(context.Context) (graph.Organization, error) {
			return graph.Organization{ID: tenantID, Name: "Harbour & Vale"}, f.fails["organization"]
		},
		licence: func(context.Context) (graph.Licence, error) { return f.licence, f.fails["licence"] },
		securityDefaults: func(context.Context) (graph.SecurityDefaults, error) {
			return graph.SecurityDefaults{Enabled: f.enabled}, f.fails["defaults"]
		},
		policies: func(context.Context) ([]graph.Policy, error) {
			if f.licence == graph.Free && f.fails["policies"] == nil {
				return nil, errNoLicence
			}
			return slices.Clone(f.policies), f.fails["policies"]
		},
		users:         func(context.Context) ([]graph.User, error) { return slices.Clone(f.users), f.fails["users"] },
		user:          func(_ context.Context, id string) (graph.User, error) { return f.user(id) },
		roleHolders:   func(context.Context) ([]graph.RoleHolder, error) { return f.holders, f.fails["holders"] },
		registrations: func(context.Context) ([]graph.Registration, error) { return f.report() },
		methods: func(_ context.Context, ids []string) ([]graph.UserMethods, error) {
			all := make([]graph.UserMethods, len(ids))
			for i, id := range ids {
				all[i] = graph.UserMethods{UserID: id, Methods: f.methods[id], Err: f.unread[id]}
			}
			return all, f.fails["methods"]
		},
		legacySignIns: func(context.Context, time.Time) ([]graph.SignIn, error) {
			return f.signIns, f.fails["sign-ins"]
		},
		setSecurityDefaults: func(ctx context.Context, on bool) (graph.Receipt, error) {
			f.enabled = on
			return graph.Receipt{RequestID: "graph-1", ClientRequestID: graph.ClientRequestID(ctx)}, f.fails["write"]
		},
		groupMembers: func(group string) ([]string, error) { return slices.Clone(f.groups[group]), f.fails["groups"] },
		manager: func(user string) (graph.User, error) {
			if f.fails["manager"] != nil || f.managers[user] == "" {
				return graph.User{}, cmp.Or[error](f.fails["manager"], errNotFound)
			}
			return f.user(f.managers[user])
		},
	}
}

func (f *fixture) user(id string) (graph.User, error) {
	if err := f.fails["user"]; err != nil {
		return graph.User{}, err
	}
	for _, u := range f.users {
		if u.ID == id || u.UPN == id {
			return u, nil
		}
	}
	return graph.User{}, errNotFound
}

// reportedAs is how the registration report names methods.
var reportedAs = map[graph.MethodKind]string{
	graph.MethodAuthenticator: "microsoftAuthenticatorPush", graph.MethodPhone: "mobilePhone", graph.MethodPasskey: "passKeyDeviceBound",
}

// report is the registration report that P1 tenants have.
func (f *fixture) report() ([]graph.Registration, error) {
	var rows []graph.Registration
	for _, u := range f.users {
		if u.Enabled && f.unread[u.ID] == nil {
			registered := graph.Strongest(f.methods[u.ID]) > graph.NotMFA
			row := graph.Registration{UserID: u.ID, Registered: registered, Capable: registered, AsOf: start.Add(-time.Hour)}
			for _, m := range f.methods[u.ID] {
				if name, ok := reportedAs[m.Kind]; ok {
					row.Methods = append(row.Methods, name)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, f.fails["registrations"]
}

// rules are the owner's, of the fixture's plain values.
func (f *fixture) rules() rules.Rules {
	r := rules.Rules{Tenant: tenantID, Roles: map[string][]rules.Holder{}, Links: map[string]string{}, Changes: f.changes, Wait: 15 * time.Minute, Protected: f.protected, Contact: f.contact}
	for role, objects := range f.roles {
		for _, object := range objects {
			r.Roles[string(role)] = append(r.Roles[string(role)], rules.Holder{User: object})
		}
	}
	for role, group := range f.byGroup {
		r.Roles[string(role)] = append(r.Roles[string(role)], rules.Holder{Group: group})
	}
	for object, purpose := range f.declared {
		if purpose == rollout.Emergency {
			r.Emergency = append(r.Emergency, object)
		}
	}
	for a, object := range f.links {
		r.Links[identity.LinkKey(a)] = object
	}
	return r
}

func (f *fixture) scope() rollout.Scope { return rollout.Scope{Declared: f.declared} }

// theGuide and theBook are loaded once: they never change.
var (
	theGuide = sync.OnceValues(guide.Load)
	theBook  = sync.OnceValues(LoadPhrases)
)

// fakeDigest is a digest that says what it is told to.
type fakeDigest struct {
	preview func() (chat.Message, error)
	post    func(actor string) (bool, error)
}

func (d *fakeDigest) Preview(context.Context) (chat.Message, error) { return d.preview() }
func (d *fakeDigest) PostNow(_ context.Context, actor string) (bool, error) {
	return d.post(actor)
}

// world is a bot over a fixture, with a real database and the real engine.
type world struct {
	t testing.TB
	*fixture
	env    Env
	mux    *Mux
	store  *store.Store
	digest *fakeDigest
	log    *bytes.Buffer // of one mux, which is spoken to by one at a time where it is read
	ahead  *atomic.Int64 // the clock is so many nanoseconds after start
	events atomic.Int64
}

func newWorld(t testing.TB, changes ...func(*fixture)) *world {
	t.Helper()
	return newWorldIn(t, blank(t), changes...)
}

// newWorldIn is a world over a database that is named.
func newWorldIn(t testing.TB, dsn string, changes ...func(*fixture)) *world {
	t.Helper()
	w := newDryWorld(t, changes...)
	w.store = w.open(dsn)
	w.env.Engine = &approval.Engine{Store: w.store, Standing: w.env.People, Expiry: AroundTheClock(w.env.Zone).Expiry}
	w.env.Requests, w.env.Records, w.env.Absences, w.env.Declarations = w.store, w.store, w.store, w.store
	w.env.Languages = w.store
	w.env.Trend = w.trend(w.store, w.env.Facts)
	w.env.Staff, w.env.Alerts = w.store, w.store
	w.env.Proofs = w.store
	w.env.Nudges = w.nudger()
	w.env.Engine.Prove = func(ctx context.Context, p approval.Principal, account, kind string, d approval.Deed) (approval.Fresh, error) {
		return Prove(w.env)(ctx, p, account, kind, d) // as the env is then
	}
	w.govern(w.env.Rules)
	return w
}

// trend reads the weeks that are stored as the bot does.
func (w *world) trend(s *store.Store, facts func(context.Context) rollout.Facts) Trend {
	return &scheduler.Digester{
		Tenant: tenantID, Name: "Harbour & Vale", Facts: facts, Scope: w.scope(), Store: s, Now: w.now,
		Due: scheduler.Weekly{Day: time.Monday, Hour: 9, Zone: w.env.Zone},
	}
}

// open opens a database by the world's clock and closes it with the test.
func (w *world) open(dsn string) *store.Store {
	w.t.Helper()
	s, err := store.Open(context.Background(), store.Config{DSN: dsn, Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	})
	return s
}

// blank is a database of a test's own with the tables in it: to make those anew takes
// longer than many tests.
func blank(t testing.TB) string {
	t.Helper()
	made, err := madeOnce()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(inMemory(), "twokey-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "twokey.db")
	if err := os.WriteFile(path, made, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// inMemory is a folder whose files are in memory, or "" for the usual one: no test
// here cuts the power, so that nothing need wait for a disk.
func inMemory() string {
	const shared, enough = "/dev/shm", 1 << 29
	var s syscall.Statfs_t
	if err := syscall.Statfs(shared, &s); err != nil || s.Bavail*uint64(s.Bsize) < enough {
		return ""
	}
	return shared
}

// madeOnce is what such a file holds.
var madeOnce = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "blank")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "twokey.db")
	s, err := store.Open(context.Background(), store.Config{DSN: path, Now: time.Now})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// onEach runs a test on a file and on a server.
func onEach(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		f(t, blank(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		f(t, migrated(t))
	})
}

// newDryWorld is a world without a database, for what only reads the tenant.
func newDryWorld(t testing.TB, changes ...func(*fixture)) *world {
	t.Helper()
	w := &world{t: t, fixture: town(), digest: &fakeDigest{
		preview: func() (chat.Message, error) { return chat.Message{Headline: "MFA week 48"}, nil },
		post:    func(string) (bool, error) { return true, nil },
	}, log: &bytes.Buffer{}, ahead: &atomic.Int64{}}
	for _, change := range changes {
		change(w.fixture)
	}
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	book, err := theBook()
	if err != nil {
		t.Fatal(err)
	}
	articles, err := theGuide()
	if err != nil {
		t.Fatal(err)
	}
	here := w.tenant()
	w.env = Env{
		Organization: graph.Organization{ID: tenantID, Name: "Harbour & Vale"},
		Tenant:       here, Writer: here, Scope: w.scope(),
		Facts: func(ctx context.Context) rollout.Facts {
			return graphsync.Read(ctx, here, w.now)
		},
		Guide: articles, Phrases: book, Digest: w.digest, Changes: &changeLog{},
		Rules: rules.Fixed(w.rules()), Zone: zone,
		Admins: adminsChannel,
		Build:  "twokey 0.1", Now: w.now, ChatSignIn: ChatOwn,
		Chosen: func(chat.Account) bool { return true },
	}
	w.env.People = w.people()
	w.assemble()
	return w
}

// people is the directory over the rules and absences of the env.
func (w *world) people() *identity.Directory {
	return identity.New(identity.Config{Rules: w.env.Rules, Links: w.env.Proofs, Ask: AskRoles(), Self: SelfKinds(), Away: func(ctx context.Context) (map[string]time.Time, error) {
		if w.env.Absences == nil {
			return nil, nil
		}
		return w.env.Absences.Away(ctx, tenantID)
	}}, w.tenant())
}

// govern makes the env anew under other rules.
func (w *world) govern(k *rules.Keeper) {
	w.env.Rules = k
	w.env.People = w.people()
	w.env.Engine.Standing = w.env.People
	w.assemble()
}

// assemble makes the mux anew, after a test has changed the env.
func (w *world) assemble() { w.mux = NewMux(w.env, slog.New(slog.NewTextHandler(w.log, nil))) }

func (w *world) now() time.Time { return start.Add(time.Duration(w.ahead.Load())) }

func (w *world) advance(d time.Duration) { w.ahead.Add(int64(d)) }

// said is one answer.
type said struct {
	chat.Message
	aloud bool
}

// listener keeps what is said to one event.
type listener struct{ all []said }

func (l *listener) Reply(_ context.Context, m chat.Message) error {
	l.all = append(l.all, said{m, false})
	return nil
}

func (l *listener) Say(_ context.Context, m chat.Message) error {
	l.all = append(l.all, said{m, true})
	return nil
}

// handle gives an event to the mux and returns the one answer to it.
func (w *world) handle(e chat.Event) said {
	w.t.Helper()
	if e.Key == "" {
		e.Key = fmt.Sprintf("delivery-%d", w.events.Add(1))
	}
	var l listener
	if err := w.mux.Handle(context.Background(), &l, e); err != nil {
		w.t.Fatalf("%+v: %v", e, err)
	}
	if len(l.all) != 1 {
		w.t.Fatalf("%+v: %d answers, want 1: %+v", e, len(l.all), l.all)
	}
	return l.all[0]
}

// say types a command in a person's own messages.
func (w *world) say(person, line string) said {
	w.t.Helper()
	return w.handle(chat.Event{Kind: chat.Command, From: account(person), Text: line})
}

func (w *world) press(person, button, value string, fields map[string]string) said {
	w.t.Helper()
	return w.handle(chat.Event{Kind: chat.Press, From: account(person), Button: button, Value: value, Fields: fields})
}

// wantSaid checks that an answer holds each of the texts.
func wantSaid(t testing.TB, got said, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(got.Plain(), text) {
			t.Errorf("%q is not said:\n%s", text, got.Plain())
		}
	}
}

// ask lets ada ask for security defaults and returns the request.
func (w *world) ask() approval.Request {
	w.t.Helper()
	wantSaid(w.t, w.say("ada", "defaults enable all have been trained"), "Recorded as R-")
	return w.stored()[0]
}

// named returns a request as it is stored.
func (w *world) named(ref string) (r approval.Request) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx approval.Tx) (err error) {
		r, err = tx.Request(ref)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// stored returns all requests, newest first.
func (w *world) stored() []approval.Request {
	w.t.Helper()
	var all []approval.Request
	err := w.store.View(context.Background(), func(tx approval.Tx) (err error) {
		all, err = tx.Requests(tenantID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}
