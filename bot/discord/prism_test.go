//go:build outside

package discord_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"twokey/bot/discord/discordtest"
	"twokey/chat"
	"twokey/chat/chattest"
)

// prismVersion is of Stoplight's Prism, which judges calls by an OpenAPI
// description. https://github.com/stoplightio/prism
const prismVersion = "@stoplight/prism-cli@5.16.0"

// TestPrism has a program that somebody else wrote judge every call that the bot
// makes, by Discord's own description. It needs npm, and is run by hand: “make
// prism”.
func TestPrism(t *testing.T) {
	s := play(t, discordtest.Options{Burst: 1000, Allow: []string{"global"}})
	s.heard.answers(func(ctx context.Context, r chat.Responder, e chat.Event) error {
		if e.Kind == chat.Command {
			return r.Say(ctx, chat.Message{Headline: "For all"})
		}
		return r.Reply(ctx, secret)
	})
	for i, f := range chattest.Fixtures() {
		if f.Message.Secret {
			continue // it is no post
		}
		id, err := s.bots[0].Post(t.Context(), s.inChannel(), fmt.Sprint("fixture ", i), f.Message)
		if err == nil {
			err = s.bots[0].Edit(t.Context(), s.inChannel(), id, f.Message)
		}
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		s.bots[0].Rush()
	}
	s.answered(s.Command(ada, channel, "mfa me", nil))
	s.answered(s.Typing(ada, channel, "mfa-change reset", "user", "sam"))
	form := s.prompt(s.inChannel(), chat.Button{ID: "deny", Label: "Deny", Form: []chat.FormField{{ID: "reason", Label: "Why", Required: true}}})
	s.answered(s.Press(ada, form, "Deny"))
	s.answered(s.Submit(ada, map[string]string{"reason": "no"}))
	s.events(2)
	address := prism(t)
	if len(complaints(t, address, s.Token(), discordtest.Call{Route: "POST x", Path: "/channels/" + channel + "/messages", Body: []byte(`{"embeds":7}`)})) == 0 {
		t.Fatal("Prism finds nothing wrong with what is")
	}
	judged := map[string]int{}
	for _, c := range s.Calls("") {
		for _, why := range complaints(t, address, s.Token(), c) {
			t.Errorf("%s: %s\n%s", c.Route, why, c.Body)
		}
		judged[c.Route]++
	}
	for route, n := range judged {
		t.Logf("%4d %s", n, route)
	}
	if len(judged) < 8 {
		t.Errorf("only %d routes were tried", len(judged))
	}
}

// complaints are what Prism finds wrong with a call.
func complaints(t *testing.T, address, token string, c discordtest.Call) (all []string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), strings.Fields(c.Route)[0], address+c.Path, bytes.NewReader(c.Body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bot "+token)
	if len(c.Body) > 0 {
		q.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return []string{fmt.Sprintf("status %d: %s", resp.StatusCode, said)}
	}
	var found []struct {
		Location []string
		Message  string
	}
	if v := resp.Header.Get("Sl-Violations"); v != "" {
		if err := json.Unmarshal([]byte(v), &found); err != nil {
			t.Fatalf("%v: %s", err, v)
		}
	}
	for _, v := range found {
		if v.Location[0] == "request" { // the answer is only something to say
			all = append(all, strings.Join(v.Location, ".")+": "+v.Message)
		}
	}
	return all
}

// prism starts Prism and returns where it is.
func prism(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir, prismVersion).CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(behind.Close)
	node := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", ".bin", "prism"), "proxy", "-h", "127.0.0.1", "-p", port,
		"discordtest/testdata/discord.openapi.json", behind.URL)
	node.Stderr = os.Stderr
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Kill()
		_ = node.Wait() // killed
	})
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return "http://" + addr
		}
	}
	t.Fatal("Prism does not listen")
	return ""
}
