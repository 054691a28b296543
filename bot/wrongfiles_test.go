package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/configuration-mistakes.md anew")

const wrongHead = `# What Twokey says of wrong configurations

Each is what “twokey serve --check --config twokey.yaml” says of one file with one thing wrong, with the line it speaks of.
The files are in [bot/testdata/wrong](../bot/testdata/wrong), and ` + "`go test ./bot -run TestWrongFiles -update`" + ` wrote this page from them.
How a right one looks is told in [the configuration](configuration.md).
`

// wrongParts are the headings of the page, each before the file of its number.
var wrongParts = map[int]string{1: "Keys", 10: "YAML", 29: "Secrets", 42: "Values", 68: "What keys want of each other", 96: "The file itself"}

// remedy is how a sentence says what to do, or what would be right.
var remedy = regexp.MustCompile(`; |: set |want |did you mean|write |give |there are .*, |it belongs in|as [A-Z0-9]`)

// TestWrongFiles has the program read each wrong file as somebody would who
// wrote it, and holds that every sentence has a line and a remedy, that none
// repeats a secret, and that docs/configuration-mistakes.md shows them as they
// are.
func TestWrongFiles(t *testing.T) {
	t.Setenv("TWOKEY_WRONG_FILES_SET", "canary")
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	page := strings.Builder{}
	page.WriteString(wrongHead)
	for i, file := range files {
		if number, err := strconv.Atoi(filepath.Base(file)[:strings.Index(filepath.Base(file), "-")]); err != nil || number != i+1 {
			t.Fatalf("%s is the %dth", file, i+1)
		}
		if heading := wrongParts[i+1]; heading != "" {
			fmt.Fprintf(&page, "\n## %s\n", heading)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		said := checkedSays(t, func(path string) error { return os.WriteFile(path, text, 0o600) })
		for _, line := range said {
			if !strings.HasPrefix(line, "twokey.yaml:") {
				t.Errorf("%s: no line: %s", file, line)
			}
		}
		show(&page, title(file), text, said)
	}
	for _, c := range []struct {
		title string
		make  func(path string) error
	}{
		{"An empty file", func(path string) error { return os.WriteFile(path, nil, 0o600) }},
		{"A file that is not there", func(string) error { return nil }},
		{"A folder instead of a file", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"A file that is far too large", func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("# more\n", 50_000)), 0o600)
		}},
	} {
		show(&page, c.title, nil, checkedSays(t, c.make))
	}
	const name = "../docs/configuration-mistakes.md"
	if *update {
		if err := os.WriteFile(name, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != page.String() {
		t.Errorf("%s is not what it would be now (%v): -update writes it anew", name, err)
	}
	t.Logf("%d wrong configurations", strings.Count(page.String(), "\n### "))
}

// checked runs the check on a file that make makes beside the secrets' files.
func checked(t *testing.T, make func(path string) error) (status int, said, wrong string) {
	t.Helper()
	folder := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"reader.pem": 0o600, "reader.secret": 0o600, "writer.secret": 0o600, "slack.app-token": 0o640, "slack.bot-token": 0o400, "slack.signing-secret": 0o600,
		"discord.token": 0o600, "open.secret": 0o644, "web.pem": 0o600,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("canary\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"empty.secret": "\n", "large.secret": strings.Repeat("canary", 50_000), "teams.webhook": "https://hooks.example/canary"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "twokey.yaml")
	if err := make(path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs safeBuffer
	status = run(ctx, []string{"serve", "--check", "--config", path}, streams{strings.NewReader(""), &out, &errs})
	without := strings.NewReplacer(folder+"/", "")
	return status, without.Replace(out.String()), without.Replace(errs.String())
}

// checkedSays returns the sentences about a file that is wrong.
func checkedSays(t *testing.T, make func(path string) error) []string {
	t.Helper()
	status, said, wrong := checked(t, make)
	if status != 1 || said != "" || strings.Contains(wrong, "canary") || strings.Contains(wrong, "goroutine") {
		t.Errorf("status %d, %q: %s", status, said, wrong)
	}
	lines := strings.Split(strings.TrimSuffix(strings.TrimPrefix(wrong, "twokey: "), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
		if !remedy.MatchString(line) {
			t.Errorf("no remedy: %s", line)
		}
	}
	return lines
}

func title(file string) string {
	words := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".yaml")[4:], "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

var saidLine = regexp.MustCompile(`^twokey\.yaml:(\d+): `)

// show writes one case: the lines that are spoken of, and what is said.
func show(page *strings.Builder, title string, text []byte, said []string) {
	lines := strings.Split(strings.ReplaceAll(string(text), "\x00", ""), "\n")
	if first, ok := strings.CutPrefix(lines[0], "# "); ok {
		title = first
	}
	fmt.Fprintf(page, "\n### %s\n\n", title)
	var spoken []int
	for _, s := range said {
		if m := saidLine.FindStringSubmatch(s); m != nil {
			if n, _ := strconv.Atoi(m[1]); n > 1 && n <= len(lines) && !slices.Contains(spoken, n) {
				spoken = append(spoken, n)
			}
		}
	}
	if len(spoken) > 0 {
		page.WriteString("```text\n")
		for _, n := range spoken {
			fmt.Fprintf(page, "%3d  %s\n", n, strings.ToValidUTF8(strings.ReplaceAll(lines[n-1], "\t", "→"), "�"))
		}
		page.WriteString("```\n\n")
	}
	for _, s := range said {
		fmt.Fprintf(page, "> %s\n", s)
	}
}

// TestRightFiles holds what does not matter: how lines end, what editors put
// before the first, and how values are written.
func TestRightFiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/right.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plain := string(text)
	for name, text := range map[string]string{
		"as it is":              plain,
		"from Windows":          "\ufeff" + strings.ReplaceAll(plain, "\n", "\r\n"),
		"with a beginning":      "---\n" + plain + "...\n",
		"without a last line":   strings.TrimSuffix(plain, "\n"),
		"quoted":                strings.NewReplacer("15m", `"15m"`, "socket", "'socket'").Replace(plain),
		"empty sections":        strings.ReplaceAll(plain, "  wait: 15m\n", ""),
		"with spaces behind":    strings.ReplaceAll(plain, "\n", "  \n"),
		"an ID in capitals":     strings.ReplaceAll(plain, "0000000a", "0000000A"),
		"a list on many lines":  strings.ReplaceAll(plain, "[rescue1@vale.example]", "\n      - rescue1@vale.example"),
		"a variable's own name": strings.ReplaceAll(plain, "bot_token_file: slack.bot-token", "bot_token_env: PATH"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, said, wrong := checked(t, func(path string) error { return os.WriteFile(path, []byte(text), 0o600) })
			if status != 0 || wrong != "" || !strings.HasPrefix(said, "twokey.yaml is in order") {
				t.Errorf("status %d: %s%s", status, said, wrong)
			}
		})
	}
}
