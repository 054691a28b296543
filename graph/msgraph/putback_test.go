package msgraph_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"twokey/graph"
	"twokey/graph/graphtest"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// A breakage is a way in which one request fails.
type breakage struct {
	name string
	plan object
}

var breakages = []breakage{
	{"403", object{"status": 403, "code": "permission", "times": 1}},
	{"503 three times", object{"status": 503, "times": 3}},
	{"reset before", object{"cut": "before", "times": 1}},
	{"reset after", object{"cut": "after", "times": 1}},
	{"unreadable 2xx", object{"garble": "html", "times": 1}},
}

// TestTestUserIsPutBack lets the check that is made of a real tenant's test user
// fail at each of its requests in turn, and compares the account afterwards.
func TestTestUserIsPutBack(t *testing.T) {
	t.Parallel()
	clean := &testUserRun{breakAt: -1}
	clean.run(t, simtenant.Config{}, nil)
	if clean.failed || clean.n < 12 || len(clean.paths) != 9 {
		t.Fatalf("without a failure: failed %v after %d requests, changes %q; want nine changes, all well", clean.failed, clean.n, clean.paths)
	}
	for at := range clean.n {
		for _, b := range breakages {
			t.Run(fmt.Sprintf("request %d, %s", at+1, b.name), func(t *testing.T) {
				t.Parallel()
				r := &testUserRun{breakAt: at, breakage: b.plan}
				r.run(t, simtenant.Config{}, nil)
				if r.brokeWrite && !r.failed {
					t.Error("the failure of a change went unnoticed")
				}
			})
		}
	}
}

// TestTestUserKeepsWhatItHas checks that what the account has is not replaced
// by the check, and that somebody with power over the tenant is no test user.
func TestTestUserKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		cfg     simtenant.Config
		prepare func(*matrix)
		never   string // a path that must not be written
		refused bool
	}{
		{name: "passes are off", cfg: simtenant.Config{PassesOff: true}, never: "temporaryAccessPassMethods"},
		{name: "has a pass", never: "temporaryAccessPassMethods", prepare: func(m *matrix) {
			m.change("POST", "/v1.0/users/{user}/authentication/temporaryAccessPassMethods", object{})
		}},
		{name: "has an office phone", never: "phoneMethods", prepare: func(m *matrix) {
			m.change("POST", "/v1.0/users/{user}/authentication/phoneMethods", object{"phoneType": "office", "phoneNumber": "+44 2079460999"})
		}},
		{name: "is blocked", never: "/", refused: true, prepare: func(m *matrix) {
			m.change("PATCH", "/v1.0/users/{user}", object{"accountEnabled": false})
		}},
		{name: "holds a role", never: "/", refused: true, prepare: func(m *matrix) { m.user = simtenant.Cast(1)[0].ObjectID }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &testUserRun{breakAt: -1}
			r.run(t, tt.cfg, tt.prepare)
			if r.failed != tt.refused {
				t.Errorf("failed: got %v, want %v: %q", r.failed, tt.refused, r.said)
			}
			if slices.ContainsFunc(r.paths, func(p string) bool { return strings.Contains(p, tt.never) }) {
				t.Errorf("changed %q, want nothing of %s", r.paths, tt.never)
			}
		})
	}
}

// testUserRun runs the check once, in time that passes at once.
type testUserRun struct {
	breakAt  int // the request that fails, from 0; none if negative
	breakage object

	matrix
	n          int // requests of the check
	brokeWrite bool
	failed     bool
	said       []string
	paths      []string // what was changed
}

func (r *testUserRun) run(t *testing.T, cfg simtenant.Config, prepare func(*matrix)) {
	t.Helper()
	r.t = t
	checking := false
	bubbleAround(t, func() http.Handler {
		cfg.People, cfg.Licence = 40, graph.Free
		tenant := r.openOf(cfg)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if checking {
				r.strike(req)
			}
			tenant.ServeHTTP(w, req)
		})
	}, func(t *testing.T, c *msgraph.Client) {
		r.t = t
		if prepare != nil {
			prepare(&r.matrix)
		}
		before, changes := r.asItIs(), len(r.tenant.Ledger())
		checking = true
		watched := &watchedT{T: t}
		watched.run(func() {
			graphtest.ChangeTestUser(watched, graphtest.Fixture{Reader: c, Writer: c, TestUser: r.user, Real: true})
		})
		checking = false
		r.failed, r.said = watched.failed, watched.said
		r.ask(http.MethodPost, "/_sim/faults", []object{})
		if after := r.asItIs(); after != before {
			t.Errorf("the account was\n%s\nand is\n%s\nafter %q", before, after, r.said)
		}
		for _, e := range r.tenant.Ledger()[changes:] {
			if r.paths = append(r.paths, e.Path); !strings.Contains(e.Path, "/users/"+r.user) {
				t.Errorf("%s %s was changed, who is no test user", e.Method, e.Path)
			}
		}
	})
}

// strike plans the failure of the request if its turn has come.
func (r *testUserRun) strike(req *http.Request) {
	if r.n == r.breakAt {
		plan := object{"method": req.Method, "path": req.URL.Path}
		for name, value := range r.breakage {
			plan[name] = value
		}
		r.ask(http.MethodPost, "/_sim/faults", []object{plan})
		r.brokeWrite = req.Method != http.MethodGet && !strings.HasSuffix(req.URL.Path, "/$batch")
	}
	r.n++
}

// asItIs is all that the check may alter of the account, but for its sessions.
func (r *testUserRun) asItIs() string {
	var all []string
	for _, address := range []string{
		"/v1.0/users/{user}?$select=id,accountEnabled", "/v1.0/users/{user}/authentication/methods",
		"/beta/users/{user}/authentication/requirements", "/beta/users/{user}/authentication/signInPreferences",
	} {
		all = append(all, string(r.ask(http.MethodGet, r.fill(address), nil)))
	}
	return strings.Join(all, "\n")
}

// watchedT is a test whose failure is what is expected: it is noted, and not
// the test's own.
type watchedT struct {
	*testing.T
	ctx      context.Context
	mu       sync.Mutex
	failed   bool
	said     []string
	cleanups []func()
}

// run runs a test and its cleanups as the testing package does.
func (w *watchedT) run(test func()) {
	ctx, cancel := context.WithCancel(w.T.Context())
	w.ctx = ctx
	w.apart(test)
	cancel()
	for _, f := range slices.Backward(w.cleanups) {
		w.apart(f)
	}
}

// apart runs f where it can be ended without ending the real test.
func (w *watchedT) apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (w *watchedT) note(failed bool, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed, w.said = w.failed || failed, append(w.said, text)
}

func (w *watchedT) Context() context.Context       { return w.ctx }
func (w *watchedT) Cleanup(f func())               { w.cleanups = append(w.cleanups, f) }
func (w *watchedT) Logf(format string, a ...any)   { w.note(false, fmt.Sprintf(format, a...)) }
func (w *watchedT) Errorf(format string, a ...any) { w.note(true, fmt.Sprintf(format, a...)) }

func (w *watchedT) Fatalf(format string, a ...any) {
	w.Errorf(format, a...)
	runtime.Goexit()
}

func (w *watchedT) Fatal(a ...any) { w.Fatalf("%s", fmt.Sprint(a...)) }
