package simtenant_test

import (
	"bytes"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// everything is all that a reader can see of a tenant, as one text.
func everything(t *testing.T, h *simtenant.Tenant) string {
	t.Helper()
	var b bytes.Buffer
	for _, path := range []string{
		"/v1.0/organization", "/v1.0/subscribedSkus", defaultsPath, policiesPath, "/v1.0/users?$top=999&$select=" + everyUserProperty,
		"/v1.0/roleManagement/directory/roleAssignments?$expand=principal", "/v1.0/directoryRoles?$expand=members",
		"/v1.0/reports/authenticationMethods/userRegistrationDetails", "/v1.0/auditLogs/directoryAudits",
		"/beta/auditLogs/signIns?$filter=signInEventTypes/any(t:t%20eq%20'nonInteractiveUser')", "/v1.0/auditLogs/signIns",
	} {
		b.Write(ask(h, "GET", path, "").raw)
	}
	for _, u := range list(t, h, "/v1.0/users?$select=id&$top=999") {
		b.Write(ask(h, "GET", "/v1.0/users/"+u["id"].(string)+"/authentication/methods", "").raw)
	}
	return b.String()
}

func TestWorldFollowsFromSeedEpochAndClock(t *testing.T) {
	t.Parallel()
	cfg := simtenant.Config{Licence: graph.P1, People: 60, Seed: 3}
	first := everything(t, newTenant(t, cfg))
	if second := everything(t, newTenant(t, cfg)); second != first {
		t.Error("two tenants of one seed differ")
	}
	other := cfg
	other.Seed = 4
	if everything(t, newTenant(t, other)) == first {
		t.Error("tenants of two seeds are the same")
	}

	// A clock that was moved there shows the same as one that began there.
	early, late := cfg, cfg
	early.Now, late.Now = newClock(epoch.Add(-5*7*24*time.Hour)).Now, newClock(epoch.Add(24*time.Hour)).Now
	moved := newTenant(t, early)
	if everything(t, moved) == first {
		t.Error("five weeks earlier the tenant looks as it does now")
	}
	if n := len(list(t, moved, policiesPath)); n != 1 {
		t.Errorf("five weeks earlier there are %d policies, want the older one", n)
	}
	moved.Advance(5 * 7 * 24 * time.Hour)
	if everything(t, moved) != first {
		t.Error("moving the clock to the epoch does not show the tenant as it is then")
	}
	if everything(t, newTenant(t, late)) == first {
		t.Error("a day later the tenant looks as it does now")
	}
}

func TestCastIsInEveryTenant(t *testing.T) {
	t.Parallel()
	for _, people := range []int{1, 7, 8, 240} {
		h := newTenant(t, simtenant.Config{People: people, Seed: 9})
		known := append(append(simtenant.Cast(9), simtenant.Emergency(9)...), simtenant.Service(9)...)
		for _, m := range known {
			u := decode[object](t, ask(h, "GET", "/v1.0/users/"+m.ObjectID, ""))
			if u["displayName"] != m.Name || u["userPrincipalName"] != m.UPN {
				t.Errorf("%d people: %s is %v", people, m.ID, u)
			}
		}
	}
	want := []string{"olga", "ada", "abe", "bea", "vic", "sam", "sue"}
	for i, m := range simtenant.Cast(9) {
		if m.ID != want[i] {
			t.Errorf("cast %d: got %s, want %s", i, m.ID, want[i])
		}
	}
}

// methodsOf reads what an account can sign in with.
func methodsOf(t *testing.T, h *simtenant.Tenant, id string) []graph.Method {
	t.Helper()
	var out []graph.Method
	for _, m := range list(t, h, "/v1.0/users/"+id+"/authentication/methods") {
		kind := strings.TrimSuffix(strings.TrimPrefix(m["@odata.type"].(string), "#microsoft.graph."), "AuthenticationMethod")
		out = append(out, graph.Method{ID: m["id"].(string), Kind: graph.MethodKind(kind)})
	}
	return out
}

func TestCastMethods(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	for id, want := range map[string]int{"olga": 2, "ada": 2, "abe": 1, "bea": 2, "vic": 2, "sam": 0, "sue": 1} {
		for _, m := range simtenant.Cast(1) {
			if m.ID != id {
				continue
			}
			got := 0
			for _, method := range methodsOf(t, h, m.ObjectID) {
				if method.Kind.Strength() > graph.NotMFA {
					got++
				}
			}
			if got != want {
				t.Errorf("%s: got %d methods that count, want %d", id, got, want)
			}
		}
	}
	for _, m := range simtenant.Emergency(1) {
		if got := graph.Strongest(methodsOf(t, h, m.ObjectID)); got != graph.PhishingResistant {
			t.Errorf("%s: strongest method is %v, want a passkey", m.ID, got)
		}
	}
}

// population counts what a tenant is made of.
func population(t *testing.T, h *simtenant.Tenant, seed uint64) (people, guests, disabled, registered int) {
	t.Helper()
	apart := map[any]bool{}
	for _, m := range append(simtenant.Emergency(seed), simtenant.Service(seed)...) {
		apart[m.ObjectID] = true
	}
	for _, a := range list(t, h, "/v1.0/roleManagement/directory/roleAssignments") {
		if a["roleDefinitionId"] == graph.RoleDirectorySyncAccounts {
			apart[a["principalId"]] = true
		}
	}
	for _, u := range list(t, h, "/v1.0/users?$top=999&$select=id,userType,accountEnabled") {
		switch {
		case u["userType"] == "Guest":
			guests++
		case u["accountEnabled"] == false:
			disabled++
		case !apart[u["id"]]:
			people++
			if graph.Strongest(methodsOf(t, h, u["id"].(string))) > graph.NotMFA {
				registered++
			}
		}
	}
	return people, guests, disabled, registered
}

func TestPopulation(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 6; seed++ {
		now := newClock(epoch.Add(-10 * 7 * 24 * time.Hour))
		h := newTenant(t, simtenant.Config{Seed: seed, Now: now.Now})
		last := 0
		for week := -10; week <= 6; week += 2 {
			people, guests, disabled, registered := population(t, h, seed)
			if people != 240 || guests != 9 || disabled != 7 {
				t.Fatalf("seed %d: %d people, %d guests, %d disabled; want 240, 9, 7", seed, people, guests, disabled)
			}
			if registered < last {
				t.Errorf("seed %d: registrations fell to %d from %d in week %d", seed, registered, last, week)
			}
			if week > -10 && registered-last < 2 {
				t.Errorf("seed %d: only %d registered in the two weeks before week %d", seed, registered-last, week)
			}
			if share := float64(registered) / float64(people); week == 0 && (share < 0.55 || share > 0.65) {
				t.Errorf("seed %d: %.1f %% registered at the epoch, want 55 to 65", seed, 100*share)
			}
			last = registered
			now.Add(2 * 7 * 24 * time.Hour)
		}
	}
}

func TestNamesAreAwkward(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	names, foreign, apostrophes, differ, none := map[any]int{}, 0, 0, 0, 0
	departments := map[any]int{}
	for _, u := range list(t, h, "/v1.0/users?$top=999&$select=displayName,userPrincipalName,mail,department,userType") {
		name := u["displayName"].(string)
		names[name]++
		if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
			foreign++
		}
		if strings.Contains(u["userPrincipalName"].(string), "'") {
			apostrophes++
		}
		switch u["mail"] {
		case nil:
			none++
		case u["userPrincipalName"]:
		default:
			differ++
		}
		if u["userType"] == "Member" {
			departments[u["department"]]++
		}
	}
	if names["Maria Nowak"] < 2 || foreign < 20 || apostrophes < 1 || differ < 5 || none < 3 {
		t.Errorf("same name %d, letters beyond ASCII %d, apostrophes %d, mail unlike UPN %d, no mail %d", names["Maria Nowak"], foreign, apostrophes, differ, none)
	}
	small, large := 0, 0
	for _, n := range departments {
		if n < 5 {
			small++
		}
		if n > 30 {
			large++
		}
	}
	if small < 2 || large < 2 || departments[nil] == 0 {
		t.Errorf("departments: %v", departments)
	}
}

