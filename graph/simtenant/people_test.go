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

// do sends a write and wants a status.
func do(t testing.TB, h http.Handler, method, path, body string, want int, headers ...string) reply {
	t.Helper()
	r := ask(h, method, path, body, headers...)
	if r.status != want {
		t.Fatalf("%s %s %s: got %d, want %d: %s", method, path, body, r.status, want, r.raw)
	}
	return r
}

// refused sends a write and wants a refusal that leaves no trace.
func refused(t testing.TB, h *simtenant.Tenant, method, path, body string, status int, code, says string, headers ...string) {
	t.Helper()
	before := len(h.Ledger())
	r := do(t, h, method, path, body, status, headers...)
	if got, message := refusal(t, r); got != code || !strings.Contains(message, says) {
		t.Errorf("%s %s %s: got %s %q, want %s with %q", method, path, body, got, message, code, says)
	}
	if len(h.Ledger()) != before {
		t.Errorf("%s %s: a refused write is in the ledger", method, path)
	}
}

func user(t testing.TB, h http.Handler, id string) object {
	t.Helper()
	return decode[object](t, do(t, h, "GET", "/v1.0/users/"+id+"?$select="+strings.ReplaceAll(everyUserProperty, ",signInActivity", "")+",mobilePhone", "", 200))
}

// synced finds a person whose account is kept on-premises.
func synced(t testing.TB, h http.Handler) string {
	t.Helper()
	found := list(t, h, "/v1.0/users?$select=id&$top=1&$filter="+url.QueryEscape("onPremisesSyncEnabled eq true and accountEnabled eq true"))
	if len(found) == 0 {
		t.Fatal("nobody is synchronised")
	}
	return found[0]["id"].(string)
}

func TestUserProperties(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11})
	do(t, h, "PATCH", samPath, `{"accountEnabled":false,"displayName":"Sam Stone","department":"Legal","jobTitle":null,"mail":"stone@harbourvale.example",
		"userPrincipalName":"sam.stone@harbourvale.example","mobilePhone":"+44 7700900111","businessPhones":["+44 1632960111"],
		"otherMails":["sam@home.example"],"givenName":"Samuel","@odata.type":"#microsoft.graph.user"}`, 204)
	if r := ask(h, "GET", samPath, ""); r.status != 404 {
		t.Errorf("by the old name: got %d, want 404", r.status)
	}
	got := user(t, h, "sam.stone@harbourvale.example")
	for property, want := range map[string]any{
		"accountEnabled": false, "displayName": "Sam Stone", "department": "Legal", "jobTitle": nil, "mail": "stone@harbourvale.example",
		"mobilePhone": "+44 7700900111", "givenName": "Samuel", "surname": "Rivera", "mailNickname": "sam.stone", "id": simtenant.Cast(11)[5].ObjectID,
	} {
		if got[property] != want {
			t.Errorf("%s: got %v, want %v", property, got[property], want)
		}
	}
	for property, want := range map[string]string{
		"businessPhones": "+44 1632960111", "otherMails": "sam@home.example", "proxyAddresses": "SMTP:stone@harbourvale.example",
	} {
		if got := got[property].([]any); len(got) == 0 || got[0] != want {
			t.Errorf("%s: got %v, want %s", property, got, want)
		}
	}
	for _, filter := range []string{
		"otherMails/any(m:m eq 'sam@home.example')", "userPrincipalName eq 'sam.stone@harbourvale.example'", "mail eq 'stone@harbourvale.example'",
		"proxyAddresses/any(p:p eq 'smtp:sam.stone@harbourvale.example')", "displayName eq 'sam stone'",
	} {
		if got := len(list(t, h, filtered(filter))); got != 1 {
			t.Errorf("%s: got %d users, want 1", filter, got)
		}
	}
	if got := len(list(t, h, filtered("mail eq 'sam@harbourvale.example' or userPrincipalName eq 'sam@harbourvale.example'"))); got != 0 {
		t.Errorf("by the old address: got %d users", got)
	}
	do(t, h, "PATCH", "/v1.0/users/sam.stone@harbourvale.example", `{}`, 204)
	if got := len(h.Ledger()); got != 1 {
		t.Errorf("ledger: got %d effects, want 1: nothing was asked for the second time", got)
	}
}

