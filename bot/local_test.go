//go:build outside

package main

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"
	"twokey/graph/simtenant"
)

// TestOutsideServeRoad walks the road of a change, as TestServeRoad does, with
// Slack played by somebody else: asked by a slash command, questioned through a
// form, approved by two in their own messages, carried out once after the wait,
// shown in every copy; then a question, the home tab, and the digest with its
// picture.
func TestOutsideServeRoad(t *testing.T) {
	r := openLocal(t)
	r.command("ada", adminsRoom, "defaults enable everybody has been trained")
	request := requestForm.FindString(r.own("ada", "her card", "Cancel the request").Plain)
	prompt := r.own("abe", "his prompt", "Approve", request)
	r.press("abe", prompt, "Ask")
	r.form("abe", "who trained them?")
	r.own("ada", "the question", "", "has a question about "+request, "who trained them?")
	for _, approver := range []string{"abe", "bea"} {
		r.press(approver, r.own(approver, "the prompt", "Approve", request), "Approve")
	}
	r.own("bea", "the answer to the vote", "", "it was the last one needed")
	r.office.effects(0) // the wait is not over
	r.office.advance(15 * time.Minute)
	for _, person := range []string{"ada", "abe", "bea"} {
		r.own(person, "the end", "", request, "Done at")
	}
	change := r.office.effects(1)[0]
	t.Logf("%s: asked, questioned, approved by two, then %s %s", request, change.Method, change.Path)

	r.slack.Say(account("sam"), r.slack.Direct(account("sam")), "how do i set up the authenticator on my iphone")
	r.own("sam", "steps", "", "your iPhone", "App Store")

	r.slack.OpenHome(account("abe"))
	r.until("abe's home", func() bool { return r.slack.Home(account("abe")) != nil })
	t.Logf("abe's home: %q", r.slack.Home(account("abe")).Plain)

	r.command("ada", adminsRoom, "digest now")
	digest := r.await(teamRoom, "the digest with its picture", func(m slacktest.Message) bool {
		return strings.Contains(m.Plain, "MFA week 48") && strings.Contains(string(m.Blocks), `"slack_file"`)
	})
	picture := r.await(teamRoom, "the picture", func(m slacktest.Message) bool { return m.Thread == digest.TS && len(m.Files) == 1 })
	if data := r.slack.File(picture.Files[0]); !strings.HasPrefix(data, "\x89PNG") {
		t.Errorf("the picture begins with %.8q", data)
	}
	t.Logf("the traffic:\n%s", r.slack.Traffic())
}

var requestForm = regexp.MustCompile(`R-[A-Z2-7]{6}`)

// localRoad is an office whose Slack is somebody else's.
type localRoad struct {
	t      *testing.T
	office *office
	slack  *slacktest.Local
}

// openLocal starts a local-slack with the cast, and the bot from its
// configuration file.
func openLocal(t *testing.T) *localRoad {
	t.Helper()
	of := openOffice(t, officeOptions{closed: true})
	var users []slacktest.User
	var everybody, admins []string
	for _, m := range simtenant.Cast(0) {
		users = append(users, slacktest.User{ID: account(m.ID), Name: m.ID, RealName: m.Name, Email: m.UPN})
		everybody = append(everybody, account(m.ID))
	}
	for _, id := range castAdmins {
		admins = append(admins, account(id))
	}
	l := slacktest.StartLocal(t, slacktest.Options{}, users, []slacktest.Channel{
		{ID: adminsRoom, Name: "mfa-admins", Private: true, Members: admins}, {ID: teamRoom, Name: "team", Members: everybody},
	})
	yaml := regexp.MustCompile(`api_url: \S+`).ReplaceAllString(of.yaml(""), "api_url: "+strings.TrimSuffix(l.APIURL(), "/"))
	of.config = of.write("twokey.yaml", yaml)
	of.start(0)
	return &localRoad{t, of, l}
}

func (r *localRoad) command(person, channel, text string) {
	r.t.Helper()
	r.slack.Command(account(person), channel, "/mfa", text)
}

func (r *localRoad) press(person string, m slacktest.Message, button string) {
	r.t.Helper()
	r.slack.Press(account(person), m, button)
}

// form fills in the form that a press has opened, and waits until it is closed.
func (r *localRoad) form(person, text string) {
	r.t.Helper()
	r.until("the form", func() bool { return r.slack.Modal() != nil })
	fields := map[string]string{}
	for _, in := range r.slack.Modal().Inputs {
		fields[in.Block] = text
	}
	r.slack.Submit(account(person), fields)
	r.until("the form's end", func() bool { return r.slack.Modal() == nil })
}

func (r *localRoad) until(what string, holds func() bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), longEnough)
	defer cancel()
	r.slack.Wait(ctx, what, holds)
}

// await returns the newest message in a channel that fits, once there is one.
func (r *localRoad) await(channel, what string, fits func(slacktest.Message) bool) (found slacktest.Message) {
	r.t.Helper()
	r.until(what, func() bool {
		for _, m := range slices.Backward(r.slack.Messages(channel)) {
			if fits(m) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// own returns the newest of the bot's messages to a person that has a button,
// if one is named, and holds the texts.
func (r *localRoad) own(person, what, button string, texts ...string) slacktest.Message {
	r.t.Helper()
	says := r.office.says(texts...)
	return r.await(r.slack.Direct(account(person)), what+" of "+person, func(m slacktest.Message) bool {
		return says(m) && (button == "" || has(m, button))
	})
}
