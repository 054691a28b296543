package msgraph_test

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// person is a user in Graph's JSON.
func person(id string) string {
	return fmt.Sprintf(`{"id":%q,"userPrincipalName":"%s@contoso.example","accountEnabled":true,"assignedLicenses":[]}`, id, id)
}

// pages answers with a list in pages whose links come from link.
func pages(link func(r *http.Request, page int) string, bodies ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("$skiptoken"), "p%d", &page)
		next := ""
		if page+1 < len(bodies) {
			next = fmt.Sprintf(`,"@odata.nextLink":%q`, link(r, page+1))
		}
		reply(200, `{"value":[`+bodies[page]+`]`+next+`}`).ServeHTTP(w, r)
	})
}

func ownHost(r *http.Request, page int) string {
	return fmt.Sprintf("http://%s/v1.0/users?$select=id&$skiptoken=p%d%%24x%%2By", r.Host, page)
}

func TestListsAreReadToTheEnd(t *testing.T) {
	t.Parallel()
	tenant := &arrivals{next: pages(ownHost, person("a")+","+person("b"), person("c"), "", person("d"))}
	users, err := serve(t, tenant).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	if got := strings.Join(ids, ""); got != "abcd" {
		t.Errorf("got users %q, want abcd", got)
	}
	asked := tenant.of("")
	if want := "/v1.0/users?$select=id,displayName,userPrincipalName,mail,department,userType,accountEnabled,onPremisesSyncEnabled,assignedLicenses,createdDateTime&$top=999"; strings.ReplaceAll(asked[0].URI, "%2C", ",") != want {
		t.Errorf("first page: got %s, want %s", asked[0].URI, want)
	}
	if want := "/v1.0/users?$select=id&$skiptoken=p3$x%2By"; asked[3].URI != want {
		t.Errorf("fourth page: got %s, want the link as it came, %s", asked[3].URI, want)
	}
	for i, r := range asked {
		if r.Header.Get("Authorization") != "Bearer test" {
			t.Errorf("page %d was asked for without our token", i)
		}
	}
}

func TestLaterPages(t *testing.T) {
	t.Parallel()
	foreign := &arrivals{next: reply(200, `{"value":[]}`)}
	elsewhere := newServer(t, foreign)
	to := func(format string) func(*http.Request, int) string {
		return func(r *http.Request, _ int) string { return strings.ReplaceAll(format, "HOST", r.Host) }
	}
	for _, tt := range []struct {
		name   string
		tenant http.Handler
		want   graph.Kind
	}{
		{"on a foreign host", pages(to(elsewhere+"/v1.0/users?$skiptoken=p1"), person("a"), person("b")), graph.KindUnclear},
		{"on a host that begins like ours", pages(to("http://HOST.example.invalid/v1.0/users"), person("a"), person("b")), graph.KindUnclear},
		{"on our name before another host", pages(to("http://HOST@"+strings.TrimPrefix(elsewhere, "http://")+"/v1.0/users"), person("a"), person("b")), graph.KindUnclear},
		{"with a name before our host", pages(to("http://somebody@HOST/v1.0/users?$skiptoken=p1"), person("a"), person("b")), graph.KindUnclear},
		{"by another scheme", pages(to("https://HOST/v1.0/users?$skiptoken=p1"), person("a"), person("b")), graph.KindUnclear},
		{"without a host", pages(to("/v1.0/users?$skiptoken=p1"), person("a"), person("b")), graph.KindUnclear},
		{"in a circle", pages(to("http://HOST/v1.0/users?$skiptoken=p0"), person("a"), person("b")), graph.KindUnclear},
		{"redirected to a foreign host", script(pages(ownHost, person("a"), person("b")), reply(302, "", "Location", elsewhere+"/v1.0/users")), graph.KindUnclear},
		{"gone", script(pages(ownHost, person("a"), person("b")), reply(404, graphError("Request_ResourceNotFound"))), graph.KindNotFound},
		{"expired", script(pages(ownHost, person("a"), person("b")), reply(400, graphError("Directory_ExpiredPageToken"))), graph.KindRefused},
		{"forbidden", script(pages(ownHost, person("a"), person("b")), reply(403, graphError("Authorization_RequestDenied"))), graph.KindNoPermission},
		{"without a list", script(pages(ownHost, person("a"), person("b")), reply(200, `{"value":null}`)), graph.KindUnclear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			users, err := serve(t, tt.tenant).Users(t.Context())
			wantError(t, err, tt.want)
			if users != nil {
				t.Errorf("got %d users beside the error, want none: half a list is no list", len(users))
			}
		})
	}
	t.Cleanup(func() {
		if n := len(foreign.of("")); n != 0 {
			t.Errorf("%d requests went to the foreign host", n)
		}
	})
}

