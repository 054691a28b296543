package msgraph_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

const (
	ourApp    = "7d4a1b2c-3e5f-4a6b-8c7d-9e0f1a2b3c4d"
	ourSecret = "the-secret-of-our-app"
)

// authority is a simulated tenant over TLS, where apps sign in and read.
type authority struct {
	tenant   *simtenant.Tenant
	tenantID string
	root     string
	roots    *x509.CertPool
	caPEM    string
}

func newAuthority(t *testing.T, app simtenant.App) authority {
	t.Helper()
	return newAuthorityOf(t, simtenant.Config{People: 7}, app)
}

func newAuthorityOf(t *testing.T, cfg simtenant.Config, app simtenant.App) authority {
	t.Helper()
	app.ClientID, app.Name = ourApp, "Twokey"
	if app.Permissions == nil {
		app.Permissions = []graph.Permission{"Organization.Read.All", "Policy.Read.All"}
	}
	cfg.Apps = []simtenant.App{app}
	tenant, err := simtenant.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	config, ca, err := tenant.TLS()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(tenant)
	s.TLS, s.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	a := authority{tenant: tenant, root: s.URL, roots: roots, caPEM: string(ca)}
	a.tenantID = plainTLS{t, a}.get("/v1.0/organization")["value"].([]any)[0].(map[string]any)["id"].(string)
	return a
}

// auth fills in what leads to the authority.
func (a authority) auth(auth msgraph.Auth) msgraph.Auth {
	auth.TenantID, auth.ClientID, auth.Authority, auth.Roots = a.tenantID, ourApp, a.root, a.roots
	return auth
}

