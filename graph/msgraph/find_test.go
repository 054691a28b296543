package msgraph_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// TestFindUsersAsksTheSurestFirst checks the order of the look-ups, and that
// each ends at the first kind that fits.
func TestFindUsersAsksTheSurestFirst(t *testing.T) {
	t.Parallel()
	const id = "6f1d2c3b-0000-4000-8000-0000000000aa"
	filters := []string{
		"userPrincipalName eq 'o''hara@x'", "mail eq 'o''hara@x'",
		"proxyAddresses/any(p:p eq 'smtp:o''hara@x') or proxyAddresses/any(p:p eq 'SMTP:o''hara@x')",
		"otherMails/any(m:m eq 'o''hara@x')", "displayName eq 'o''hara@x'",
	}
	for hit := range filters {
		tenant := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rows := ""
			if r.URL.Query().Get("$filter") == filters[hit] {
				rows = person("a") + "," + person("b")
			}
			reply(200, `{"value":[`+rows+`]}`).ServeHTTP(w, r)
		})}
		got, err := serve(t, tenant).FindUsers(t.Context(), " o'hara@x ")
		if err != nil || len(got) != 2 {
			t.Errorf("found by %s: got %v and error %v, want both", filters[hit], got, err)
		}
		var asked []string
		for _, r := range tenant.of("") {
			u, _ := url.ParseRequestURI(r.URI)
			asked = append(asked, u.Query().Get("$filter"))
		}
		if !slices.Equal(asked, filters[:hit+1]) {
			t.Errorf("found by %s: asked %q, want %q", filters[hit], asked, filters[:hit+1])
		}
	}
	tenant := &arrivals{next: reply(404, graphError("Request_ResourceNotFound"))}
	got, err := serve(t, tenant).FindUsers(t.Context(), id)
	if err != nil || got == nil || len(got) != 0 || !strings.HasPrefix(tenant.of("")[0].URI, "/v1.0/users/"+id) {
		t.Errorf("an ID that is not there: got %v and error %v after %v", got, err, tenant.of(""))
	}
}

func TestFindUsersFails(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"pat@x", "Pat", "6f1d2c3b-0000-4000-8000-0000000000aa"} {
		got, err := serve(t, reply(403, graphError("Authorization_RequestDenied"))).FindUsers(t.Context(), typed)
		wantError(t, err, graph.KindNoPermission)
		if got != nil {
			t.Errorf("%q: got %v beside the error", typed, got)
		}
	}
}

func TestManagerWhoIsNoUser(t *testing.T) {
	t.Parallel()
	_, err := serve(t, reply(200, `{"@odata.type":"#microsoft.graph.orgContact","id":"c","displayName":"Outside"}`)).Manager(t.Context(), "u")
	wantError(t, err, graph.KindNotFound)
}

func TestCountThatWasNotSaid(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{"value":[]}`, `{"@odata.count":null,"value":[]}`, `{"@odata.count":"7","value":[]}`} {
		n, err := serve(t, reply(200, answer)).CountUsers(t.Context())
		if wantError(t, err, graph.KindUnclear); n != 0 {
			t.Errorf("%s: got %d beside the error", answer, n)
		}
	}
}

func TestLastSignInIsTheLatest(t *testing.T) {
	t.Parallel()
	at := func(day int) string { return fmt.Sprintf(`"2026-11-%02dT08:00:00Z"`, day) }
	for _, tt := range []struct {
		activity string
		want     int // day of November, 0: never seen
	}{
		{`null`, 0},
		{`{}`, 0},
		{`{"lastSignInDateTime":null,"lastNonInteractiveSignInDateTime":null}`, 0},
		{`{"lastSignInDateTime":` + at(3) + `,"lastNonInteractiveSignInDateTime":` + at(2) + `}`, 3},
		{`{"lastNonInteractiveSignInDateTime":` + at(9) + `,"lastSignInDateTime":` + at(3) + `,"lastSuccessfulSignInDateTime":null}`, 9},
		{`{"lastSuccessfulSignInDateTime":` + at(4) + `,"lastSignInDateTime":` + at(3) + `}`, 4},
	} {
		got, err := serve(t, reply(200, `{"value":[{"signInActivity":`+tt.activity+`,"id":"u"},{"id":"other","signInActivity":{"lastSignInDateTime":`+at(1)+`}}]}`)).LastSignIns(t.Context())
		want := time.Time{}
		if tt.want > 0 {
			want = time.Date(2026, 11, tt.want, 8, 0, 0, 0, time.UTC)
		}
		if err != nil || len(got) != 2 || got[0].UserID != "u" || !got[0].At.Equal(want) {
			t.Errorf("%s: got %v and error %v, want %v", tt.activity, got, err, want)
		}
	}
	_, err := serve(t, reply(200, `{"value":[{"id":"u"},{"id":"v","signInActivity":null}]}`)).LastSignIns(t.Context())
	wantError(t, err, graph.KindUnclear) // the activity was not said, of nobody
}

// TestChangesOfATenant reads what became of a tenant's accounts in three weeks,
// and compares with its lists before and after.
func TestChangesOfATenant(t *testing.T) {
	t.Parallel()
	sim, err := simtenant.New(simtenant.Config{People: 400, Licence: graph.P1, Epoch: noon(), Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, msgraph.Config{BaseURL: newServer(t, sim) + "/v1.0", Credential: msgraph.StaticToken("changes")})
	users := func() map[string]graph.User {
		list, err := c.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		byID := map[string]graph.User{}
		for _, u := range list {
			byID[u.ID] = u
		}
		return byID
	}
	begin, err := c.UserChanges(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	now, at := users(), begin.Next
	for range 4 { // a token is good for a week
		sim.Advance(5 * 24 * time.Hour)
		before := now
		now = users()
		changes, err := c.UserChanges(t.Context(), at)
		if err != nil || changes.Expired {
			t.Fatalf("got %+v and error %v", changes, err)
		}
		at = changes.Next
		for _, u := range changes.Changed {
			before[u.ID] = u
		}
		for _, id := range changes.Removed {
			delete(before, id)
		}
		if !reflect.DeepEqual(before, now) {
			t.Errorf("changes lead to %d accounts, the list has %d, and they differ", len(before), len(now))
		}
	}
	sim.Advance(8 * 24 * time.Hour)
	if late, err := c.UserChanges(t.Context(), at); err != nil || !late.Expired {
		t.Errorf("after eight days: got %+v and error %v, want that it expired", late, err)
	}
}
