package simtenant_test

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

func TestPagesHoldEveryUserOnce(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 1200})
	for _, path := range []string{"/v1.0/users", "/v1.0/users?$top=7", "/v1.0/users?$top=999&$select=id", "/v1.0/users?$select=id,mail&$top=250"} {
		seen := map[any]int{}
		for _, u := range list(t, h, path) {
			seen[u["id"]]++
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: user %v came %d times", path, id, n)
			}
		}
		// 1200 people, 36 leavers, 48 guests, 2 emergency, 6 service, 1 sync account
		if got, want := len(seen), 1293; got != want {
			t.Errorf("%s: got %d users, want %d", path, got, want)
		}
	}
}

func TestNextLink(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	page := decode[collection](t, ask(h, "GET", "/v1.0/users?$top=3&$select=id,displayName&$filter=startswith(displayName,'a')", ""))
	if len(page.Value) != 3 {
		t.Fatalf("page: got %d users, want 3", len(page.Value))
	}
	u, err := url.Parse(page.Next)
	if err != nil {
		t.Fatal(err)
	}
	if u.Host != "tenant.test" || u.Scheme != "http" || u.Path != "/v1.0/users" {
		t.Errorf("next link leads to %s", page.Next)
	}
	if !strings.Contains(page.Next, "$skiptoken=") {
		t.Errorf("next link has no $skiptoken: %s", page.Next)
	}
	for key, want := range map[string]string{"$top": "3", "$select": "id,displayName", "$filter": "startswith(displayName,'a')"} {
		if got := u.Query().Get(key); got != want {
			t.Errorf("next link: %s is %q, want %q", key, got, want)
		}
	}
}

func TestUserPropertiesComeWithSelectOnly(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	usual := decode[object](t, ask(h, "GET", "/v1.0/users/olga@harbourvale.example", ""))
	for _, p := range []string{"accountEnabled", "userType", "department", "createdDateTime", "assignedLicenses", "onPremisesSyncEnabled"} {
		if _, ok := usual[p]; ok {
			t.Errorf("%s came without $select", p)
		}
	}
	chosen := decode[object](t, ask(h, "GET", "/v1.0/users/olga@harbourvale.example?$select=accountEnabled,department", ""))
	if len(chosen) != 3 || chosen["accountEnabled"] != true || chosen["department"] != "IT" {
		t.Errorf("with $select: got %v", chosen)
	}
}

