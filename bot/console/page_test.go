package console_test

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"twokey/bot/browsertest"
	"twokey/bot/console"
	"twokey/chat"
)

// tab is a page of the console in a tab of its own.
type tab struct {
	*testing.T
	*desk
	ctx context.Context
}

type step = chromedp.Action[chromedp.Void]

// open opens the console at a place such as "#ada/dm". Whatever the page
// throws, and whatever its own policy forbids it, fails the test.
func open(t *testing.T, browser context.Context, place string, change ...func(*console.Config)) *tab {
	t.Helper()
	change = append(change, func(cfg *console.Config) { cfg.Commands = commandSpecs })
	d := setup(t, change...)
	d.answers((&script{console: d.console}).Handle)
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{T: t, desk: d, ctx: ctx}
	if err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw %v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
				t.Errorf("the browser says: %s", e.Entry.Text)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	b.steps(chromedp.EmulateViewport(1280, 860), chromedp.Navigate(d.server.URL+"/"+place), see("#pane1-input"), see(".head, .welcome"))
	return b
}

// steps does one thing after the other, each for half a minute at most.
func (b *tab) steps(steps ...step) {
	b.Helper()
	for i, s := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		err := chromedp.Do(ctx, s)
		cancel()
		if err != nil {
			b.Fatalf("step %d of %d: %v", i+1, len(steps), err)
		}
	}
}

func see(selector string) step   { return chromedp.WaitVisible(chromedp.CSS(selector)) }
func gone(selector string) step  { return chromedp.WaitNotPresent(chromedp.CSS(selector)) }
func click(selector string) step { return chromedp.Click(chromedp.CSS(selector)) }

func keys(selector, typed string) step { return chromedp.SendKeys(chromedp.CSS(selector), typed) }

// enter presses the key as a keyboard does. SendKeys would type its character
// even where the page has taken the key for itself.
func enter(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13,
		}); err != nil {
			return chromedp.Void{}, err
		}
	}
	return chromedp.Void{}, nil
}

// until waits for an expression to become true.
func until(expression string) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool](expression)(ctx, target)
		return chromedp.Void{}, err
	}
}

// announced waits until a screen reader is told a sentence.
func announced(say string) step {
	return until("[...document.querySelectorAll('#status p')].some((p) => p.textContent === '" + say + "')")
}

// value returns what an expression is on the page.
func value[T any](b *tab, expression string, how ...chromedp.EvaluateOption) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, how...))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) is(what, expression, want string) {
	b.Helper()
	if got := value[string](b, expression); got != want {
		b.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	ctx := browsertest.Start(t)
	for _, tc := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"choose a person", choosePerson},
		{"type with completion", typeWithCompletion},
		{"completion of choices", completeChoices},
		{"decide and see it live", decideLive},
		{"a form survives an edit", formSurvivesEdit},
		{"words stay words", wordsStayWords},
		{"private answer in a channel", privateAnswer},
		{"the connection comes back", connectionComesBack},
		{"the clock moves", clockMoves},
		{"refusals are said", refusalsAreSaid},
		{"looks", looks},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, ctx) })
	}
}

func choosePerson(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "")
	b.is("who opens first", `document.querySelector('#people [aria-current] .name').textContent`, "Ada Adler")
	b.is("notes", `document.querySelector('#notes ul').textContent`, "The approval wait is 10 s here instead of 15 min.Choosing a person counts as their sign-in.")

	b.post(t, direct("bea"), "", openPrompt)
	b.post(t, channel("admins"), "", chat.Message{Text: "for the admins"})
	b.steps(see(`[data-key="person-bea"] .dot`), click(`[data-key="person-bea"]`), see(`[data-button="approve"]`))
	b.is("chosen", `document.querySelector('#people [aria-current] .name').textContent`, "Bea Brandt")
	b.is("address", `location.hash`, "#bea/dm")
	b.is("unread in #admins", `document.querySelector('[data-key="pane1-admins"] .count').textContent`, "1 unread")
	b.is("title", `document.title`, "(1) Twokey")
	b.steps(click(`#conversations [data-key="pane1-admins"]`), gone(`[data-key="pane1-admins"] .count`))
	b.is("title after reading", `document.title`, "Twokey")
	b.is("focus stays", `document.activeElement.dataset.key`, "pane1-admins")

	b.steps(click(`[data-key="person-sam"]`), see(`.welcome`))
	b.is("sam's conversations", `document.querySelector('#conversations').innerText`, "Twokey\n#team")
}

