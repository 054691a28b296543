package slack_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// request is a request as Slack would send it now.
func (s *stage) request(path, media string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://bot.example/slack/"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", media)
	s.sign(r, strconv.FormatInt(s.Now().Unix(), 10), body)
	return r
}

func (s *stage) sign(r *http.Request, stamp string, body []byte) {
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", slacktest.Sign(signingSecret, stamp, body))
}

const form = "application/x-www-form-urlencoded"

// click is a press of approve as a form.
func (s *stage) click(change func(payload map[string]any)) []byte {
	payload := map[string]any{
		"type": "block_actions", "api_app_id": "A0TWOKEY01", "trigger_id": "1.2.3", "response_url": s.APIURL() + "nowhere",
		"team": map[string]any{"id": s.Team()}, "user": map[string]any{"id": ada, "team_id": s.Team()},
		"channel": map[string]any{"id": channel}, "message": map[string]any{"ts": "1700000000.000100"},
		"container": map[string]any{"type": "message", "channel_id": channel, "message_ts": "1700000000.000100"},
		"actions": []any{map[string]any{
			"type": "button", "action_id": "twokey:approve:0", "block_id": "b", "value": "R-ABC234.seal", "action_ts": "1700000001.000100",
		}},
	}
	if change != nil {
		change(payload)
	}
	text, err := json.Marshal(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return []byte(url.Values{"payload": {string(text)}}.Encode())
}

// send has the n-th bot serve a request.
func (s *stage) send(n int, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.bots[n].ServeHTTP(w, r)
	return w
}

func (s *stage) taken() int {
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	return len(s.inbox.seen)
}

func TestO31BadSignatures(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	body := s.click(nil)
	at := func(d time.Duration) string { return strconv.FormatInt(s.Now().Add(d).Unix(), 10) }
	for _, tt := range []struct {
		name   string
		change func(r *http.Request)
	}{
		{"no signature", func(r *http.Request) { r.Header.Del("X-Slack-Signature") }},
		{"no time", func(r *http.Request) { r.Header.Del("X-Slack-Request-Timestamp") }},
		{"a wrong one", func(r *http.Request) { r.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("ab", 32)) }},
		{"of another secret", func(r *http.Request) { r.Header.Set("X-Slack-Signature", slacktest.Sign("other", at(0), body)) }},
		{"cut short", func(r *http.Request) { h := r.Header; h.Set("X-Slack-Signature", h.Get("X-Slack-Signature")[:60]) }},
		{"longer", func(r *http.Request) { h := r.Header; h.Set("X-Slack-Signature", h.Get("X-Slack-Signature")+"00") }},
		{"in capitals", func(r *http.Request) {
			h := r.Header
			h.Set("X-Slack-Signature", strings.ToUpper(h.Get("X-Slack-Signature")))
		}},
		{"another version", func(r *http.Request) {
			h := r.Header
			h.Set("X-Slack-Signature", strings.Replace(h.Get("X-Slack-Signature"), "v0", "v1", 1))
		}},
		{"one byte of the body changed", func(r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte("approve"), []byte("approvf"), 1)))
		}},
		{"the body in other words", func(r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte("payload"), []byte("%70ayload"), 1)))
		}},
		{"too old", func(r *http.Request) { s.sign(r, at(-301*time.Second), body) }},
		{"from the future", func(r *http.Request) { s.sign(r, at(301*time.Second), body) }},
		{"a time that is none", func(r *http.Request) { s.sign(r, "yesterday", body) }},
		{"a time before all times", func(r *http.Request) { s.sign(r, "-1", body) }},
		{"a time beyond all times", func(r *http.Request) { s.sign(r, "9223372036854775807", body) }},
		{"one beyond all numbers", func(r *http.Request) { s.sign(r, "92233720368547758070", body) }},
		{"the time of another request", func(r *http.Request) { r.Header.Set("X-Slack-Request-Timestamp", at(1*time.Second)) }},
		// What would be refused for what it is, is not looked at.
		{"unsigned nonsense", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("payload={{{")) }},
		{"unsigned and packed", func(r *http.Request) {
			r.Header.Set("Content-Encoding", "gzip")
			r.Body = io.NopCloser(strings.NewReader("x"))
		}},
	} {
		r := s.request("actions", form, body)
		tt.change(r)
		w := s.send(0, r)
		if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "v0=") {
			t.Errorf("%s: status %d, %q; want 401", tt.name, w.Code, w.Body)
		}
	}
	if s.taken() != 0 || len(s.heard.all()) != 0 {
		t.Errorf("%d deliveries were noted and %d handled, want none", s.taken(), len(s.heard.all()))
	}
	if strings.Contains(s.log.String(), "v0=") || strings.Contains(s.log.String(), signingSecret) {
		t.Errorf("a signature stands in the log: %s", s.log)
	}
	if w := s.send(0, s.request("actions", form, body)); w.Code != http.StatusOK {
		t.Errorf("the right signature: status %d", w.Code)
	}
	s.events(1)
}

