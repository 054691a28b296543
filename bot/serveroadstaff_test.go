package main

import (
	"net/http"
	"strings"
	"testing"

	"twokey/bot/slack/slacktest"
)

// TestServeLostRoad sees a lost phone through on Slack, in both of its modes: a
// form of a button, the case in the help desk's own messages, and the pass that
// it leads to. And what staff type where others read is answered to them alone.
func TestServeLostRoad(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]officeOptions{"Socket Mode": {}, "signed requests": {http: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := openOffice(t, o)
			of.staffInPublic(t)
			of.walkLost(t)
			if err := of.end(); err != nil {
				t.Errorf("the bot ended with %v", err)
			}
		})
	}
}

func (of *office) walkLost(t *testing.T) {
	of.command("sam", "", "lost")
	form := of.await("sam", "the form", func(m slacktest.Message) bool { return has(m, "It is my phone") })
	of.press("sam", form, "It is my phone")
	of.fill("sam", map[string]string{"words": "left on the train"})
	of.await("sam", "that the help desk knows", of.says("The help desk has been told."))
	of.await("sam", "that it is open", of.direct("sam", of.says("Your case C-")))
	card := of.await("ada", "the case", of.direct("ada", func(m slacktest.Message) bool {
		return has(m, "I called them back") && of.says("has lost the phone", "Made sure by: nothing yet")(m)
	}))
	of.press("ada", card, "I called them back")
	of.await("ada", "the first proof", of.says("One more proof of another kind is needed."))
	of.await("ada", "the case with a proof", of.direct("ada", of.says("Case C-", "called back on the number in the directory")))
	of.press("ada", card, "I see them in person")
	ready := of.await("ada", "the way on", func(m slacktest.Message) bool {
		return has(m, "Ask for a pass") && of.says("It is them. Ask for a pass now")(m)
	})
	of.press("ada", ready, "Ask for a pass")
	of.await("ada", "her request", of.direct("ada", func(m slacktest.Message) bool { return has(m, "Cancel the request") }))
	prompt := of.await("abe", "the prompt", of.direct("abe", func(m slacktest.Message) bool {
		return has(m, "Approve") && of.says("Made sure who it is, in 2 ways")(m)
	}))
	if strings.Contains(prompt.Text, "Sam") {
		t.Errorf("the notification names the person: %s", prompt.Text)
	}
	of.press("abe", prompt, "Approve")
	of.press("ada", of.await("ada", "that it is ready", of.direct("ada", func(m slacktest.Message) bool {
		return has(m, "Collect") && of.says("ready for you to collect", "Sam Rivera")(m)
	})), "Collect")
	of.await("ada", "the pass", of.says("It is shown this once", "Sam Rivera"))
	if got := of.effects(1); got[0].Method != http.MethodPost || !strings.HasSuffix(got[0].Path, "/temporaryAccessPassMethods") {
		t.Errorf("the effect is %+v", got[0])
	}
	for _, who := range []string{"sue", "vic", "abe", "bea"} {
		for _, m := range of.slack.Seen(account(who)) {
			if of.says("left on the train")(m) {
				t.Errorf("%s reads %+v", who, m)
			}
		}
	}
}

// staffInPublic types what staff can type into the team's channel.
func (of *office) staffInPublic(t *testing.T) {
	for _, line := range []string{"", "me", "setup iphone", "backup", "newphone", "check", "remind 3", "privacy", "lost", "prompt", "person a question of mine", "whoami", "cases"} {
		of.command("sam", teamRoom, line)
	}
	of.command("sam", "", "version")
	of.await("sam", "the last answer", of.says("Twokey "))
	for _, m := range of.slack.Channel(teamRoom) {
		if !m.Private {
			t.Errorf("everybody in the team's channel reads %+v", m)
		}
	}
}