func (a authority) client(t *testing.T, auth msgraph.Auth, logged io.Writer) *msgraph.Client {
	t.Helper()
	cred, err := a.auth(auth).Credential()
	if err != nil {
		t.Fatal(err)
	}
	c, err := msgraph.New(msgraph.Config{BaseURL: a.root + "/v1.0", Credential: cred, Roots: a.roots, Log: debugLog(logged)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSignIn signs in through Microsoft's own library at the tenant's token
// address, and reads the tenant with the token that it got.
func TestSignIn(t *testing.T) {
	t.Parallel()
	key, cert := selfSigned(t)
	issuer := rsaKey(t)
	const issuerName, subject = "https://cluster.example/", "system:serviceaccount:twokey:bot"
	for _, tt := range []struct {
		name string
		app  simtenant.App
		auth msgraph.Auth
	}{
		{"certificate", simtenant.App{Certificates: []*x509.Certificate{cert}}, msgraph.Auth{Method: msgraph.AuthCertificate, Certificate: graph.NewSecret(pemOf(t, key, cert))}},
		{"secret", simtenant.App{Secret: graph.NewSecret(ourSecret)}, msgraph.Auth{Method: msgraph.AuthSecret, Secret: graph.NewSecret(ourSecret)}},
		{
			"workload identity",
			simtenant.App{Federations: []simtenant.Federation{{Name: "cluster", Issuer: issuerName, Subject: subject, Key: &issuer.PublicKey}}},
			msgraph.Auth{Method: msgraph.AuthWorkloadIdentity, TokenFile: tokenFile(t, issuer, issuerName, subject)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.app.Roles = []string{graph.RoleUserAdministrator}
			a := newAuthority(t, tt.app)
			var logged bytes.Buffer
			c := a.client(t, tt.auth, &logged)
			if org, err := c.Organization(t.Context()); err != nil || org.ID != a.tenantID {
				t.Errorf("organization: got %+v and error %v, want %s", org, err, a.tenantID)
			}
			_, err := c.Users(t.Context())
			if e := wantError(t, err, graph.KindNoPermission); e.Permission != "User.Read.All" {
				t.Errorf("users: missing permission is %q, want User.Read.All", e.Permission)
			}
			got, err := c.Grants(t.Context())
			want := graph.Grants{
				AppID: ourApp, TenantID: a.tenantID, AsOf: got.AsOf,
				Permissions: []graph.Permission{"Organization.Read.All", "Policy.Read.All"}, Roles: []string{graph.RoleUserAdministrator},
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || time.Since(got.AsOf) > time.Hour {
				t.Errorf("grants: got %+v and error %v, want %+v", got, err, want)
			}
			if strings.Contains(logged.String(), "eyJ") {
				t.Errorf("a token stands in the log: %s", logged.String())
			}
		})
	}
}

// TestPKCS12 signs in with a certificate as Windows exports it. The file is of
// a key that was made for this test.
func TestPKCS12(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/app.p12")
	if err != nil {
		t.Fatal(err)
	}
	const password = "twokey"
	certs, _, err := azidentity.ParseCertificates(raw, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	auth := msgraph.Auth{Method: msgraph.AuthCertificate, Certificate: graph.NewSecret(string(raw)), CertificatePassword: graph.NewSecret(password)}
	a := newAuthority(t, simtenant.App{Certificates: certs})
	if _, err := a.client(t, auth, io.Discard).Organization(t.Context()); err != nil {
		t.Error(err)
	}
	auth.CertificatePassword = graph.NewSecret("another")
	if _, err := a.auth(auth).Credential(); err == nil || !strings.HasPrefix(err.Error(), "Certificate:") {
		t.Errorf("another password: got error %v, want one about the certificate", err)
	}
}

// TestGrantsAreFresh: what was consented to after the first sign-in is in the
// answer, although the library still has its token.
func TestGrantsAreFresh(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, simtenant.App{Secret: graph.NewSecret(ourSecret)})
	c := a.client(t, msgraph.Auth{Method: msgraph.AuthSecret, Secret: graph.NewSecret(ourSecret)}, io.Discard)
	before, err := c.Grants(t.Context())
	if err != nil || before.Has("User.Read.All") {
		t.Fatalf("grants before: got %+v and error %v", before, err)
	}
	a.consent(t, "df021288-bdef-4463-88db-98f22de89214")
	after, err := c.Grants(t.Context())
	if err != nil || !after.Has("User.Read.All") {
		t.Errorf("grants after a consent: got %+v and error %v, want User.Read.All", after, err)
	}
}

// consent grants our app an app role of Graph's, as an administrator's tool does.
func (a authority) consent(t *testing.T, roleID string) {
	t.Helper()
	h := plainTLS{t, a}
	ours := h.get("/v1.0/servicePrincipals(appId='" + ourApp + "')").text("id")
	graphs := h.get("/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").text("id")
	h.post("/v1.0/servicePrincipals/"+ours+"/appRoleAssignments", object{"principalId": ours, "resourceId": graphs, "appRoleId": roleID})
}

// plainTLS speaks to an authority's tenant as an app that may do everything.
type plainTLS struct {
	t *testing.T
	a authority
}

func (p plainTLS) get(path string) object { return p.do(http.MethodGet, path, nil) }

func (p plainTLS) post(path string, body object) object {
	raw, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(http.MethodPost, path, raw)
}

func (p plainTLS) do(method, path string, body []byte) object {
	p.t.Helper()
	r := httptest.NewRequest(method, p.a.root+path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer administrator")
	w := httptest.NewRecorder()
	p.a.tenant.ServeHTTP(w, r)
	var o object
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil || w.Code > 299 {
		p.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return o
}

// TestSignInFails: what the authority says is in the error, what we said to it
// is not.
func TestSignInFails(t *testing.T) {
	t.Parallel()
	key, cert := selfSigned(t)
	issuer := rsaKey(t)
	app := simtenant.App{Secret: graph.NewSecret(ourSecret)}
	const wrongSecret = "not-the-secret-of-our-app"
	for _, tt := range []struct {
		name string
		auth msgraph.Auth
		want string
	}{
		{"wrong secret", msgraph.Auth{Method: msgraph.AuthSecret, Secret: graph.NewSecret(wrongSecret)}, "AADSTS7000215"},
		{"foreign certificate", msgraph.Auth{Method: msgraph.AuthCertificate, Certificate: graph.NewSecret(pemOf(t, key, cert))}, "AADSTS700027"},
		{"foreign federation", msgraph.Auth{Method: msgraph.AuthWorkloadIdentity, TokenFile: tokenFile(t, issuer, "https://x.example", "x")}, "AADSTS700213"},
		{"token file that is not there", msgraph.Auth{Method: msgraph.AuthWorkloadIdentity, TokenFile: filepath.Join(t.TempDir(), "none")}, "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t, app)
			var logged bytes.Buffer
			c := a.client(t, tt.auth, &logged)
			for call, err := range map[string]error{
				"read": second(c.Organization(t.Context())), "write": second(c.SetSecurityDefaults(t.Context(), true)), "grants": second(c.Grants(t.Context())),
			} {
				e := wantError(t, err, graph.KindSignIn)
				if !strings.Contains(e.Error(), tt.want) || e.Op == "" || !e.NotApplied() {
					t.Errorf("%s: got %+v, want an error that says %s", call, e, tt.want)
				}
				if text := e.Error() + logged.String(); strings.Contains(text, wrongSecret) || strings.Contains(text, "eyJ") || strings.Contains(text, "PRIVATE") {
					t.Errorf("%s: a secret stands in the error or the log: %s", call, text)
				}
			}
			if n := len(a.tenant.Ledger()); n != 0 {
				t.Errorf("the ledger holds %d changes, want none", n)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// TestUnknownAuthority: an authority whom nobody vouches for gets nothing.
func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, simtenant.App{Secret: graph.NewSecret(ourSecret)})
	a.roots = x509.NewCertPool()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // the library would try for longer
	defer cancel()
	_, err := a.client(t, msgraph.Auth{Method: msgraph.AuthSecret, Secret: graph.NewSecret(ourSecret)}, io.Discard).Grants(ctx)
	if e, ok := err.(*graph.Error); !ok || e.Kind != graph.KindSignIn && e.Kind != graph.KindNotSent {
		t.Errorf("got %v, want a failed sign-in", err)
	}
}

// TestManagedIdentity asks a service like Azure's App Service for the token.
func TestManagedIdentity(t *testing.T) {
	asked := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token":"managed","expires_on":"%d","resource":%q,"token_type":"Bearer","client_id":%q}`,
			time.Now().Add(time.Hour).Unix(), r.URL.Query().Get("resource"), ourApp)
	})}
	t.Setenv("IDENTITY_ENDPOINT", newServer(t, asked)+"/msi/token")
	t.Setenv("IDENTITY_HEADER", "header-of-the-platform")
	tenant := &arrivals{next: reply(200, defaultsOn)}
	signedIn(t, msgraph.Auth{Method: msgraph.AuthManagedIdentity, ClientID: ourApp}, tenant, "managed")
	requests := asked.of("")
	if len(requests) == 0 || !strings.Contains(requests[0].URI, "client_id="+ourApp) || requests[0].Header.Get("X-Identity-Header") != "header-of-the-platform" {
		t.Errorf("the platform was asked %+v, want our client_id and its header", requests)
	}
}

// TestAzureCLI signs in as a developer does, through a program named az.
func TestAzureCLI(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho '{\"accessToken\":\"of-the-cli\",\"expires_on\":" + strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10) + "}'\n"
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	signedIn(t, msgraph.Auth{Method: msgraph.AuthAzureCLI}, &arrivals{next: reply(200, defaultsOn)}, "of-the-cli")
}

// signedIn reads something and checks with which token.
func signedIn(t *testing.T, auth msgraph.Auth, tenant *arrivals, token string) {
	t.Helper()
	cred, err := auth.Credential()
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, msgraph.Config{BaseURL: newServer(t, tenant) + "/v1.0", Credential: cred})
	if _, err := c.SecurityDefaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := tenant.of("")[0].Header.Get("Authorization"); got != "Bearer "+token {
		t.Errorf("Authorization: got %q, want the token %q", got, token)
	}
	_, err = c.Grants(t.Context())
	wantError(t, err, graph.KindNotSent) // no token of an app
}

// TestTokenThatIsRefused has Graph refuse a token that the library takes for
// good: reads go on with a new one, and a write is not sent a second time.
func TestTokenThatIsRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, simtenant.App{
		Secret:      graph.NewSecret(ourSecret),
		Permissions: []graph.Permission{"Organization.Read.All", "Policy.Read.All", "Policy.ReadWrite.SecurityDefaults"},
	})
	c := a.client(t, msgraph.Auth{Method: msgraph.AuthSecret, Secret: graph.NewSecret(ourSecret)}, io.Discard)
	if _, err := c.SecurityDefaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.tenant.Advance(2 * time.Hour) // by the tenant's clock alone
	var reads sync.WaitGroup
	for range 8 {
		reads.Go(func() {
			if _, err := c.SecurityDefaults(t.Context()); err != nil {
				t.Errorf("read: %v", err)
			}
		})
	}
	reads.Wait()
	a.tenant.Advance(2 * time.Hour)
	_, err := c.SetSecurityDefaults(t.Context(), true)
	if e := wantError(t, err, graph.KindSignIn); !e.NotApplied() || len(a.tenant.Ledger()) != 0 {
		t.Errorf("got %+v and %d changes, want a write that was not applied", e, len(a.tenant.Ledger()))
	}
	if _, err := c.SetSecurityDefaults(t.Context(), true); err != nil || len(a.tenant.Ledger()) != 1 {
		t.Errorf("the next write: got %v and %d changes, want one", err, len(a.tenant.Ledger()))
	}
}

// TestGrantsWithoutAToken has a sentence for people.
func TestGrantsWithoutAToken(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]msgraph.Config{
		"no token": {}, "a word": {Credential: msgraph.StaticToken("demo")}, "three words": {Credential: msgraph.StaticToken("a.b.c")},
		"a person's token": {Credential: msgraph.StaticToken("e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"scp":"User.Read","iat":1}`)) + ".x")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.BaseURL = "http://127.0.0.1/v1.0"
			_, err := client(t, cfg).Grants(t.Context())
			e := wantError(t, err, graph.KindNotSent)
			if _, ok := e.Err.(graph.Mistake); !ok || e.Op == "" {
				t.Errorf("got %+v, want a sentence for people", e)
			}
		})
	}
}

