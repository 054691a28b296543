package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	shellBlock   = regexp.MustCompile("(?ms)^ *```(?:sh|text)\n(.*?)^ *```$")
	inlineCode   = regexp.MustCompile("`((?:twokey|go run \\./bot) [^`]+)`")
	commandLine  = regexp.MustCompile(`(?m)^ *(?:[A-Z_]+=\S+ )*(?:twokey|go run \./bot) (.*)$`)
	shellWord    = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)
	alternatives = regexp.MustCompile(`\|\S+`)
	redirected   = regexp.MustCompile(`\s(?:[>|]|#|\|\|).*$`)
)

// TestDocumentedCommands holds that each command line of this program in the
// documents is one that it takes. Within a sentence flags may be left out.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/decisions/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	looked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			for _, line := range commandLine.FindAllStringSubmatch(block[1], -1) {
				looked++
				if err := taken(line[1]); err != nil {
					t.Errorf("%s: %s: %v", page, line[0], err)
				}
			}
		}
		if strings.Contains(page, "decisions") {
			continue // which also speak of what there is not
		}
		for _, code := range inlineCode.FindAllStringSubmatch(shellBlock.ReplaceAllString(string(text), ""), -1) {
			looked++
			_, line, _ := strings.Cut(strings.TrimPrefix(code[1], "go run "), " ")
			err := taken(alternatives.ReplaceAllString(line, ""))
			if err != nil && (strings.HasPrefix(err.Error(), "unexpected argument") || strings.HasPrefix(err.Error(), "unknown flag")) {
				t.Errorf("%s: %s: %v", page, code[1], err)
			}
		}
	}
	if looked < 60 {
		t.Errorf("only %d command lines were found", looked)
	}
	t.Logf("%d command lines", looked)
}

// taken returns an error if the program does not take a command line.
func taken(line string) error {
	line = redirected.ReplaceAllString(line, "")
	words := shellWord.FindAllString(line, -1)
	for i, w := range words {
		words[i] = strings.Trim(w, `"'`)
	}
	parser, err := kong.New(&program{}, kong.Name("twokey"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	_, err = parser.Parse(words)
	return err
}
