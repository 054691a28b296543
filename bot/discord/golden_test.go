package discord

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"twokey/chat/chattest"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestGoldenMessages keeps the body of each message as Discord is sent it.
func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	for _, f := range append(chattest.Fixtures(), chattest.Digests()...) {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(render(f.Message).body); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "golden", f.Name+".json")
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s differs; -update writes it anew:\n%s", path, b.String())
		}
	}
}
