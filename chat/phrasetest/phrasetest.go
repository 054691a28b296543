// Package phrasetest finds what a package says and does not translate.
package phrasetest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"twokey/chat/phrases"
)

// Source is what a package's files say.
type Source struct {
	Said  map[string]string // by sentence: where
	Loose []string          // what looks like a sentence for people and is not said by a voice, with where
	Wrong []string          // calls of Say whose sentence cannot be read, with where
}

// Read parses the Go files of a folder, without tests. In the files named
// whole everything that looks like a sentence must be said by a voice.
func Read(t testing.TB, dir string, whole ...string) Source {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	s := Source{Said: make(map[string]string)}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.read(set, f, slices.Contains(whole, filepath.Base(name)))
	}
	for _, name := range whole {
		if !slices.Contains(names, filepath.Join(dir, name)) {
			t.Errorf("there is no file %s", name)
		}
	}
	return s
}

// Parse is Read for one file that is given as text.
func Parse(t testing.TB, source string) Source {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "source.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := Source{Said: make(map[string]string)}
	s.read(set, f, true)
	return s
}

func (s *Source) read(set *token.FileSet, f *ast.File, whole bool) {
	spoken := make(map[ast.Node]bool) // said, or not for people
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			s.call(set, n, spoken)
		case *ast.KeyValueExpr: // help is generated from these, in English
			if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Name" || key.Name == "Summary" || key.Name == "Example") {
				spoken[n.Value] = true
			}
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.BasicLit:
			if text, ok := literal(n); ok && whole && !spoken[n] && sentence(text) {
				s.Loose = append(s.Loose, fmt.Sprintf("%s: %q", set.Position(n.Pos()), text))
			}
		}
		return !spoken[n]
	})
}

// call notes what a call says: Say of a voice, Mark, or an error for the log.
func (s *Source) call(set *token.FileSet, c *ast.CallExpr, spoken map[ast.Node]bool) {
	name := ""
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	if len(c.Args) == 0 {
		return
	}
	first := c.Args[0]
	switch name {
	case "Errorf", "New":
		spoken[first] = true
	case "Say", "Mark":
		text, ok := literal(first)
		switch {
		case ok:
			s.Said[text] = set.Position(c.Pos()).String()
			spoken[first] = true
		case name == "Mark" || isBinary(first): // a variable holds what is marked elsewhere
			s.Wrong = append(s.Wrong, fmt.Sprintf("%s: %s of what is not one piece of text", set.Position(c.Pos()), name))
		}
	}
}

func isBinary(e ast.Expr) bool { _, ok := e.(*ast.BinaryExpr); return ok }

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// words is what only sentences for people have: a word of letters, a space,
// and another.
var words = regexp.MustCompile(`\pL\pL+[,:;]? \pL+`)

func sentence(text string) bool { return words.MatchString(text) }

// Check compares what a package says with its translations.
func Check(t testing.TB, b *phrases.Book, s Source) {
	t.Helper()
	for _, problem := range Problems(b, s) {
		t.Error(problem)
	}
	if len(s.Said) == 0 {
		t.Error("nothing is said by a voice")
	}
}

// Problems returns what Check fails for, sorted.
func Problems(b *phrases.Book, s Source) (all []string) {
	for _, loose := range s.Loose {
		all = append(all, loose+" is not said by a voice")
	}
	all = append(all, s.Wrong...)
	for _, l := range phrases.Languages()[1:] {
		page := b.Page(l)
		for english, where := range s.Said {
			switch text, ok := page[english]; {
			case !ok || text == "":
				all = append(all, fmt.Sprintf("%s: %q is not translated (%s)", l, english, where))
			case text == english && sentence(english):
				all = append(all, fmt.Sprintf("%s: %q is still English", l, english))
			default:
				all = append(all, differ(l, english, text)...)
			}
		}
		for english := range page {
			if _, ok := s.Said[english]; !ok {
				all = append(all, fmt.Sprintf("%s: %q is translated, and nobody says it", l, english))
			}
		}
	}
	slices.Sort(all)
	return all
}

var (
	placeholder = regexp.MustCompile(`%(\[\d+\])?[-+# 0]*\d*(\.\d+)?[a-zA-Z%]`)
	// typed is what people type, and names and numbers that are the same everywhere.
	typed = regexp.MustCompile(`/mfa [a-z]+|aka\.ms/\w+`)
)

// differ returns where a translation has other placeholders than the English,
// or does not name the same command.
func differ(l phrases.Language, english, text string) (all []string) {
	if want, got := verbs(english), verbs(text); !slices.Equal(want, got) {
		all = append(all, fmt.Sprintf("%s: %q has the placeholders %q, want %q", l, text, got, want))
	}
	if want, got := sorted(typed.FindAllString(english, -1)), sorted(typed.FindAllString(text, -1)); !slices.Equal(want, got) {
		all = append(all, fmt.Sprintf("%s: %q names %q, want %q", l, text, got, want))
	}
	return all
}

// verbs returns each placeholder with the number of its argument, sorted.
func verbs(text string) (all []string) {
	next := 1
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		verb := m[0]
		if strings.HasSuffix(verb, "%") {
			continue
		}
		if m[1] != "" {
			next, _ = strconv.Atoi(strings.Trim(m[1], "[]"))
			verb = strings.Replace(verb, m[1], "", 1)
		}
		all = append(all, fmt.Sprintf("%d%s", next, verb))
		next++
	}
	return sorted(all)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
