package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"twokey/commands"
	"twokey/commands/approval"
)

// TestU12WithoutTheBot holds that each change the bot can make can be made and
// turned back by hand from what docs/without-the-bot.md says.
func TestU12WithoutTheBot(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("without-the-bot.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, s := range strings.Split(string(text), "\n### ")[1:] {
		heading, body, _ := strings.Cut(s, "\n")
		m := regexp.MustCompile("^`([a-z-]+)`: .+$").FindStringSubmatch(heading)
		if m == nil {
			t.Errorf("the heading %q names no kind of change", heading)
			continue
		}
		sections[m[1]] = body
	}
	actions := commands.Actions(commands.Env{})
	for kind := range sections {
		if _, ok := actions[kind]; !ok {
			t.Errorf("docs/without-the-bot.md has a section for %s, which the bot cannot do", kind)
		}
	}
	for kind := range actions {
		body, ok := sections[kind]
		if !ok {
			t.Errorf("docs/without-the-bot.md has no section for %s", kind)
			continue
		}
		for _, part := range []string{"- **Do:**", "- **Undo:**"} {
			if !strings.Contains(body, part) {
				t.Errorf("the section for %s has no %s", kind, part)
			}
		}
		if kind == approval.KindThaw || kind == commands.TemplateKind {
			continue // of the bot itself: there is no page for it
		}
		if !strings.Contains(body, "`Entra ID › ") || !strings.Contains(body, "- **Role:**") {
			t.Errorf("the section for %s says no path in the admin centre, or not who may", kind)
		}
	}
}
