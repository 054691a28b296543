//go:build outside

package slacktest_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"

	"github.com/gorilla/websocket"
)

// patience is how long a program of Node may take for anything.
const patience = 60 * time.Second

// install puts the pinned programs into a folder of the test's.
func install(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("outside")); err != nil {
		t.Fatal(err)
	}
	ci := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	ci.Dir = dir
	out, err := ci.CombinedOutput()
	if err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	for _, name := range []string{"bolt", "socket-mode", "web-api"} {
		data, err := os.ReadFile(filepath.Join(dir, "node_modules", "@slack", name, "package.json"))
		if err != nil {
			t.Fatal(err)
		}
		var p struct{ Name, Version string }
		if err := json.Unmarshal(data, &p); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s", p.Name, p.Version)
	}
	return dir
}

// program is a running program of Node that speaks lines of JSON.
type program struct {
	t     *testing.T
	in    io.Writer
	lines chan line
}

// line is what a program says.
type line struct {
	Saw    string
	Result map[string]any
	Error  string

	Type         string
	Body         map[string]any
	RetryNum     int             `json:"retry_num"`
	RetryReason  string          `json:"retry_reason"`
	Port         int             // of Bolt
	Text         string          // of a mention
	Value        string          // of a submission
	User         string          // of a home
	ResponseData json.RawMessage `json:"data"`
	RetryAfter   float64
}

// run starts a program, which ends with the test.
func run(t *testing.T, dir, script string, w *slacktest.Workspace, more ...string) *program {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", script)
	node.Dir, node.Stderr = dir, os.Stderr
	node.Env = append(os.Environ(), "API_URL="+w.APIURL(), "APP_TOKEN="+w.AppToken(), "BOT_TOKEN="+w.BotToken())
	node.Env = append(node.Env, more...)
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{t, in, make(chan line, 1000)}
	go func() {
		defer close(p.lines)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				fmt.Fprintln(os.Stderr, s.Text())
				continue
			}
			p.lines <- l
		}
	}()
	t.Cleanup(func() {
		in.Close()
		node.Process.Kill()
		node.Wait()
	})
	return p
}

// saw reads on to a line of a kind.
func (p *program) saw(kind string) line {
	p.t.Helper()
	end := time.After(patience)
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the program ended before %q", kind)
			}
			if l.Saw == kind {
				return l
			}
		case <-end:
			p.t.Fatalf("no %q within %s", kind, patience)
		}
	}
}

// do has the program do something and returns its answer.
func (p *program) do(command map[string]any) line {
	p.t.Helper()
	p.tell(command)
	return p.saw("answer")
}

// tell has the program do something.
func (p *program) tell(command map[string]any) {
	p.t.Helper()
	data, err := json.Marshal(command)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(data, '\n')); err != nil {
		p.t.Fatal(err)
	}
}

// web calls a method through the official client.
func (p *program) web(method string, args map[string]any) line {
	p.t.Helper()
	return p.do(map[string]any{"do": "web", "method": method, "args": args})
}

func workspace(t *testing.T, o slacktest.Options) *slacktest.Workspace {
	w := slacktest.New(t, o)
	w.AddUser(slacktest.User{ID: "U0ADA00001", Name: "ada", Email: "ada@twokey.example"})
	w.AddChannel(slacktest.Channel{ID: "C0ADMINS01", Name: "admins", Members: []string{"U0ADA00001"}})
	return w
}

// TestOutside connects Slack's own clients to the workspace: they have to find
// in it what they find in Slack.
func TestOutside(t *testing.T) {
	dir := install(t)
	t.Run("SocketMode", func(t *testing.T) { socketMode(t, dir) })
	t.Run("Reconnects", func(t *testing.T) { reconnects(t, dir) })
	t.Run("TooMany", func(t *testing.T) { tooMany(t, dir) })
	t.Run("WebAPI", func(t *testing.T) { webAPI(t, dir) })
	t.Run("Bolt", func(t *testing.T) { boltHTTP(t, dir) })
}

