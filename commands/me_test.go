package commands

import (
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/graph"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	const (
		unset   = "You are not set up yet: your password is all that protects your account."
		texts   = "You are set up, but only with texts or calls."
		backup  = "You are set up. One step is left: a second method, in case the first one breaks."
		noText  = "You are set up. One step is left: a backup that is not a text or a call."
		allSet  = "You are all set, and you have a backup. Thank you!"
		ends    = "For most people Microsoft stops sending texts and calls on 1 February 2027."
		ended   = "For most people Microsoft stopped sending texts and calls on 1 February 2027."
		setup   = "run setup"
		another = "run backup"
	)
	before, after := start, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name           string
		kinds          []graph.MethodKind
		today          time.Time
		headline, text string // text: a part of it
		button         string
	}{
		{"nothing", nil, before, unset, "about five minutes", setup},
		{"a password", []graph.MethodKind{graph.MethodPassword}, before, unset, "", setup},
		{"a pass and an address are no second factor", []graph.MethodKind{graph.MethodTemporaryPass, graph.MethodEmail}, before, unset, "", setup},
		{"a kind that is not known counts as nothing", []graph.MethodKind{"telepathy"}, before, unset, "", setup},
		{"a phone", []graph.MethodKind{graph.MethodPhone}, before, texts, ends, setup},
		{"two phones", []graph.MethodKind{graph.MethodPhone, graph.MethodPhone}, before, texts, ends, setup},
		{"a phone, on the day of the end", []graph.MethodKind{graph.MethodPhone}, after, texts, ended, setup},
		{"a phone, on the day before", []graph.MethodKind{graph.MethodPhone}, after.Add(-time.Minute), texts, ends, setup},
		{"an app", []graph.MethodKind{graph.MethodAuthenticator}, before, backup, "", another},
		{"an app and a phone", []graph.MethodKind{graph.MethodAuthenticator, graph.MethodPhone}, before, noText, ends, another},
		{"a passkey", []graph.MethodKind{graph.MethodPasskey}, before, backup, "", another},
		{"an app and a passkey", []graph.MethodKind{graph.MethodAuthenticator, graph.MethodPasskey}, before, allSet, "", ""},
		{"two apps and a phone", []graph.MethodKind{graph.MethodAuthenticator, graph.MethodAuthenticator, graph.MethodPhone}, after, allSet, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var methods []graph.Method
			for _, k := range row.kinds {
				methods = append(methods, graph.Method{Kind: k})
			}
			m := standing(phrases.Voice{}, methods, row.today)
			button := ""
			if len(m.Buttons) > 0 {
				button = m.Buttons[0].ID + " " + m.Buttons[0].Value
			}
			if m.Headline != row.headline || !strings.Contains(m.Text, row.text) || button != row.button || len(m.Buttons) > 1 {
				t.Errorf("got %q, %q, %q; want %q, %q, %q", m.Headline, m.Text, button, row.headline, row.text, row.button)
			}
		})
	}
}

// The button for the next step leads somewhere.
func TestStandingLeadsOn(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	for _, person := range []string{"sam", "bea", "abe", "ada"} {
		b := w.say(person, "me").Buttons[0]
		if next := w.press(person, b.ID, b.Value, nil); len(next.Steps) == 0 {
			t.Errorf("%s pressed %q: %s, want steps", person, b.Label, next.Plain())
		}
	}
}

func TestMe(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t, func(f *fixture) {
		crowd(f)
		f.methods[id("sue")][1].Label = "Sue's \u202ephone"
		f.unread[id("hal")] = &graph.Error{Kind: graph.KindNoPermission, Permission: "UserAuthenticationMethod.Read.All"}
	})
	for _, row := range []struct{ name, person, want string }{
		{"oneself", "sue", "You are all set, and you have a backup. Thank you!\n\nYou have: Microsoft Authenticator, “Sue's <U+202E>phone”\nYou have: passkey or security key\n\nRead from Microsoft 365 just now. Only you can see this."},
		{"a guest", "guest", "You are not set up yet"},
		{"not linked", "nobody", "I cannot look up your account, because I do not know who you are in Microsoft 365. These steps work for everybody."},
		{"disabled", "disabled", "I cannot look up your account"},
		{"not permitted", "hal", "The bot's app registration lacks the permission UserAuthenticationMethod.Read.All."},
	} {
		if got := w.say(row.person, "me"); !strings.Contains(got.Plain(), row.want) || got.aloud {
			t.Errorf("%s: %q, want %q", row.name, got.Plain(), row.want)
		}
	}
	if got := w.say("nobody", "me"); len(got.Steps) < 3 {
		t.Errorf("who is not linked gets no steps: %s", got.Plain())
	}
	w.env.Page = "https://mfa.vale.example"
	w.assemble()
	if got := w.say("nobody", "me"); len(got.Buttons) == 0 || got.Buttons[0].Value != "link" {
		t.Errorf("who is not linked is not offered to: %+v", got.Buttons)
	}
	w.fails["methods"] = errAway
	wantSaid(t, w.say("sue", "me"), "Microsoft 365 could not be reached.")
}

