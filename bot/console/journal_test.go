package console_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"twokey/bot/console"
	"twokey/chat"
)

func withJournal(path string) func(*console.Config) {
	return func(cfg *console.Config) { cfg.Journal = path }
}

func TestJournalBringsEverythingBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "console.jsonl")
	d := setup(t, withJournal(path))
	d.post(t, channel("team"), "digest/48", everything)
	id := d.post(t, direct("bea"), "prompt/1", openPrompt)
	done := make(chan error, 1)
	d.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		done <- r.Reply(ctx, chat.Message{Text: "an answer"})
		return nil
	})
	d.accepted(t, "/api/people/ada/messages", `{"text":"/mfa status","channel":"admins"}`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := d.console.Edit(t.Context(), direct("bea"), id, chat.Message{Text: "Denied."}); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{}
	for _, person := range []string{"ada", "bea", "sam"} {
		_, before[person] = d.call(t, http.MethodGet, "/api/people/"+person+"/messages", "")
	}
	place := d.stream(t, "bea", "0")
	place.next(t)
	d.close()

	again := setup(t, withJournal(path))
	for person, want := range before {
		if _, got := again.call(t, http.MethodGet, "/api/people/"+person+"/messages", ""); got != want {
			t.Errorf("%s after a restart\n got %s\nwant %s", person, got, want)
		}
	}
	if got := again.post(t, direct("bea"), "prompt/1", openPrompt); got != id {
		t.Errorf("the same key after a restart is %s, want %s", got, id)
	}
	if e := again.stream(t, "bea", place.last).next(t); e.From != "ada" {
		t.Errorf("resumed after a restart with %+v, want the message after the digest", e)
	}
	again.press(t, "bea", id, "deny")
	if e := <-again.events; e.Value != "R-K7Q2MD" {
		t.Errorf("press after a restart %+v, want the value that the button had", e)
	}
	if err := again.console.Edit(t.Context(), direct("bea"), id, chat.Message{Text: "Denied, and told."}); err != nil {
		t.Errorf("edit after a restart: %v", err)
	}
}

func TestJournalIsPrivateToItsOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "console.jsonl")
	setup(t, withJournal(path))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("journal's mode is %v, want 0600", got)
	}
}

// TestPassIsNotWrittenDown answers a press with a secret, as the collecting of
// a Temporary Access Pass does.
func TestPassIsNotWrittenDown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "console.jsonl")
	d := setup(t, withJournal(path))
	const pass = "Xk4-secret-pass"
	for _, at := range []chat.Address{direct("ada"), channel("admins")} {
		id := d.post(t, at, "", chat.Message{Text: "Approved.", Buttons: []chat.Button{{ID: "collect", Label: "Collect"}}})
		d.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
			return r.Reply(ctx, chat.Message{Text: pass})
		})
		d.press(t, "ada", id, "collect")
		if got := d.last(t, "ada"); got.Text != pass || !got.Private {
			t.Errorf("ada got %+v, want the pass in private", got)
		}
	}
	d.close()
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(written), pass) {
		t.Errorf("the journal holds the pass:\n%s", written)
	}
	again := setup(t, withJournal(path))
	if got := again.last(t, "ada"); !strings.Contains(got.Text, "not kept") || got.ID != "m000004" {
		t.Errorf("after a restart %+v, want m000004 to say that it was not kept", got)
	}
}

// TestG23Secret has what is marked as a secret shown to one person, as the
// private answer to whatever they did, and written down nowhere.
func TestG23Secret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "console.jsonl")
	d := setup(t, withJournal(path))
	secret := chat.Message{Text: "Xk4-secret-pass", Secret: true}
	if _, err := d.console.Post(t.Context(), direct("ada"), "k", secret); err == nil {
		t.Error("a secret was posted, which would be kept")
	}
	answered := make(chan [2]error, 1)
	d.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		answered <- [2]error{r.Say(ctx, secret), r.Reply(ctx, secret)}
		return nil
	})
	d.accepted(t, "/api/people/ada/messages", `{"text":"/mfa collect R-ABC234","channel":"admins"}`)
	if got := <-answered; got[0] == nil || got[1] != nil {
		t.Errorf("said aloud: %v, want an error; in private: %v", got[0], got[1])
	}
	if got := d.last(t, "ada"); got.Text != secret.Text || !got.Private {
		t.Errorf("ada got %+v, want the secret in private", got)
	}
	d.close()
	written, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(written), secret.Text) {
		t.Errorf("the journal, %v:\n%s", err, written)
	}
}

