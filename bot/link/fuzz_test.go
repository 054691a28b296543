package link_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"twokey/chat/visit"
)

// FuzzLink sends anything in every place that a browser fills in: the path, the
// query, each cookie and the body. Nothing may panic or be taken for an error of
// ours, nothing may come back as markup, and nobody may be signed in.
func FuzzLink(f *testing.F) {
	p := open(f, options{})
	b := p.browser()
	token := p.desk.ask(visit.Collect, "ada")
	b.begin(token)
	b.get("/link/sign-in")
	for _, s := range p.desk.tickets {
		s.Until = s.Until.AddDate(100, 0, 0) // as long as it takes
	}
	var callers atomic.Uint32
	ticket, signIn := b.cookie("__Host-twokey-visit"), b.cookie("__Host-twokey-sign-in")
	assertion := `{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"authenticatorData":"AAAA","clientDataJSON":"e30","signature":"AAAA","userHandle":"AAAA"}}`
	creation := `{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"attestationObject":"oA","clientDataJSON":"e30","transports":["usb"]}}`
	for _, path := range []string{token, "visit", "sign-in", "signed-in", "done", "pass", "seen/x", "passkey/ask", "passkey/use", "passkey/make", "passkey/keep", "page.css", "", "../", "%00"} {
		f.Add("GET", path, "state=x&code=y", ticket, signIn, "", "", "")
		f.Add("POST", path, "", ticket, signIn, signIn, signIn, assertion)
		f.Add("POST", path, "", ticket, "", ticket, "", creation)
	}
	f.Add("GET", "signed-in", "error=%3Cscript%3E&state=", ticket, "AAAA", "AAAA", "AAAA", "")
	f.Fuzz(func(t *testing.T, method, path, query, ticket, signIn, key, person, body string) {
		u, err := url.ParseRequestURI(visit.Path + path + "?" + query)
		if err != nil || strings.ContainsAny(method, " \t\r\n") || method == "" {
			return // net/http lets no such request in
		}
		p.clock.add(20 * time.Millisecond) // or the limits would be all that is tried
		r := httptest.NewRequest("GET", p.url+"/", strings.NewReader(body))
		n := callers.Add(1)
		r.Method, r.URL, r.RemoteAddr = method, u, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 1).String()
		r.Header.Set("Content-Type", "application/json")
		for name, value := range map[string]string{"visit": ticket, "sign-in": signIn, "passkey": key, "person": person} {
			r.Header.Add("Cookie", "__Host-twokey-"+name+"="+value)
		}
		w := httptest.NewRecorder()
		p.page.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %s: %d %s", method, u, w.Code, w.Body)
		}
		if w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: no policy", method, u)
		}
		if text := w.Body.String(); strings.Contains(w.Header().Get("Content-Type"), "html") && strings.Count(text, "<script") > 1 {
			t.Errorf("%s %s: markup of somebody else's: %s", method, u, text)
		}
		if len(p.desk.taking()) > 0 {
			t.Errorf("%s %s signs somebody in", method, u)
		}
	})
}
