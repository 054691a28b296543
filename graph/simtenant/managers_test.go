package simtenant_test

import (
	"testing"

	"twokey/graph/simtenant"
)

// managersIn is the list of all accounts with their managers, by ID.
func managersIn(t *testing.T, h *simtenant.Tenant) (above map[string]string) {
	t.Helper()
	above = map[string]string{}
	for _, u := range list(t, h, "/v1.0/users?$select=id&$top=999&$expand=manager($select=id)") {
		m, has := u["manager"].(object)
		if !has {
			continue
		}
		above[u["id"].(string)] = m["id"].(string)
		if len(m) != 2 || m["@odata.type"] != "#microsoft.graph.user" {
			t.Fatalf("a manager in a list: got %v", m)
		}
	}
	return above
}

// The list names whom the path of each names, in pages of 100, whatever is asked.
func TestManagersInAList(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 250, Seed: 3})
	first := decode[object](t, ask(h, "GET", "/v1.0/users?$select=id&$top=999&$expand=manager($select=id)", ""))
	if n := len(first["value"].([]any)); n != 100 {
		t.Errorf("got a page of %d, want 100", n)
	}
	above := managersIn(t, h)
	none := 0
	for _, u := range list(t, h, "/v1.0/users?$top=999&$select=id") {
		id := u["id"].(string)
		r := ask(h, "GET", "/v1.0/users/"+id+"/manager?$select=id", "")
		want := ""
		if r.status == 200 {
			want, _ = decode[object](t, r)["id"].(string)
		} else {
			none++
		}
		if above[id] != want {
			t.Errorf("manager of %s: the list says %q, the path %q", id, above[id], want)
		}
	}
	if none == 0 || len(above) == 0 {
		t.Errorf("%d have no manager, %d have one", none, len(above))
	}
}

// A manager can be set, to a guest and in a circle too, be taken away, and leave.
func TestManagersChange(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 50, Seed: 3})
	id := func(path string) string {
		s, _ := decode[object](t, ask(h, "GET", path+"?$select=id", ""))["id"].(string)
		return s
	}
	const ada, suePath = "/v1.0/users/ada@harbourvale.example", "/v1.0/users/sue@harbourvale.example"
	link := func(to string) string { return `{"@odata.id":"https://graph.microsoft.com/v1.0/users/` + to + `"}` }
	sam, sue, theGuest := id(samPath), id(suePath), list(t, h, filtered("userType eq 'Guest'"))[0]["id"].(string)

	do(t, h, "PUT", samPath+"/manager/$ref", link(sue), 204)
	do(t, h, "PUT", suePath+"/manager/$ref", link(sam), 204)
	do(t, h, "PUT", ada+"/manager/$ref", link(theGuest), 204)
	if above := managersIn(t, h); above[sam] != sue || above[sue] != sam || above[id(ada)] != theGuest {
		t.Errorf("got %s above sam, %s above sue, %s above ada", above[sam], above[sue], above[id(ada)])
	}
	do(t, h, "DELETE", suePath, "", 204)
	if above := managersIn(t, h); above[sam] != "" {
		t.Errorf("whose manager was deleted has %q", above[sam])
	}
	do(t, h, "DELETE", ada+"/manager/$ref", "", 204)
	do(t, h, "GET", ada+"/manager", "", 404)
}
