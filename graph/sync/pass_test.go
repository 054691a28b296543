package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// bench is a tenant, a store, and who syncs the one into the other.
type bench struct {
	*Syncer
	tenant *tenant
	store  Store
}

func setup(tenant *tenant) *bench {
	b := &bench{tenant: tenant, store: &Memory{}}
	b.restart()
	return b
}

// restart is another process on the same store.
func (b *bench) restart() {
	b.Syncer = New(Config{Tenant: "tenant", Reader: b.tenant, Store: b.store, Owner: "test", Now: b.tenant.clock})
}

// failer is a test, of whichever kind.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Pass is a pass, and what is read beside it.
func (b *bench) Pass(ctx context.Context) error {
	return errors.Join(b.Syncer.Pass(ctx), b.SignIns(ctx))
}

func (b *bench) mustPass(t failer) {
	t.Helper()
	if err := b.Pass(context.Background()); err != nil {
		t.Fatalf("Pass: %v", err)
	}
}

// asked are the calls since the last time that begin with one of the names.
func (b *bench) asked(names ...string) (all []string) {
	for _, call := range b.tenant.calls() {
		if slices.Contains(names, strings.Fields(call)[0]) {
			all = append(all, call)
		}
	}
	return all
}

func wantCalls(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("asked:\ngot  %q\nwant %q", got, want)
	}
}

func TestFirstPassTakesTheRoadOfTheLicence(t *testing.T) {
	t.Parallel()
	pages := []string{"UserChanges", "UserPage", "UserPage 0 u004"}
	var week []string
	for day := 16; day <= 23; day++ {
		week = append(week, fmt.Sprintf("EachLegacySignIn 2026-11-%d", day))
	}
	report := append([]string{"RegistrationPage", "RegistrationPage 0 u004", "Audits"}, week...)
	all := "Methods u000 u001 u002 u003 u004 u005 u006 u007 u008 u009"
	refused := func(ctx context.Context, call string) error {
		if call == "RegistrationPage" {
			return noLicence("report")
		}
		return nil
	}
	missing := func(_ context.Context, call string) error {
		switch call {
		case "Licence", "RegistrationPage":
			return &graph.Error{Kind: graph.KindNoPermission, Permission: "Some.Read.All"}
		}
		return nil
	}
	for _, tt := range []struct {
		name    string
		licence graph.Licence
		before  func(context.Context, string) error
		want    []string
	}{
		{"Free", graph.Free, nil, []string{all}},
		{"P1 reads those whom the report leaves out", graph.P1, nil, append(slices.Clone(report), "Methods u009")},
		{"P2", graph.P2, nil, append(slices.Clone(report), "Methods u009")},
		{"P1 without its report", graph.P1, refused, append(slices.Clone(week), "RegistrationPage", "Audits", all)},
		{"P1, a permission is missing", graph.P1, missing, append(slices.Clone(week), "RegistrationPage", "Audits", all)},
		{
			"licence not read, P1", graph.P1, func(_ context.Context, call string) error {
				if call == "Licence" {
					return errors.New("odd")
				}
				return nil
			}, append(slices.Clone(report), "Methods u009"),
		},
		{
			"licence not read, Free", graph.Free, func(_ context.Context, call string) error {
				if call == "Licence" {
					return errors.New("odd")
				}
				return nil
			}, []string{"RegistrationPage", "Audits", "EachLegacySignIn 2026-11-16", all},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(newTenant(tt.licence, 10))
			b.tenant.before = tt.before
			_ = b.Pass(t.Context())
			wantCalls(t, b.asked("UserChanges", "UserPage", "RegistrationPage", "Audits", "EachLegacySignIn", "Methods"), slices.Concat(pages, tt.want)...)
		})
	}
}

// A later pass reads what changed, and nobody else.
func TestLaterPassesReadWhatChanged(t *testing.T) {
	t.Parallel()
	for _, l := range []graph.Licence{graph.Free, graph.P1} {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			b := setup(newTenant(l, 40))
			b.mustPass(t)
			b.tenant.calls()
			b.tenant.advance(10 * time.Minute)
			b.tenant.register("u001", graph.MethodAuthenticator)
			b.tenant.hire(graph.User{ID: "new", Enabled: true})
			b.tenant.hire(graph.User{ID: "u003", Name: "Renamed", Enabled: true})
			b.tenant.fire("u004")
			b.tenant.advance(10 * time.Minute)
			b.mustPass(t)
			wantCalls(t, b.tenant.calls(), "Licence", "UserChanges", "Audits", "Methods new u001")
			people := loadPeople(t, b)
			if p := people["u001"]; p.Methods == nil || len(p.Methods.Methods) != 1 || !p.Methods.AsOf.Equal(b.tenant.clock()) {
				t.Errorf("who registered: got %+v", p.Methods)
			}
			if p := people["u003"]; p.Name != "Renamed" {
				t.Errorf("who was renamed is called %q", p.Name)
			}
			if _, there := people["u004"]; there {
				t.Error("who was deleted is still there")
			}

			b.tenant.advance(10 * time.Minute) // the log is read again a little, its people are not
			b.mustPass(t)
			wantCalls(t, b.tenant.calls(), "Licence", "UserChanges", "Audits")
		})
	}
}

