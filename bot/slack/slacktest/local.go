//go:build outside

package slacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// localSlack is the pinned package of npm; it holds one program for Linux.
const localSlack = "local-slack-linux-x64@0.1.8"

// Local is parvalabs' local-slack: a Slack that somebody else wrote, without
// knowing ours. It refuses little, delivers every envelope to all connections,
// and has no time limits, so it judges shapes and not manners.
type Local struct {
	t       testing.TB
	o       Options
	address string // host and port
	woken   chan struct{}
}

// StartLocal downloads local-slack by npm into a folder of the test's and
// starts it with people and channels. It ends with the test. Of the options
// only the names are used.
func StartLocal(t testing.TB, o Options, users []User, channels []Channel) *Local {
	t.Helper()
	l := &Local{t: t, o: o.named(), address: free(t), woken: make(chan struct{}, 1)}
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--prefix", dir, localSlack)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install %s: %v\n%s", localSlack, err, out)
	}
	config := filepath.Join(dir, "config.json")
	if err := os.WriteFile(config, encode(l.config(users, channels)), 0o600); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(localSlack, "@")
	_, port, _ := net.SplitHostPort(l.address)
	p := exec.Command(filepath.Join(dir, "node_modules", name, "bin", "local-slack"),
		"--config", config, "--port", port, "--base-host", "127.0.0.1", "--files-dir", t.TempDir())
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { p.Wait(); close(ended) }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s, the traffic:\n%s", localSlack, l.Traffic())
		}
		p.Process.Kill()
		<-ended
	})
	l.watch(ended)
	return l
}

// free returns an address on loopback that was free a moment ago.
func free(t testing.TB) string {
	t.Helper()
	n, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	return n.Addr().String()
}

// config is its configuration.
func (l *Local) config(users []User, channels []Channel) object {
	var people, rooms []any
	for _, u := range users {
		people = append(people, object{"id": u.ID, "name": or(u.Name, strings.ToLower(u.ID)), "real_name": or(u.RealName, u.Name), "email": u.Email, "tz": or(u.TZ, "Europe/Berlin")})
	}
	for _, c := range channels {
		rooms = append(rooms, object{"id": c.ID, "name": or(c.Name, strings.ToLower(c.ID)), "is_private": c.Private, "members": append(c.Members, l.o.BotUser)})
	}
	return object{
		"workspace": object{"name": "Twokey", "domain": "twokey", "teamId": l.o.Team},
		"app":       object{"appId": l.o.AppID, "botUserId": l.o.BotUser, "botName": "twokey", "botToken": l.BotToken(), "appToken": l.AppToken(), "mode": "socket"},
		"users":     people, "channels": rooms,
	}
}

// APIURL returns the base address of the Web API; it ends in "/".
func (l *Local) APIURL() string { return "http://" + l.address + "/api/" }

// AppToken returns the app-level token.
func (l *Local) AppToken() string { return "xapp-1-" + l.o.AppID + "-1-0123456789abcdef" }

// BotToken returns the bot token.
func (l *Local) BotToken() string { return "xoxb-1-1-0123456789abcdef" }

// watch connects as its page does, which is how changes are noticed.
func (l *Local) watch(ended <-chan struct{}) {
	l.t.Helper()
	var page *websocket.Conn
	for page == nil {
		c, _, err := websocket.DefaultDialer.Dial("ws://"+l.address+"/ui", nil)
		if err == nil {
			page = c
			continue
		}
		select {
		case <-ended:
			l.t.Fatalf("%s ended: %v", localSlack, err)
		case <-time.After(50 * time.Millisecond): // it says nowhere when it is there
		}
	}
	l.t.Cleanup(func() { page.Close() })
	go func() {
		for {
			if _, _, err := page.ReadMessage(); err != nil {
				return
			}
			select {
			case l.woken <- struct{}{}:
			default:
			}
		}
	}()
}

// Wait returns as soon as the condition holds, and fails the test if ctx ends
// before. It looks at each change and, because the condition may be about
// something else too, every few milliseconds.
func (l *Local) Wait(ctx context.Context, what string, holds func() bool) {
	l.t.Helper()
	often := time.NewTicker(50 * time.Millisecond)
	defer often.Stop()
	for !holds() {
		select {
		case <-l.woken:
		case <-often.C:
		case <-ctx.Done():
			l.t.Fatalf("%s: %v", what, ctx.Err())
		}
	}
}

// control uses its address for tests, and decodes the answer.
func (l *Local) control(path string, body, answer any) {
	l.t.Helper()
	address := "http://" + l.address + "/_control/" + path
	var resp *http.Response
	var err error
	if body == nil {
		resp, err = http.Get(address)
	} else {
		resp, err = http.Post(address, "application/json", bytes.NewReader(encode(body)))
	}
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: status %d", path, resp.StatusCode)
	}
	if answer == nil {
		answer = &object{}
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		l.t.Fatalf("%s: %v", path, err)
	}
}

