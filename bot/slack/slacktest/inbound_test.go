package slacktest

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// inbound is the schema of what Slack sends, by what it is.
var inbound = sync.OnceValue(func() map[string]*jsonschema.Schema {
	return definitionsIn("testdata/slack-inbound.schema.json", map[string]string{
		kindCommand: "SlashCommand", "block_actions": "BlockAction%3CButtonAction%3E", "view_submission": "ViewSubmitAction",
		"view_closed": "ViewClosedAction", "app_mention": "AppMentionEvent", "message": "GenericMessageEvent",
		"app_home_opened": "AppHomeOpenedEvent", "tokens_revoked": "TokensRevokedEvent", "app_uninstalled": "AppUninstalledEvent",
	})
})

func definitionsIn(path string, names map[string]string) map[string]*jsonschema.Schema {
	f, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		panic(err)
	}
	all := map[string]*jsonschema.Schema{}
	for key, name := range names {
		all[key] = c.MustCompile("schema.json#/definitions/" + name)
	}
	return all
}

// asSlackSends holds everything that the workspace delivered against the types
// of Slack's own libraries. Every test with a workspace ends with it.
func asSlackSends(t *testing.T, w *Workspace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.deliveries {
		kind, data := d.kind, d.Payload()
		if d.kind == kindInteractive {
			kind = d.payload["type"].(string)
		}
		if d.kind == kindEvent {
			inner := d.payload["event"].(map[string]any)
			kind = inner["type"].(string)
			data = encode(inner)
		}
		schema := inbound()[kind]
		if schema == nil {
			continue // made up by the test
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if p := v.(object); p["view"] != nil && kind == "block_actions" {
			p["response_url"] = "" // which only a message has, whatever the type says
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s that Slack would not send: %v\n%s", kind, err, data)
		}
	}
}

// TestEverythingPeopleDo lets a person do each thing once, so that asSlackSends
// sees it.
func TestEverythingPeopleDo(t *testing.T) {
	t.Parallel()
	for _, grid := range []string{"", "E0GRID"} {
		w, b := setup(t, Options{Enterprise: grid})
		w.AddUser(User{ID: "U0EVE00001", Name: "eve", Team: "T0OTHER001", Stranger: true})
		w.AddChannel(Channel{ID: "C0ADMINS01", Name: "admins", Members: []string{"U0ADA00001", "U0EVE00001"}})
		c := b.dial()
		take := func(d *Delivery) map[string]any {
			t.Helper()
			e := read(t, c)
			ack(t, c, e, nil)
			if !d.Wait(soon(t)) {
				t.Fatalf("not acknowledged: %s", d.Failed())
			}
			return e["payload"].(map[string]any)
		}
		take(w.Command("U0ADA00001", "C0ADMINS01", "status"))
		mention := take(w.Say("U0ADA00001", "C0ADMINS01", "hello @twokey & all"))
		if text := mention["event"].(map[string]any)["text"]; text != "hello <@"+w.BotUser()+"> &amp; all" {
			t.Errorf("mention = %v", text)
		}
		take(w.Say("U0ADA00001", "", "help"))
		foreign := take(w.Say("U0EVE00001", "C0ADMINS01", "@twokey hello"))
		if foreign["team_id"] != "T0OTHER001" || foreign["is_ext_shared_channel"] != true || foreign["event"].(map[string]any)["user_team"] != "T0OTHER001" {
			t.Errorf("from another organisation: %v", foreign)
		}
		take(w.SayIn("U0ADA00001", w.Seen("U0ADA00001")[0].ID, "@twokey again"))
		if d := w.Say("U0ADA00001", "C0ADMINS01", "nothing for the bot"); d.Times() != 0 {
			t.Error("a message that does not name the bot was delivered")
		}
		take(w.OpenHome("U0ADA00001"))
		button := `{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"Go"},"value":"v","style":"danger"}]}`
		b.ok("views.publish", "user_id", "U0ADA00001", "view", `{"type":"home","blocks":[`+button+`]}`)
		take(w.OpenHome("U0ADA00001"))
		take(w.Press("U0ADA00001", HomeTab, "Go"))
		b.ok("chat.postEphemeral", "channel", "C0ADMINS01", "user", "U0ADA00001", "text", "x", "blocks", "["+button+"]")
		b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "x", "blocks", "["+button+"]")
		for _, m := range w.Seen("U0ADA00001") {
			if _, ok := m.Button("Go"); ok {
				p := take(w.Press("U0ADA00001", m.ID, "Go"))
				if (p["message"] == nil) != m.Private {
					t.Errorf("private %v: message = %v", m.Private, p["message"])
				}
				modal := `{"type":"modal","notify_on_close":true,"title":{"type":"plain_text","text":"T"},"submit":{"type":"plain_text","text":"S"},"blocks":[` + button + `]}`
				b.ok("views.open", "trigger_id", p["trigger_id"].(string), "view", modal)
				take(w.Press("U0ADA00001", OpenModal, "Go"))
				take(w.CloseModal("U0ADA00001", false))
			}
		}
		take(w.Event(map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"bot": []string{w.BotUser()}}}))
		take(w.Event(map[string]any{"type": "app_uninstalled"}))
	}
}

// TestAnswersAreSlacks holds answers against the official, older description of
// the Web API.
func TestAnswersAreSlacks(t *testing.T) {
	t.Parallel()
	schemas := answerSchemas(t)
	w, b := setup(t, Options{})
	_ = w
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "one")
	ts := b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "two")["ts"].(string)
	for _, c := range [][]string{
		{"auth.test"},
		{"chat.postMessage", "channel", "C0ADMINS01", "text", "three"},
		{"chat.postEphemeral", "channel", "C0ADMINS01", "user", "U0ADA00001", "text", "psst"},
		{"chat.getPermalink", "channel", "C0ADMINS01", "message_ts", ts},
		{"chat.update", "channel", "C0ADMINS01", "ts", ts, "text", "too"},
		{"conversations.members", "channel", "C0ADMINS01"},
		{"conversations.open", "users", "U0ADA00001"},
		{"users.info", "user", "U0ADA00001"},
		{"users.lookupByEmail", "email", "ada@twokey.example"},
		{"chat.delete", "channel", "C0ADMINS01", "ts", ts},
	} {
		body := b.ok(c[0], c[1:]...)
		schema := schemas[c[0]]
		if schema == nil {
			t.Errorf("%s is not described", c[0])
			continue
		}
		if m, ok := body["message"].(object); ok {
			delete(m, "app_id") // newer than the description
		}
		if err := schema.Validate(body); err != nil {
			data, _ := json.MarshalIndent(body, "", " ")
			t.Errorf("%s: %v\n%s", c[0], err, data)
		}
	}
}
