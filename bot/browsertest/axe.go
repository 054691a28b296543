//go:build outside

package browsertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// axe is the pinned package of npm.
const axe = "axe-core@4.14.1"

// Axe downloads axe-core, which judges whether people who see, hear or move
// otherwise can use a page, and returns its script.
func Axe(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--prefix", dir, axe).CombinedOutput(); err != nil {
		t.Fatalf("npm install %s: %v\n%s", axe, err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}