func TestUserWritesAreRefused(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11})
	onPremises := "/v1.0/users/" + synced(t, h)
	const code = "Request_BadRequest"
	for _, tt := range []struct{ name, method, path, body, says string }{
		{"read-only", "PATCH", samPath, `{"displayName":"x","createdDateTime":"2020-01-01T00:00:00Z"}`, "createdDateTime"},
		{"unknown", "PATCH", samPath, `{"colour":"red"}`, "colour"},
		{"type", "PATCH", samPath, `{"accountEnabled":"false"}`, "accountEnabled"},
		{"null", "PATCH", samPath, `{"accountEnabled":null}`, "accountEnabled"},
		{"no name", "PATCH", samPath, `{"displayName":" "}`, "displayName"},
		{"no address", "PATCH", samPath, `{"mail":"sam"}`, "mail"},
		{"foreign domain", "PATCH", samPath, `{"userPrincipalName":"sam@elsewhere.example"}`, "verified domain"},
		{"no UPN", "PATCH", samPath, `{"userPrincipalName":"sam"}`, "invalid"},
		{"somebody's UPN", "PATCH", samPath, `{"userPrincipalName":"Olga@harbourvale.example"}`, "already exists"},
		{"somebody's address", "PATCH", samPath, `{"mail":"olga@harbourvale.example"}`, "already exists"},
		{"kept on-premises", "PATCH", onPremises, `{"displayName":"x"}`, "on-premises mastered"},
		{"hire without a password", "POST", "/v1.0/users", strings.Replace(hireJSON("new"), `"password":"Quite-Long-1",`, "", 1), "password"},
		{"hire with a short password", "POST", "/v1.0/users", strings.Replace(hireJSON("new"), "Quite-Long-1", "short", 1), "complexity"},
		{"hire without a name", "POST", "/v1.0/users", strings.Replace(hireJSON("new"), `"displayName":"New Person",`, "", 1), "displayName"},
		{"hire under somebody's name", "POST", "/v1.0/users", hireJSON("sam"), "already exists"},
		{"hire with more", "POST", "/v1.0/users", strings.Replace(hireJSON("new"), `{"accountEnabled"`, `{"colour":1,"accountEnabled"`, 1), "colour"},
	} {
		t.Run(tt.name, func(t *testing.T) { refused(t, h, tt.method, tt.path, tt.body, 400, code, tt.says) })
	}
	refused(t, h, "PATCH", "/v1.0/users/nobody", `{"accountEnabled":false}`, 404, "Request_ResourceNotFound", "nobody")
	refused(t, h, "DELETE", "/v1.0/users/nobody", "", 404, "Request_ResourceNotFound", "nobody")
	do(t, h, "PATCH", onPremises, `{"accountEnabled":false}`, 204) // until the next synchronisation
	do(t, h, "PATCH", samPath, `{"userPrincipalName":"Sam@harbourvale.example","mail":"sam@harbourvale.example"}`, 204)
	do(t, h, "PATCH", "/v1.0/users/bea@harbourvale.example", `{"mail":"bee@harbourvale.example"}`, 204)
	refused(t, h, "PATCH", samPath, `{"mail":"Bee@harbourvale.example"}`, 400, code, "already exists")
}

