package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"twokey/bot/browsertest"
)

// TestDefaultsRoadInTheBrowser walks the road as people do: ada on the left
// and the approvers on the right of one page, by clicks and keys.
func TestDefaultsRoadInTheBrowser(t *testing.T) {
	d := startDemo(t)
	b := &page{T: t, ctx: browsertest.Start(t)}
	b.do(chromedp.EmulateViewport(1440, 900), become(d, "ada/dm"), visible("#pane1-input"))
	b.shot("start")
	b.do(chromedp.SendKeys(chromedp.CSS("#pane1-input"), "/mfa defaults enable\n"), visible(`[data-button="confirm"]`))
	b.do(click(`[data-button="confirm"]`), visible(`input[name="reason"]`))
	b.do(chromedp.SendKeys(chromedp.CSS(`input[name="reason"]`), "everybody has been trained\n"), visible(`[data-button="cancel"]`))
	b.shot("asked")

	b.do(become(d, "abe/dm"), visible(`[data-button="approve"]`))
	b.shot("prompt")
	b.do(click(`[data-button="approve"]`), b.text("needs one more person"))
	b.do(become(d, "bea/dm"), visible(`[data-button="approve"]`))
	b.do(click(`[data-button="approve"]`), b.text("it was the last one needed"))
	b.shot("approved")
	b.do(chromedp.EmulateViewport(1360, 860), become(d, "ada/dm+bea/dm"), b.text("any approver can stop it"), visible(`[data-button="deny"]`))
	b.shot("both-sides")
	b.do(become(d, "ada/dm"), b.text("any approver can stop it"))
	d.advance("10s")
	b.do(b.text("Done at"), b.text("To undo it"))
	b.shot("done")
	b.do(become(d, "bea/dm"), b.text("Done at"))
	d.wantEffects(1)
	if status, said := d.verify(); status != 0 {
		t.Errorf("audit verify = %d: %s", status, said)
	}

	d.say("ada", "/mfa digest now")
	b.do(chromedp.EmulateViewport(360, 780), become(d, "sam/team"), visible(`img[src*="/images/"]`))
	b.shot("digest-phone")
	b.do(become(d, "sam/dm"), visible("#pane1-input"),
		chromedp.SendKeys(chromedp.CSS("#pane1-input"), "how do i set up the authenticator on my iphone\n"), b.text("App Store"))
	b.shot("answer-phone")
}

// page drives the browser.
type page struct {
	*testing.T
	ctx context.Context
}

type action = chromedp.Action[chromedp.Void]

// do takes one step after the other, each for half a minute at most.
func (b *page) do(steps ...action) {
	b.Helper()
	for i, step := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, longEnough)
		err := chromedp.Do(ctx, step)
		cancel()
		if err != nil {
			b.shot("failed")
			b.Fatalf("step %d of %d: %v", i+1, len(steps), err)
		}
	}
}

func visible(selector string) action { return chromedp.WaitVisible(chromedp.CSS(selector)) }

// become opens the page anew as a person in a conversation.
func become(d *demo, place string) action {
	return chromedp.Navigate(d.console + "/?" + place + "#" + place)
}

func click(selector string) action { return chromedp.Click(chromedp.CSS(selector)) }

// text waits until the messages hold a text.
func (b *page) text(want string) action {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool](fmt.Sprintf("document.querySelector('#panes').innerText.includes(%q)", want))(ctx, target)
		return chromedp.Void{}, err
	}
}

// shot keeps a picture where TWOKEY_SHOTS names a folder.
func (b *page) shot(name string) {
	folder := os.Getenv("TWOKEY_SHOTS")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644)
	}
	if err != nil {
		b.Logf("picture %s: %v", name, err)
	}
}
