package link_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/bot/link"
	"twokey/chat/visit"
	"twokey/graph"
	"twokey/graph/simtenant"
)

const (
	webApp    = "7d4a1b2c-3e5f-4a6b-8c7d-000000000003"
	webSecret = "what only the page knows"
	domain    = "harbourvale.example"
)

// clock runs, and can be moved forward.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().UTC().Add(c.offset)
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// place is a page over TLS, and the tenant whose people sign in there.
type place struct {
	t      testing.TB
	clock  *clock
	tenant *simtenant.Tenant
	desk   *desk
	page   *link.Page
	url    string // of the page
	roots  *x509.CertPool
	spki   []string // of both certificates, as Chromium takes them
	log    *safeBuffer
}

// options are how a place differs from the usual one.
type options struct {
	licence  graph.Licence
	contexts []string // of the tenant
	context  string   // of the page
	undated  bool     // the app has no auth_time among its optional claims
	forge    *forgery // what becomes of ID tokens
	edit     func(*link.Config)
}

func open(t testing.TB, o options) *place {
	t.Helper()
	p := &place{t: t, clock: &clock{}, log: &safeBuffer{}}
	front, back := listen(t), listen(t)
	p.url = "https://localhost:" + port(front)
	app := simtenant.App{ClientID: webApp, Name: "Twokey signs in", Secret: graph.NewSecret(webSecret), Redirects: []string{link.RedirectURL(p.url)}}
	if !o.undated {
		app.IDClaims = []string{"auth_time"}
	}
	var err error
	p.tenant, err = simtenant.New(simtenant.Config{People: 12, Licence: o.licence, Now: p.clock.Now, Apps: []simtenant.App{app}, Contexts: o.contexts, Unguarded: true})
	if err != nil {
		t.Fatal(err)
	}
	config, ca, err := p.tenant.TLS()
	if err != nil {
		t.Fatal(err)
	}
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(ca)
	for _, c := range config.Certificates {
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
		p.spki = append(p.spki, base64.StdEncoding.EncodeToString(sum[:]))
	}
	tenant := http.Handler(p.tenant)
	if o.forge != nil {
		o.forge.next = tenant
		tenant = o.forge
	}
	serve(t, back, tenant, config)
	p.desk = newDesk(p.clock.Now, p.object)
	cfg := link.Config{
		PublicURL: p.url, Organization: "Harbour & Vale", Tenant: p.organization(), Authority: "https://127.0.0.1:" + port(back),
		ClientID: webApp, ClientSecret: graph.NewSecret(webSecret), Context: o.context, Roots: p.roots,
		Desk: p.desk, Now: p.clock.Now, Log: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if o.edit != nil {
		o.edit(&cfg)
	}
	if p.page, err = link.New(cfg); err != nil {
		t.Fatal(err)
	}
	serve(t, front, p.page, config)
	return p
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func serve(t testing.TB, l net.Listener, h http.Handler, config *tls.Config) {
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}, TLS: config.Clone()}
	server.StartTLS()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
}

// graphCall asks the tenant past everything.
func (p *place) graphCall(method, path, body string, into any) {
	p.t.Helper()
	r := httptest.NewRequest(method, "https://tenant.test/v1.0"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	p.tenant.ServeHTTP(w, r)
	if w.Code/100 != 2 {
		p.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *place) organization() string {
	var list struct{ Value []struct{ ID string } }
	p.graphCall("GET", "/organization", "", &list)
	return list.Value[0].ID
}

// object is a person's object ID.
func (p *place) object(person string) string {
	for _, m := range simtenant.Cast(0) {
		if m.ID == person {
			return m.ObjectID
		}
	}
	p.t.Fatalf("there is no %s", person)
	return ""
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// browser is one with cookies, without a script.
type browser struct {
	*place
	client *http.Client
}

func (p *place) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12}}
	p.t.Cleanup(t.CloseIdleConnections)
	return &browser{p, &http.Client{Transport: t, Jar: jar}}
}

// answer is a page that a browser came to.
type answer struct {
	status int
	at     *url.URL // after all redirects
	header http.Header
	text   string
}