func TestO33AClickSentAThousandTimes(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 3, slacktest.Options{})
	s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Reply(ctx, chat.Message{Text: "Noted."})
	}
	body := s.click(func(p map[string]any) { p["response_url"] = "" })
	var sending sync.WaitGroup
	for i := range 1000 {
		r := s.request("actions", form, body)
		sending.Go(func() {
			if w := s.send(i%3, r); w.Code != http.StatusOK || w.Body.Len() != 0 {
				t.Errorf("answer %d: %d %q", i, w.Code, w.Body)
			}
		})
	}
	sending.Wait()
	s.until("it was answered", func() bool { return len(s.Seen(ada)) > 0 })
	s.until("nothing waits", func() bool { return s.taken() == 1 && !strings.Contains(last(s.Seen(ada)).Plain, "waiting") })
	if n := len(s.heard.all()); n != 1 {
		t.Errorf("the click was handled %d times, want once", n)
	}
}

func TestG18EveryDeliveryCountsOnce(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 2, slacktest.Options{})
	event := fmt.Appendf(nil, `{"type":"event_callback","api_app_id":"A0TWOKEY01","team_id":%q,"event_id":"Ev1",
		"event":{"type":"message","channel_type":"im","channel":%q,"user":%q,"text":"hello","ts":"1.1"}}`, s.Team(), s.Direct(ada), ada)
	command := []byte(url.Values{
		"api_app_id": {"A0TWOKEY01"}, "team_id": {s.Team()}, "channel_id": {channel}, "user_id": {ada}, "command": {"/mfa"}, "text": {"me"}, "trigger_id": {"9.9.9"},
	}.Encode())
	for range 5 {
		for n := range 2 {
			s.send(n, s.request("events", "application/json", event))
			s.send(n, s.request("commands", form, command))
			s.send(n, s.request("actions", form, s.click(nil)))
		}
	}
	s.events(3)
	s.acked(s.Say(bea, "", "the last"))
	s.until("the last was handled", func() bool {
		all := s.heard.all()
		return all[len(all)-1].Text == "the last" || len(all) > 4
	})
	if n := len(s.heard.all()); n != 4 {
		t.Errorf("%d events, want 4: %+v", n, s.heard.all())
	}
}

func TestO35ASlowAnswer(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	release := make(chan struct{})
	s.heard.answer = func(context.Context, chat.Responder, chat.Event) error {
		<-release // longer than anybody waits
		return nil
	}
	t.Cleanup(func() { close(release) })
	event := fmt.Appendf(nil, `{"type":"event_callback","api_app_id":"A0TWOKEY01","team_id":%q,"event_id":"Ev1",
		"event":{"type":"message","channel_type":"im","channel":%q,"user":%q,"text":"mfa tap sam","ts":"1.1"}}`, s.Team(), s.Direct(ada), ada)
	for retry := 1; retry <= 3; retry++ { // the first copy that arrives may be a repeated one
		r := s.request("events", "application/json", event)
		r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(retry))
		r.Header.Set("X-Slack-Retry-Reason", "http_timeout")
		if w := s.send(0, r); w.Code != http.StatusOK {
			t.Errorf("copy %d: status %d", retry, w.Code)
		}
	}
	if e := s.events(1); len(e) != 1 || e[0].Text != "tap sam" {
		t.Errorf("heard %+v, want it once", e)
	}
	s.acked(s.Command(bea, channel, "tap sam"))
	s.acked(s.Command(bea, channel, "tap sam"))
	if e := s.events(2); e[1].From.User != bea {
		t.Errorf("heard %+v", e)
	}
}

