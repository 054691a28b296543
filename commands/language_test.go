package commands

import (
	"strings"
	"testing"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/chat/phrasetest"
)

// spokenFiles are the files in which all that people read is translated.
var spokenFiles = []string{"args.go", "ask.go", "help.go", "stepup.go", "language.go", "handout.go", "ownhours.go", "me.go", "own.go", "privacy.go", "setup.go", "tenantfacts.go", "unhelpful.go"}

func TestEverythingStaffReadIsTranslated(t *testing.T) {
	t.Parallel()
	book, err := LoadPhrases()
	if err != nil {
		t.Fatal(err)
	}
	phrasetest.Check(t, book, phrasetest.Read(t, ".", spokenFiles...))
}

// The language is the chat's, until somebody chooses, and then theirs on every
// road to an answer.
func TestLang(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		ask := func(person, locale, want string) {
			t.Helper()
			for _, e := range []chat.Event{
				{Kind: chat.Command, Text: "ask please reset my mfa"},
				{Kind: chat.Mention, Text: "please reset my mfa"},
				{Kind: chat.Press, Button: "run", Value: "ask please reset my mfa"},
			} {
				e.From, e.Locale = account(person), locale
				wantSaid(t, w.handle(e), want)
			}
		}
		const english, german, french = "A person should look at this", "Das sollte sich ein Mensch", "Il vaut mieux qu'une personne"
		ask("sam", "", english)
		ask("sam", "nl-NL", english)
		ask("sam", "de-AT", german)
		wantSaid(t, w.say("sam", "lang fr"), "Désormais, je vous réponds ainsi : Français.")
		ask("sam", "de-AT", french)
		ask("sue", "de-AT", german)
		ask("nobody", "de-AT", german)
		wantSaid(t, w.say("nobody", "lang fr"), "Français") // whoever is not linked may choose as well
		ask("nobody", "de-AT", french)
		auto := w.handle(chat.Event{Kind: chat.Command, From: account("sam"), Locale: "de-AT", Text: "lang auto"})
		wantSaid(t, auto, "Ab jetzt antworte ich Ihnen so: Deutsch.")
		ask("sam", "de-AT", german)
		wantSaid(t, w.say("sam", "lang klingon"), "klingon")

		offered := w.say("sam", "lang")
		if len(offered.Buttons) != len(phrases.Languages()) || offered.aloud {
			t.Fatalf("lang offers %+v", offered)
		}
		last := offered.Buttons[len(offered.Buttons)-1]
		wantSaid(t, w.press("sam", last.ID, last.Value, nil), last.Label)
	})
}

// What is not translated comes in English and says so; what is, does not.
func TestFallsBackToEnglishAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	const says = "Das gibt es noch nicht auf Deutsch."
	show := func(locale, id string) string {
		return w.handle(chat.Event{Kind: chat.Press, From: account("sam"), Locale: locale, Button: "topic", Value: id}).Plain()
	}
	english := show("", "apple-watch")
	if got := show("de", "apple-watch"); !strings.Contains(got, says) || !strings.Contains(got, strings.Split(english, "\n")[0]) {
		t.Errorf("an article that is in English only, in German:\n%s", got)
	}
	if strings.Contains(english, "your language") {
		t.Errorf("in English:\n%s", english)
	}
}

// Whoever asks in another language is not told that it is none of the guide's
// business, and gets to the articles in theirs by buttons.
func TestAQuestionInAnotherLanguage(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	got := w.handle(chat.Event{Kind: chat.Mention, From: account("sam"), Locale: "de", Text: "Ich habe mein Handy verloren, was nun?"})
	wantSaid(t, got, "Das habe ich nicht verstanden", "Ada Okafor")
	if len(got.Buttons) != 3 {
		t.Fatalf("%d buttons, want 3", len(got.Buttons))
	}
	for _, b := range got.Buttons {
		next := w.handle(chat.Event{Kind: chat.Press, From: account("sam"), Locale: "de", Button: b.ID, Value: b.Value})
		if next.Headline != b.Label || strings.Contains(next.Plain(), "auf Englisch.") {
			t.Errorf("%q leads to:\n%s", b.Label, next.Plain())
		}
	}
}

