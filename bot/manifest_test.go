package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestManifestSlack prints the manifest before there is an app, and so before
// there is any token.
func TestManifestSlack(t *testing.T) {
	t.Parallel()
	const web = "web: {addr: 'localhost:8443', public_url: 'https://twokey.vale.example', tls: proxy}\n"
	for name, c := range map[string]struct {
		config string // none: the command is given no file
		status int
		want   string // a piece of what is printed
	}{
		"no configuration": {"", 0, `"socket_mode_enabled": true`},
		"socket":           {"slack: {mode: socket, app_token_file: gone, bot_token_file: gone}\n", 0, `"socket_mode_enabled": true`},
		"no Slack section": {web, 0, `"socket_mode_enabled": true`},
		"http":             {"slack: {mode: http, bot_token_file: gone, signing_secret_file: gone}\n" + web, 0, `"request_url": "https://twokey.vale.example/slack/events"`},
		"http, nowhere":    {"slack: {mode: http, bot_token_file: gone, signing_secret_file: gone}\n", 1, "set web.public_url"},
		"another mode":     {"slack: {mode: pigeon}\n", 1, "slack.mode"},
		"not a file of it": {"slack: [\n", 1, "twokey.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"manifest", "slack"}
			if c.config != "" {
				path := filepath.Join(t.TempDir(), "twokey.yaml")
				if err := os.WriteFile(path, []byte(c.config), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--config", path)
			}
			var out, errs strings.Builder
			status := run(t.Context(), args, streams{strings.NewReader(""), &out, &errs})
			if status != c.status || !strings.Contains(out.String()+errs.String(), c.want) {
				t.Errorf("status %d, want %d and %q in:\n%s%s", status, c.status, c.want, out.String(), errs.String())
			}
			if status == 0 && !json.Valid([]byte(out.String())) {
				t.Errorf("it is no JSON: %s", out.String())
			}
		})
	}
}