func TestHiredUsers(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Seed: 11, Licence: graph.P1, Now: now.Now})
	before := len(list(t, h, "/v1.0/users"))
	now.Add(time.Hour)
	r := do(t, h, "POST", "/v1.0/users", hireJSON("new.person"), 201)
	id := decode[object](t, r)["id"].(string)
	if where := r.header.Get("Location"); where != "http://tenant.test/v1.0/users/"+id {
		t.Errorf("location: %s", where)
	}
	got := user(t, h, id)
	for property, want := range map[string]any{
		"displayName": "New Person", "userPrincipalName": "new.person@harbourvale.example", "mail": nil, "department": "Sales",
		"accountEnabled": true, "userType": "Member", "createdDateTime": "2026-11-23T10:00:00Z",
	} {
		if got[property] != want {
			t.Errorf("%s: got %v, want %v", property, got[property], want)
		}
	}
	if got := list(t, h, "/v1.0/users/"+id+"/authentication/methods"); len(got) != 1 || got[0]["id"] != "28c10230-6103-485e-b985-444c60001490" {
		t.Errorf("methods: %v", got)
	}
	if got := len(list(t, h, "/v1.0/users?$top=7")); got != before+1 {
		t.Errorf("users: got %d, want %d", got, before+1)
	}
	if r := ask(h, "GET", "/v1.0/users/"+id+"/manager", ""); r.status != 404 {
		t.Errorf("manager: got %d, want 404", r.status)
	}
	report := "/v1.0/reports/authenticationMethods/userRegistrationDetails/" + id
	if r := ask(h, "GET", report, ""); r.status != 404 {
		t.Errorf("registration report at once: got %d, want 404", r.status)
	}
	now.Add(6 * time.Hour)
	do(t, h, "GET", report, "", 200)
	do(t, h, "DELETE", "/v1.0/users/"+id, "", 204)
	do(t, h, "GET", report, "", 404)
	do(t, h, "POST", "/v1.0/users", hireJSON("new.person"), 201) // the name is free again
}

func TestDeletedUsersAreGoneEverywhere(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11, Licence: graph.P1, Apps: mightyApp()})
	ada := simtenant.Cast(11)[1].ObjectID
	const abesManager = "/v1.0/users/abe@harbourvale.example/manager"
	do(t, h, "GET", abesManager, "", 200, portal...)
	do(t, h, "DELETE", "/v1.0/users/olga@harbourvale.example", "", 204, mighty...)
	do(t, h, "GET", abesManager, "", 404, portal...)
	do(t, h, "DELETE", "/v1.0/users/"+ada, "", 204, mighty...)
	for _, path := range []string{"", "/authentication/methods", "/authentication/phoneMethods", "/manager", "/transitiveMemberOf"} {
		do(t, h, "GET", "/v1.0/users/"+ada+path, "", 404, portal...)
	}
	for path, member := range map[string]string{
		"/v1.0/users?$select=id": "id", "/v1.0/roleManagement/directory/roleAssignments": "principalId",
		"/v1.0/reports/authenticationMethods/userRegistrationDetails": "id",
	} {
		for _, row := range list(t, h, path, portal...) {
			if row[member] == ada {
				t.Errorf("%s still has a deleted user: %v", path, row)
			}
		}
	}
	for _, role := range list(t, h, "/v1.0/directoryRoles?$expand=members", portal...) {
		if role["roleTemplateId"] == graph.RoleConditionalAccessAdmin {
			t.Errorf("a role that nobody holds any more is active: %v", role)
		}
	}
	do(t, h, "PATCH", "/v1.0/users/"+ada, `{"displayName":"x"}`, 404, mighty...)
	do(t, h, "DELETE", "/v1.0/users/"+ada, "", 404, mighty...)
}

// mightyApp may change everybody; its bearer is mighty.
func mightyApp() []simtenant.App {
	apps := botWith("User.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
	apps[0].Roles = []string{graph.RolePrivilegedAuthAdmin}
	return apps
}

var mighty = bot

func TestRenamedAdministratorsAreCalledSo(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11})
	do(t, h, "PATCH", "/v1.0/users/olga@harbourvale.example", `{"displayName":"Olga New"}`, 204)
	for _, a := range list(t, h, "/v1.0/roleManagement/directory/roleAssignments?$expand=principal") {
		if p := a["principal"].(object); p["id"] == simtenant.Cast(11)[0].ObjectID && p["displayName"] != "Olga New" {
			t.Errorf("principal: %v", p)
		}
	}
}

