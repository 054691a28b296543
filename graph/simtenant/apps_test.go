package simtenant_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// The app of the tests, and the bearer of somebody who may do everything.
const (
	botID   = "8d3f0c1a-4b7e-4f6a-9c55-0a1b2c3d4e5f"
	ownerOf = "owners/$ref"
)

var (
	portal = []string{"Authorization", "Bearer portal"}
	bot    = []string{"Authorization", "Bearer " + botID}
)

// botWith is a tenant's app with some permissions.
func botWith(permissions ...graph.Permission) []simtenant.App {
	return []simtenant.App{{
		ClientID: botID, Name: "Twokey", Permissions: permissions, Secret: graph.NewSecret("first-secret"),
		Owners: []string{simtenant.Cast(11)[0].ObjectID}, Redirects: []string{"https://twokey.example/link"},
		Federations: []simtenant.Federation{{Name: "cluster", Issuer: "https://issuer.example", Subject: "system:serviceaccount:twokey:bot"}},
	}}
}

// appPart returns the bot's registration or its service principal.
func appPart(t testing.TB, h http.Handler, collection string) object {
	t.Helper()
	return decode[object](t, ask(h, "GET", "/v1.0/"+collection+"(appId='"+botID+"')", "", portal...))
}

const (
	principalPath   = "/v1.0/servicePrincipals/{principal}"
	applicationPath = "/v1.0/applications/{application}"
	federationOp    = "/applications/{application-id}/federatedIdentityCredentials/{federatedIdentityCredential-id}"
	mailSend        = "b633e1c5-b582-4048-a93e-9f11b44c7e96"
)

var appContractCases = func() []contractCase {
	grant := `{"principalId":"{principal}","resourceId":"{graph}","appRoleId":"` + mailSend + `"}`
	list := []contractCase{
		{op: "GET /servicePrincipals", path: "/v1.0/servicePrincipals", want: 200},
		{op: "GET /servicePrincipals", path: "/v1.0/servicePrincipals?$filter=" + url.QueryEscape("appId eq '"+botID+"'"), want: 200},
		{op: "GET /servicePrincipals(appId='{appId}')", path: "/v1.0/servicePrincipals(appId='" + botID + "')", want: 200},
		{op: "GET /servicePrincipals(appId='{appId}')", path: "/v1.0/servicePrincipals(appId='11111111-2222-4333-8444-555555555555')", want: 404},
		{op: "GET /servicePrincipals/{servicePrincipal-id}", path: principalPath + "?$select=id,appId,passwordCredentials", want: 200},
		{op: "GET /servicePrincipals/{servicePrincipal-id}/appRoleAssignments", path: principalPath + "/appRoleAssignments", want: 200},
		{op: "POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignments", path: principalPath + "/appRoleAssignments", body: grant, want: 201},
		{op: "POST /servicePrincipals/{servicePrincipal-id}/appRoleAssignments", path: principalPath + "/appRoleAssignments", body: `{}`, want: 400},
		{op: "DELETE /servicePrincipals/{servicePrincipal-id}/appRoleAssignments/{appRoleAssignment-id}", path: principalPath + "/appRoleAssignments/{assignment}", want: 204},
		{op: "POST /servicePrincipals/{servicePrincipal-id}/addPassword", path: principalPath + "/addPassword", body: `{}`, want: 200},
		{
			op: "POST /oauth2PermissionGrants", path: "/v1.0/oauth2PermissionGrants", want: 201,
			body: `{"clientId":"{principal}","consentType":"AllPrincipals","resourceId":"{graph}","scope":"User.Read"}`,
		},
		{op: "GET /applications", path: "/v1.0/applications", want: 200},
		{op: "GET /applications(appId='{appId}')", path: "/v1.0/applications(appId='" + botID + "')", want: 200},
		{op: "GET /applications/{application-id}", path: applicationPath + "?$expand=owners", want: 200},
		{op: "GET /applications/{application-id}/owners", path: applicationPath + "/owners", want: 200},
		{
			op: "POST /applications/{application-id}/owners/$ref", path: applicationPath + "/" + ownerOf, want: 204,
			body: `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + simtenant.Cast(11)[5].ObjectID + `"}`,
		},
		{op: "GET /applications/{application-id}/federatedIdentityCredentials", path: applicationPath + "/federatedIdentityCredentials", want: 200},
		{
			op: "POST /applications/{application-id}/federatedIdentityCredentials", path: applicationPath + "/federatedIdentityCredentials", want: 201,
			body: `{"name":"theirs","issuer":"https://elsewhere.example","subject":"me","audiences":["api://AzureADTokenExchange"]}`,
		},
		{
			op: "PATCH " + federationOp, path: applicationPath + "/federatedIdentityCredentials/{federation}", want: 204,
			body: `{"issuer":"https://elsewhere.example","subject":"me","audiences":["api://other"]}`,
		},
		{op: "PATCH " + federationOp, path: applicationPath + "/federatedIdentityCredentials/{federation}", body: `{"name":"other"}`, want: 400},
		{op: "PATCH " + federationOp, path: applicationPath + "/federatedIdentityCredentials/none", body: `{"subject":"me"}`, want: 404},
		{op: "GET /servicePrincipals/{servicePrincipal-id}/owners", path: principalPath + "/owners", want: 200},
		{
			op: "POST /servicePrincipals/{servicePrincipal-id}/owners/$ref", path: principalPath + "/" + ownerOf, want: 204,
			body: `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + simtenant.Cast(11)[5].ObjectID + `"}`,
		},
		{
			op: "POST /applications/{application-id}/addPassword", path: applicationPath + "/addPassword", want: 200,
			body: `{"passwordCredential":{"displayName":"mine","endDateTime":"2027-11-23T00:00:00Z"}}`,
		},
		{op: "POST /applications/{application-id}/removePassword", path: applicationPath + "/removePassword", body: `{"keyId":"{key}"}`, want: 204},
		{op: "POST /applications/{application-id}/removePassword", path: applicationPath + "/removePassword", body: `{"keyId":"none"}`, want: 400},
	}
	for i := range list {
		list[i].headers, list[i].cfg.Apps = portal, botWith("User.Read.All", "Policy.Read.All")
	}
	return list
}()

