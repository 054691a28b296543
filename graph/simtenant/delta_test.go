package simtenant_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"twokey/graph/simtenant"
)

// deltaPage is a page of changed users.
type deltaPage struct {
	Value []object
	Next  string `json:"@odata.nextLink"`
	Delta string `json:"@odata.deltaLink"`
}

// changes follows a reading to its end. It returns what came, each page's rows
// after the other, and where the next reading begins.
func changes(t testing.TB, h http.Handler, path string) (rows []object, delta string) {
	t.Helper()
	for {
		r := ask(h, "GET", path, "")
		if r.status != http.StatusOK {
			t.Fatalf("GET %s: %d %.300s", path, r.status, r.raw)
		}
		page := decode[deltaPage](t, r)
		rows = append(rows, page.Value...)
		if (page.Next == "") == (page.Delta == "") {
			t.Fatalf("a page has a nextLink or a deltaLink: %.300s", r.raw)
		}
		if page.Delta != "" {
			return rows, strings.TrimPrefix(page.Delta, "http://tenant.test")
		}
		path = strings.TrimPrefix(page.Next, "http://tenant.test")
	}
}

func TestDeltaBeginsWithEverybody(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 60})
	everybody := list(t, h, "/v1.0/users?$select=id")
	rows, delta := changes(t, h, "/v1.0/users/delta?$select=displayName,mail&$top=17")
	if len(rows) != len(everybody) {
		t.Fatalf("got %d rows of %d users", len(rows), len(everybody))
	}
	without := 0
	for i, row := range rows {
		if row["id"] != everybody[i]["id"] || row["displayName"] == nil || row["accountEnabled"] != nil {
			t.Errorf("row %d: %v", i, row)
		}
		if mail, there := row["mail"]; !there {
			without++
		} else if mail == nil {
			t.Errorf("row %d holds a property that was never set: %v", i, row)
		}
	}
	if without == 0 {
		t.Error("everybody has an address")
	}
	if rows, _ := changes(t, h, delta); len(rows) != 0 {
		t.Errorf("after nothing happened: %v", rows)
	}
	for _, path := range []string{"/v1.0/users/delta?$deltatoken=latest", "/v1.0/users/delta?$deltaToken=latest&$select=mail"} {
		if rows, _ := changes(t, h, path); len(rows) != 0 {
			t.Errorf("%s: %v", path, rows)
		}
	}
}

func TestDeltaRefuses(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 30})
	_, delta := changes(t, h, "/v1.0/users/delta?$deltatoken=latest&$select=displayName")
	_, foreign := changes(t, newTenant(t, simtenant.Config{People: 30, Seed: 5}), "/v1.0/users/delta?$deltatoken=latest")
	for name, tt := range map[string]struct {
		path string
		want int
	}{
		"an option beside a token":      {delta + "&$select=mail", 400},
		"a token that is none":          {"/v1.0/users/delta?$deltatoken=abc", 400},
		"a page token that is none":     {"/v1.0/users/delta?$skiptoken=abc", 400},
		"an unknown property":           {"/v1.0/users/delta?$select=colour", 400},
		"a property of another service": {"/v1.0/users/delta?$select=signInActivity", 400},
		"a page too large":              {"/v1.0/users/delta?$top=1000", 400},
		"a filter":                      {"/v1.0/users/delta?$filter=mail%20eq%20'x'", 400},
		"a token of another tenant":     {foreign, 410},
	} {
		r := ask(h, "GET", tt.path, "")
		if r.status != tt.want {
			t.Errorf("%s: got %d, want %d: %s", name, r.status, tt.want, r.raw)
		}
		refusal(t, r)
	}
}