func TestReportLagsAndHasGaps(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1, People: 600})
	users := len(list(t, h, "/v1.0/users?$top=999"))
	rows := list(t, h, "/v1.0/reports/authenticationMethods/userRegistrationDetails")
	if missing := users - len(rows); missing < 1 || missing > users/20 {
		t.Errorf("rows: %d of %d users", len(rows), users)
	}
	oldest, notCapable := epoch, 0
	for _, row := range rows {
		at, err := time.Parse(time.RFC3339, row["lastUpdatedDateTime"].(string))
		if err != nil || at.After(epoch) {
			t.Fatalf("row of %v: %v", row["lastUpdatedDateTime"], err)
		}
		if at.Before(oldest) {
			oldest = at
		}
		if row["isMfaRegistered"] == true && row["isMfaCapable"] == false {
			notCapable++
		}
	}
	if lag := epoch.Sub(oldest); lag < 3*time.Hour || lag > 6*time.Hour {
		t.Errorf("oldest row: %s behind, want some hours", lag)
	}
	if notCapable == 0 {
		t.Error("nobody is registered without being capable")
	}
	if got := len(list(t, h, "/v1.0/reports/authenticationMethods/userRegistrationDetails?$filter=isMfaRegistered%20eq%20false")); got == 0 || got >= len(rows) {
		t.Errorf("filter: %d of %d rows", got, len(rows))
	}
}

