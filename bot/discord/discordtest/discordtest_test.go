package discordtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"twokey/bot/discord/discordtest"
)

const (
	ada     = "210000000000000001"
	bea     = "210000000000000002"
	channel = "510000000000000001"
)

func open(t *testing.T, o discordtest.Options) *discordtest.Platform {
	t.Helper()
	p := discordtest.New(t, o)
	p.AddUser(discordtest.User{ID: ada, Name: "ada"})
	p.AddUser(discordtest.User{ID: bea, Name: "bea"})
	p.AddChannel(discordtest.Channel{ID: channel, Name: "team", Members: []string{ada, bea}})
	return p
}

// send makes a call as the bot and returns the status and the answer.
func send(t *testing.T, p *discordtest.Platform, method, path string, body any) (int, map[string]any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), method, p.APIURL()+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		q.Body = http.NoBody
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bot "+p.Token())
	q.Header.Set("User-Agent", "DiscordBot (https://twokey.example, 1)")
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{}
	if len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, answer
}

// gateway is a client's connection.
type gateway struct {
	t  *testing.T
	ws *websocket.Conn
}

type frame struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  int64           `json:"s"`
	T  string          `json:"t"`

	raw []byte
}

func dial(t *testing.T, p *discordtest.Platform) *gateway {
	t.Helper()
	_, at := send(t, p, http.MethodGet, "/gateway/bot", nil)
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), fmt.Sprint(at["url"])+"?v=10&encoding=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	t.Cleanup(func() { ws.Close() })
	return &gateway{t, ws}
}

func (g *gateway) next() frame {
	g.t.Helper()
	if err := g.ws.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	_, data, err := g.ws.ReadMessage()
	if err != nil {
		g.t.Fatal(err)
	}
	f := frame{raw: data}
	if err := json.Unmarshal(data, &f); err != nil {
		g.t.Fatal(err)
	}
	return f
}

func (g *gateway) send(op int, d any) {
	g.t.Helper()
	if err := g.ws.WriteJSON(map[string]any{"op": op, "d": d}); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) identify(p *discordtest.Platform, intents int) {
	g.send(2, map[string]any{"token": p.Token(), "intents": intents, "properties": map[string]string{"os": "linux", "browser": "x", "device": "x"}})
}

// inbound are the schemas of what Discord sends.
var inbound = sync.OnceValue(func() *jsonschema.Schema {
	f, err := os.Open("testdata/discord-inbound.schema.json")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("inbound.json", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("inbound.json")
})

// fits fails the test unless something is what Discord sends.
func fits(t *testing.T, what string, data []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := inbound().Validate(v); err != nil {
		t.Errorf("%s is nothing that Discord sends: %.1500v\n%s", what, err, data)
	}
}

// TestFramesAreDiscords holds every frame and every interaction that is sent to
// the types of Discord's own.
func TestFramesAreDiscords(t *testing.T) {
	t.Parallel()
	p := open(t, discordtest.Options{Allow: []string{"timeout"}})
	if status, answer := send(t, p, http.MethodPut, "/applications/"+p.AppID()+"/guilds/"+p.Guild()+"/commands", []any{command()}); status != http.StatusOK {
		t.Fatal(answer)
	}
	direct := command()
	direct["contexts"] = []any{1}
	send(t, p, http.MethodPut, "/applications/"+p.AppID()+"/commands", []any{direct})
	g := dial(t, p)
	hello := g.next()
	fits(t, "hello", hello.raw)
	g.identify(p, 0)
	ready := g.next()
	fits(t, "ready", ready.raw)
	g.send(1, ready.S)
	fits(t, "heartbeat ack", g.next().raw)
	if d := p.Command(ada, channel, "mfa tap", map[string]any{"user": "sam", "multi": true}); d.Failed() != "" {
		t.Fatal(d.Failed())
	}
	fits(t, "command", g.next().D)
	p.Command(ada, "", "mfa me", nil)
	fits(t, "command in direct messages", g.next().D)
	_, posted := send(t, p, http.MethodPost, "/channels/"+channel+"/messages", message(map[string]any{"content": "x", "components": row("a")}))
	d := p.Press(bea, channel+"/"+fmt.Sprint(posted["id"]), "Press")
	fits(t, "press", g.next().D)
	modal := map[string]any{"custom_id": "m", "title": "Why", "components": []any{map[string]any{"type": 1, "components": []any{map[string]any{"type": 4, "custom_id": "reason", "style": 1, "label": "Why"}}}}}
	answer(t, p, d, map[string]any{"type": 9, "data": modal})
	p.Submit(bea, map[string]string{"reason": "because"})
	fits(t, "form", g.next().D)
	p.Reconnect()
	fits(t, "reconnect", g.next().raw)
	p.Invalidate(true)
	fits(t, "invalid session", g.next().raw)
	var r struct {
		Session string `json:"session_id"`
	}
	if err := json.Unmarshal(ready.D, &r); err != nil {
		t.Fatal(err)
	}
	again := dial(t, p)
	again.next()
	again.send(6, map[string]any{"token": p.Token(), "session_id": r.Session, "seq": ready.S + 3})
	if f := again.next(); f.T != "INTERACTION_CREATE" {
		t.Errorf("a resume replays %s first", f.T)
	}
	resumed := again.next()
	fits(t, "resumed", resumed.raw)
	if resumed.T != "RESUMED" {
		t.Errorf("a resume ends with %s", resumed.T)
	}
}

// answer gives an interaction its first answer.
func answer(t *testing.T, p *discordtest.Platform, d *discordtest.Delivery, body any) (status int, code any) {
	t.Helper()
	var i struct{ ID, Token string }
	if err := json.Unmarshal(d.Payload(), &i); err != nil {
		t.Fatal(err)
	}
	status, said := send(t, p, http.MethodPost, "/interactions/"+i.ID+"/"+i.Token+"/callback", body)
	return status, said["code"]
}

func command() map[string]any {
	option := func(name string, kind int, required bool) map[string]any {
		return map[string]any{"name": name, "description": "x", "type": kind, "required": required}
	}
	sub := func(name string, options ...any) map[string]any {
		return map[string]any{"name": name, "description": "x", "type": 1, "options": options}
	}
	return map[string]any{"name": "mfa", "description": "x", "options": []any{sub("me"), sub("tap", option("user", 3, true), option("multi", 5, false))}}
}

func message(body map[string]any) map[string]any {
	body["allowed_mentions"] = map[string]any{"parse": []any{}}
	return body
}

func row(ids ...string) []any {
	var list []any
	for _, id := range ids {
		list = append(list, map[string]any{"type": 2, "style": 1, "label": "Press", "custom_id": id})
	}
	return []any{map[string]any{"type": 1, "components": list}}
}

// TestItRefuses holds that what Discord refuses is refused, and remembered.
func TestItRefuses(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	embed := func(e map[string]any) map[string]any { return message(map[string]any{"embeds": []any{e}}) }
	full := map[string]any{"description": long(4000)}
	for name, body := range map[string]map[string]any{
		"a content of 2001":          message(map[string]any{"content": long(2001)}),
		"nothing":                    message(map[string]any{}),
		"a title of 257":             embed(map[string]any{"title": long(257)}),
		"a description of 4097":      embed(map[string]any{"description": long(4097)}),
		"embeds of 8000":             message(map[string]any{"embeds": []any{full, full}}),
		"a custom ID of 101":         message(map[string]any{"content": "x", "components": row(long(101))}),
		"a custom ID twice":          message(map[string]any{"content": "x", "components": row("a", "a")}),
		"six buttons in a row":       message(map[string]any{"content": "x", "components": row("a", "b", "c", "d", "e", "f")}),
		"a nonce of 26":              message(map[string]any{"content": "x", "nonce": long(26)}),
		"a picture that is not sent": embed(map[string]any{"image": map[string]any{"url": "attachment://x.png"}}),
		"an embed of nothing":        embed(map[string]any{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, discordtest.Options{AllowViolations: true})
			if status, said := send(t, p, http.MethodPost, "/channels/"+channel+"/messages", body); status != http.StatusBadRequest {
				t.Errorf("status %d: %v", status, said)
			}
			if len(p.Violations()) != 1 || len(p.Seen(ada)) > 0 {
				t.Errorf("violations %q; seen %v", p.Violations(), p.Seen(ada))
			}
		})
	}
}

