package sync

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// fake is a tenant of which each answer can be replaced. It notes what was asked.
type fake struct {
	licence       func() (graph.Licence, error)
	users         func() ([]graph.User, error)
	registrations func() ([]graph.Registration, error)
	fail          map[string]error // by call
	delay         time.Duration

	mu    sync.Mutex
	asked []string
}

var _ Reader = (*fake)(nil)

// note records a call, takes the tenant's time and returns what it fails with.
func (r *fake) note(ctx context.Context, call string) error {
	r.mu.Lock()
	r.asked = append(r.asked, call)
	r.mu.Unlock()
	select {
	case <-time.After(r.delay):
		return r.fail[strings.Fields(call)[0]]
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *fake) Organization(ctx context.Context) (graph.Organization, error) {
	return graph.Organization{ID: "tenant"}, r.note(ctx, "organization")
}

func (r *fake) Licence(ctx context.Context) (graph.Licence, error) {
	if err := r.note(ctx, "licence"); err != nil {
		return graph.LicenceUnknown, err
	}
	return r.licence()
}

func (r *fake) SecurityDefaults(ctx context.Context) (graph.SecurityDefaults, error) {
	return graph.SecurityDefaults{Enabled: true}, r.note(ctx, "defaults")
}

func (r *fake) Policies(ctx context.Context) ([]graph.Policy, error) {
	return []graph.Policy{}, r.note(ctx, "policies")
}

func (r *fake) Users(ctx context.Context) ([]graph.User, error) {
	if err := r.note(ctx, "users"); err != nil {
		return nil, err
	}
	return r.users()
}

func (r *fake) User(context.Context, string) (graph.User, error) {
	return graph.User{}, errors.New("not a bulk read")
}

func (r *fake) RoleHolders(ctx context.Context) ([]graph.RoleHolder, error) {
	return []graph.RoleHolder{}, r.note(ctx, "roles")
}

func (r *fake) Registrations(ctx context.Context) ([]graph.Registration, error) {
	if err := r.note(ctx, "report"); err != nil {
		return nil, err
	}
	return r.registrations()
}

func (r *fake) Methods(ctx context.Context, ids []string) ([]graph.UserMethods, error) {
	var read []graph.UserMethods
	for _, id := range ids {
		read = append(read, graph.UserMethods{UserID: id, Methods: []graph.Method{{Kind: graph.MethodPasskey}}})
	}
	return read, r.note(ctx, "methods "+strings.Join(ids, " "))
}

func (r *fake) EachLegacySignIn(ctx context.Context, since time.Time, _ func(graph.SignIn) error) error {
	return r.note(ctx, "legacy "+since.Format(time.DateOnly))
}

var errNeedsP1 = &graph.Error{Kind: graph.KindNoLicence}

func tenant(l graph.Licence) *fake {
	return &fake{
		licence: func() (graph.Licence, error) { return l, nil },
		users: func() ([]graph.User, error) {
			return []graph.User{{ID: "ann", Enabled: true}, {ID: "off"}, {ID: "guest", Enabled: true, Guest: true}, {ID: "ben", Enabled: true}}, nil
		},
		registrations: func() ([]graph.Registration, error) {
			return []graph.Registration{{UserID: "ann", Registered: true, Capable: true, Methods: []string{"fido2"}}, {UserID: "ben"}}, nil
		},
		fail: map[string]error{},
	}
}

var asOf = time.Date(2026, time.November, 23, 6, 10, 0, 0, time.UTC)

func clock() time.Time { return asOf }

func TestReadTakesTheRoadOfTheLicence(t *testing.T) {
	t.Parallel()
	always := []string{"defaults", "licence", "organization", "policies", "roles", "users"}
	report := []string{"legacy 2026-11-16", "report"}
	methods := []string{"methods ann ben"}
	refused := func() ([]graph.Registration, error) { return nil, errNeedsP1 }
	tests := []struct {
		name       string
		reader     *fake
		change     func(*fake)
		asked      []string
		registered string
		legacy     rollout.Reason
	}{
		{name: "P1", reader: tenant(graph.P1), asked: report, registered: "1"},
		{name: "P2", reader: tenant(graph.P2), asked: report, registered: "1"},
		{name: "Free", reader: tenant(graph.Free), asked: methods, registered: "2", legacy: rollout.NeedsP1},
		{
			name: "licence not read, P1", reader: tenant(graph.P1), asked: report, registered: "1",
			change: func(r *fake) { r.fail["licence"] = errors.New("odd") },
		},
		{
			name: "licence not read, Free", reader: tenant(graph.Free), asked: append(report, methods...), registered: "2", legacy: rollout.NeedsP1,
			change: func(r *fake) {
				r.fail["licence"], r.fail["legacy"], r.registrations = errors.New("odd"), errNeedsP1, refused
			},
		},
		{
			name: "P1 without its report reads no methods", reader: tenant(graph.P1), asked: report, registered: "not read",
			change: func(r *fake) { r.registrations = refused },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.change != nil {
				tt.change(tt.reader)
			}
			f := Read(t.Context(), tt.reader, clock)
			want := slices.Concat(always, tt.asked)
			slices.Sort(want)
			slices.Sort(tt.reader.asked)
			if !slices.Equal(tt.reader.asked, want) {
				t.Errorf("asked: got %q, want %q", tt.reader.asked, want)
			}
			if got := rollout.NewFunnel(f, rollout.Scope{}).Get(rollout.Registered).String(); got != tt.registered {
				t.Errorf("registered: got %q, want %q", got, tt.registered)
			}
			if got := f.LegacyUse.Reason(); got != tt.legacy {
				t.Errorf("legacy: got reason %q, want %q", got, tt.legacy)
			}
			if !f.AsOf.Equal(asOf) || !f.LegacySince.Equal(asOf.Add(-rollout.LegacyWindow)) {
				t.Errorf("got as of %v since %v, want the start of the reading and a week before", f.AsOf, f.LegacySince)
			}
		})
	}
}

