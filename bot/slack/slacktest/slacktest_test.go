package slacktest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// bot is a bare client of the workspace.
type bot struct {
	t *testing.T
	w *Workspace
}

// setup starts a workspace with one person in one channel. Its clock stands
// still but for Advance.
func setup(t *testing.T, o Options) (*Workspace, bot) {
	t.Helper()
	now := time.Now()
	if o.Scopes == nil {
		o.Scopes = append([]string{"channels:read", "groups:read", "users:read.email"}, DefaultScopes...)
	}
	o.Now = func() time.Time { return now }
	w := New(t, o)
	t.Cleanup(func() { asSlackSends(t, w) })
	w.AddUser(User{ID: "U0ADA00001", Name: "ada", Email: "ada@twokey.example"})
	w.AddUser(User{ID: "U0SAM00001", Name: "sam"})
	w.AddChannel(Channel{ID: "C0ADMINS01", Name: "admins", Members: []string{"U0ADA00001"}})
	return w, bot{t, w}
}

// call calls a method with a form and returns the answer.
func (b bot) call(method string, args ...string) map[string]any {
	b.t.Helper()
	token := b.w.BotToken()
	if method == "apps.connections.open" {
		token = b.w.AppToken()
	}
	body, resp, err := b.send(method, token, args...)
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	if resp.Header.Get("X-OAuth-Scopes") == "" {
		b.t.Errorf("%s: no X-OAuth-Scopes", method)
	}
	return body
}

func (b bot) send(method, token string, args ...string) (map[string]any, *http.Response, error) {
	form := url.Values{}
	for i := 0; i < len(args); i += 2 {
		form.Set(args[i], args[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, b.w.APIURL()+method, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	body := map[string]any{}
	if err := json.Unmarshal(data, &body); err != nil {
		body["error"] = string(data)
	}
	return body, resp, nil
}

// ok calls a method that has to succeed.
func (b bot) ok(method string, args ...string) map[string]any {
	b.t.Helper()
	body := b.call(method, args...)
	if body["ok"] != true {
		b.t.Fatalf("%s %v = %v, want ok", method, args, body)
	}
	return body
}

// refused calls a method that has to be refused with a code.
func (b bot) refused(want, method string, args ...string) map[string]any {
	b.t.Helper()
	body := b.call(method, args...)
	if body["ok"] != false || body["error"] != want {
		b.t.Errorf("%s %v = %v, want error %s", method, args, body, want)
	}
	return body
}

// dial opens a socket and reads its hello.
func (b bot) dial() *websocket.Conn {
	b.t.Helper()
	c := b.dialAt(b.ok("apps.connections.open")["url"].(string))
	if hello := read(b.t, c); hello["type"] != "hello" {
		b.t.Fatalf("first frame = %v, want hello", hello)
	}
	return c
}

func (b bot) dialAt(address string) *websocket.Conn {
	b.t.Helper()
	c, _, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

func read(t *testing.T, c *websocket.Conn) map[string]any {
	t.Helper()
	var v map[string]any
	if err := c.ReadJSON(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func ack(t *testing.T, c *websocket.Conn, envelope map[string]any, payload any) {
	t.Helper()
	a := map[string]any{"envelope_id": envelope["envelope_id"]}
	if payload != nil {
		a["payload"] = payload
	}
	if err := c.WriteJSON(a); err != nil {
		t.Fatal(err)
	}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestARoundTrip(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	if who := b.ok("auth.test"); who["user_id"] != w.BotUser() || who["team_id"] != w.Team() {
		t.Errorf("auth.test = %v", who)
	}
	c := b.dial()
	d := w.Command("U0ADA00001", "", "user @sam <b>")
	e := read(t, c)
	p := e["payload"].(map[string]any)
	if p["text"] != "user <@U0SAM00001|sam> &lt;b&gt;" || p["channel_name"] != "directmessage" {
		t.Errorf("payload = %v", p)
	}
	ack(t, c, e, nil)
	if !d.Wait(soon(t)) {
		t.Fatalf("not acknowledged: %s", d.Failed())
	}
	button := `[{"type":"actions","elements":[{"type":"button","action_id":"a1","text":{"type":"plain_text","text":"Go"},"value":"v"}]}]`
	posted := b.ok("chat.postMessage", "channel", "U0ADA00001", "text", "hello", "blocks", button)
	seen := w.Seen("U0ADA00001")
	if len(seen) != 1 || seen[0].ID != posted["channel"].(string)+"/"+posted["ts"].(string) {
		t.Fatalf("seen = %+v", seen)
	}
	d = w.Press("U0ADA00001", seen[0].ID, "Go")
	e = read(t, c)
	ack(t, c, e, nil)
	modal := `{"type":"modal","title":{"type":"plain_text","text":"Why"},"submit":{"type":"plain_text","text":"Send"},"blocks":[{"type":"input","block_id":"reason","label":{"type":"plain_text","text":"Reason"},"element":{"type":"plain_text_input","action_id":"in"}}]}`
	b.ok("views.open", "trigger_id", e["payload"].(map[string]any)["trigger_id"].(string), "view", modal)
	if !d.Wait(soon(t)) {
		t.Fatal("the press was not acknowledged")
	}
	if d := w.Submit("U0ADA00001", nil); d.Failed() == "" {
		t.Error("an empty field was submitted")
	}
	d = w.Submit("U0ADA00001", map[string]string{"reason": "lost phone"})
	e = read(t, c)
	ack(t, c, e, nil)
	if !d.Wait(soon(t)) || w.Modal("U0ADA00001") != nil {
		t.Error("the modal is still open")
	}
	if !strings.Contains(string(d.Payload()), `"value":"lost phone"`) {
		t.Errorf("submission = %s", d.Payload())
	}
}
