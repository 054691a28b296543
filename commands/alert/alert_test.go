package alert

import (
	"testing"
	"time"
)

func TestSpacing(t *testing.T) {
	t.Parallel()
	want := []time.Duration{24, 1, 2, 4, 8, 16, 24, 24}
	for n, hours := range want {
		if got := Spacing(n); got != hours*time.Hour {
			t.Errorf("Spacing(%d) = %v, want %d h", n, got, hours)
		}
	}
}
