package slacktest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func modalOf(blocks, more string) string {
	return `{"type":"modal","title":{"type":"plain_text","text":"T"},"submit":{"type":"plain_text","text":"Send"},"blocks":[` + blocks + `]` + more + `}`
}

const reason = `{"type":"input","block_id":"reason","label":{"type":"plain_text","text":"Reason"},"element":{"type":"plain_text_input","action_id":"in","max_length":10}}`

// trigger lets ada do something that gives a trigger.
func (b bot) trigger() string {
	b.t.Helper()
	d := b.w.Command("U0ADA00001", "", "x")
	text := string(d.Payload())
	_, id, _ := strings.Cut(text, `"trigger_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	id := b.trigger()
	w.Advance(deadline)
	b.ok("views.open", "trigger_id", id, "view", modalOf(reason, ""))
	b.refused("exchanged_trigger_id", "views.open", "trigger_id", id, "view", modalOf(reason, ""))
	b.refused("invalid_trigger_id", "views.open", "trigger_id", "1.2.3", "view", modalOf(reason, ""))
	late := b.trigger()
	w.Advance(deadline + time.Millisecond)
	b.refused("expired_trigger_id", "views.open", "trigger_id", late, "view", modalOf(reason, ""))
	b.refused("invalid_trigger_id", "views.push", "trigger_id", b.trigger(), "view", modalOf(reason, "")) // from no modal
}

func TestInvalidViews(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	_ = w
	title := func(n int) string { return `"title":{"type":"plain_text","text":"` + x(n) + `"}` }
	for _, c := range []struct{ name, view, at string }{
		{"no title", `{"type":"modal","blocks":[]}`, "/view"},
		{"no blocks", `{"type":"modal",` + title(1) + `}`, "/view"},
		{"long title", `{"type":"modal",` + title(25) + `,"blocks":[]}`, "/view/title/text"},
		{"home for a modal", `{"type":"home","blocks":[]}`, "/view/type"},
		{"no submit", `{"type":"modal",` + title(1) + `,"blocks":[` + reason + `]}`, "/view/submit"},
		{"metadata", modalOf("", `,"private_metadata":"`+x(3001)+`"`), "/view/private_metadata"},
		{"unknown block", modalOf(`{"type":"nonsense"}`, ""), "/view/blocks/0/type"},
		{"101 blocks", modalOf(strings.TrimSuffix(strings.Repeat(`{"type":"divider"},`, 101), ","), ""), "/view/blocks"},
	} {
		body := b.refused("invalid_arguments", "views.open", "trigger_id", b.trigger(), "view", c.view)
		if said := fmt.Sprint(body["response_metadata"]); !strings.Contains(said, "[json-pointer:"+c.at+"]") {
			t.Errorf("%s: %s, want it at %s", c.name, said, c.at)
		}
	}
	b.refused("view_too_large", "views.open", "trigger_id", b.trigger(), "view", modalOf("", `,"x":"`+x(maxViewBytes)+`"`))
}

func TestStackAndHash(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{Allow: []string{"push_limit_reached", "not_found", "duplicate_external_id"}})
	c := b.dial()
	d := w.Command("U0ADA00001", "", "x")
	e := read(t, c)
	ack(t, c, e, nil)
	d.Wait(soon(t))
	trigger := func(e map[string]any) string { return e["payload"].(map[string]any)["trigger_id"].(string) }
	button := `{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"More"}}]}`
	first := b.ok("views.open", "trigger_id", trigger(e), "view", modalOf(button, `,"external_id":"one"`))["view"].(map[string]any)
	for range 2 {
		d = w.Press("U0ADA00001", OpenModal, "More")
		e = read(t, c)
		ack(t, c, e, nil)
		d.Wait(soon(t))
		b.ok("views.push", "trigger_id", trigger(e), "view", modalOf(button, ""))
	}
	d = w.Press("U0ADA00001", OpenModal, "More")
	e = read(t, c)
	ack(t, c, e, nil)
	d.Wait(soon(t))
	b.refused("push_limit_reached", "views.push", "trigger_id", trigger(e), "view", modalOf(button, ""))

	id, hash := first["id"].(string), first["hash"].(string)
	changed := b.ok("views.update", "view_id", id, "hash", hash, "view", modalOf(reason, `,"external_id":"one"`))["view"].(map[string]any)
	if changed["id"] != id || changed["hash"] == hash {
		t.Errorf("updated to %v %v", changed["id"], changed["hash"])
	}
	b.refused("hash_conflict", "views.update", "view_id", id, "hash", hash, "view", modalOf(reason, ""))
	b.ok("views.update", "external_id", "one", "view", modalOf(reason, `,"external_id":"one"`))
	b.refused("not_found", "views.update", "view_id", "V0NONE", "view", modalOf(reason, ""))
	b.refused("duplicate_external_id", "views.open", "trigger_id", trigger(e), "view", modalOf(reason, `,"external_id":"one"`))

	home := b.ok("views.publish", "user_id", "U0ADA00001", "view", `{"type":"home","blocks":[]}`)["view"].(map[string]any)
	b.ok("views.publish", "user_id", "U0ADA00001", "hash", home["hash"].(string), "view", `{"type":"home","blocks":[{"type":"divider"}]}`)
	b.refused("hash_conflict", "views.publish", "user_id", "U0ADA00001", "hash", home["hash"].(string), "view", `{"type":"home","blocks":[]}`)
	if got := string(w.Home("U0ADA00001")); !strings.Contains(got, "divider") {
		t.Errorf("home = %s", got)
	}
}

// TestSubmission: what the acknowledgement of a submission does to the modal.
func TestSubmission(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, ack string
		top       string // the open modal's only input or title afterwards
		errors    string
		complains string
	}{
		{"nothing", ``, "", "map[]", ""},
		{"clear", `{"response_action":"clear"}`, "", "map[]", ""},
		{"errors", `{"response_action":"errors","errors":{"reason":"too vague"}}`, "T", "map[reason:too vague]", ""},
		{"errors of nothing", `{"response_action":"errors","errors":{"raison":"too vague"}}`, "T", "map[raison:too vague]", "is no input"},
		{"update", `{"response_action":"update","view":` + strings.Replace(modalOf(reason, ""), `"text":"T"`, `"text":"U"`, 1) + `}`, "U", "map[]", ""},
		{"push", `{"response_action":"push","view":` + strings.Replace(modalOf(reason, ""), `"text":"T"`, `"text":"P"`, 1) + `}`, "P", "map[]", ""},
		{"bad view", `{"response_action":"update","view":{"type":"modal","blocks":[]}}`, "T", "map[]", "invalid_arguments"},
		{"unknown", `{"response_action":"close"}`, "T", "map[]", "unknown response_action"},
	} {
		w, b := setup(t, Options{AllowViolations: true})
		k := b.dial()
		d := w.Command("U0ADA00001", "", "x")
		e := read(t, k)
		ack(t, k, e, nil)
		d.Wait(soon(t))
		b.ok("views.open", "trigger_id", e["payload"].(map[string]any)["trigger_id"].(string), "view", modalOf(reason, ""))
		if d := w.Submit("U0ADA00001", map[string]string{"reason": x(11)}); d.Failed() == "" || d.Times() != 0 {
			t.Errorf("%s: eleven characters were sent", c.name)
		}
		d = w.Submit("U0ADA00001", map[string]string{"reason": "lost"})
		e = read(t, k)
		var payload any
		if c.ack != "" {
			payload = raw(c.ack)
		}
		ack(t, k, e, payload)
		if !d.Wait(soon(t)) {
			t.Fatalf("%s: not acknowledged", c.name)
		}
		got, errors := "", "map[]"
		if v := w.Modal("U0ADA00001"); v != nil {
			got, errors = v.Title, fmt.Sprint(v.Errors)
		}
		if got != c.top || errors != c.errors {
			t.Errorf("%s: modal %q %s, want %q %s", c.name, got, errors, c.top, c.errors)
		}
		if c.complains == "" {
			violated(t, w)
		} else {
			violated(t, w, c.complains)
		}
	}
}

// raw is JSON as it stands.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }
