package simtenant_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

const defaultsRule = "/policies/identitySecurityDefaultsEnforcementPolicy"

func TestStatusFaults(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	plan(t, h, `[{"method":"PATCH","path":"`+defaultsRule+`","times":2,"status":429,"retry_after":17},
		{"path":"/users/*","times":1,"status":503},{"path":"/v1.0/organization","status":500}]`)

	for i := range 2 {
		r := ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
		if code, _ := refusal(t, r); r.status != 429 || r.header.Get("Retry-After") != "17" || code != "TooManyRequests" {
			t.Errorf("try %d: %d %v %s", i, r.status, r.header, r.raw)
		}
	}
	if len(h.Ledger()) != 0 {
		t.Error("a refused change is in the ledger")
	}
	if r := ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`); r.status != 204 {
		t.Errorf("third try: %d, want 204", r.status)
	}
	if r := ask(h, "GET", "/v1.0/users/olga@harbourvale.example", ""); r.status != 503 {
		t.Errorf("first of a prefix: %d, want 503", r.status)
	}
	if r := ask(h, "GET", "/v1.0/users/olga@harbourvale.example", ""); r.status != 200 {
		t.Errorf("second of a prefix: %d, want 200", r.status)
	}
	for range 3 {
		if r := ask(h, "GET", "/v1.0/organization", ""); r.status != 500 {
			t.Errorf("without an end: %d, want 500", r.status)
		}
	}
	plan(t, h, `[]`)
	if r := ask(h, "GET", "/v1.0/organization", ""); r.status != 200 {
		t.Errorf("after the list was emptied: %d, want 200", r.status)
	}
}

func TestStatusAfterApplying(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	plan(t, h, `[{"method":"PATCH","path":"`+defaultsRule+`","times":1,"status":504,"cut":"after"}]`)
	if r := ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`); r.status != 504 {
		t.Errorf("status: got %d, want 504", r.status)
	}
	if !defaultsEnabled(t, h) || len(h.Ledger()) != 1 {
		t.Errorf("the change was not applied: ledger %v", h.Ledger())
	}
}

func TestFaultsInPartsOfABatch(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	plan(t, h, `[{"path":"/organization","times":1,"cut":"before"},{"path":"/organization","times":1,"status":429,"retry_after":3}]`)
	byStatus := map[int]subReply{}
	for _, r := range batch(t, h, get("1", "/organization"), get("2", "/organization")) {
		byStatus[r.Status] = r
	}
	if byStatus[200].ID != "2" || byStatus[429].ID != "1" || byStatus[429].Headers["Retry-After"] != "3" {
		t.Errorf("answers: %v", byStatus)
	}
}

func TestStaleReads(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now})
	now.Add(time.Hour)
	plan(t, h, `[{"method":"GET","path":"`+defaultsRule+`","stale_s":30},{"method":"GET","path":"/identity/conditionalAccess/policies*","stale_s":5}]`)
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	id := postPolicy(t, h, graph.PolicyReportOnly)

	if defaultsEnabled(t, h) {
		t.Error("a change is visible at once")
	}
	if r := ask(h, "GET", policiesPath+"/"+id, ""); r.status != 404 {
		t.Errorf("a new policy at once: %d, want 404", r.status)
	}
	now.Add(5 * time.Second)
	if r := ask(h, "GET", policiesPath+"/"+id, ""); r.status != 200 {
		t.Errorf("a new policy after 5 s: %d, want 200", r.status)
	}
	now.Add(24 * time.Second)
	if defaultsEnabled(t, h) {
		t.Error("a change is visible after 29 s")
	}
	now.Add(time.Second)
	if !defaultsEnabled(t, h) {
		t.Error("a change is not visible after 30 s")
	}
	// What a write is judged by is never stale.
	r := ask(h, "POST", policiesPath, policyJSON(graph.PolicyEnabled))
	if r.status != 400 {
		t.Errorf("enable a policy while reads are stale: %d, want 400", r.status)
	}
}