// Whoever adds a way to act as our app, or gives it more to do, leaves a line
// in the audit log that a watch can find, and what they added can be read.
func TestAppChangesAreLogged(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11, Apps: botWith("User.Read.All")})
	for _, c := range appContractCases {
		if c.want < 300 && !strings.HasPrefix(c.op, "GET ") && !strings.Contains(c.op, "DELETE") {
			method, _, _ := strings.Cut(c.op, " ")
			if r := ask(h, method, fillIn(t, h, c.path), fillIn(t, h, c.body), portal...); r.status != c.want {
				t.Fatalf("%s: got %d, want %d: %s", c.op, r.status, c.want, r.raw)
			}
		}
	}
	got := map[string]int{}
	for _, a := range list(t, h, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("category eq 'ApplicationManagement'"), portal...) {
		got[a["activityDisplayName"].(string)]++
		if target := a["targetResources"].([]any)[0].(object); target["displayName"] != "Twokey" {
			t.Errorf("%v is about %v", a["activityDisplayName"], target)
		}
	}
	for activity, want := range map[string]int{
		"Add app role assignment to service principal": 1, "Add service principal credentials": 1, "Consent to application": 1,
		"Add owner to application": 1, "Add owner to service principal": 1, "Update application": 2, "Update application – Certificates and secrets management": 2,
	} {
		if got[activity] != want {
			t.Errorf("%s: got %d lines, want %d", activity, got[activity], want)
		}
	}
	registration, principal := appPart(t, h, "applications"), appPart(t, h, "servicePrincipals")
	id := principal["id"].(string)
	principalOwners := "/v1.0/servicePrincipals/" + id + "/owners"
	for what, have := range map[string][2]int{
		"secrets of the registration":      {len(registration["passwordCredentials"].([]any)), 1}, // one came, one went
		"secrets of the service principal": {len(principal["passwordCredentials"].([]any)), 1},
		"permissions":                      {len(list(t, h, "/v1.0/servicePrincipals/"+id+"/appRoleAssignments", portal...)), 2},
		"owners":                           {len(list(t, h, "/v1.0/applications(appId='"+botID+"')/owners", portal...)), 2},
		"owners of the service principal":  {len(list(t, h, principalOwners, portal...)), 1},
		"federations":                      {len(list(t, h, fillIn(t, h, applicationPath)+"/federatedIdentityCredentials", portal...)), 2},
	} {
		if have[0] != have[1] {
			t.Errorf("%s: got %d, want %d", what, have[0], have[1])
		}
	}
	for _, r := range []reply{ask(h, "GET", "/v1.0/applications", "", portal...), ask(h, "GET", "/v1.0/servicePrincipals", "", portal...)} {
		if strings.Contains(string(r.raw), "first-secret") || strings.Contains(string(r.raw), "sim8Q~") {
			t.Error("a secret can be read after its creation")
		}
	}
}

