package msgraph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// A write is one change of graph.Writer as the matrix makes it.
type write struct {
	name     string // of the method
	request  string // "PATCH /policies/…", without version; {user}, {method} and {policy} stand for IDs
	answered bool   // what was created has to be in the answer
	send     func(context.Context, *msgraph.Client, *matrix) error
	// read is what graph.Reader says of it, from an address without version;
	// nil where nothing can be read.
	read  func(context.Context, *msgraph.Client, *matrix) (any, error)
	reads string
}

const defaultsPath = "/policies/identitySecurityDefaultsEnforcementPolicy"

// writes has every method of graph.Writer.
var writes = []write{
	{
		name: "SetSecurityDefaults", request: "PATCH " + defaultsPath, reads: defaultsPath, read: readDefaults,
		send: func(ctx context.Context, c *msgraph.Client, _ *matrix) error {
			return second(c.SetSecurityDefaults(ctx, true))
		},
	},
	{
		name: "CreatePolicy", request: "POST /identity/conditionalAccess/policies", reads: "/identity/conditionalAccess/policies", read: readPolicies, answered: true,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			_, _, err := c.CreatePolicy(ctx, graph.PolicyDraft{Does: graph.AimBlockLegacy, Mark: "R-ABC234", ExcludeUsers: []string{m.user}})
			return err
		},
	},
	{
		name: "SetPolicyState", request: "PATCH /identity/conditionalAccess/policies/{policy}", reads: "/identity/conditionalAccess/policies", read: readPolicies,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			return second(c.SetPolicyState(ctx, m.policy, graph.PolicyEnabled))
		},
	},
	{
		name: "SetPassPolicy", request: "PATCH /policies/authenticationMethodsPolicy/*", reads: "/policies/authenticationMethodsPolicy", read: readPassPolicy,
		send: func(ctx context.Context, c *msgraph.Client, _ *matrix) error {
			return second(c.SetPassPolicy(ctx, graph.PassPolicy{MinLifetime: time.Hour, MaxLifetime: 3 * time.Hour, DefaultLifetime: 2 * time.Hour, Length: 12}))
		},
	},
	{
		name: "SetCampaign", request: "PATCH /policies/authenticationMethodsPolicy", reads: "/policies/authenticationMethodsPolicy", read: readCampaign,
		send: func(ctx context.Context, c *msgraph.Client, _ *matrix) error {
			return second(c.SetCampaign(ctx, graph.Campaign{State: graph.CampaignOn, SnoozeDays: 7}))
		},
	},
	{
		name: "DeleteMethod", request: "DELETE /users/{user}/authentication/microsoftAuthenticatorMethods/{method}", reads: "/users/{user}/authentication/methods", read: readMethods,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			return second(c.DeleteMethod(ctx, m.user, graph.Method{ID: m.method, Kind: graph.MethodAuthenticator}))
		},
	},
	{
		name: "AddPhone", request: "POST /users/{user}/authentication/phoneMethods", reads: "/users/{user}/authentication/methods", read: readMethods, answered: true,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			_, _, err := c.AddPhone(ctx, m.user, graph.Phone{Type: graph.PhoneMobile, Number: "+44 7700900123"})
			return err
		},
	},
	{
		name: "CreatePass", request: "POST /users/{user}/authentication/temporaryAccessPassMethods", reads: "/users/{user}/authentication/temporaryAccessPassMethods", read: readPasses, answered: true,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			_, _, err := c.CreatePass(ctx, m.user, graph.PassOrder{})
			return err
		},
	},
	{
		name: "SetSignInPreference", request: "PATCH /users/{user}/authentication/signInPreferences", reads: "/users/{user}/authentication/signInPreferences", read: readPreference,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			return second(c.SetSignInPreference(ctx, m.user, graph.SignInPreference{System: !m.system, Method: "push"}))
		},
	},
	{
		name: "SetPerUserMFA", request: "PATCH /users/{user}/authentication/requirements", reads: "/users/{user}/authentication/requirements", read: readPerUserMFA,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			return second(c.SetPerUserMFA(ctx, m.user, graph.PerUserEnabled))
		},
	},
	{
		name: "RevokeSessions", request: "POST /users/{user}/revokeSignInSessions", reads: "/auditLogs/directoryAudits", read: readRevocations,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			return second(c.RevokeSessions(ctx, m.user))
		},
	},
	{
		name: "SetAccountEnabled", request: "PATCH /users/{user}", reads: "/users/{user}", read: readEnabled,
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			return second(c.SetAccountEnabled(ctx, m.user, false))
		},
	},
	{
		name: "SendMail", request: "POST /users/{user}/sendMail",
		send: func(ctx context.Context, c *msgraph.Client, m *matrix) error {
			return second(c.SendMail(ctx, graph.Mail{From: m.user, To: "sam@harbourvale.example", Subject: "x", HTML: "x", Ref: "N-1"}))
		},
	},
}

