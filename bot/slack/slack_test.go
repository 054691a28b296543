package slack_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"twokey/bot/slack"
)

// everyone is an inbox to which everything is new.
type everyone struct{}

func (everyone) Take(context.Context, string) (bool, error) { return true, nil }

// good is a configuration that is right.
func good() slack.Config {
	return slack.Config{Mode: "socket", AppToken: "xapp-1-A1", BotToken: "xoxb-1-2", Inbox: everyone{}}
}

func TestNewChecks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*slack.Config)
		want   string // part of the error; empty: none
	}{
		{"as it should be", func(*slack.Config) {}, ""},
		{"no mode", func(c *slack.Config) { c.Mode = "" }, "Mode"},
		{"a user's token", func(c *slack.Config) { c.BotToken = "xoxp-1-2" }, "BotToken"},
		{"the bot's token for sockets", func(c *slack.Config) { c.AppToken = c.BotToken }, "AppToken"},
		{"http without a signing secret", func(c *slack.Config) { c.Mode = "http" }, "SigningSecret"},
		{"http needs no app token", func(c *slack.Config) { c.Mode, c.SigningSecret, c.AppToken = "http", "s3cret", "" }, ""},
		{"more sockets than Slack allows", func(c *slack.Config) { c.Connections = 11 }, "Connections"},
		{"a command without a slash", func(c *slack.Config) { c.Command = "mfa" }, "Command"},
		{"no inbox", func(c *slack.Config) { c.Inbox = nil }, "Inbox"},
		{"plain http abroad", func(c *slack.Config) { c.APIURL = "http://slack.example/api/" }, "APIURL"},
		{"plain http here", func(c *slack.Config) { c.APIURL = "http://127.0.0.1:9/api" }, ""},
		{"a user in the address", func(c *slack.Config) { c.APIURL = "https://slack.com@evil.example/api/" }, "APIURL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := good()
			tt.change(&cfg)
			_, err := slack.New(cfg)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("New: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("New: %v, want an error about %s", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "xox"+"b-1-2"):
				t.Errorf("New: %v, which tells a token", err)
			}
		})
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-OAuth-Scopes", "commands,chat:write,im:write,im:history,app_mentions:read,users:read,users:read.email,files:read")
		answer := map[string]any{"ok": true, "team_id": "T1", "user_id": "U0BOT"}
		if strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
			answer = map[string]any{"ok": false, "error": "not_allowed_token_type"}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(api.Close)
	cfg := good()
	cfg.APIURL = api.URL + "/api"
	s, err := slack.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]string{}
	s.Check(t.Context(), func(name string, err error) {
		if err != nil {
			failed[name] = err.Error()
		}
	})
	if got, want := slices.Sorted(maps.Keys(failed)), []string{"slack scope files:write", "slack sockets"}; !slices.Equal(got, want) {
		t.Errorf("failed: %q, want %q", got, want)
	}
	if got := failed["slack scope files:write"]; !strings.Contains(got, "install the app again") {
		t.Errorf("the missing scope is reported as %q, which does not say what to do", got)
	}
	if got := failed["slack sockets"]; !strings.Contains(got, "wrong kind of token") {
		t.Errorf("the wrong token is reported as %q", got)
	}
	if s.Ready() == nil {
		t.Error("it is ready without running")
	}
}
