package msgraph_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// counting is a tenant that counts requests like Graph, in simulated time. What
// it refused is read from its own log.
type counting struct {
	t   *testing.T
	sim *simtenant.Tenant
}

// underQuota runs f with such a tenant. Every request takes 80 ms each way.
func underQuota(t *testing.T, cfg simtenant.Config, f func(t *testing.T, tenant counting)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Throttle = true
		sim, err := simtenant.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		f(t, counting{t, sim})
	})
}

// client returns a client of the tenant, always of the same app.
func (c counting) client() *msgraph.Client {
	return client(c.t, msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken("app"), Transport: c})
}

func (c counting) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(80 * time.Millisecond)
	received := req.Clone(req.Context())
	if received.Body == nil {
		received.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, received)
	time.Sleep(80 * time.Millisecond)
	return rec.Result(), req.Context().Err()
}

// asked counts the requests and parts below a path, and those of them that were
// refused for being too many.
func (c counting) asked(path string) (all, refused int) {
	c.t.Helper()
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, localRequest("GET", "/_sim/requests"))
	var log []struct {
		Path   string
		Status int
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &log); err != nil {
		c.t.Fatal(err)
	}
	for _, r := range log {
		if strings.Contains(r.Path, path) {
			all++
			if r.Status == http.StatusTooManyRequests {
				refused++
			}
		}
	}
	return all, refused
}

// localRequest is a request from inside this program.
func localRequest(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, http.NoBody)
	r.RemoteAddr = ""
	return r
}

// every calls ask at each step of the way until done is closed, and returns how
// long the slowest answer took.
func every(step time.Duration, done <-chan struct{}, ask func()) (n int, slowest time.Duration) {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return n, slowest
		case <-ticker.C:
			start := time.Now()
			ask()
			slowest = max(slowest, time.Since(start))
			n++
		}
	}
}

// TestReportsUnderQuota reads a registration report of thirty pages for nobody
// in particular, while somebody asks for a page of a log every seven seconds.
// Not one request is refused, and who waits does not.
func TestReportsUnderQuota(t *testing.T) {
	t.Parallel()
	underQuota(t, simtenant.Config{People: 27_200, Licence: graph.P1}, func(t *testing.T, tenant counting) {
		c := tenant.client()
		done := make(chan struct{})
		start := time.Now()
		go func() {
			defer close(done)
			rows, err := c.Registrations(graph.InBackground(t.Context()))
			if err != nil || len(rows) < 27_200 {
				t.Errorf("got %d rows and error %v", len(rows), err)
			}
		}()
		n, slowest := every(7*time.Second, done, func() {
			if _, err := c.Audits(t.Context(), graph.AuditQuery{Since: time.Now().Add(-time.Minute)}); err != nil {
				t.Error(err)
			}
		})
		pages, refused := tenant.asked("/userRegistrationDetails")
		_, refusedToo := tenant.asked("/directoryAudits")
		t.Logf("%d pages in %v, %d requests of a person meanwhile, the slowest in %v", pages, time.Since(start), n, slowest)
		if pages < 29 || n < 8 {
			t.Errorf("%d pages and %d requests of a person: the check proves nothing", pages, n)
		}
		if refused+refusedToo > 0 {
			t.Errorf("the tenant refused %d pages and %d requests of a person", refused, refusedToo)
		}
		if slowest > 2*time.Second {
			t.Errorf("a person waited %v behind the background", slowest)
		}
	})
}

// TestMethodsUnderQuota sweeps over two thousand users whose budget nobody
// knows, while somebody looks one of them up every three seconds.
func TestMethodsUnderQuota(t *testing.T) {
	t.Parallel()
	underQuota(t, simtenant.Config{People: 2000}, func(t *testing.T, tenant counting) {
		c := tenant.client()
		ids := tenant.userIDs(c)
		done := make(chan struct{})
		start := time.Now()
		go func() {
			defer close(done)
			found, err := c.Methods(graph.InBackground(t.Context()), ids)
			if err != nil {
				t.Error(err)
			}
			for _, m := range found {
				if m.Err != nil {
					t.Errorf("%s: %v", m.UserID, m.Err)
				}
			}
		}()
		n, slowest := every(3*time.Second, done, func() {
			if m, err := c.Methods(t.Context(), ids[:1]); err != nil || m[0].Err != nil {
				t.Errorf("a look-up: %v, %v", m, err)
			}
		})
		parts, refused := tenant.asked("/authentication/methods")
		t.Logf("%d users in %v with %d parts, %d of them refused; %d look-ups meanwhile, the slowest in %v", len(ids), time.Since(start), parts, refused, n, slowest)
		if refused > 0 {
			t.Errorf("the tenant refused %d parts, want none: the sweep does not come near its limit", refused)
		}
		if slowest > time.Second {
			t.Errorf("a look-up took %v behind the sweep", slowest)
		}
	})
}

