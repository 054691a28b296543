package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"twokey/bot/browsertest"
	"twokey/graph/simtenant"
)

// pressLabelled presses the button of a label.
func (d *demo) pressLabelled(person string, m message, label string, fields map[string]string) {
	d.t.Helper()
	for _, b := range m.Buttons {
		if b.Label == label {
			d.press(person, m, b.ID, fields)
			return
		}
	}
	d.t.Fatalf("there is no button %q on\n%s", label, m.Text)
}

// labelled tells the messages in which a button can be pressed.
func labelled(label string) func(message) bool {
	return func(m message) bool {
		return slices.ContainsFunc(m.Buttons, func(b struct {
			ID, Label string
			Form      []struct {
				ID, Label string
				Required  bool
			}
		},
		) bool {
			return b.Label == label
		})
	}
}

// castID is somebody's object ID in the demo's tenant.
func castID(name string) string {
	for _, m := range simtenant.Cast(0) {
		if m.ID == name {
			return m.ObjectID
		}
	}
	panic("there is no " + name)
}

// register has somebody register a mobile phone on Microsoft's page.
func (d *demo) register(name string) {
	d.t.Helper()
	d.must(http.StatusCreated, "POST", d.tenant+"/v1.0/users/"+castID(name)+"/authentication/phoneMethods",
		map[string]string{"phoneNumber": "+44 7700900123", "phoneType": "mobile"}, nil)
}

// TestLostRoadInTheConsole sees a lost phone through, as four people do it.
func TestLostRoadInTheConsole(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.say("sam", "/mfa lost")
	d.pressLabelled("sam", d.await("sam", "the form", labelled("It is my phone")), "It is my phone", map[string]string{"words": "left on the train"})
	d.await("sam", "that it is open", from("Your case C-"))
	card := d.await("ada", "the case", labelled("I called them back"))
	d.pressLabelled("ada", card, "I called them back", nil)
	d.await("ada", "the first proof", from("One more proof of another kind is needed."))
	d.await("ada", "that it is not enough", func(m message) bool {
		return labelled("I see them in person")(m) && !labelled("I called them back")(m)
	})
	d.pressLabelled("ada", d.await("ada", "the case", labelled("I see them in person")), "I see them in person", nil)
	d.pressLabelled("ada", d.await("ada", "the way on", labelled("Ask for a pass")), "Ask for a pass", nil)

	own := d.await("ada", "her request", func(m message) bool { return m.button("cancel") && m.Request != "" })
	prompt := d.prompt("abe", own.Request)
	for _, want := range []string{"Made sure who it is, in 2 ways", "called back on the number in the directory", "seen in person"} {
		if !strings.Contains(prompt.Text, want) {
			t.Errorf("abe is not shown %q:\n%s", want, prompt.Text)
		}
	}
	d.await("sam", "that it is about him", func(m message) bool { return m.Request == own.Request && m.button("stop") })
	d.say("ada", "/mfa approve "+own.Request)
	d.await("ada", "a refusal", from("You asked for this yourself"))
	d.press("abe", prompt, "approve", nil)
	ready := d.await("ada", "that it is ready", func(m message) bool { return m.Request == own.Request && m.button("collect") })
	d.say("sam", "/mfa collect "+own.Request)
	d.await("sam", "a refusal", func(m message) bool {
		return m.From == "twokey" && strings.Contains(m.Text, "only its requester") || strings.Contains(m.Text, "not yours") || strings.Contains(m.Text, "Only")
	})
	d.wantEffects(0)
	d.press("ada", ready, "collect", nil)
	d.await("ada", "the pass", from("It is shown this once"))
	d.wantEffects(1)

	d.register("sam")
	d.await("sam", "that it is seen", from("Something new is registered for your account."))
	d.pressLabelled("ada", d.await("ada", "the question", labelled("It is theirs")), "It is theirs", nil)
	last := d.await("ada", "what is left to do", labelled("End their old sessions"))
	d.pressLabelled("ada", last, "End their old sessions", nil)
	d.press("ada", d.await("ada", "a preview", func(m message) bool { return m.button("confirm") }), "confirm", nil)
	d.await("ada", "the end of the sessions", func(m message) bool { return m.Request != own.Request && from(" done.")(m) })
	d.pressLabelled("ada", last, "Close the case", nil)
	d.await("sam", "that it is closed", from("is closed. All the best!"))
	effects := d.wantEffects(2)
	if !strings.HasSuffix(effects[0].Path, "/temporaryAccessPassMethods") || !strings.HasSuffix(effects[1].Path, "/revokeSignInSessions") {
		t.Errorf("the tenant saw %+v", effects)
	}
	for _, who := range []string{"sue", "vic", "abe", "bea", "olga"} { // his words are for the help desk
		for _, m := range d.messages(who) {
			if strings.Contains(m.Text, "left on the train") {
				t.Errorf("%s reads\n%s", who, m.Text)
			}
		}
	}
	for _, who := range []string{"sam", "ada", "abe"} {
		for _, m := range d.messages(who) {
			if m.Channel != "dm" && strings.Contains(m.Text, "Case C-") {
				t.Errorf("in %s everybody reads\n%s", m.Channel, m.Text)
			}
		}
	}
	if status, said := d.verify(); status != 0 {
		t.Errorf("audit verify = %d: %s", status, said)
	}
}

