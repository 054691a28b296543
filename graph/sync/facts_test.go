package sync

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// A source that fails is told with its error, and no other suffers.
func TestReadGoesOnWhenOneSourceFails(t *testing.T) {
	t.Parallel()
	calls := []string{
		"Organization", "Licence", "SecurityDefaults", "Policies", "MethodsPolicy", "RoleHolders", "GroupMembers",
		"UserPage", "RegistrationPage", "Methods", "PerUserMFA", "LastSignIns", "EachLegacySignIn", "EmailAppUse",
	}
	for _, l := range []graph.Licence{graph.Free, graph.P1} {
		for _, failing := range calls {
			t.Run(l.String()+"/"+failing, func(t *testing.T) {
				t.Parallel()
				odd := errors.New("odd")
				world := newTenant(l, 10)
				world.before = func(_ context.Context, call string) error {
					if call == failing {
						return odd
					}
					return nil
				}
				f := Read(t.Context(), world, world.clock)
				asked := world.calls()
				errs := map[string]error{
					"Organization": f.Organization.Err(), "Licence": f.Licence.Err(), "SecurityDefaults": f.SecurityDefaults.Err(),
					"Policies": f.Policies.Err(), "MethodsPolicy": f.MethodsPolicy.Err(), "RoleHolders": f.RoleHolders.Err(),
					"GroupMembers": f.GroupMembers.Err(), "UserPage": f.Users.Err(), "RegistrationPage": f.Registrations.Err(),
					"Methods": f.Methods.Err(), "PerUserMFA": f.PerUserMFA.Err(), "LastSignIns": f.LastSignIns.Err(),
					"EachLegacySignIn": f.LegacyUse.Err(), "EmailAppUse": f.EmailApps.Err(),
				}
				for call, err := range errs {
					was := slices.ContainsFunc(asked, func(a string) bool { return strings.HasPrefix(a, call) })
					if got, want := errors.Is(err, odd), call == failing && was; got != want {
						t.Errorf("%s: got error %v, want one from its own source only", call, err)
					}
				}
			})
		}
	}
}

func TestReadWithoutTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	world := newTenant(graph.P1, 10)
	f := Read(ctx, world, world.clock)
	if asked := world.calls(); len(asked) > 0 {
		t.Errorf("got %q asked, want nothing", asked)
	}
	if got := f.Users.Reason(); got != rollout.NotRead {
		t.Errorf("users: got reason %q, want %q", got, rollout.NotRead)
	}
}

// Every source that the licence has is there after one reading, and the others
// say why they are not.
func TestReadIsWhole(t *testing.T) {
	t.Parallel()
	for _, l := range []graph.Licence{graph.Free, graph.P1} {
		world := newTenant(l, 10)
		world.groups = map[string][]string{"spared": {"u001"}, "testers": {"u002", "u003"}}
		world.policy.Methods = []graph.MethodSetting{
			{Enabled: true, Include: []graph.Target{{ID: graph.AllUsers, Group: true}}, Exclude: []graph.Target{{ID: "testers", Group: true}}},
			{Include: []graph.Target{{ID: "of no interest", Group: true}}},
		}
		f := Read(t.Context(), world, world.clock)
		var want rollout.Reason
		if l == graph.Free {
			want = rollout.NeedsP1
		}
		for what, got := range map[string]rollout.Reason{
			"report": f.Registrations.Reason(), "legacy": f.LegacyUse.Reason(), "last sign-ins": f.LastSignIns.Reason(),
		} {
			if got != want {
				t.Errorf("%v: %s: got reason %q, want %q", l, what, got, want)
			}
		}
		for what, got := range map[string]rollout.Reason{
			"users": f.Users.Reason(), "methods": f.Methods.Reason(), "per-user": f.PerUserMFA.Reason(), "mail": f.EmailApps.Reason(),
			"defaults": f.SecurityDefaults.Reason(), "policies": f.Policies.Reason(), "roles": f.RoleHolders.Reason(),
		} {
			if got != "" {
				t.Errorf("%v: %s: got reason %q, want a value", l, what, got)
			}
		}
		groups, _ := f.GroupMembers.Get()
		if len(groups) != 2 || len(groups["spared"]) != 1 || len(groups["testers"]) != 2 {
			t.Errorf("%v: got groups %v, want those that rules in force name", l, groups)
		}
		if got := rollout.NewFunnel(f, rollout.Scope{}).Get(rollout.Read).String(); got != "10" {
			t.Errorf("%v: read of %s people, want 10", l, got)
		}
	}
}

