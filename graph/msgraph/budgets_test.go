package msgraph

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryBudgetHasALimit checks that none is forgotten in the table, and that
// an unbudgeted client has none.
func TestEveryBudgetHasALimit(t *testing.T) {
	t.Parallel()
	for b, limiter := range newBudgets(false) {
		if got, want := limiter.Most(false), limits[b].Units; got != want || got == 0 || limits[b].Window == 0 {
			t.Errorf("budget %d: got %d units in %v, want the table's %d and a window", b, got, limits[b].Window, want)
		}
	}
	for b, limiter := range newBudgets(true) {
		if got := limiter.Most(false); got != math.MaxInt {
			t.Errorf("budget %d, unbudgeted: got %d units, want no limit", b, got)
		}
	}
}

// TestEveryBudgetIsSpent checks that each is named by an operation.
func TestEveryBudgetIsSpent(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	spent := map[string]bool{"identityBudget": true} // of whoever names none
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if strings.HasSuffix(n.Names[0].Name, "Budget") {
					declared[n.Names[0].Name] = true
				}
			case *ast.KeyValueExpr:
				key, _ := n.Key.(*ast.Ident)
				value, ok := n.Value.(*ast.Ident)
				if ok && key != nil && key.Name == "budget" {
					spent[value.Name] = true
				}
			}
			return true
		})
	}
	if len(declared) != int(budgets) {
		t.Errorf("found %d budgets, want all %d", len(declared), budgets)
	}
	for name := range declared {
		if !spent[name] {
			t.Errorf("no operation spends %s", name)
		}
	}
}