// TestPromptInTheConsole pages those who look after security while it is night
// where they live, within the time that a message takes.
func TestPromptInTheConsole(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--now", "2026-11-24T02:30:00Z")
	d.say("sam", "/mfa prompt")
	d.pressLabelled("sam", d.await("sam", "the question", labelled("Yes, I approved it")), "Yes, I approved it", nil)
	d.await("sam", "whom to call", from("This is an emergency. Call "+demoContact))
	for _, who := range []string{"abe", "bea", "olga"} {
		d.await(who, "the alarm", from("approved a sign-in that was not theirs"))
	}
	prompt := d.await("abe", "the block", func(m message) bool { return m.button("approve") && strings.Contains(m.Text, "Block “Sam") })
	d.press("abe", prompt, "approve", nil)
	d.await("abe", "the end", func(m message) bool { return m.Request == prompt.Request && strings.Contains(m.Text, "Done at") })
	if got := d.wantEffects(1); !strings.HasSuffix(got[0].Path, "/users/"+castID("sam")) {
		t.Errorf("the tenant saw %+v", got)
	}
}

// TestPrivateInTheTeam has staff type and ask in the team's channel: nobody else
// sees what they are answered.
func TestPrivateInTheTeam(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	lines := []string{"/mfa", "/mfa me", "/mfa setup iphone", "/mfa backup", "/mfa newphone", "/mfa check", "/mfa remind 3", "/mfa privacy", "/mfa lost", "/mfa lost gone", "/mfa prompt", "/mfa person a question of mine", "/mfa whoami", "how do I set up my phone"}
	for _, line := range lines {
		d.must(http.StatusAccepted, "POST", d.console+"/api/people/sam/messages", map[string]string{"text": line, "channel": channelTeam}, nil)
	}
	d.say("sam", "/mfa version")
	d.await("sam", "the last answer", from("Twokey "))
	for _, m := range d.messages("sam") {
		if m.From == "twokey" && m.Channel == channelTeam && !m.Private {
			t.Errorf("said aloud:\n%s", m.Text)
		}
	}
	for _, who := range []string{"sue", "vic", "olga"} {
		for _, m := range d.messages(who) {
			if m.From == "twokey" && m.Channel == channelTeam {
				t.Errorf("%s reads in the team's channel\n%s", who, m.Text)
			}
		}
	}
}

// TestLostRoadInTheBrowser sees a lost phone through by clicks and keys.
func TestLostRoadInTheBrowser(t *testing.T) {
	d := startDemo(t)
	b := &page{T: t, ctx: browsertest.Start(t)}
	labelled := func(label string) string { return fmt.Sprintf(`//button[normalize-space()=%q]`, label) }
	seen := func(label string) action { return chromedp.WaitVisible(chromedp.Search(labelled(label))) }
	click := func(label string) action { return chromedp.Click(chromedp.Search(labelled(label))) }
	typed := func(line string) action { return chromedp.SendKeys(chromedp.CSS("#pane1-input"), line+"\n") }
	b.do(chromedp.EmulateViewport(1280, 860), become(d, "sam/dm"), visible("#pane1-input"), typed("/mfa lost"), seen("It is my phone"))
	b.do(click("It is my phone"), visible(`input[name="words"]`), chromedp.SendKeys(chromedp.CSS(`input[name="words"]`), "left on the train\n"), b.text("Your case C-"))
	b.shot("lost-person")
	b.do(become(d, "ada/dm"), seen("I called them back"), click("I called them back"), b.text("One more proof of another kind is needed."))
	b.do(seen("I see them in person"), click("I see them in person"), seen("Ask for a pass"))
	b.shot("lost-desk")
	b.do(click("Ask for a pass"), visible(`[data-button="cancel"]`))
	b.do(become(d, "abe/dm"), visible(`[data-button="approve"]`), b.text("Made sure who it is, in 2 ways"))
	b.shot("lost-approver")
	b.do(chromedp.Click(chromedp.CSS(`[data-button="approve"]`)), b.text("it was the last one needed"))
	b.do(become(d, "ada/dm"), visible(`[data-button="collect"]`), chromedp.Click(chromedp.CSS(`[data-button="collect"]`)), b.text("It is shown this once"))
	d.register("sam")
	b.do(seen("It is theirs"), click("It is theirs"), seen("Close the case"), click("Close the case"), b.text("is closed."))
	b.do(become(d, "sam/dm"), b.text("is closed. All the best!"), b.text("Something new is registered for your account"))
	b.shot("lost-closed")
	d.wantEffects(1)
}