func TestUsersAreFoundByWhatPeopleType(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 5})
	olga := simtenant.Cast(5)[0]
	guest := list(t, h, "/v1.0/users?$filter=userType%20eq%20'Guest'&$select=id,userPrincipalName&$top=1")[0]
	obrien := "niamh.o'brien@harbourvale.example"
	for name, path := range map[string]string{
		"object id":            "/v1.0/users/" + olga.ObjectID,
		"UPN in other case":    "/v1.0/users/OLGA@HarbourVale.example",
		"guest UPN, escaped":   "/v1.0/users/" + url.PathEscape(guest["userPrincipalName"].(string)),
		"apostrophe in a path": "/v1.0/users/" + url.PathEscape(obrien),
	} {
		if r := ask(h, "GET", path, ""); r.status != 200 {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	for name, filter := range map[string]string{
		"UPN":                  "userPrincipalName eq 'olga@harbourvale.example'",
		"UPN in other case":    "userPrincipalName eq 'Olga@HarbourVale.Example'",
		"id":                   "id eq '" + olga.ObjectID + "'",
		"mail":                 "mail eq 'olga@harbourvale.example'",
		"primary address":      "proxyAddresses/any(p:p eq 'SMTP:olga@harbourvale.example')",
		"name":                 "startswith(displayName,'Olga P')",
		"apostrophe":           "userPrincipalName eq 'niamh.o''brien@harbourvale.example'",
		"one of":               "id in ('x', '" + olga.ObjectID + "')",
		"two and one or":       "(mail eq 'a' or mail eq 'olga@harbourvale.example') and accountEnabled eq true",
		"lambda with blanks":   "proxyAddresses/any(p : p eq 'SMTP:olga@harbourvale.example')",
		"words in other case":  "UserPrincipalName EQ 'olga@harbourvale.example' AND accountenabled eq true",
		"blanks around a list": "id in ( '" + olga.ObjectID + "' )",
	} {
		if got := len(list(t, h, "/v1.0/users?$filter="+url.QueryEscape(filter))); got != 1 {
			t.Errorf("%s: %s found %d users, want 1", name, filter, got)
		}
	}
	if got := len(list(t, h, "/v1.0/users?$filter="+url.QueryEscape("proxyAddresses/any(p:p eq 'smtp:olga@harbourvale.example')"))); got != 0 {
		t.Errorf("address in other case: found %d users, want 0", got)
	}
	if got := len(list(t, h, "/v1.0/users?$filter="+url.QueryEscape("displayName eq 'Maria Nowak'"))); got < 2 {
		t.Errorf("two people of one name: found %d", got)
	}
}

func TestAdvancedQueries(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	eventual := []string{"ConsistencyLevel", "eventual"}
	all := len(list(t, h, "/v1.0/users"))
	guests := len(list(t, h, "/v1.0/users?$filter=userType%20eq%20'Guest'"))
	page := decode[collection](t, ask(h, "GET", "/v1.0/users?$top=5&$count=true&$filter=userType%20ne%20'Guest'", "", eventual...))
	if page.Count == nil || *page.Count != all-guests {
		t.Errorf("members by ne: count %v, want %d", page.Count, all-guests)
	}
	if r := ask(h, "GET", "/v1.0/users/$count?$filter=userType%20eq%20'Guest'", "", eventual...); string(r.raw) != strconv.Itoa(guests) {
		t.Errorf("count of guests: got %s, want %d", r.raw, guests)
	}
	if page := decode[collection](t, ask(h, "GET", "/v1.0/users?$count=true", "")); page.Count != nil {
		t.Errorf("count without the header: got %d, want none", *page.Count)
	}
	licensed := len(list(t, h, "/v1.0/users?$count=true&$filter=assignedLicenses/$count%20ne%200", eventual...))
	none := len(list(t, h, "/v1.0/users?$count=true&$filter=assignedLicenses/$count%20eq%200", eventual...))
	if licensed == 0 || none == 0 || licensed+none != all {
		t.Errorf("licensed %d, unlicensed %d of %d", licensed, none, all)
	}
	// The header has to be there on every page, as the link does not carry it.
	first := decode[collection](t, ask(h, "GET", "/v1.0/users?$top=5&$count=true&$filter=userType%20ne%20'Guest'", "", eventual...))
	if r := ask(h, "GET", strings.TrimPrefix(first.Next, "http://tenant.test"), ""); r.status != 400 {
		t.Errorf("second page without the header: got %d, want 400", r.status)
	}
}

func TestSignInLog(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now, People: 100})

	t.Run("v1.0 lists interactive ones only", func(t *testing.T) {
		for _, e := range list(t, h, "/v1.0/auditLogs/signIns") {
			if e["isInteractive"] != true {
				t.Fatalf("got a non-interactive sign-in: %v", e)
			}
		}
	})
	t.Run("pages hold every one once, newest first", func(t *testing.T) {
		newestFirst, oldestFirst := ids(list(t, h, "/v1.0/auditLogs/signIns?$top=173")), ids(list(t, h, "/v1.0/auditLogs/signIns?$top=170&$orderby=createdDateTime"))
		if len(newestFirst) != len(oldestFirst) || len(newestFirst) < 300 {
			t.Fatalf("got %d newest first and %d oldest first", len(newestFirst), len(oldestFirst))
		}
		seen := map[string]bool{}
		for i, id := range newestFirst {
			if seen[id] || id != oldestFirst[len(oldestFirst)-1-i] {
				t.Fatalf("entry %d is %s, once more or out of order", i, id)
			}
			seen[id] = true
		}
	})
	t.Run("filters by time and client", func(t *testing.T) {
		path := "/beta/auditLogs/signIns?$filter=" + url.QueryEscape("createdDateTime ge 2026-11-16T00:00:00Z and createdDateTime le 2026-11-18T00:00:00Z"+
			" and signInEventTypes/any(t: t eq 'nonInteractiveUser') and (clientAppUsed eq 'IMAP4' or clientAppUsed eq 'Authenticated SMTP')")
		entries := list(t, h, path)
		if len(entries) == 0 {
			t.Fatal("nothing found")
		}
		for _, e := range entries {
			if e["isInteractive"] != false || e["clientAppUsed"] != "IMAP4" && e["clientAppUsed"] != "Authenticated SMTP" {
				t.Errorf("got %v", e)
			}
			if at := e["createdDateTime"].(string); at < "2026-11-16" || at > "2026-11-18" {
				t.Errorf("got one of %s", at)
			}
		}
	})
	t.Run("client names are exact", func(t *testing.T) {
		if got := list(t, h, "/beta/auditLogs/signIns?$filter=clientAppUsed%20eq%20'imap4'"); len(got) != 0 {
			t.Errorf("got %d for a name in other case", len(got))
		}
	})
	t.Run("some reach the log late", func(t *testing.T) {
		morning := "/beta/auditLogs/signIns?$filter=" + url.QueryEscape("createdDateTime ge 2026-11-23T06:00:00Z and createdDateTime le 2026-11-23T09:00:00Z"+
			" and signInEventTypes/any(t: t eq 'nonInteractiveUser')")
		at := len(list(t, h, morning))
		now.Add(2 * time.Hour)
		if later := len(list(t, h, morning)); at == 0 || later <= at {
			t.Errorf("sign-ins of the morning: %d at nine, %d at eleven; want more", at, later)
		}
		now.Add(-2 * time.Hour)
	})
	t.Run("stay thirty days", func(t *testing.T) {
		before := len(list(t, h, "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t:t%20eq%20'nonInteractiveUser')"))
		now.Add(24 * time.Hour)
		entries := list(t, h, "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t:t%20eq%20'nonInteractiveUser')")
		if len(entries) == before {
			t.Error("a day later the log is as long as before")
		}
		oldest := entries[len(entries)-1]["createdDateTime"].(string)
		if oldest < "2026-10-25" || oldest > "2026-10-26T12" {
			t.Errorf("oldest entry: %s, want it thirty days old", oldest)
		}
		if newest := entries[0]["createdDateTime"].(string); newest < "2026-11-24" || newest > "2026-11-24T09:00" {
			t.Errorf("newest entry: %s, want one of today", newest)
		}
	})
}

