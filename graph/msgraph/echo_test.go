package msgraph_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// The canaries stand in nothing but the requests that need them.
const (
	canarySecret = "Canary~Secret/+with=signs&\"quotes\".0123456789"
	canaryToken  = "eyJjYW5hcnkiOjF9.eyJjYW5hcnkiOiJwYXlsb2FkIn0.c2lnbmF0dXJlLW9mLXRoZS1jYW5hcnk"
)

// forms are the ways in which a secret may be written.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`), strings.Trim(fmt.Sprintf("%q", secret), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
	}
}

// wantNoSecret looks for canaries, and for every part of a token, in what was said.
func wantNoSecret(t *testing.T, what, said string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		for part := range strings.SplitSeq(s, ".") {
			for _, f := range append(forms(s), forms(part)...) {
				if len(f) >= 16 && strings.Contains(said, f) {
					t.Errorf("%s holds %q: %.600s", what, f, said)
				}
			}
		}
	}
}

// echo answers a request with itself: its head and body in the places where an
// error says what was wrong.
func echo(r *http.Request, status int) (http.Header, string) {
	dump, err := httputil.DumpRequest(r, true)
	if err != nil {
		dump = []byte(err.Error())
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	said := string(dump) + " base64 " + base64.StdEncoding.EncodeToString([]byte(token)) + " hex " + hex.EncodeToString([]byte(token)) + " url " + url.QueryEscape(token)
	body, err := json.Marshal(map[string]any{
		"error_description": said, "error": map[string]any{"code": said, "message": said, "innerError": map[string]any{"request-id": said}},
	})
	if strings.HasSuffix(r.URL.Path, "/token") {
		body, err = json.Marshal(map[string]any{"error": "invalid_client", "error_description": said, "trace_id": said})
	}
	if err != nil {
		panic(err)
	}
	return http.Header{"Content-Type": {"application/json"}, "Request-Id": {token}, "Www-Authenticate": {said[:100]}, "Retry-After": {"0"}, "Retry-After-Ms": {"1"}}, string(body)
}

// TestO44GraphEchoes answers every call with 401 and then 500 and the request in
// the body. Neither errors, printed in every way, nor the log at its most
// detailed level may hold the token.
func TestO44GraphEchoes(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { driveEcho(t, status) })
		})
	}
}

func driveEcho(t *testing.T, status int) {
	var logged bytes.Buffer
	sent := 0
	c, err := msgraph.New(msgraph.Config{
		BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken(canaryToken), Unbudgeted: true, Log: debugLog(&logged),
		Transport: roundTrip(func(r *http.Request) *http.Response {
			if r.Header.Get("Authorization") == "Bearer "+canaryToken {
				sent++
			}
			header, body := echo(r, status)
			return answered(r, status, header, body)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &driver{t: t, ctx: t.Context(), c: c, group: someID, people: crowd()}
	calls := d.calls()
	calls["SetPassPolicy"] = func() error { return second(c.SetPassPolicy(d.ctx, graph.PassPolicy{})) }
	calls["SetCampaign"] = func() error { return second(c.SetCampaign(d.ctx, graph.Campaign{})) }
	calls["SetPolicyState"] = func() error { return second(c.SetPolicyState(d.ctx, someID, graph.PolicyDisabled)) }
	calls["DeleteMethod"] = func() error {
		return second(c.DeleteMethod(d.ctx, someID, graph.Method{ID: someID, Kind: graph.MethodPhone}))
	}
	for name, call := range calls {
		if err := call(); err != nil {
			wantNoSecret(t, name, fmt.Sprintf("%v %+v %#v", err, err, err), canaryToken)
			continue
		}
		if name != "Grants" && name != "Methods" && name != "PerUserMFA" {
			t.Errorf("%s succeeded with %d", name, status)
		}
	}
	wantNoSecret(t, "the log", logged.String(), canaryToken)
	if sent < len(calls) || logged.Len() == 0 {
		t.Errorf("%d requests bore the canary, the log has %d bytes: nothing was tried", sent, logged.Len())
	}
}

// TestO44TokenEndpointEchoes does the same at the address where our app proves
// who it is: neither the client secret nor the assertion of a certificate or a
// platform may come back to light.
func TestO44TokenEndpointEchoes(t *testing.T) {
	t.Parallel()
	key, cert := selfSigned(t)
	issuer := rsaKey(t)
	federated := tokenFile(t, issuer, "https://cluster.example/", "system:serviceaccount:twokey:bot")
	for name, auth := range map[string]msgraph.Auth{
		"secret":            {Method: msgraph.AuthSecret, Secret: graph.NewSecret(canarySecret)},
		"certificate":       {Method: msgraph.AuthCertificate, Certificate: graph.NewSecret(pemOf(t, key, cert))},
		"workload identity": {Method: msgraph.AuthWorkloadIdentity, TokenFile: federated},
	} {
		for _, status := range []int{401, 500} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				t.Parallel()
				a, seen := newEchoingAuthority(t, status)
				var logged bytes.Buffer
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				c := a.client(t, auth, &logged)
				for call, err := range map[string]error{"read": second(c.Organization(ctx)), "write": second(c.SetSecurityDefaults(ctx, true)), "grants": second(c.Grants(ctx))} {
					if err == nil {
						t.Errorf("%s succeeded", call)
						continue
					}
					wantNoSecret(t, call, fmt.Sprintf("%v %+v %#v", err, err, err), seen()...)
				}
				wantNoSecret(t, "the log", logged.String(), seen()...)
				if len(seen()) == 0 {
					t.Error("no secret came to the authority: nothing was tried")
				}
			})
		}
	}
}

// newEchoingAuthority answers whoever wants a token with the request. It tells
// what secrets it saw.
func newEchoingAuthority(t *testing.T, status int) (_ authority, seen func() []string) {
	t.Helper()
	tenant, err := simtenant.New(simtenant.Config{People: 7, Apps: []simtenant.App{{ClientID: ourApp, Name: "Twokey", Secret: graph.NewSecret(ourSecret)}}})
	if err != nil {
		t.Fatal(err)
	}
	config, ca, err := tenant.TLS()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all []string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/token") {
			tenant.ServeHTTP(w, r)
			return
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		form, _ := url.ParseQuery(string(raw))
		mu.Lock()
		all = append(append(all, form["client_secret"]...), form["client_assertion"]...)
		mu.Unlock()
		header, body := echo(r, status)
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	s.TLS, s.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	a := authority{tenant: tenant, root: s.URL, roots: x509.NewCertPool(), tenantID: "72f988bf-86f1-41af-91ab-2d7cd011db47"}
	a.roots.AppendCertsFromPEM(ca)
	org := plainTLS{t, a}.get("/v1.0/organization")["value"].([]any)[0].(map[string]any)
	a.tenantID = org["id"].(string)
	return a, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), all...)
	}
}

// crowd is as many people as the calls are made with.
func crowd() []graph.User {
	all := make([]graph.User, 40)
	for i := range all {
		all[i] = graph.User{ID: someID, UPN: "someone@x", Name: "Some One"}
	}
	all[0].UPN, all[1].UPN, all[2].UPN = "sam@x", "olga@x", "ada@x"
	return all
}