// Command types a slash command.
func (l *Local) Command(user, channel, command, text string) {
	l.t.Helper()
	go l.control("command", object{"user": user, "channel": channel, "command": command, "text": text}, nil) // it answers when the bot has
}

// Say writes into a channel, or into direct messages by their ID.
func (l *Local) Say(user, channel, text string) {
	l.t.Helper()
	l.control("message", object{"user": user, "channel": channel, "text": text}, nil)
}

// OpenHome opens the App Home.
func (l *Local) OpenHome(user string) {
	l.t.Helper()
	l.control("open-home", object{"user": user}, nil)
}

// Press presses a button of a message.
func (l *Local) Press(user string, m Message, label string) {
	l.t.Helper()
	b, ok := m.Button(label)
	if !ok {
		l.t.Fatalf("no button %q in %+v", label, m)
	}
	action := object{"type": "button", "action_id": b.Action, "block_id": b.Block, "value": b.Value, "text": object{"type": "plain_text", "text": b.Label}}
	l.control("interact", object{"user": user, "channel": m.Channel, "messageTs": m.TS, "action": action}, nil)
}

// Messages returns what is in a channel, or in direct messages by their ID,
// oldest first.
func (l *Local) Messages(channel string) []Message {
	l.t.Helper()
	var body struct{ Messages []object }
	l.control("messages/"+channel, nil, &body)
	var all []Message
	for _, o := range body.Messages {
		m := &message{channel: &Channel{ID: channel}, ts: text0(o, "ts"), from: text0(o, "user"), to: text0(o, "ephemeral_to"), text: text0(o, "text"), thread: text0(o, "thread_ts")}
		m.blocks, _ = o["blocks"].([]any)
		m.edited = o["edited"] != nil
		shown := (&Workspace{}).show(m)
		files, _ := o["files"].([]any)
		for _, f := range files {
			f := f.(object)
			shown.Files = append(shown.Files, File{ID: text0(f, "id"), Name: text0(f, "name"), Title: text0(f, "title"), Mimetype: text0(f, "mimetype"), Alt: text0(f, "alt_txt")})
		}
		all = append(all, shown)
	}
	return all
}

// File returns what is in a file, as the bot may read it.
func (l *Local) File(f File) string {
	l.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+l.address+"/files-pri/"+l.o.Team+"-"+f.ID+"/"+url.PathEscape(f.Name), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+l.BotToken())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		l.t.Fatalf("file %s: %s, %v", f.Name, resp.Status, err)
	}
	return string(data)
}

// Direct returns the ID of a person's direct messages with the bot.
func (l *Local) Direct(user string) string {
	l.t.Helper()
	r, err := http.NewRequest(http.MethodPost, l.APIURL()+"conversations.open", strings.NewReader("users="+user))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+l.BotToken())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct{ Channel struct{ ID string } }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		l.t.Fatal(err)
	}
	return body.Channel.ID
}

// page talks to it as its page does: it sends a message, unless that is nil,
// and returns the state that the page is shown first.
func (l *Local) page(send object) object {
	l.t.Helper()
	c, _, err := websocket.DefaultDialer.Dial("ws://"+l.address+"/ui", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.Close()
	_, data, err := c.ReadMessage()
	if err != nil {
		l.t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		l.t.Fatal(err)
	}
	if send != nil {
		if err := c.WriteJSON(send); err != nil {
			l.t.Fatal(err)
		}
	}
	return v.(object)["state"].(object)
}

// Modal returns the modal on top; nil if none is open.
func (l *Local) Modal() *View {
	l.t.Helper()
	stack, _ := l.page(nil)["modalStack"].([]any)
	if len(stack) == 0 {
		return nil
	}
	return viewOf(stack[len(stack)-1].(object))
}

// viewOf is a view as it is shown.
func viewOf(body object) *View {
	v := &View{body: body, ID: text0(body, "id"), kind: surface(text0(body, "type"))}
	v.blocks, _ = body["blocks"].([]any)
	v.read()
	return v
}

// Home returns a person's App Home; nil if none was published.
func (l *Local) Home(user string) *View {
	l.t.Helper()
	homes, _ := l.page(nil)["homeViews"].(object)
	of, _ := homes[user].(object)
	v, ok := of[l.o.AppID].(object)
	if !ok {
		return nil
	}
	return viewOf(v)
}

// Submit fills in the open modal, by block ID, and sends it.
func (l *Local) Submit(user string, fields map[string]string) {
	l.t.Helper()
	values := object{}
	for _, in := range l.Modal().Inputs {
		values[in.Block] = object{in.Action: value(in, fields[in.Block])}
	}
	l.page(object{"t": "view_submit", "user": user, "values": values})
}

// Traffic returns what was exchanged with the bot so far, one line each.
func (l *Local) Traffic() string {
	var body struct {
		Log []struct{ Direction, Kind, Summary string }
	}
	resp, err := http.Get("http://" + l.address + "/_control/log")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, e := range body.Log {
		fmt.Fprintln(&b, e.Direction, e.Kind, e.Summary)
	}
	return b.String()
}
