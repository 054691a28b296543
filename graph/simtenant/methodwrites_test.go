package simtenant_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

const (
	mobileID    = "3179e48a-750b-4051-897c-87b9720928f7"
	alternateID = "b6332ec1-7057-4abe-9331-3d72feddfe41"
	officeID    = "e37fc753-ff3b-4958-9484-eaa9425c82bc"
)

// kindsOf returns the kinds of a user's methods, without the password.
func kindsOf(t testing.TB, h http.Handler, user string) string {
	t.Helper()
	var kinds []string
	for _, m := range list(t, h, "/v1.0/users/"+user+"/authentication/methods") {
		kind := strings.TrimSuffix(strings.TrimPrefix(m["@odata.type"].(string), "#microsoft.graph."), "AuthenticationMethod")
		if kind != "password" {
			kinds = append(kinds, kind)
		}
	}
	return strings.Join(kinds, " ")
}

// only returns the path of a user's only method of a kind.
func only(t testing.TB, h http.Handler, user, segment string) string {
	t.Helper()
	path := "/v1.0/users/" + user + "/authentication/" + segment
	held := list(t, h, path)
	if len(held) != 1 {
		t.Fatalf("%s: got %v, want one", path, held)
	}
	return path + "/" + held[0]["id"].(string)
}

// ada holds the app, which is the default, and a mobile phone.
const ada = "ada@harbourvale.example"

func TestDefaultMethodGoesLast(t *testing.T) {
	t.Parallel()
	for seed, says := range map[uint64]string{
		1: "Cannot delete default method with other methods configured.",
		2: "matches the user's current default authentication method",
	} {
		h := newTenant(t, simtenant.Config{Seed: seed})
		app, phone := only(t, h, ada, "microsoftAuthenticatorMethods"), only(t, h, ada, "phoneMethods")
		refused(t, h, "DELETE", app, "", 400, "badRequest", says)
		do(t, h, "DELETE", phone, "", 204)
		do(t, h, "DELETE", phone, "", 404)
		do(t, h, "DELETE", app, "", 204)
		if got := kindsOf(t, h, ada); got != "" {
			t.Errorf("seed %d: ada is left with %s", seed, got)
		}
		if len(h.Ledger()) != 2 {
			t.Errorf("ledger: %v", h.Ledger())
		}
	}
}

func TestDefaultMethodFollowsThePreference(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	preferences := "/beta/users/" + ada + "/authentication/signInPreferences"
	want := func(word any, system bool) {
		t.Helper()
		got := decode[object](t, do(t, h, "GET", preferences, "", 200))
		if got["userPreferredMethodForSecondaryAuthentication"] != word || got["isSystemPreferredAuthenticationMethodEnabled"] != system {
			t.Errorf("preferences: got %v, want %v, %v", got, word, system)
		}
	}
	app, phone := only(t, h, ada, "microsoftAuthenticatorMethods"), only(t, h, ada, "phoneMethods")
	want("push", true)
	do(t, h, "PATCH", preferences, `{"userPreferredMethodForSecondaryAuthentication":"sms"}`, 204)
	want("sms", true)
	refused(t, h, "DELETE", phone, "", 400, "badRequest", "default")
	do(t, h, "PATCH", preferences, `{"isSystemPreferredAuthenticationMethodEnabled":false}`, 204)
	want("sms", false)
	do(t, h, "DELETE", app, "", 204)
	refused(t, h, "PATCH", preferences, `{"userPreferredMethodForSecondaryAuthentication":"push"}`, 400, "badRequest", "push")
	refused(t, h, "PATCH", preferences, `{"userPreferredMethodForSecondaryAuthentication":"oath"}`, 400, "badRequest", "oath")
	refused(t, h, "PATCH", preferences, `{"userPreferredMethodForSecondaryAuthentication":"voiceOffice"}`, 400, "badRequest", "voiceOffice")
	refused(t, h, "PATCH", preferences, `{"userPreferredMethodForSecondaryAuthentication":"pigeon"}`, 400, "badRequest", "pigeon")
	do(t, h, "PATCH", preferences, `{}`, 204)
	do(t, h, "DELETE", phone, "", 204)
	want(nil, false)
	if got := len(h.Ledger()); got != 4 {
		t.Errorf("ledger: got %d effects, want 4", got)
	}
}

