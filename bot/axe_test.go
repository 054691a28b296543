//go:build outside

package main

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"twokey/bot/browsertest"
)

// TestAxeConsole has axe-core judge the console in every state that tourConsole
// leads to, light and dark.
func TestAxeConsole(t *testing.T) {
	axe := browsertest.Axe(t)
	d := startDemo(t)
	b := &page{T: t, ctx: browsertest.Start(t)}
	judged := 0
	tourConsole(d, b, func(name string) {
		for _, scheme := range []string{"light", "dark"} {
			b.do(func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
				_, err = cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
				}})
				return none, err
			})
			judged++
			if found := browsertest.Judge(b.ctx, t, axe); found != "" {
				t.Errorf("%s, %s: %s", name, scheme, found)
			}
		}
	})
	t.Logf("axe-core judged %d states and found no violation, unless it is said above", judged)
}