// TestMethodsFindTheirPace sweeps over so many that the limit must be met, and
// counts what it costs to learn it.
func TestMethodsFindTheirPace(t *testing.T) {
	t.Parallel()
	underQuota(t, simtenant.Config{People: 8000}, func(t *testing.T, tenant counting) {
		c := tenant.client()
		ids := tenant.userIDs(c)
		start := time.Now()
		found, err := c.Methods(graph.InBackground(t.Context()), ids)
		if err != nil {
			t.Error(err)
		}
		for _, m := range found {
			if m.Err != nil {
				t.Errorf("%s: %v", m.UserID, m.Err)
			}
		}
		parts, refused := tenant.asked("/authentication/methods")
		took := time.Since(start)
		t.Logf("%d users in %v with %d parts, %d of them refused", len(ids), took, parts, refused)
		if refused == 0 || refused > len(ids)/100 {
			t.Errorf("the tenant refused %d parts, want some, and no more than one in a hundred", refused)
		}
		// The tenant lets 40 a second through, and ours is to come near it.
		if least := time.Duration(len(ids)) * time.Second / 40; took > least*3/2 {
			t.Errorf("the sweep took %v, want at most half as long again as %v", took, least)
		}
	})
}

// userIDs lists everybody.
func (c counting) userIDs(of *msgraph.Client) []string {
	c.t.Helper()
	users, err := of.Users(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return ids
}

// withoutRole leaves out who holds a directory role: our app may not block them.
func (c counting) withoutRole(of *msgraph.Client, ids []string) []string {
	c.t.Helper()
	holders, err := of.RoleHolders(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.ContainsFunc(holders, func(h graph.RoleHolder) bool { return h.UserID == id })
	})
}

// TestPoliciesUnderQuota reads Conditional Access, of which Graph allows one
// request a second and says nothing when it refuses.
func TestPoliciesUnderQuota(t *testing.T) {
	t.Parallel()
	underQuota(t, simtenant.Config{Licence: graph.P1}, func(t *testing.T, tenant counting) {
		c := tenant.client()
		done := make(chan struct{})
		go func() {
			defer close(done)
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					if _, err := c.Policies(graph.InBackground(t.Context())); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}()
		n, slowest := every(5*time.Second, done, func() {
			if _, err := c.Policies(t.Context()); err != nil {
				t.Error(err)
			}
		})
		all, refused := tenant.asked("/conditionalAccess/policies")
		t.Logf("%d requests, %d refused; %d of a person, the slowest in %v", all, refused, n, slowest)
		if refused > 0 || n == 0 {
			t.Errorf("the tenant refused %d of %d requests, %d of them a person's", refused, all, n)
		}
		if slowest > 1500*time.Millisecond {
			t.Errorf("a person waited %v behind forty others", slowest)
		}
	})
}

// TestEverythingUnderQuota asks for all there is at once, by people and in the
// background, and changes what can be changed: no operation has a budget that
// is too large.
func TestEverythingUnderQuota(t *testing.T) {
	t.Parallel()
	underQuota(t, simtenant.Config{People: 1200, Licence: graph.P2}, func(t *testing.T, tenant counting) {
		c := tenant.client()
		ids := tenant.userIDs(c)
		var wg sync.WaitGroup
		for name, read := range everyRead(c, ids) {
			for _, ctx := range []context.Context{graph.InBackground(t.Context()), t.Context()} {
				for range 4 {
					wg.Go(func() { check(t, name, func() error { return read(ctx) }) })
				}
			}
		}
		for _, id := range tenant.withoutRole(c, ids)[:40] {
			wg.Go(func() {
				check(t, "block", func() error { _, err := c.SetAccountEnabled(t.Context(), id, false); return err })
			})
		}
		wg.Wait()
		if all, refused := tenant.asked("/"); refused > 0 || all < 500 {
			t.Errorf("the tenant refused %d of %d requests and parts", refused, all)
		}
	})
}

