package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"
	"twokey/graph/simtenant"
	"twokey/store"
)

// leads sets one person of the cast above others, past the bot.
func (of *office) leads(above string, people ...string) {
	of.t.Helper()
	for _, p := range people {
		of.plainAs("portal", http.MethodPut, "/v1.0/users/"+p+"@harbourvale.example/manager/$ref",
			fmt.Sprintf(`{"@odata.id":"%s/v1.0/users/%s@harbourvale.example"}`, of.graph.URL, above), nil)
	}
}

// letters lists the managers' versions that a person sees.
func (of *office) letters(person string) (all []slacktest.Message) {
	for _, m := range of.slack.Seen(account(person)) {
		if of.says("MFA in your team")(m) {
			all = append(all, m)
		}
	}
	return all
}

// startAt starts the bot at a moment, by when whoever ran before has ended: what
// signs in for it keeps its token by the machine's time.
func (of *office) startAt(at time.Time) {
	of.t.Helper()
	if err := of.clock.Advance(at.Sub(of.clock.Now())); err != nil {
		of.t.Fatal(err)
	}
	of.slack.Advance(0)
	of.start(0)
}

// TestU14ServeManagers writes to managers about their own people by the clock:
// not before a lead has written to anybody, then once in the month, in their own
// messages and nobody else's, over a restart.
func TestU14ServeManagers(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true, edit: func(yaml string) string {
		return strings.Replace(yaml, "zone: Europe/Madrid}", "zone: Europe/Madrid, managers: true}", 1)
	}})
	of.leads("abe", "sam", "sue")
	of.leads("bea", "vic")
	of.startAt(time.Date(2026, time.December, 7, 7, 40, 0, 0, time.UTC)) // the first Monday, before nine in Madrid
	of.advance(25 * time.Minute)
	of.await("sue", "the digest", func(m slacktest.Message) bool { return m.Channel == teamRoom && of.says("MFA week 50")(m) })
	until(t, longEnough, "the managers' slot is passed", func() bool { return of.recorded("managers.held") == 1 })
	of.command("ada", "", "digest now")
	of.await("ada", "that it is there", of.says("already"))
	of.finish()

	of.startAt(time.Date(2027, time.January, 4, 7, 40, 0, 0, time.UTC))
	of.advance(25 * time.Minute)
	letter := of.await("abe", "his people", of.direct("abe", of.says("MFA in your team, January 2027: 1 of the 2 people who report to you are registered.")))
	if !of.says("Sam")(letter) || of.says("Sue")(letter) {
		t.Errorf("abe is told\n%s", letter.Plain)
	}
	of.await("bea", "hers", of.direct("bea", of.says("MFA in your team, January 2027: ")))
	of.finish()
	of.startAt(of.clock.Now())
	of.advance(time.Minute)
	of.command("vic", "", "version")
	of.await("vic", "an answer", of.says("Twokey"))
	for _, m := range simtenant.Cast(0) { // others lead somebody too, as the tenant was made
		got := of.letters(m.ID)
		if len(got) > 1 || m.ID == "bea" && len(got) == 0 || m.ID == "sam" && len(got) > 0 {
			t.Errorf("%s sees %d letters: %+v", m.ID, len(got), got)
		}
		for _, letter := range got {
			if of.says("Sam Rivera")(letter) != (m.ID == "abe") {
				t.Errorf("%s is told\n%s", m.ID, letter.Plain)
			}
		}
	}
	if n := of.recorded("managers.sent"); n != 1 {
		t.Errorf("letters were recorded %d times", n)
	}
}

// recorded counts the audit records of a kind.
func (of *office) recorded(kind string) (n int) {
	of.t.Helper()
	db := store.OpenToRead(filepath.Join(of.folder, "twokey.db"))
	defer db.Close()
	for r, err := range db.Audit(of.t.Context()) {
		if err != nil {
			of.t.Fatal(err)
		}
		if r.Kind == kind {
			n++
		}
	}
	return n
}

// finish ends the bot, which must end well.
func (of *office) finish() {
	of.t.Helper()
	if err := of.end(); err != nil {
		of.t.Fatalf("the bot ended with %v", err)
	}
}
