package commands

import (
	"strings"
	"testing"
)

// TestAside holds that what panics beside a command fails with it, and alone.
func TestAside(t *testing.T) {
	t.Parallel()
	n := 0
	aside(func() { n = 1 })()
	if n != 1 {
		t.Error("nobody waited for it")
	}
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "odd") || !strings.Contains(err.Error(), "TestAside") {
			t.Errorf("the panic is %v", err)
		}
	}()
	aside(func() { panic("odd") })()
	t.Error("the panic is lost")
}
