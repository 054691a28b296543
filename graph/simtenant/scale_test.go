package simtenant_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// drawnPeople is the smallest number of people at which accounts are not kept
// but made when somebody looks at them.
const drawnPeople = 20_001

// Every account of a tenant that keeps none of them is there once, and is
// found by its id, its name and its address.
func TestDrawnAccountsAreFound(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: drawnPeople, Licence: graph.P1})
	users := list(t, h, "/v1.0/users?$top=999&$select=id,displayName,userPrincipalName,mail,userType")
	if got, want := len(users), drawnPeople+600+800+2+6+1; got != want {
		t.Fatalf("users: got %d, want %d", got, want)
	}
	if r := ask(h, "GET", "/v1.0/users/$count", "", "ConsistencyLevel", "eventual"); string(r.raw) != fmt.Sprint(len(users)) {
		t.Errorf("$count: got %s, want %d", r.raw, len(users))
	}
	seen := map[string]bool{}
	for _, u := range users {
		for _, name := range []string{"id", "userPrincipalName", "mail"} {
			key, _ := u[name].(string)
			key = name + " " + strings.ToLower(key)
			if seen[key] && u[name] != nil {
				t.Errorf("two users have the %s", key)
			}
			seen[key] = true
		}
	}
	for i := 0; i < len(users); i += 61 {
		u := users[i]
		byID := decode[object](t, ask(h, "GET", "/v1.0/users/"+u["id"].(string), ""))
		byName := decode[object](t, ask(h, "GET", "/v1.0/users/"+url.PathEscape(u["userPrincipalName"].(string)), ""))
		if byID["userPrincipalName"] != u["userPrincipalName"] || byName["id"] != u["id"] {
			t.Errorf("%v is found as %v and as %v", u, byID, byName)
		}
		if u["mail"] == nil {
			continue
		}
		address := strings.ReplaceAll(u["mail"].(string), "'", "''")
		found := list(t, h, "/v1.0/users?$select=id&$filter="+url.QueryEscape("mail eq '"+address+"'"))
		if len(found) != 1 || found[0]["id"] != u["id"] {
			t.Errorf("by address %s: %v", address, found)
		}
	}
	id := users[5000]["id"].(string)
	for _, other := range []string{"0" + id[1:], id[:35] + flip(id[35:]), id[:24] + "000000000000", "maria.nowak99999999@harbourvale.example"} {
		if r := ask(h, "GET", "/v1.0/users/"+other, ""); r.status != http.StatusNotFound && other != id {
			t.Errorf("%s: got %d, want 404", other, r.status)
		}
	}
}

// flip changes a hexadecimal digit.
func flip(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

// A tenant that keeps its accounts and one that does not are alike.
func TestDrawnPeopleAreLikeTheOthers(t *testing.T) {
	t.Parallel()
	type figures struct {
		registered, phishingResistant, admins, it, unlicensed, guests float64
	}
	count := func(people int) (f figures) {
		h := newTenant(t, simtenant.Config{People: people, Licence: graph.P1})
		rows := list(t, h, "/v1.0/reports/authenticationMethods/userRegistrationDetails")
		for _, row := range rows {
			f.registered += share(row["isMfaRegistered"] == true, len(rows))
			f.phishingResistant += share(row["isPasswordlessCapable"] == true, len(rows))
			if row["isAdmin"] == true {
				f.admins++
			}
		}
		users := list(t, h, "/v1.0/users?$top=999&$select=department,userType,assignedLicenses")
		licensed := 0
		for _, u := range users {
			f.it += share(u["department"] == "IT", len(users))
			f.guests += share(u["userType"] == "Guest", len(users))
			if len(u["assignedLicenses"].([]any)) > 0 {
				licensed++
			}
		}
		f.unlicensed = 1 - float64(licensed)/float64(people)
		if consumed := list(t, h, "/v1.0/subscribedSkus")[0]["consumedUnits"]; consumed != float64(licensed) {
			t.Errorf("%d people: %v licences are in use, %d users have one", people, consumed, licensed)
		}
		return f
	}
	held, drawn := count(drawnPeople-1), count(drawnPeople)
	for name, pair := range map[string][2]float64{
		"registered": {held.registered, drawn.registered}, "phishing-resistant": {held.phishingResistant, drawn.phishingResistant},
		"in IT": {held.it, drawn.it}, "unlicensed": {held.unlicensed, drawn.unlicensed}, "guests": {held.guests, drawn.guests},
	} {
		if math.Abs(pair[0]-pair[1]) > 0.015 || pair[1] == 0 {
			t.Errorf("%s: %.3f where accounts are kept, %.3f where they are not", name, pair[0], pair[1])
		}
	}
	if drawn.admins < 10 || drawn.admins > 60 {
		t.Errorf("administrators: %.0f, want some and not hundreds", drawn.admins)
	}
}

func share(counts bool, of int) float64 {
	if counts {
		return 1 / float64(of)
	}
	return 0
}

// What the log says of registrations and what people hold is the same, though
// neither is kept.
func TestDrawnRegistrationsAreLogged(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{People: drawnPeople, Now: now.Now})
	for range 2 { // the log goes on
		logged := map[string]int{}
		for _, a := range list(t, h, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("loggedByService eq 'Authentication Methods'")) {
			target := a["targetResources"].([]any)[0].(object)
			logged[target["id"].(string)]++
		}
		users, recent := list(t, h, "/v1.0/users?$top=999&$select=id"), 0
		for i := 0; i < len(users); i += 29 {
			id, held := users[i]["id"].(string), 0
			for _, m := range list(t, h, "/v1.0/users/"+id+"/authentication/methods") {
				at, err := time.Parse(time.RFC3339, m["createdDateTime"].(string))
				if err != nil {
					t.Fatal(err)
				}
				if at.After(now.Now().Add(-7*24*time.Hour)) && m["@odata.type"] != "#microsoft.graph.passwordAuthenticationMethod" {
					held++
				}
			}
			if held != logged[id] {
				t.Errorf("%s: %d methods are new, %d are in the log", id, held, logged[id])
			}
			recent += held
		}
		if recent < 5 {
			t.Errorf("only %d methods are new: the test says little", recent)
		}
		now.Add(20 * 24 * time.Hour)
	}
}

