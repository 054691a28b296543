package link

import (
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"twokey/chat/visit"
	"twokey/graph"
)

// TestLinkSealedCookies opens what a browser keeps for the visit and the matter
// that it is of, within its time, and unchanged.
func TestLinkSealedCookies(t *testing.T) {
	t.Parallel()
	now := time.Now()
	page := func(secret string) *Page {
		return &Page{cfg: Config{Now: func() time.Time { return now }}, public: &url.URL{Scheme: "https", Host: "twokey.example"}, seal: newSealer(graph.NewSecret(secret))}
	}
	p := page("the secret")
	w := httptest.NewRecorder()
	if err := p.keepSealed(w, signInCookie, "ticket", attempt{State: "a state"}); err != nil {
		t.Fatal(err)
	}
	value := w.Result().Cookies()[0].Value
	if strings.Contains(value, "state") {
		t.Errorf("it can be read: %s", value)
	}
	opens := func(p *Page, name, ticket, value string) bool {
		r := httptest.NewRequest("GET", "/link/visit", nil)
		r.Header.Set("Cookie", "__Host-"+name+"="+value)
		var a attempt
		return p.readSealed(r, name, ticket, &a) && a.State == "a state"
	}
	for name, tt := range map[string]struct {
		page                *Page
		name, ticket, value string
		want                bool
	}{
		"as it is":        {p, signInCookie, "ticket", value, true},
		"another process": {page("the secret"), signInCookie, "ticket", value, true},
		"another secret":  {page("another"), signInCookie, "ticket", value, false},
		"another visit":   {p, signInCookie, "another", value, false},
		"another matter":  {p, keyCookie, "ticket", value, false},
		"changed":         {p, signInCookie, "ticket", "A" + value[1:], value[0] == 'A'},
		"cut":             {p, signInCookie, "ticket", value[:len(value)-4], false},
		"empty":           {p, signInCookie, "ticket", "", false},
		"short":           {p, signInCookie, "ticket", "AAAA", false},
	} {
		if got := opens(tt.page, tt.name, tt.ticket, tt.value); got != tt.want {
			t.Errorf("%s: opens %t, want %t", name, got, tt.want)
		}
	}
	now = now.Add(visit.Life)
	if opens(p, signInCookie, "ticket", value) {
		t.Error("it opens for ever")
	}
}

// TestLinkLimitsForget holds that no crowd of addresses fills the memory.
func TestLinkLimitsForget(t *testing.T) {
	t.Parallel()
	l := newLimits(time.Now, true)
	for i := range 5 * maxAddresses {
		l.allow("10." + strconv.Itoa(i>>16) + "." + strconv.Itoa(i>>8&255) + "." + strconv.Itoa(i&255) + ":1")
	}
	if n := len(l.young) + len(l.grown); n > 2*maxAddresses {
		t.Errorf("%d addresses are remembered", n)
	}
	for _, remote := range []string{"", "x", "localhost:1", "[fe80::1%eth0]:1", "[::ffff:192.0.2.1]:1", "@"} {
		l.allow(remote)
	}
}
