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
	if rows, _ := changes(t, h, "/v1.0/users/delta?$deltatoken=latest"); len(rows) != 0 {
		t.Errorf("from now on: %v", rows)
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
