package link_test

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"twokey/bot/browsertest"
	"twokey/chat/visit"
	"twokey/graph/simtenant"
)

type step = chromedp.Action[chromedp.Void]

// tab is a page in a real browser, with an authenticator beside it.
type tab struct {
	*testing.T
	*place
	ctx  context.Context
	keys webauthn.AuthenticatorID
}

// chromium starts a browser that trusts the place's certificates. Whatever the
// page throws, and whatever its own policy forbids it, fails the test.
func chromium(t *testing.T, p *place) *tab {
	t.Helper()
	ctx := browsertest.Start(t, chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(p.spki, ",")))
	b := &tab{T: t, place: p, ctx: ctx}
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
	return b
}

// fresh gives a subtest the browser with a new authenticator, and a desk that
// knows nothing.
func (b *tab) fresh(t *testing.T) *tab {
	t.Helper()
	own := *b
	own.T = t
	d := b.place.desk
	d.mu.Lock()
	clear(d.keys)
	d.claims, d.passes, d.taken = nil, 0, 0
	d.mu.Unlock()
	own.steps(chromedp.EmulateViewport(390, 844), func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		if b.keys != "" {
			if _, err = cdp.Call(ctx, target, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: b.keys}); err != nil {
				return none, err
			}
		}
		if _, err = cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return none, err
		}
		added, err := cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		if err == nil {
			b.keys, own.keys = added.AuthenticatorID, added.AuthenticatorID
		}
		return none, err
	})
	return &own
}

// steps does one thing after the other, each for a minute at most.
func (b *tab) steps(steps ...step) {
	b.Helper()
	for i, s := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
		err := chromedp.Do(ctx, s)
		cancel()
		if err != nil {
			b.Fatalf("step %d of %d: %v\n%s", i+1, len(steps), err, b.text())
		}
	}
}

func see(selector string) step   { return patiently(chromedp.WaitVisible(chromedp.CSS(selector))) }
func click(selector string) step { return chromedp.Click(chromedp.CSS(selector)) }

func keys(selector, typed string) step { return chromedp.SendKeys(chromedp.CSS(selector), typed) }

// text is what the page shows.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return v
}

// sees waits until the page shows a text.
func (b *tab) sees(text string) step {
	return patiently(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool]("document.body !== null && document.body.innerText.includes("+quote(text)+")")(ctx, target)
		return chromedp.Void{}, err
	})
}

// patiently looks again where a look was cut off because the page went on.
func patiently(look step) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for {
			_, err := look(ctx, target)
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "navigated") && !strings.Contains(err.Error(), "context with specified id") {
				return chromedp.Void{}, err
			}
		}
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }

func (b *tab) open(token string) step { return chromedp.Navigate(b.url + visit.Path + token) }

// signIn fills in the tenant's form.
func (b *tab) signIn(person string) {
	b.Helper()
	b.steps(see(`input[name="passwd"]`), keys(`input[name="login"]`, person+"@"+domain), keys(`input[name="passwd"]`, simtenant.Password), click("#next"))
}

// override spoils what the authenticator says.
func (b *tab) override(bits webauthn.SetResponseOverrideBitsParams) step {
	bits.AuthenticatorID = b.keys
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, webauthn.SetResponseOverrideBits, bits)
		return chromedp.Void{}, err
	}
}

// enrol links a person and makes a passkey for them.
func (b *tab) enrol(person string) {
	b.Helper()
	b.steps(b.open(b.desk.ask(visit.Link, person)), b.sees("Link your chat account"), click("form button"))
	b.signIn(person)
	b.steps(b.sees("/mfa link 427193"), see(`[data-passkey="make"]:enabled`), click(`[data-passkey="make"]`), b.sees("Your passkey is kept."))
}

// TestLinkInChromium is the page in a real browser with a virtual authenticator.
// There is one browser for all of it, as a browser takes a machine.
func TestLinkInChromium(t *testing.T) {
	t.Parallel()
	b := chromium(t, open(t, options{}))
	t.Run("a step-up by passkey", func(t *testing.T) { stepUpByPasskey(b.fresh(t)) })
	t.Run("a copied passkey", func(t *testing.T) { copiedPasskey(b.fresh(t)) })
	t.Run("looks", func(t *testing.T) { looks(b.fresh(t)) })
	t.Run("the chat's own browser", func(t *testing.T) { chatsOwnBrowser(b.fresh(t)) })
	t.Run("refusals", func(t *testing.T) { refusals(b.fresh(t)) })
}