func typeWithCompletion(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/dm")
	const in = "#pane1-input"
	active := `document.getElementById(document.querySelector('#pane1-input').getAttribute('aria-activedescendant'))?.querySelector('.what').textContent || ''`
	line := `document.querySelector('#pane1-input').value`
	b.steps(keys(in, "/mfa t"), see(".suggestions"))
	b.is("expanded", `document.querySelector('#pane1-input').ariaExpanded`, "true")
	b.is("nothing active yet", active, "")
	b.steps(keys(in, kb.ArrowDown))
	b.is("first", active, "/mfa tap")
	b.steps(keys(in, kb.ArrowDown))
	b.is("second", active, "/mfa tap-policy show")
	b.steps(keys(in, kb.ArrowDown))
	b.is("round", active, "/mfa tap")
	b.steps(keys(in, kb.Escape), chromedp.WaitNotVisible(chromedp.CSS(".suggestions")))
	b.is("left as typed", line, "/mfa t")

	b.steps(keys(in, "a"), see(".suggestions"), keys(in, kb.Tab))
	b.is("taken by Tab", line, "/mfa tap ")
	b.is("focus", `document.activeElement.id`, "pane1-input")
	b.is("usage", `document.querySelector('.usage').textContent`, "/mfa tap <user> [reason…]  ·  Ask for a Temporary Access Pass for somebody.")
	b.steps(keys(in, "sue New phone"+kb.Enter), see(`[data-button="cancel"]`))
	b.is("shown as typed", `document.querySelector('.typed').textContent`, "/mfa tap sue New phone")
	b.is("line is empty again", line, "")
	if e := <-b.events; e.Kind != chat.Command || e.Text != "tap sue New phone" {
		t.Errorf("event %+v, want the command as typed", e)
	}
	b.steps(keys(in, kb.ArrowUp))
	b.is("brought back", line, "/mfa tap sue New phone")
}

func completeChoices(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/dm")
	const in = "#pane1-input"
	b.steps(keys(in, "/mfa who s"), see(".suggestions"), keys(in, kb.ArrowDown), enter)
	b.is("taken by Enter", `document.querySelector('#pane1-input').value`, "/mfa who single")
	b.steps(keys(in, kb.Enter), see("table"))
	b.is("a number's column", `document.querySelector('td:nth-child(4)').className`, "number")
}

func decideLive(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/dm+bea/dm")
	b.steps(see("#pane2-input"), keys("#pane1-input", "/mfa tap sue New phone"+kb.Enter), see(`#pane2-m000003 [data-button="deny"]`))
	b.steps(announced("Ada Adler, Twokey, new: Asked Abe Abernathy and Bea Brandt"), announced("Bea Brandt, Twokey, new: Ada Adler asks for your decision"))

	b.steps(click(`[data-button="deny"]`), see("form.ask"))
	b.is("focus in the first field", `document.activeElement.name`, "reason")
	b.steps(keys("form.ask input", kb.Escape), gone("form.ask"))
	b.is("focus back on the button", `document.activeElement.dataset.button`, "deny")
	b.steps(keys(`[data-button="deny"]`, kb.Enter), see("form.ask"), keys("form.ask input", kb.Enter), see("form.ask .wrong"))
	b.is("said what is missing", `document.querySelector('form.ask .wrong').textContent`, "Reason is needed.")
	b.is("marked", `document.activeElement.ariaInvalid`, "true")

	b.steps(keys("form.ask input", "Call her first"+kb.Enter), gone(`#pane2 form.ask, [data-button="deny"]`))
	b.is("the approver's side", `document.querySelector('#pane2-m000003 dl > div:last-child').innerText.replace(/\s+/g, ' ')`, "Decision Denied by bea: Call her first")
	b.is("marked as edited", `document.querySelector('#pane2-m000003 .mark').textContent`, "edited")
	b.is("focus on the message", `document.activeElement.id`, "pane2-m000003")
	b.steps(until(`document.querySelector('#pane1-m000006 h3')?.textContent === 'Your request was decided'`))
	b.is("the details are folded", `String(document.querySelector('#pane2-m000003 details').open)`, "false")

	b.steps(click("#split"), gone("#pane2-input"))
	b.is("address", `location.hash`, "#ada/dm")
}

