package msgraph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// fault is what goes wrong between us and a tenant. It serves the tenant's
// answer, or its own, or both.
type fault func(w http.ResponseWriter, r *http.Request, tenant http.Handler)

// instead answers without the tenant.
func instead(answer http.Handler) fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) { answer.ServeHTTP(w, r) }
}

// applied lets the tenant apply the change and answers something else.
func applied(answer http.Handler) fault {
	return func(w http.ResponseWriter, r *http.Request, tenant http.Handler) {
		tenant.ServeHTTP(httptest.NewRecorder(), r)
		answer.ServeHTTP(w, r)
	}
}

// half sends less than it says and ends the connection.
var half = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"isEnabled":`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
})

// TestWriteFaults breaks the one write in every way, over every kind of
// connection, and compares what we say with the tenant's ledger: the request
// arrives once, and "surely not applied" is always true.
func TestWriteFaults(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name    string
		fault   fault
		want    graph.Kind
		good    bool
		applied int
	}{
		{"none", func(w http.ResponseWriter, r *http.Request, tenant http.Handler) { tenant.ServeHTTP(w, r) }, 0, true, 1},
		{"success with a body", applied(reply(200, defaultsOn)), 0, true, 1},
		{"success without a word", applied(reply(202, "")), 0, true, 1},
		{"429", instead(reply(429, graphError("TooManyRequests"), "Retry-After", "17")), graph.KindThrottled, false, 0},
		{"503", instead(reply(503, graphError("ServiceUnavailable"), "Retry-After", "1")), graph.KindUnclear, false, 0},
		{"504 after applying", applied(reply(504, "<html>timeout</html>")), graph.KindUnclear, false, 1},
		{"reset before", instead(cut), graph.KindUnclear, false, 0},
		{"reset after", applied(cut), graph.KindUnclear, false, 1},
		{"cut success", applied(half), graph.KindUnclear, false, 1},
		{"unreadable success", applied(reply(200, `{"isEnabled":tr`)), graph.KindUnclear, false, 1},
		{"somebody else's success", instead(reply(200, "<html>Welcome to the hotel</html>", "Content-Type", "text/html")), graph.KindUnclear, false, 0},
		{"licence", instead(reply(403, graphError(licenceError))), graph.KindNoLicence, false, 0},
		{"permission", instead(reply(403, graphError("AccessDenied"))), graph.KindNoPermission, false, 0},
		{"token refused with a challenge", instead(reply(401, graphError("InvalidAuthenticationToken"), "WWW-Authenticate", `Bearer error="insufficient_claims", claims="e30="`)), graph.KindSignIn, false, 0},
		{"refused", instead(reply(400, graphError("BadRequest"))), graph.KindRefused, false, 0},
		{"moved", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, graph.KindUnclear, false, 0},
	}
	lines := []struct {
		name string
		open func(*testing.T, http.Handler) *msgraph.Client
		warm bool
	}{
		{"fresh", serve, false},
		{"in use", serve, true},
		{"shared with reads", serveShared, true},
		{"HTTP/2", serveHTTP2, true},
	}
	for _, line := range lines {
		for _, f := range faults {
			t.Run(line.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				tenant, err := simtenant.New(simtenant.Config{People: 7})
				if err != nil {
					t.Fatal(err)
				}
				front := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPatch {
						f.fault(w, r, tenant)
						return
					}
					tenant.ServeHTTP(w, r)
				})}
				c := line.open(t, front)
				if line.warm {
					if _, err := c.SecurityDefaults(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				_, err = c.SetSecurityDefaults(t.Context(), true)
				if f.good && err != nil {
					t.Errorf("got error %v, want success", err)
				}
				if !f.good {
					if e := wantError(t, err, f.want); e.NotApplied() && f.applied > 0 {
						t.Errorf("%v says that the change surely did not happen; it did", e)
					}
				}
				if n := len(front.of(http.MethodPatch)); n != 1 {
					t.Errorf("the write arrived %d times, want once", n)
				}
				if n := len(tenant.Ledger()); n != f.applied {
					t.Errorf("the ledger holds %d changes, want %d", n, f.applied)
				}
			})
		}
	}
}

// serveShared gives reads and writes the same connections, as a transport
// would that we cannot split.
func serveShared(t *testing.T, tenant http.Handler) *msgraph.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return client(t, msgraph.Config{BaseURL: newServer(t, tenant) + "/v1.0", Transport: hidden{transport}})
}

type hidden struct{ http.RoundTripper }

func serveHTTP2(t *testing.T, tenant http.Handler) *msgraph.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("%s came over %s", r.Method, r.Proto)
		}
		tenant.ServeHTTP(w, r)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return client(t, msgraph.Config{BaseURL: s.URL + "/v1.0", Credential: msgraph.StaticToken("test"), Transport: s.Client().Transport})
}

// TestConnectionRefusedThenUp checks that what was not sent leaves no trace.
func TestConnectionRefusedThenUp(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := client(t, msgraph.Config{BaseURL: "http://" + address + "/v1.0"})
	_, err = c.SetSecurityDefaults(t.Context(), true)
	if e := wantError(t, err, graph.KindNotSent); !e.NotApplied() {
		t.Error("what was not sent may have been applied, it says")
	}
}

// TestNothingPersonalInLogs looks for names and tokens in every line, and in
// the errors that end up there.
func TestNothingPersonalInLogs(t *testing.T) {
	t.Parallel()
	const upn, token = "pat.doe@contoso.example", "secret-token"
	var out strings.Builder
	root := newServer(t, script(reply(200, person("x")), reply(404, graphError("Request_ResourceNotFound")), cut))
	c := client(t, msgraph.Config{
		BaseURL: root + "/v1.0", Credential: msgraph.StaticToken(token), Log: debugLog(&out),
	})
	var errs []error
	for range 2 {
		_, err := c.User(t.Context(), upn)
		errs = append(errs, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100e6)
	defer cancel()
	_, err := c.User(ctx, upn)
	errs = append(errs, err)
	text := out.String() + fmt.Sprint(errs) + fmt.Sprintf("%v %+v %s", msgraph.StaticToken(token), msgraph.StaticToken(token), msgraph.StaticToken(token))
	for _, secret := range []string{"pat.doe", "contoso", token} {
		if strings.Contains(text, secret) {
			t.Errorf("%q stands in the log: %s", secret, text)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []struct {
		result string
		status float64
	}{{"ok", 200}, {"not found", 404}, {"unclear", 0}} {
		var line map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		if line["op"] != "read user" || line["result"] != want.result || line["status"] != want.status || line["client_request_id"] == "" {
			t.Errorf("line %d: got %v, want %v", i, line, want)
		}
	}
}