func TestCutConnections(t *testing.T) {
	t.Parallel()
	for cut, applied := range map[string]int{"before": 0, "after": 1} {
		t.Run(cut, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t, simtenant.Config{})
			server := httptest.NewServer(h)
			defer server.Close()
			plan(t, h, `[{"path":"`+defaultsRule+`","times":1,"cut":"`+cut+`"}]`)
			request, err := http.NewRequest("PATCH", server.URL+defaultsPath, strings.NewReader(`{"isEnabled":true}`))
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(request)
			if err == nil {
				_ = response.Body.Close()
				t.Fatalf("got an answer: %s", response.Status)
			}
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
				t.Errorf("error: %v, want a reset connection", err)
			}
			if got := len(h.Ledger()); got != applied {
				t.Errorf("applied: got %d, want %d", got, applied)
			}
		})
	}
}

func TestCutWithoutAConnection(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	plan(t, h, `[{"path":"/organization","cut":"before"}]`)
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("panic: got %v, want http.ErrAbortHandler", got)
		}
	}()
	ask(h, "GET", "/v1.0/organization", "")
}

// In a bubble, over pipes: the delay is real time to the handler.
func TestDelayedCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, err := simtenant.New(simtenant.Config{Epoch: epoch})
		if err != nil {
			t.Fatal(err)
		}
		plan(t, h, `[{"path":"/organization","times":1,"delay_ms":1500},{"path":"`+defaultsRule+`","times":1,"delay_ms":60000}]`)
		start := time.Now()
		if r := ask(h, "GET", "/v1.0/organization", ""); r.status != 200 || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("a delayed read: %d after %s", r.status, time.Since(start))
		}

		client, stop := pipeServer(t, h)
		defer stop()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, "PATCH", "http://tenant.test"+defaultsPath, strings.NewReader(`{"isEnabled":true}`))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			t.Fatalf("got an answer: %s", response.Status)
		}
		time.Sleep(2 * time.Minute)
		if n := len(h.Ledger()); n != 0 {
			t.Error("a change was applied although its caller had given up")
		}
	})
}

// pipeServer serves a handler over connections in memory, which a bubble can
// wait for.
func pipeServer(t *testing.T, h http.Handler) (*http.Client, func()) {
	t.Helper()
	listener := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	transport := &http.Transport{DialContext: listener.dial}
	return &http.Client{Transport: transport}, func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Errorf("close server: %v", err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	}
}

// pipeListener hands out the far ends of the connections that are dialled.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func TestFaultsAreChecked(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	for name, body := range map[string]string{
		"no list":          `{"path":"/users"}`,
		"no path":          `[{"status":500}]`,
		"unknown member":   `[{"path":"/users","colour":"red"}]`,
		"code as a number": `[{"path":"/users","status":500,"code":500}]`,
		"code by itself":   `[{"path":"/users","code":"Conflict"}]`,
		"date by itself":   `[{"path":"/users","retry_date":true}]`,
		"unknown garble":   `[{"path":"/users","garble":"xml"}]`,
		"garbled refusal":  `[{"path":"/users","garble":"html","status":500}]`,
		"status in a word": `[{"path":"/users","status":"500"}]`,
		"a good status":    `[{"path":"/users","status":200}]`,
		"unknown cut":      `[{"path":"/users","cut":"middle"}]`,
		"negative times":   `[{"path":"/users","times":-1}]`,
		"two values":       `[] []`,
		"no JSON":          `[`,
	} {
		r := ask(h, "POST", "/_sim/faults", body)
		if r.status != 400 {
			t.Errorf("%s: got %d, want 400", name, r.status)
			continue
		}
		refusal(t, r)
	}
}