func readDefaults(ctx context.Context, c *msgraph.Client, _ *matrix) (any, error) {
	return c.SecurityDefaults(ctx)
}

// readPolicies returns the states by ID.
func readPolicies(ctx context.Context, c *msgraph.Client, _ *matrix) (any, error) {
	list, err := c.Policies(ctx)
	states := map[string]graph.PolicyState{}
	for _, p := range list {
		states[p.ID] = p.State
	}
	return states, err
}

func readPassPolicy(ctx context.Context, c *msgraph.Client, _ *matrix) (any, error) {
	p, err := c.MethodsPolicy(ctx)
	return p.Pass, err
}

func readCampaign(ctx context.Context, c *msgraph.Client, _ *matrix) (any, error) {
	p, err := c.MethodsPolicy(ctx)
	return p.Campaign, err
}

func readMethods(ctx context.Context, c *msgraph.Client, m *matrix) (any, error) {
	got, err := c.Methods(ctx, []string{m.user})
	if err != nil {
		return nil, err
	}
	return got[0].Methods, got[0].Err
}

func readPasses(ctx context.Context, c *msgraph.Client, m *matrix) (any, error) {
	return c.Passes(ctx, m.user)
}

func readPreference(ctx context.Context, c *msgraph.Client, m *matrix) (any, error) {
	return c.SignInPreference(ctx, m.user)
}

func readPerUserMFA(ctx context.Context, c *msgraph.Client, m *matrix) (any, error) {
	got, err := c.PerUserMFA(ctx, []string{m.user})
	if err != nil {
		return nil, err
	}
	return got[0].State, got[0].Err
}

// readRevocations reads the log: of the account itself we read nothing that
// a revocation alters.
func readRevocations(ctx context.Context, c *msgraph.Client, m *matrix) (any, error) {
	return c.Audits(ctx, graph.AuditQuery{TargetID: m.user})
}

func readEnabled(ctx context.Context, c *msgraph.Client, m *matrix) (any, error) {
	u, err := c.User(ctx, m.user)
	return u.Enabled, err
}

// A trouble is what goes wrong with a write, planned at the tenant, and what
// has to come of it.
type trouble struct {
	name    string
	plan    object // the tenant's fault, but for method and path
	want    graph.Kind
	good    bool // a success that needs no answer is one
	applied int
	licence graph.Licence
}

var troubles = []trouble{
	{name: "429, then success", plan: object{"status": 429, "retry_after": 17}, want: graph.KindThrottled},
	{name: "503", plan: object{"status": 503, "retry_after": 1}, want: graph.KindUnclear},
	{name: "504 after applying", plan: object{"status": 504, "cut": "after"}, want: graph.KindUnclear, applied: 1},
	{name: "reset before", plan: object{"cut": "before"}, want: graph.KindUnclear},
	{name: "reset after", plan: object{"cut": "after"}, want: graph.KindUnclear, applied: 1},
	{name: "unreadable 2xx", plan: object{"garble": "html"}, want: graph.KindUnclear, applied: 1},
	{name: "half a 2xx", plan: object{"garble": "cut"}, want: graph.KindUnclear, applied: 1},
	{name: "empty 2xx", plan: object{"garble": "empty"}, want: graph.KindUnclear, applied: 1, good: true},
	{name: "licence 403", plan: object{"status": 403, "code": "licence"}, want: graph.KindNoLicence, licence: graph.Free},
	{name: "permission 403", plan: object{"status": 403, "code": "permission"}, want: graph.KindNoPermission},
	{name: "stale read", applied: 1, good: true},
}

// TestFaultMatrix breaks every write in every way and compares what we say with
// the tenant's ledger: a write arrives once, and what "surely did not happen"
// never did. Whether to send again is the caller's to decide.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	iface := reflect.TypeFor[graph.Writer]()
	for i := range iface.NumMethod() {
		if name := iface.Method(i).Name; !slices.ContainsFunc(writes, func(w write) bool { return w.name == name }) {
			t.Errorf("no case for %s", name)
		}
	}
	var table results
	t.Cleanup(func() { t.Log(table.String()) })
	for _, w := range writes {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for _, trouble := range troubles {
				if trouble.name == "stale read" && w.read == nil {
					table.add(w, trouble, "nothing to read")
					continue
				}
				t.Run(trouble.name, func(t *testing.T) {
					t.Parallel()
					table.add(w, trouble, w.run(t, trouble))
				})
			}
		})
	}
}

