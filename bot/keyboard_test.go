package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"twokey/bot/browsertest"
)

// tourConsole leads through what the console can show, and calls look at each stop.
func tourConsole(d *demo, b *page, look func(name string)) {
	b.Helper()
	wide, narrow := chromedp.EmulateViewport(1440, 900), chromedp.EmulateViewport(390, 844)
	typed := func(line string) action { return chromedp.SendKeys(chromedp.CSS("#pane1-input"), line) }
	b.do(wide, become(d, "ada/dm"), visible("#pane1-input"))
	look("the start")
	b.do(typed("/mfa help\n"), b.text("/mfa status"))
	look("help")
	b.do(typed("/mfa who missing\n"), visible(".table"))
	look("a table")
	b.do(typed("/mfa tap\n"), b.text("For example"))
	look("a mistake")
	b.do(typed("/mfa defaults enable\n"), visible(`[data-button="confirm"]`), click(`[data-button="confirm"]`), visible(`input[name="reason"]`))
	look("a form")
	b.do(chromedp.SendKeys(chromedp.CSS(`input[name="reason"]`), "everybody has been trained\n"), visible(`[data-button="cancel"]`))
	look("a request of one's own")
	b.do(become(d, "abe/dm"), visible(`[data-button="approve"]`), unfold)
	look("a prompt with its details")
	d.say("ada", "/mfa digest now")
	b.do(become(d, "sam/team"), visible(`img[src*="/images/"]`), unfold)
	look("a digest")
	b.do(become(d, "sam/dm"), visible("#pane1-input"), typed("/mfa\n"), visible(`[data-button="run"]`))
	look("one's own state")
	b.do(typed("i have a new phone\n"), visible(`[data-button="topic"], [data-button="run"]`), b.text("new phone"))
	look("an answer")
	b.do(typed("/mfa lost\n"), b.text("lost, stolen or broken"))
	look("a lost phone")
	b.do(typed("/mfa prompt\n"), b.text("approve"))
	look("a strange prompt")
	b.do(become(d, "vic/dm"), visible("#pane1-input"), typed("/mfa wh"), visible(".suggestions"))
	look("completion")
	b.do(become(d, "ada/dm+abe/dm"), visible("#pane2-input"))
	look("two side by side")
	b.do(narrow, become(d, "sam/dm"), visible("#pane1-input"))
	look("a phone")
}

// unfold opens whatever is folded.
func unfold(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.Evaluate[bool](`(() => { for (const d of document.querySelectorAll('details')) d.open = true; return true; })()`)(ctx, target)
	return chromedp.Void{}, err
}

// TestConsoleByKeyboard holds that in every state of the console each control that
// can be seen is reached by Tab alone, and shows that it is. A page that is drawn
// anew meanwhile, as something has come, is walked again.
func TestConsoleByKeyboard(t *testing.T) {
	d := startDemo(t)
	b := &page{T: t, ctx: browsertest.Start(t)}
	controls := 0
	tourConsole(d, b, func(name string) {
		var w walk
		for range 5 {
			if w = b.walk(name); w.Left == w.Marked {
				break
			}
		}
		if w.Marked <= 5 || w.Left != w.Marked || len(w.Missed) > 0 {
			t.Errorf("%s: of %d controls %d stayed, and Tab reaches all but %q", name, w.Marked, w.Left, w.Missed)
		}
		controls += w.Marked
	})
	t.Logf("%d controls were reached", controls)
}

// walk is what going through a page by Tab has shown.
type walk struct {
	Marked int      // controls that could be seen at its beginning
	Left   int      // of them, those that could be seen at its end
	Missed []string // of those, the ones that had no focus
}

const shownControl = `(e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && e.getClientRects().length > 0 && !e.disabled && e.tabIndex >= 0`

// walk presses Tab until every control must have had the focus.
func (b *page) walk(name string) walk {
	b.Helper()
	const mark = `(() => {
		document.activeElement.blur(); window.scrollTo(0, 0);
		document.getSelection().removeAllRanges();
		let n = 0;
		for (const e of document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')) {
			delete e.dataset.walk;
			if ((` + shownControl + `)(e)) e.dataset.walk = n++;
		}
		return n;
	})()`
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](mark))
	if err != nil {
		b.Fatal(err)
	}
	reached := map[string]bool{}
	for range 2*n + 10 {
		b.do(chromedp.KeyEvent(kb.Tab))
		at, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(() => {
			const e = document.activeElement;
			if (!e || e.dataset.walk === undefined) return '';
			const s = getComputedStyle(e);
			return e.dataset.walk + (s.outlineStyle === 'none' && s.boxShadow === 'none' ? ' unseen ' + e.outerHTML.slice(0, 120) : '');
		})()`))
		if err != nil {
			b.Fatal(err)
		}
		id, unseen, _ := strings.Cut(at, " ")
		if unseen != "" {
			b.Errorf("%s: nobody sees where the focus is: %s", name, unseen)
		}
		if reached[id] = true; len(reached) > n {
			break
		}
	}
	w, err := chromedp.Run(b.ctx, chromedp.Evaluate[walk](fmt.Sprintf(`(() => {
		const left = [...document.querySelectorAll('[data-walk]')].filter(%s);
		return {Left: left.length, Missed: left.filter((e) => !%s.includes(e.dataset.walk)).map((e) => e.outerHTML.slice(0, 120))};
	})()`, shownControl, listed(reached))))
	if err != nil {
		b.Fatal(err)
	}
	w.Marked = n
	return w
}

func listed(ids map[string]bool) string {
	var all []string
	for id := range ids {
		all = append(all, "'"+id+"'")
	}
	return "[" + strings.Join(all, ",") + "]"
}
