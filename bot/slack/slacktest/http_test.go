package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// endpoint is a bot that is reached by HTTP. It checks signatures by itself.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string // path, retry number and reason, and body
	answer func(w http.ResponseWriter, r *http.Request, body string)
}

func listen(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string)) *endpoint {
	e := &endpoint{answer: answer}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if want := Sign("s3cret", r.Header.Get("X-Slack-Request-Timestamp"), body); r.Header.Get("X-Slack-Signature") != want {
			t.Errorf("%s: wrong signature", r.URL.Path)
		}
		e.mu.Lock()
		e.got = append(e.got, strings.TrimSpace(fmt.Sprint(r.URL.Path, " ", r.Header.Get("X-Slack-Retry-Num"), " ", r.Header.Get("X-Slack-Retry-Reason"))))
		e.mu.Unlock()
		e.answer(w, r, string(body))
	}))
	t.Cleanup(e.Close)
	return e
}

func TestHTTPMode(t *testing.T) {
	t.Parallel()
	e := listen(t, func(rw http.ResponseWriter, r *http.Request, body string) {
		form, _ := url.ParseQuery(body)
		switch {
		case strings.Contains(body, "url_verification"):
			var v struct{ Challenge string }
			json.Unmarshal([]byte(body), &v)
			io.WriteString(rw, v.Challenge)
		case form.Get("command") != "":
			io.WriteString(rw, "you typed "+form.Get("text"))
		case strings.Contains(form.Get("payload"), "view_submission"):
			rw.Header().Set("Content-Type", "application/json")
			io.WriteString(rw, `{"response_action":"errors","errors":{"reason":"no"}}`)
		}
	})
	w, b := setup(t, Options{HTTP: &Endpoint{URL: e.URL, SigningSecret: "s3cret"}, Allow: []string{"forbidden_team"}})
	b.refused("forbidden_team", "apps.connections.open")
	if !w.VerifyURL() || w.CheckSSL() != http.StatusOK {
		t.Error("the address was not verified")
	}
	for name, d := range map[string]*Delivery{
		"command": w.Command("U0ADA00001", "", "status"), "event": w.Say("U0ADA00001", "", "help"),
	} {
		if !d.Wait(soon(t)) {
			t.Errorf("%s: %s", name, d.Failed())
		}
	}
	if seen := w.Seen("U0ADA00001"); len(seen) != 2 || !slices.ContainsFunc(seen, func(m Message) bool { return m.Private && m.Text == "you typed status" }) {
		t.Errorf("seen = %+v", seen)
	}
	b.ok("views.open", "trigger_id", b.trigger(), "view", modalOf(reason, ""))
	if d := w.Submit("U0ADA00001", map[string]string{"reason": "x"}); !d.Wait(soon(t)) || w.Modal("U0ADA00001").Errors["reason"] != "no" {
		t.Errorf("submission: %s", d.Failed())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.got, "/actions") || !slices.Contains(e.got, "/events") || !slices.Contains(e.got, "/commands") {
		t.Errorf("reached %q", e.got)
	}
}

// TestHTTPRetries: each way to miss an event has its reason, and the bot may say
// that it wants no more.
func TestHTTPRetries(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	e := listen(t, func(rw http.ResponseWriter, r *http.Request, _ string) {
		switch calls.Add(1) {
		case 1:
			rw.WriteHeader(http.StatusInternalServerError)
		case 2:
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		case 3:
			cutHTTP(rw)
		case 4:
			rw.WriteHeader(http.StatusNotFound)
		default:
			rw.Header().Set("X-Slack-No-Retry", "1")
			rw.WriteHeader(http.StatusNotFound)
		}
	})
	w, _ := setup(t, Options{HTTP: &Endpoint{URL: e.URL, SigningSecret: "s3cret"}, AllowViolations: true})
	d := w.Say("U0ADA00001", "", "help")
	reached := func(n int) func() bool {
		return func() bool { e.mu.Lock(); defer e.mu.Unlock(); return len(e.got) == n }
	}
	complaints := func(n int) func() bool { return func() bool { return len(w.Violations()) == n } }
	w.Wait(soon(t), complaints(1))
	w.Advance(0) // the first retry comes at once
	w.Wait(soon(t), reached(2))
	w.Advance(deadline)
	w.Advance(time.Minute)
	w.Wait(soon(t), complaints(3))
	w.Advance(5 * time.Minute)
	if d.Wait(soon(t)) || d.Times() != 4 {
		t.Errorf("acknowledged %v after %d deliveries", d.Acked(), d.Times())
	}
	e.mu.Lock()
	got := slices.Clone(e.got)
	e.mu.Unlock()
	want := []string{"/events", "/events 1 http_error", "/events 2 http_timeout", "/events 3 connection_failed"}
	if !slices.Equal(got, want) {
		t.Errorf("deliveries %q, want %q", got, want)
	}
	if d := w.Say("U0ADA00001", "", "help"); d.Wait(soon(t)) || d.Times() != 1 {
		t.Errorf("with X-Slack-No-Retry: %d deliveries", d.Times())
	}
}
