package nudge

import (
	"strings"
	"testing"
	"time"

	"twokey/chat/phrases"
	"twokey/chat/phrasetest"
	"twokey/graph/rollout"
)

func TestNudgesAreTranslated(t *testing.T) {
	t.Parallel()
	book, err := LoadPhrases()
	if err != nil {
		t.Fatal(err)
	}
	phrasetest.Check(t, book, phrasetest.Read(t, ".", "template.go"))
}

// A template is read on a phone, in every language.
func TestTemplatesAreShort(t *testing.T) {
	t.Parallel()
	book, err := LoadPhrases()
	if err != nil {
		t.Fatal(err)
	}
	n := &Nudger{book: book, cfg: Config{Now: func() time.Time { return time.Time{} }}}
	for _, l := range phrases.Languages() {
		for _, s := range []Subject{Register, Lasting} {
			for _, name := range rollout.NudgeTemplates() {
				headline, text := BuiltIn(book.In(l), name, s)
				if words := len(strings.Fields(headline + " " + text)); words > 80 || headline == "" || text == "" {
					t.Errorf("%s, %s, %s: %d words:\n%s\n%s", l, name, s, words, headline, text)
				}
			}
		}
		if got := never(n.book.In(l)); got == "" || l != phrases.English && got == never(n.book.In(phrases.English)) {
			t.Errorf("%s: %q", l, got)
		}
	}
}