// What protects an administrator from a permission alone is a directory role of
// the app, and which one depends on whom it is about.
func TestAdministratorsAreProtected(t *testing.T) {
	t.Parallel()
	const nobody, userAdmin, authAdmin = "", graph.RoleUserAdministrator, graph.RolePrivilegedAuthAdmin
	plain := newTenant(t, simtenant.Config{People: 400, Seed: 11})
	holder := func(template string) string {
		found := list(t, plain, "/v1.0/roleManagement/directory/roleAssignments?$expand=principal&$filter="+url.QueryEscape("roleDefinitionId eq '"+template+"'"))
		for _, a := range found {
			if p := a["principal"].(object); p["@odata.type"] == "#microsoft.graph.user" {
				return p["id"].(string)
			}
		}
		t.Fatalf("nobody holds %s", template)
		return ""
	}
	member := list(t, plain, "/v1.0/groups/"+fillIn(t, plain, "{group}")+"/members")[0]["id"].(string)
	who := map[string]string{
		"Global Administrator": holder(graph.RoleGlobalAdministrator), "User Administrator": holder(graph.RoleUserAdministrator),
		"Reports Reader": holder(graph.RoleReportsReader), "member of a role group": member, "nobody in particular": simtenant.Cast(11)[5].ObjectID,
	}
	for _, tt := range []struct {
		app, target string
		want        int
	}{
		{nobody, "Global Administrator", 403},
		{nobody, "User Administrator", 403},
		{nobody, "member of a role group", 403},
		{nobody, "Reports Reader", 204},
		{nobody, "nobody in particular", 204},
		{userAdmin, "Global Administrator", 403},
		{userAdmin, "User Administrator", 204},
		{userAdmin, "member of a role group", 403},
		{userAdmin, "nobody in particular", 204},
		{authAdmin, "Global Administrator", 204},
		{authAdmin, "member of a role group", 204},
	} {
		apps := botWith("User.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All", "User.RevokeSessions.All")
		if tt.app != nobody {
			apps[0].Roles = []string{tt.app}
		}
		h := newTenant(t, simtenant.Config{People: 400, Seed: 11, Apps: apps})
		path := "/v1.0/users/" + who[tt.target]
		bodies := []string{
			`{"accountEnabled":false}`, `{"otherMails":["a@b.example"]}`, // the others are kept on-premises
			`{"mobilePhone":"+44 7700900111"}`, `{"accountEnabled":true,"jobTitle":"x"}`,
		}
		if user(t, plain, who[tt.target])["onPremisesSyncEnabled"] == true {
			bodies = bodies[:2]
		}
		for _, body := range bodies {
			if tt.want == 403 {
				refused(t, h, "PATCH", path, body, 403, "Authorization_RequestDenied", "Insufficient privileges", bot...)
			} else {
				do(t, h, "PATCH", path, body, tt.want, bot...)
			}
		}
		// What is not sensitive is free, and so are methods and sessions.
		do(t, h, "POST", path+"/revokeSignInSessions", "", 200, bot...)
		do(t, h, "POST", path+"/authentication/temporaryAccessPassMethods", `{}`, 201, bot...)
		do(t, h, "DELETE", path, "", tt.want, bot...)
	}
}

func TestSessionsAreRevoked(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	before := user(t, h, "olga@harbourvale.example")["signInSessionsValidFromDateTime"]
	now.Add(90*time.Minute + 300*time.Millisecond)
	r := do(t, h, "POST", "/v1.0/users/olga@harbourvale.example/revokeSignInSessions", "", 200)
	if decode[object](t, r)["value"] != true {
		t.Errorf("answer: %s", r.raw)
	}
	after := user(t, h, "olga@harbourvale.example")["signInSessionsValidFromDateTime"]
	if before == after || after != "2026-11-23T10:30:00Z" {
		t.Errorf("sessions are valid from %v, before from %v", after, before)
	}
	do(t, h, "POST", "/v1.0/users/nobody/revokeSignInSessions", "", 404)
}