func formSurvivesEdit(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#bea/dm")
	id := b.post(t, direct("bea"), "", prompt(""))
	b.steps(click(`[data-button="deny"]`), see("form.ask"), keys("form.ask input", "half a sen"), click(".card summary"), click("form.ask input"))
	changed := prompt("")
	changed.Headline = "Ada Adler asks again for a one-time pass"
	if err := b.console.Edit(t.Context(), direct("bea"), id, changed); err != nil {
		t.Fatal(err)
	}
	b.steps(until(`document.querySelector('.card h3').textContent.includes('asks again')`), see("form.ask"))
	b.is("what was typed", `document.querySelector('form.ask input').value`, "half a sen")
	b.is("focus", `document.activeElement.name`, "reason")
	b.is("details stay unfolded", `String(document.querySelector('.card details').open)`, "true")
	if err := b.console.Edit(t.Context(), direct("bea"), id, prompt("Denied by abe: no")); err != nil {
		t.Fatal(err)
	}
	b.steps(gone("form.ask"))
	b.is("focus on what is left", `document.activeElement.id`, "pane1-"+id)
}

func wordsStayWords(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/team")
	const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	b.post(t, channel("team"), "", chat.Message{
		Headline: evil, Text: evil, Steps: []string{evil}, Fields: []chat.Field{{Label: evil, Value: evil}},
		Table: &chat.Table{Header: []string{evil}, Rows: [][]string{{evil}}}, Details: []chat.Field{{Label: evil, Value: evil}},
		Links: []chat.Link{
			{Label: "good", URL: "https://mysignins.microsoft.com/"},
			{Label: "script", URL: "javascript:alert(1)"},
			{Label: "plain", URL: "http://example.com/"},
			{Label: "broken", URL: "https://"},
		},
		Footer: evil, Buttons: []chat.Button{{ID: `"]x`, Label: evil, Form: []chat.FormField{{ID: "a b", Label: evil}}}},
	})
	b.steps(keys("#pane1-input", evil+kb.Enter), see(".typed"), click("[data-button]"), see("form.ask"))
	b.is("title", `document.title`, "Twokey")
	b.is("made of it", `String(document.querySelectorAll('.messages script, .messages [onerror], .card img').length)`, "0")
	b.is("headline", `document.querySelector('.card h3').textContent`, evil)
	b.is("links", `[...document.querySelectorAll('.links a')].map((a) => a.href + ' ' + a.rel).join()`, "https://mysignins.microsoft.com/ noopener noreferrer")
	b.is("other addresses", `[...document.querySelectorAll('.links li')].slice(1).map((l) => l.textContent).join()`, "script: javascript:alert(1),plain: http://example.com/,broken: https://")
}

func connectionComesBack(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/dm")
	last := func(text string) step {
		return until(`[...document.querySelectorAll('.card')].at(-1)?.textContent === '` + text + `'`)
	}
	b.post(t, direct("ada"), "", chat.Message{Text: "said before"})
	b.steps(last("said before")) // so the connection stands
	b.gate.Lock()
	again := sync.OnceFunc(b.gate.Unlock)
	defer again()
	b.server.CloseClientConnections()
	b.steps(see(".offline"))
	b.is("said", `document.querySelector('.offline').textContent`, "The connection is lost. Trying again …")
	b.post(t, direct("ada"), "", chat.Message{Text: "said meanwhile"})
	again()
	b.steps(until(`document.querySelector('.offline').textContent === ''`), last("said meanwhile"))
}

func clockMoves(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/dm")
	now := func(want string) step { return until(`document.querySelector('#now').textContent === '` + want + `'`) }
	b.steps(now("Mon 23 Nov, 09:00"), click(`[data-by="10m"]`), now("Mon 23 Nov, 09:10"), click(`[data-by="8h"]`), now("Mon 23 Nov, 17:10"), click(`[data-to]`), now("Mon 30 Nov, 09:00"))
	still := open(t, ctx, "#ada/dm", func(cfg *console.Config) { cfg.Advance = nil })
	still.steps(now("Mon 23 Nov, 09:00"), chromedp.WaitNotVisible(chromedp.CSS("#jumps")))
}