// TestU20HandOut holds that a hand-out has all of an article, in the language
// that is asked for, and whom to call.
func TestU20HandOut(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	got := w.say("nobody", "guide print new-phone es")
	wantSaid(t, got, "Pasar Authenticator a un teléfono nuevo", "1. Instale", "Si no funciona", "https://aka.ms/mysecurityinfo", "Ada Okafor", "2026-11-23")
	if len(got.Buttons) > 0 || got.aloud {
		t.Errorf("%d buttons, aloud %t", len(got.Buttons), got.aloud)
	}
	wantSaid(t, w.say("sam", "guide print Apple-Watch"), "watch", "For help: ")
	wantSaid(t, w.say("sam", "guide print lost-phone"), "There is no article of that name.", "lost-stolen-phone")
	wantSaid(t, w.say("sam", "guide print new-phone klingon"), "klingon")
}

// Whatever staff are told of their own, in the chat and in messages that are owed,
// is in their language.
func TestStaffAreAnsweredInTheirLanguage(t *testing.T) {
	t.Parallel()
	w := newWorldIn(t, blank(t))
	w.env.Hours = OfficeHours(w.env.Zone)
	w.assemble()
	wantSaid(t, w.say("sam", "lang de"), "Deutsch")
	wantSaid(t, w.say("sue", "lang vi"), "Tiếng Việt")
	for _, tt := range []struct{ who, line, want string }{
		{"sam", "me", "Sie sind noch nicht eingerichtet"},
		{"sam", "check", "Ich sehe noch nichts"},
		{"sam", "remind 7", "Vor Montag, 30. November 2026 erinnere ich Sie nicht."},
		{"sam", "remind many", "ist keine Zahl von Tagen"},
		{"sam", "setup nophone", "Ich habe notiert"},
		{"sam", "hours", "Ich schreibe Ihnen zu Bürozeiten"},
		{"sam", "newphone", "Ich habe das alte Telefon nicht mehr"},
		{"sam", "lost", "Telefon verloren, gestohlen oder kaputt?"},
		{"sam", "prompt", "Bestätigen Sie sie nicht"},
		{"sam", "person Hallo", "Der Helpdesk weiß Bescheid."},
		{"sam", "privacy", "Was über Sie gespeichert ist"},
		{"sue", "me", "Bạn đã thiết lập xong"},
		{"sue", "privacy", "Thời gian giữ"},
		{"sue", "revoke sam", "Bạn không thể dùng “/mfa revoke”."},
		{"sam", "revoke sue", "Sie dürfen „/mfa revoke“ nicht nutzen."},
		{"sam", "status", "oder wer eine andere Rolle hat"},
		{"sam", "help", "Was Sie hier tun können"},
		{"sam", "help remind", "für wie viele Tage"},
		{"sam", "help block", "Für Sie gibt es keinen Befehl “block”."},
		{"sam", "remnd 3", "Meinten Sie “/mfa remind”?"},
		{"sam", "setup nokia", "“nokia” kennt „/mfa setup“ nicht."},
		{"sam", "remind", "„/mfa remind“ braucht: für wie viele Tage"},
		{"sam", "me too", "„/mfa me“ nimmt “too” nicht an."},
		{"sam", "guide", "Probieren Sie “/mfa guide"},
		{"sue", "remnd 3", "Có phải ý bạn là “/mfa remind”?"},
		{"sam", "link", "Wem dieses Chatkonto gehört, ist schon festgelegt."},
		{"sam", "unlink", "nur wem der Bot untersteht, kann das beenden"},
	} {
		wantSaid(t, w.say(tt.who, tt.line), tt.want)
	}
	open, err := w.store.OpenCases(t.Context(), tenantID, id("sam"))
	if err != nil || len(open) != 1 {
		t.Fatalf("%d cases are open: %v", len(open), err)
	}
	wantSaid(t, w.say("sam", "case show "+open[0].Ref), "Ihr Fall "+open[0].Ref+" beim Helpdesk.")
	w.say("hal", "case say "+open[0].Ref+" we come to you")
	rows, err := w.store.Due(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Kind != NoticeCase {
			continue
		}
		m, err := Renderers(w.env)[row.Kind](t.Context(), row.Facts)
		if err != nil {
			t.Fatal(err)
		}
		if german := strings.Contains(m.Plain(), "Wir fragen nie nach einem Passwort"); german != (row.To.User == "sam") {
			t.Errorf("to %s:\n%s", row.To.User, m.Plain())
		}
	}
}
