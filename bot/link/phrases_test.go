package link

import (
	"testing"

	"twokey/chat/phrasetest"
)

func TestEverythingIsTranslated(t *testing.T) {
	t.Parallel()
	book, err := LoadPhrases()
	if err != nil {
		t.Fatal(err)
	}
	phrasetest.Check(t, book, phrasetest.Read(t, ".", "words.go"))
}
