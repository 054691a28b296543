package simtenant_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

const (
	domain    = "harbourvale.example"
	tokenPath = "/" + domain + "/oauth2/v2.0/token"
	scope     = "https://graph.microsoft.com/.default openid offline_access profile" // as Microsoft's libraries send it
)

// testKey makes one key for all tests: they are slow to make.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// testCert is a certificate over that key.
func testCert(t testing.TB, serial int64) *x509.Certificate {
	t.Helper()
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "twokey"},
		NotBefore: epoch.Add(-time.Hour), NotAfter: epoch.AddDate(1, 0, 0),
	}
	raw, err := x509.CreateCertificate(rand.Reader, plan, plan, &testKey().PublicKey, testKey())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// jwt signs claims as a client would.
func jwt(t testing.TB, header, claims object) string {
	t.Helper()
	part := func(d object) string {
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	signed := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	var err error
	if header["alg"] == "PS256" {
		signature, err = rsa.SignPSS(rand.Reader, testKey(), crypto.SHA256, sum[:], nil)
	} else {
		signature, err = rsa.SignPKCS1v15(rand.Reader, testKey(), crypto.SHA256, sum[:])
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// claimsOf reads a token without checking it.
func claimsOf(t testing.TB, token string) object {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var d object
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// askToken posts a form to the token address.
func askToken(h http.Handler, form url.Values) reply {
	return ask(h, "POST", tokenPath, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func secretForm(secret string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {botID}, "client_secret": {secret}, "scope": {scope}}
}

// tokenBy signs in with a secret and returns the Authorization header.
func tokenBy(t testing.TB, h http.Handler, secret string) []string {
	t.Helper()
	r := askToken(h, secretForm(secret))
	if r.status != 200 {
		t.Fatalf("token: %d %s", r.status, r.raw)
	}
	return []string{"Authorization", "Bearer " + decode[object](t, r)["access_token"].(string)}
}

func TestTokenSaysWhatWasGranted(t *testing.T) {
	t.Parallel()
	apps := botWith("User.Read.All", "Policy.Read.All")
	apps[0].Roles = []string{graph.RoleUserAdministrator}
	h := newTenant(t, simtenant.Config{Apps: apps})
	bearer := tokenBy(t, h, "first-secret")
	got := claimsOf(t, strings.TrimPrefix(bearer[1], "Bearer "))
	for name, want := range map[string]any{
		"appid": botID, "idtyp": "app", "aud": "https://graph.microsoft.com", "iat": float64(epoch.Unix()), "exp": float64(epoch.Add(time.Hour).Unix()),
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if roles := got["roles"].([]any); len(roles) != 2 || roles[0] != "User.Read.All" {
		t.Errorf("roles: %v", roles)
	}
	if wids := got["wids"].([]any); len(wids) != 2 || wids[0] != graph.RoleUserAdministrator {
		t.Errorf("wids: %v, want the app's role and the one that everybody has", wids)
	}
	organization := decode[collection](t, ask(h, "GET", "/v1.0/organization", "", portal...)).Value[0]
	if got["tid"] != organization["id"] {
		t.Errorf("tid: got %v, want %v", got["tid"], organization["id"])
	}
}

func TestTokensAtGraph(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Seed: 11, Apps: botWith("User.Read.All"), Now: now.Now})
	bearer := tokenBy(t, h, "first-secret")
	roles := "/v1.0/directoryRoles"
	check := func(what, path string, headers []string, want int) {
		t.Helper()
		if r := ask(h, "GET", path, "", headers...); r.status != want {
			t.Errorf("%s: got %d, want %d: %.200s", what, r.status, want, r.raw)
		}
	}
	check("what was granted", "/v1.0/users?$top=1", bearer, 200)
	check("what was not", roles, bearer, 403)
	grant := `{"principalId":"{principal}","resourceId":"{graph}","appRoleId":"483bed4a-2ad3-4361-a73b-c83ccdbdc53c"}`
	if r := ask(h, "POST", fillIn(t, h, principalPath+"/appRoleAssignments"), fillIn(t, h, grant), portal...); r.status != 201 {
		t.Fatalf("grant: %d %s", r.status, r.raw)
	}
	check("granted after the token was issued", roles, bearer, 403)
	check("in a new token", roles, tokenBy(t, h, "first-secret"), 200)

	if r := ask(h, "GET", "/_sim/requests", ""); !strings.Contains(string(r.raw), `"path":"/login/oauth2/v2.0/token","status":200`) {
		t.Errorf("the sign-in is not among the requests: %.900s", r.raw)
	}
	parts := strings.Split(strings.TrimPrefix(bearer[1], "Bearer "), ".")
	claims := claimsOf(t, strings.TrimPrefix(bearer[1], "Bearer "))
	for name, token := range map[string]string{
		"signed by somebody else": jwt(t, object{"alg": "RS256"}, claims),
		"not signed":              parts[0] + "." + parts[1] + ".",
		"without a method":        base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"changed":                 parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"appid":"`+botID+`"}`)) + "." + parts[2],
	} {
		r := ask(h, "GET", "/v1.0/users?$top=1", "", "Authorization", "Bearer "+token)
		if code, _ := refusal(t, r); r.status != 401 || code != "InvalidAuthenticationToken" {
			t.Errorf("%s: got %d %s, want 401", name, r.status, code)
		}
	}
	now.Add(time.Hour)
	check("expired", "/v1.0/users?$top=1", bearer, 401)
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Seed: 11, Apps: botWith("User.Read.All"), Now: now.Now})
	r := ask(h, "POST", fillIn(t, h, applicationPath+"/addPassword"), `{"passwordCredential":{"endDateTime":"2026-12-01T00:00:00Z"}}`, portal...)
	added := decode[object](t, r)
	second := added["secretText"].(string)
	tests := []struct {
		name   string
		change func()
		secret string
		want   float64 // AADSTS number, 0 for a token
	}{
		{"the first", nil, "first-secret", 0},
		{"a wrong one", nil, "guess", 7000215},
		{"one that was added", nil, second, 0},
		{"one that ran out", func() { now.Add(10 * 24 * time.Hour) }, second, 7000222},
		{"one that was removed", func() {
			ask(h, "POST", fillIn(t, h, applicationPath+"/removePassword"), `{"keyId":"`+added["keyId"].(string)+`"}`, portal...)
		}, second, 7000215},
	}
	for _, tt := range tests {
		if tt.change != nil {
			tt.change()
		}
		wantSignIn(t, tt.name, askToken(h, secretForm(tt.secret)), tt.want)
	}
}

// wantSignIn checks an answer of the token address by Microsoft's number.
func wantSignIn(t *testing.T, name string, r reply, want float64) {
	t.Helper()
	got := decode[struct {
		Codes       []float64 `json:"error_codes"`
		Description string    `json:"error_description"`
		Token       string    `json:"access_token"`
	}](t, r)
	switch {
	case want == 0 && (r.status != 200 || got.Token == ""):
		t.Errorf("%s: got %d %s, want a token", name, r.status, r.raw)
	case want != 0 && (r.status < 400 || len(got.Codes) != 1 || got.Codes[0] != want || !strings.HasPrefix(got.Description, "AADSTS")):
		t.Errorf("%s: got %d %s, want AADSTS%.0f", name, r.status, r.raw, want)
	}
}

func TestTokenRequestsAreChecked(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Apps: botWith()})
	for name, tt := range map[string]struct {
		key, value string
		want       float64
	}{
		"unknown app":      {"client_id", "11111111-2222-4333-8444-555555555555", 700016},
		"no app":           {"client_id", "", 900144},
		"no grant type":    {"grant_type", "", 900144},
		"password":         {"grant_type", "password", 70003},
		"no credential":    {"client_secret", "", 7000218},
		"single scope":     {"scope", "https://graph.microsoft.com/User.Read.All", 1002012},
		"another resource": {"scope", "https://vault.azure.net/.default", 500011},
	} {
		form := secretForm("first-secret")
		form.Set(tt.key, tt.value)
		wantSignIn(t, name, askToken(h, form), tt.want)
	}
	form := secretForm("first-secret").Encode()
	wantSignIn(t, "another tenant", ask(h, "POST", "/contoso.example/oauth2/v2.0/token", form, "Content-Type", "application/x-www-form-urlencoded"), 90002)
	wantSignIn(t, "no form", ask(h, "POST", tokenPath, form, "Content-Type", "application/json"), 900144)
	wantSignIn(t, "GET", ask(h, "GET", tokenPath, ""), 900561)
	for _, resource := range []string{"https://graph.microsoft.us", "https://127.0.0.1:8443", "https://microsoftgraph.chinacloudapi.cn", "00000003-0000-0000-c000-000000000000"} {
		form := secretForm("first-secret")
		form.Set("scope", resource+"/.default")
		wantSignIn(t, resource, askToken(h, form), 0)
	}
}

func TestAssertions(t *testing.T) {
	t.Parallel()
	cert, other := testCert(t, 1), testCert(t, 2)
	apps := botWith("User.Read.All")
	apps[0].Certificates = []*x509.Certificate{cert}
	apps[0].Federations[0].Key = testKey().Public()
	h := newTenant(t, simtenant.Config{Apps: apps})
	old, sum, otherSum := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw), sha256.Sum256(other.Raw)
	modern := object{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.StdEncoding.EncodeToString(sum[:])}
	own := func(change ...any) object {
		d := object{"aud": "http://tenant.test" + tokenPath, "iss": botID, "sub": botID, "exp": epoch.Add(10 * time.Minute).Unix(), "nbf": epoch.Unix()}
		for i := 0; i+1 < len(change); i += 2 {
			d[change[i].(string)] = change[i+1]
		}
		return d
	}
	cluster := func(change ...any) object {
		return own(append([]any{"iss", "https://issuer.example", "sub", "system:serviceaccount:twokey:bot", "aud", []string{"api://AzureADTokenExchange"}}, change...)...)
	}
	forged := jwt(t, modern, own())
	for name, tt := range map[string]struct {
		assertion string
		want      float64
	}{
		"PSS and SHA-256":                   {jwt(t, modern, own()), 0},
		"PKCS 1 and SHA-1":                  {jwt(t, object{"alg": "RS256", "x5t": base64.RawURLEncoding.EncodeToString(old[:])}, own()), 0},
		"the issuer as audience":            {jwt(t, modern, own("aud", "http://tenant.test/"+domain+"/v2.0")), 0},
		"a certificate that is not ours":    {jwt(t, object{"alg": "PS256", "x5t#S256": base64.StdEncoding.EncodeToString(otherSum[:])}, own()), 700027},
		"another signature":                 {forged[:strings.LastIndexByte(forged, '.')] + ".c2ln", 700027},
		"for another service":               {jwt(t, modern, own("aud", "https://vault.azure.net")), 700023},
		"for another app":                   {jwt(t, modern, own("sub", "somebody")), 700021},
		"expired":                           {jwt(t, modern, own("exp", epoch.AddDate(-6, 0, 0).Unix())), 700024},
		"not valid yet":                     {jwt(t, modern, own("nbf", epoch.AddDate(50, 0, 0).Unix(), "exp", epoch.AddDate(51, 0, 0).Unix())), 700024},
		"without an end":                    {jwt(t, modern, own("exp", 0)), 700024},
		"no token":                          {"assertion", 50027},
		"federated":                         {jwt(t, object{"alg": "RS256", "kid": "1"}, cluster()), 0},
		"federated, another subject":        {jwt(t, object{"alg": "RS256"}, cluster("sub", "system:serviceaccount:default:bot")), 700213},
		"federated, another issuer":         {jwt(t, object{"alg": "RS256"}, cluster("iss", "https://issuer.example/")), 700213},
		"federated, another audience":       {jwt(t, object{"alg": "RS256"}, cluster("aud", "api://other")), 700213},
		"federated, expired":                {jwt(t, object{"alg": "RS256"}, cluster("exp", epoch.AddDate(-6, 0, 0).Unix())), 700024},
		"federated, in a way that is weak":  {jwt(t, object{"alg": "HS256"}, cluster()), 7000272},
		"own words without any certificate": {jwt(t, object{"alg": "RS256"}, own()), 700213},
	} {
		form := secretForm("")
		form.Set("client_assertion", tt.assertion)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		wantSignIn(t, name, askToken(h, form), tt.want)
	}
}

// A certificate that ran out signs nobody in.
func TestCertificateExpires(t *testing.T) {
	t.Parallel()
	cert := testCert(t, 1)
	apps := botWith("User.Read.All")
	apps[0].Certificates = []*x509.Certificate{cert}
	late := epoch.AddDate(1, 0, 1)
	h := newTenant(t, simtenant.Config{Apps: apps, Now: newClock(late).Now})
	sum := sha256.Sum256(cert.Raw)
	form := secretForm("")
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", jwt(t, object{"alg": "PS256", "x5t#S256": base64.StdEncoding.EncodeToString(sum[:])}, object{
		"aud": "http://tenant.test" + tokenPath, "iss": botID, "sub": botID, "exp": late.Add(time.Minute).Unix(),
	}))
	wantSignIn(t, "expired certificate", askToken(h, form), 700027)
}

// tlsClient serves the tenant over TLS and returns a client that trusts its
// authority and finds it under every host.
func tlsClient(t *testing.T, h *simtenant.Tenant) (client *http.Client, root string) {
	t.Helper()
	config, pem, err := h.TLS()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(pem) {
		t.Fatal("the authority's certificate is no PEM")
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	noRedirects := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: noRedirects}, "https://" + server.Listener.Addr().String()
}

// over sends one request and decodes the answer.
func over(t *testing.T, client *http.Client, request *http.Request) (int, object) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var d object
	if err := json.NewDecoder(response.Body).Decode(&d); err != nil {
		t.Fatalf("%s: %v", request.URL, err)
	}
	return response.StatusCode, d
}

func getRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// The way of Microsoft's libraries: ask whether the authority is one, for its
// addresses, for a token, and then Graph.
func TestSignInOverTLS(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Apps: botWith("User.Read.All")})
	client, root := tlsClient(t, h)
	instance := func(host string) (int, object) {
		q := url.Values{"api-version": {"1.1"}, "authorization_endpoint": {"https://" + host + "/" + domain + "/oauth2/v2.0/authorize"}}
		return over(t, client, getRequest(t, "https://login.microsoftonline.com/common/discovery/instance?"+q.Encode()))
	}
	if status, d := instance("evil.example"); status != 400 || d["error"] != "invalid_instance" {
		t.Errorf("a host that is none of ours: %d %v", status, d)
	}
	status, found := instance(strings.TrimPrefix(root, "https://"))
	if status != 200 {
		t.Fatalf("instance discovery: %d %v", status, found)
	}
	status, config := over(t, client, getRequest(t, found["tenant_discovery_endpoint"].(string)))
	if status != 200 || !strings.HasPrefix(config["issuer"].(string), root+"/") {
		t.Fatalf("discovery: %d %v", status, config)
	}
	form, err := http.NewRequestWithContext(t.Context(), "POST", config["token_endpoint"].(string), strings.NewReader(secretForm("first-secret").Encode()))
	if err != nil {
		t.Fatal(err)
	}
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, token := over(t, client, form)
	if status != 200 || token["token_type"] != "Bearer" {
		t.Fatalf("token: %d %v", status, token)
	}
	for _, address := range []string{root, "https://graph.microsoft.com", "https://dod-graph.microsoft.us"} {
		users := getRequest(t, address+"/v1.0/users?$top=2")
		users.Header.Set("Authorization", "Bearer "+token["access_token"].(string))
		status, page := over(t, client, users)
		if status != 200 || !strings.HasPrefix(page["@odata.nextLink"].(string), address+"/v1.0/") {
			t.Errorf("users at %s: %d %v", address, status, page)
		}
	}
	stranger := &http.Client{Transport: &http.Transport{}}
	if _, err := stranger.Do(getRequest(t, root+"/v1.0/organization")); err == nil {
		t.Error("a client that does not know the authority trusts it")
	}
}

// authorizeAddress is where a browser is sent to sign in.
func authorizeAddress(change ...string) string {
	sum := sha256.Sum256([]byte("a verifier of forty-three characters or more"))
	q := url.Values{
		"client_id": {botID}, "response_type": {"code"}, "redirect_uri": {"https://twokey.example/link"}, "scope": {"openid profile"}, "state": {"s1"},
		"nonce": {"n1"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "login_hint": {"sam@" + domain},
	}
	for i := 0; i+1 < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return "/" + domain + "/oauth2/v2.0/authorize?" + q.Encode()
}

func codeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {botID}, "client_secret": {"first-secret"}, "code": {code},
		"redirect_uri": {"https://twokey.example/link"}, "code_verifier": {"a verifier of forty-three characters or more"},
	}
}

// submit sends a form of the sign-in service from a browser that has a session
// or none.
func submit(h http.Handler, address string, pairs ...string) reply {
	form, cookie := url.Values{}, ""
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "cookie" {
			cookie = pairs[i+1]
			continue
		}
		form.Set(pairs[i], pairs[i+1])
	}
	return ask(h, "POST", address, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie)
}

// codeIn returns the code that an app is sent, and the browser's session.
func codeIn(t *testing.T, r reply) (code, session string) {
	t.Helper()
	to, err := url.Parse(r.header.Get("Location"))
	if r.status != 302 || err != nil || to.Query().Get("code") == "" || to.Query().Get("state") != "s1" || to.Host != "twokey.example" {
		t.Fatalf("authorize: %d to %s: %s", r.status, r.header.Get("Location"), r.raw)
	}
	session, _, _ = strings.Cut(r.header.Get("Set-Cookie"), ";")
	return to.Query().Get("code"), session
}

// codeFrom signs somebody in, sam if the address hints at nobody else, and
// returns the code that the app is sent.
func codeFrom(t *testing.T, h http.Handler, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	code, _ := codeIn(t, submit(h, address, "login", u.Query().Get("login_hint"), "passwd", simtenant.Password))
	return code
}

// idClaims redeems a code and returns what the ID token says.
func idClaims(t *testing.T, h http.Handler, code string) object {
	t.Helper()
	r := askToken(h, codeForm(code))
	if r.status != 200 {
		t.Fatalf("token: %d %s", r.status, r.raw)
	}
	id := decode[object](t, r)["id_token"].(string)
	verify(t, h, id)
	return claimsOf(t, id)
}

func TestPeopleSignIn(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Apps: botWith(), Now: newClock(epoch).Now})
	for _, upn := range []string{"sam@" + domain, "sue@" + domain, "olga@" + domain} {
		got := idClaims(t, h, codeFrom(t, h, authorizeAddress("login_hint", upn)))
		user := decode[object](t, ask(h, "GET", "/v1.0/users/"+upn, "", portal...))
		for name, want := range map[string]any{
			"oid": user["id"], "preferred_username": upn, "aud": botID, "nonce": "n1", "ver": "2.0",
			"iss": "http://tenant.test/" + got["tid"].(string) + "/v2.0",
			// A token of version 2.0 does not say how somebody signed in, and not when
			// unless it was asked.
			"amr": nil, "acrs": nil, "auth_time": nil,
		} {
			if got[name] != want {
				t.Errorf("%s: %s is %v, want %v", upn, name, got[name], want)
			}
		}
	}
	// The person's token is none of the app's.
	bearer := decode[object](t, askToken(h, codeForm(codeFrom(t, h, authorizeAddress()))))["access_token"].(string)
	if r := ask(h, "GET", "/v1.0/users", "", "Authorization", "Bearer "+bearer); r.status != 403 {
		t.Errorf("Graph with a person's token: got %d, want 403", r.status)
	}
}

// The form says no, with Microsoft's numbers, and stays where it is.
func TestSignInFormRefuses(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Apps: botWith(), Now: newClock(epoch).Now})
	if r := ask(h, "PATCH", "/v1.0/users/vic@"+domain, `{"accountEnabled":false}`, portal...); r.status != 204 {
		t.Fatalf("block: %d %s", r.status, r.raw)
	}
	for name, tt := range map[string]struct{ login, password, want string }{
		"a wrong password":          {"sam@" + domain, "guess", "AADSTS50126"},
		"no password":               {"sam@" + domain, "", "AADSTS50126"},
		"nobody":                    {"nobody@" + domain, simtenant.Password, "AADSTS50034"},
		"nothing":                   {"", "", "AADSTS50034"},
		"somebody of elsewhere":     {"eve@elsewhere.example", simtenant.Password, "AADSTS50020"},
		"a blocked account":         {"vic@" + domain, simtenant.Password, "AADSTS50057"},
		"markup in place of a name": {`"><script>@elsewhere.example`, "", "AADSTS50020"},
	} {
		r := submit(h, authorizeAddress(), "login", tt.login, "passwd", tt.password)
		if r.status != 200 || r.header.Get("Location") != "" || r.header.Get("Set-Cookie") != "" || !strings.Contains(string(r.raw), tt.want) || strings.Contains(string(r.raw), "<script") {
			t.Errorf("%s: %d to %q: %s", name, r.status, r.header.Get("Location"), r.raw)
		}
	}
}

// A session signs in without the form, unless the app wants somebody to be there.
func TestSignInSessions(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Apps: botWith(), Now: now.Now})
	_, session := codeIn(t, submit(h, authorizeAddress(), "login", "sam@"+domain, "passwd", simtenant.Password))
	at := func(change ...string) reply { return ask(h, "GET", authorizeAddress(change...), "", "Cookie", session) }
	form := func(name string, r reply) {
		t.Helper()
		if r.status != 200 || !strings.Contains(string(r.raw), `name="passwd"`) {
			t.Errorf("%s: %d to %q, want the form", name, r.status, r.header.Get("Location"))
		}
	}
	now.Add(5 * time.Minute)
	code, _ := codeIn(t, at("max_age", "600"))
	if got := idClaims(t, h, code); got["auth_time"] != float64(epoch.Unix()) {
		t.Errorf("a session's auth_time is %v, want when its password was typed", got["auth_time"])
	}
	form("prompt=login", at("prompt", "login"))
	form("select_account", at("prompt", "select_account"))
	form("an old session", at("max_age", "300"))
	form("any session is too old", at("max_age", "0"))
	form("another browser", ask(h, "GET", authorizeAddress(), "", "Cookie", "ESTSAUTH=guess"))
	if to := ask(h, "GET", authorizeAddress("prompt", "none"), "").header.Get("Location"); !strings.Contains(to, "error=login_required") {
		t.Errorf("prompt=none without a session: %s", to)
	}
	codeIn(t, at("prompt", "none"))
	for name, change := range map[string][]string{
		"a prompt that is none": {"prompt", "always"}, "an age that is none": {"max_age", "-1"}, "claims that are none": {"claims", "{"}, "another mode": {"response_mode", "form_post"},
	} {
		if to := at(change...).header.Get("Location"); !strings.Contains(to, "error=invalid_request") {
			t.Errorf("%s: %s", name, to)
		}
	}
	if r := ask(h, "POST", "/v1.0/users/sam@"+domain+"/revokeSignInSessions", "", portal...); r.status != 200 {
		t.Fatalf("revoke: %d %s", r.status, r.raw)
	}
	form("sessions were ended", at())
}

// A second factor is asked for where the tenant wants one, and told to the app
// only by an authentication context.
func TestSignInSecondFactor(t *testing.T) {
	t.Parallel()
	const context = `{"id_token":{"acrs":{"essential":true,"value":"c1"}}}`
	setup := func(t *testing.T, cfg simtenant.Config) http.Handler {
		cfg.Apps, cfg.Now = botWith(), newClock(epoch).Now
		cfg.Apps[0].IDClaims = []string{"auth_time"}
		return newTenant(t, cfg)
	}
	password := func(h http.Handler, person string, change ...string) reply {
		return submit(h, authorizeAddress(change...), "login", person+"@"+domain, "passwd", simtenant.Password)
	}
	factors := func(t *testing.T, r reply) (flow string, methods []string) {
		t.Helper()
		for _, m := range regexp.MustCompile(`name="(flow|method)" value="([^"]+)"`).FindAllStringSubmatch(string(r.raw), -1) {
			if m[1] == "flow" {
				flow = m[2]
			} else {
				methods = append(methods, m[2])
			}
		}
		if r.status != 200 || flow == "" || len(methods) == 0 {
			t.Fatalf("no second factor is asked for: %d %s", r.status, r.raw)
		}
		return flow, methods
	}
	t.Run("a context", func(t *testing.T) {
		t.Parallel()
		h := setup(t, simtenant.Config{Licence: graph.P1, Contexts: []string{"c1"}})
		flow, methods := factors(t, password(h, "sue", "claims", context))
		code, session := codeIn(t, submit(h, authorizeAddress("claims", context), "flow", flow, "method", methods[0]))
		got := idClaims(t, h, code)
		if acrs, ok := got["acrs"].([]any); !ok || len(acrs) != 1 || acrs[0] != "c1" || got["auth_time"] != float64(epoch.Unix()) {
			t.Errorf("acrs %v, auth_time %v", got["acrs"], got["auth_time"])
		}
		if code, _ := codeIn(t, ask(h, "GET", authorizeAddress("claims", context), "", "Cookie", session)); idClaims(t, h, code)["acrs"] == nil {
			t.Error("the session does not remember its second factor")
		}
		if code, _ := codeIn(t, ask(h, "GET", authorizeAddress(), "", "Cookie", session)); idClaims(t, h, code)["acrs"] != nil {
			t.Error("a context that nobody asked for is told")
		}
		for name, pairs := range map[string][]string{
			"a flow twice": {"flow", flow, "method", methods[0]}, "no flow": {"flow", "guess", "method", methods[0]},
		} {
			if r := submit(h, authorizeAddress("claims", context), pairs...); !strings.Contains(string(r.raw), "AADSTS50089") {
				t.Errorf("%s: %d %s", name, r.status, r.raw)
			}
		}
		flow, _ = factors(t, password(h, "sue", "claims", context))
		if r := submit(h, authorizeAddress("claims", context), "flow", flow, "method", ""); !strings.Contains(string(r.raw), "AADSTS500121") {
			t.Errorf("refused on the phone: %d %s", r.status, r.raw)
		}
		if r := password(h, "sam", "claims", context); !strings.Contains(string(r.raw), "AADSTS50079") {
			t.Errorf("somebody without any method: %d %s", r.status, r.raw)
		}
		_, before := codeIn(t, password(h, "sue"))
		if r := ask(h, "GET", authorizeAddress("claims", context), "", "Cookie", before); r.status != 200 {
			t.Errorf("a session by the password alone satisfies a context: %d to %s", r.status, r.header.Get("Location"))
		}
	})
	t.Run("security defaults", func(t *testing.T) {
		t.Parallel()
		h := setup(t, simtenant.Config{})
		if r := ask(h, "PATCH", "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":true}`, portal...); r.status != 204 {
			t.Fatalf("defaults: %d %s", r.status, r.raw)
		}
		flow, methods := factors(t, password(h, "sue", "claims", context))
		code, _ := codeIn(t, submit(h, authorizeAddress(), "flow", flow, "method", methods[0]))
		if got := idClaims(t, h, code); got["amr"] != nil || got["acrs"] != nil {
			t.Errorf("the token says %v, %v, which none of a Free tenant does", got["amr"], got["acrs"])
		}
		codeIn(t, password(h, "sam"))
	})
	t.Run("a pass", func(t *testing.T) {
		t.Parallel()
		h := setup(t, simtenant.Config{Licence: graph.P1, Contexts: []string{"c1"}})
		r := ask(h, "POST", "/v1.0/users/sam@"+domain+"/authentication/temporaryAccessPassMethods", `{"isUsableOnce":true}`, portal...)
		pass, _ := decode[object](t, r)["temporaryAccessPass"].(string)
		if r.status != 201 || pass == "" {
			t.Fatalf("pass: %d %s", r.status, r.raw)
		}
		by := func(person string) reply {
			return submit(h, authorizeAddress("claims", context), "login", person+"@"+domain, "passwd", pass)
		}
		if r := by("sue"); !strings.Contains(string(r.raw), "AADSTS50126") {
			t.Errorf("somebody else's pass: %d %s", r.status, r.raw)
		}
		if code, _ := codeIn(t, by("sam")); idClaims(t, h, code)["acrs"] == nil {
			t.Error("a pass is not both factors")
		}
		if r := by("sam"); !strings.Contains(string(r.raw), "AADSTS50126") {
			t.Errorf("a pass twice: %d %s", r.status, r.raw)
		}
	})
}

// verify checks a token by the keys that the tenant publishes.
func verify(t *testing.T, h http.Handler, token string) {
	t.Helper()
	key := decode[struct{ Keys []struct{ N, E, Kid string } }](t, ask(h, "GET", "/"+domain+"/discovery/v2.0/keys", "")).Keys[0]
	n, err := base64.RawURLEncoding.DecodeString(key.N)
	if err != nil {
		t.Fatal(err)
	}
	e, err := base64.RawURLEncoding.DecodeString(key.E)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(token[:at]))
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("the published key did not sign the token: %v", err)
	}
}

func TestSignInOfPeopleIsChecked(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Apps: botWith(), Now: now.Now})
	for name, tt := range map[string]struct {
		key, value string
		want       float64
	}{
		"unknown app":     {"client_id", "none", 700016},
		"another address": {"redirect_uri", "https://evil.example/link", 50011},
	} {
		r := ask(h, "GET", authorizeAddress(tt.key, tt.value), "")
		if r.header.Get("Location") != "" {
			t.Errorf("%s: sent to %s", name, r.header.Get("Location"))
		}
		wantSignIn(t, name, r, tt.want)
	}
	for name, change := range map[string][]string{
		"no challenge": {"code_challenge", ""}, "plain challenge": {"code_challenge_method", "plain"}, "a token at once": {"response_type", "id_token"},
	} {
		r := ask(h, "GET", authorizeAddress(change...), "")
		if to := r.header.Get("Location"); r.status != 302 || !strings.Contains(to, "error=") || strings.Contains(to, "code=") {
			t.Errorf("%s: %d to %s", name, r.status, to)
		}
	}
	if r := ask(h, "GET", authorizeAddress("login_hint", ""), ""); r.status != 200 || !strings.Contains(string(r.raw), "olga@"+domain) {
		t.Errorf("without a hint: %d %.300s", r.status, r.raw)
	}

	used := codeFrom(t, h, authorizeAddress())
	wantSignIn(t, "a code", askToken(h, codeForm(used)), 0)
	wantSignIn(t, "a code twice", askToken(h, codeForm(used)), 54005)
	for name, tt := range map[string]struct {
		key, value string
		want       float64
	}{
		"another verifier":     {"code_verifier", "guess", 501481},
		"another redirect":     {"redirect_uri", "https://twokey.example/other", 50011},
		"without being an app": {"client_secret", "guess", 7000215},
	} {
		form := codeForm(codeFrom(t, h, authorizeAddress()))
		form.Set(tt.key, tt.value)
		wantSignIn(t, name, askToken(h, form), tt.want)
	}
	late := codeFrom(t, h, authorizeAddress())
	now.Add(11 * time.Minute)
	wantSignIn(t, "a code too late", askToken(h, codeForm(late)), 70008)
}

// The sign-in service fails as planned, too.
func TestFaultsAtSignIn(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Apps: botWith()})
	plan(t, h, `[{"path":"/oauth2/v2.0/token","times":1,"status":503}]`)
	if r := askToken(h, secretForm("first-secret")); r.status != 503 {
		t.Errorf("planned: got %d, want 503", r.status)
	}
	plan(t, h, `[{"path":"/oauth2/v2.0/token","times":1,"garble":"html"}]`)
	if r := askToken(h, secretForm("first-secret")); r.status != 200 || !strings.Contains(string(r.raw), "<html>") {
		t.Errorf("garbled: got %d %s", r.status, r.raw)
	}
	wantSignIn(t, "afterwards", askToken(h, secretForm("first-secret")), 0)
}
