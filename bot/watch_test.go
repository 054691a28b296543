package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/commands/rules"
	"twokey/store"
)

const defaultsPath = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy"

// writeAs changes the tenant as another app does, past the bot.
func (d *demo) writeAs(app, method, path, body string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.tenant+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+app)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		d.t.Fatalf("%s %s as %s: %s", method, path, app, resp.Status)
	}
}

// TestU09EmergencyAccountIsWatched holds that an emergency account which was taken
// out of the configuration is still looked after for the day that it holds, and a
// new one at once.
func TestU09EmergencyAccountIsWatched(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	was, is := rules.Rules{Emergency: []string{"em1", "em2"}}, rules.Rules{Emergency: []string{"em2", "em3"}}
	k := rules.NewKeeper([]rules.Version{{Rules: was, Since: now.Add(-2 * rules.Late)}, {Rules: is, Since: now}}, func() time.Time { return now })
	if got, want := guarded(k), []string{"em1", "em2", "em3"}; !slices.Equal(got, want) {
		t.Errorf("looked after are %v, want %v", got, want)
	}
}

// TestU12OutsideChangesAreNoticed changes the tenant by a request, past the bot,
// and in the bot's own name: each shows as what it is, is counted in the digest,
// and the last one is recorded.
func TestU12OutsideChangesAreNoticed(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	prompt := d.ask("/mfa defaults enable everybody has been trained")
	d.approve(prompt.Request)
	d.advance("10s")
	d.outcome(prompt.Request, "done")
	d.writeAs("portal", "PATCH", defaultsPath, `{"isEnabled":false}`)

	d.advance("1m") // the last reading is no longer fresh
	d.say("vic", "/mfa changes")
	got := d.await("vic", "the changes", from("outside, by the app “portal”"))
	for _, want := range []string{"security defaults: off → on", "by Twokey " + prompt.Request, "security defaults: on → off"} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("the changes lack %q:\n%s", want, got.Text)
		}
	}

	d.advance("24h")
	d.writeAs(botApp, "PATCH", defaultsPath, `{"isEnabled":true}`)
	d.advance("1m")
	d.say("vic", "/mfa changes")
	got = d.await("vic", "the change in our name", from("with Twokey's own credentials and without a request"))
	d.await("bea", "the alarm", from("Somebody acted with Twokey's own credentials"))
	d.await("bea", "that it is frozen", from("All changes are frozen."))
	d.say("vic", "/mfa audit")
	d.await("vic", "its record", from("watch.in_our_name"))
	d.await("vic", "the freeze's record", from("tenant.frozen"))
	d.say("ada", "/mfa defaults disable for a test")
	d.await("ada", "who froze it", from("They were frozen by Twokey itself on "))
	d.say("vic", "/mfa digest preview")
	d.await("vic", "the count", from("1 of them with Twokey's own credentials"))
	if status, said := d.verify(); status != 0 {
		t.Errorf("audit verify = %d: %s", status, said)
	}

	db := store.OpenToRead(d.data + "/" + databaseName)
	defer db.Close()
	effects := d.ours()
	if len(effects) != 2 {
		t.Fatalf("the ledger has %d writes in our name, want 2", len(effects))
	}
	line, ok, err := db.MatchedChange(t.Context(), effects[0].ClientRequestID)
	if err != nil || !ok {
		t.Fatalf("MatchedChange = %q, %t, %v; want the line of our step", line, ok, err)
	}
	var lines struct {
		Value []struct{ ID, CorrelationID string }
	}
	d.must(http.StatusOK, "GET", d.tenant+"/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("correlationId eq '"+effects[0].ClientRequestID+"'"), nil, &lines)
	if len(lines.Value) != 1 || lines.Value[0].ID != line {
		t.Errorf("the tenant's log has %+v for our step, and we kept %q", lines.Value, line)
	}
}

// TestU08ANewCredential gives the bot's app registration a secret past the bot: all
// changes are frozen, and everybody who decides is told which and by what.
func TestU08ANewCredential(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	db := store.OpenToRead(d.data + "/" + databaseName)
	defer db.Close()
	organization := d.organization()
	until(t, longEnough, "the app registration to be looked at", func() bool {
		seen, err := db.SeenApp(t.Context(), organization, botApp)
		return err == nil && seen.App.ID != ""
	})
	var app struct{ ID string }
	d.must(http.StatusOK, "GET", d.tenant+"/v1.0/applications(appId='"+botApp+"')", nil, &app)
	d.writeAs("portal", "POST", "/v1.0/applications/"+app.ID+"/addPassword", `{"passwordCredential":{"displayName":"mine"}}`)
	d.advance("1m")
	d.await("bea", "what became of it", from("A new secret can sign in as the app. It is called “mine”."))
	d.await("bea", "that it is frozen", from("Done by: Twokey itself"))
	d.say("ada", "/mfa defaults enable for a test")
	d.await("ada", "who froze it", from("They were frozen by Twokey itself on "))
	d.say("vic", "/mfa audit")
	d.await("vic", "its record", from("watch.app"))
}