// TestLocationOfNoRedirect: an answer that has a Location and is no redirect is
// read where it came.
func TestLocationOfNoRedirect(t *testing.T) {
	t.Parallel()
	got, err := serve(t, reply(200, `{"isEnabled":true}`, "Location", "/v1.0/elsewhere")).SecurityDefaults(t.Context())
	if err != nil || !got.Enabled {
		t.Errorf("got %+v and error %v, want the answer itself", got, err)
	}
}

func TestRedirectOnTheSameHost(t *testing.T) {
	t.Parallel()
	moved := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/v1.0/moved", http.StatusTemporaryRedirect)
	})
	mux := http.NewServeMux()
	mux.Handle("/", moved)
	mux.Handle("/v1.0/moved", reply(200, defaultsOn))
	tenant := &arrivals{next: mux}
	c := serve(t, tenant)
	if got, err := c.SecurityDefaults(t.Context()); err != nil || !got.Enabled {
		t.Errorf("a read: got %+v and error %v, want the answer from where it moved", got, err)
	}
	_, err := c.SetSecurityDefaults(t.Context(), true)
	wantError(t, err, graph.KindUnclear)
	if n := len(tenant.of("PATCH")); n != 1 {
		t.Errorf("the write arrived %d times, want once", n)
	}
}

func TestUserIsEscaped(t *testing.T) {
	t.Parallel()
	for upn, want := range map[string]string{
		"pat@contoso.example":                              "/v1.0/users/pat%40contoso.example",
		"pat_partner.example#EXT#@contoso.onmicrosoft.com": "/v1.0/users/pat_partner.example%23EXT%23%40contoso.onmicrosoft.com",
		"o'hara@contoso.example":                           "/v1.0/users/o%27hara%40contoso.example",
		"a/b?c=d&e%23@contoso.example":                     "/v1.0/users/a%2Fb%3Fc%3Dd%26e%2523%40contoso.example",
		"zoë@contoso.example":                              "/v1.0/users/zo%C3%AB%40contoso.example",
	} {
		tenant := &arrivals{next: reply(200, person("x"))}
		if _, err := serve(t, tenant).User(t.Context(), upn); err != nil {
			t.Errorf("%s: %v", upn, err)
			continue
		}
		if got, _, _ := strings.Cut(tenant.of("")[0].URI, "?"); got != want {
			t.Errorf("%s: asked for %s, want %s", upn, got, want)
		}
	}
}

