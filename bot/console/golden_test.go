package console_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"twokey/chat/chattest"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestGolden keeps the plain twin of each message that every platform shows.
func TestGolden(t *testing.T) {
	t.Parallel()
	d := setup(t)
	fixtures := append(chattest.Fixtures(), chattest.Digests()...)
	for _, f := range fixtures {
		f.Message.Secret = false // it is the looks that are kept here
		d.post(t, direct("ada"), "", f.Message)
	}
	for i, m := range d.list(t, "ada") {
		name := fixtures[i].Name
		path := filepath.Join("testdata", "golden", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(m.Text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if m.Text+"\n" != string(want) {
			t.Errorf("%s differs from its golden; -update writes it anew:\n%s", name, m.Text)
		}
	}
}
