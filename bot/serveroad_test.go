package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"
)

// TestServeRoad walks the whole road on Slack, in both of its modes: asked by a
// slash command, approved by two in their own messages, carried out once after
// the wait, shown in every copy, and the other things that people come for.
func TestServeRoad(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]officeOptions{"Socket Mode": {}, "signed requests": {http: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := openOffice(t, o)
			of.walkDefaults(t)
			of.walkDigest(t)
			of.walkQuestion(t)
			of.walkPass(t)
			if err := of.end(); err != nil {
				t.Errorf("the bot ended with %v", err)
			}
			var said safeBuffer
			if status := run(t.Context(), []string{"audit", "verify", "--config", of.config}, streams{strings.NewReader(""), &said, &said}); status != 0 {
				t.Errorf("audit verify = %d: %s", status, said.String())
			}
		})
	}
}

func (of *office) walkDefaults(t *testing.T) {
	request := of.ask("defaults enable everybody has been trained")
	prompt := of.prompt("abe", request)
	for _, want := range []string{"everybody has been trained", "0 of 2", "Ada Okafor"} {
		if !strings.Contains(prompt.Plain, want) {
			t.Errorf("the prompt does not say %q:\n%s", want, prompt.Plain)
		}
	}
	shared := of.await("vic", "the shared prompt", func(m slacktest.Message) bool {
		return m.Channel == adminsRoom && has(m, "Approve") && of.says(request)(m)
	})
	of.press("ada", shared, "Approve")
	of.await("ada", "a refusal", of.says("You asked for this yourself"))
	of.command("sam", teamRoom, "approve "+request)
	of.await("sam", "a refusal", of.says("You may not decide this"))

	of.approve("abe", request, "needs one more person")
	of.approve("bea", request, "it was the last one needed")
	of.effects(0) // the wait is not over
	of.advance(15 * time.Minute)
	of.await("ada", "the outcome", of.direct("ada", of.says(request+" done")))
	got := of.effects(1)
	if got[0].Method != "PATCH" || !strings.HasSuffix(got[0].Path, "/policies/identitySecurityDefaultsEnforcementPolicy") {
		t.Errorf("the effect is %+v", got[0])
	}
	ended := func(m slacktest.Message) bool {
		return m.Edited && !has(m, "Approve") && of.says(request, "Done at")(m)
	}
	of.await("abe", "the end", of.direct("abe", ended))
	of.await("bea", "the end", of.direct("bea", ended))
	of.await("ada", "the end", of.direct("ada", ended))
	of.await("vic", "the end", func(m slacktest.Message) bool { return m.Channel == adminsRoom && ended(m) })
}

func (of *office) walkDigest(t *testing.T) {
	of.command("ada", "", "digest now")
	digest := of.await("sue", "the digest", func(m slacktest.Message) bool {
		return m.Channel == teamRoom && len(m.Files) == 1 && of.says("MFA week 48")(m)
	})
	picture, err := png.Decode(bytes.NewReader(digest.Files[0].Data))
	if err != nil || picture.Bounds().Dx() < 600 {
		t.Errorf("the picture: %v, %v", picture, err)
	}
	of.command("ada", "", "digest now")
	of.await("ada", "that it is there already", of.says("already"))
	of.press("vic", digest, "Who uses old protocols")
	if m := of.await("vic", "old protocols", of.says("protocol", "Unknown devices cannot be excluded")); !m.Private && m.Channel == teamRoom {
		t.Errorf("everybody sees what vic was answered: %+v", m)
	}
	of.press("sam", digest, "Who uses old protocols")
	of.await("sam", "a refusal", of.says("You may not use “/mfa legacy”"))
	posted := 0
	for _, m := range of.slack.Channel(teamRoom) {
		if of.says("MFA week 48")(m) && m.Thread == "" {
			posted++
		}
	}
	if posted != 1 {
		t.Errorf("the digest was posted %d times", posted)
	}
}