func TestRoleGroups(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/v1.0/roleManagement/directory/roleDefinitions", reply(200, `{"value":[
		{"id":"r1","templateId":"t1","displayName":"One"},{"id":"r2","displayName":"Two"}]}`))
	mux.Handle("/v1.0/roleManagement/directory/roleAssignments", reply(200, `{"value":[
		{"roleDefinitionId":"r1","principalId":"u1","principal":{"@odata.type":"#microsoft.graph.user","id":"u1"}},
		{"roleDefinitionId":"r1","principalId":"g1","principal":{"@odata.type":"#microsoft.graph.group","id":"g1"}},
		{"roleDefinitionId":"r2","principalId":"g1","principal":{"@odata.type":"#microsoft.graph.group","id":"g1"}},
		{"roleDefinitionId":"r3","principalId":"u3","principal":{"@odata.type":"#microsoft.graph.user","id":"u3"}},
		{"roleDefinitionId":"r1","principalId":"s1","principal":{"@odata.type":"#microsoft.graph.servicePrincipal","id":"s1"}}]}`))
	groups := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("$skiptoken") == "" {
			reply(200, `{"value":[{"id":"u1"},{"id":"u2"}],"@odata.nextLink":"http://`+r.Host+r.URL.Path+`?$skiptoken=p"}`).ServeHTTP(w, r)
			return
		}
		reply(200, `{"value":[{"id":"u4"}]}`).ServeHTTP(w, r)
	})}
	mux.Handle("/v1.0/groups/g1/transitiveMembers/microsoft.graph.user", groups)
	got, err := serve(t, mux).RoleHolders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one, two := graph.Role{TemplateID: "t1", Name: "One"}, graph.Role{TemplateID: "r2", Name: "Two"}
	want := []graph.RoleHolder{
		{UserID: "u1", Roles: []graph.Role{two, one}},
		{UserID: "u2", Roles: []graph.Role{two, one}},
		{UserID: "u3", Roles: []graph.Role{{TemplateID: "r3"}}},
		{UserID: "u4", Roles: []graph.Role{two, one}},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	asked := groups.of("")
	if len(asked) != 2 {
		t.Fatalf("the group was asked for %d times, want each page once", len(asked))
	}
	for i, r := range asked {
		if r.Header.Get("ConsistencyLevel") != "eventual" {
			t.Errorf("page %d of the group: no ConsistencyLevel", i)
		}
	}
}

// TestMissingValues checks that null, nothing and a wrong type never come out
// as "no".
func TestMissingValues(t *testing.T) {
	t.Parallel()
	licence := func(sku string) string { return `{"value":[` + sku + `]}` }
	calls := map[string]func(*testing.T, *msgraph.Client) error{
		"defaults":     func(t *testing.T, c *msgraph.Client) error { _, err := c.SecurityDefaults(t.Context()); return err },
		"users":        func(t *testing.T, c *msgraph.Client) error { _, err := c.Users(t.Context()); return err },
		"policies":     func(t *testing.T, c *msgraph.Client) error { _, err := c.Policies(t.Context()); return err },
		"licence":      func(t *testing.T, c *msgraph.Client) error { _, err := c.Licence(t.Context()); return err },
		"organization": func(t *testing.T, c *msgraph.Client) error { _, err := c.Organization(t.Context()); return err },
		"roles":        func(t *testing.T, c *msgraph.Client) error { _, err := c.RoleHolders(t.Context()); return err },
		"sign-ins":     func(t *testing.T, c *msgraph.Client) error { _, err := legacySignIns(t, c, now()); return err },
	}
	for _, tt := range []struct{ call, answer string }{
		{"defaults", `{}`},
		{"defaults", `{"isEnabled":null}`},
		{"defaults", `{"isEnabled":"false"}`},
		{"defaults", `{"isEnabled":0}`},
		{"defaults", `{"isEnabled":{}}`},
		{"users", `{}`},
		{"users", `{"value":{}}`},
		{"users", `{"value":[null]}`},
		{"users", `{"value":[1]}`},
		{"users", `{"value":[{"id":null,"userPrincipalName":"a","accountEnabled":true,"assignedLicenses":[]}]}`},
		{"users", `{"value":[{"id":"","userPrincipalName":"a","accountEnabled":true,"assignedLicenses":[]}]}`},
		{"users", `{"value":[{"id":"a","userPrincipalName":"a","accountEnabled":null,"assignedLicenses":[]}]}`},
		{"users", `{"value":[{"id":"a","userPrincipalName":"a","accountEnabled":true,"assignedLicenses":null}]}`},
		{"policies", `{"value":[{"id":"a","state":null}]}`},
		{"policies", `{"value":[{"id":"a","state":true}]}`},
		{"policies", `{"value":[null]}`},
		{"licence", `{"value":null}`},
		{"licence", licence(`{"capabilityStatus":"Enabled"}`)},
		{"licence", licence(`{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":null}]}`)},
		{"licence", licence(`{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"no GUID"}]}`)},
		{"licence", licence(`{"capabilityStatus":null,"servicePlans":[{"servicePlanId":"41781fb2-bc02-4b7c-bd55-b576c07bb09d"}]}`)},
		{"organization", `{"value":[]}`},
		{"organization", `{"value":[{"displayName":"Contoso"}]}`},
		{"roles", `{"value":[{"id":"r","roleDefinitionId":"r","principalId":"u","principal":{"id":"u"}}]}`},
		{"sign-ins", `{"value":[{"id":"s","createdDateTime":"2999-01-01T00:00:00Z","clientAppUsed":"IMAP4"}]}`},
		{"sign-ins", `{"value":[{"id":"s","createdDateTime":"2999-01-01T00:00:00Z","clientAppUsed":"IMAP4","status":{"errorCode":null}}]}`},
		{"sign-ins", `{"value":[{"id":"s","createdDateTime":null,"clientAppUsed":"IMAP4","status":{"errorCode":0}}]}`},
	} {
		t.Run(tt.call+" "+tt.answer, func(t *testing.T) {
			t.Parallel()
			e := wantError(t, calls[tt.call](t, serve(t, reply(200, tt.answer))), graph.KindUnclear)
			if e.Status != 200 || e.RequestID != "the-request-id" {
				t.Errorf("got %+v, want the answer's status and request-id", e)
			}
		})
	}
}