// Changes of an app are taken up from a journal as they were.
func TestAppChangesAreKept(t *testing.T) {
	t.Parallel()
	cfg := simtenant.Config{Seed: 11, Apps: botWith("User.Read.All"), Journal: t.TempDir() + "/tenant.journal"}
	h := newTenant(t, cfg)
	r := ask(h, "POST", fillIn(t, h, principalPath+"/addPassword"), `{}`, portal...)
	if r.status != 200 {
		t.Fatalf("add a password: %d %s", r.status, r.raw)
	}
	before := ask(h, "GET", "/v1.0/servicePrincipals", "", portal...)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if after := ask(newTenant(t, cfg), "GET", "/v1.0/servicePrincipals", "", portal...); string(after.raw) != string(before.raw) {
		t.Errorf("before: %s\nafter: %s", before.raw, after.raw)
	}
}

func TestAppsAreChecked(t *testing.T) {
	t.Parallel()
	for name, apps := range map[string][]simtenant.App{
		"no client ID": {{Name: "Twokey"}}, "twice the same": {{ClientID: "one"}, {ClientID: "two"}, {ClientID: "ONE"}},
	} {
		if _, err := simtenant.New(simtenant.Config{Apps: apps}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestUndeclaredAppsMayDoEverything(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		apps    []simtenant.App
		headers []string
		want    int
	}{
		"nobody, no apps":        {nil, nil, 204},
		"somebody, no apps":      {nil, bot, 204},
		"nobody":                 {botWith(), nil, 401},
		"no bearer":              {botWith(), []string{"Authorization", "Basic Ym90OmJvdA=="}, 401},
		"somebody else":          {botWith(), portal, 204},
		"the app without":        {botWith("Policy.Read.All"), bot, 403},
		"the app in other cases": {botWith("Policy.Read.All"), []string{"Authorization", "bearer " + strings.ToUpper(botID)}, 403},
		"the app with both":      {botWith("Policy.Read.All", "Policy.ReadWrite.SecurityDefaults"), bot, 204},
	} {
		h := newTenant(t, simtenant.Config{Apps: tt.apps})
		r := ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`, tt.headers...)
		if r.status != tt.want {
			t.Errorf("%s: got %d, want %d: %s", name, r.status, tt.want, r.raw)
		}
		if applied := len(h.Ledger()); applied != 1 && tt.want == 204 || applied != 0 && tt.want != 204 {
			t.Errorf("%s: %d changes were applied", name, applied)
		}
		if tt.want == 401 {
			if code, _ := refusal(t, r); code != "InvalidAuthenticationToken" {
				t.Errorf("%s: code %s", name, code)
			}
		}
	}
}

// wall is a call, what it takes, and how its service says that it is missing.
type wall struct {
	method, path, body string
	headers            []string
	enough             []graph.Permission // exactly so much suffices
	code               string
}

func walls() []wall {
	const (
		directory = "Authorization_RequestDenied"
		policies  = "AccessDenied"
		methods   = "accessDenied"
		logs      = "Authentication_MSGraphPermissionMissing"
		usage     = "S2SUnauthorized"
	)
	p := func(list ...graph.Permission) []graph.Permission { return list }
	eventual := []string{"ConsistencyLevel", "eventual"}
	olga := "/v1.0/users/olga@harbourvale.example"
	return []wall{
		{"GET", "/v1.0/organization", "", nil, p("Organization.Read.All"), directory},
		{"GET", "/v1.0/subscribedSkus", "", nil, p("LicenseAssignment.Read.All"), directory},
		{"GET", "/v1.0/users?$select=id,accountEnabled", "", nil, p("User.Read.All"), directory},
		{"GET", "/v1.0/users?$select=id,displayName", "", nil, p("User.ReadBasic.All"), directory},
		{"GET", "/v1.0/users?$select=id,signInActivity", "", nil, p("User.Read.All", "AuditLog.Read.All"), directory},
		{"GET", "/v1.0/users/$count", "", eventual, p("User.Read.All"), directory},
		{"GET", olga, "", nil, p("User.ReadBasic.All"), directory},
		{"GET", olga + "/authentication/methods", "", nil, p("UserAuthenticationMethod.Read.All"), methods},
		{"GET", "/beta/users/olga@harbourvale.example/authentication/requirements", "", nil, p("Policy.Read.All"), methods},
		{"GET", "/beta/users/olga@harbourvale.example/authentication/signInPreferences", "", nil, p("UserAuthenticationMethod.Read.All"), methods},
		{"GET", "/v1.0/groups/{group}", "", nil, p("GroupMember.Read.All"), directory},
		{"GET", "/v1.0/groups/{group}/transitiveMembers", "", nil, p("GroupMember.Read.All"), directory},
		{"GET", "/v1.0/directoryRoles", "", nil, p("RoleManagement.Read.Directory"), directory},
		{"GET", "/v1.0/roleManagement/directory/roleAssignments", "", nil, p("RoleManagement.Read.Directory"), directory},
		{"GET", "/v1.0/reports/authenticationMethods/userRegistrationDetails", "", nil, p("AuditLog.Read.All"), logs},
		{"GET", "/v1.0/auditLogs/signIns", "", nil, p("AuditLog.Read.All"), logs},
		{"GET", "/v1.0/auditLogs/directoryAudits", "", nil, p("AuditLog.Read.All"), logs},
		{"GET", userDetail + "(period='D7')", "", nil, p("Reports.Read.All"), usage},
		{"GET", settingsPath, "", nil, p("ReportSettings.Read.All"), usage},
		{"PATCH", settingsPath, `{"displayConcealedNames":true}`, nil, p("ReportSettings.ReadWrite.All"), usage},
		{"GET", defaultsPath, "", nil, p("Policy.Read.All"), policies},
		{"PATCH", defaultsPath, `{"isEnabled":true}`, nil, p("Policy.ReadWrite.SecurityDefaults", "Policy.Read.All"), policies},
		{"GET", methodsPolicyPath, "", nil, p("Policy.Read.AuthenticationMethod"), policies},
		{"PATCH", methodsPolicyPath, campaignJSON, nil, p("Policy.ReadWrite.AuthenticationMethod"), policies},
		{"PATCH", configsPath + "/temporaryAccessPass", passConfigJSON(`"defaultLength":12`), nil, p("Policy.ReadWrite.AuthenticationMethod"), policies},
		{"GET", policiesPath, "", nil, p("Policy.Read.All"), policies},
		{"POST", policiesPath, policyJSON(graph.PolicyReportOnly), nil, p("Policy.ReadWrite.ConditionalAccess", "Policy.Read.All", "Application.Read.All"), policies},
		{"DELETE", policiesPath + "/{ca}", "", nil, p("Policy.ReadWrite.ConditionalAccess", "Policy.Read.All"), policies},
		{"GET", "/v1.0/servicePrincipals(appId='" + botID + "')", "", nil, p("Application.Read.All"), directory},
		{"GET", "/v1.0/applications(appId='" + botID + "')", "", nil, p("Application.Read.All"), directory},
		{"POST", applicationPath + "/addPassword", `{}`, nil, p("Application.ReadWrite.OwnedBy"), directory},
		{
			"POST", principalPath + "/appRoleAssignments", `{"principalId":"{principal}","resourceId":"{graph}","appRoleId":"` + mailSend + `"}`, nil,
			p("AppRoleAssignment.ReadWrite.All", "Application.Read.All"), directory,
		},
	}
}

// Each call passes with what it takes and with nothing less.
func TestPermissionWalls(t *testing.T) {
	t.Parallel()
	for _, w := range walls() {
		t.Run(w.method+" "+w.path, func(t *testing.T) {
			t.Parallel()
			try := func(permissions []graph.Permission) (reply, *simtenant.Tenant) {
				h := newTenant(t, simtenant.Config{Licence: graph.P2, Seed: 11, Apps: botWith(permissions...)})
				return ask(h, w.method, fillIn(t, h, w.path), fillIn(t, h, w.body), slices.Concat(bot, w.headers)...), h
			}
			if r, _ := try(w.enough); r.status >= 400 {
				t.Fatalf("with %v: got %d %s", w.enough, r.status, r.raw)
			}
			for i := range w.enough {
				less := append(slices.Delete(slices.Clone(w.enough), i, i+1), "Mail.Send")
				r, h := try(less)
				if code, _ := refusal(t, r); r.status != 403 || code != w.code {
					t.Errorf("with %v: got %d %s, want 403 %s", less, r.status, code, w.code)
				}
				if len(h.Ledger()) != 0 {
					t.Errorf("with %v: a refused change was applied", less)
				}
			}
		})
	}
}

// A route that nobody spoke of would be closed to every declared app.
func TestEveryRouteHasAWall(t *testing.T) {
	t.Parallel()
	for _, route := range simtenant.Unwalled() {
		t.Errorf("no permission opens %s", route)
	}
}

// Parts of a batch are judged one by one, by the bearer of the whole.
func TestPermissionWallsInABatch(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11, Apps: botWith("User.Read.All")})
	body := `{"requests":[{"id":"1","method":"GET","url":"/users?$top=1"},{"id":"2","method":"GET","url":"/users/olga@harbourvale.example/authentication/methods"}]}`
	if r := ask(h, "POST", "/v1.0/$batch", body); r.status != 401 {
		t.Errorf("without a bearer: got %d, want 401", r.status)
	}
	r := decode[struct{ Responses []subReply }](t, ask(h, "POST", "/v1.0/$batch", body, bot...))
	got := map[string]int{}
	for _, part := range r.Responses {
		got[part.ID] = part.Status
	}
	if got["1"] != 200 || got["2"] != 403 {
		t.Errorf("answers: %v, want 200 and 403", got)
	}
}

// Whoever grants the app a permission changes what it may do at once, where it
// comes with its name and not with a token.
func TestGrantsTakeEffect(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Seed: 11, Apps: botWith("User.Read.All"), Now: now.Now})
	roles := "/v1.0/directoryRoles"
	if r := ask(h, "GET", roles, "", bot...); r.status != 403 {
		t.Fatalf("before: got %d, want 403", r.status)
	}
	grant := `{"principalId":"{principal}","resourceId":"{graph}","appRoleId":"483bed4a-2ad3-4361-a73b-c83ccdbdc53c"}`
	if r := ask(h, "POST", fillIn(t, h, principalPath+"/appRoleAssignments"), fillIn(t, h, grant), portal...); r.status != 201 {
		t.Fatalf("grant: %d %s", r.status, r.raw)
	}
	now.Add(time.Second)
	if r := ask(h, "GET", roles, "", bot...); r.status != 200 {
		t.Errorf("after: got %d, want 200", r.status)
	}
	if r := ask(h, "POST", fillIn(t, h, principalPath+"/appRoleAssignments"), fillIn(t, h, grant), portal...); r.status != 400 {
		t.Errorf("again: got %d, want 400", r.status)
	}
}

// The directory role of an app is one of the tenant's assignments.
func TestAppsHoldRoles(t *testing.T) {
	t.Parallel()
	apps := botWith("User.Read.All")
	apps[0].Roles = []string{graph.RolePrivilegedAuthAdmin}
	h := newTenant(t, simtenant.Config{Seed: 11, Apps: apps})
	id := appPart(t, h, "servicePrincipals")["id"]
	held := list(t, h, "/v1.0/roleManagement/directory/roleAssignments?$expand=principal&$filter="+
		url.QueryEscape("roleDefinitionId eq '"+graph.RolePrivilegedAuthAdmin+"'"), portal...)
	if len(held) != 1 || held[0]["principalId"] != id {
		t.Errorf("holders: %v, want %v", held, id)
	}
}

// What suffices here suffices at Microsoft: for each operation of the contract
// all the permissions that it lists are enough, and all others together are not.
func TestPermissionWallsAgreeWithTheContract(t *testing.T) {
	t.Parallel()
	listed, universe := contractPermissions(t)
	for _, c := range allContractCases() {
		if listed[c.op] == nil || c.want >= 400 {
			continue
		}
		t.Run(c.op, func(t *testing.T) {
			t.Parallel()
			others := slices.DeleteFunc(slices.Clone(universe), func(p graph.Permission) bool { return slices.Contains(listed[c.op], p) })
			enough := listed[c.op]
			if strings.Contains(c.path, "signInActivity") { // a property that takes more than its list
				enough = append(slices.Clone(enough), "AuditLog.Read.All")
			}
			method, _, _ := strings.Cut(c.op, " ")
			for _, tt := range []struct {
				permissions []graph.Permission
				refused     bool
			}{{enough, false}, {others, true}} {
				h := newTenant(t, simtenant.Config{Licence: graph.P2, Seed: 11, People: 30, Apps: botWith(tt.permissions...)})
				r := ask(h, method, fillIn(t, h, c.path), fillIn(t, h, c.body), append(withoutBearer(c.headers), bot...)...)
				if (r.status == 403) != tt.refused {
					t.Errorf("with %d permissions, refused=%v wanted: got %d %.200s", len(tt.permissions), tt.refused, r.status, r.raw)
				}
			}
		})
	}
}

// contractPermissions are the application permissions of each operation of
// v1.0, and all of them.
func contractPermissions(t *testing.T) (listed map[string][]graph.Permission, all []graph.Permission) {
	t.Helper()
	listed = map[string][]graph.Permission{}
	for _, file := range []string{"graph-v1.0.openapi.json", "graph-apps.openapi.json"} {
		for path, item := range loadContract(t, file).Paths.Map() {
			for method, op := range item.Operations() {
				x, _ := op.Extensions["x-permissions"].(object)
				app, _ := x["Application"].(object)
				for _, rank := range []string{"least", "higher"} {
					names, _ := app[rank].([]any)
					for _, n := range names {
						listed[method+" "+path] = append(listed[method+" "+path], graph.Permission(n.(string)))
					}
				}
				all = append(all, listed[method+" "+path]...)
			}
		}
	}
	// The table has one permission for the list of passkeys and four for each of them.
	passkeys := "GET /users/{user-id}/authentication/fido2Methods"
	listed[passkeys] = listed[passkeys+"/{fido2AuthenticationMethod-id}"]
	slices.Sort(all)
	return listed, slices.Compact(all)
}

func withoutBearer(headers []string) []string {
	if at := slices.Index(headers, "Authorization"); at >= 0 {
		return slices.Delete(slices.Clone(headers), at, at+2)
	}
	return slices.Clone(headers)
}

// An app that may read who is in a group, but no users, learns the ids alone.
func TestMembersAreHidden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		permissions []graph.Permission
		shown       bool
	}{{[]graph.Permission{"GroupMember.Read.All"}, false}, {[]graph.Permission{"GroupMember.Read.All", "User.Read.All"}, true}} {
		h := newTenant(t, simtenant.Config{Seed: 11, Apps: botWith(tt.permissions...)})
		for _, m := range list(t, h, fillIn(t, h, "/v1.0/groups/{group}/transitiveMembers"), bot...) {
			if m["id"] == nil || m["@odata.type"] != "#microsoft.graph.user" || (m["displayName"] != nil) != tt.shown {
				t.Errorf("with %v: %v", tt.permissions, m)
			}
		}
	}
}
