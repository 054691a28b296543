package console_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/bot/console"
	"twokey/chat"
)

// refusal is what every refusal looks like.
type refusal struct {
	Error string `json:"error"`
}

var openPrompt = chat.Message{
	Headline: "Ada asks for a pass",
	Buttons: []chat.Button{
		{ID: "approve", Label: "Approve", Value: "R-K7Q2MD", Style: chat.Primary},
		{ID: "deny", Label: "Deny", Value: "R-K7Q2MD", Style: chat.Danger, Form: []chat.FormField{
			{ID: "reason", Label: "Reason", Required: true, MaxRunes: 10}, {ID: "note", Label: "Note"},
		}},
	},
	Request: "R-K7Q2MD",
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.post(t, direct("bea"), "", openPrompt) // m000001
	say, push := "/api/people/bea/messages", "/api/people/bea/press"
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		want                     string // the sentence, or how it begins
	}{
		{"unknown person reads", "GET", "/api/people/eve/messages", "", 404, `There is no person "eve" here`},
		{"unknown person writes", "POST", "/api/people/eve/messages", `{"text":"x"}`, 404, `There is no person "eve" here`},
		{"unknown person listens", "GET", "/api/people/eve/events", "", 404, `There is no person "eve" here`},
		{"unknown person presses", "POST", "/api/people/eve/press", `{}`, 404, `There is no person "eve" here`},
		{"unknown person completes", "GET", "/api/people/eve/commands", "", 404, `There is no person "eve" here`},
		{"unknown channel", "POST", say, `{"text":"x","channel":"attic"}`, 400, `There is no channel "attic" for bea; there is dm, team, admins.`},
		{"channel of others", "POST", "/api/people/sam/messages", `{"text":"x","channel":"admins"}`, 400, `There is no channel "admins" for sam; there is dm, team.`},
		{"empty text", "POST", say, `{"text":" \n "}`, 400, "The text is empty"},
		{"no text", "POST", say, `{}`, 400, "The text is empty"},
		{"null", "POST", say, `null`, 400, "The text is empty"},
		{"4,001 runes", "POST", say, `{"text":"` + strings.Repeat("é", 4001) + `"}`, 400, "The text has 4001 characters and may have 4000"},
		{"no body", "POST", say, ``, 400, `The body is not the JSON that belongs here; send {"text":"/mfa help","channel":"dm"}.`},
		{"not JSON", "POST", say, `text=hello`, 400, "The body is not the JSON that belongs here"},
		{"cut off", "POST", say, `{"text":"x"`, 400, "The body is not the JSON that belongs here"},
		{"two values", "POST", say, `{"text":"x"}{"text":"y"}`, 400, "The body is not the JSON that belongs here"},
		{"a list", "POST", say, `["x"]`, 400, "The body is not the JSON that belongs here"},
		{"a number as text", "POST", say, `{"text":7}`, 400, `"text" has the wrong type; send {"text":`},
		{"over 1 MiB", "POST", say, `{"text":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "The body is longer than 1 MiB; send less."},
		{"after is no id", "GET", say + "?after=7", "", 400, `"7" is not a message id such as m000001.`},
		{"press without a body", "POST", push, ``, 400, `The body is not the JSON that belongs here; send {"message":"m000001","button":"approve","fields":{}}.`},
		{"field is no text", "POST", push, `{"message":"m000001","button":"deny","fields":{"reason":1}}`, 400, `"fields" has the wrong type`},
		{"press on nothing", "POST", push, `{"message":"m000009","button":"approve"}`, 404, `There is no message "m000009" that bea can see.`},
		{"press on no id", "POST", push, `{"message":"../1","button":"approve"}`, 404, `There is no message "../1" that bea can see.`},
		{"press on somebody's message", "POST", "/api/people/ada/press", `{"message":"m000001","button":"approve"}`, 404, `There is no message "m000001" that ada can see.`},
		{"required field missing", "POST", push, `{"message":"m000001","button":"deny","fields":{"note":"x"}}`, 400, `Reason is needed: fill in the field "reason".`},
		{"required field blank", "POST", push, `{"message":"m000001","button":"deny","fields":{"reason":" "}}`, 400, `Reason is needed`},
		{"field too long", "POST", push, `{"message":"m000001","button":"deny","fields":{"reason":"ééééééééééé"}}`, 400, "Reason has 11 characters and may have 10."},
		{"picture of a message without", "GET", "/api/people/bea/images/m000001.png", "", 404, "Message m000001 has no picture"},
		{"file of a message without", "GET", "/api/people/bea/files/m000001", "", 404, "Message m000001 has no file"},
		{"file of nothing", "GET", "/api/people/bea/files/m000002", "", 404, `There is no message "m000002"`},
		{"picture of nothing", "GET", "/api/people/bea/images/m000002.png", "", 404, `There is no message "m000002"`},
		{"clock: no duration", "POST", "/api/clock", `{"advance":"soon"}`, 400, "The clock moves forward by a duration"},
		{"clock: backwards", "POST", "/api/clock", `{"advance":"-1h"}`, 400, "The clock moves forward by a duration"},
		{"clock: not at all", "POST", "/api/clock", `{"advance":"0s"}`, 400, "The clock moves forward by a duration"},
		{"clock: not JSON", "POST", "/api/clock", `8h`, 400, `The body is not the JSON that belongs here; send {"advance":"8h"}.`},
		{"no such address", "GET", "/api/persons", "", 404, "There is nothing at this address."},
		{"no such file", "GET", "/page/console.go", "", 404, `There is no file "console.go" here.`},
		{"no listing of files", "GET", "/page/", "", 404, "There is nothing at this address."},
		{"wrong method", "DELETE", say, "", 405, "This address answers GET, HEAD, POST only."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			status, body := d.call(t, tc.method, tc.path, tc.body)
			got := decode[refusal](t, body).Error
			if status != tc.status || !strings.HasPrefix(got, tc.want) {
				t.Errorf("%s %s: %d %q, want %d %q", tc.method, tc.path, status, got, tc.status, tc.want)
			}
		})
	}
	t.Cleanup(func() {
		if len(d.events) > 0 {
			t.Errorf("the handler got %v, want no event from what was refused", <-d.events)
		}
	})
}

func TestPeople(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.post(t, channel("admins"), "", chat.Message{Text: "x"})
	_, got := d.call(t, http.MethodGet, "/api/people", "")
	want := `[{"id":"ada","name":"Ada Adler","roles":["lead","helpdesk"],"about":"Try /mfa who missing.","channels":["dm","team","admins"],"latest":"m000001"},` +
		`{"id":"abe","name":"Abe Abernathy","roles":["approver"],"about":"","channels":["dm","team","admins"],"latest":"m000001"},` +
		`{"id":"bea","name":"Bea Brandt","roles":["approver"],"about":"","channels":["dm","team","admins"],"latest":"m000001"},` +
		`{"id":"sam","name":"Sam Sato","roles":[],"about":"","channels":["dm","team"],"latest":""}]` + "\n"
	if got != want {
		t.Errorf("people\n got %s\nwant %s", got, want)
	}
}

func TestTyped(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, channel, text string
		kind                chat.EventKind // 0: not for the bot
		want                string
	}{
		{"command", "dm", "/mfa status --admins", chat.Command, "status --admins"},
		{"bare command", "dm", "/mfa", chat.Command, ""},
		{"spaces", "dm", "  /mfa\u00a0  who   missing ", chat.Command, "who   missing"},
		{"capitals", "dm", "/MFA Help", chat.Command, "Help"},
		{"lines", "dm", "/mfa\nhelp", chat.Command, "help"},
		{"question", "dm", "I have a new phone", chat.Mention, "I have a new phone"},
		{"no command of ours", "dm", "/mfalfa", chat.Mention, "/mfalfa"},
		{"named in private", "dm", "@Twokey, help me", chat.Mention, "help me"},
		{"default channel", "", "hello", chat.Mention, "hello"},
		{"command in a channel", "team", "/mfa trend", chat.Command, "trend"},
		{"mention in a channel", "team", "@twokey: what now?", chat.Mention, "what now?"},
		{"bare mention", "team", "@twokey", chat.Mention, ""},
		{"chatter", "team", "good morning", 0, ""},
		{"named later", "team", "ask @twokey", 0, ""},
		{"another's name", "team", "@twokeys hello", 0, ""},
		{"command later", "team", "try /mfa", 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			raw := strings.NewReplacer("\n", `\n`).Replace(tc.text)
			id := decode[message](t, d.accepted(t, "/api/people/ada/messages", `{"text":"`+raw+`","channel":"`+tc.channel+`"}`)).ID
			shown := d.last(t, "ada")
			if shown.ID != id || shown.From != "ada" || shown.Text != strings.TrimSpace(tc.text) {
				t.Errorf("shown %+v, want message %s from ada with %q", shown, id, strings.TrimSpace(tc.text))
			}
			if tc.kind == 0 {
				d.close() // waits for handlers, had there been one
				if len(d.events) > 0 {
					t.Errorf("handler got %v, want nothing", <-d.events)
				}
				return
			}
			e := <-d.events
			where := tc.channel
			if where == "dm" {
				where = ""
			}
			if e.Kind != tc.kind || e.Text != tc.want || e.Channel != where || e.From != (chat.Account{Platform: "console", User: "ada"}) {
				t.Errorf("event %+v, want kind %d, text %q in channel %q from ada", e, tc.kind, tc.want, where)
			}
		})
	}
}

func TestEventKeysDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2 { // two consoles that number their messages alike
		d := setup(t)
		d.post(t, direct("bea"), "", openPrompt)
		for range 3 {
			d.accepted(t, "/api/people/bea/messages", `{"text":"/mfa"}`)
			d.press(t, "bea", "m000001", "approve")
		}
		for range 6 {
			if e := <-d.events; e.Key == "" || seen[e.Key] {
				t.Errorf("key %q is empty or was there before", e.Key)
			} else {
				seen[e.Key] = true
			}
		}
	}
}

func TestAnswersStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	d := setup(t)
	done := make(chan error, 1)
	d.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		done <- errors.Join(r.Reply(ctx, chat.Message{Text: "for you"}), r.Say(ctx, chat.Message{Text: "for all"}))
		return nil
	})
	for _, where := range []string{"admins", "dm"} {
		d.accepted(t, "/api/people/ada/messages", `{"text":"/mfa status","channel":"`+where+`"}`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	type line struct {
		from, channel, text string
		private             bool
	}
	for person, want := range map[string][]line{
		"ada": {
			{"ada", "admins", "/mfa status", false},
			{"twokey", "admins", "for you", true},
			{"twokey", "admins", "for all", false},
			{"ada", "dm", "/mfa status", true},
			{"twokey", "dm", "for you", true},
			{"twokey", "dm", "for all", true},
		},
		"bea": {{"ada", "admins", "/mfa status", false}, {"twokey", "admins", "for all", false}},
		"sam": nil,
	} {
		var got []line
		for _, m := range d.list(t, person) {
			got = append(got, line{m.From, m.Channel, m.Text, m.Private})
		}
		if len(got) != len(want) {
			t.Errorf("%s sees %v, want %v", person, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s, message %d: %v, want %v", person, i, got[i], want[i])
			}
		}
	}
}

func TestPressReachesTheHandler(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, channel("admins"), "", openPrompt)
	d.accepted(t, "/api/people/bea/press", `{"message":"`+id+`","button":"deny","fields":{"reason":"no","other":"x"}}`)
	e := <-d.events
	if e.Kind != chat.Press || e.Button != "deny" || e.Value != "R-K7Q2MD" || e.Channel != "admins" || e.From.User != "bea" {
		t.Errorf("event %+v, want bea's press of deny in admins with the posted value", e)
	}
	if len(e.Fields) != 2 || e.Fields["reason"] != "no" || e.Fields["note"] != "" {
		t.Errorf("fields %v, want those of the form alone", e.Fields)
	}
}

// What is typed and what is pressed say what the browser asks for first.
func TestEventsSayTheLocale(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, direct("bea"), "", openPrompt)
	for path, body := range map[string]string{"messages": `{"text":"/mfa"}`, "press": `{"message":"` + id + `","button":"approve","fields":{}}`} {
		for accepted, want := range map[string]string{"": "", "vi": "vi", "de-AT,de;q=0.9,en": "de-AT", "pt-BR;q=0.8": "pt-BR"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.server.URL+"/api/people/bea/"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Accept-Language", accepted)
			if status, text := d.do(t, req); status != http.StatusAccepted {
				t.Fatalf("%s: %d %s", path, status, text)
			}
			if e := <-d.events; e.Locale != want {
				t.Errorf("%s with Accept-Language %q: locale %q, want %q", path, accepted, e.Locale, want)
			}
		}
	}
}

// Buttons that share an ID are pressed each for itself, and one keeps its key
// while others beside it come and go.
func TestButtonsThatShareAnID(t *testing.T) {
	t.Parallel()
	d := setup(t)
	card := func(values ...string) chat.Message {
		m := chat.Message{Text: "What next?"}
		for _, v := range values {
			m.Buttons = append(m.Buttons, chat.Button{ID: "run", Label: v, Value: v})
		}
		return m
	}
	id := d.post(t, direct("bea"), "", card("first", "second", "third"))
	keys := map[string]string{} // by label
	for _, b := range d.last(t, "bea").Buttons {
		keys[b.Label] = b.ID
	}
	press := func(label string) {
		t.Helper()
		d.accepted(t, "/api/people/bea/press", `{"message":"`+id+`","button":"`+keys[label]+`","fields":{}}`)
		if e := <-d.events; e.Button != "run" || e.Value != label {
			t.Errorf("pressing %s is %s %q", label, e.Button, e.Value)
		}
	}
	press("first")
	press("third")
	if err := d.console.Edit(t.Context(), direct("bea"), id, card("second", "fourth")); err != nil {
		t.Fatal(err)
	}
	press("second")
	press("first") // is not there any more, and is nothing else
}

func TestPressOfWhatWasOpenOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, direct("bea"), "", openPrompt)
	if err := d.console.Edit(t.Context(), direct("bea"), id, chat.Message{Text: "Denied by Abe."}); err != nil {
		t.Fatal(err)
	}
	d.press(t, "bea", id, "deny") // the form is no longer asked for: the refusal is
	if e := <-d.events; e.Button != "deny" || e.Value != "R-K7Q2MD" {
		t.Errorf("event %+v, want the press of deny with its old value", e)
	}
}

func TestPressOfWhatWasNeverThere(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.post(t, channel("admins"), "", openPrompt)
	d.accepted(t, "/api/people/bea/messages", `{"text":"hello","channel":"admins"}`) // m000002, somebody's own words
	for _, body := range []string{
		`{"message":"m000001","button":"collect"}`, `{"message":"m000001"}`, `{"message":"m000002","button":"approve"}`,
	} {
		d.accepted(t, "/api/people/bea/press", body)
		if m := d.last(t, "bea"); m.Channel != "admins" || !m.Private || !strings.HasPrefix(m.Text, "That is no longer open") {
			t.Errorf("after %s: %+v, want a private message that it is not open", body, m)
		}
	}
	if m := d.last(t, "ada"); m.ID != "m000002" {
		t.Errorf("ada sees %+v, want nothing of bea's refusals", m)
	}
	if len(d.events) > 0 {
		t.Errorf("handler got %v, want nothing", <-d.events)
	}
}

func TestPressIsAnsweredWhenItIsThrough(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, direct("bea"), "", openPrompt)
	release := make(chan struct{})
	d.answers(func(context.Context, chat.Responder, chat.Event) error {
		<-release
		return nil
	})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		d.press(t, "bea", id, "approve")
	}()
	<-d.events
	select {
	case <-answered:
		t.Error("the press was acknowledged before it was decided")
	default:
	}
	close(release)
	<-answered
}

func TestPressThatFailed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, direct("bea"), "", openPrompt)
	d.answers(func(context.Context, chat.Responder, chat.Event) error { return errors.New("store is full") })
	status, body := d.call(t, http.MethodPost, "/api/people/bea/press", `{"message":"`+id+`","button":"approve"}`)
	if status != http.StatusInternalServerError || strings.Contains(body, "store is full") {
		t.Errorf("failed press: %d %s, want 500 without the cause", status, body)
	}
	if got := d.logged(); !strings.Contains(got, "store is full") {
		t.Errorf("log %q, want the cause", got)
	}
}

func TestTypedThatFailedIsLogged(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.answers(func(context.Context, chat.Responder, chat.Event) error { return errors.New("tenant is away") })
	d.accepted(t, "/api/people/bea/messages", `{"text":"/mfa status"}`)
	<-d.events
	d.close()
	if got := d.logged(); !strings.Contains(got, "tenant is away") || strings.Contains(got, "status") {
		t.Errorf("log %q, want the cause and not what was typed", got)
	}
}

func TestPressesAtOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.post(t, channel("admins"), "", openPrompt)
	const clicks = 8
	var inside sync.WaitGroup
	inside.Add(clicks)
	d.answers(func(ctx context.Context, r chat.Responder, e chat.Event) error {
		inside.Done()
		inside.Wait() // nobody goes on before all are there
		return r.Reply(ctx, chat.Message{Text: "you pressed " + e.Button})
	})
	var all sync.WaitGroup
	for i := range clicks {
		person := []string{"abe", "bea"}[i%2]
		all.Go(func() { d.press(t, person, id, "approve") })
	}
	all.Wait()
	for _, person := range []string{"abe", "bea"} {
		if got := len(d.list(t, person)); got != 1+clicks/2 {
			t.Errorf("%s sees %d messages, want the prompt and %d answers", person, got, clicks/2)
		}
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, text := range []string{"one", "two", "three"} {
		d.post(t, direct("ada"), "", chat.Message{Text: text})
	}
	for after, want := range map[string]int{"": 3, "m000001": 2, "m000003": 0, "m000009": 0, "m1234567": 0} {
		_, body := d.call(t, http.MethodGet, "/api/people/ada/messages?after="+after, "")
		got := decode[[]message](t, body)
		if len(got) != want || got == nil {
			t.Errorf("after %q: %s, want a list of %d", after, body, want)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	d := setup(t, func(cfg *console.Config) {
		now := cfg.Now
		cfg.Now = func() time.Time { return now().In(berlin) }
	})
	status, body := d.call(t, http.MethodPost, "/api/clock", `{"advance":"8h"}`)
	if want := `{"now":"2026-11-23T18:00:00+01:00"}` + "\n"; status != http.StatusOK || body != want {
		t.Errorf("clock: %d %s, want 200 %s", status, body, want)
	}
	_, body = d.call(t, http.MethodGet, "/api/about", "")
	want := `{"now":"2026-11-23T18:00:00+01:00","zone":"Europe/Berlin","monday":"2026-11-30T09:00:00+01:00","clock":true,` +
		`"notes":["The approval wait is 10 s here instead of 15 min.","Choosing a person counts as their sign-in."]}` + "\n"
	if body != want {
		t.Errorf("about\n got %s\nwant %s", body, want)
	}
	d.post(t, direct("ada"), "", chat.Message{Text: "x"})
	if at := d.last(t, "ada").At.Format(time.RFC3339); at != "2026-11-23T17:00:00Z" {
		t.Errorf("posted at %s, want the bot's time in UTC", at)
	}
}

// stuck is an error with a sentence for people.
type stuck struct{}

func (stuck) Error() string { return "advance tenant: connection refused" }
func (stuck) Say() string   { return "The tenant does not answer, so the clock stayed." }

func TestClockThatCannotMove(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		advance func(time.Duration) error
		status  int
		want    string
	}{
		{"not offered", nil, 404, "The clock cannot be moved here."},
		{"its own sentence", func(time.Duration) error { return stuck{} }, 500, "The tenant does not answer, so the clock stayed."},
		{"a bare cause", func(time.Duration) error { return errors.New("secret cause") }, 500, "Something went wrong here; the log says what."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := setup(t, func(cfg *console.Config) { cfg.Advance = tc.advance })
			status, body := d.call(t, http.MethodPost, "/api/clock", `{"advance":"8h"}`)
			if got := decode[refusal](t, body).Error; status != tc.status || got != tc.want {
				t.Errorf("clock: %d %q, want %d %q", status, got, tc.status, tc.want)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	d := setup(t, func(cfg *console.Config) {
		cfg.Commands = func(a chat.Account) []chat.CommandSpec {
			return []chat.CommandSpec{{Name: "who", Summary: "For " + a.User + " on " + a.Platform + ".", Example: "who missing", Options: []chat.Option{
				{Name: "kind", Summary: "which people", Choices: []string{"missing"}, Required: true}, {Name: "more", Rest: true},
			}}}
		}
	})
	_, got := d.call(t, http.MethodGet, "/api/people/ada/commands", "")
	want := `[{"name":"who","summary":"For ada on console.","example":"who missing","options":[` +
		`{"name":"kind","summary":"which people","choices":["missing"],"required":true,"rest":false},` +
		`{"name":"more","summary":"","choices":[],"required":false,"rest":true}]}]` + "\n"
	if got != want {
		t.Errorf("commands\n got %s\nwant %s", got, want)
	}
	if _, got := setup(t).call(t, http.MethodGet, "/api/people/ada/commands", ""); got != "[]\n" {
		t.Errorf("commands of a console without any: %s, want an empty list", got)
	}
}

// FuzzMessages sends any body as a typed message: it is shown as it was typed,
// or refused with a sentence.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		`{"text":"hello"}`, `{"text":"/mfa","channel":"team"}`, `{"text":"\u202e\u0000<b>","channel":"admins"}`, `{"text":7}`,
		`{"text":"\ud800"}`, `[]`, `null`, ``, "\xff", `{"text":"x","text":"y"}`, `{"Text":"x"}`, `{"text":"x"} x`,
	} {
		f.Add([]byte(seed))
	}
	d := setup(f)
	d.console.Handle(chat.HandlerFunc(func(context.Context, chat.Responder, chat.Event) error { return nil }))
	f.Fuzz(func(t *testing.T, body []byte) {
		status, answer := d.call(t, http.MethodPost, "/api/people/ada/messages", string(body))
		switch status {
		case http.StatusAccepted:
			id := decode[message](t, answer).ID
			if m := d.last(t, "ada"); m.ID != id || strings.TrimSpace(m.Text) == "" {
				t.Errorf("accepted %q as %s, then saw %+v", body, id, m)
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if decode[refusal](t, answer).Error == "" {
				t.Errorf("refused %q without a sentence: %s", body, answer)
			}
		default:
			t.Errorf("POST %q: %d %s", body, status, answer)
		}
	})
}
