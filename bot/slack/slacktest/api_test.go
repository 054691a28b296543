package slacktest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	for _, c := range []struct{ name, method, token, want string }{
		{"none", "auth.test", "", "not_authed"},
		{"wrong", "auth.test", "xoxb-2-2-f", "invalid_auth"},
		{"app's for a bot's", "auth.test", w.AppToken(), "not_allowed_token_type"},
		{"bot's for an app's", "apps.connections.open", w.BotToken(), "not_allowed_token_type"},
		{"unknown method", "auth.tset", w.BotToken(), "unknown_method"},
	} {
		body, resp, err := b.send(c.method, c.token)
		if err != nil || resp.StatusCode != http.StatusOK || body["error"] != c.want {
			t.Errorf("%s: %v %v", c.name, body, err)
		}
	}
	b.ok("auth.test")
	w.Revoke()
	b.refused("token_revoked", "auth.test")
	violated(t, w, "not_authed", "invalid_auth", "not_allowed", "not_allowed", "unknown_method", "token_revoked")
}

// TestACutBody holds that a call whose sender went away in the middle of it is no
// call without a token.
func TestACutBody(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/api/auth.test", io.MultiReader(strings.NewReader("channel=C1&tok"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, err := (&call{}).read(r); err == nil {
		t.Error("a body that was cut off was read")
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	_, b := setup(t, Options{Scopes: []string{"users:read", "channels:read"}, AllowViolations: true})
	for _, c := range []struct {
		needed string
		call   []string
	}{
		{"chat:write", []string{"chat.postMessage", "channel", "C0ADMINS01", "text", "x"}},
		{"im:write", []string{"conversations.open", "users", "U0ADA00001"}},
		{"users:read.email", []string{"users.lookupByEmail", "email", "ada@twokey.example"}},
		{"files:write", []string{"files.getUploadURLExternal", "filename", "a.png", "length", "1"}},
		{"channels:history", []string{"conversations.history", "channel", "C0ADMINS01"}},
	} {
		body := b.refused("missing_scope", c.call[0], c.call[1:]...)
		if body["needed"] != c.needed || body["provided"] != "users:read,channels:read" {
			t.Errorf("%s: needed %v, provided %v", c.call[0], body["needed"], body["provided"])
		}
	}
	b.ok("conversations.info", "channel", "C0ADMINS01")
	user := b.ok("users.info", "user", "U0ADA00001")["user"].(map[string]any)
	if email := user["profile"].(map[string]any)["email"]; email != nil {
		t.Errorf("an address without users:read.email: %v", email)
	}
}

// TestLimits: a message a second and channel, and each method by its tier.
func TestLimits(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{Burst: 2})
	w.AddChannel(Channel{ID: "C0TEAM0001", Members: []string{"U0ADA00001"}})
	post := func(channel string) (status int, wait string) {
		body, resp, err := b.send("chat.postMessage", w.BotToken(), "channel", channel, "text", "x")
		if err != nil || resp.StatusCode == 429 && body["error"] != "ratelimited" {
			t.Errorf("%v %v", body, err)
		}
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	for i, want := range []int{200, 200, 429} {
		if got, wait := post("C0ADMINS01"); got != want || want == 429 && wait != "1" {
			t.Errorf("post %d: status %d, Retry-After %q", i, got, wait)
		}
	}
	if got, _ := post("C0TEAM0001"); got != 200 {
		t.Errorf("another channel: status %d", got)
	}
	w.Advance(time.Second)
	if got, _ := post("C0ADMINS01"); got != 200 {
		t.Errorf("a second later: status %d", got)
	}
	for i := range 21 {
		_, resp, err := b.send("conversations.list", w.BotToken())
		if err != nil || (resp.StatusCode == 429) != (i == 20) {
			t.Errorf("list %d: status %d", i, resp.StatusCode)
		}
	}
	if n := len(w.Calls("conversations.list")); n != 21 {
		t.Errorf("%d calls", n)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	post := []string{"channel", "C0ADMINS01", "text", "x"}
	w.Fault(Fault{Method: "chat.postMessage", Status: 503, Times: 2})
	w.Fault(Fault{Method: "chat.postMessage", Status: 429, RetryAfter: 7 * time.Second})
	w.Fault(Fault{Method: "chat.postMessage", Error: "fatal_error"})
	for _, want := range []struct {
		status int
		wait   string
	}{{503, ""}, {503, ""}, {429, "7"}, {200, ""}} {
		body, resp, err := b.send("chat.postMessage", w.BotToken(), post...)
		if err != nil || resp.StatusCode != want.status || resp.Header.Get("Retry-After") != want.wait || body["ok"] == true {
			t.Errorf("%v %v, want %v", resp, err, want)
		}
	}
	if n := len(w.Channel("C0ADMINS01")); n != 0 {
		t.Errorf("%d messages came of faults", n)
	}
	for i, cut := range []string{"before", "after"} {
		w.Fault(Fault{Method: "chat.postMessage", Cut: cut})
		if _, _, err := b.send("chat.postMessage", w.BotToken(), post...); err == nil {
			t.Errorf("cut %s: answered", cut)
		}
		if n := len(w.Channel("C0ADMINS01")); n != i {
			t.Errorf("cut %s: %d messages", cut, n)
		}
	}
	w.Fault(Fault{Method: "chat.postMessage", Delay: time.Minute})
	answered := make(chan bool)
	go func() {
		body, _, err := b.send("chat.postMessage", w.BotToken(), post...)
		answered <- err == nil && body["ok"] == true
	}()
	w.Wait(soon(t), func() bool { return len(w.Channel("C0ADMINS01")) == 2 })
	select {
	case <-answered:
		t.Error("answered before its time")
	default:
	}
	w.Advance(time.Minute)
	if !<-answered {
		t.Error("a delayed answer was none")
	}
	b.ok("chat.postMessage", "channel", "U0ADA00001", "text", "x")
}

func TestArguments(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	b.refused("channel_not_found", "chat.postMessage", "text", "x")
	b.refused("invalid_arguments", "chat.update", "channel", "C0ADMINS01", "text", "x")
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "x", "tread_ts", "1")
	b.ok("chat.postEphemeral", "channel", "C0ADMINS01", "user", "U0ADA00001", "text", "x", "unfurl_links", "false")
	violated(t, w, "channel_not_found", "invalid_arguments", "argument tread_ts")
}

// TestJSONBody: methods that write take JSON; those that read do not.
func TestJSONBody(t *testing.T) {
	t.Parallel()
	w, _ := setup(t, Options{Allow: []string{"invalid_arguments"}})
	for method, want := range map[string]string{
		"chat.postMessage": `"ok":true`, "users.info": "invalid_arguments",
	} {
		body := `{"channel":"C0ADMINS01","user":"U0ADA00001","text":"x","blocks":[{"type":"divider"}]}`
		r, err := http.NewRequest(http.MethodPost, w.APIURL()+method, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("Authorization", "Bearer "+w.BotToken())
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		buf := make([]byte, 4096)
		n, _ := resp.Body.Read(buf)
		if !strings.Contains(string(buf[:n]), want) {
			t.Errorf("%s: %s", method, buf[:n])
		}
	}
}
