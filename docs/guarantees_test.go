package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated documents anew")

// guarantee is a promise of the bot, and the open cases that try it. Tests
// belong to it by their names: TestG01…, and TestO02… for its case O02.
type guarantee struct {
	id, says string
	cases    []string
	figure   string // what the tests hold, beyond that they pass
	later    string // why there is no test yet
}

// TestGuarantees keeps docs/guarantees.md true: each promise has tests, or
// says why not, and each test that carries a number is in the table.
func TestGuarantees(t *testing.T) {
	t.Parallel()
	tests := numbered(t)
	var out bytes.Buffer
	fmt.Fprint(&out, guaranteesHead)
	listed := map[string]bool{}
	row := func(id, says, figure, later string, cases []string) {
		names := tests[id]
		for _, c := range cases {
			if tests[c] == nil && later == "" {
				t.Errorf("%s: case %s has no test", id, c)
			}
			names = append(names, tests[c]...)
			listed[c] = true
		}
		listed[id] = true
		if len(names) == 0 && later == "" {
			t.Errorf("%s has no test: %s", id, says)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", id, says, strings.Join(quotedNames(names), ", "), strings.TrimSpace(figure+" "+later))
	}
	fmt.Fprint(&out, "| | the promise | tests | figure |\n|---|---|---|---|\n")
	for i, g := range guarantees {
		if want := fmt.Sprintf("G%02d", i+1); g.id != want {
			t.Errorf("%s stands where %s belongs", g.id, want)
		}
		row(g.id, g.says, g.figure, g.later, g.cases)
	}
	fmt.Fprint(&out, rulesHead, "| | the rule | tests | |\n|---|---|---|---|\n")
	for _, r := range userRules {
		row(r.id, r.says, r.figure, r.later, r.cases)
	}
	for id := range tests {
		if !listed[id] {
			t.Errorf("%s has tests and no row: %q", id, tests[id])
		}
	}
	if len(guarantees) != 38 {
		t.Errorf("%d guarantees, want 38", len(guarantees))
	}
	compareFile(t, "guarantees.md", out.Bytes())
}

// compareFile wants a generated file to be what it would be now.
func compareFile(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/%s is not what it would be now (%v): go test ./docs -update writes it anew", name, err)
	}
}

func quotedNames(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "`" + n + "`"
	}
	return out
}

var (
	number = regexp.MustCompile(`^Test([GOU][0-9]{2})([^0-9]|$)`)
	part   = regexp.MustCompile(`^"([GOU][0-9]{2}): `) // the name of a subtest
)

// numbered returns the tests that carry a number, by it: "package.TestO01…".
func numbered(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	for _, f := range sources(t) {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !f.test || fn.Recv != nil {
				continue
			}
			name := f.dir + "." + fn.Name.Name
			if m := number.FindStringSubmatch(fn.Name.Name); m != nil {
				tests[m[1]] = append(tests[m[1]], name)
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || !strings.HasPrefix(fn.Name.Name, "Test") {
					return true
				}
				if m := part.FindStringSubmatch(lit.Value); m != nil && !slices.Contains(tests[m[1]], name+" ("+m[1]+")") {
					tests[m[1]] = append(tests[m[1]], name+" ("+m[1]+")")
				}
				return true
			})
		}
	}
	for _, names := range tests {
		slices.Sort(names)
	}
	return tests
}