// Facts pass first unless the last pass is fresh, and wait no longer for it than
// a person would.
func TestFactsCatchUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(newTenant(graph.Free, 10))
		b.Facts(t.Context())
		b.asked()
		b.tenant.advance(59 * time.Second)
		b.Facts(t.Context())
		wantCalls(t, b.asked("UserChanges"))
		b.tenant.advance(time.Second)
		b.Facts(t.Context())
		wantCalls(t, b.asked("UserChanges"), "UserChanges")

		b.tenant.advance(time.Hour)
		b.tenant.delay = 4 * time.Second
		began := time.Now()
		f := b.Facts(t.Context())
		if took := time.Since(began); took > 9*time.Second { // the live reads are two steps of 4 s
			t.Errorf("took %v, want no longer than a person waits", took)
		}
		if users, ok := f.Users.Get(); !ok || len(users) != 12 {
			t.Errorf("got %d users, want those that were kept", len(users))
		}
	})
}

// A long pass that is under way is not waited for, a short one is.
func TestFactsBesideAPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(newTenant(graph.Free, 400))
		release := make(chan struct{})
		n := 0
		b.tenant.before = func(ctx context.Context, call string) error {
			if call != "Methods" {
				return nil
			}
			if n++; n == 2 {
				<-release
			}
			return nil
		}
		done := make(chan error)
		go func() { done <- b.Pass(t.Context()) }()
		synctest.Wait()
		for _, want := range []time.Duration{5 * time.Second, 0} {
			began := time.Now()
			f := b.Facts(t.Context())
			if took := time.Since(began); took != want {
				t.Errorf("took %v, want %v", took, want)
			}
			if got := rollout.NewFunnel(f, rollout.Scope{}).Get(rollout.Read).String(); got != "200" {
				t.Errorf("read: got %s, want the 200 that are stored", got)
			}
		}
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Run passes at once, then at its pace and when it is woken, and reads slowly
// beside it, all in the background.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world := newTenant(graph.P1, 100)
		b := setup(world)
		began := time.Now()
		b.cfg.Now = func() time.Time { return start.Add(time.Since(began)) }
		world.before = func(ctx context.Context, call string) error {
			world.mu.Lock()
			defer world.mu.Unlock()
			world.now = b.cfg.Now()
			if !graph.IsBackground(ctx) {
				t.Errorf("%s was asked as if somebody waited", call)
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		look := func(d time.Duration, name string, want int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := len(b.asked(name)); got != want {
				t.Errorf("after %v %s was asked %d times, want %d", d, name, got, want)
			}
		}
		look(time.Second, "Licence", 2)
		look(5*time.Minute, "Licence", 2)
		b.Wake()
		look(time.Second, "Licence", 2)
		look(time.Hour, "Licence", 24)
		look(23*time.Hour, "RegistrationPage", 15)
		look(24*time.Hour, "LastSignIns", 1)
		look(7*24*time.Hour, "PerUserMFA", 3)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// Two replicas do not read the same, and the second takes over from one that
// went silent.
func TestOnlyOneSyncs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(newTenant(graph.Free, 10))
		b.store = &shared{Memory: &Memory{}}
		b.restart()
		other := New(Config{Tenant: "tenant", Reader: b.tenant, Store: b.store, Owner: "another", Now: b.tenant.clock})
		b.mustPass(t)
		b.tenant.calls()
		if err := other.Pass(t.Context()); err != nil {
			t.Errorf("Pass of the second = %v", err)
		}
		if got := b.tenant.calls(); len(got) != 0 {
			t.Errorf("the second asked %q", got)
		}
		if fn := rollout.NewFunnel(other.Facts(t.Context()), rollout.Scope{}); fn.Get(rollout.Read).String() != "10" {
			t.Error("the second does not tell what the first has read")
		}
		time.Sleep(2 * leaseTime)
		b.tenant.calls()
		if err := other.Pass(t.Context()); err != nil || len(b.tenant.calls()) == 0 {
			t.Errorf("the second did not take over: %v", err)
		}
	})
}

// A process that lost its lease in the middle of a pass stores nothing more.
func TestLostLease(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.Free, 10))
	b.tenant.before = func(ctx context.Context, call string) error {
		if call == "Methods" {
			_, _, err := b.store.LeadSync(ctx, "tenant", "another", time.Minute)
			return err
		}
		return nil
	}
	if err := b.Pass(t.Context()); !errors.Is(err, ErrLost) {
		t.Errorf("Pass = %v, want ErrLost", err)
	}
	for id, p := range loadPeople(t, b) {
		if p.Methods != nil {
			t.Errorf("%s was stored without the lease", id)
		}
	}
}

// shared is a store that several processes may use: a lease is the owner's until
// it ends.
type shared struct {
	*Memory
	holder string
	until  time.Time
}

func (s *shared) LeadSync(ctx context.Context, tenant, owner string, ttl time.Duration) (Lease, bool, error) {
	if s.holder != "" && s.holder != owner && time.Now().Before(s.until) {
		return Lease{}, false, nil
	}
	s.holder, s.until = owner, time.Now().Add(ttl)
	return s.Memory.LeadSync(ctx, tenant, owner, ttl)
}