// everyRead are the calls that spend a budget, by name. None of them takes
// longer than a person may be asked to wait, eight times over.
func everyRead(c *msgraph.Client, ids []string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"organization":      func(ctx context.Context) error { _, err := c.Organization(ctx); return err },
		"licence":           func(ctx context.Context) error { _, err := c.Licence(ctx); return err },
		"security defaults": func(ctx context.Context) error { _, err := c.SecurityDefaults(ctx); return err },
		"policies":          func(ctx context.Context) error { _, err := c.Policies(ctx); return err },
		"users":             func(ctx context.Context) error { _, err := c.Users(ctx); return err },
		"count":             func(ctx context.Context) error { _, err := c.CountUsers(ctx); return err },
		"managers":          func(ctx context.Context) error { _, err := c.Managers(ctx); return err },
		"changes":           func(ctx context.Context) error { _, err := c.UserChanges(ctx, ""); return err },
		"look-up":           func(ctx context.Context) error { _, err := c.FindUsers(ctx, "olga"); return err },
		"user":              func(ctx context.Context) error { _, err := c.User(ctx, ids[0]); return err },
		"last sign-ins":     func(ctx context.Context) error { _, err := c.LastSignIns(ctx); return err },
		"role holders":      func(ctx context.Context) error { _, err := c.RoleHolders(ctx); return err },
		"registrations":     func(ctx context.Context) error { _, err := c.Registrations(ctx); return err },
		"methods":           func(ctx context.Context) error { _, err := c.Methods(ctx, ids[:50]); return err },
		"per-user MFA":      func(ctx context.Context) error { _, err := c.PerUserMFA(ctx, ids[:50]); return err },
		"preference":        func(ctx context.Context) error { _, err := c.SignInPreference(ctx, ids[0]); return err },
		"methods policy":    func(ctx context.Context) error { _, err := c.MethodsPolicy(ctx); return err },
		"audits":            func(ctx context.Context) error { _, err := c.Audits(ctx, graph.AuditQuery{}); return err },
		"e-mail apps":       func(ctx context.Context) error { _, err := c.EmailAppUse(ctx, 7); return err },
		"Outlook":           func(ctx context.Context) error { _, err := c.OutlookVersions(ctx, 7); return err },
		"report settings":   func(ctx context.Context) error { _, err := c.NamesConcealed(ctx); return err },
	}
}

// TestTwoReplicasUnderQuota lets two clients of one app, who know nothing of
// each other, read the same things. Refusals are to be expected; an end without
// an answer is not.
func TestTwoReplicasUnderQuota(t *testing.T) {
	t.Parallel()
	underQuota(t, simtenant.Config{People: 12_000, Licence: graph.P1}, func(t *testing.T, tenant counting) {
		ids := tenant.userIDs(tenant.client())[:1500]
		var wg sync.WaitGroup
		for range 2 {
			c := tenant.client()
			ctx := graph.InBackground(t.Context())
			wg.Go(func() { check(t, "registrations", func() error { _, err := c.Registrations(ctx); return err }) })
			wg.Go(func() {
				for range 10 {
					check(t, "policies", func() error { _, err := c.Policies(ctx); return err })
				}
			})
			wg.Go(func() {
				found, err := c.Methods(ctx, ids)
				if err != nil {
					t.Error(err)
				}
				for _, m := range found {
					if m.Err != nil {
						t.Errorf("%s: %v", m.UserID, m.Err)
					}
				}
			})
		}
		start := time.Now()
		wg.Wait()
		for _, path := range []string{"/userRegistrationDetails", "/conditionalAccess/policies", "/authentication/methods"} {
			all, refused := tenant.asked(path)
			t.Logf("%s: %d requests, %d refused", path, all, refused)
		}
		t.Logf("all was read after %v", time.Since(start))
	})
}

func check(t *testing.T, what string, read func() error) {
	t.Helper()
	if err := read(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// TestPriorityIsSaid checks that Graph hears whom it may let wait, on every
// page and for every batch.
func TestPriorityIsSaid(t *testing.T) {
	t.Parallel()
	for priority, ctx := range map[string]context.Context{"high": t.Context(), "low": graph.InBackground(t.Context())} {
		mux := http.NewServeMux()
		mux.Handle("/", pages(ownHost, person("a"), person("b")))
		mux.Handle("/v1.0/$batch", parts(func(string) (int, string, string) { return 200, `{}`, phoneBody }))
		tenant := &arrivals{next: mux}
		c := serve(t, tenant)
		if _, err := c.Users(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Methods(ctx, ids(1)); err != nil {
			t.Fatal(err)
		}
		all := tenant.of("")
		if len(all) != 3 {
			t.Fatalf("got %d requests, want two pages and a batch", len(all))
		}
		for _, r := range all {
			if got := r.Header.Get("x-ms-throttle-priority"); got != priority {
				t.Errorf("%s %s: got priority %q, want %q", r.Method, r.URI, got, priority)
			}
		}
	}
}