// Microsoft describes two answers for an old token. A client has to go by the
// code.
func TestDeltaTokensGrowOld(t *testing.T) {
	t.Parallel()
	for seed, want := range map[uint64]int{1: http.StatusGone, 2: http.StatusBadRequest} {
		now := newClock(epoch)
		h := newTenant(t, simtenant.Config{People: 30, Seed: seed, Now: now.Now})
		_, delta := changes(t, h, "/v1.0/users/delta?$deltatoken=latest")
		page := strings.TrimPrefix(decode[deltaPage](t, ask(h, "GET", "/v1.0/users/delta?$top=5", "")).Next, "http://tenant.test")
		now.Add(7 * 24 * time.Hour)
		for name, path := range map[string]string{"token": delta, "page": page} {
			if r := ask(h, "GET", path, ""); r.status != http.StatusOK {
				t.Errorf("seed %d, %s after a week: %d %s", seed, name, r.status, r.raw)
			}
		}
		now.Add(time.Second)
		for name, path := range map[string]string{"token": delta, "page": page} {
			r := ask(h, "GET", path, "")
			if code, _ := refusal(t, r); r.status != want || code != "syncStateNotFound" {
				t.Errorf("seed %d, old %s: got %d %s, want %d", seed, name, r.status, r.raw, want)
			}
			if again := r.header.Get("Location"); want == http.StatusGone {
				if rows, _ := changes(t, h, strings.TrimPrefix(again, "http://tenant.test")); len(rows) < 30 {
					t.Errorf("begun again at %s: %d rows", again, len(rows))
				}
			}
		}
	}
}

// seen describes rows of changed users in short.
func seen(rows []object) string {
	var list []string
	for _, row := range rows {
		switch removed, _ := row["@removed"].(object); {
		case removed != nil:
			list = append(list, "-"+removed["reason"].(string))
		case row["userPrincipalName"] == nil:
			list = append(list, row["displayName"].(string))
		default:
			list = append(list, strings.TrimSuffix(row["userPrincipalName"].(string), "@harbourvale.example"))
		}
	}
	return strings.Join(list, " ")
}

func TestDeltaTellsWhatChanged(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	from := map[string]string{}
	for _, properties := range []string{
		"", "userPrincipalName", "userPrincipalName,accountEnabled", "userPrincipalName,signInSessionsValidFromDateTime", "displayName",
	} {
		path := "/v1.0/users/delta?$deltatoken=latest"
		if properties != "" {
			path += "&$select=" + properties
		}
		_, from[properties] = changes(t, h, path)
	}
	const path = "/v1.0/users/"
	for _, w := range []struct{ method, path, body string }{
		{"PATCH", path + "vic@harbourvale.example", `{"accountEnabled":true}`}, // as it was
		{"DELETE", only(t, h, "abe@harbourvale.example", "microsoftAuthenticatorMethods"), ""},
		{"PATCH", samPath, `{"accountEnabled":false}`},
		{"PATCH", samPath, `{"department":"Legal"}`},
		{"POST", path + "olga@harbourvale.example/revokeSignInSessions", ""},
		{"PATCH", path + "bea@harbourvale.example", `{"displayName":"Bea F.","jobTitle":null}`},
		{"PATCH", path + "bea@harbourvale.example", `{"displayName":"Bea G."}`},
		{"POST", "/v1.0/users", hireJSON("new")},
		{"POST", "/v1.0/users", hireJSON("short")},
		{"DELETE", path + "short@harbourvale.example", ""},
		{"DELETE", path + "sue@harbourvale.example", ""},
	} {
		now.Add(time.Second)
		if r := ask(h, w.method, w.path, w.body); r.status >= 300 {
			t.Fatalf("%s %s: %d %s", w.method, w.path, r.status, r.raw)
		}
	}
	for properties, want := range map[string]string{
		"":                                 "bea new -changed -changed",
		"userPrincipalName":                "new -changed -changed",
		"userPrincipalName,accountEnabled": "sam new -changed -changed",
		"userPrincipalName,signInSessionsValidFromDateTime": "olga new -changed -changed",
		"displayName": "Bea G. New Person -changed -changed",
	} {
		rows, next := changes(t, h, from[properties])
		if got := seen(rows); got != want {
			t.Errorf("%q: got %q, want %q", properties, got, want)
		}
		if again, _ := changes(t, h, from[properties]); seen(again) != want {
			t.Errorf("%q read again: got %q, want %q", properties, seen(again), want)
		}
		if rest, _ := changes(t, h, next); len(rest) != 0 {
			t.Errorf("%q after that: got %q", properties, seen(rest))
		}
		for _, row := range rows {
			if row["id"] == nil || row["@removed"] != nil && len(row) != 2 {
				t.Errorf("%q: %v", properties, row)
			}
		}
	}
	rows, _ := changes(t, h, from[""])
	if title, there := rows[0]["jobTitle"]; !there || title != nil {
		t.Errorf("what was cleared comes as null: %v", rows[0])
	}
	if _, there := rows[0]["mobilePhone"]; there {
		t.Errorf("what was never set does not come: %v", rows[0])
	}
}