func socketMode(t *testing.T, dir string) {
	w := workspace(t, slacktest.Options{Ping: time.Second, Allow: []string{"timeout"}})
	p := run(t, dir, "client.mjs", w)
	if a := p.do(map[string]any{"do": "start"}); a.Error != "" {
		t.Fatalf("start: %s", a.Error)
	}
	p.do(map[string]any{"do": "answer", "with": map[string]any{"text": "hello from outside"}})
	d := w.Command("U0ADA00001", "C0ADMINS01", "status")
	if e := p.saw("envelope"); e.Type != "slash_commands" || e.Body["text"] != "status" || e.Body["command"] != "/mfa" {
		t.Errorf("envelope = %+v", e)
	}
	if !d.Wait(t.Context()) {
		t.Fatalf("command: %s", d.Failed())
	}
	if seen := w.Seen("U0ADA00001"); len(seen) != 1 || seen[0].Text != "hello from outside" {
		t.Errorf("seen = %+v", seen)
	}
	button := []any{map[string]any{"type": "actions", "elements": []any{map[string]any{"type": "button", "action_id": "a", "value": "v", "text": map[string]any{"type": "plain_text", "text": "Go"}}}}}
	posted := p.web("chat.postMessage", map[string]any{"channel": "C0ADMINS01", "text": "x", "blocks": button})
	d = w.Press("U0ADA00001", "C0ADMINS01/"+posted.Result["ts"].(string), "Go")
	if e := p.saw("envelope"); e.Type != "interactive" || e.Body["type"] != "block_actions" {
		t.Errorf("envelope = %+v", e)
	}
	if !d.Wait(t.Context()) {
		t.Errorf("press: %s", d.Failed())
	}
	p.do(map[string]any{"do": "answer", "with": "none"})
	d = w.Say("U0ADA00001", "", "help")
	first := p.saw("envelope")
	w.Advance(3 * time.Second)
	w.Advance(0)
	again := p.saw("envelope")
	if again.RetryNum != 1 || again.RetryReason != "timeout" || again.Body["event_id"] != first.Body["event_id"] {
		t.Errorf("again = %+v", again)
	}
	if !d.Wait(t.Context()) || d.Times() != 2 {
		t.Errorf("event: %s after %d", d.Failed(), d.Times())
	}
	t.Log("connected, hello, command with an answer, press, event delivered again")
}

func reconnects(t *testing.T, dir string) {
	w := workspace(t, slacktest.Options{Ping: time.Second})
	p := run(t, dir, "client.mjs", w)
	p.do(map[string]any{"do": "start"})
	for _, c := range []struct {
		name string
		how  func()
	}{
		{"warning", func() { w.Refresh("warning") }},
		{"refresh_requested", func() { w.Refresh("refresh_requested") }},
		{"a cut", w.CutSockets},
		{"a cut in an envelope", func() {
			w.CutNext()
			w.Command("U0ADA00001", "", "lost")
		}},
		{"silence", w.Silence},
	} {
		c.how()
		p.saw("connected")
		d := w.Command("U0ADA00001", "", "status")
		for p.saw("envelope").Body["text"] != "status" {
		}
		if !d.Wait(t.Context()) {
			t.Errorf("%s: %s", c.name, d.Failed())
		}
		t.Log("reconnected after", c.name)
	}
}

