package commands

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"twokey/chat"
	"twokey/commands/approval"
)

// atHome returns what somebody is shown at home, headlines alone.
func (w *world) atHome(who string) (ms []chat.Message, headlines []string) {
	w.t.Helper()
	ms, err := w.mux.Home(w.t.Context(), account(who))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range ms {
		headlines = append(headlines, cmp.Or(m.Headline, m.Text))
	}
	return ms, headlines
}

// TestHome shows each kind of person what is theirs, and nobody what is not.
func TestHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep(w.request(0, func(*approval.Request) {}))
	w.keep(w.request(1, func(*approval.Request) {}), "abe")
	w.keep(w.request(2, ended(approval.Denied, approval.Outcome{By: person("bea"), At: start})), "abe")
	const (
		asks     = "Turn on security defaults for everybody at “Harbour & Vale”"
		nothing  = "Nothing waits for your decision."
		unset    = "You are not set up yet: your password is all that protects your account."
		backup   = "You are set up. One step is left: a second method, in case the first one breaks."
		texts    = "You are set up, but only with texts or calls."
		noText   = "You are set up. One step is left: a backup that is not a text or a call."
		figures  = "7 of 8 people in scope are registered (87.5 %)."
		stranger = "Set up Authenticator for your work account"
	)
	for who, want := range map[string][]string{
		"sam":    {unset},
		"vic":    {backup, figures},
		"abe":    {asks, noText, figures},
		"bea":    {asks, asks, texts, figures},
		"ada":    {asks, asks, backup, figures}, // her own
		"nobody": {stranger},
	} {
		ms, got := w.atHome(who)
		ok := len(got) == len(want)
		for i := range min(len(got), len(want)) {
			ok = ok && strings.HasPrefix(got[i], want[i])
		}
		if !ok {
			t.Errorf("%s sees %q, want %q", who, got, want)
		}
		for _, m := range ms {
			approves := len(m.Buttons) > 0 && m.Buttons[0].ID == "approve"
			if approves != (m.Headline == asks && who != "ada") || m.Headline == asks && m.Request == "" {
				t.Errorf("%s is given %+v of request %q with %q", who, m.Buttons, m.Request, m.Headline)
			}
		}
	}
	w.remove("bea")
	if _, got := w.atHome("bea"); len(got) == 0 || strings.Contains(strings.Join(got, ""), asks) {
		t.Errorf("somebody who left sees %q", got)
	}
	empty := newWorld(t)
	if _, got := empty.atHome("abe"); got[0] != nothing {
		t.Errorf("an approver without work sees %q", got)
	}
}

// A button at home does what it does in a message.
func TestHomeButtonsWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keep(w.request(0, func(*approval.Request) {}))
	ms, _ := w.atHome("abe")
	b := ms[0].Buttons[0]
	_, _, err := w.mux.answer(t.Context(), nil, chat.Event{Key: "press", Kind: chat.Press, From: account("abe"), Button: b.ID, Value: b.Value})
	if err != nil {
		t.Fatal(err)
	}
	if _, got := w.atHome("abe"); !strings.HasPrefix(got[0], "Nothing waits") {
		t.Errorf("after his approval he sees %q", got)
	}
}

// A part that fails says so in its place, and the others are there.
func TestHomePartsFailAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) { f.fails["methods"] = errAway })
	w.keep(w.request(0, func(*approval.Request) {}))
	_, got := w.atHome("abe")
	if len(got) != 3 || !strings.HasPrefix(got[0], "Turn on") || strings.HasPrefix(got[1], "You are") {
		t.Errorf("he sees %q", got)
	}
	w.fails["user"] = errAway
	if _, got := w.atHome("abe"); len(got) != 1 {
		t.Errorf("while nobody can be looked up he sees %q", got)
	}
}

// A long list is cut and says so.
func TestHomeIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 9 {
		w.keep(w.request(i, func(r *approval.Request) { r.Targets[0].ID = fmt.Sprint("policy ", i) }))
	}
	ms, _ := w.atHome("abe")
	if got := ms[shownAtHome].Text; got != "4 more wait for your decision. “/mfa requests” lists them." {
		t.Errorf("after %d requests there is %q", shownAtHome, got)
	}
}
