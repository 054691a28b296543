package slack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"twokey/bot/slack/slacktest"
)

func TestGoldenManifest(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]ManifestOptions{
		"manifest-socket": {},
		"manifest-http":   {Mode: "http", PublicURL: "https://twokey.vale.example/", Command: "/vale-mfa"},
	} {
		got, err := Manifest(o)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "golden", name+".json")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != string(got) {
			t.Errorf("%s differs from its golden, %v:\n%s", name, err, got)
		}
		for _, version := range []string{"v1", "v2"} {
			if err := valid(compiled(t, "slack-manifest."+version+".schema.json"), json.RawMessage(got)); err != nil {
				t.Errorf("%s against %s: %v", name, version, err)
			}
		}
		http := o.Mode == "http"
		for _, url := range []string{"https://twokey.vale.example/slack/commands", "https://twokey.vale.example/slack/actions", "https://twokey.vale.example/slack/events"} {
			if strings.Contains(string(got), `"`+url+`"`) != http {
				t.Errorf("%s: %s", name, url)
			}
		}
	}
}

func TestManifestNeedsAnAddress(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "http://twokey.vale.example", "twokey.vale.example", "https://", "://"} {
		if got, err := Manifest(ManifestOptions{Mode: "http", PublicURL: url}); err == nil {
			t.Errorf("%q is taken: %s", url, got)
		}
	}
}

// TestTheTestsHaveTheScopesOfTheManifest keeps the other tests from using what
// an installed app would not be allowed.
func TestTheTestsHaveTheScopesOfTheManifest(t *testing.T) {
	t.Parallel()
	var asked []string
	for _, s := range scopes {
		asked = append(asked, s.name)
	}
	slices.Sort(asked)
	if given := slices.Sorted(slices.Values(slacktest.DefaultScopes)); !slices.Equal(asked, given) {
		t.Errorf("the manifest asks for %q, and the tests' app has %q", asked, given)
	}
}