// Pages are cut where they are, whatever happens between them: the next reading
// tells of it.
func TestDeltaGoesOverPages(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 60})
	_, delta := changes(t, h, "/v1.0/users/delta?$deltatoken=latest&$top=2&$select=displayName")
	for _, name := range []string{"ada", "abe", "bea", "vic", "ada"} {
		do(t, h, "PATCH", "/v1.0/users/"+name+"@harbourvale.example", `{"displayName":"`+name+` new"}`, 204)
	}
	first := decode[deltaPage](t, do(t, h, "GET", delta, "", 200))
	if got := seen(first.Value); got != "abe new bea new" || first.Delta != "" {
		t.Fatalf("first page: %q, delta %q", got, first.Delta)
	}
	do(t, h, "PATCH", "/v1.0/users/bea@harbourvale.example", `{"displayName":"bea newer"}`, 204)
	do(t, h, "DELETE", "/v1.0/users/vic@harbourvale.example", "", 204)
	second, next := changes(t, h, strings.TrimPrefix(first.Next, "http://tenant.test"))
	if got := seen(second); got != "vic new ada new" {
		t.Errorf("second page: %q", got)
	}
	third, _ := changes(t, h, next)
	if got := seen(third); got != "bea newer -changed" {
		t.Errorf("the next reading: %q", got)
	}
}

// Who reads everybody while things change has missed nothing in the end.
func TestDeltaFullReadingMissesNothing(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 60})
	page := decode[deltaPage](t, do(t, h, "GET", "/v1.0/users/delta?$top=20&$select=displayName", "", 200))
	early := page.Value[0]["id"].(string)
	do(t, h, "PATCH", "/v1.0/users/"+early, `{"accountEnabled":false}`, 204)
	do(t, h, "DELETE", "/v1.0/users/"+page.Value[1]["id"].(string), "", 204)
	hired := decode[object](t, do(t, h, "POST", "/v1.0/users", hireJSON("new"), 201))["id"]
	rows, next := changes(t, h, strings.TrimPrefix(page.Next, "http://tenant.test"))
	if rows[len(rows)-1]["id"] != hired {
		t.Errorf("the newest comes last: %v", rows[len(rows)-1])
	}
	after, _ := changes(t, h, next)
	if got := seen(after); got != "-changed New Person" {
		t.Errorf("what changed meanwhile: %q", got)
	}
}

// A reader who comes to a place that lags learns of a change later, and then
// only once.
func TestDeltaOfAPlaceThatLags(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	do(t, h, "PATCH", "/v1.0/users/olga@harbourvale.example", `{"displayName":"One"}`, 204) // known to the reader
	_, delta := changes(t, h, "/v1.0/users/delta?$deltatoken=latest")
	now.Add(time.Second)
	do(t, h, "PATCH", samPath, `{"displayName":"Two"}`, 204)
	plan(t, h, `[{"path":"/users/delta","stale_s":5}]`)
	rows, delta := changes(t, h, delta)
	if len(rows) != 0 {
		t.Errorf("at a place that lags: %v", rows)
	}
	plan(t, h, `[]`)
	rows, delta = changes(t, h, delta)
	if len(rows) != 1 || rows[0]["displayName"] != "Two" {
		t.Errorf("later: %v", rows)
	}
	if rows, _ := changes(t, h, delta); len(rows) != 0 {
		t.Errorf("after that: %v", rows)
	}
}
