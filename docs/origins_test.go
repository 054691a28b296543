package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestOrigins holds that docs/figures-origins.md says of each figure once where it
// comes from, and of no others.
func TestOrigins(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	table, _, _ := strings.Cut(read("figures.md"), "## Lists")
	want := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		want[m[1]] = true
	}
	said := map[string]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(read("figures-origins.md"), -1) {
		for _, f := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			said[f[1]]++
		}
	}
	for f := range want {
		if said[f] != 1 {
			t.Errorf("docs/figures-origins.md says %d times where %s comes from", said[f], f)
		}
	}
	for f := range said {
		if !want[f] {
			t.Errorf("docs/figures-origins.md speaks of %s, which is no figure", f)
		}
	}
	if len(want) < 30 {
		t.Errorf("only %d figures were found", len(want))
	}
}
