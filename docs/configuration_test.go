package docs_test

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"twokey/bot/config"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/docs"
)

// changeKinds are those that a configuration may switch on.
func changeKinds() []string {
	kinds := slices.Sorted(maps.Keys(commands.Actions(commands.Env{})))
	return slices.DeleteFunc(kinds, func(k string) bool { return k == approval.KindThaw })
}

// TestSchema keeps docs/twokey.schema.json to the keys that the program reads,
// and the annotated example to the schema.
func TestSchema(t *testing.T) {
	t.Parallel()
	text, err := config.Schema(changeKinds(), docs.Example)
	if err != nil {
		t.Fatal(err)
	}
	compareFile(t, "twokey.schema.json", text)
	schema := compiled(t, text)
	if err := schema.Validate(document(t, docs.Example)); err != nil {
		t.Errorf("the example is not as the schema wants it: %v", err)
	}
	if first, _, _ := strings.Cut(string(docs.Example), "\n"); first != "# yaml-language-server: $schema=twokey.schema.json" {
		t.Errorf("the example begins with %q, by which no editor finds the schema", first)
	}
	for name, wrong := range map[string][2]string{
		"a key that is not known": {"  retention: 7y", "  retenton: 7y"},
		"a choice that is none":   {"  mode: socket", "  mode: sokcet"},
		"a word for a number":     {"  many: 10", "  many: ten"},
		"a secret in the file":    {"  bot_token_file: slack.bot-token", "  bot_token: xoxb-1"},
		"a key that is missing":   {"  zone: Europe/Madrid", "  # nothing"},
		"a word for a list":       {"    protected: [sync@vale.example]", "    protected: sync@vale.example"},
		"a kind that is none":     {"changes: [defaults]", "changes: [default]"},
		"an ID that is none":      {"id: 11111111-2222", "id: 1111-2222"},
	} {
		if strings.Count(string(docs.Example), wrong[0]) != 1 {
			t.Errorf("%s: %q stands elsewhere too, or nowhere", name, wrong[0])
		}
		if schema.Validate(document(t, []byte(strings.Replace(string(docs.Example), wrong[0], wrong[1], 1)))) == nil {
			t.Errorf("an editor does not see %s", name)
		}
	}
}

func compiled(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("twokey.schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("twokey.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// document is a YAML file as a schema sees it.
func document(t *testing.T, text []byte) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestConfigurationKeys keeps the table in docs/configuration.md to the keys that
// the program reads, what holds without each, and what the example says of it.
func TestConfigurationKeys(t *testing.T) {
	t.Parallel()
	const heading = "## Every key\n\n"
	page, err := os.ReadFile("configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	above, _, ok := strings.Cut(string(page), heading)
	if !ok {
		t.Fatalf("docs/configuration.md has no %q", heading)
	}
	table := config.Reference(changeKinds(), docs.Example)
	for line := range strings.Lines(table) {
		if strings.HasSuffix(strings.TrimSpace(line), "|  |") {
			t.Errorf("the example does not say what this is: %s", line)
		}
	}
	compareFile(t, "configuration.md", []byte(above+heading+table))
}
