package msgraph_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"twokey/graph"
	"twokey/graph/msgraph"
)

func TestAnswersBecomeKinds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer http.Handler
		want   graph.Kind
	}{
		{name: "401", answer: reply(401, graphError("InvalidAuthenticationToken")), want: graph.KindSignIn},
		{name: "401 with a challenge", answer: reply(401, graphError("InvalidAuthenticationToken"), "WWW-Authenticate", `Bearer error="insufficient_claims", claims=eyJ9`), want: graph.KindSignIn},
		{name: "401 without a body", answer: reply(401, ""), want: graph.KindSignIn},
		{name: "403 licence", answer: reply(403, graphError(licenceError)), want: graph.KindNoLicence},
		{name: "403 directory", answer: reply(403, graphError("Authorization_RequestDenied")), want: graph.KindNoPermission},
		{name: "403 policies", answer: reply(403, graphError("AccessDenied")), want: graph.KindNoPermission},
		{name: "403 methods", answer: reply(403, graphError("accessDenied")), want: graph.KindNoPermission},
		{name: "403 usage reports", answer: reply(403, graphError("S2SUnauthorized")), want: graph.KindNoPermission},
		{name: "403 of another meaning", answer: reply(403, graphError("SomethingNew")), want: graph.KindRefused},
		{name: "403 of a proxy", answer: reply(403, "<html>no</html>"), want: graph.KindUnclear},
		{name: "404", answer: reply(404, graphError("Request_ResourceNotFound")), want: graph.KindNotFound},
		{name: "404 of a gateway", answer: reply(404, "<html>where?</html>"), want: graph.KindUnclear},
		{name: "409", answer: reply(409, graphError("Conflict")), want: graph.KindConflict},
		{name: "400", answer: reply(400, graphError("BadRequest")), want: graph.KindRefused},
		{name: "400 without message", answer: reply(400, `{"error":{"code":"BadRequest"}}`), want: graph.KindRefused},
		{name: "400 with null message", answer: reply(400, `{"error":{"code":"BadRequest","message":null}}`), want: graph.KindRefused},
		{name: "400 with a word for an error", answer: reply(400, `{"error":"invalid_request"}`), want: graph.KindUnclear},
		{name: "400 with null error", answer: reply(400, `{"error":null}`), want: graph.KindUnclear},
		{name: "400 empty", answer: reply(400, ""), want: graph.KindUnclear},
		{name: "408", answer: reply(408, graphError("RequestTimeout")), want: graph.KindUnclear},
		{name: "429", answer: reply(429, graphError("TooManyRequests"), "Retry-After", "600"), want: graph.KindThrottled},
		{name: "429 in plain text", answer: reply(429, "slow down", "Retry-After", "600"), want: graph.KindThrottled},
		{name: "500", answer: reply(500, graphError("InternalServerError")), want: graph.KindUnclear},
		{name: "200 that is HTML", answer: reply(200, "<html>sign in to the network</html>"), want: graph.KindUnclear},
		{name: "200 that is cut JSON", answer: reply(200, `{"isEnabled":tr`), want: graph.KindUnclear},
		{name: "200 that is a list", answer: reply(200, `[]`, "Content-Type", "application/json"), want: graph.KindUnclear},
		{name: "200 of another type", answer: reply(200, `{"isEnabled":true}`, "Content-Type", "text/plain"), want: graph.KindUnclear},
		{name: "200 that is a word", answer: reply(200, `"yes"`, "Content-Type", "application/json"), want: graph.KindUnclear},
		{name: "200 of no type", answer: reply(200, `{"isEnabled":true}`, "Content-Type", ""), want: graph.KindUnclear},
		{name: "302 to elsewhere", answer: reply(302, "", "Location", "http://foreign.invalid/"), want: graph.KindUnclear},
		{name: "304", answer: reply(304, ""), want: graph.KindUnclear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := &arrivals{next: tt.answer}
			c := serve(t, tenant)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second) // less than any Retry-After here
			defer cancel()
			_, err := c.SecurityDefaults(ctx)
			wantError(t, err, tt.want)
			if n := len(tenant.of("GET")); n != 1 {
				t.Errorf("the read arrived %d times, want once", n)
			}
			c = serve(t, tenant) // one that was not told to wait
			_, err = c.SetSecurityDefaults(ctx, true)
			e := wantError(t, err, tt.want)
			if e.NotApplied() != (tt.want != graph.KindUnclear) {
				t.Errorf("NotApplied: got %v for %v", e.NotApplied(), e.Kind)
			}
			if n := len(tenant.of("PATCH")); n != 1 {
				t.Errorf("the write arrived %d times, want once", n)
			}
		})
	}
}

func TestErrorSaysWhatGraphSaid(t *testing.T) {
	t.Parallel()
	_, err := serve(t, reply(403, graphError("AccessDenied"))).SetSecurityDefaults(t.Context(), true)
	e := wantError(t, err, graph.KindNoPermission)
	want := graph.Error{
		Kind: graph.KindNoPermission, Op: "set security defaults", Status: 403, Code: "AccessDenied", Message: "Said by Graph.",
		Permission: "Policy.ReadWrite.SecurityDefaults", RequestID: "the-request-id",
	}
	if *e != want {
		t.Errorf("got %+v, want %+v", *e, want)
	}
	long := `{"error":{"code":"BadRequest","message":"` + strings.Repeat("é", 5000) + `"}}`
	_, err = serve(t, reply(400, long)).User(t.Context(), "x")
	if e := wantError(t, err, graph.KindRefused); e.Message != strings.Repeat("é", 1000)+" (cut)" {
		t.Errorf("message of 5000 signs: got %q", e.Message)
	}
	_, err = serve(t, reply(400, graphError("BadRequest"), "request-id", "")).User(t.Context(), "x")
	if e := wantError(t, err, graph.KindRefused); e.RequestID != "inner-id" {
		t.Errorf("request-id: got %q, want the body's where the header is empty", e.RequestID)
	}
}

func TestRetryAfterIsAMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, header string
		want         time.Time
	}{
		{"seconds", "17", now.Add(17 * time.Second)},
		{"a week", "604800", now.Add(time.Hour)},
		{"date by a clock that differs from ours", "Mon, 23 Nov 2026 07:00:30 GMT", now.Add(30 * time.Second)},
		{"date that is over", "Mon, 23 Nov 2026 06:59:59 GMT", now},
		{"part of a second", "1.5", now.Add(1500 * time.Millisecond)},
		{"date", "Mon, 23 Nov 2026 07:02:00 GMT", now.Add(2 * time.Minute)},
		{"date next year", "Sat, 02 Jan 2027 07:00:00 GMT", now.Add(time.Hour)},
		{"nothing", "", time.Time{}},
		{"a word", "soon", time.Time{}},
		{"negative", "-5", time.Time{}},
		{"not a number", "NaN", time.Time{}},
		{"endless", "1e300", now.Add(time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, reply(429, "", "Retry-After", tt.header, "Date", "Mon, 23 Nov 2026 07:00:00 GMT"))
			c := client(t, msgraph.Config{BaseURL: s + "/v1.0", Now: func() time.Time { return now }})
			_, err := c.SetSecurityDefaults(t.Context(), true)
			if e := wantError(t, err, graph.KindThrottled); !e.RetryAfter.Equal(tt.want) {
				t.Errorf("Retry-After %q: got %v, want %v", tt.header, e.RetryAfter, tt.want)
			}
		})
	}
}

// TestNothingSent checks the failures that come before the first byte.
func TestNothingSent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + l.Addr().String()
	_ = l.Close()
	silent := newServer(t, reply(204, ""))
	for _, tt := range []struct {
		name string
		cfg  msgraph.Config
		want graph.Kind
	}{
		{"connection refused", msgraph.Config{BaseURL: refused + "/v1.0"}, graph.KindNotSent},
		{"TLS to a server without", msgraph.Config{BaseURL: strings.Replace(silent, "http:", "https:", 1) + "/v1.0"}, graph.KindNotSent},
		{"name that is not there", msgraph.Config{BaseURL: "http://localhost/v1.0", Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
			},
		}}, graph.KindNotSent},
		{"sign-in fails", msgraph.Config{BaseURL: silent + "/v1.0", Credential: brokenCredential{}}, graph.KindSignIn},
		{"transport that tells nothing", msgraph.Config{BaseURL: silent + "/v1.0", Transport: opaque{}}, graph.KindUnclear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, tt.cfg).SetSecurityDefaults(t.Context(), true)
			e := wantError(t, err, tt.want)
			if e.Op != "set security defaults" || e.Err == nil {
				t.Errorf("got %+v, want the operation and the cause", e)
			}
		})
	}
}

type brokenCredential struct{}

func (brokenCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, errors.New("AADSTS7000222: the secret expired")
}

// opaque fails like a transport that does not report its dialling.
type opaque struct{}

func (opaque) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("broken") }

// TestContextEndsAtSignIn checks that a caller who gave up during the sign-in
// is not told that the sign-in failed.
func TestContextEndsAtSignIn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := client(t, msgraph.Config{BaseURL: newServer(t, reply(204, "")) + "/v1.0", Credential: waiting{cancel}})
	_, err := c.SetSecurityDefaults(ctx, true)
	if e := wantError(t, err, graph.KindNotSent); !errors.Is(e, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// waiting is a credential during whose call the context ends.
type waiting struct{ end func() }

func (w waiting) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	w.end()
	<-ctx.Done()
	return azcore.AccessToken{}, errors.New("asked the authority: gave up")
}

func TestClientRequestIDGoesOutOnce(t *testing.T) {
	t.Parallel()
	tenant := &arrivals{next: reply(204, "")}
	c := serve(t, tenant)
	const id = "0b7d8ac2-18f3-4f0e-9c1a-2f60d6a3b111"
	receipt, err := c.SetSecurityDefaults(graph.WithClientRequestID(t.Context(), id), true)
	if err != nil {
		t.Fatal(err)
	}
	if receipt != (graph.Receipt{RequestID: "the-request-id", ClientRequestID: id}) {
		t.Errorf("got receipt %+v", receipt)
	}
	own, err := c.SetSecurityDefaults(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{id, own.ClientRequestID} {
		got := tenant.of("PATCH")[i].Header.Values("client-request-id")
		if len(got) != 1 || got[0] != want || len(want) != 36 {
			t.Errorf("client-request-id: got %q, want %q alone", got, want)
		}
	}
	_, err = c.SetSecurityDefaults(graph.WithClientRequestID(t.Context(), "two\r\nlines"), true)
	wantError(t, err, graph.KindNotSent)
}