func TestAuthNamesTheWrongKey(t *testing.T) {
	t.Parallel()
	secret := graph.NewSecret("x")
	good := msgraph.Auth{Method: msgraph.AuthSecret, TenantID: "contoso.example", ClientID: ourApp, Secret: secret}
	for _, tt := range []struct {
		name  string
		alter func(*msgraph.Auth)
		want  string // what the error begins with; empty: none
	}{
		{"good", func(*msgraph.Auth) {}, ""},
		{"another authority", func(a *msgraph.Auth) { a.Authority = "https://127.0.0.1:8443/" }, ""},
		{"no method", func(a *msgraph.Auth) { a.Method = "" }, "Method"},
		{"a password", func(a *msgraph.Auth) { a.Method = "password" }, "Method"},
		{"a cloud that there is not", func(a *msgraph.Auth) { a.Cloud = "germany" }, "Cloud"},
		{"no tenant", func(a *msgraph.Auth) { a.TenantID = "" }, "TenantID"},
		{"no client", func(a *msgraph.Auth) { a.ClientID = "" }, "ClientID"},
		{"no secret", func(a *msgraph.Auth) { a.Secret = graph.Secret{} }, "Secret"},
		{"no certificate", func(a *msgraph.Auth) { a.Method = msgraph.AuthCertificate }, "Certificate"},
		{"no certificate in it", func(a *msgraph.Auth) { a.Method, a.Certificate = msgraph.AuthCertificate, secret }, "Certificate"},
		{"no token file", func(a *msgraph.Auth) { a.Method = msgraph.AuthWorkloadIdentity }, "TokenFile"},
		{"authority over http", func(a *msgraph.Auth) { a.Authority = "http://127.0.0.1:8443" }, "Authority"},
		{"authority with a path", func(a *msgraph.Auth) { a.Authority = "https://login.example/contoso" }, "Authority"},
		{"authority without a host", func(a *msgraph.Auth) { a.Authority = "https://" }, "Authority"},
		{"managed identity", func(a *msgraph.Auth) { *a = msgraph.Auth{Method: msgraph.AuthManagedIdentity} }, ""},
		{"azure cli", func(a *msgraph.Auth) { *a = msgraph.Auth{Method: msgraph.AuthAzureCLI} }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			auth := good
			tt.alter(&auth)
			cred, err := auth.Credential()
			switch {
			case tt.want == "" && (err != nil || cred == nil):
				t.Errorf("got %v and error %v, want a credential", cred, err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want+":")):
				t.Errorf("got error %v, want one that begins with %s", err, tt.want)
			}
		})
	}
	if cred, err := (msgraph.Auth{Method: msgraph.AuthNone}).Credential(); cred != nil || err != nil {
		t.Errorf("none: got %v and error %v, want neither", cred, err)
	}
}