func TestJournalThatWasCutOff(t *testing.T) {
	t.Parallel()
	const whole = `{"op":"post","id":"m000001","at":"2026-11-23T09:00:00Z","from":"twokey","user":"ada","key":"k1","message":{"text":"one"}}` + "\n"
	for name, rest := range map[string]string{
		"nothing":             "",
		"half a line":         `{"op":"post","id":"m0000`,
		"a line without end":  `{"op":"post","id":"m000002","at":"2026-11-23T09:00:00Z","from":"twokey","user":"ada","message":{"text":"never acknowledged"}}`,
		"what was never text": "\x00\x00\x00",
		"an edit without end": `{"op":"edit","id":"m000001","at":"2026-11-23T09:00:00Z","message":{"text":"x"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "console.jsonl")
			if err := os.WriteFile(path, []byte(whole+rest), 0o600); err != nil {
				t.Fatal(err)
			}
			d := setup(t, withJournal(path))
			if got := d.list(t, "ada"); len(got) != 1 || got[0].Text != "one" {
				t.Errorf("ada sees %+v, want the whole line alone", got)
			}
			d.post(t, direct("ada"), "k2", chat.Message{Text: "two"})
			d.close()
			again := setup(t, withJournal(path))
			if got := again.list(t, "ada"); len(got) != 2 || got[1].Text != "two" {
				t.Errorf("ada sees %+v after writing on, want one and two", got)
			}
		})
	}
}

func TestJournalThatDoesNotFit(t *testing.T) {
	t.Parallel()
	const first = `{"op":"post","id":"m000001","from":"twokey","user":"ada","message":{"text":"one"}}` + "\n"
	for _, tc := range []struct{ name, content, want string }{
		{"not JSON", first + "hello\n" + first, "line 2: invalid character"},
		{"same message twice", first + first, `line 2: message "m000001" stands where m000002 belongs`},
		{"edit of nothing", `{"op":"edit","id":"m000001","message":{}}` + "\n", `line 1: edit of "m000001", which is not there`},
		{"unknown operation", `{"op":"burn"}` + "\n", `line 1: unknown operation "burn"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "console.jsonl")
			if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := console.New(console.Config{People: team(), Journal: path})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v, want an error with %q", err, tc.want)
			}
			if left, err := os.ReadFile(path); err != nil || string(left) != tc.content {
				t.Errorf("the journal was changed to %q, %v", left, err)
			}
		})
	}
}

func TestJournalInNoFolder(t *testing.T) {
	t.Parallel()
	_, err := console.New(console.Config{People: team(), Journal: filepath.Join(t.TempDir(), "none", "console.jsonl")})
	if err == nil || !strings.HasPrefix(err.Error(), "open console journal: ") {
		t.Errorf("New: %v, want an error of opening the journal", err)
	}
}

// TestJournalOfPeopleWhoLeft keeps what nobody can see any more, so that
// message IDs stay what they were.
func TestJournalOfPeopleWhoLeft(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "console.jsonl")
	d := setup(t, withJournal(path))
	d.post(t, direct("sam"), "", chat.Message{Text: "one"})
	d.post(t, channel("team"), "", chat.Message{Text: "two"})
	d.close()
	again := setup(t, withJournal(path), func(cfg *console.Config) {
		cfg.People, cfg.Channels = team()[:1], nil
	})
	if got := again.list(t, "ada"); len(got) != 0 {
		t.Errorf("ada sees %+v, want nothing", got)
	}
	if id := again.post(t, direct("ada"), "", chat.Message{Text: "three"}); id != "m000003" {
		t.Errorf("next message is %s, want m000003", id)
	}
}
