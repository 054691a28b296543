//go:build outside

package discordtest_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"twokey/bot/discord/discordtest"
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
	for _, name := range []string{"@discordjs/ws", "@discordjs/rest", "discord-interactions"} {
		data, err := os.ReadFile(filepath.Join(dir, "node_modules", name, "package.json"))
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
	Type   string
	Body   json.RawMessage
	Result json.RawMessage
	Error  string
	Code   any
	Status int
}

// run starts a program, which ends with the test.
func run(t *testing.T, dir, script string, p *discordtest.Platform) *program {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", script)
	node.Dir, node.Stderr = dir, os.Stderr
	node.Env = append(os.Environ(), "API_URL="+strings.TrimSuffix(p.APIURL(), "/v10"), "TOKEN="+p.Token(), "PUBLIC_KEY="+p.PublicKey())
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
	r := &program{t, in, make(chan line, 1000)}
	go func() {
		defer close(r.lines)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				fmt.Fprintln(os.Stderr, s.Text())
				continue
			}
			r.lines <- l
		}
	}()
	t.Cleanup(func() {
		in.Close()
		node.Process.Kill()
		node.Wait()
	})
	return r
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
	data, err := json.Marshal(command)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(data, '\n')); err != nil {
		p.t.Fatal(err)
	}
	return p.saw("answer")
}

// event reads on to an event of a type.
func (p *program) event(kind string) json.RawMessage {
	p.t.Helper()
	for {
		if l := p.saw("event"); l.Type == kind {
			return l.Body
		}
	}
}

// TestOutside connects clients that others wrote to the platform: they have to
// find in it what they find in Discord.
func TestOutside(t *testing.T) {
	dir := install(t)
	t.Run("Gateway", func(t *testing.T) { throughGateway(t, dir) })
	t.Run("Signatures", func(t *testing.T) { signatures(t, dir) })
}

func throughGateway(t *testing.T, dir string) {
	p := open(t, discordtest.Options{Heartbeat: 2 * time.Second, Allow: []string{"identify", "50035", "10062"}})
	if status, said := send(t, p, http.MethodPut, "/applications/"+p.AppID()+"/guilds/"+p.Guild()+"/commands", []any{command()}); status != http.StatusOK {
		t.Fatal(said)
	}
	c := run(t, dir, "client.mjs", p)
	if a := c.do(map[string]any{"do": "start"}); a.Error != "" {
		t.Fatalf("start: %s", a.Error)
	}
	interact := func() (id, token string) {
		t.Helper()
		d := p.Command(ada, channel, "mfa me", nil)
		var i struct{ ID, Token string }
		if err := json.Unmarshal(c.event("INTERACTION_CREATE"), &i); err != nil {
			t.Fatal(err)
		}
		a := c.do(map[string]any{"do": "rest", "method": "POST", "route": "/interactions/" + i.ID + "/" + i.Token + "/callback", "auth": false, "body": map[string]any{"type": 5, "data": map[string]any{"flags": 64}}})
		if a.Error != "" || !d.Answered() {
			t.Fatalf("callback: %s", a.Error)
		}
		return i.ID, i.Token
	}
	_, token := interact()
	a := c.do(map[string]any{"do": "rest", "method": "PATCH", "route": "/webhooks/" + p.AppID() + "/" + token + "/messages/@original", "auth": false, "body": message(map[string]any{"content": "hello from outside"})})
	if seen := p.Seen(ada); a.Error != "" || len(seen) != 1 || seen[0].Plain != "hello from outside" || !seen[0].Private {
		t.Errorf("%s; seen %+v", a.Error, seen)
	}
	c.saw("heartbeat")
	for _, r := range []struct {
		name string
		how  func()
		want string
	}{
		{"op 7", p.Reconnect, "resumed"},
		{"a cut", p.CutSockets, "resumed"},
		{"op 9, resumable", func() { p.Invalidate(true) }, "resumed"},
		{"silence", p.Silence, "resumed"},
		{"op 9", func() { p.Invalidate(false) }, "ready"},
		{"closed with 4000", func() { p.CloseSockets(4000) }, "resumed"},
	} {
		r.how()
		c.saw(r.want)
		interact()
		t.Logf("%s after %s", r.want, r.name)
	}
	post := map[string]any{"do": "rest", "method": "POST", "route": "/channels/" + channel + "/messages"}
	for i := range 7 { // more than a channel takes at once: the client follows the headers
		post["body"] = message(map[string]any{"content": strconv.Itoa(i)})
		if a := c.do(post); a.Error != "" {
			t.Errorf("message %d: %s", i, a.Error)
		}
	}
	for _, call := range p.Calls(discordtest.RouteMessage) {
		if call.Code == http.StatusTooManyRequests {
			t.Error("the client was told to slow down, so that it cannot have understood the headers")
		}
	}
	post["body"] = message(map[string]any{"content": strings.Repeat("x", 2001)})
	if a := c.do(post); a.Code != 50035. || a.Status != http.StatusBadRequest {
		t.Errorf("a content of 2001: %+v", a)
	}
	post["body"], post["file"] = message(map[string]any{"content": "a file", "attachments": []any{map[string]any{"id": "0", "filename": "a.csv"}}}), "a.csv"
	if a := c.do(post); a.Error != "" {
		t.Errorf("a file: %s", a.Error)
	}
	seen := p.Seen(bea)
	if last := seen[len(seen)-1]; len(last.Files) != 1 || string(last.Files[0].Data) != "name\nSam\n" {
		t.Errorf("bea sees %+v", last)
	}
}

// signatures has Discord's own package check what the platform signs.
func signatures(t *testing.T, dir string) {
	p := open(t, discordtest.Options{})
	c := run(t, dir, "verify.mjs", p)
	now := strconv.FormatInt(time.Now().Unix(), 10)
	body := []byte(`{"type":1,"x":"ö"}`)
	good := p.Sign(now, body)
	for name, v := range map[string]struct {
		body          []byte
		at, signature string
		want          string
	}{
		"right":           {body, now, good, "true"},
		"another body":    {append([]byte(" "), body...), now, good, "false"},
		"another time":    {body, now + "0", good, "false"},
		"another one":     {body, now, strings.Repeat("0", 128), "false"},
		"not a signature": {body, now, "xyz", "false"},
	} {
		a := c.do(map[string]any{"do": "verify", "body": base64.StdEncoding.EncodeToString(v.body), "timestamp": v.at, "signature": v.signature})
		if string(a.Result) != v.want {
			t.Errorf("%s: %s %s, want %s", name, a.Result, a.Error, v.want)
		}
		t.Logf("%s: discord-interactions says %s", name, a.Result)
	}
}
