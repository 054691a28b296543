package msgraph

import (
	"math"
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