func TestMailIsTaken(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Seed: 11})
	path := "/v1.0/users/info@harbourvale.example/sendMail"
	r := do(t, h, "POST", path, mailJSON("sam@harbourvale.example"), 202)
	if len(r.raw) != 0 {
		t.Errorf("an answer has no body: %s", r.raw)
	}
	if ledger := h.Ledger(); len(ledger) != 1 || !strings.Contains(string(ledger[0].Body), `"x-twokey-ref"`) {
		t.Errorf("ledger: %v", ledger)
	}
	guest := list(t, h, "/v1.0/users?$select=id&$top=1&$filter="+url.QueryEscape("userType eq 'Guest'"))[0]["id"].(string)
	many := strings.Repeat(`{"emailAddress":{"address":"a@b.example"}},`, 500) + `{"emailAddress":{"address":"a@b.example"}}`
	for _, tt := range []struct {
		name, path, body string
		status           int
		code             string
	}{
		{"no mailbox", "/v1.0/users/emergency-1@harbourvale.onmicrosoft.example/sendMail", mailJSON("a@b.example"), 404, "MailboxNotEnabledForRESTAPI"},
		{"a guest's mailbox", "/v1.0/users/" + guest + "/sendMail", mailJSON("a@b.example"), 404, "MailboxNotEnabledForRESTAPI"},
		{"nobody", "/v1.0/users/nobody/sendMail", mailJSON("a@b.example"), 404, "ResourceNotFound"},
		{"no message", path, `{"saveToSentItems":true}`, 400, "RequestBodyRead"},
		{"wrong type", path, strings.Replace(mailJSON("a@b.example"), "false", `"no"`, 1), 400, "RequestBodyRead"},
		{"no recipient", path, `{"message":{"subject":"x"}}`, 400, "ErrorInvalidRecipients"},
		{"no address", path, mailJSON("somebody"), 400, "ErrorInvalidRecipients"},
		{"too many", path, `{"message":{"toRecipients":[` + many + `]}}`, 400, "ErrorInvalidRecipients"},
		{"a header that is not ours", path, strings.Replace(mailJSON("a@b.example"), "x-twokey-ref", "References", 1), 400, "InvalidInternetMessageHeader"},
	} {
		t.Run(tt.name, func(t *testing.T) { refused(t, h, "POST", tt.path, tt.body, tt.status, tt.code, "") })
	}
}

func TestEachPropertyHasALineInTheLog(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	do(t, h, "PATCH", samPath, `{"displayName":"Sam","department":"Legal","jobTitle":"Driver","accountEnabled":true}`, 204)
	ids := map[any]bool{}
	for _, a := range list(t, h, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("activityDisplayName eq 'Update user'")) {
		ids[a["id"]] = true
	}
	if len(ids) != 3 {
		t.Errorf("got %d lines, want one for each property that became different: %v", len(ids), ids)
	}
}