// refusals goes each way on which nobody proves anything.
func refusals(b *tab) {
	t, p := b.T, b.place
	var back atomic.Value // the last address at which the tenant sent the browser back
	if err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok && strings.Contains(e.Request.URL, "/link/signed-in?") {
			back.Store(e.Request.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	begun := func(change ...func(*visit.Visit)) string {
		token := p.desk.ask(visit.StepUp, "ada", change...)
		b.steps(b.open(token), see("form button"), click("form button"), see(`input[name="passwd"]`)) // ada has no passkey
		return token
	}
	forget := func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, target, network.ClearBrowserCookies, cdp.Empty{})
		return none, err
	}

	token := begun()
	b.steps(forget, b.open(token), b.sees("not good any more")) // another browser has begun it

	begun()
	b.signIn("bea")
	b.steps(b.sees("This account does not fit"))

	begun()
	b.steps(keys(`input[name="login"]`, "eve@elsewhere.example"), keys(`input[name="passwd"]`, simtenant.Password), click("#next"), b.sees("AADSTS50020"))

	begun()
	b.steps(chromedp.Navigate(p.url+"/link/signed-in?code=any&state=guess"), b.sees("This sign-in was not begun here"))
	if n := len(p.desk.taking()); n != 0 {
		t.Fatalf("the desk was told %+v", p.desk.taking())
	}

	begun()
	b.signIn("ada")
	b.steps(b.sees("Go back to the chat")) // as it should be
	address, _ := back.Load().(string)
	begun()
	b.steps(chromedp.Navigate(address), b.sees("This sign-in was not begun here")) // a state of before

	begun(func(v *visit.Visit) { v.Least = visit.MFA })
	b.signIn("ada")
	b.steps(b.sees("That does not prove enough"))

	begun()
	p.clock.add(visit.Life)
	b.signIn("ada")
	b.steps(b.sees("not good any more"))
	if n := len(p.desk.taking()); n != 1 {
		t.Errorf("the desk was told %+v, want the one that was right", p.desk.taking())
	}
}

// stepUpByPasskey links an account, makes a passkey, proves by it who somebody
// is, and collects.
func stepUpByPasskey(b *tab) {
	t, p := b.T, b.place
	b.enrol("ada")
	if got := p.desk.keys[p.object("ada")]; len(got) != 1 || got[0].ID == "" || got[0].Added.IsZero() {
		t.Fatalf("the desk keeps %+v", got)
	}
	by := func(v *visit.Visit) { v.Least = visit.Passkey }

	// Step-up by the passkey.
	b.steps(b.open(p.desk.ask(visit.StepUp, "ada", by)), b.sees("Prove that it is you"), click("form button"), see(`[data-passkey="use"]:enabled`))
	if strings.Contains(b.text(), "Sign in with Microsoft") {
		t.Error("a password is offered that proves nothing")
	}
	b.steps(click(`[data-passkey="use"]`), b.sees("Go back to the chat"))
	claims := p.desk.taking()
	last := claims[len(claims)-1]
	if last.Proof != visit.Passkey || last.Object != p.object("ada") || last.Passkey != p.desk.keys[last.Object][0].ID || last.Tenant != p.organization() {
		t.Errorf("the desk was told %+v", last)
	}

	// What the authenticator cannot mean proves nothing, and can be tried again.
	yes := true
	b.steps(b.open(p.desk.ask(visit.StepUp, "ada", by)), click("form button"), see(`[data-passkey="use"]:enabled`))
	for name, bits := range map[string]webauthn.SetResponseOverrideBitsParams{
		"a signature that is none": {IsBogusSignature: &yes}, "nobody was verified": {IsBadUV: &yes}, "nobody was there": {IsBadUP: &yes},
	} {
		b.steps(b.override(bits), click(`[data-passkey="use"]`), b.sees("The passkey was not accepted"))
		if n := len(p.desk.taking()); n != len(claims) {
			t.Fatalf("%s: the desk was told %+v", name, p.desk.taking())
		}
		b.steps(chromedp.Reload(), see(`[data-passkey="use"]:enabled`))
	}
	b.steps(b.override(webauthn.SetResponseOverrideBitsParams{}), click(`[data-passkey="use"]`), b.sees("Go back to the chat"))

	// Somebody else's visit is none for this passkey.
	b.steps(b.open(p.desk.ask(visit.StepUp, "bea", by)), click("form button"), b.sees("you have none here yet"))

	// Collecting, by the passkey.
	b.steps(b.open(p.desk.ask(visit.Collect, "ada")), b.sees("Collect what you asked for"), click("form button"), see(`[data-passkey="use"]:enabled`), click(`[data-passkey="use"]`))
	b.steps(b.sees("Show it once"), click("form button"), b.sees(pass), b.sees("kept nowhere"), see("footer"))
	if passes, taken := p.desk.count(); passes != 1 || taken != 0 {
		t.Errorf("%d passes, %d taken back", passes, taken)
	}
	b.steps(b.open("nowhere"), b.sees("not good any more"))
	_ = chromedp.Do(b.ctx, chromedp.NavigateBack()) // it fails, as nothing of the page was kept
	if strings.Contains(b.text(), pass) {
		t.Error("going back shows the pass again")
	}
	if strings.Contains(p.log.String(), pass) {
		t.Error("the log holds the pass")
	}
}

