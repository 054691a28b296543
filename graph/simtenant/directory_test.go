package simtenant_test

import (
	"net/url"
	"strings"
	"testing"

	"twokey/graph"
	"twokey/graph/simtenant"
)

func filtered(expression string) string { return "/v1.0/users?$filter=" + url.QueryEscape(expression) }

func TestUsersAreFoundByAnyAddress(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 900, Seed: 11})
	var renamed object // whose address differs from the sign-in name
	for _, u := range list(t, h, "/v1.0/users?$top=999&$select=id,userPrincipalName,mail,displayName,userType") {
		if u["mail"] != nil && u["mail"] != u["userPrincipalName"] && u["userType"] == "Member" {
			renamed = u
		}
	}
	if renamed == nil {
		t.Fatal("everybody's address is the sign-in name")
	}
	mail, upn, id := renamed["mail"].(string), renamed["userPrincipalName"].(string), renamed["id"].(string)
	for _, tt := range []struct {
		name, filter string
		want         int
	}{
		{"id", "id eq '" + id + "'", 1},
		{"UPN", "userPrincipalName eq '" + strings.ToUpper(escaped(upn)) + "'", 1},
		{"UPN is no mail", "mail eq '" + escaped(upn) + "'", 0},
		{"mail", "mail eq '" + escaped(mail) + "'", 1},
		{"mail is no UPN", "userPrincipalName eq '" + escaped(mail) + "'", 0},
		{"primary address", "proxyAddresses/any(p:p eq 'SMTP:" + escaped(mail) + "')", 1},
		{"primary address in the wrong case", "proxyAddresses/any(p:p eq 'smtp:" + escaped(mail) + "')", 0},
		{"other address", "proxyAddresses/any(p:p eq 'smtp:" + escaped(upn) + "')", 1},
		{"either case", "proxyAddresses/any(p:p eq 'smtp:" + escaped(mail) + "') or proxyAddresses/any(p:p eq 'SMTP:" + escaped(mail) + "')", 1},
		{"with another condition", "mail eq '" + escaped(mail) + "' and accountEnabled eq false", 0},
		{"one of several", "userPrincipalName in ('" + escaped(upn) + "','olga@harbourvale.example')", 2},
		{"private address", "otherMails/any(m:m eq '" + escaped(mail) + "')", 0},
		{"nobody", "mail eq 'nobody@harbourvale.example'", 0},
		{"null", "mail eq null and startswith(displayName,'Emergency')", 2},
		{"or what is no address", "mail eq '" + escaped(mail) + "' or startswith(displayName,'Emergency')", 3},
		{"name", "displayName eq 'maria nowak'", 2},
		{"beginning of a name", "startswith(displayName,'Emergency')", 2},
	} {
		if got := list(t, h, filtered(tt.filter)); len(got) != tt.want {
			t.Errorf("%s: got %d users, want %d: %s", tt.name, len(got), tt.want, tt.filter)
		}
	}
}

func escaped(s string) string { return strings.ReplaceAll(s, "'", "''") }

func TestManagersStandAboveTheirDepartment(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 400, Seed: 3})
	heads, department := map[string]int{}, map[string]string{}
	users := list(t, h, "/v1.0/users?$top=999&$select=id,department,userType,accountEnabled")
	for _, u := range users {
		department[u["id"].(string)], _ = u["department"].(string)
	}
	for _, u := range users {
		r := ask(h, "GET", "/v1.0/users/"+u["id"].(string)+"/manager?$select=id,department", "")
		d, _ := u["department"].(string)
		switch r.status {
		case 404:
			if u["accountEnabled"] == true && u["userType"] == "Member" && d != "" {
				heads[d]++
			}
			if code, message := refusal(t, r); code != "Request_ResourceNotFound" || !strings.Contains(message, "'manager'") {
				t.Fatalf("no manager: %s", r.raw)
			}
		case 200:
			m := decode[object](t, r)
			if m["department"] != d || m["@odata.type"] != "#microsoft.graph.user" || m["id"] == u["id"] || department[m["id"].(string)] != d {
				t.Errorf("manager of %v: %s", u, r.raw)
			}
		default:
			t.Fatalf("manager of %v: %d %s", u, r.status, r.raw)
		}
	}
	if len(heads) < 8 {
		t.Errorf("departments: got %v", heads)
	}
	for d, n := range heads {
		if n != 1 {
			t.Errorf("%s has %d heads", d, n)
		}
	}
	if r := ask(h, "GET", "/v1.0/users/nobody/manager", ""); r.status != 404 {
		t.Errorf("manager of nobody: %d", r.status)
	}
}

// The way up has to end, or who follows it never comes home.
func TestManagersFormNoCircle(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 400, Seed: 3})
	at := list(t, h, "/v1.0/users?$top=1&$select=id&$filter="+url.QueryEscape("department eq 'Operations' and accountEnabled eq true"))[0]["id"].(string)
	for steps := 0; ; steps++ {
		r := ask(h, "GET", "/v1.0/users/"+at+"/manager", "")
		if r.status == 404 {
			break
		}
		if steps > 10 {
			t.Fatal("there is no end after 10 managers")
		}
		at = decode[object](t, r)["id"].(string)
	}
}