// Passkeys cannot be the default, so they stand in nobody's way.
func TestPasskeyKeepsNoDefault(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	const olga = "olga@harbourvale.example"
	do(t, h, "DELETE", only(t, h, olga, "microsoftAuthenticatorMethods"), "", 204)
	if got := kindsOf(t, h, olga); got != "fido2" {
		t.Errorf("olga is left with %q, want her key", got)
	}
	do(t, h, "DELETE", only(t, h, olga, "fido2Methods"), "", 204)
}

func TestMethodsAreDeletedWhereTheyAre(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	app := only(t, h, ada, "microsoftAuthenticatorMethods")
	for name, tt := range map[string]struct {
		path   string
		status int
		code   string
	}{
		"by another kind's path": {strings.Replace(app, "microsoftAuthenticatorMethods", "fido2Methods", 1), 404, "resourceNotFound"},
		"in the list of all":     {strings.Replace(app, "microsoftAuthenticatorMethods", "methods", 1), 405, "Request_BadRequest"},
		"the password":           {samMethods + "passwordMethods/28c10230-6103-485e-b985-444c60001490", 405, "Request_BadRequest"},
		"one that is none":       {samMethods + "phoneMethods/none", 404, "resourceNotFound"},
		"of nobody":              {"/v1.0/users/nobody/authentication/phoneMethods/" + mobileID, 404, "Request_ResourceNotFound"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, h, "DELETE", tt.path, "", tt.status, tt.code, "") })
	}
}

func TestPhones(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	phones := samMethods + "phoneMethods"
	for _, body := range []string{
		`{"phoneNumber":"07700 900123","phoneType":"mobile"}`, `{"phoneNumber":"+447700900123","phoneType":"mobile"}`,
		`{"phoneNumber":"+44  7700900123","phoneType":"mobile"}`, `{"phoneNumber":"+44 7700 900123","phoneType":"mobile"}`,
		`{"phoneNumber":"+44 7700900123","phoneType":"pager"}`, `{"phoneNumber":"+44 7700900123"}`, `{"phoneType":"mobile"}`,
		`{"phoneNumber":"+44 7700900123","phoneType":"mobile","smsSignInState":"ready"}`, `{"phoneNumber":1,"phoneType":"mobile"}`, phoneJSON("alternateMobile"),
	} {
		refused(t, h, "POST", phones, body, 400, "badRequest", "")
	}
	for _, kind := range []string{"mobile", "office"} { // the first is the default
		id := map[string]string{"mobile": mobileID, "office": officeID}[kind]
		r := do(t, h, "POST", phones, phoneJSON(kind), 201)
		m := decode[object](t, r)
		if m["id"] != id || m["phoneNumber"] != "+44 7700900123" || m["phoneType"] != kind || !strings.HasSuffix(r.header.Get("Location"), phones+"/"+id) {
			t.Errorf("%s: %s %v", kind, r.raw, r.header)
		}
	}
	do(t, h, "POST", phones, `{"phoneNumber":"+44 1632960000x12","phoneType":"alternateMobile"}`, 201)
	refused(t, h, "POST", phones, phoneJSON("mobile"), 400, "badRequest", "already")
	// The mobile stays as long as the alternate, which cannot be without it.
	refused(t, h, "DELETE", phones+"/"+mobileID, "", 400, "badRequest", "alternate")
	do(t, h, "DELETE", phones+"/"+alternateID, "", 204)
	do(t, h, "DELETE", phones+"/"+officeID, "", 204)
	do(t, h, "DELETE", phones+"/"+mobileID, "", 204)
	if got := kindsOf(t, h, "sam@harbourvale.example"); got != "" {
		t.Errorf("sam is left with %s", got)
	}
}

// pass is a Temporary Access Pass as it is read.
type pass struct {
	ID                     string
	TemporaryAccessPass    *string
	StartDateTime          time.Time
	LifetimeInMinutes      int
	IsUsable, IsUsableOnce bool
	MethodUsabilityReason  string
}

func passes(t testing.TB, h http.Handler) []pass {
	t.Helper()
	return decode[struct{ Value []pass }](t, do(t, h, "GET", passesPath, "", 200)).Value
}

