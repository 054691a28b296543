package config

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// whole is a configuration that has every section and gives nothing that has a
// default.
const whole = `{
	"tenants": [{"id": "11111111-2222-4333-8444-555555555555", "graph": {"auth": {"method": "azure_cli"}}}],
	"slack": {"mode": "socket", "app_token_env": "TWOKEY_SLACK_APP_TOKEN", "bot_token_env": "TWOKEY_SLACK_BOT_TOKEN"},
	"discord": {"mode": "gateway", "token_env": "TWOKEY_DISCORD_TOKEN", "application_id": "310000000000000001", "guild": "410000000000000001"},
	"approvals": {}, "audit": {}, "store": {"dsn": "twokey.db"},
	"web": {"addr": ":443", "tls": "auto", "cert_dir": "certificates", "public_url": "https://twokey.vale.example"}
}`

// TestDefaults holds that each default that is told, in the schema, in
// docs/configuration.md and in the example, is what holds: to write it out
// changes nothing, and to write anything else does.
func TestDefaults(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Schema(kinds, example)
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	plain := hashOf(t, whole)
	told := 0
	eachDefault(schema, nil, func(path []string, value any) {
		told++
		if got := hashOf(t, with(t, path, value)); got != plain {
			t.Errorf("%s: %v, which is said to be its default, changes the configuration", strings.Join(path, "."), value)
		}
		name := path[len(path)-1]
		if !strings.Contains(string(example), fmt.Sprintf(" %s: %v", name, value)) {
			t.Errorf("the example does not say %s: %v", name, value)
		}
	})
	if told != 18 {
		t.Errorf("%d defaults are told", told)
	}
	for key, other := range map[string]any{"approvals.many": 11, "approvals.fallback": false, "audit.retention": "8y", "slack.api_url": "https://slack.example/api"} {
		if hashOf(t, with(t, strings.Split(key, "."), other)) == plain {
			t.Errorf("%s: %v changes nothing", key, other)
		}
	}
}

// eachDefault walks a schema.
func eachDefault(schema any, path []string, f func(path []string, value any)) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if value, ok := s["default"]; ok {
		f(path, value)
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		for name, below := range properties {
			eachDefault(below, append(path[:len(path):len(path)], name), f)
		}
	}
	if items, ok := s["items"]; ok {
		eachDefault(items, append(path[:len(path):len(path)], "[]"), f)
	}
}

// with is the whole configuration with one more value.
func with(t *testing.T, path []string, value any) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(whole), &all); err != nil {
		t.Fatal(err)
	}
	place := any(all)
	for i, name := range path {
		if name == "[]" {
			place = place.([]any)[0]
			continue
		}
		if i == len(path)-1 {
			place.(map[string]any)[name] = value
			break
		}
		place = place.(map[string]any)[name]
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hashOf(t *testing.T, text string) string {
	t.Helper()
	c, err := parse("twokey.yaml", "/nowhere", []byte(text), options())
	if err != nil {
		t.Fatal(err)
	}
	return c.Hash()
}