func ids(list []object) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e["id"].(string)
	}
	return out
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	now.Add(time.Minute)
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`, "Authorization", "Bearer somebody-else", "client-request-id", "trace-1")

	entries := list(t, h, "/v1.0/auditLogs/directoryAudits?$filter=category%20eq%20'Policy'")
	if len(entries) != 1 {
		t.Fatalf("changes of policies: got %d, want 1", len(entries))
	}
	app := entries[0]["initiatedBy"].(object)["app"].(object)
	target := entries[0]["targetResources"].([]any)[0].(object)
	change := target["modifiedProperties"].([]any)[0].(object)
	if app["displayName"] != "somebody-else" || entries[0]["correlationId"] != "trace-1" || target["displayName"] != "Security Defaults" ||
		change["oldValue"] != "false" || change["newValue"] != "true" {
		t.Errorf("entry: %v", entries[0])
	}

	week := list(t, h, "/v1.0/auditLogs/directoryAudits?$filter=loggedByService%20eq%20'Authentication%20Methods'")
	if len(week) == 0 {
		t.Fatal("nobody registered security info within a week")
	}
	if oldest := week[len(week)-1]["activityDateTime"].(string); oldest < "2026-11-16" {
		t.Errorf("Free keeps seven days, got an entry of %s", oldest)
	}
	user := week[0]["targetResources"].([]any)[0].(object)["id"].(string)
	about := list(t, h, "/v1.0/auditLogs/directoryAudits?$filter=targetResources/any(t:t/id%20eq%20'"+user+"')")
	if len(about) == 0 || len(about) >= len(week) {
		t.Errorf("entries about one person: %d of %d", len(about), len(week))
	}
	p1 := newTenant(t, simtenant.Config{Licence: graph.P1})
	old := list(t, p1, "/v1.0/auditLogs/directoryAudits?$filter=category%20eq%20'Policy'")
	if len(old) != 1 || old[0]["initiatedBy"].(object)["user"].(object)["displayName"] != "Ada Okafor" {
		t.Errorf("policies that others changed within thirty days: %v", old)
	}
	if paged := list(t, h, "/v1.0/auditLogs/directoryAudits?$top=2"); len(paged) != len(week)+1 {
		t.Errorf("in pages of two: got %d entries, want %d", len(paged), len(week)+1)
	}
}

func TestRolesLookThroughGroups(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11})
	kinds := map[any]int{}
	holders := map[any][]any{}
	for _, a := range list(t, h, "/v1.0/roleManagement/directory/roleAssignments?$expand=principal") {
		p := a["principal"].(object)
		kinds[p["@odata.type"]]++
		holders[p["displayName"]] = append(holders[p["displayName"]], a["roleDefinitionId"])
	}
	if kinds["#microsoft.graph.group"] != 1 || kinds["#microsoft.graph.servicePrincipal"] != 1 || kinds["#microsoft.graph.user"] < 8 {
		t.Errorf("principals by kind: %v", kinds)
	}
	for name, want := range map[string][]any{
		"Olga Petrova": {graph.RoleGlobalAdministrator}, "Emergency Access 1": {graph.RoleGlobalAdministrator},
		"Ada Okafor":    {graph.RoleAuthenticationPolicyAdmin, graph.RoleConditionalAccessAdmin},
		"Abe Lindqvist": {graph.RoleSecurityAdministrator}, "Vic Marlowe": {graph.RoleReportsReader}, "Bea Fontaine": nil,
		"On-Premises Directory Synchronization Service Account": {graph.RoleDirectorySyncAccounts},
	} {
		got := holders[name]
		if len(got) != len(want) {
			t.Errorf("%s: got roles %v, want %v", name, got, want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: got roles %v, want %v", name, got, want)
			}
		}
	}
	path := fillIn(t, h, "/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user?$count=true&$select=id,accountEnabled")
	members := list(t, h, path, "ConsistencyLevel", "eventual")
	if len(members) == 0 || members[0]["accountEnabled"] != true {
		t.Errorf("members of the group with a role: %v", members)
	}
}

// Pages of users with their last sign-ins are smaller than asked for.
func TestPagesWithLastSignIns(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1, People: 700})
	for query, want := range map[string]int{
		"$top=999&$select=id,signInActivity": 500, "$top=999&$select=id,SignInActivity": 500, "$top=20&$select=id,signInActivity": 20, "$top=700&$select=id": 700,
	} {
		if got := len(decode[collection](t, ask(h, "GET", "/v1.0/users?"+query, "")).Value); got != want {
			t.Errorf("%s: got %d users, want %d", query, got, want)
		}
	}
}

// Pages write their rows themselves: whatever a name holds, it reads the same as
// where the standard library wrote it.
func TestRowsHoldAnyText(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 30})
	sam := "/v1.0/users/sam@harbourvale.example"
	for _, text := range []string{`"quoted" \ back`, "line\nbreak\ttab", "<b>&amp;</b>", "Zoë – 中文 🎉", "a\u2028b", "\u007f", "\u0001", ""} {
		body, err := json.Marshal(object{"displayName": "x" + text})
		if err != nil {
			t.Fatal(err)
		}
		if r := ask(h, "PATCH", sam, string(body)); r.status != 204 {
			t.Fatalf("rename to %q: %d %s", text, r.status, r.raw)
		}
		want := decode[object](t, ask(h, "GET", sam, ""))["displayName"]
		if want != "x"+text {
			t.Errorf("one user: got %q, want %q", want, "x"+text)
		}
		found := list(t, h, "/v1.0/users?$filter=userPrincipalName%20eq%20'sam@harbourvale.example'")
		if len(found) != 1 || found[0]["displayName"] != want {
			t.Errorf("in a list: got %v, want %q", found, want)
		}
	}
}