func TestPassIsReadableOnce(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	first := decode[pass](t, do(t, h, "POST", passesPath, `{}`, 201))
	if first.TemporaryAccessPass == nil || len(*first.TemporaryAccessPass) != 8 {
		t.Fatalf("secret: %v", first.TemporaryAccessPass)
	}
	if first.LifetimeInMinutes != 60 || first.IsUsableOnce || !first.IsUsable || !first.StartDateTime.Equal(epoch) {
		t.Errorf("as the policy has it: %+v", first)
	}
	if held := passes(t, h); len(held) != 1 || held[0].TemporaryAccessPass != nil || held[0].ID != first.ID {
		t.Errorf("read again: %+v", held)
	}
	now.Add(59 * time.Minute)
	if held := passes(t, h); !held[0].IsUsable || held[0].MethodUsabilityReason != "EnabledByPolicy" {
		t.Errorf("near its end: %+v", held)
	}
	second := decode[pass](t, do(t, h, "POST", passesPath, `{"lifetimeInMinutes":480,"isUsableOnce":true}`, 201))
	if held := passes(t, h); len(held) != 1 || held[0].ID != second.ID || held[0].LifetimeInMinutes != 480 || !held[0].IsUsableOnce {
		t.Errorf("the second kills the first: %+v", held)
	}
	if *first.TemporaryAccessPass == *second.TemporaryAccessPass || first.ID == second.ID {
		t.Error("the second pass is the first")
	}
	now.Add(480 * time.Minute)
	if held := passes(t, h); held[0].IsUsable || held[0].MethodUsabilityReason != "Expired" {
		t.Errorf("after its end: %+v", held)
	}
	do(t, h, "DELETE", passesPath+"/"+second.ID, "", 204)
	if held := passes(t, h); len(held) != 0 {
		t.Errorf("after it was deleted: %+v", held)
	}
}

func TestPassMayBeginLater(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	r := do(t, h, "POST", passesPath, `{"startDateTime":"2026-11-24T08:00:00+01:00"}`, 201)
	if p := decode[pass](t, r); p.IsUsable || p.MethodUsabilityReason != "NotYetValid" || !p.StartDateTime.Equal(epoch.Add(22*time.Hour)) {
		t.Errorf("before its beginning: %s", r.raw)
	}
	now.Add(22 * time.Hour)
	if held := passes(t, h); !held[0].IsUsable {
		t.Errorf("at its beginning: %+v", held)
	}
}

func TestPassesAreRefused(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11})
	for _, body := range []string{
		`{"lifetimeInMinutes":59}`, `{"lifetimeInMinutes":481}`, `{"lifetimeInMinutes":9}`, `{"lifetimeInMinutes":60.5}`, `{"lifetimeInMinutes":"60"}`,
		`{"startDateTime":"2026-11-23T08:59:59Z"}`, `{"startDateTime":"tomorrow"}`, `{"isUsableOnce":"yes"}`, `{"temporaryAccessPass":"mine"}`,
	} {
		refused(t, h, "POST", passesPath, body, 400, "badRequest", "")
	}
	guest := list(t, h, filtered("userType eq 'Guest'")+"&$select=id&$top=1")[0]["id"].(string)
	refused(t, h, "POST", "/v1.0/users/"+guest+"/authentication/temporaryAccessPassMethods", `{}`, 400, "badRequest", "external guest user")
	refused(t, h, "POST", "/v1.0/users/nobody/authentication/temporaryAccessPassMethods", `{}`, 404, "Request_ResourceNotFound", "nobody")

	do(t, h, "PATCH", configsPath+"/temporaryAccessPass", passConfigJSON(`"isUsableOnce":true,"defaultLength":12`), 204)
	refused(t, h, "POST", passesPath, `{"isUsableOnce":false}`, 400, "badRequest", "more than once")
	if p := decode[pass](t, do(t, h, "POST", passesPath, `{}`, 201)); !p.IsUsableOnce || len(*p.TemporaryAccessPass) != 12 {
		t.Errorf("where passes are for once: %+v", p)
	}
}

