package slacktest

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// respond posts to a response address.
func (b bot) respond(address, body string) int {
	b.t.Helper()
	resp, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestResponseAddress: five times, thirty minutes, and in channels that the bot
// is not in.
func TestResponseAddress(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	w.AddChannel(Channel{ID: "C0AWAY0001", Members: []string{"U0ADA00001", "U0SAM00001"}, BotAway: true})
	c := b.dial()
	address := func() string {
		d := w.Command("U0ADA00001", "C0AWAY0001", "x")
		e := read(t, c)
		ack(t, c, e, nil)
		d.Wait(soon(t))
		return e["payload"].(map[string]any)["response_url"].(string)
	}
	url := address()
	for i, want := range []int{200, 200, 200, 200, 200, 404} {
		kind := "ephemeral"
		if i == 1 {
			kind = "in_channel"
		}
		if got := b.respond(url, `{"text":"x","response_type":"`+kind+`"}`); got != want {
			t.Errorf("use %d: status %d, want %d", i+1, got, want)
		}
	}
	if a, s := len(w.Seen("U0ADA00001")), len(w.Seen("U0SAM00001")); a != 5 || s != 1 {
		t.Errorf("ada sees %d, sam %d", a, s)
	}
	url = address()
	w.Advance(responseLife)
	if got := b.respond(url, `{"text":"x"}`); got != http.StatusOK {
		t.Errorf("after thirty minutes: status %d", got)
	}
	w.Advance(time.Second)
	if got := b.respond(url, `{"text":"x"}`); got != http.StatusNotFound {
		t.Errorf("after more: status %d", got)
	}
	if got := b.respond(address(), `{"text":"x","blocks":[{"type":"nonsense"}]}`); got != http.StatusBadRequest {
		t.Errorf("nonsense: status %d", got)
	}
	violated(t, w, "used_url", "expired_url", "invalid_blocks")
	if n := len(w.Calls("response_url")); n != 9 {
		t.Errorf("%d calls", n)
	}
}

// TestOriginal: the answer to a press may replace or delete what was pressed,
// an ephemeral message too.
func TestOriginal(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	c := b.dial()
	button := `[{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"Go"}}]}]`
	b.ok("chat.postEphemeral", "channel", "C0ADMINS01", "user", "U0ADA00001", "text", "psst", "blocks", button)
	m := w.Seen("U0ADA00001")[0]
	d := w.Press("U0ADA00001", m.ID, "Go")
	e := read(t, c)
	ack(t, c, e, nil)
	d.Wait(soon(t))
	url := e["payload"].(map[string]any)["response_url"].(string)
	b.respond(url, `{"text":"done","replace_original":true}`)
	if m := w.Seen("U0ADA00001"); len(m) != 1 || m[0].Text != "done" || len(m[0].Buttons) != 0 {
		t.Errorf("seen = %+v", m)
	}
	b.respond(url, `{"delete_original":true}`)
	if m := w.Seen("U0ADA00001")[0]; !m.Deleted {
		t.Errorf("seen = %+v", m)
	}
}

// TestWhatPeopleCannotDo: the test has to know.
func TestWhatPeopleCannotDo(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true, Burst: 9})
	b.ok("chat.postMessage", "channel", "C0ADMINS01", "text", "x")
	id := w.Channel("C0ADMINS01")[0].ID
	for _, d := range []*Delivery{
		w.Command("U0SAM00001", "C0ADMINS01", "x"), w.Say("U0NONE0001", "", "x"), w.OpenHome("U0NONE0001"),
		w.Press("U0SAM00001", id, "Go"), w.Press("U0ADA00001", id, "Go"), w.Press("U0ADA00001", HomeTab, "Go"),
		w.Submit("U0ADA00001", nil), w.CloseModal("U0ADA00001", true),
	} {
		if d.Wait(soon(t)) || d.Failed() == "" || d.Times() != 0 {
			t.Errorf("%+v was delivered", d)
		}
	}
	if n := len(w.Violations()); n != 8 {
		t.Errorf("%d violations: %q", n, w.Violations())
	}
}