func TestRegistrationWithoutFiguresIsUnknown(t *testing.T) {
	t.Parallel()
	const row = `{"id":%q,"isMfaRegistered":%s,"isMfaCapable":%s,"methodsRegistered":%s}`
	rows := []string{
		fmt.Sprintf(row, "known", "false", "false", `[]`),
		fmt.Sprintf(row, "a", "null", "true", `["fido2"]`),
		fmt.Sprintf(row, "b", "true", "null", `["fido2"]`),
		fmt.Sprintf(row, "c", "true", "true", `null`),
		`{"id":"d"}`,
	}
	got, err := serve(t, reply(200, `{"value":[`+strings.Join(rows, ",")+`]}`)).Registrations(t.Context())
	if err != nil || len(got) != 1 || got[0].UserID != "known" {
		t.Errorf("got %+v and error %v, want the one row that has its figures", got, err)
	}
}

func TestUnknownPolicyStateIsKept(t *testing.T) {
	t.Parallel()
	got, err := serve(t, reply(200, `{"value":[{"id":"p","displayName":"New","state":"enabledOnTuesdays"}]}`)).Policies(t.Context())
	if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], graph.Policy{ID: "p", Name: "New", State: "enabledOnTuesdays"}) {
		t.Errorf("got %+v and error %v, want the state as it came", got, err)
	}
}

func TestLicenceRule(t *testing.T) {
	t.Parallel()
	const p1, p2, exchange = "41781fb2-bc02-4b7c-bd55-b576c07bb09d", "EEC0EB4F-6444-4F95-ABA0-50C24D67F998", "efb87545-963c-4e0d-99df-69c6916d9eb0"
	sku := func(status string, plans ...string) string {
		var list []string
		for _, p := range plans {
			list = append(list, `{"servicePlanId":"`+p+`"}`)
		}
		return `{"capabilityStatus":` + status + `,"servicePlans":[` + strings.Join(list, ",") + `]}`
	}
	for _, tt := range []struct {
		name string
		skus []string
		want graph.Licence
	}{
		{"nothing bought", nil, graph.Free},
		{"mail alone", []string{sku(`"Enabled"`, exchange)}, graph.Free},
		{"mail alone, of unknown state", []string{sku("null", exchange)}, graph.Free},
		{"P1 among others", []string{sku(`"Enabled"`, exchange), sku(`"Enabled"`, exchange, p1)}, graph.P1},
		{"P2 before P1", []string{sku(`"Enabled"`, p2), sku(`"Enabled"`, p1)}, graph.P2},
		{"both in one", []string{sku(`"Enabled"`, p1, p2)}, graph.P2},
		{"lapsed, in grace", []string{sku(`"Warning"`, p1)}, graph.P1},
		{"suspended", []string{sku(`"Suspended"`, p2), sku(`"Deleted"`, p1)}, graph.Free},
		{"P2 locked, P1 in use", []string{sku(`"LockedOut"`, p2), sku(`"enabled"`, p1)}, graph.P1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := serve(t, reply(200, `{"value":[`+strings.Join(tt.skus, ",")+`]}`)).Licence(t.Context())
			if err != nil || got != tt.want {
				t.Errorf("got %v and error %v, want %v", got, err, tt.want)
			}
		})
	}
}

// TestHalfAnAnswer checks that a success of another kind is no answer to a read.
func TestHalfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 202, 203, 206, 226} {
		_, err := serve(t, reply(status, defaultsOn)).SecurityDefaults(t.Context())
		wantError(t, err, graph.KindUnclear)
	}
	for _, status := range []int{200, 204} {
		_, err := serve(t, reply(status, "")).SecurityDefaults(t.Context())
		wantError(t, err, graph.KindUnclear)
	}
}

func TestEmptyPolicyListOfAFreeTenant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		plan string
		good bool
	}{{"41781fb2-bc02-4b7c-bd55-b576c07bb09d", true}, {"efb87545-963c-4e0d-99df-69c6916d9eb0", false}} {
		mux := http.NewServeMux()
		mux.Handle("/v1.0/identity/conditionalAccess/policies", reply(200, `{"value":[]}`))
		mux.Handle("/v1.0/subscribedSkus", reply(200, `{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"`+tt.plan+`"}]}]}`))
		policies, err := serve(t, mux).Policies(t.Context())
		if tt.good && (err != nil || policies == nil || len(policies) != 0) {
			t.Errorf("licensed: got %v and error %v, want an empty list", policies, err)
		}
		if !tt.good {
			wantError(t, err, graph.KindNoLicence)
		}
	}
}

// TestSignInLog checks what is asked of both logs, and that the edges of days
// and of the span come out once and not too early.
func TestSignInLog(t *testing.T) {
	t.Parallel()
	row := func(id, at, client, interactive string) string {
		return fmt.Sprintf(`{"id":%q,"createdDateTime":%q,"clientAppUsed":%q,"isInteractive":%s,"userId":"u","status":{"errorCode":0}}`, id, at, client, interactive)
	}
	tenant := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rows := []string{
			row("edge", "2026-11-24T00:00:00Z", "IMAP4", "true"),
			row("early", "2026-11-23T22:00:00.4Z", "IMAP4", "true"),
			row("modern", "2026-11-23T23:00:00Z", "Browser", "true"),
			row("new", "2026-11-23T23:00:00Z", "Gopher", "true"),
		}
		if strings.HasPrefix(r.URL.Path, "/beta/") {
			rows = []string{row("quiet", "2026-11-23T23:30:00Z", "Authenticated SMTP", "null")}
		}
		reply(200, `{"value":[`+strings.Join(rows, ",")+`]}`).ServeHTTP(w, r)
	})}
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	c := client(t, msgraph.Config{BaseURL: newServer(t, tenant) + "/v1.0", Now: func() time.Time { return at }})
	got, err := legacySignIns(t, c, at.Add(-11*time.Hour+500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]bool{}
	for _, s := range got {
		clients[s.Client] = s.Interactive
	}
	if len(got) != 3 || fmt.Sprint(clients) != "map[Authenticated SMTP:false Gopher:true IMAP4:true]" {
		t.Errorf("got %+v", got)
	}
	const filter = "/auditLogs/signIns?$filter=createdDateTime%20ge%202026-11-2"
	for i, want := range []string{
		"/v1.0" + filter + "4T00%3A00%3A00Z&$top=1000",
		"/beta" + filter + "4T00%3A00%3A00Z%20and%20signInEventTypes%2Fany%28t%3A%20t%20eq%20%27nonInteractiveUser%27%29%20and%20%28clientAppUsed%20eq%20%27Exchange%20ActiveSync%27%20or%20",
		"/v1.0" + filter + "3T22%3A00%3A00Z%20and%20createdDateTime%20le%202026-11-24T00%3A00%3A00Z&$top=1000",
		"/beta" + filter + "3T22%3A00%3A00Z%20and%20createdDateTime%20le%202026-11-24T00%3A00%3A00Z%20and%20signInEventTypes",
	} {
		if uri := tenant.of("GET")[i].URI; !strings.HasPrefix(uri, want) {
			t.Errorf("request %d: got %s, want it to begin with %s", i, uri, want)
		}
	}
}