// The policy decides who may have a pass, and one that was handed out before is
// of no use to whom it leaves out.
func TestPassesFollowThePolicy(t *testing.T) {
	t.Parallel()
	sam := simtenant.Cast(11)[5].ObjectID
	all := `{"id":"all_users","targetType":"group"}`
	group := func(t *testing.T, h http.Handler, name string) string {
		for _, m := range list(t, h, "/v1.0/users/"+sam+"/transitiveMemberOf") {
			if m["displayName"] == name {
				return m["id"].(string)
			}
		}
		return fillIn(t, h, "{group}") // of the help desk
	}
	for _, tt := range []struct {
		name, config string
		allowed      bool
	}{
		{"switched off", `"state":"disabled"`, false},
		{"for everybody", `"includeTargets":[` + all + `]`, true},
		{"for nobody", `"includeTargets":[]`, false},
		{"for sam", `"includeTargets":[{"id":"` + sam + `","targetType":"user"}]`, true},
		{"for somebody else", `"includeTargets":[{"id":"` + simtenant.Cast(11)[0].ObjectID + `","targetType":"user"}]`, false},
		{"for a group of sam's", `"includeTargets":[{"id":"{All Staff}","targetType":"group"}]`, true},
		{"for another group", `"includeTargets":[{"id":"{Desk}","targetType":"group"}]`, false},
		{"but not for sam", `"includeTargets":[` + all + `],"excludeTargets":[{"id":"` + sam + `","targetType":"user"}]`, false},
		{"but not for a group of sam's", `"includeTargets":[` + all + `],"excludeTargets":[{"id":"{All Staff}","targetType":"group"}]`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t, simtenant.Config{People: 400, Seed: 11, Licence: graph.P1})
			config := strings.NewReplacer("{All Staff}", group(t, h, "All Staff"), "{Desk}", group(t, h, "Desk")).Replace(tt.config)
			do(t, h, "POST", passesPath, `{}`, 201)
			do(t, h, "PATCH", configsPath+"/temporaryAccessPass", passConfigJSON(config), 204)
			if held := passes(t, h); held[0].IsUsable != tt.allowed || !tt.allowed && held[0].MethodUsabilityReason != "DisabledByPolicy" {
				t.Errorf("a pass from before: %+v", held)
			}
			if tt.allowed {
				do(t, h, "POST", passesPath, `{}`, 201)
				return
			}
			refused(t, h, "POST", passesPath, `{}`, 400, "badRequest", "AuthMethodType [TemporaryAccessPass]")
		})
	}
}

func TestPerUserMFA(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	_, delta := changes(t, h, "/v1.0/users/delta?$deltatoken=latest")
	do(t, h, "PATCH", requirementsPath, `{"perUserMfaState":"enforced"}`, 204)
	do(t, h, "PATCH", requirementsPath, `{}`, 204)
	if got := decode[object](t, do(t, h, "GET", requirementsPath, "", 200))["perUserMfaState"]; got != "enforced" {
		t.Errorf("state: got %v", got)
	}
	refused(t, h, "PATCH", requirementsPath, `{"perUserMfaState":null}`, 400, "badRequest", "perUserMfaState")
	do(t, h, "PATCH", strings.Replace(requirementsPath, "beta", "v1.0", 1), `{"perUserMfaState":"enabled"}`, 404)
	if rows, _ := changes(t, h, delta); len(rows) != 0 || len(h.Ledger()) != 1 {
		t.Errorf("changed users %v, ledger %v", rows, h.Ledger())
	}
}

// The registration report catches up when it makes its row anew.
func TestReportFollowsWhatIsDeleted(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now})
	row := func() object {
		return decode[object](t, do(t, h, "GET", "/v1.0/reports/authenticationMethods/userRegistrationDetails/"+simtenant.Cast(1)[1].ObjectID, "", 200))
	}
	do(t, h, "DELETE", only(t, h, ada, "phoneMethods"), "", 204)
	do(t, h, "DELETE", only(t, h, ada, "microsoftAuthenticatorMethods"), "", 204)
	do(t, h, "PATCH", "/beta/users/"+ada+"/authentication/signInPreferences", `{"isSystemPreferredAuthenticationMethodEnabled":false}`, 204)
	if r := row(); r["isMfaRegistered"] != true || r["isSystemPreferredAuthenticationMethodEnabled"] != true {
		t.Errorf("at once: %v", r)
	}
	now.Add(6 * time.Hour)
	if r := row(); r["isMfaRegistered"] != false || r["userPreferredMethodForSecondaryAuthentication"] != "none" || r["isSystemPreferredAuthenticationMethodEnabled"] != false {
		t.Errorf("after a cycle: %v", r)
	}
}

func TestReportTellsWhatSomebodyPrefers(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now})
	do(t, h, "PATCH", "/beta/users/"+ada+"/authentication/signInPreferences", `{"userPreferredMethodForSecondaryAuthentication":"voiceMobile"}`, 204)
	for _, want := range []string{"push", "voiceMobile"} {
		r := do(t, h, "GET", "/v1.0/reports/authenticationMethods/userRegistrationDetails/"+simtenant.Cast(1)[1].ObjectID, "", 200)
		if got := decode[object](t, r)["userPreferredMethodForSecondaryAuthentication"]; got != want {
			t.Errorf("at %s: got %v, want %s", now.Now(), got, want)
		}
		now.Add(6 * time.Hour)
	}
}
