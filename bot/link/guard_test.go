package link_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"twokey/bot/link"
	"twokey/chat/visit"
)

// wantHeaders is what every answer of the page says, written out after the list
// of OWASP's secure headers project.
var wantHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	"Strict-Transport-Security":         "max-age=63072000",
	"X-Content-Type-Options":            "nosniff",
	"X-Frame-Options":                   "DENY",
	"Referrer-Policy":                   "no-referrer",
	"Cache-Control":                     "no-store",
	"Cross-Origin-Opener-Policy":        "same-origin",
	"Cross-Origin-Embedder-Policy":      "require-corp",
	"Cross-Origin-Resource-Policy":      "same-origin",
	"X-Permitted-Cross-Domain-Policies": "none",
	"X-Robots-Tag":                      "noindex, nofollow, noarchive",
	"Permissions-Policy": "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=(), " +
		"publickey-credentials-get=(self), publickey-credentials-create=(self)",
	// What would tell who serves it, or let others read it.
	"Server": "", "X-Powered-By": "", "Access-Control-Allow-Origin": "", "Etag": "", "Last-Modified": "",
}

// TestLinkHeaders scans the headers of every kind of answer.
func TestLinkHeaders(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	check := func(name string, a answer, status int) {
		t.Helper()
		if a.status != status {
			t.Errorf("%s: %d, want %d", name, a.status, status)
		}
		for header, want := range wantHeaders {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge > 600 {
				t.Errorf("%s: the cookie %+v", name, c)
			}
		}
		for _, inline := range []string{"<script>", "<style", " style=", " onclick=", " onload=", "javascript:"} {
			if strings.Contains(a.header.Get("Content-Type"), "text/html") && strings.Contains(a.text, inline) {
				t.Errorf("%s: %q stands in the page", name, inline)
			}
		}
	}
	token := p.desk.ask(visit.Collect, "ada")
	check("an address", b.get(visit.Path+token), 200)
	check("its button", b.do("POST", visit.Path+token, url.Values{}), 303)
	check("the visit", b.get("/link/visit"), 200)
	check("the way to the tenant", b.get("/link/sign-in"), 302)
	check("a stray way back", b.get("/link/signed-in?state=x&code=y"), 400)
	to := b.back("ada")
	check("the way back", b.get(to.RequestURI()), 200)
	check("the script's question", b.send("POST", "/link/passkey/make", "{}", "Content-Type", "application/json"), 200)
	check("a refusal to the script", b.send("POST", "/link/passkey/keep", "{}", "Content-Type", "application/json"), 403)
	p.desk.limit = 1
	check("the pass", b.do("POST", "/link/pass", url.Values{}), 200)
	check("the end", b.get("/link/done"), 200)
	check("the style", b.get("/link/page.css"), 200)
	check("the script", b.get("/link/page.js"), 200)
	check("a receipt", b.get("/link/seen/x"), 204)
	check("nothing", b.get("/link/"), 410)
	check("below nothing", b.get("/link/a/b"), 410)
	check("another method", b.do("DELETE", "/link/visit", nil), 405)
	check("another site", b.do("POST", "/link/pass", url.Values{}, "Origin", "https://evil.example"), 400)
}

// TestLinkPlainly serves this machine without TLS, where cookies cannot be safe
// and browsers would not take them if they said so.
func TestLinkPlainly(t *testing.T) {
	t.Parallel()
	p := open(t, options{edit: func(c *link.Config) { c.PublicURL = "http://localhost:8080" }})
	r := httptest.NewRequest("POST", "http://localhost:8080"+visit.Path+p.desk.ask(visit.Link, "sam"), nil)
	w := httptest.NewRecorder()
	p.page.ServeHTTP(w, r)
	if got := w.Header().Get("Set-Cookie"); w.Code != 303 || strings.Contains(got, "Secure") || strings.Contains(got, "__Host-") || w.Header().Get("Strict-Transport-Security") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestLinkConfig wants an address that browsers reach, and no path.
func TestLinkConfig(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "twokey.example", "https://", "https://twokey.example/bot", "ftp://twokey.example", "https://tw okey.example"} {
		if _, err := link.New(link.Config{PublicURL: address}); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}

// TestLinkLimits holds off whoever comes too often, each address by itself, and
// remembers few of them. Where something in front hides who comes, nobody pays
// for another.
func TestLinkLimits(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	from := func(page http.Handler, address string) int {
		r := httptest.NewRequest("GET", p.url+"/link/visit", nil)
		r.RemoteAddr, r.TLS = address, &tls.ConnectionState{}
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("it does not say when to come again")
		}
		return w.Code
	}
	refused := func(page http.Handler, n int, address func(int) string) (count int) {
		for i := range n {
			if from(page, address(i)) == http.StatusTooManyRequests {
				count++
			}
		}
		return count
	}
	one := func(int) string { return "192.0.2.1:4711" }
	if got := refused(p.page, 150, one); got < 30 || got > 50 {
		t.Errorf("%d of 150 requests of one address were held off", got)
	}
	if from(p.page, "192.0.2.2:4711") != http.StatusGone {
		t.Error("another address pays for it")
	}
	p.clock.add(10 * 60e9)
	if from(p.page, one(0)) != http.StatusGone {
		t.Error("it is held off for ever")
	}
	network := func(i int) string { return "[2001:db8::" + string(rune('a'+i%6)) + "]:4711" }
	if got := refused(p.page, 150, network); got < 30 {
		t.Errorf("%d of 150 requests of one network were held off", got)
	}
	front := open(t, options{edit: func(c *link.Config) { c.Front = true }})
	if got := refused(front.page, 200, one); got != 0 {
		t.Errorf("%d of 200 requests by way of something in front were held off", got)
	}
	if got := refused(front.page, 500, one); got < 200 {
		t.Errorf("%d of 500 more were held off", got)
	}
}
