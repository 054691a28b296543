//go:build planted

package docs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPlanted asks whether the tests bite: each mistake of the list is planted
// in turn, in a copy that only the compiler sees, and the tests that answer
// for it must then fail. Unspoiled they must pass, or their failing says
// nothing.
//
//	go test -tags planted ./docs -run TestPlanted -v -timeout 60m
func TestPlanted(t *testing.T) {
	passes := map[string]bool{}
	caught := 0
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			key := m.pkg + " " + m.run
			if !passes[key] {
				if out, err := suite(m, ""); err != nil {
					t.Fatalf("the tests fail without it: %v\n%s", err, out)
				}
				passes[key] = true
			}
			out, err := suite(m, overlay(t, m))
			switch by := failed(out); {
			case err == nil:
				t.Errorf("nobody noticed: go test %s -run %s passes", m.pkg, m.run)
			case by == "":
				t.Errorf("the tests did not run: %v\n%s", err, out)
			default:
				caught++
				t.Logf("caught by %s", by)
			}
		})
	}
	t.Logf("%d of %d caught", caught, len(mistakes))
}

// suite runs the tests that answer for a mistake.
func suite(m mistake, overlay string) (string, error) {
	args := []string{"test", "-count=1", "-timeout=10m", "-run", m.run}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "./"+m.pkg)...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// overlay writes a file with the mistake in it and tells the compiler to take
// it for the real one.
func overlay(t *testing.T, m mistake) string {
	t.Helper()
	spoiled, err := m.spoil()
	if err != nil {
		t.Fatal(err)
	}
	original, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	copied, list := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: copied}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{copied: spoiled, list: string(text)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// failed returns the test that failed first, or how the program ended if it
// did not get so far; "" if no test ran.
func failed(out string) string {
	if m := failure.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	if strings.Contains(out, "panic: ") {
		return "a panic"
	}
	return ""
}