// TestAnswersHaveTheirTime holds the three seconds, the fifteen minutes and that
// only the first answer is one.
func TestAnswersHaveTheirTime(t *testing.T) {
	t.Parallel()
	p := open(t, discordtest.Options{AllowViolations: true})
	send(t, p, http.MethodPut, "/applications/"+p.AppID()+"/guilds/"+p.Guild()+"/commands", []any{command()})
	deferred := map[string]any{"type": 5, "data": map[string]any{"flags": 64}}
	late := p.Command(ada, channel, "mfa me", nil)
	p.Advance(3100 * time.Millisecond)
	if status, code := answer(t, p, late, deferred); status != http.StatusNotFound || code != 10062. {
		t.Errorf("a late answer: %d %v", status, code)
	}
	d := p.Command(ada, channel, "mfa me", nil)
	if status, _ := answer(t, p, d, deferred); status != http.StatusNoContent {
		t.Errorf("an answer: %d", status)
	}
	if status, code := answer(t, p, d, deferred); status != http.StatusBadRequest || code != 40060. {
		t.Errorf("a second answer: %d %v", status, code)
	}
	original := "/webhooks/" + p.AppID() + "/" + d.Token() + "/messages/@original"
	if status, said := send(t, p, http.MethodPatch, original, message(map[string]any{"content": "done"})); status != http.StatusOK {
		t.Errorf("the deferred answer: %d %v", status, said)
	}
	if seen := p.Seen(ada); len(seen) != 1 || seen[0].Plain != "done" || len(p.Seen(bea)) > 0 {
		t.Errorf("ada sees %+v, bea %+v", seen, p.Seen(bea))
	}
	p.Advance(15 * time.Minute)
	if status, said := send(t, p, http.MethodPatch, original, message(map[string]any{"content": "later"})); status != http.StatusUnauthorized || said["code"] != 50027. {
		t.Errorf("after fifteen minutes: %d %v", status, said)
	}
}

// TestItSignsAsItSays holds that what is signed is the time and the body.
func TestItSignsAsItSays(t *testing.T) {
	t.Parallel()
	asked := 0
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		fits(t, "ping", body)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer bot.Close()
	p := open(t, discordtest.Options{HTTP: bot.URL})
	if p.VerifyURL() || asked != 1 {
		t.Errorf("a bot that refuses everything has passed; it was asked %d times", asked)
	}
}

// TestANonceIsPostedOnce holds that a message sent again is not there twice.
func TestANonceIsPostedOnce(t *testing.T) {
	t.Parallel()
	p := open(t, discordtest.Options{})
	body := message(map[string]any{"content": "x", "nonce": "one", "enforce_nonce": true})
	_, first := send(t, p, http.MethodPost, "/channels/"+channel+"/messages", body)
	_, again := send(t, p, http.MethodPost, "/channels/"+channel+"/messages", body)
	if first["id"] != again["id"] || len(p.Seen(ada)) != 1 {
		t.Errorf("%v and %v", first["id"], again["id"])
	}
}