func tooMany(t *testing.T, dir string) {
	w := workspace(t, slacktest.Options{Ping: time.Second, AllowViolations: true})
	var conns []*websocket.Conn
	for range 10 {
		resp, err := http.DefaultClient.Do(authorised(t, w.APIURL()+"apps.connections.open", w.AppToken()))
		if err != nil {
			t.Fatal(err)
		}
		var opened struct{ URL string }
		err = json.NewDecoder(resp.Body).Decode(&opened)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := websocket.DefaultDialer.Dial(opened.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	p := run(t, dir, "client.mjs", w)
	p.tell(map[string]any{"do": "start"})
	p.saw("reconnecting")
	if v := w.Violations(); len(v) == 0 || !strings.Contains(v[0], "more than 10") {
		t.Errorf("violations = %q", v)
	}
	conns[0].Close()
	w.Wait(t.Context(), func() bool { return w.Connected() < 10 })
	p.saw("connected")
}

func authorised(t *testing.T, address, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func webAPI(t *testing.T, dir string) {
	w := workspace(t, slacktest.Options{Scopes: append([]string{"channels:read", "users:read.email"}, slacktest.DefaultScopes...), Burst: 5, Allow: []string{"missing_scope", "invalid_blocks", "channel_not_found"}})
	p := run(t, dir, "client.mjs", w)
	ok := func(method string, args map[string]any) map[string]any {
		t.Helper()
		a := p.web(method, args)
		if a.Error != "" || a.Result["ok"] != true {
			t.Fatalf("%s: %s %v", method, a.Error, a.Result)
		}
		return a.Result
	}
	if who := ok("auth.test", map[string]any{}); who["user_id"] != w.BotUser() {
		t.Errorf("auth.test = %v", who)
	}
	direct := ok("conversations.open", map[string]any{"users": "U0ADA00001"})["channel"].(map[string]any)["id"].(string)
	ts := ok("chat.postMessage", map[string]any{"channel": direct, "text": "one"})["ts"]
	ok("chat.update", map[string]any{"channel": direct, "ts": ts, "text": "two"})
	ok("chat.postEphemeral", map[string]any{"channel": "C0ADMINS01", "user": "U0ADA00001", "text": "psst"})
	ok("users.lookupByEmail", map[string]any{"email": "ada@twokey.example"})
	ok("conversations.members", map[string]any{"channel": "C0ADMINS01"})
	ok("chat.delete", map[string]any{"channel": direct, "ts": ts})
	ok("views.publish", map[string]any{"user_id": "U0ADA00001", "view": map[string]any{"type": "home", "blocks": []any{map[string]any{"type": "divider"}}}})
	for want, a := range map[string]line{
		"channel_not_found": p.web("chat.postMessage", map[string]any{"channel": "C0NONE0001", "text": "x"}),
		"missing_scope":     p.web("conversations.history", map[string]any{"channel": "C0ADMINS01"}),
		"invalid_blocks":    p.web("chat.postMessage", map[string]any{"channel": "C0ADMINS01", "text": "x", "blocks": []any{map[string]any{"type": "nonsense"}}}),
	} {
		if a.Error != want {
			t.Errorf("error %q (%s), want %q", a.Error, a.ResponseData, want)
		}
	}
	limited := line{}
	for range 6 {
		limited = p.web("chat.postMessage", map[string]any{"channel": "C0ADMINS01", "text": "x"})
	}
	if limited.RetryAfter < 1 {
		t.Errorf("six messages at once: %+v", limited)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	up := p.do(map[string]any{
		"do": "upload", "data": base64.StdEncoding.EncodeToString(picture.Bytes()),
		"args": map[string]any{"channel_id": direct, "filename": "chart.png", "alt_text": "a trend", "initial_comment": "this week"},
	})
	if up.Error != "" {
		t.Fatalf("upload: %s", up.Error)
	}
	seen := w.Seen("U0ADA00001")
	last := seen[len(seen)-1]
	if last.Text != "this week" || len(last.Files) != 1 || !bytes.Equal(last.Files[0].Data, picture.Bytes()) {
		t.Errorf("seen = %+v", last)
	}
	t.Logf("%d calls by the official client, upload of %d bytes", len(w.Calls("")), picture.Len())
}

// boltHTTP lets Bolt check what the workspace signs.
func boltHTTP(t *testing.T, dir string) {
	const secret = "8f742231b10e8888abcd99yyyzzz85a5"
	to := &slacktest.Endpoint{SigningSecret: secret}
	w := workspace(t, slacktest.Options{HTTP: to})
	p := run(t, dir, "bolt.mjs", w, "SIGNING_SECRET="+secret)
	to.URL = "http://127.0.0.1:" + strconv.Itoa(p.saw("listening").Port)
	if !w.VerifyURL() {
		t.Error("url_verification was not passed")
	}
	if status := w.CheckSSL(); status != http.StatusOK {
		t.Errorf("ssl_check: status %d", status)
	}
	if d := w.Command("U0ADA00001", "C0ADMINS01", "status"); !d.Wait(t.Context()) {
		t.Errorf("command: %s", d.Failed())
	}
	if seen := w.Seen("U0ADA00001"); len(seen) != 1 || seen[0].Text != "you typed status" {
		t.Errorf("seen = %+v", seen)
	}
	if d := w.Say("U0ADA00001", "C0ADMINS01", "@twokey hello"); !d.Wait(t.Context()) || !strings.HasSuffix(p.saw("mention").Text, "hello") {
		t.Errorf("mention: %s", d.Failed())
	}
	if d := w.OpenHome("U0ADA00001"); !d.Wait(t.Context()) || p.saw("home").User != "U0ADA00001" {
		t.Errorf("home: %s", d.Failed())
	}
	if d := w.Say("U0ADA00001", "", "help"); !d.Wait(t.Context()) {
		t.Errorf("message: %s", d.Failed())
	}
	w.Wait(t.Context(), func() bool { return len(w.Calls("chat.postMessage")) == 1 })
	boltForm(t, w, p)
	spoiled(t, w, to, secret)
}

// boltForm walks a press, a form with an error, and the form again.
func boltForm(t *testing.T, w *slacktest.Workspace, p *program) {
	button := `[{"type":"actions","elements":[{"type":"button","action_id":"open","text":{"type":"plain_text","text":"Open"}}]}]`
	r := authorised(t, w.APIURL()+"chat.postMessage?channel=C0ADMINS01&text=x&blocks="+strings.ReplaceAll(button, `"`, "%22"), w.BotToken())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, m := range w.Channel("C0ADMINS01") {
		if _, ok := m.Button("Open"); ok {
			if d := w.Press("U0ADA00001", m.ID, "Open"); !d.Wait(t.Context()) {
				t.Errorf("press: %s", d.Failed())
			}
		}
	}
	w.Wait(t.Context(), func() bool { return w.Modal("U0ADA00001") != nil })
	if d := w.Submit("U0ADA00001", map[string]string{"reason": "no"}); !d.Wait(t.Context()) || w.Modal("U0ADA00001").Errors["reason"] == "" {
		t.Errorf("a wrong form: %s", d.Failed())
	}
	if d := w.Submit("U0ADA00001", map[string]string{"reason": "lost"}); !d.Wait(t.Context()) || w.Modal("U0ADA00001") != nil {
		t.Errorf("the form: %s", d.Failed())
	}
	p.saw("reason")
	if v := p.saw("reason").Value; v != "lost" {
		t.Errorf("reason = %q", v)
	}
}

// spoiled: Bolt refuses what is not signed as Slack signs.
func spoiled(t *testing.T, w *slacktest.Workspace, to *slacktest.Endpoint, secret string) {
	body := "command=%2Fmfa&text=x&user_id=U0ADA00001&team_id=" + w.Team()
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-10*time.Minute).Unix(), 10)
	for _, c := range []struct {
		name, at, signature string
		want                int
	}{
		{"another secret", now, slacktest.Sign("other", now, []byte(body)), http.StatusUnauthorized},
		{"another body", now, slacktest.Sign(secret, now, []byte(body+"x")), http.StatusUnauthorized},
		{"another time", now, slacktest.Sign(secret, old, []byte(body)), http.StatusUnauthorized},
		{"ten minutes old", old, slacktest.Sign(secret, old, []byte(body)), http.StatusUnauthorized},
		{"none", now, "", http.StatusUnauthorized},
		{"right", now, slacktest.Sign(secret, now, []byte(body)), http.StatusOK},
	} {
		r, err := http.NewRequest(http.MethodPost, to.URL+"/commands", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Slack-Request-Timestamp", c.at)
		r.Header.Set("X-Slack-Signature", c.signature)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", c.name, resp.StatusCode, c.want)
		}
		t.Logf("%s: Bolt answers %d", c.name, resp.StatusCode)
	}
}
