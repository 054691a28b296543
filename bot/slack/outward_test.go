package slack_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// recorder notes where requests go, and lets one of them be redirected.
type recorder struct {
	next http.RoundTripper

	mu       sync.Mutex
	hosts    map[string]bool
	redirect string // answers under /respond/ are sent there
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	if r.hosts == nil {
		r.hosts = map[string]bool{}
	}
	r.hosts[q.URL.Host] = true
	to := r.redirect
	r.mu.Unlock()
	if to != "" && strings.Contains(q.URL.Path, "/respond/") {
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: q}, nil
	}
	return r.next.RoundTrip(q)
}

func TestO56AddressesThatAreNotSlacks(t *testing.T) {
	t.Parallel()
	dialled := &recorder{next: http.DefaultTransport}
	s := overHTTP(t, 1, slacktest.Options{}, func(c *slack.Config) { c.Transport = dialled })
	s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Reply(ctx, chat.Message{Text: "an answer"})
	}
	hostile := []string{
		"http://169.254.169.254/latest/meta-data/", "https://hooks.slack.com.evil.example/x", "https://hooks.slack.com@evil.example/x",
		"https://evil.example\\@hooks.slack.com/x", "//evil.example/x", "file:///etc/passwd", "javascript:alert(1)", "\x00", "https://evil.example#@hooks.slack.com/",
	}
	for i, to := range hostile {
		body := s.click(func(p map[string]any) {
			p["response_url"], p["trigger_id"] = to, to
			p["message"] = map[string]any{"ts": strings.Repeat("1", i+1)}
		})
		if w := s.send(0, s.request("actions", form, body)); w.Code != http.StatusOK {
			t.Errorf("%q: status %d", to, w.Code)
		}
		s.until("it is answered another way", func() bool { return len(s.Seen(ada)) == i+1 })
	}
	dialled.mu.Lock()
	dialled.redirect = "http://169.254.169.254/latest/meta-data/"
	dialled.mu.Unlock()
	s.acked(s.Command(ada, channel, "me"))
	s.until("what is redirected is answered another way", func() bool { return len(s.Seen(ada)) == len(hostile)+1 })

	dialled.mu.Lock()
	defer dialled.mu.Unlock()
	api := strings.TrimSuffix(strings.TrimPrefix(s.APIURL(), "http://"), "/api/")
	for host := range dialled.hosts {
		if host != api {
			t.Errorf("a request went to %s", host)
		}
	}
	if n := strings.Count(s.log.String(), "none of Slack's"); n != len(hostile) {
		t.Errorf("it was noted %d times, want once for each of %d", n, len(hostile))
	}
}

// Whatever goes wrong, no token and no address that lets somebody act for us
// is told.
func TestO44NothingIsTold(t *testing.T) {
	t.Parallel()
	s := set(t, slacktest.Options{AllowViolations: true})
	s.hurry = 200e6
	b := s.bot()
	var said []string
	note := func(err error) {
		if err != nil {
			said = append(said, err.Error())
		}
	}
	for _, f := range []slacktest.Fault{
		{Method: "response_url", Cut: "before"},
		{Method: "response_url", Status: 500},
		{Method: "response_url", Status: 404},
		{Method: "chat.postEphemeral", Cut: "after"},
		{Method: "chat.postEphemeral", Error: "fatal_error"},
		{Method: "apps.connections.open", Cut: "after"},
		{Method: "apps.connections.open", Status: 500},
		{Method: "upload", Cut: "before"},
		{Method: "chat.postMessage", Cut: "before"},
		{Method: "views.open", Cut: "before"},
	} {
		s.Fault(f)
	}
	secret := chat.Message{Headline: "x", Secret: true}
	for range 5 {
		note(s.answers(ada, channel, func(ctx context.Context, r chat.Responder) error { return r.Reply(ctx, secret) }))
	}
	_, err := b.Post(t.Context(), inChannel(), "k", chat.Message{Headline: "x", Image: picture(t)})
	note(err)
	id, err := b.Post(t.Context(), inChannel(), "k2", chat.Message{Headline: "x", Image: picture(t), Buttons: []chat.Button{{ID: "deny", Label: "Deny", Form: []chat.FormField{{ID: "reason", Label: "Why"}}}}})
	note(err)
	s.acked(s.Press(ada, id, "Deny"))
	s.CutSockets()
	s.until("sockets are back", func() bool { return s.Connected() >= 2 && b.Ready() == nil })
	s.Revoke()
	_, err = b.Post(t.Context(), toAda(), "k3", chat.Message{Headline: "x"})
	note(err)
	note(b.Ready())
	b.Check(t.Context(), func(_ string, err error) { note(err) })
	if len(said) < 6 {
		t.Errorf("%d errors, want more: %q", len(said), said)
	}
	all := strings.Join(append(said, s.log.String()), "\n")
	for _, canary := range []string{s.BotToken(), s.AppToken(), "0123456789abcdef", "/respond/", "/upload/", "ticket="} {
		if strings.Contains(all, canary) {
			t.Errorf("%q is told:\n%s", canary, all)
		}
	}
	if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "install the app again") }) {
		t.Errorf("nobody says what to do: %q", said)
	}
}

// What people type reaches the bot as they wrote it, and leaves it again
// without pinging or linking anybody.
func TestO37WhatWasTypedComesBackAsText(t *testing.T) {
	t.Parallel()
	const reason = `<!channel> <@U123> <https://evil.example|Approve> &amp; *bold*`
	s := play(t, slacktest.Options{})
	s.heard.answer = func(ctx context.Context, r chat.Responder, e chat.Event) error {
		text := e.Text + e.Fields["reason"]
		return r.Say(ctx, chat.Message{Notice: text, Headline: text, Fields: []chat.Field{{Label: "Reason", Value: text, Quoted: true}}})
	}
	s.acked(s.Command(ada, channel, reason))
	s.acked(s.Say(ada, "", reason))
	id := s.prompt(inChannel(), chat.Button{ID: "deny", Label: "Deny", Form: []chat.FormField{{ID: "reason", Label: "Why?"}}})
	s.acked(s.Press(bea, id, "Deny"))
	s.until("the form is open", func() bool { return s.Modal(bea) != nil })
	s.acked(s.Submit(bea, map[string]string{"reason": reason}))
	for _, e := range s.events(3) {
		if got := e.Text + e.Fields["reason"]; got != reason {
			t.Errorf("heard %q, want %q", got, reason)
		}
	}
	s.until("all is said", func() bool { return len(s.Channel(channel)) == 3 && len(s.Channel(s.Direct(ada))) == 2 })
	for _, m := range append(s.Channel(channel), s.Channel(s.Direct(ada))...) {
		if m.From == s.BotUser() && (len(m.Pings) > 0 || len(m.Links) > 0) {
			t.Errorf("it pings %q and links %q: %s", m.Pings, m.Links, m.Plain)
		}
	}
}