// TestCredentialsHideThemselves prints what signs in, in every way.
func TestCredentialsHideThemselves(t *testing.T) {
	t.Parallel()
	auth := msgraph.Auth{Method: msgraph.AuthSecret, TenantID: "contoso.example", ClientID: ourApp, Secret: graph.NewSecret(ourSecret), Certificate: graph.NewSecret(ourSecret)}
	cred, err := auth.Credential()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, v := range []any{auth, &auth, cred, msgraph.StaticToken(ourSecret)} {
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		fmt.Fprintf(&out, "%v %+v %#v %s", v, v, v, v)
		_ = json.NewEncoder(&out).Encode(v)
	}
	if strings.Contains(out.String(), ourSecret) {
		t.Errorf("the secret stands in %s", out.String())
	}
}

// TestClouds leads requests to each of Microsoft's clouds, with a token for that
// cloud.
func TestClouds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cloud       msgraph.Cloud
		base, scope string
	}{
		{"", "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/.default"},
		{msgraph.Global, "https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/.default"},
		{msgraph.USGov, "https://graph.microsoft.us/v1.0", "https://graph.microsoft.us/.default"},
		{msgraph.USGovDoD, "https://dod-graph.microsoft.us/v1.0", "https://dod-graph.microsoft.us/.default"},
		{msgraph.China, "https://microsoftgraph.chinacloudapi.cn/v1.0", "https://microsoftgraph.chinacloudapi.cn/.default"},
	} {
		t.Run(string(tt.cloud), func(t *testing.T) {
			t.Parallel()
			if got := tt.cloud.BaseURL(); got != tt.base {
				t.Errorf("base: got %s, want %s", got, tt.base)
			}
			var asked []string
			heard := &scopes{list: &asked}
			c := client(t, msgraph.Config{BaseURL: tt.cloud.BaseURL(), Credential: heard, Transport: anyAnswer{200, http.Header{"Content-Type": {"application/json"}}, []byte(defaultsOn)}})
			if _, err := c.SecurityDefaults(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(asked, []string{tt.scope}) {
				t.Errorf("scopes: got %q, want %s", asked, tt.scope)
			}
		})
	}
}

// scopes is a credential that remembers what it was asked for.
type scopes struct {
	realCredential
	list *[]string
}

func (s *scopes) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	*s.list = append(*s.list, o.Scopes...)
	return azcore.AccessToken{Token: "x", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// selfSigned is a certificate that is good for today, with its key.
func selfSigned(t *testing.T) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key := rsaKey(t)
	cert, err := certify(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func certify(key *rsa.PrivateKey) (*x509.Certificate, error) {
	like := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "twokey"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, like, like, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(raw)
}

func pemOf(t *testing.T, key *rsa.PrivateKey, cert *x509.Certificate) string {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// tokenFile is a token as a cluster puts it into a pod.
func tokenFile(t *testing.T, key *rsa.PrivateKey, issuer, subject string) string {
	t.Helper()
	encode := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	now := time.Now().Unix()
	text := encode(object{"alg": "RS256", "typ": "JWT", "kid": "1"}) + "." +
		encode(object{"iss": issuer, "sub": subject, "aud": []string{"api://AzureADTokenExchange"}, "iat": now, "nbf": now, "exp": now + 3600})
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(text+"."+base64.RawURLEncoding.EncodeToString(signature)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