// legacyNames are the usual spellings of legacy clients in the log.
var legacyNames = []string{
	"Exchange ActiveSync", "IMAP4", "IMAP", "POP3", "POP", "SMTP", "Authenticated SMTP", "MAPI Over HTTP", "Exchange Web Services", "Other clients",
}

func TestLegacySignInsDeclineAndAreBlocked(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, People: 1000, Now: now.Now})
	legacy := func(from, to time.Time) (successes map[string]int, failures map[int]int, total int) {
		successes, failures = map[string]int{}, map[int]int{}
		for _, kind := range []string{"interactiveUser", "nonInteractiveUser"} {
			filter := fmt.Sprintf("createdDateTime ge %s and createdDateTime le %s and signInEventTypes/any(t:t eq '%s') and (clientAppUsed eq '%s')",
				from.Format(time.RFC3339), to.Format(time.RFC3339), kind, strings.Join(legacyNames, "' or clientAppUsed eq '"))
			for _, e := range list(t, h, "/beta/auditLogs/signIns?$filter="+url.QueryEscape(filter)) {
				client := e["clientAppUsed"].(string)
				if !graph.LegacyClient(client) {
					continue
				}
				code := int(e["status"].(object)["errorCode"].(float64))
				if code == 0 {
					successes[client]++
					total++
				} else {
					failures[code]++
				}
			}
		}
		return successes, failures, total
	}
	week := 7 * 24 * time.Hour
	_, _, then := legacy(epoch.Add(-4*week), epoch.Add(-3*week))
	clients, failures, lately := legacy(epoch.Add(-week), epoch)
	if lately >= then {
		t.Errorf("legacy successes: %d four weeks ago, %d lately; want a decline", then, lately)
	}
	for _, client := range []string{"IMAP4", "POP3", "Authenticated SMTP", "Exchange ActiveSync", "Other clients"} {
		if clients[client] == 0 {
			t.Errorf("no success by %s; got %v", client, clients)
		}
	}
	if failures[50126] == 0 || failures[530032] != 0 {
		t.Errorf("failures by code: %v", failures)
	}

	// What is blocked is decided by what was on when it was tried.
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	now.Add(week)
	_, failures, stopped := legacy(epoch.Add(3*time.Hour), epoch.Add(week))
	if stopped != 0 || failures[530032] == 0 {
		t.Errorf("with security defaults on: %d successes, failures %v", stopped, failures)
	}
	if _, _, again := legacy(epoch.Add(-week), epoch); math.Abs(float64(again-lately)) > float64(lately)/50 {
		t.Errorf("the past changed: %d successes, then %d", lately, again)
	}
}

func TestBlockingPolicySparesWhomItExcludes(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now})
	scanner := simtenant.Service(1)[0].ObjectID
	body := strings.Replace(policyJSON(graph.PolicyEnabled), `"includeUsers":["All"]`, `"includeUsers":["All"],"excludeUsers":["`+scanner+`"]`, 1)
	if r := ask(h, "POST", policiesPath, body); r.status != 201 {
		t.Fatalf("POST policy: %d %s", r.status, r.raw)
	}
	now.Add(3 * 24 * time.Hour)
	codes := map[string]map[float64]int{}
	for _, e := range list(t, h, "/beta/auditLogs/signIns?$filter=createdDateTime%20ge%202026-11-23T12:00:00Z%20and%20signInEventTypes/any(t:t%20eq%20'nonInteractiveUser')") {
		upn := e["userPrincipalName"].(string)
		if codes[upn] == nil {
			codes[upn] = map[float64]int{}
		}
		codes[upn][e["status"].(object)["errorCode"].(float64)]++
	}
	if got := codes["scanner-2f@harbourvale.example"]; got[0] == 0 || got[53003] != 0 {
		t.Errorf("the excluded scanner: sign-ins by code %v", got)
	}
	if got := codes["crm@harbourvale.example"]; got[0] != 0 || got[53003] == 0 {
		t.Errorf("the application: sign-ins by code %v", got)
	}
}

func BenchmarkNew(b *testing.B) {
	for _, people := range []int{240, 20_000, 1_000_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			for b.Loop() {
				newTenant(b, simtenant.Config{People: people})
			}
		})
	}
}