func TestReadGoesOnWhenOneSourceFails(t *testing.T) {
	t.Parallel()
	calls := []string{"organization", "licence", "defaults", "policies", "users", "roles", "report", "methods", "legacy"}
	for _, l := range []graph.Licence{graph.Free, graph.P1} {
		for _, failing := range calls {
			t.Run(l.String()+"/"+failing, func(t *testing.T) {
				t.Parallel()
				odd := errors.New("odd")
				r := tenant(l)
				r.fail[failing] = odd
				f := Read(t.Context(), r, clock)
				errs := map[string]error{
					"organization": f.Organization.Err(), "licence": f.Licence.Err(), "defaults": f.SecurityDefaults.Err(),
					"policies": f.Policies.Err(), "users": f.Users.Err(), "roles": f.RoleHolders.Err(),
					"report": f.Registrations.Err(), "methods": f.Methods.Err(), "legacy": f.LegacyUse.Err(),
				}
				for call, err := range errs {
					asked := slices.ContainsFunc(r.asked, func(a string) bool { return strings.HasPrefix(a, call) })
					if got, want := errors.Is(err, odd), call == failing && asked; got != want {
						t.Errorf("%s: got error %v, want one from its own source only", call, err)
					}
				}
			})
		}
	}
}

func TestReadAsksAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			licence graph.Licence
			want    time.Duration // a minute for each step that must follow another
		}{{graph.P1, 2 * time.Minute}, {graph.Free, 3 * time.Minute}} {
			r := tenant(tt.licence)
			r.delay = time.Minute
			start := time.Now()
			Read(t.Context(), r, time.Now)
			if got := time.Since(start); got != tt.want {
				t.Errorf("%v: got %v, want %v", tt.licence, got, tt.want)
			}
		}
	})
}

func TestReadStopsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		r := tenant(graph.Free)
		r.delay = time.Minute
		start := time.Now()
		f := Read(ctx, r, time.Now)
		if got := time.Since(start); got != 90*time.Second {
			t.Errorf("got back after %v, want 90 s", got)
		}
		if _, ok := f.Licence.Get(); !ok {
			t.Errorf("licence: got %v, want what came in time", f.Licence.Err())
		}
		if got := rollout.NewFunnel(f, rollout.Scope{}).Get(rollout.Registered).String(); got == "0" {
			t.Error("registered: got 0, want a reason")
		}
		if slices.ContainsFunc(r.asked, func(a string) bool { return strings.HasPrefix(a, "methods") }) {
			t.Error("methods were asked for after the end")
		}
	})
}

func TestReadWithoutTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := tenant(graph.P1)
	f := Read(ctx, r, clock)
	if len(r.asked) > 0 {
		t.Errorf("got %q asked, want nothing", r.asked)
	}
	if got := f.Users.Reason(); got != rollout.NotRead {
		t.Errorf("users: got reason %q, want %q", got, rollout.NotRead)
	}
}
