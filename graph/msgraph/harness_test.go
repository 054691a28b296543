package msgraph_test

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// serve runs a tenant over loopback and returns a client of it.
func serve(t *testing.T, tenant http.Handler) *msgraph.Client {
	t.Helper()
	return client(t, msgraph.Config{BaseURL: newServer(t, tenant) + "/v1.0", Credential: msgraph.StaticToken("test")})
}

// newServer returns the root of a server over loopback.
func newServer(t *testing.T, tenant http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(tenant)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // cut connections are part of the tests
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func client(t *testing.T, cfg msgraph.Config) *msgraph.Client {
	t.Helper()
	if cfg.Transport == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		cfg.Transport = transport
	}
	c, err := msgraph.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bubble runs f with a client of the tenant where time passes only when
// everybody waits. The connections are pipes: real sockets do not count as
// waiting there.
func bubble(t *testing.T, tenant http.Handler, f func(t *testing.T, c *msgraph.Client)) {
	t.Helper()
	bubbleAround(t, func() http.Handler { return tenant }, f)
}

// bubbleAround is bubble for a tenant that has a clock of its own, and so must
// be made inside.
func bubbleAround(t *testing.T, open func() http.Handler, f func(t *testing.T, c *msgraph.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		s := &http.Server{Handler: open(), ErrorLog: log.New(io.Discard, "", 0)}
		var running sync.WaitGroup
		running.Go(func() { _ = s.Serve(l) })
		transport := &http.Transport{DialContext: l.dial}
		defer func() { // also when f ends the test
			transport.CloseIdleConnections()
			_ = s.Close()
			running.Wait()
		}()
		f(t, client(t, msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken("test"), Transport: transport}))
	})
}

// pipes is a listener without a network.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// arrival is a request as the tenant got it.
type arrival struct {
	Method, URI, Body string
	Header            http.Header
	Length            int64
	At                time.Time
}

// arrivals records every request before it hands it on.
type arrivals struct {
	next http.Handler
	mu   sync.Mutex
	list []arrival
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	a.mu.Lock()
	a.list = append(a.list, arrival{r.Method, r.RequestURI, string(body), r.Header.Clone(), r.ContentLength, time.Now()})
	a.mu.Unlock()
	a.next.ServeHTTP(w, r)
}

// of returns the requests with a method, all of them if it is empty.
func (a *arrivals) of(method string) []arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []arrival
	for _, r := range a.list {
		if method == "" || r.Method == method {
			all = append(all, r)
		}
	}
	return all
}

// reply answers with a status, a body and headers in pairs.
func reply(status int, body string, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "application/json;odata.metadata=minimal")
		}
		w.Header().Set("request-id", "the-request-id")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// script answers with one handler after the other, and stays with the last.
func script(steps ...http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		step := steps[0]
		if len(steps) > 1 {
			steps = steps[1:]
		}
		mu.Unlock()
		step.ServeHTTP(w, r)
	})
}

// cut ends the connection without a word.
var cut = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })

// graphError is a body as Graph writes it.
func graphError(code string) string {
	return `{"error":{"code":"` + code + `","message":"Said by Graph.","innerError":{"date":"2026-01-02T03:04:05","request-id":"inner-id","client-request-id":"x"}}}`
}

const (
	defaultsOn   = `{"id":"00000000-0000-0000-0000-000000000005","isEnabled":true}`
	licenceError = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
)

// wantError checks the kind of an error and returns it.
func wantError(t *testing.T, err error, kind graph.Kind) *graph.Error {
	t.Helper()
	e, ok := err.(*graph.Error)
	if !ok {
		t.Fatalf("got error %v, want a *graph.Error: %v", err, kind)
	}
	if e.Kind != kind {
		t.Errorf("got kind %q (%v), want %q", e.Kind, e, kind)
	}
	return e
}

// legacySignIns collects what EachLegacySignIn hands over.
func legacySignIns(t *testing.T, c *msgraph.Client, since time.Time) ([]graph.SignIn, error) {
	t.Helper()
	var all []graph.SignIn
	err := c.EachLegacySignIn(t.Context(), since, time.Time{}, func(s graph.SignIn) error {
		all = append(all, s)
		return nil
	})
	return all, err
}

// now is a moment for filters whose value does not matter.
func now() time.Time { return time.Now() }

// debugLog writes every line as JSON.
func debugLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// roundTrip is a transport that answers by a function.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// answered is what a transport returns.
func answered(r *http.Request, status int, header http.Header, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// anyToken signs in everywhere.
type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "real", ExpiresOn: time.Now().Add(time.Hour)}, nil
}