// run makes the write with the trouble, where time passes at once, and returns
// a word for the table.
func (w write) run(t *testing.T, tr trouble) (said string) {
	m := &matrix{t: t}
	licence := graph.P1
	if tr.licence != 0 {
		licence = tr.licence
	}
	bubbleAround(t, func() http.Handler { return m.open(licence) }, func(t *testing.T, c *msgraph.Client) {
		m.t = t
		time.Sleep(time.Hour) // so that there is a past to read
		var before any
		if tr.name == "stale read" {
			before = m.seen(w, c)
		}
		if tr.plan != nil {
			m.plan(w, tr.plan)
		}
		err := w.send(t.Context(), c, m)
		w.check(t, m, tr, err)
		said = fmt.Sprintf("%s, %d", kindOf(err), len(m.tenant.Ledger()))
		switch tr.name {
		case "429, then success":
			if err := w.send(t.Context(), c, m); err != nil || len(m.tenant.Ledger()) != 1 {
				t.Errorf("sent again after Retry-After: got error %v and %d changes, want one", err, len(m.tenant.Ledger()))
			}
		case "stale read":
			w.checkStale(t, m, c, before)
		}
	})
	return said
}

// checkStale reads with the client while the tenant's reads are behind, and
// afterwards: what is not seen yet is no error, and nothing to send again for.
func (w write) checkStale(t *testing.T, m *matrix, c *msgraph.Client, before any) {
	t.Helper()
	m.ask(http.MethodPost, "/_sim/faults", []object{{"stale_s": 600, "method": "GET", "path": m.fill(w.reads)}})
	stale := m.seen(w, c)
	m.ask(http.MethodPost, "/_sim/faults", []object{})
	now := m.seen(w, c)
	if !reflect.DeepEqual(stale, before) || reflect.DeepEqual(now, before) {
		t.Errorf("reads: before %+v, then stale %+v, then %+v; want the old one again and then a new one", before, stale, now)
	}
	if n := len(m.tenant.Ledger()); n != 1 || m.arrived(w) != 1 {
		t.Errorf("after stale reads the write has arrived %d times and the ledger holds %d changes, want one each", m.arrived(w), n)
	}
}

// check compares what was said with what happened.
func (w write) check(t *testing.T, m *matrix, tr trouble, err error) {
	t.Helper()
	good := tr.good && (!w.answered || tr.plan == nil)
	switch e, ok := errors.AsType[*graph.Error](err); {
	case good && err != nil:
		t.Errorf("got error %v, want success", err)
	case good:
	case !ok || e.Kind != tr.want || e.Op == "":
		t.Fatalf("got %v, want %v", err, tr.want)
	case e.NotApplied() && len(m.tenant.Ledger()) > 0:
		t.Errorf("%v says that the change surely did not happen; it did", e)
	case e.NotApplied() != (tr.want != graph.KindUnclear):
		t.Errorf("%v: surely not applied: got %v", e, e.NotApplied())
	case e.Kind == graph.KindNoPermission && e.Permission == "":
		t.Errorf("%v names no permission", e)
	case e.Kind == graph.KindThrottled && !e.RetryAfter.Equal(time.Now().Add(17*time.Second)):
		t.Errorf("RetryAfter: got %v, want in 17 s", e.RetryAfter)
	}
	if n := m.arrived(w); n != 1 {
		t.Errorf("the write arrived %d times, want once", n)
	}
	if n := len(m.tenant.Ledger()); n != tr.applied {
		t.Errorf("the ledger holds %d changes, want %d", n, tr.applied)
	}
}

// matrix is a tenant of its own for one case.
type matrix struct {
	t      *testing.T
	tenant *simtenant.Tenant
	front  *arrivals
	user   string // a member who has the Authenticator and nothing else
	method string // it
	policy string // one in report-only, where there are any
	system bool   // the tenant chooses the user's default method
}

func (m *matrix) open(licence graph.Licence, apps ...simtenant.App) http.Handler {
	m.t.Helper()
	return m.openOf(simtenant.Config{People: 40, Licence: licence, Apps: apps})
}

