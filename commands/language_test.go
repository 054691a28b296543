package commands

import (
	"strings"
	"testing"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/chat/phrasetest"
)

// spokenFiles are the files in which all that people read is translated.
var spokenFiles = []string{"ask.go", "language.go"}

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
				{Kind: chat.Command, Text: "ask paper jam on floor 2"},
				{Kind: chat.Mention, Text: "paper jam on floor 2"},
				{Kind: chat.Press, Button: "run", Value: "ask paper jam on floor 2"},
			} {
				e.From, e.Locale = account(person), locale
				wantSaid(t, w.handle(e), want)
			}
		}
		const english, german, french = "That is not my subject", "Das ist nicht mein Thema", "Ce n'est pas mon sujet"
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