func refusalsAreSaid(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/dm")
	b.steps(chromedp.SetValue(chromedp.CSS("#pane1-input"), strings.Repeat("x", 4001)), keys("#pane1-input", kb.Enter), see(".composer .wrong"))
	b.is("said", `document.querySelector('.composer .wrong').textContent`, "The text has 4001 characters and may have 4000; send it in parts.")
	b.is("kept to be mended", `String(document.querySelector('#pane1-input').value.length)`, "4001")
}

func privateAnswer(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/admins+bea/admins")
	b.steps(see("#pane2-input"), keys("#pane1-input", "/mfa who missing"+kb.Enter), see("#pane1-m000002 table"), see("#pane2-m000001"))
	b.is("marked", `document.querySelector('#pane1-m000002 .private').textContent`, "Only you can see this")
	b.is("bea sees", `String(document.querySelectorAll('#pane2-input, [id^="pane2-m"].message').length)`, "2")
}

// looks opens every kind of message in both palettes, wide and at 360 px:
// nothing may stick out, and dark must be dark. TWOKEY_SHOTS names a folder
// that gets the pictures.
func looks(t *testing.T, ctx context.Context) {
	b := open(t, ctx, "#ada/dm")
	b.post(t, channel("team"), "", digest(t))
	b.steps(shot(b, "welcome"), keys("#pane1-input", "/mfa t"), see(".suggestions"), keys("#pane1-input", kb.ArrowDown), shot(b, "completion"))
	b.steps(keys("#pane1-input", kb.Tab+"sue New phone"+kb.Enter), see(`[data-button="cancel"]`))
	b.steps(keys("#pane1-input", "/mfa who missing"+kb.Enter), see("table"), shot(b, "table"))
	b.steps(keys("#pane1-input", "how do I set up my iPhone?"+kb.Enter), see(".steps"), shot(b, "guide"))
	visit := func(place string) step {
		return chromedp.Steps(chromedp.Navigate("about:blank"), chromedp.Navigate(b.server.URL+"/"+place))
	}
	b.steps(visit("#sam/team"), see("figure img"), shot(b, "digest"))
	b.steps(visit("#bea/dm"), see(`[data-button="deny"]`), shot(b, "prompt"))
	b.steps(visit("#ada/dm+bea/dm"), see("#pane2-input"), click(`#pane2-m000004 [data-button="deny"]`), see("form.ask"), keys("form.ask input", kb.Enter), shot(b, "split"))
}

func shot(b *tab, name string) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for size, width := range map[string]int64{"wide": 1280, "phone": 360} {
			for _, scheme := range []string{"light", "dark"} {
				if err := b.look(ctx, target, strings.Join([]string{name, size, scheme}, "-"), width, scheme); err != nil {
					return chromedp.Void{}, err
				}
			}
		}
		return chromedp.EmulateViewport(1280, 860)(ctx, target)
	}
}

func (b *tab) look(ctx context.Context, target *chromedp.Target, name string, width int64, scheme string) error {
	if _, err := chromedp.EmulateViewport(width, 780)(ctx, target); err != nil {
		return err
	}
	if _, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}); err != nil {
		return err
	}
	out, err := chromedp.Evaluate[string](`[...document.querySelectorAll('body, main, .pane, .scroll, .card')]
		.filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth).map((e) => e.className || e.tagName).join()`)(ctx, target)
	if err != nil {
		return err
	}
	if out != "" {
		b.Errorf("%s: something is wider than %s", name, out)
	}
	picture, err := chromedp.CaptureScreenshot()(ctx, target)
	if err != nil {
		return err
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return err
	}
	if r, _, _, _ := img.At(2, img.Bounds().Dy()-2).RGBA(); (r < 0x8000) != (scheme == "dark") {
		b.Errorf("%s: the ground's red is %#x", name, r)
	}
	if folder := os.Getenv("TWOKEY_SHOTS"); folder != "" {
		return os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	return nil
}
