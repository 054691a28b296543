package msgraph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"twokey/graph"
)

// changed is a row of the changes with every member that we ask for.
func changed(id, name string) string {
	return fmt.Sprintf(`{"id":%q,"displayName":%q,"userPrincipalName":"%s@x","mail":null,"department":null,"userType":"Member","accountEnabled":true,
		"onPremisesSyncEnabled":null,"assignedLicenses":[],"createdDateTime":"2026-01-01T00:00:00Z"}`, id, name, id)
}

// deltas answers two pages of changes, and reads of single accounts.
func deltas(first, second string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here := "http://" + r.Host + "/v1.0/users/delta?"
		switch q := r.URL.Query(); {
		case r.URL.Path == "/v1.0/$batch":
			var batch struct{ Requests []struct{ ID, URL string } }
			_ = json.NewDecoder(r.Body).Decode(&batch)
			var parts []string
			for _, p := range batch.Requests {
				part := `{"id":"` + p.ID + `","status":404,"body":` + graphError("Request_ResourceNotFound") + `}`
				if id, _, _ := strings.Cut(strings.TrimPrefix(p.URL, "/users/"), "?"); id != "gone" {
					part = `{"id":"` + p.ID + `","status":200,"body":` + changed(id, "read afresh") + `}`
				}
				parts = append(parts, part)
			}
			reply(200, `{"responses":[`+strings.Join(parts, ",")+`]}`).ServeHTTP(w, r)
		case q.Get("$deltatoken") == "latest":
			reply(200, `{"value":[],"@odata.deltaLink":"`+here+`$deltatoken=d1"}`).ServeHTTP(w, r)
		case q.Get("$deltatoken") == "d1":
			reply(200, `{"value":[`+first+`],"@odata.nextLink":"`+here+`$skiptoken=s1"}`).ServeHTTP(w, r)
		default:
			reply(200, `{"@odata.deltaLink":"`+here+`$deltatoken=d2","value":[`+second+`]}`).ServeHTTP(w, r)
		}
	})
}

func TestUserChanges(t *testing.T) {
	t.Parallel()
	tenant := &arrivals{next: deltas(
		changed("b", "old name")+`,{"id":"half","displayName":"new name"},{"id":"was","@removed":{"reason":"changed"}},{"id":"back","@removed":{"reason":"deleted"}}`,
		changed("b", "new name")+`,`+changed("back", "Back")+`,{"id":"gone","accountEnabled":true}`)}
	c := serve(t, tenant)
	begin, err := c.UserChanges(t.Context(), "")
	if err != nil || begin.Next == "" || len(begin.Changed)+len(begin.Removed) > 0 {
		t.Fatalf("from now on: got %+v and error %v, want a token alone", begin, err)
	}
	if uri := tenant.of("")[0].URI; !strings.Contains(uri, "$deltatoken=latest") || !strings.Contains(uri, "$select=id%2CdisplayName") {
		t.Errorf("from now on: asked for %s", uri)
	}
	got, err := c.UserChanges(t.Context(), begin.Next)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range got.Changed {
		names = append(names, u.ID+": "+u.Name)
	}
	if want := []string{"b: new name", "back: Back", "half: read afresh"}; !reflect.DeepEqual(names, want) {
		t.Errorf("changed: got %q, want %q", names, want)
	}
	if want := []string{"gone", "was"}; !reflect.DeepEqual(got.Removed, want) {
		t.Errorf("removed: got %q, want %q", got.Removed, want)
	}
	if got.Next == begin.Next || !strings.Contains(string(got.Next), "d2") || strings.Contains(string(got.Next), "127.0.0.1") {
		t.Errorf("next: got %q, want the place after these, without a host", got.Next)
	}
}

func TestUserChangesTooLate(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.Handler{
		"410":                   reply(410, graphError("syncStateNotFound")),
		"410 without a word":    reply(410, ""),
		"400 of the directory":  reply(400, graphError("Directory_ExpiredPageToken")),
		"400 spelled otherwise": reply(400, graphError("SyncStateNotFound")),
	} {
		got, err := serve(t, answer).UserChanges(t.Context(), "/v1.0/users/delta?$deltatoken=d1")
		if err != nil || !reflect.DeepEqual(got, graph.UserChanges{Expired: true}) {
			t.Errorf("%s: got %+v and error %v, want that it expired", name, got, err)
		}
	}
	got, err := serve(t, cut).UserChanges(t.Context(), "https://elsewhere.invalid/v1.0/users/delta")
	if err != nil || !got.Expired {
		t.Errorf("a token that is none: got %+v and error %v, want that it expired, and nothing asked", got, err)
	}
	_, err = serve(t, reply(410, "")).UserChanges(t.Context(), "")
	wantError(t, err, graph.KindUnclear)
}

func TestUserChangesWithoutAnEnd(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no link":        `{"value":[]}`,
		"a foreign link": `{"value":[],"@odata.deltaLink":"https://elsewhere.invalid/v1.0/users/delta?$deltatoken=x"}`,
		"no list":        `{"@odata.deltaLink":"http://127.0.0.1/v1.0/users/delta?$deltatoken=x"}`,
		"a nameless one": `{"value":[{"displayName":"x"}],"@odata.deltaLink":"http://127.0.0.1/x"}`,
	} {
		_, err := serve(t, reply(200, answer)).UserChanges(t.Context(), "/v1.0/users/delta?$deltatoken=d1")
		if e, ok := err.(*graph.Error); !ok || e.Kind != graph.KindUnclear {
			t.Errorf("%s: got error %v, want one that is unclear", name, err)
		}
	}
}
