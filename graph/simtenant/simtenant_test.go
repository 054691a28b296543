package simtenant_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// epoch is the moment at which the tests' tenants are "now": a Monday morning.
var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const defaultsPath = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy"

const policiesPath = "/v1.0/identity/conditionalAccess/policies"

// clock is a clock that moves when it is told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock(at time.Time) *clock { return &clock{at: at} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// newTenant makes a tenant that ends with the test; its clock stands at the
// epoch unless the configuration has one.
func newTenant(t testing.TB, cfg simtenant.Config) *simtenant.Tenant {
	t.Helper()
	if cfg.Epoch.IsZero() {
		cfg.Epoch = epoch
	}
	if cfg.Now == nil {
		cfg.Now = newClock(epoch).Now
	}
	tenant, err := simtenant.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := tenant.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return tenant
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	raw    []byte
}

// ask sends one request into the handler. Headers come in pairs.
func ask(h http.Handler, method, path, body string, headers ...string) reply {
	r := httptest.NewRequest(method, "http://tenant.test"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.Bytes()}
}

// decode reads the body into a value of the wanted shape.
func decode[T any](t testing.TB, r reply) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(r.raw, &v); err != nil {
		t.Fatalf("decode %.200s: %v", r.raw, err)
	}
	return v
}

// object is a JSON object.
type object = map[string]any

// collection is a page of a list.
type collection struct {
	Value []object `json:"value"`
	Next  string   `json:"@odata.nextLink"`
	Count *int     `json:"@odata.count"`
}

// list reads all pages of a collection.
func list(t testing.TB, h http.Handler, path string, headers ...string) []object {
	t.Helper()
	var all []object
	for path != "" {
		r := ask(h, "GET", path, "", headers...)
		if r.status != http.StatusOK {
			t.Fatalf("GET %s: %d %.300s", path, r.status, r.raw)
		}
		page := decode[collection](t, r)
		all = append(all, page.Value...)
		path = strings.TrimPrefix(page.Next, "http://tenant.test")
	}
	return all
}

// refusal returns code and message of an error envelope.
func refusal(t testing.TB, r reply) (code, message string) {
	t.Helper()
	e := decode[struct {
		Error struct {
			Code, Message string
			InnerError    map[string]string
		}
	}](t, r)
	if e.Error.InnerError["request-id"] == "" || e.Error.InnerError["date"] == "" {
		t.Errorf("error envelope lacks innerError: %s", r.raw)
	}
	return e.Error.Code, e.Error.Message
}

// plan sets the faults.
func plan(t testing.TB, h http.Handler, faults string) {
	t.Helper()
	if r := ask(h, "POST", "/_sim/faults", faults); r.status != http.StatusOK {
		t.Fatalf("POST /_sim/faults: %d %s", r.status, r.raw)
	}
}

// defaultsEnabled reads security defaults.
func defaultsEnabled(t testing.TB, h http.Handler) bool {
	t.Helper()
	r := ask(h, "GET", defaultsPath, "")
	if r.status != http.StatusOK {
		t.Fatalf("GET security defaults: %d %s", r.status, r.raw)
	}
	return decode[struct{ IsEnabled bool }](t, r).IsEnabled
}

// policyJSON is a valid Conditional Access policy in the given state.
func policyJSON(state graph.PolicyState) string {
	return `{"displayName":"Block legacy","state":"` + string(state) + `","conditions":{"clientAppTypes":["exchangeActiveSync","other"],` +
		`"applications":{"includeApplications":["All"]},"users":{"includeUsers":["All"]}},` +
		`"grantControls":{"operator":"OR","builtInControls":["block"]}}`
}

// postPolicy creates a policy and returns its id.
func postPolicy(t testing.TB, h http.Handler, state graph.PolicyState) string {
	t.Helper()
	r := ask(h, "POST", policiesPath, policyJSON(state))
	if r.status != http.StatusCreated {
		t.Fatalf("POST policy: %d %s", r.status, r.raw)
	}
	return decode[struct{ ID string }](t, r).ID
}
