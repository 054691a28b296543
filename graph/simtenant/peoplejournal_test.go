package simtenant_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// readPeople is what can be read of people: two tenants in which it is the same
// are the same to every caller.
func readPeople(t testing.TB, h http.Handler) string {
	t.Helper()
	var all strings.Builder
	read := func(path string) {
		t.Helper()
		r := ask(h, "GET", path, "")
		if r.status != 200 {
			t.Fatalf("GET %s: %d %s", path, r.status, r.raw)
		}
		all.Write(r.raw)
	}
	for _, u := range list(t, h, "/v1.0/users?$select=id&$top=999") {
		id := u["id"].(string)
		read("/v1.0/users/" + id + "/authentication/methods")
		read("/beta/users/" + id + "/authentication/signInPreferences")
		read("/beta/users/" + id + "/authentication/requirements")
	}
	for _, path := range []string{
		"/v1.0/users?$top=999&$select=mobilePhone," + everyUserProperty, "/v1.0/auditLogs/directoryAudits",
		"/v1.0/reports/authenticationMethods/userRegistrationDetails",
	} {
		read(path)
	}
	return all.String()
}

// Every write about people comes back from the journal as it was, with the ids
// and the secrets that were drawn for it.
func TestJournalBringsPeopleBack(t *testing.T) {
	t.Parallel()
	cfg := simtenant.Config{
		Licence: graph.P1, Seed: 7, People: 30, Epoch: epoch, Now: newClock(epoch).Now, Journal: filepath.Join(t.TempDir(), "tenant.journal"),
		Apps: mightyApp(),
	}
	cfg.Apps[0].Permissions = append(cfg.Apps[0].Permissions, "Policy.ReadWrite.AuthenticationMethod", "Mail.Send", "User.RevokeSessions.All")
	h := newTenant(t, cfg)
	_, delta := changes(t, bearing(h), "/v1.0/users/delta?$deltatoken=latest")
	app := only(t, bearing(h), ada, "microsoftAuthenticatorMethods")
	for _, w := range []struct{ method, path, body string }{
		{"POST", "/v1.0/users", hireJSON("new.person")},
		{"POST", "/v1.0/users", hireJSON("short")},
		{"DELETE", "/v1.0/users/short@harbourvale.example", ""},
		{"PATCH", "/v1.0/users/new.person@harbourvale.example", `{"userPrincipalName":"renamed@harbourvale.example","otherMails":["x@home.example"]}`},
		{"PATCH", "/v1.0/users/renamed@harbourvale.example", `{"displayName":"Renamed Person"}`},
		{"PATCH", "/v1.0/users/olga@harbourvale.example", `{"accountEnabled":false}`}, // needs the app's role
		{"POST", "/v1.0/users/renamed@harbourvale.example/authentication/temporaryAccessPassMethods", `{"lifetimeInMinutes":90}`},
		{"POST", "/v1.0/users/renamed@harbourvale.example/authentication/temporaryAccessPassMethods", `{"startDateTime":"2026-11-24T09:00:00Z"}`},
		{"POST", samMethods + "phoneMethods", phoneJSON("mobile")},
		{"POST", samMethods + "phoneMethods", phoneJSON("alternateMobile")},
		{"PATCH", samPreferences, `{"userPreferredMethodForSecondaryAuthentication":"voiceAlternateMobile","isSystemPreferredAuthenticationMethodEnabled":false}`},
		{"PATCH", requirementsPath, `{"perUserMfaState":"enabled"}`},
		{"DELETE", only(t, bearing(h), ada, "phoneMethods"), ""},
		{"DELETE", app, ""},
		{"POST", samPath + "/revokeSignInSessions", ""},
		{"POST", samPath + "/sendMail", mailJSON("olga@harbourvale.example")},
		{"DELETE", "/v1.0/users/sue@harbourvale.example", ""},
	} {
		h.Advance(7 * time.Minute)
		if r := ask(h, w.method, w.path, w.body, bot...); r.status >= 300 {
			t.Fatalf("%s %s: %d %s", w.method, w.path, r.status, r.raw)
		}
	}
	refused(t, h, "DELETE", samMethods+"phoneMethods/"+alternateID, "", 400, "badRequest", "", bot...)
	before, ledger := readPeople(t, bearing(h)), h.Ledger()
	rows, _ := changes(t, bearing(h), delta)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Apps[0].Roles = nil // what was done stays done
	again := newTenant(t, cfg)
	same(t, again.Ledger(), ledger)
	if got := readPeople(t, bearing(again)); got != before {
		t.Error("people are not what they were")
	}
	if after, _ := changes(t, bearing(again), delta); seen(after) != seen(rows) || len(rows) != 3 {
		t.Errorf("changed users: got %q, want %q", seen(after), seen(rows))
	}
}

// bearing sends every request of a test under the name of somebody who may do
// everything.
func bearing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set(portal[0], portal[1])
		h.ServeHTTP(w, r)
	})
}

// The seed plans what people register. What a write puts in its place takes its
// place for good, and the log tells no story of what did not happen.
func TestPlansGiveWayToWrites(t *testing.T) {
	t.Parallel()
	late := newTenant(t, simtenant.Config{People: 240, Now: newClock(epoch.Add(20 * 7 * 24 * time.Hour)).Now})
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{People: 240, Now: now.Now})
	who := ""
	for _, u := range list(t, h, "/v1.0/users?$select=id&$top=999") {
		path := "/v1.0/users/" + u["id"].(string) + "/authentication/phoneMethods"
		if got := list(t, late, path); len(got) == 1 && got[0]["phoneType"] == "mobile" && len(list(t, h, path)) == 0 {
			who = u["id"].(string)
			break
		}
	}
	if who == "" {
		t.Fatal("nobody is going to register a mobile phone")
	}
	path := "/v1.0/users/" + who + "/authentication/phoneMethods"
	planned := list(t, late, path)[0]
	do(t, h, "POST", path, phoneJSON("mobile"), 201)
	at, err := time.Parse(time.RFC3339, planned["createdDateTime"].(string))
	if err != nil {
		t.Fatal(err)
	}
	now.Add(at.Sub(epoch) + time.Hour)
	if got := list(t, h, path); len(got) != 1 || got[0]["phoneNumber"] != "+44 7700900123" {
		t.Errorf("phones: got %v, want the one that was registered", got)
	}
	filter := "?$filter=" + "targetResources/any(t:t/id%20eq%20'" + who + "')"
	for _, a := range list(t, h, "/v1.0/auditLogs/directoryAudits"+filter) {
		if a["activityDateTime"] == planned["createdDateTime"] {
			t.Errorf("the log tells of a phone that was never registered: %v", a)
		}
	}
}