// A success that nobody can read is a change all the same.
func TestGarbledSuccess(t *testing.T) {
	t.Parallel()
	for garble, want := range map[string]struct{ media, body string }{
		"html": {"text/html", "<html>"}, "cut": {"application/json", `"id":"`}, "empty": {"application/json", ""},
	} {
		t.Run(garble, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t, simtenant.Config{Licence: graph.P1})
			plan(t, h, `[{"path":"/*","times":3,"garble":"`+garble+`"}]`)
			for i, r := range []reply{
				ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`), ask(h, "POST", policiesPath, policyJSON(graph.PolicyDisabled)), ask(h, "GET", policiesPath, ""),
			} {
				if status := []int{200, 201, 200}[i]; r.status != status || !strings.HasPrefix(r.header.Get("Content-Type"), want.media) {
					t.Errorf("answer %d: %d %s, want %d %s", i+1, r.status, r.header.Get("Content-Type"), status, want.media)
				}
				if json.Valid(r.raw) || !strings.Contains(string(r.raw), want.body) || want.body == "" && len(r.raw) > 0 {
					t.Errorf("answer %d: %q", i+1, r.raw)
				}
			}
			if got := len(h.Ledger()); got != 2 || !defaultsEnabled(t, h) {
				t.Errorf("applied: got %d changes, want 2", got)
			}
		})
	}
}

// What was refused by itself is not made a success of.
func TestGarbledRefusal(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	plan(t, h, `[{"path":"/*","garble":"html"}]`)
	if r := ask(h, "PATCH", defaultsPath, `{"isEnabled":7}`); r.status != 400 {
		t.Errorf("status: got %d, want 400", r.status)
	}
}

func TestPlannedRefusals(t *testing.T) {
	t.Parallel()
	users := "/v1.0/users/olga@harbourvale.example/authentication/methods"
	for name, tt := range map[string]struct {
		fault  string
		method string
		path   string
		body   string
		code   string
	}{
		"usual":                {`"status":403`, "GET", defaultsPath, "", "Authorization_RequestDenied"},
		"licence":              {`"status":403,"code":"licence"`, "GET", users, "", "Authentication_RequestFromNonPremiumTenantOrB2CTenant"},
		"policies":             {`"status":403,"code":"permission"`, "PATCH", defaultsPath, `{"isEnabled":true}`, "AccessDenied"},
		"methods":              {`"status":403,"code":"permission"`, "GET", users, "", "accessDenied"},
		"directory":            {`"status":403,"code":"permission"`, "GET", "/v1.0/users", "", "Authorization_RequestDenied"},
		"logs":                 {`"status":403,"code":"permission"`, "GET", "/v1.0/auditLogs/directoryAudits", "", "Authentication_MSGraphPermissionMissing"},
		"no such path":         {`"status":403,"code":"permission"`, "GET", "/v1.0/nothing", "", "Authorization_RequestDenied"},
		"any other":            {`"status":409,"code":"Request_MultipleObjectsWithSameKeyValue"`, "PATCH", defaultsPath, `{"isEnabled":true}`, "Request_MultipleObjectsWithSameKeyValue"},
		"after it was applied": {`"status":504,"cut":"after","code":"generalException"`, "PATCH", defaultsPath, `{"isEnabled":true}`, "generalException"},
	} {
		h := newTenant(t, simtenant.Config{})
		plan(t, h, `[{"path":"/*",`+tt.fault+`}]`)
		if code, _ := refusal(t, ask(h, tt.method, tt.path, tt.body)); code != tt.code {
			t.Errorf("%s: got %s, want %s", name, code, tt.code)
		}
		if got, want := len(h.Ledger()), strings.Count(tt.fault, "after"); got != want {
			t.Errorf("%s: %d changes were applied, want %d", name, got, want)
		}
	}
}

func TestRetryAfterAsADate(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	plan(t, h, `[{"path":"/organization","status":429,"retry_after":90,"retry_date":true}]`)
	r := ask(h, "GET", "/v1.0/organization", "")
	if got, want := r.header.Get("Retry-After"), "Mon, 23 Nov 2026 09:01:30 GMT"; got != want {
		t.Errorf("Retry-After: got %q, want %q", got, want)
	}
}

// A tenant that lags shows changes late, to all readers of everything, and
// judges writes by what is.
func TestLag(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now, Lag: 10 * time.Second})
	before := len(list(t, h, policiesPath))
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	if r := ask(h, "POST", policiesPath, policyJSON(graph.PolicyEnabled)); r.status != 400 {
		t.Errorf("a policy beside security defaults: got %d, want 400", r.status)
	}
	ask(h, "POST", policiesPath, policyJSON(graph.PolicyDisabled))
	for _, step := range []struct {
		wait    time.Duration
		visible bool
	}{{9 * time.Second, false}, {time.Second, true}} {
		now.Add(step.wait)
		if got := defaultsEnabled(t, h); got != step.visible {
			t.Errorf("security defaults: visible %v, want %v", got, step.visible)
		}
		if got := len(list(t, h, policiesPath)) > before; got != step.visible {
			t.Errorf("a policy: visible %v, want %v", got, step.visible)
		}
	}
}