// copiedPasskey refuses a passkey whose counter runs backwards, as that of a copy
// does.
func copiedPasskey(b *tab) {
	t, p := b.T, b.place
	b.enrol("ada")
	key := &p.desk.keys[p.object("ada")][0]
	p.desk.mu.Lock()
	ahead := strings.Replace(string(key.Body), `"signCount":1`, `"signCount":1000`, 1)
	changed := ahead != string(key.Body)
	key.Body = []byte(ahead)
	p.desk.mu.Unlock()
	if !changed {
		t.Fatalf("there is no counter in %s", key.Body)
	}
	b.steps(b.open(p.desk.ask(visit.StepUp, "ada")), click("form button"), see(`[data-passkey="use"]:enabled`), click(`[data-passkey="use"]`), b.sees("The passkey was not accepted"))
	if n := len(p.desk.taking()); n != 1 {
		t.Errorf("the desk was told %+v", p.desk.taking())
	}
}

// chatsOwnBrowser tells whoever opens an address in a browser without
// passkeys, before it is used up, to open it in another, and lets them go on by
// the password where that is enough.
func chatsOwnBrowser(b *tab) {
	t, p := b.T, b.place
	b.enrol("ada")
	b.steps(func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `delete window.PublicKeyCredential`})
		return none, err
	})
	token := p.desk.ask(visit.StepUp, "ada", func(v *visit.Visit) { v.Least = visit.Passkey })
	b.steps(b.open(token), b.sees("Open this address in your usual browser"))
	if v, err := p.desk.Look(t.Context(), token); err != nil || v.Begun {
		t.Errorf("the address is used up: %+v, %v", v, err)
	}
	b.steps(click("form button"), b.sees("This browser cannot use passkeys"), chromedp.WaitNotVisible(chromedp.CSS(`[data-passkey="use"]`)))
	if strings.Contains(b.text(), "Sign in with Microsoft") {
		t.Error("a password is offered that proves nothing")
	}
	b.steps(b.open(p.desk.ask(visit.StepUp, "ada")), click("form button"), b.sees("Sign in with Microsoft"), click(`a[href="/link/sign-in"]`))
	b.signIn("ada")
	b.steps(b.sees("Go back to the chat"))
}

// tour shows every kind of page, one after the other.
func (b *tab) tour(look func(name string)) {
	p := b.place
	b.steps(b.open(p.desk.ask(visit.Link, "ada")), see("form button"))
	look("link")
	b.steps(click("form button"))
	b.signIn("ada")
	b.steps(b.sees("/mfa link"))
	look("linked")
	b.steps(see(`[data-passkey="make"]:enabled`), click(`[data-passkey="make"]`), b.sees("Your passkey is kept."))
	look("enrolled")
	token := p.desk.ask(visit.StepUp, "ada")
	b.steps(b.open(token), see("form button"))
	look("step-up")
	b.steps(click("form button"), see(`[data-passkey="use"]:enabled`))
	look("ways")
	b.steps(click(`a[href="/link/sign-in"]`))
	b.signIn("bea")
	b.steps(b.sees("This account does not fit"))
	look("other")
	b.steps(click(`a[href="/link/visit"]`), see(`[data-passkey="use"]:enabled`), click(`[data-passkey="use"]`), b.sees("Thank you"))
	look("done")
	b.steps(b.open("nowhere"), b.sees("not good any more"))
	look("gone")
	b.steps(b.open(p.desk.ask(visit.Collect, "ada", func(v *visit.Visit) { v.Language = "vi" })), see("form button"))
	look("vietnamese")
	b.steps(b.open(p.desk.ask(visit.StepUp, "bea", func(v *visit.Visit) { v.Least, v.Language = visit.Passkey, "de" })), click("form button"), see(".alert"))
	look("no-passkey-german")
	b.steps(b.open(p.desk.ask(visit.Collect, "ada")), click("form button"), see(`[data-passkey="use"]:enabled`), click(`[data-passkey="use"]`), b.sees("Show it once"))
	look("collect")
	b.steps(click("form button"), b.sees("kept nowhere"), see("footer"))
	look("pass")
}

// looks holds that nothing sticks out at 360 px and that dark is dark, on
// every page. TWOKEY_SHOTS names a folder that gets the pictures.
func looks(b *tab) {
	b.tour(func(name string) {
		for _, scheme := range []string{"light", "dark"} {
			b.look(name+"-"+scheme, scheme)
		}
	})
}

func (b *tab) look(name, scheme string) {
	b.Helper()
	b.steps(chromedp.EmulateViewport(360, 740), func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return none, err
	})
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll('*')].filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1).map((e) => e.tagName).join()`))
	if err != nil {
		b.Fatal(err)
	}
	if out != "" {
		b.Errorf("%s: something is wider than %s", name, out)
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		b.Fatal(err)
	}
	if r, _, _, _ := img.At(2, img.Bounds().Dy()-2).RGBA(); (r < 0x8000) != (scheme == "dark") {
		b.Errorf("%s: the ground's red is %#x", name, r)
	}
	if folder := os.Getenv("TWOKEY_SHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600); err != nil {
			b.Error(err)
		}
	}
}
