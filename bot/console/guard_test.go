package console_test

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// from sends a request as a browser or program would with the given host and
// headers, to a console that listens at local, and returns the answer.
func (d *desk) from(method, path, host, local string, headers map[string]string) *http.Response {
	req := httptest.NewRequest(method, path, strings.NewReader(`{"text":"hello"}`))
	req.Host = host
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	ctx := context.WithValue(req.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.ParseIP(local), Port: 8420}))
	w := httptest.NewRecorder()
	d.console.ServeHTTP(w, req.WithContext(ctx))
	return w.Result()
}

func TestGuard(t *testing.T) {
	t.Parallel()
	const json = "application/json"
	for _, tc := range []struct {
		name, method, host, local string
		headers                   map[string]string
		want                      int
	}{
		{"a program", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json}, 202},
		{"a charset", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json + "; charset=utf-8"}, 202},
		{"localhost", "POST", "localhost:8420", "127.0.0.1", map[string]string{"Content-Type": json}, 202},
		{"IPv6 loopback", "POST", "[::1]:8420", "::1", map[string]string{"Content-Type": json}, 202},
		{"no port", "POST", "localhost", "127.0.0.1", map[string]string{"Content-Type": json}, 202},
		{"its own address", "POST", "10.0.0.5:8420", "10.0.0.5", map[string]string{"Content-Type": json}, 202},
		{"own page", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Origin": "http://127.0.0.1:8420", "Sec-Fetch-Site": "same-origin"}, 202},
		{"own page, old browser", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Origin": "http://127.0.0.1:8420"}, 202},
		{"foreign page", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Origin": "https://evil.example"}, 403},
		{"another port", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Origin": "http://127.0.0.1:9999"}, 403},
		{"opaque origin", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Origin": "null"}, 403},
		{"cross-site", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Sec-Fetch-Site": "cross-site"}, 403},
		{"same site, other origin", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Sec-Fetch-Site": "same-site"}, 403},
		{"rebound name", "POST", "evil.example:8420", "127.0.0.1", map[string]string{"Content-Type": json, "Origin": "http://evil.example:8420", "Sec-Fetch-Site": "same-origin"}, 403},
		{"rebound name reads", "GET", "evil.example:8420", "127.0.0.1", nil, 403},
		{"name that begins well", "GET", "127.0.0.1.evil.example", "127.0.0.1", nil, 403},
		{"no name", "GET", "", "127.0.0.1", nil, 403},
		{"another's address", "POST", "10.0.0.6:8420", "10.0.0.5", map[string]string{"Content-Type": json}, 403},
		{"a form", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{"plain text", "POST", "127.0.0.1:8420", "127.0.0.1", map[string]string{"Content-Type": "text/plain"}, 415},
		{"no type", "POST", "127.0.0.1:8420", "127.0.0.1", nil, 415},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			resp := d.from(tc.method, "/api/people/ada/messages", tc.host, tc.local, tc.headers)
			if resp.StatusCode != tc.want {
				t.Errorf("%s from %s: %d, want %d", tc.method, tc.host, resp.StatusCode, tc.want)
			}
			if got := len(d.list(t, "ada")); (got == 1) != (tc.want == http.StatusAccepted) {
				t.Errorf("ada sees %d messages after a %d", got, tc.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/page/console.js": "text/javascript; charset=utf-8", "/page/console.css": "text/css; charset=utf-8",
		"/page/icon.svg": "image/svg+xml", "/api/people": "application/json; charset=utf-8", "/nothing": "application/json; charset=utf-8",
	} {
		got := d.from("GET", path, "127.0.0.1", "127.0.0.1", nil).Header
		for name, want := range map[string]string{
			"Content-Type": kind, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got.Get(name), want)
			}
		}
		policy := got.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q allows something unsafe", path, policy)
		}
	}
}

// TestPageKeepsTheRules reads the page's files: nothing inline, nothing from
// elsewhere, and no way in which text could become markup.
func TestPageKeepsTheRules(t *testing.T) {
	t.Parallel()
	forbidden := map[string]*regexp.Regexp{
		"markup out of text":   regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc`),
		"code out of text":     regexp.MustCompile(`\beval\(|new Function|javascript:`),
		"inline style or code": regexp.MustCompile(`<style|<script>|\sstyle=|\son[a-z]+="`),
		"another site":         regexp.MustCompile(`(src|href|from|url)\s*[=(]?\s*["'(]?(https?:)?//[^/]`),
	}
	page := os.DirFS("page")
	names, err := fs.Glob(page, "*")
	if err != nil || len(names) < 5 {
		t.Fatalf("files of the page: %v, %v", names, err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(page, name)
		if err != nil {
			t.Fatal(err)
		}
		for what, pattern := range forbidden {
			if found := pattern.Find(content); found != nil {
				t.Errorf("%s has %s: %s", name, what, found)
			}
		}
	}
}