func (b *browser) do(method, address string, form url.Values, headers ...string) answer {
	b.t.Helper()
	return b.send(method, address, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func (b *browser) send(method, address, body string, headers ...string) answer {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.url + address
	}
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	b.clock.add(time.Second) // nobody is as fast as this test, and limits are not its subject
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	return answer{response.StatusCode, response.Request.URL, response.Header, string(text)}
}

func (b *browser) get(address string) answer { b.t.Helper(); return b.do("GET", address, nil) }

// begin opens an address and presses its button.
func (b *browser) begin(token string) answer {
	b.t.Helper()
	if a := b.get(visit.Path + token); a.status != 200 || !strings.Contains(a.text, `action="`+visit.Path+token+`"`) {
		b.t.Fatalf("opening the address: %d %s", a.status, a.text)
	}
	return b.do("POST", visit.Path+token, url.Values{})
}

// signIn signs a person in at the tenant, by their password, and returns the
// page on which they come out.
func (b *browser) signIn(person string) answer {
	b.t.Helper()
	return b.signInAs(person+"@"+domain, simtenant.Password)
}

func (b *browser) signInAs(upn, password string) answer {
	b.t.Helper()
	form := b.get("/link/sign-in")
	if form.status != 200 || !strings.Contains(form.text, `name="passwd"`) {
		return form
	}
	return b.do("POST", form.at.String(), url.Values{"login": {upn}, "passwd": {password}})
}

// cookie is the value of a cookie that the page set.
func (b *browser) cookie(name string) string {
	at, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// setCookie gives a browser a cookie that it was not sent.
func (b *browser) setCookie(name, value string) {
	at, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

func (a answer) wants(t testing.TB, name string, status int, texts ...string) {
	t.Helper()
	missing := slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(a.text, s) })
	if a.status != status || missing {
		t.Errorf("%s: %d at %s, want %d and %q:\n%s", name, a.status, a.at.Path, status, texts, a.text)
	}
}

// forgery stands before the tenant's sign-in service and makes ID tokens of its
// own, with keys of its own, as nobody but the service could.
type forgery struct {
	next    http.Handler
	claims  func(map[string]any) // changes what a token says
	foreign bool                 // another key than the published one signs
	alg     string               // in the header; "RS256" if empty
}

var forgeryKeys = sync.OnceValues(func() ([2]*rsa.PrivateKey, error) {
	a, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return [2]*rsa.PrivateKey{}, err
	}
	b, err := rsa.GenerateKey(rand.Reader, 2048)
	return [2]*rsa.PrivateKey{a, b}, err
})

func (f *forgery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	keys, err := forgeryKeys()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/discovery/v2.0/keys"):
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": base64.RawURLEncoding.EncodeToString(keys[0].N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(keys[0].E)).Bytes()),
		}}})
	case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
		record := httptest.NewRecorder()
		f.next.ServeHTTP(record, r)
		var tokens map[string]any
		raw := record.Body.Bytes()
		if json.Unmarshal(raw, &tokens) == nil && tokens["id_token"] != nil {
			tokens["id_token"] = f.again(tokens["id_token"].(string), keys)
			raw, _ = json.Marshal(tokens)
		}
		maps.Copy(w.Header(), record.Header())
		w.WriteHeader(record.Code)
		_, _ = w.Write(raw)
	default:
		f.next.ServeHTTP(w, r)
	}
}

func (f *forgery) again(token string, keys [2]*rsa.PrivateKey) string {
	said := map[string]any{}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	_ = decoder.Decode(&said)
	if f.claims != nil {
		f.claims(said)
	}
	alg := f.alg
	if alg == "" {
		alg = "RS256"
	}
	head, _ := json.Marshal(map[string]any{"alg": alg, "kid": "1", "typ": "JWT"})
	body, _ := json.Marshal(said)
	signed := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	if alg == "none" {
		return signed + "."
	}
	key := keys[0]
	if f.foreign {
		key = keys[1]
	}
	sum := sha256.Sum256([]byte(signed))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