func TestWhoami(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t, crowd, func(f *fixture) {
		f.byGroup = map[identity.Role]string{identity.Approver: "g-board"}
		f.groups = map[string][]string{"g-board": {id("hal"), id("guest")}}
	})
	for _, row := range []struct {
		name, person string
		want         []string
	}{
		{"two roles", "ada", []string{"You are Ada Okafor.", "Sign-in name: ada@vale.example", "Object ID: id-ada", "Tenant: Harbour & Vale", "Roles: helpdesk, lead", "Your chat account: pinned in the configuration"}},
		{"a role of one's own and one by a group", "hal", []string{"Roles: helpdesk, approver (group g-board)"}},
		{"staff", "sam", []string{"You are Sam Rivera.", "Roles: staff"}},
		{"a guest who is on every list", "guest", []string{"Roles: staff"}},
		{"somebody of the same name", "impostor", []string{"I do not know who you are in Microsoft 365.", "ask an owner of this bot to link your chat account"}},
		{"disabled", "disabled", []string{"I do not know who you are"}},
		{"deleted", "deleted", []string{"I do not know who you are"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			wantSaid(t, w.say(row.person, "whoami"), row.want...)
		})
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, device := range guide.Devices() {
		got := w.say("nobody", "setup "+string(device))
		if len(got.Steps) == 0 || len(got.Buttons) > 0 || !strings.Contains(got.Footer, "I never ask for a password") {
			t.Errorf("%s: %s, want steps and no questions", device, got.Plain())
		}
	}
	asked := w.say("sam", "setup")
	if len(asked.Steps) == 0 || len(asked.Buttons) != 3 {
		t.Fatalf("without a device: %s, want steps and three devices", asked.Plain())
	}
	for _, b := range asked.Buttons {
		if got := w.press("sam", b.ID, b.Value, nil); len(got.Steps) == 0 || len(got.Buttons) != 2 {
			t.Errorf("%s: %s, want steps and what comes next", b.Label, got.Plain())
		}
	}
}

// TestAsk asks what is answered, what goes to a person, and what is none of the
// guide's business, as a command and as free text.
func TestAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, row := range []struct {
		name, question string
		expect         guide.Expect
		want           string
		steps          bool
	}{
		{"answer", "I have a new phone, how do I move Authenticator to it?", guide.ExpectAnswer, "A person can help when: ", true},
		{"handover", "please reset my MFA for me", guide.ExpectHandover, "A person should look at this with you.\n\nPlease ask Ada Okafor at the IT help desk, extension 42.", false},
		{"none", "paper jam on floor 2", guide.ExpectNone, "That is not my subject: I only know about signing in safely.\n\nA person can help: Ada Okafor at the IT help desk, extension 42.", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := w.env.Guide.Ask(row.question).Expect; got != row.expect {
				t.Fatalf("the guide makes %s of %q, this test needs %s", got, row.question, row.expect)
			}
			typed := w.say("sam", "ask "+row.question)
			mentioned := w.handle(chat.Event{Kind: chat.Mention, From: account("nobody"), Channel: "C-team", Text: row.question})
			for _, got := range []said{typed, mentioned} {
				wantSaid(t, got, row.want)
				if got.aloud || (len(got.Steps) > 0) != row.steps || !strings.Contains(got.Footer, "Only you can see this.") {
					t.Errorf("%q: aloud %t, %d steps, footer %q", row.question, got.aloud, len(got.Steps), got.Footer)
				}
			}
			for _, b := range typed.Buttons {
				if b.ID == "run" && b.Label == "That did not help" {
					wantSaid(t, w.press("sam", b.ID, b.Value, nil), "A person can look at it with you.")
					continue
				}
				if b.ID == "run" {
					wantSaid(t, w.press("sam", b.ID, b.Value, nil), "The help desk has been told.")
					continue
				}
				if next := w.press("sam", b.ID, b.Value, nil); next.Headline != b.Label || len(next.Steps) == 0 {
					t.Errorf("%q leads to %q", b.Label, next.Headline)
				}
			}
		})
	}
	wantSaid(t, w.handle(chat.Event{Kind: chat.Mention, From: account("sam"), Text: "  "}), "What would you like to know?")
	wantSaid(t, w.say("sam", "ask"), "“/mfa ask” needs a question.")
}

// TestGuideKeepsTheZone holds that dated sentences change at midnight where
// the organisation is at home.
func TestGuideKeepsTheZone(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	show := func() string { return w.press("sam", "topic", "add-backup-method", nil).Plain() }
	w.ahead.Store(int64(time.Date(2027, 1, 31, 22, 59, 0, 0, time.UTC).Sub(start))) // 23:59 in Madrid
	if got := show(); !strings.Contains(got, "ends texts and calls on 1 February 2027") {
		t.Errorf("on the day before:\n%s", got)
	}
	w.advance(time.Minute)
	if got := show(); !strings.Contains(got, "ended texts and calls on 1 February 2027") {
		t.Errorf("on the day:\n%s", got)
	}
}