func (of *office) walkQuestion(t *testing.T) {
	of.say("sam", teamRoom, "@twokey how do i set up the authenticator on my iphone")
	m := of.await("sam", "steps", of.says("your iPhone", "App Store"))
	if !m.Private || m.Channel != teamRoom {
		t.Errorf("the answer to a mention is %+v", m)
	}
	of.say("sam", "", "paper jam on floor 2")
	of.await("sam", "a person", of.direct("sam", of.says("not my subject", "Ada Okafor")))
	for _, other := range []string{"sue", "ada", "olga"} {
		for _, m := range of.slack.Seen(account(other)) {
			if of.says("App Store")(m) || of.says("not my subject")(m) {
				t.Errorf("%s sees sam's answer: %+v", other, m)
			}
		}
	}
}

// walkPass is the road of a lost phone: a pass that is told to whom it is about,
// approved by one other, created when it is collected, shown once, and kept
// nowhere.
func (of *office) walkPass(t *testing.T) {
	before := len(of.effects(1))
	of.command("ada", adminsRoom, "tap sam@harbourvale.example --minutes 60 a lost phone, called back")
	told := of.await("sam", "that it is about him", of.direct("sam", func(m slacktest.Message) bool { return has(m, "Stop this") }))
	if !of.says("Ada Okafor")(told) {
		t.Errorf("sam is told\n%s", told.Plain)
	}
	prompt := of.await("abe", "the prompt", of.direct("abe", func(m slacktest.Message) bool { return has(m, "Approve") && of.says("a lost phone")(m) }))
	if strings.Contains(prompt.Text, "Sam") {
		t.Errorf("the notification names the person: %s", prompt.Text)
	}
	of.press("abe", prompt, "Approve")
	ready := of.await("ada", "that it is ready", of.direct("ada", func(m slacktest.Message) bool { return has(m, "Collect") && of.says("ready for you to collect")(m) }))
	of.effects(before) // nothing is created before it is collected
	of.press("ada", ready, "Collect")
	pass := of.await("ada", "the pass", of.says("It is shown this once"))
	effects := of.effects(before + 1)
	if e := effects[before]; e.Method != "POST" || !strings.HasSuffix(e.Path, "/temporaryAccessPassMethods") || !pass.Private {
		t.Errorf("the effect is %+v, the pass private: %t", e, pass.Private)
	}
	code := codeIn(t, pass.Plain)
	of.await("ada", "the end", of.direct("ada", of.says(" done.")))
	of.await("ada", "that there is nothing to collect any more", func(m slacktest.Message) bool { return m.ID == ready.ID && !has(m, "Collect") })
	for _, who := range []string{"sam", "abe", "bea", "olga", "vic"} {
		for _, m := range of.slack.Seen(account(who)) {
			if strings.Contains(m.Plain+m.Text, code) {
				t.Errorf("%s sees the pass: %s", who, m.Plain)
			}
		}
	}
	of.slack.Reload(account("ada"))
	for _, m := range of.slack.Seen(account("ada")) {
		if strings.Contains(m.Plain+m.Text, code) {
			t.Errorf("the pass stays: %+v", m)
		}
	}
	for _, name := range []string{"twokey.db", "twokey.db-wal", "heads.jsonl"} {
		kept, err := os.ReadFile(filepath.Join(of.folder, name))
		if err == nil && strings.Contains(string(kept), code) {
			t.Errorf("%s holds the pass", name)
		}
	}
}

// codeIn returns the pass that a message shows.
func codeIn(t *testing.T, text string) string {
	t.Helper()
	found := passForm.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("there is no code in\n%s", text)
	}
	return found[1]
}

var passForm = regexp.MustCompile(`(?m)^Pass:?\s+(\S{8,})`)