// Groups, roles and old protocols are there, and a change sticks.
func TestDrawnTenantIsWhole(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: drawnPeople, Licence: graph.P1})
	members := map[any]int{}
	for _, g := range append(list(t, h, "/v1.0/users/sam@"+domain+"/transitiveMemberOf"), decode[object](t, ask(h, "GET", fillIn(t, h, "/v1.0/groups/{group}"), ""))) {
		members[g["displayName"]] = len(list(t, h, "/v1.0/groups/"+g["id"].(string)+"/members?$top=999&$select=id"))
	}
	if members["All Staff"] != drawnPeople || members["Service Desk (roles)"] != 3 {
		t.Errorf("members: %v", members)
	}
	cast := ask(h, "GET", fillIn(t, h, "/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user?$count=true"), "", "ConsistencyLevel", "eventual")
	if n := decode[collection](t, cast).Count; n == nil || *n != 3 {
		t.Errorf("count of a group: %s", cast.raw)
	}
	legacy := list(t, h, "/v1.0/auditLogs/signIns?$top=1000&$filter="+url.QueryEscape("createdDateTime ge 2026-11-20T00:00:00Z and clientAppUsed eq 'IMAP4'"))
	if len(legacy) == 0 {
		t.Error("nobody uses IMAP")
	}
	user := list(t, h, "/v1.0/users?$top=999&$select=id")[700]["id"].(string)
	if r := ask(h, "PATCH", "/v1.0/users/"+user, `{"accountEnabled":false}`); r.status != http.StatusNoContent {
		t.Fatalf("block: %d %s", r.status, r.raw)
	}
	if u := decode[object](t, ask(h, "GET", "/v1.0/users/"+user+"?$select=accountEnabled", "")); u["accountEnabled"] != false {
		t.Errorf("a blocked user: %v", u)
	}
	other := newTenant(t, simtenant.Config{People: drawnPeople, Licence: graph.P1})
	const page = "/v1.0/users?$top=50&$skiptoken=MTUwMDAuMA"
	if a, b := ask(h, "GET", page, ""), ask(other, "GET", page, ""); string(a.raw) != string(b.raw) || a.status != 200 {
		t.Error("the same seed gives other people")
	}
}

// sweep reads all pages of a list and keeps none of them.
func sweep(t testing.TB, h http.Handler, path string, most int) (pages int) {
	t.Helper()
	for path != "" && pages < most {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://tenant.test"+path, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("GET %s: %d", path, w.Code)
		}
		pages++
		_, rest, _ := strings.Cut(w.Body.String()[:min(2000, w.Body.Len())], `"@odata.nextLink":"http://tenant.test`)
		path, _, _ = strings.Cut(rest, `"`)
	}
	return pages
}

const (
	usersPage         = "/v1.0/users?$top=999&$select=id,displayName,userPrincipalName,mail,department,userType,accountEnabled,onPremisesSyncEnabled,assignedLicenses,createdDateTime"
	registrationsPage = "/v1.0/reports/authenticationMethods/userRegistrationDetails"
)

// A million people take no more memory than a few. It runs alone, since others
// would be measured with it.
func TestMillionPeople(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // the first leaves spare buffers alone
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	h := newTenant(t, simtenant.Config{People: 1_000_000, Licence: graph.P1})
	made := heap() - before
	if made > 4<<20 {
		t.Errorf("a new tenant holds %d KiB", made>>10)
	}
	for _, path := range []string{usersPage, registrationsPage, usersPage + "&$skiptoken=OTAwMDAwLjA"} {
		if pages := sweep(t, h, path, 25); pages != 25 {
			t.Fatalf("%s: %d pages", path, pages)
		}
	}
	read := heap() - before
	if read > 8<<20 {
		t.Errorf("after 75 pages it holds %d KiB", read>>10)
	}
	t.Logf("heap: %d KiB when new, %d KiB after 75 pages", made>>10, read>>10)
}

func BenchmarkPages(b *testing.B) {
	for _, people := range []int{20_000, 1_000_000} {
		h := newTenant(b, simtenant.Config{People: people, Licence: graph.P1})
		for name, path := range map[string]string{"users": usersPage, "registrations": registrationsPage} {
			b.Run(fmt.Sprint(name, "/", people), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					sweep(b, h, path, 1)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
			})
		}
	}
}