// The person's own repeat is another event: who handles it says that there is
// an open one.
func TestO35APersonsOwnRepeat(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	s.acked(s.Command(bea, channel, "tap sam"))
	s.acked(s.Command(bea, channel, "tap sam"))
	e := s.events(2)
	if e[0].Key == e[1].Key {
		t.Errorf("both have the key %q", e[0].Key)
	}
}

func TestO36AClickBeforeThePostReturned(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	s.Fault(slacktest.Fault{Method: "chat.postMessage", Delay: time.Second})
	type result struct {
		id  string
		err error
	}
	posted := make(chan result, 1)
	button := chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.seal"}
	go func() {
		id, err := s.bots[0].Post(context.Background(), inChannel(), "prompt", chat.Message{Headline: "asked", Buttons: []chat.Button{button}})
		posted <- result{id, err}
	}()
	s.until("the prompt is seen", func() bool { return len(s.Seen(ada)) == 1 })
	id := last(s.Seen(ada)).ID
	s.acked(s.Press(ada, id, "Approve"))
	if e := s.events(1)[0]; e.Value != "R-ABC234.seal" {
		t.Errorf("heard %+v", e)
	}
	s.Advance(2 * time.Second)
	got := <-posted
	if got.err != nil || got.id != id {
		t.Fatalf("Post = %q, %v; want %q", got.id, got.err, id)
	}
	if err := s.bots[0].Edit(t.Context(), inChannel(), id, chat.Message{Headline: "approved"}); err != nil {
		t.Fatal(err)
	}
	if m := last(s.Seen(ada)); !m.Edited || !strings.Contains(m.Plain, "approved") || len(m.Buttons) != 0 {
		t.Errorf("Ada sees %+v", m)
	}
}