// What was read once is not told as today's for ever: after a day without its
// source there is the reason instead, and until then its own date.
func TestOldReadingsAreNotToday(t *testing.T) {
	t.Parallel()
	for _, l := range []graph.Licence{graph.Free, graph.P1} {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			b := setup(newTenant(l, 40))
			b.everything(t)
			read := b.tenant.clock()
			b.tenant.before = func(_ context.Context, call string) error {
				switch call {
				case "Licence", "Organization", "Policies", "SecurityDefaults", "MethodsPolicy", "RoleHolders", "GroupMembers":
					return nil
				}
				return &graph.Error{Kind: graph.KindNoPermission, Op: call, Permission: "X.Read.All"}
			}
			b.tenant.advance(23 * time.Hour)
			_ = b.Pass(t.Context())
			f := b.Facts(t.Context())
			fn := rollout.NewFunnel(f, rollout.Scope{})
			if got := fn.Get(rollout.Accounts); got.String() != "42" || !got.AsOf.Equal(read) || fn.Oldest.After(read) {
				t.Errorf("a day later: got %s accounts as of %v, the oldest of %v; want 42 as of %v", got, got.AsOf, fn.Oldest, read)
			}

			b.tenant.advance(59 * 24 * time.Hour)
			_ = b.Pass(t.Context())
			_, _ = b.Refresh(t.Context())
			f = b.Facts(t.Context())
			fn = rollout.NewFunnel(f, rollout.Scope{})
			for _, id := range []rollout.ID{rollout.Accounts, rollout.Registered, rollout.Enforced} {
				if got := fn.Get(id).String(); got != "permission missing: X.Read.All" {
					t.Errorf("%s after 60 days: got %q, want the permission that is missing", id, got)
				}
			}
			if got := f.PerUserMFA.Reason(); got != "permission missing: X.Read.All" && l == graph.Free {
				t.Errorf("per-user MFA after 60 days: got reason %q", got)
			}
			for what, got := range map[string]rollout.Reason{"report": f.Registrations.Reason(), "legacy": f.LegacyUse.Reason(), "last sign-ins": f.LastSignIns.Reason()} {
				if got != "permission missing: X.Read.All" && l == graph.P1 {
					t.Errorf("%s after 60 days: got reason %q", what, got)
				}
			}
			b.restart()
			b.tenant.before = func(_ context.Context, call string) error { return errors.New("odd") }
			if got := b.Facts(t.Context()).Users.Reason(); got == "" {
				t.Error("another process tells accounts of two months ago as today's")
			}
		})
	}
}

// everything reads all there is to read.
func (b *bench) everything(t *testing.T) {
	t.Helper()
	b.mustPass(t)
	for more := true; more; {
		var err error
		if more, err = b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// After a week away the sign-ins are too old to be told, and no pass reads them.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.P1, 4))
	b.mustPass(t)
	b.tenant.advance(7 * 24 * time.Hour)
	b.tenant.signIns = append(b.tenant.signIns, graph.SignIn{UserID: "u001", Client: "POP", At: b.tenant.clock().Add(-time.Hour)})
	if got := rollout.NewLegacy(b.Facts(t.Context()), rollout.Scope{}).Get(rollout.LegacySucceeded); got.String() != "not read" {
		t.Errorf("before: got %s, want nothing of a week ago", got)
	}
	b.CatchUp(t.Context())
	if got := rollout.NewLegacy(b.Facts(t.Context()), rollout.Scope{}).Get(rollout.LegacySucceeded); got.String() != "1" {
		t.Errorf("after: got %s sign-ins, want 1", got)
	}
}

// The sums of sign-ins say until when they are.
func TestLegacyUseSaysUntilWhen(t *testing.T) {
	t.Parallel()
	b := setup(newTenant(graph.P1, 4))
	b.mustPass(t)
	read := b.tenant.clock()
	b.tenant.before = func(_ context.Context, call string) error {
		if call == "EachLegacySignIn" {
			return errors.New("odd")
		}
		return nil
	}
	b.tenant.advance(20 * time.Hour)
	_ = b.Pass(t.Context())
	f := b.Facts(t.Context())
	if got := rollout.NewLegacy(f, rollout.Scope{}); !got.AsOf.Equal(read) || !got.Get(rollout.LegacySucceeded).AsOf.Equal(read) {
		t.Errorf("got the log until %v, want %v", got.AsOf, read)
	}
	if got := rollout.JudgeLegacy(f, rollout.Scope{}); !got.AsOf.Equal(read) {
		t.Errorf("got a verdict as of %v, want %v", got.AsOf, read)
	}
}