func TestMembershipOfUsers(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 400, Seed: 11, Licence: graph.P1})
	desk := fillIn(t, h, "{group}")
	member := list(t, h, "/v1.0/groups/"+desk+"/members")[0]
	if member["@odata.type"] != "#microsoft.graph.user" {
		t.Errorf("member of a group: %v", member)
	}
	member = list(t, h, "/v1.0/groups/"+desk+"/members?$select=id")[0]
	if member["@odata.type"] != "#microsoft.graph.user" {
		t.Errorf("member of a group under $select: %v", member)
	}
	path := "/v1.0/users/" + member["id"].(string)
	have := map[string]string{}
	for _, m := range list(t, h, path+"/transitiveMemberOf?$select=displayName") {
		have[m["displayName"].(string)] = m["@odata.type"].(string)
	}
	if len(have) != 3 {
		t.Errorf("member of %v, want two groups and a role", have)
	}
	for name, kind := range map[string]string{
		"All Staff": "group", "Service Desk (roles)": "group", "Helpdesk Administrator": "directoryRole",
	} {
		if have[name] != "#microsoft.graph."+kind {
			t.Errorf("%s: got %q of %v", name, have[name], have)
		}
	}
	staff := ""
	for _, m := range list(t, h, path+"/transitiveMemberOf") {
		if m["displayName"] == "All Staff" {
			staff = m["id"].(string)
		}
	}
	check := func(user, body string) reply { return ask(h, "POST", "/v1.0/users/"+user+"/checkMemberGroups", body) }
	in := decode[struct{ Value []string }](t, check(member["id"].(string), `{"groupIds":["`+strings.ToUpper(desk)+`","`+staff+`","ffffffff-0000-4000-8000-000000000000"]}`)).Value
	if len(in) != 2 {
		t.Errorf("a member is in %v, want both groups", in)
	}
	in = decode[struct{ Value []string }](t, check("emergency-1@harbourvale.onmicrosoft.example", `{"groupIds":["`+desk+`","`+staff+`"]}`)).Value
	if len(in) != 0 {
		t.Errorf("an emergency account is in %v", in)
	}
	for name, body := range map[string]string{
		"no ids": `{"groupIds":[]}`, "none said": `{}`, "no list": `{"groupIds":"` + desk + `"}`, "no text": `{"groupIds":[1]}`,
		"21": `{"groupIds":["` + desk + `"` + strings.Repeat(`,"`+desk+`"`, 20) + `]}`, "unknown member": `{"groupIds":["` + desk + `"],"x":1}`,
	} {
		if r := check(member["id"].(string), body); r.status != 400 {
			t.Errorf("%s: got %d, want 400", name, r.status)
		}
	}
	if r := check("nobody", `{"groupIds":["`+desk+`"]}`); r.status != 404 {
		t.Errorf("of nobody: got %d, want 404", r.status)
	}
	if len(h.Ledger()) != 0 {
		t.Error("a question is in the ledger")
	}
}

func TestTypedMethods(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{People: 200, Seed: 11})
	for _, u := range list(t, h, "/v1.0/users?$select=id&$top=100") {
		path := "/v1.0/users/" + u["id"].(string) + "/authentication/"
		all, byKind := list(t, h, path+"methods"), 0
		for _, k := range methodKinds[:len(methodKinds)-1] {
			for _, m := range list(t, h, path+k.segment) {
				byKind++
				if m["@odata.type"] != nil {
					t.Errorf("%s says its type: %v", k.segment, m)
				}
				if r := ask(h, "GET", path+k.segment+"/"+m["id"].(string), ""); r.status != 200 || decode[object](t, r)["id"] != m["id"] {
					t.Errorf("%s/%v: %d %s", k.segment, m["id"], r.status, r.raw)
				}
				if r := ask(h, "GET", path+"methods/"+m["id"].(string), ""); decode[object](t, r)["@odata.type"] != "#microsoft.graph."+k.kind+"AuthenticationMethod" {
					t.Errorf("methods/%v: %d %s", m["id"], r.status, r.raw)
				}
			}
		}
		if byKind != len(all) {
			t.Errorf("%v has %d methods, %d by kind", u["id"], len(all), byKind)
		}
	}
	for path, want := range map[string]int{
		"/v1.0/users/olga@harbourvale.example/authentication/phoneMethods/28c10230-6103-485e-b985-444c60001490": 404, // the password
		"/v1.0/users/olga@harbourvale.example/authentication/methods/none":                                      404,
		"/v1.0/users/nobody/authentication/phoneMethods":                                                        404,
		"/v1.0/users/olga@harbourvale.example/authentication/hardwareOathMethods":                               404, // beta
		"/beta/users/olga@harbourvale.example/authentication/hardwareOathMethods":                               200,
	} {
		if r := ask(h, "GET", path, ""); r.status != want {
			t.Errorf("%s: got %d, want %d", path, r.status, want)
		}
	}
	refusing := newTenant(t, simtenant.Config{RefuseMethods: true})
	if r := ask(refusing, "GET", "/v1.0/users/olga@harbourvale.example/authentication/phoneMethods", ""); r.status != 403 {
		t.Errorf("without the licence: got %d, want 403", r.status)
	}
}
