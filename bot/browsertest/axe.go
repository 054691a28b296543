//go:build outside

package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
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

// Judge returns what the script that [Axe] returned finds wrong with the page of a
// browser as it is shown, one violation a line; empty if nothing.
func Judge(ctx context.Context, t testing.TB, axe string) string {
	t.Helper()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](axe+`; axe.run(document, {resultTypes: ['violations']}).then((r) =>
		r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ')).join('\n') + (r.passes.length ? '' : 'nothing was judged'))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(found)
}