// TestServeHome decides on the app's own page, which shows what waits.
func TestServeHome(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	request := of.ask("defaults enable everybody has been trained")
	of.acked(of.slack.OpenHome(account("abe")), "opening the app")
	can := func() bool {
		return slices.ContainsFunc(of.slack.HomeButtons(account("abe")), func(b slacktest.Button) bool { return b.Label == "Approve" })
	}
	of.until("what waits for abe", can)
	if home := string(of.slack.Home(account("abe"))); !strings.Contains(home, request) || !strings.Contains(home, "everybody has been trained") {
		t.Errorf("abe's page does not show the request:\n%s", home)
	}
	of.acked(of.slack.Press(account("abe"), slacktest.HomeTab, "Approve"), "approving there")
	of.await("abe", "that it counts", of.says("needs one more person"))
	of.acked(of.slack.OpenHome(account("sam")), "opening the app")
	of.until("sam's page", func() bool { return of.slack.Home(account("sam")) != nil })
	if home := string(of.slack.Home(account("sam"))); strings.Contains(home, request) {
		t.Errorf("sam sees the request:\n%s", home)
	}
	of.approve("bea", request, "it was the last one needed")
}

// TestU05StopThisOnSlack lets the person whom a request is about stop it from
// their own messages, which cancels it and alerts those who decide.
func TestU05StopThisOnSlack(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	request := of.ask("tap sam@harbourvale.example --minutes 60 a lost phone, called back")
	told := of.await("sam", "that it is about him", of.direct("sam", func(m slacktest.Message) bool { return has(m, "Stop this") }))
	prompt := of.prompt("abe", request)
	of.press("sam", told, "Stop this")
	of.fill("sam", map[string]string{"reason": "my phone is <!here> with me"})
	of.await("abe", "the alert", of.direct("abe", of.says("Alert: ", "did not expect "+request, "is <!here> with me")))
	alert := of.await("vic", "the alert", func(m slacktest.Message) bool {
		return m.Channel == adminsRoom && of.says("did not expect "+request)(m)
	})
	if len(alert.Pings) > 0 {
		t.Errorf("somebody's words call %q", alert.Pings)
	}
	of.await("ada", "the end", of.direct("ada", of.says(request+" cancelled")))
	of.until("abe's prompt ended", func() bool {
		for _, m := range of.slack.Seen(account("abe")) {
			if m.ID == prompt.ID {
				return m.Edited && !has(m, "Approve")
			}
		}
		return false
	})
	of.effects(0)
}

// TestU07QuestionOnSlack relays an approver's question as a quotation, with the
// words that nobody needs a password for it.
func TestU07QuestionOnSlack(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	request := of.ask("defaults enable everybody has been trained")
	of.press("abe", of.prompt("abe", request), "Ask")
	of.fill("abe", map[string]string{"question": "who trained <!channel>?\nTarget: everybody"})
	got := of.await("ada", "the question", of.direct("ada", of.says("has a question about "+request, "“who trained <!channel>? Target: everybody”", "Nobody needs a password, a code or a pass")))
	if len(got.Pings) > 0 {
		t.Errorf("the question calls %q", got.Pings)
	}
}

// TestU14NobodyIsWrittenTo holds that setting the bot up writes to nobody.
func TestU14NobodyIsWrittenTo(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	of.advance(3 * time.Hour)
	of.command("vic", "", "version")
	of.await("vic", "an answer", of.says("Twokey"))
	for _, person := range append([]string{"sam", "sue"}, castAdmins...) {
		for _, m := range of.slack.Seen(account(person)) {
			if m.From == of.slack.BotUser() && person != "vic" {
				t.Errorf("%s was written to: %s", person, m.Plain)
			}
		}
	}
}

// TestServeDigestByTheClock posts the week's digest when it is due, with the
// figures, though the tenant takes the token of five days ago no more.
func TestServeDigestByTheClock(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	of.advance(5 * 24 * time.Hour)
	of.await("sue", "Monday's digest", func(m slacktest.Message) bool {
		return m.Channel == teamRoom && len(m.Files) == 1 && of.says("MFA week 49: 9 of 18 people in scope are registered (50 %)", "Everybody in scope was read.")(m)
	})
}