// TestPageSizeOfTheReport: the report is read in large pages, and in those that
// the service likes where it refuses that.
func TestPageSizeOfTheReport(t *testing.T) {
	t.Parallel()
	const row = `{"value":[{"id":"u","isMfaRegistered":true,"isMfaCapable":true,"methodsRegistered":[]}]}`
	const path = "/v1.0/reports/authenticationMethods/userRegistrationDetails"
	for name, tt := range map[string]struct {
		sized http.Handler
		want  []string
		kind  graph.Kind // of the error, where there is no second request
	}{
		"taken":     {sized: reply(200, row), want: []string{path + "?$top=999"}},
		"refused":   {sized: reply(400, graphError("BadRequest")), want: []string{path + "?$top=999", path}},
		"forbidden": {sized: reply(403, graphError("AccessDenied")), want: []string{path + "?$top=999"}, kind: graph.KindNoPermission},
	} {
		tenant := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next := reply(200, row)
			switch {
			case r.URL.Path == "/v1.0/subscribedSkus":
				next = reply(200, `{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"41781fb2-bc02-4b7c-bd55-b576c07bb09d"}]}]}`)
			case r.URL.Query().Has("$top"):
				next = tt.sized
			}
			next.ServeHTTP(w, r)
		})}
		c := serve(t, tenant)
		for what, read := range map[string]func() ([]graph.Registration, error){
			"list": func() ([]graph.Registration, error) { return c.Registrations(t.Context()) },
			"page": func() ([]graph.Registration, error) {
				rows, _, err := c.RegistrationPage(t.Context(), "")
				return rows, err
			},
		} {
			before := len(tenant.of(""))
			rows, err := read()
			var asked []string
			for _, a := range tenant.of("")[before:] {
				if strings.HasPrefix(a.URI, path) {
					asked = append(asked, a.URI)
				}
			}
			if !slices.Equal(asked, tt.want) {
				t.Errorf("%s, %s: asked for %v, want %v", name, what, asked, tt.want)
			}
			if tt.kind != graph.KindUnclear {
				wantError(t, err, tt.kind)
			} else if err != nil || len(rows) != 1 {
				t.Errorf("%s, %s: got %v and error %v, want one row", name, what, rows, err)
			}
		}
	}
}

// TestPrincipalsThatAreGone: one assignment to nobody does not hide the others,
// and assignments to nobody but such are none that were read.
func TestPrincipalsThatAreGone(t *testing.T) {
	t.Parallel()
	const gone = `{"roleDefinitionId":"r1","principalId":"gone","principal":null}`
	roles := func(assignments string) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/v1.0/roleManagement/directory/roleDefinitions", reply(200, `{"value":[{"id":"r1","displayName":"One"}]}`))
		mux.Handle("/v1.0/roleManagement/directory/roleAssignments", reply(200, `{"value":[`+assignments+`]}`))
		return mux
	}
	got, err := serve(t, roles(gone+`,{"roleDefinitionId":"r1","principalId":"u","principal":{"@odata.type":"#microsoft.graph.user"}}`)).RoleHolders(t.Context())
	one := []graph.Role{{TemplateID: "r1", Name: "One"}}
	want := []graph.RoleHolder{{UserID: "gone", Roles: one}, {UserID: "u", Roles: one}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v and error %v, want %v", got, err, want)
	}
	_, err = serve(t, roles(gone)).RoleHolders(t.Context())
	wantError(t, err, graph.KindUnclear)
}