func TestO57HugeAndHostileBodies(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := io.CopyN(zip, zero{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	deep := []byte(strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000))
	shallow := []byte(`{"type":"event_callback","event":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}`)
	for _, tt := range []struct {
		name, path, media string
		body              []byte
		zip               bool
		want              int
	}{
		{"10 MB", "events", "application/json", bytes.Repeat([]byte("x"), 10<<20), false, 413},
		{"a million form fields", "commands", form, bytes.Repeat([]byte("a&"), 1_000_000), false, 413},
		{"as many as fit", "commands", form, bytes.Repeat([]byte("a&"), 500_000), false, 400},
		{"nested 100,000 deep", "events", "application/json", deep, false, 400},
		{"the same in a form", "actions", form, append([]byte("payload="), deep...), false, 400},
		{"of the wrong shape", "events", "application/json", shallow, false, 400},
		{"a bomb", "events", "application/json", packed.Bytes(), true, 415},
		{"not a form", "actions", "text/plain", s.click(nil), false, 400},
		{"no payload", "actions", form, []byte("payload="), false, 400},
		{"half a payload", "actions", form, []byte("payload=%7B%22type"), false, 400},
		{"a broken escape", "actions", form, []byte("payload=%zz"), false, 400},
	} {
		r := s.request(tt.path, tt.media, tt.body)
		if tt.zip {
			r.Header.Set("Content-Encoding", "gzip")
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := s.send(0, r)
		runtime.ReadMemStats(&after)
		if w.Code != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, w.Code, tt.want)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 32<<20 {
			t.Errorf("%s took %d MiB", tt.name, spent>>20)
		}
		s.acked(s.Command(ada, channel, tt.name)) // others are answered
	}
	s.events(11)
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// What is authentic may still be for somebody else.
func TestG17AnotherAppOrWorkspace(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	payload := func(change func(map[string]any)) map[string]any {
		p := map[string]any{
			"api_app_id": "A0TWOKEY01", "team_id": s.Team(), "channel_id": channel, "user_id": ada, "command": "/mfa", "text": "me", "trigger_id": "1.1.1",
		}
		change(p)
		return p
	}
	for _, change := range []func(map[string]any){
		func(p map[string]any) { p["api_app_id"] = "A0OTHER" },
		func(p map[string]any) { delete(p, "api_app_id") },
		func(p map[string]any) { p["team_id"] = "T0OTHER" },
		func(p map[string]any) { delete(p, "team_id") },
		func(p map[string]any) { p["team_id"], p["enterprise_id"] = "T0OTHER", "E0OTHER" },
	} {
		s.acked(s.Envelope("slash_commands", payload(change)))
	}
	s.acked(s.Envelope("slash_commands", payload(func(p map[string]any) { p["text"] = "ours" })))
	if e := s.events(1); len(e) != 1 || e[0].Text != "ours" || s.taken() != 1 {
		t.Errorf("heard %+v", e)
	}

	h := overHTTP(t, 1, slacktest.Options{})
	other := h.click(func(p map[string]any) { p["team"] = map[string]any{"id": "T0OTHER"} })
	if w := h.send(0, h.request("actions", form, other)); w.Code != http.StatusForbidden {
		t.Errorf("another workspace: status %d, want 403", w.Code)
	}
	app := h.click(func(p map[string]any) { p["api_app_id"] = "A0OTHER" })
	if w := h.send(0, h.request("actions", form, app)); w.Code != http.StatusForbidden {
		t.Errorf("another app: status %d, want 403", w.Code)
	}
	if w := h.send(0, h.request("elsewhere", form, h.click(nil))); w.Code != http.StatusNotFound {
		t.Errorf("another address: status %d, want 404", w.Code)
	}
	get := h.request("actions", form, nil)
	get.Method = http.MethodGet
	if w := h.send(0, get); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d, want 405", w.Code)
	}
	forged := h.request("actions", form, []byte("payload="))
	forged.URL.RawQuery = string(h.click(nil)) // signed is the body alone
	if w := h.send(0, forged); w.Code != http.StatusBadRequest {
		t.Errorf("a payload in the address: status %d, want 400", w.Code)
	}
	if h.taken() != 0 || len(h.heard.all()) != 0 {
		t.Errorf("heard %+v", h.heard.all())
	}
}

// Before it knows who it is, and once it stops, a bot takes nothing on: Slack
// delivers events again, and commands fail at once and are not lost silently.
func TestTakesNothingOnWhileAway(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	cfg := slack.Config{Mode: "http", BotToken: s.BotToken(), SigningSecret: signingSecret, APIURL: s.APIURL(), Inbox: s.inbox, Now: s.Now}
	b, err := slack.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	away := func(when string) {
		w := httptest.NewRecorder()
		b.ServeHTTP(w, s.request("actions", form, s.click(nil)))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("X-Slack-No-Retry") != "" {
			t.Errorf("%s: status %d, %v; want 503 and to be asked again", when, w.Code, w.Header())
		}
	}
	away("before it runs")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	s.until("it is ready", func() bool { return b.Ready() == nil })
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	away("after it ran")
	if s.taken() != 0 {
		t.Errorf("%d deliveries were noted", s.taken())
	}
}

func TestSlackChecksTheAddress(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	if !s.VerifyURL() {
		t.Error("the address of events is not verified")
	}
	if got := s.CheckSSL(); got != http.StatusOK {
		t.Errorf("ssl_check: status %d", got)
	}
	if s.taken() != 0 {
		t.Error("a check was noted as a delivery")
	}
}

// An answer stands where the button was seen: inside a thread, but not inside
// the one that its message began.
func TestAnswersStandWhereTheButtonIs(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Reply(ctx, chat.Message{Text: "Noted."})
	}
	for i, thread := range []string{"1700000000.000100", "1600000000.000100"} {
		body := s.click(func(p map[string]any) {
			p["message"], p["response_url"] = map[string]any{"ts": "1700000000.000100", "thread_ts": thread}, ""
			p["actions"].([]any)[0].(map[string]any)["action_ts"] = fmt.Sprint(i + 1)
		})
		s.send(0, s.request("actions", form, body))
		s.until("it is answered", func() bool { return len(s.Calls("chat.postEphemeral")) == i+1 })
	}
	calls := s.Calls("chat.postEphemeral")
	if calls[0].Args["thread_ts"] != "" || calls[1].Args["thread_ts"] != "1600000000.000100" {
		t.Errorf("answered in the threads %q and %q", calls[0].Args["thread_ts"], calls[1].Args["thread_ts"])
	}
}