func (m *matrix) openOf(cfg simtenant.Config) http.Handler {
	m.t.Helper()
	tenant, err := simtenant.New(cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	m.tenant, m.policy = tenant, someID
	m.front = &arrivals{next: tenant}
	for _, u := range m.get("/v1.0/users?$select=id,accountEnabled,userType,mail").objects("value") {
		list := m.get("/v1.0/users/" + u.text("id") + "/authentication/methods").objects("value")
		i := slices.IndexFunc(list, func(o object) bool { return strings.Contains(o.text("@odata.type"), "microsoftAuthenticator") })
		if i >= 0 && len(list) == 2 && u.flag("accountEnabled") && u.text("userType") == "Member" && u.text("mail") != "" {
			m.user, m.method = u.text("id"), list[i].text("id") // the last one: the first ones are administrators
		}
	}
	if m.user == "" {
		m.t.Fatal("nobody has the Authenticator alone")
	}
	m.system = m.get("/beta/users/" + m.user + "/authentication/signInPreferences").flag("isSystemPreferredAuthenticationMethodEnabled")
	if cfg.Licence >= graph.P1 {
		all := m.get("/v1.0/identity/conditionalAccess/policies").objects("value")
		m.policy = all[len(all)-1].text("id")
	}
	return m.front
}

// fill puts IDs into an address.
func (m *matrix) fill(address string) string {
	return strings.NewReplacer("{user}", m.user, "{method}", m.method, "{policy}", m.policy).Replace(address)
}

// ask speaks to the tenant past the client.
func (m *matrix) ask(method, address string, body any) []byte {
	m.t.Helper()
	w := m.do(method, address, body)
	if w.Code != http.StatusOK {
		m.t.Fatalf("%s %s: %d %s", method, address, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// change is a change by somebody else.
func (m *matrix) change(method, address string, body any) {
	m.t.Helper()
	if w := m.do(method, m.fill(address), body); w.Code >= 300 {
		m.t.Fatalf("%s %s: %d %s", method, address, w.Code, w.Body)
	}
}

func (m *matrix) do(method, address string, body any) *httptest.ResponseRecorder {
	m.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		m.t.Fatal(err)
	}
	r := httptest.NewRequest(method, address, bytes.NewReader(raw))
	r.RemoteAddr = ""
	r.Header.Set("Authorization", "Bearer portal")
	w := httptest.NewRecorder()
	m.tenant.ServeHTTP(w, r)
	return w
}

func (m *matrix) get(address string) object {
	m.t.Helper()
	var o object
	if err := json.Unmarshal(m.ask(http.MethodGet, address, nil), &o); err != nil {
		m.t.Fatal(err)
	}
	return o
}

// seen is what the client reads of what the write alters.
func (m *matrix) seen(w write, c *msgraph.Client) any {
	m.t.Helper()
	v, err := w.read(m.t.Context(), c, m)
	if err != nil {
		m.t.Errorf("read: %v", err)
	}
	return v
}

// plan tells the tenant what is to go wrong with the next such request.
func (m *matrix) plan(w write, fault object) {
	method, path, _ := strings.Cut(m.fill(w.request), " ")
	planned := object{"method": method, "path": path, "times": 1}
	for name, value := range fault {
		planned[name] = value
	}
	m.ask(http.MethodPost, "/_sim/faults", []object{planned})
}

// arrived counts the requests of a write.
func (m *matrix) arrived(w write) (n int) {
	method, path, _ := strings.Cut(m.fill(w.request), " ")
	for _, r := range m.front.of(method) {
		if strings.Contains(r.URI, strings.TrimSuffix(path, "*")) {
			n++
		}
	}
	return n
}

func kindOf(err error) string {
	e, ok := errors.AsType[*graph.Error](err)
	switch {
	case err == nil:
		return "ok"
	case ok:
		return e.Kind.String()
	default:
		return err.Error()
	}
}

// results is what came of each case: what we say, and how many changes the
// ledger holds.
type results struct {
	mu   sync.Mutex
	said map[string]map[string]string
}

func (r *results) add(w write, tr trouble, said string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said == nil {
		r.said = map[string]map[string]string{}
	}
	if r.said[w.name] == nil {
		r.said[w.name] = map[string]string{}
	}
	r.said[w.name][tr.name] = said
}

func (r *results) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-20s", "")
	for _, tr := range troubles {
		fmt.Fprintf(&b, "| %-22s", tr.name)
	}
	for _, w := range writes {
		fmt.Fprintf(&b, "\n%-20s", w.name)
		for _, tr := range troubles {
			fmt.Fprintf(&b, "| %-22s", r.said[w.name][tr.name])
		}
	}
	return b.String()
}
