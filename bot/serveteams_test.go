package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"
)

// TestServeDigestOnTeams posts the week's digest to Slack and, though the webhook
// is busy at first, once to Teams. The leaders get theirs in the first week of a
// month.
func TestServeDigestOnTeams(t *testing.T) {
	t.Parallel()
	posts, refused := make(chan string, 10), make(chan struct{}, 10)
	busy := true
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if busy { // one request at a time: the outbox sends to one address in turn
			busy = false
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			refused <- struct{}{}
			return
		}
		w.WriteHeader(http.StatusAccepted)
		posts <- string(body)
	}))
	t.Cleanup(hook.Close)
	of := openOffice(t, officeOptions{closed: true, edit: func(yaml string) string {
		return strings.Replace(yaml, "zone: Europe/Madrid}", "zone: Europe/Madrid, leaders: slack/"+adminsRoom+"}", 1) + "teams: {webhook_url_file: teams}\n"
	}})
	of.write("teams", hook.URL+"/workflows/1?sig=canary\n")
	of.start(0)
	of.advance(5 * 24 * time.Hour)
	of.await("sue", "Monday's digest", func(m slacktest.Message) bool {
		return m.Channel == teamRoom && len(m.Files) == 1 && of.says("MFA week 49")(m)
	})
	<-refused
	of.advance(2 * time.Second)
	select {
	case post := <-posts:
		if !strings.Contains(post, "MFA week 49") || !strings.Contains(post, `"version":"1.5"`) {
			t.Errorf("posted to Teams: %s", post)
		}
	case <-time.After(longEnough):
		t.Fatal("nothing came to Teams")
	}
	of.advance(9 * 24 * time.Hour)
	of.await("olga", "the leaders' version", func(m slacktest.Message) bool { return m.Channel == adminsRoom && of.says("MFA in December 2026")(m) })
	post := <-posts
	if !strings.Contains(post, "MFA week 50") || len(posts) != 0 {
		t.Errorf("%d more posts; the second is %s", len(posts), post)
	}
}