func loadPeople(t testing.TB, b *bench) map[string]Person {
	t.Helper()
	all, err := b.store.LoadSync(context.Background(), "tenant", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	people := make(map[string]Person)
	for _, p := range all.People {
		people[p.ID] = p
	}
	return people
}

// A reading that may have shown the state before the change is repeated.
func TestReadsThatMayBeBehindAreRepeated(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.Free, 4))
	b.tenant.behind = time.Minute
	b.mustPass(t)
	b.tenant.advance(time.Minute)
	b.tenant.register("u001", graph.MethodPasskey)
	b.mustPass(t)
	if p := loadPeople(t, b)["u001"]; len(p.Methods.Methods) != 0 {
		t.Fatalf("the tenant was not behind: %+v", p.Methods)
	}
	b.tenant.advance(5 * time.Minute)
	b.mustPass(t)
	if p := loadPeople(t, b)["u001"]; len(p.Methods.Methods) != 1 {
		t.Errorf("after the tenant had settled: got %+v, want the passkey", p.Methods)
	}
}

// What the tenant has forgotten is read in full again: accounts after a week
// without a pass, and on Free everybody's methods.
func TestOldPlacesAreReadAgain(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.Free, 10))
	b.mustPass(t)
	b.tenant.calls()
	b.tenant.fire("u004")
	b.tenant.register("u001", graph.MethodPasskey)
	b.tenant.forget()
	b.tenant.advance(8 * 24 * time.Hour)
	b.mustPass(t)
	wantCalls(t, b.asked("UserChanges", "UserPage", "Audits", "Methods"),
		"UserChanges", "UserChanges", "UserPage", "UserPage 1 u005", "Methods u000 u001 u002 u003 u005 u006 u007 u008 u009")
	people := loadPeople(t, b)
	if _, there := people["u004"]; there || len(people["u001"].Methods.Methods) != 1 {
		t.Errorf("got %v", people)
	}
}

// A list whose middle the tenant no longer knows is begun anew.
func TestForgottenCursor(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.P1, 20))
	for _, list := range []string{"UserPage", "RegistrationPage"} {
		var n atomic.Int32
		b.tenant.before = func(_ context.Context, call string) error {
			if n.Add(1) > 3 && call == list {
				b.tenant.forget()
			}
			return nil
		}
		_ = b.Pass(t.Context())
		b.tenant.before = nil
		_ = b.Pass(t.Context())
		b.mustPass(t)
	}
	if got, want := len(loadPeople(t, b)), 22; got != want {
		t.Errorf("got %d people, want %d", got, want)
	}
	if all, _ := b.store.LoadSync(t.Context(), "tenant", time.Time{}); all.Progress[Report].Done.IsZero() {
		t.Error("the report was never read to its end")
	}
}

