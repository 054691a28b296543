package console

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"twokey/chat"
)

// TestNothingIsShownThatIsNotStored takes the journal's file away from under
// it: the post fails, shows nothing, and so does every later one.
func TestNothingIsShownThatIsNotStored(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "console.jsonl")
	c, err := New(Config{People: []Person{{ID: "ada"}}, Journal: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.journal.close(); err != nil {
		t.Fatal(err)
	}
	if c.journal.file, err = os.Open(path); err != nil { // for reading alone
		t.Fatal(err)
	}
	ada := chat.Direct(chat.Account{Platform: Platform, User: "ada"})
	for range 2 {
		if id, err := c.Post(context.Background(), ada, "k", chat.Message{Text: "x"}); err == nil {
			t.Errorf("Post returned %s though nothing could be stored", id)
		}
	}
	if len(c.history.messages) != 0 || c.history.byKey["k"] != "" {
		t.Errorf("history %+v, want nothing", c.history)
	}
}
