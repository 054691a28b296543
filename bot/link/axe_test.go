//go:build outside

package link_test

import (
	"testing"

	"twokey/bot/browsertest"
)

// TestOutsideLinkAxe has axe-core judge every page, light and dark.
func TestOutsideLinkAxe(t *testing.T) {
	axe := browsertest.Axe(t)
	b := chromium(t, open(t, options{})).fresh(t)
	judged := 0
	b.tour(func(name string) {
		for _, scheme := range []string{"light", "dark"} {
			b.look(name+"-"+scheme, scheme)
			judged++
			if found := browsertest.Judge(b.ctx, t, axe); found != "" {
				t.Errorf("%s, %s: %s", name, scheme, found)
			}
		}
	})
	t.Logf("axe-core judged %d pages and found no violation, unless it is said above", judged)
}