// undisturbed is what a first and a second pass leave in the store, with some
// changes between them.
func undisturbed(t testing.TB, l graph.Licence, disturb func(b *bench, pass func() error)) (people map[string]Person, progress map[Source]Progress) {
	t.Helper()
	world := newTenant(l, 30)
	world.signIns = []graph.SignIn{{UserID: "u001", Client: "IMAP4", At: start.Add(-time.Hour)}, {UserID: "u001", Client: "IMAP4", At: start.Add(-25 * time.Hour)}}
	b := setup(world)
	pass := func() error { return b.Pass(context.Background()) }
	disturb(b, pass)
	world.register("u001", graph.MethodPasskey)
	world.hire(graph.User{ID: "new", Enabled: true})
	world.fire("u004")
	world.advance(time.Hour)
	disturb(b, pass)
	all, err := b.store.LoadSync(context.Background(), "tenant", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(len(all.Legacy)); l >= graph.P1 && got != "2" {
		t.Errorf("%s days of legacy use, want 2", got)
	}
	people = make(map[string]Person)
	for _, p := range all.People {
		people[p.ID] = p
	}
	return people, all.Progress
}

// However often and wherever a pass fails or its process is killed, what is
// stored in the end is what an undisturbed one stores.
func TestPassesThatEndAnywhere(t *testing.T) {
	t.Parallel()
	for _, l := range []graph.Licence{graph.Free, graph.P1} {
		calls := 0
		want, wantProgress := undisturbed(t, l, func(b *bench, pass func() error) {
			if err := pass(); err != nil {
				t.Fatal(err)
			}
			calls = max(calls, len(b.tenant.calls()))
		})
		for _, end := range []string{"error", "kill", "store before", "store after"} {
			for i := range calls + 2 {
				t.Run(fmt.Sprintf("%v/%s at %d", l, end, i), func(t *testing.T) {
					t.Parallel()
					got, gotProgress := undisturbed(t, l, func(b *bench, pass func() error) {
						b.disturbed(t, end, i)
						b.mustPass(t)
					})
					samePeople(t, got, want)
					for source, p := range wantProgress {
						g := gotProgress[source]
						g.Round = p.Round // an interrupted reading may begin anew
						if g != p {
							t.Errorf("%s: got progress %+v, want %+v", source, g, p)
						}
					}
				})
			}
		}
	}
}

// disturbed runs a pass that comes to a bad end at the i-th call.
func (b *bench) disturbed(t *testing.T, end string, i int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	switch end {
	case "error", "kill":
		b.tenant.mu.Lock()
		b.tenant.before = func(context.Context, string) error {
			b.tenant.mu.Lock()
			defer b.tenant.mu.Unlock()
			if n++; n != i+1 {
				return nil
			}
			if end == "kill" {
				cancel()
			}
			return &graph.Error{Kind: graph.KindUnclear}
		}
		b.tenant.mu.Unlock()
		_ = b.Pass(ctx)
		b.tenant.before = nil
	default:
		broken := &failing{Store: b.store, after: end == "store after"}
		broken.at.Store(int32(i))
		b.store = broken
		b.restart()
		_ = b.Pass(ctx)
		b.store = broken.Store
	}
	b.restart()
}

// failing is a store whose at-th batch fails, before or after it is stored.
type failing struct {
	Store
	at    atomic.Int32
	after bool
}

func (f *failing) KeepSync(ctx context.Context, l Lease, b Batch) error {
	if f.at.Add(-1) != -1 {
		return f.Store.KeepSync(ctx, l, b)
	}
	if f.after {
		if err := f.Store.KeepSync(ctx, l, b); err != nil {
			return err
		}
	}
	return errors.New("the disk is full")
}

func samePeople(t testing.TB, got, want map[string]Person) {
	t.Helper()
	for id := range got {
		if _, there := want[id]; !there {
			t.Errorf("%s should not be there", id)
		}
	}
	for id, w := range want {
		g, there := got[id]
		if a, b := personWords(g), personWords(w); !there || a != b {
			t.Errorf("%s:\ngot  %s\nwant %s", id, a, b)
		}
	}
}

// personWords is a row as text, without pointers.
func personWords(p Person) string {
	words := fmt.Sprintf("%+v", p.User)
	if p.Report != nil {
		words += fmt.Sprintf(" report %+v", *p.Report)
	}
	if p.Methods != nil {
		words += fmt.Sprintf(" methods %+v", p.Methods.Methods)
	}
	if p.PerUser != nil {
		words += " " + string(p.PerUser.State)
	}
	return words
}

// A chunk that was stored is not read again after a kill in the middle.
func TestSweepGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.Free, 3*chunk+50))
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	b.tenant.before = func(_ context.Context, call string) error {
		if call == "Methods" {
			if n++; n == 3 {
				cancel()
				return &graph.Error{Kind: graph.KindUnclear}
			}
		}
		return nil
	}
	if err := b.Pass(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Pass = %v, want it cut off", err)
	}
	b.tenant.before = nil
	kept := loadPeople(t, b)
	b.restart()
	b.tenant.calls()
	f := b.Facts(t.Context())
	fn := rollout.NewFunnel(f, rollout.Scope{})
	if got := fn.Get(rollout.Read).String(); got != "650" {
		t.Errorf("read of a whole tenant: got %s, want 650", got)
	}
	for _, call := range b.asked("Methods") {
		for _, id := range strings.Fields(call)[1:] {
			if kept[id].Methods != nil {
				t.Fatalf("%s is stored and was read again", id)
			}
		}
	}
}

// While the first sweep is under way the figures say of how many people they
// are; before the accounts are read they give a reason.
func TestFactsSayTheirCoverage(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.Free, 2*chunk))
	stop := ""
	n := 0
	b.tenant.before = func(_ context.Context, call string) error {
		if call == stop {
			if n++; n == 2 {
				return &graph.Error{Kind: graph.KindNoPermission, Permission: "Some.Read.All"}
			}
		}
		return nil
	}
	figures := func() string {
		fn := rollout.NewFunnel(b.Facts(t.Context()), rollout.Scope{})
		return fmt.Sprintf("%s of %s, registered %s", fn.Get(rollout.Read), fn.Get(rollout.InScope), fn.Get(rollout.Registered))
	}
	for _, step := range []struct{ stop, want string }{
		{"UserPage", "permission missing: Some.Read.All of permission missing: Some.Read.All, registered permission missing: Some.Read.All"},
		{"Methods", "200 of 400, registered 100"},
		{"", "400 of 400, registered 200"},
	} {
		stop, n = step.stop, 0
		if got := figures(); got != step.want {
			t.Errorf("stopped at %q: got %q, want %q", step.stop, got, step.want)
		}
		b.tenant.advance(2 * time.Minute)
	}
}

