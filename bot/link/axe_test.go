//go:build outside

package link_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

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
			found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](axe+`; axe.run(document, {resultTypes: ['violations']}).then((r) =>
				r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ')).join('\n') + (r.passes.length ? '' : 'nothing was judged'))`, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if judged++; strings.TrimSpace(found) != "" {
				t.Errorf("%s, %s: %s", name, scheme, found)
			}
		}
	})
	t.Logf("axe-core judged %d pages and found no violation, unless it is said above", judged)
}