// Whoever looks into the audit log finds what was done to people, by whom, and
// under the names that Microsoft gives it.
func TestPeopleInTheAuditLog(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Seed: 11, Now: now.Now})
	sam := simtenant.Cast(11)[5].ObjectID
	for i, tt := range []struct {
		method, path, body                                       string
		activity, service, kind, property, oldValue, new, reason string
	}{
		{"PATCH", samPath, `{"accountEnabled":false}`, "Disable account", "Core Directory", "Update", "AccountEnabled", "[true]", "[false]", ""},
		{"PATCH", samPath, `{"accountEnabled":true}`, "Enable account", "Core Directory", "Update", "AccountEnabled", "[false]", "[true]", ""},
		{"PATCH", samPath, `{"displayName":"Sam"}`, "Update user", "Core Directory", "Update", "DisplayName", `["Sam Rivera"]`, `["Sam"]`, ""},
		{"POST", samPath + "/revokeSignInSessions", "", "Update StsRefreshTokenValidFrom Timestamp", "Core Directory", "Update", "StsRefreshTokensValidFrom", "", "", ""},
		{"POST", samMethods + "phoneMethods", phoneJSON("mobile"), "Admin registered security info", "Authentication Methods", "Add", "", "", "", "Admin registered phone method for user"},
		{"POST", passesPath, `{}`, "Admin registered security info", "Authentication Methods", "Add", "", "", "", "Admin registered temporary access pass method for user"},
		{"PATCH", samPreferences, `{"userPreferredMethodForSecondaryAuthentication":"voiceMobile"}`, "Admin updated security info", "Authentication Methods", "Update", "userPreferredMethodForSecondaryAuthentication", `"sms"`, `"voiceMobile"`, ""},
		{"DELETE", samMethods + "phoneMethods/3179e48a-750b-4051-897c-87b9720928f7", "", "Admin deleted security info", "Authentication Methods", "Delete", "", "", "", "Admin deleted phone method for user"},
		{"PATCH", requirementsPath, `{"perUserMfaState":"enforced"}`, "Enable Strong Authentication", "Core Directory", "Update", "StrongAuthenticationRequirement", `["disabled"]`, `["enforced"]`, ""},
		{"PATCH", requirementsPath, `{"perUserMfaState":"disabled"}`, "Disable Strong Authentication", "Core Directory", "Update", "StrongAuthenticationRequirement", `["enforced"]`, `["disabled"]`, ""},
		{"DELETE", samPath, "", "Delete user", "Core Directory", "Delete", "", "", "", ""},
	} {
		now.Add(time.Second)
		if r := ask(h, tt.method, tt.path, tt.body, "Authorization", "Bearer twokey", "client-request-id", "call-"+tt.activity); r.status >= 300 {
			t.Fatalf("%s %s: %d %s", tt.method, tt.path, r.status, r.raw)
		}
		all := list(t, h, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("targetResources/any(t:t/id eq '"+sam+"') and activityDateTime ge 2026-11-23T09:00:01Z"))
		if len(all) != i+1 {
			t.Fatalf("%s: the log has %d lines about sam, want %d", tt.activity, len(all), i+1)
		}
		a := all[0]
		target := a["targetResources"].([]any)[0].(object)
		by := a["initiatedBy"].(object)["app"].(object)
		for what, got := range map[string][2]any{
			"activity": {a["activityDisplayName"], tt.activity}, "service": {a["loggedByService"], tt.service}, "kind": {a["operationType"], tt.kind},
			"category": {a["category"], "UserManagement"}, "type": {target["type"], "User"}, "app": {by["appId"], "twokey"},
			"correlation": {a["correlationId"], "call-" + tt.activity},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %s is %v, want %v", tt.activity, what, got[0], got[1])
			}
		}
		if tt.reason != "" && a["resultReason"] != tt.reason {
			t.Errorf("%s: reason %v, want %q", tt.activity, a["resultReason"], tt.reason)
		}
		changed := target["modifiedProperties"].([]any)
		if (len(changed) == 1) != (tt.property != "") {
			t.Fatalf("%s: modified properties %v", tt.activity, changed)
		}
		if tt.property == "" {
			continue
		}
		p := changed[0].(object)
		if p["displayName"] != tt.property || tt.oldValue != "" && (p["oldValue"] != tt.oldValue || p["newValue"] != tt.new) {
			t.Errorf("%s: %v", tt.activity, p)
		}
	}
	do(t, h, "POST", "/v1.0/users", hireJSON("new"), 201)
	if got := list(t, h, "/v1.0/auditLogs/directoryAudits?$filter="+url.QueryEscape("activityDisplayName eq 'Add user'")); len(got) != 1 {
		t.Errorf("hired: %v", got)
	}
}

// Reads that lag show people as they were, and what a write is judged by does not.
func TestReadsOfPeopleLag(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Seed: 11, Now: now.Now})
	_, delta := changes(t, h, "/v1.0/users/delta?$deltatoken=latest&$select=accountEnabled")
	now.Add(time.Hour)
	plan(t, h, `[{"method":"GET","path":"/users*","stale_s":60}]`)
	do(t, h, "PATCH", samPath, `{"accountEnabled":false}`, 204)
	do(t, h, "POST", passesPath, `{}`, 201)
	do(t, h, "POST", samMethods+"phoneMethods", phoneJSON("mobile"), 201)
	id := decode[object](t, do(t, h, "POST", "/v1.0/users", hireJSON("new"), 201))["id"].(string)
	look := func() []bool {
		rows, _ := changes(t, h, delta)
		return []bool{
			user(t, h, "sam@harbourvale.example")["accountEnabled"] == false,
			len(list(t, h, passesPath)) == 1, len(list(t, h, samMethods+"methods")) == 3,
			ask(h, "GET", "/v1.0/users/"+id, "").status == 200,
			len(list(t, h, filtered("userPrincipalName eq 'new@harbourvale.example'"))) == 1, len(rows) == 2,
		}
	}
	now.Add(59 * time.Second)
	if got := look(); slices.Contains(got, true) {
		t.Errorf("visible after 59 s: %v", got)
	}
	refused(t, h, "POST", samMethods+"phoneMethods", phoneJSON("mobile"), 400, "badRequest", "already")
	now.Add(time.Second)
	if got := look(); slices.Contains(got, false) {
		t.Errorf("visible after a minute: %v", got)
	}
}