// Legacy use is counted once, however often its days are read.
func TestLegacyUseIsCountedOnce(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.P1, 4))
	b.tenant.lag = 90 * time.Minute
	for h := range 24 * 5 {
		b.tenant.signIns = append(b.tenant.signIns, graph.SignIn{UserID: "u001", Client: "POP", At: start.Add(time.Duration(h-48) * time.Hour)})
	}
	for range 40 {
		b.mustPass(t)
		b.tenant.advance(90 * time.Minute)
	}
	b.tenant.advance(14 * time.Hour)
	b.mustPass(t)
	f := b.Facts(t.Context())
	if got := rollout.NewLegacy(f, rollout.Scope{}).Get(rollout.LegacySucceeded).String(); got != "120" {
		t.Errorf("got %s sign-ins, want 120, each once", got)
	}
	reads := b.asked("EachLegacySignIn")
	if last := reads[len(reads)-1]; last != "EachLegacySignIn 2026-11-26" {
		t.Errorf("the last reading was %q, want the newest day", last)
	}
}

// Mail programs are asked for seldom, and who uses modern ones is not kept.
func TestMailApps(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.Free, 4))
	b.tenant.mail.Rows = []graph.EmailAppRow{
		{UPN: "u001@x", Programs: []graph.EmailProgram{graph.ProgramIMAP4, graph.OutlookForWeb}},
		{UPN: "u002@x", Programs: []graph.EmailProgram{graph.OutlookForWindows}},
	}
	for range 24 {
		b.mustPass(t)
		b.tenant.advance(time.Hour)
	}
	if got := len(b.asked("EmailAppUse")); got != 4 {
		t.Errorf("asked %d times in a day, want 4", got)
	}
	use, ok := b.Facts(t.Context()).EmailApps.Get()
	if !ok || len(use.Rows) != 1 || use.Rows[0].UPN != "u001@x" {
		t.Errorf("got %+v, %v; want the one with an old program", use, ok)
	}
}

// What ends a sweep is no news of the people who were left; what one person's
// reading says is.
func TestErrorsOfASweepAndOfAPerson(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		err    func() error // of each of the people from the third on
		people int          // who have it
		later  int          // who are not read by the next pass, for it is too early
	}{
		{"one cannot be read", func() error { return &graph.Error{Kind: graph.KindUnclear, Status: 500} }, 1, 1},
		{"some cannot be read, each for themselves", func() error { return &graph.Error{Kind: graph.KindUnclear, Status: 500} }, 5, 5},
		{"the sweep was broken off", func() error { return errOutage }, 5, 0},
		{"we may not send", func() error { return &graph.Error{Kind: graph.KindThrottled} }, 5, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			world := newTenant(graph.Free, 10)
			b := setup(world)
			b.cfg.Reader = &partly{tenant: world, err: tt.err, people: tt.people}
			err := b.Pass(t.Context())
			if got := err != nil; got != (tt.later == 0) {
				t.Errorf("Pass = %v", err)
			}
			b.cfg.Reader = world
			b.mustPass(t)
			unread := 0
			for _, p := range loadPeople(t, b) {
				if p.Enabled && !p.Guest && p.Methods == nil {
					unread++
				}
			}
			if unread != tt.later {
				t.Errorf("after the next pass %d are unread, want %d", unread, tt.later)
			}
			world.advance(2 * time.Hour)
			if _, err := b.Refresh(t.Context()); err != nil {
				t.Errorf("Refresh: %v", err)
			}
			if fn := rollout.NewFunnel(b.Facts(t.Context()), rollout.Scope{}); fn.Get(rollout.Read).String() != "10" {
				t.Errorf("in the end %v are read, want all 10", fn.Get(rollout.Read))
			}
		})
	}
}

// errOutage is one error that stands at several people.
var errOutage = &graph.Error{Kind: graph.KindUnclear, Status: 503}

// partly is a tenant in which some people's methods cannot be read.
type partly struct {
	*tenant
	err    func() error
	people int
}

func (p *partly) Methods(ctx context.Context, ids []string) ([]graph.UserMethods, error) {
	read, err := p.tenant.Methods(ctx, ids)
	for i := range p.people {
		read[2+i] = graph.UserMethods{UserID: ids[2+i], Err: p.err()}
	}
	return read, err
}
