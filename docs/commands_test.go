package docs_test

import (
	"testing"

	"twokey/commands"
)

// TestCommands keeps docs/commands.md to what the bot knows.
func TestCommands(t *testing.T) {
	t.Parallel()
	compareFile(t, "commands.md", []byte(commands.Manual()))
}
