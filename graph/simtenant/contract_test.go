package simtenant_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// contractCase is one request whose answer has to fit the description of its
// operation.
type contractCase struct {
	op      string // "GET /users", as the contract names it
	path    string // with version; {ca} and {role} stand for ids of the tenant
	body    string
	headers []string
	want    int
	cfg     simtenant.Config // on top of the test's own
}

var contractCases = append(methodContractCases(), []contractCase{
	{op: "GET /organization", path: "/v1.0/organization", want: 200},
	{op: "GET /subscribedSkus", path: "/v1.0/subscribedSkus", want: 200},
	{op: "GET /policies/identitySecurityDefaultsEnforcementPolicy", path: defaultsPath, want: 200},
	{op: "PATCH /policies/identitySecurityDefaultsEnforcementPolicy", path: defaultsPath, body: `{"isEnabled":true}`, want: 204},
	{op: "PATCH /policies/identitySecurityDefaultsEnforcementPolicy", path: defaultsPath, body: `{"isEnabled":"yes"}`, want: 400},
	{op: "GET /identity/conditionalAccess/policies", path: policiesPath, want: 200},
	{op: "POST /identity/conditionalAccess/policies", path: policiesPath, body: policyJSON(graph.PolicyReportOnly), want: 201},
	{op: "POST /identity/conditionalAccess/policies", path: policiesPath, body: `{}`, want: 400},
	{op: "GET /identity/conditionalAccess/policies/{conditionalAccessPolicy-id}", path: policiesPath + "/{ca}", want: 200},
	{op: "PATCH /identity/conditionalAccess/policies/{conditionalAccessPolicy-id}", path: policiesPath + "/{ca}", body: `{"state":"disabled"}`, want: 204},
	{op: "DELETE /identity/conditionalAccess/policies/{conditionalAccessPolicy-id}", path: policiesPath + "/{ca}", want: 204},
	{op: "GET /users", path: "/v1.0/users?$top=999", want: 200},
	{op: "GET /users", path: "/v1.0/users?$top=999&$select=" + everyUserProperty, want: 200},
	{op: "GET /users/$count", path: "/v1.0/users/$count", headers: []string{"ConsistencyLevel", "eventual"}, want: 200},
	{op: "GET /users/{user-id}", path: "/v1.0/users/olga@harbourvale.example", want: 200},
	{op: "GET /users/{user-id}", path: "/v1.0/users/nobody@harbourvale.example", want: 404},
	{op: "GET /users/{user-id}/authentication/methods", path: "/v1.0/users/olga@harbourvale.example/authentication/methods", want: 200},
	{op: "GET /groups", path: "/v1.0/groups?$filter=isAssignableToRole%20eq%20true&$count=true", headers: []string{"ConsistencyLevel", "eventual"}, want: 200},
	{op: "GET /groups/{group-id}/owners", path: "/v1.0/groups/{group}/owners", want: 200},
	{op: "GET /groups/{group-id}", path: "/v1.0/groups/{group}", want: 200},
	{op: "GET /groups/{group-id}/members", path: "/v1.0/groups/{group}/members", want: 200},
	{op: "GET /groups/{group-id}/transitiveMembers", path: "/v1.0/groups/{group}/transitiveMembers", want: 200},
	{
		op: "GET /groups/{group-id}/transitiveMembers/microsoft.graph.user", path: "/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user?$count=true",
		headers: []string{"ConsistencyLevel", "eventual"}, want: 200,
	},
	{op: "GET /directoryRoles", path: "/v1.0/directoryRoles?$expand=members", want: 200},
	{op: "GET /directoryRoles/{directoryRole-id}/members", path: "/v1.0/directoryRoles/{role}/members", want: 200},
	{op: "GET /roleManagement/directory/roleAssignments", path: "/v1.0/roleManagement/directory/roleAssignments?$expand=principal", want: 200},
	{op: "GET /roleManagement/directory/roleAssignments", path: "/v1.0/roleManagement/directory/roleAssignments?$expand=roleDefinition", want: 200},
	{op: "GET /roleManagement/directory/roleDefinitions", path: "/v1.0/roleManagement/directory/roleDefinitions", want: 200},
	{op: "GET /reports/authenticationMethods/userRegistrationDetails", path: "/v1.0/reports/authenticationMethods/userRegistrationDetails", want: 200},
	{op: "GET /reports/authenticationMethods/userRegistrationDetails/$count", path: "/v1.0/reports/authenticationMethods/userRegistrationDetails/$count", want: 200},
	{op: "GET /reports/authenticationMethods/userRegistrationDetails/{userRegistrationDetails-id}", path: "/v1.0/reports/authenticationMethods/userRegistrationDetails/{olga}", want: 200},
	{op: "GET /auditLogs/signIns", path: "/v1.0/auditLogs/signIns", want: 200},
	{op: "GET /auditLogs/directoryAudits", path: "/v1.0/auditLogs/directoryAudits", want: 200},
	{op: "POST /$batch", path: "/v1.0/$batch", body: `{"requests":[{"id":"1","method":"GET","url":"/organization"},{"id":"2","method":"GET","url":"/nope"}]}`, want: 200},
	{op: "GET /policies/authenticationMethodsPolicy", path: methodsPolicyPath, want: 200},
	{op: "PATCH /policies/authenticationMethodsPolicy", path: methodsPolicyPath, body: campaignJSON, want: 204},
	{op: "PATCH /policies/authenticationMethodsPolicy", path: methodsPolicyPath, body: `{"colour":"red"}`, want: 400},
	{op: "GET /policies/authenticationMethodsPolicy/authenticationMethodConfigurations", path: configsPath, want: 200},
	{op: "GET " + configOp, path: configsPath + "/temporaryAccessPass", want: 200},
	{op: "GET " + configOp, path: configsPath + "/fido2", want: 200},
	{op: "GET " + configOp, path: configsPath + "/none", want: 404},
	{op: "PATCH " + configOp, path: configsPath + "/temporaryAccessPass", body: passConfigJSON(`"defaultLength":12`), want: 204},
	{op: "PATCH " + configOp, path: configsPath + "/temporaryAccessPass", body: passConfigJSON(`"defaultLength":2`), want: 400},
	{op: "beta GET /policies/authenticationMethodsPolicy", path: "/beta/policies/authenticationMethodsPolicy", want: 200},
	{op: "beta PATCH /policies/authenticationMethodsPolicy", path: "/beta/policies/authenticationMethodsPolicy", body: campaignJSON, want: 200},
	{op: "GET /admin/reportSettings", path: settingsPath, want: 200},
	{op: "PATCH /admin/reportSettings", path: settingsPath, body: `{"displayConcealedNames":true}`, want: 204},
	{op: "GET /reports/getEmailAppUsageUserDetail(period='{period}')", path: userDetail + "(period='D7')", want: 302},
	{op: "GET /reports/getEmailAppUsageUserDetail(period='{period}')", path: userDetail + "(period='D1')", want: 400},
	{op: "GET /reports/getEmailAppUsageUserDetail(date={date})", path: userDetail + "(date=2026-11-18)", want: 302},
	{op: "GET /reports/getEmailAppUsageAppsUserCounts(period='{period}')", path: appCounts + "(period='D180')", want: 302},
	{op: "GET /reports/getEmailAppUsageVersionsUserCounts(period='{period}')", path: versionCount + "(period='D90')", want: 302},
	{op: "beta GET /auditLogs/signIns", path: "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t:t%20eq%20'nonInteractiveUser')", want: 200},
	{op: "beta GET /users/{user-id}/authentication/requirements", path: "/beta/users/olga@harbourvale.example/authentication/requirements", want: 200},
	{op: "beta GET /users/{user-id}/authentication/signInPreferences", path: "/beta/users/olga@harbourvale.example/authentication/signInPreferences", want: 200},
	{op: "GET /users/delta", path: "/v1.0/users/delta?$select=displayName,accountEnabled", want: 200},
	{op: "GET /users/delta", path: "/v1.0/users/delta?$top=999", want: 200},
	{op: "GET /users/delta", path: "/v1.0/users/delta?$deltatoken=latest", want: 200},
	{op: "GET /users/delta", path: "/v1.0/users/delta?$deltatoken=x", want: 400},
	{op: "GET /users/{user-id}/manager", path: "/v1.0/users/ada@harbourvale.example/manager", want: 200},
	{op: "GET /users/{user-id}/manager", path: "/v1.0/users/olga@harbourvale.example/manager", want: 404},
	{op: "GET /users", path: "/v1.0/users?$select=id&$expand=manager($select=id)", want: 200},
	{op: "PUT /users/{user-id}/manager/$ref", path: samPath + "/manager/$ref", body: `{"@odata.id":"https://graph.microsoft.com/v1.0/users/{olga}"}`, want: 204},
	{op: "PUT /users/{user-id}/manager/$ref", path: samPath + "/manager/$ref", body: `{}`, want: 400},
	{op: "DELETE /users/{user-id}/manager/$ref", path: samPath + "/manager/$ref", want: 204},
	{op: "GET /users/{user-id}/transitiveMemberOf", path: "/v1.0/users/olga@harbourvale.example/transitiveMemberOf", want: 200},
	{op: "POST /users/{user-id}/checkMemberGroups", path: "/v1.0/users/{olga}/checkMemberGroups", body: `{"groupIds":["{group}"]}`, want: 200},
	{op: "POST /users/{user-id}/checkMemberGroups", path: "/v1.0/users/{olga}/checkMemberGroups", body: `{"groupIds":"{group}"}`, want: 400},
	{op: "GET /users/{user-id}/authentication/methods/{authenticationMethod-id}", path: "/v1.0/users/{olga}/authentication/methods/28c10230-6103-485e-b985-444c60001490", want: 200},
	{op: "POST /users", path: "/v1.0/users", body: hireJSON("new.person"), want: 201},
	{op: "POST /users", path: "/v1.0/users", body: hireJSON("olga"), want: 400},
	{op: "PATCH /users/{user-id}", path: samPath, body: `{"accountEnabled":false,"displayName":"Sam R.","mobilePhone":null,"businessPhones":["+44 1632960000"]}`, want: 204},
	{op: "PATCH /users/{user-id}", path: samPath, body: `{"accountEnabled":"no"}`, want: 400},
	{op: "DELETE /users/{user-id}", path: samPath, want: 204},
	{op: "POST /users/{user-id}/revokeSignInSessions", path: samPath + "/revokeSignInSessions", want: 200},
	{op: "beta POST /users/{user-id}/invalidateAllRefreshTokens", path: "/beta/users/sam@harbourvale.example/invalidateAllRefreshTokens", want: 200},
	{op: "POST /users/{user-id}/sendMail", path: samPath + "/sendMail", body: mailJSON("olga@harbourvale.example"), want: 202},
	{op: "POST /users/{user-id}/sendMail", path: samPath + "/sendMail", body: mailJSON("nobody"), want: 400},
	{op: "POST /users/{user-id}/authentication/phoneMethods", path: samPath + "/authentication/phoneMethods", body: phoneJSON("mobile"), want: 201},
	{op: "POST /users/{user-id}/authentication/phoneMethods", path: samPath + "/authentication/phoneMethods", body: phoneJSON("alternateMobile"), want: 400},
	{op: "POST /users/{user-id}/authentication/temporaryAccessPassMethods", path: passesPath, body: `{"isUsableOnce":true,"lifetimeInMinutes":60}`, want: 201},
	{op: "POST /users/{user-id}/authentication/temporaryAccessPassMethods", path: passesPath, body: `{"lifetimeInMinutes":5000}`, want: 400},
	{op: "beta PATCH /users/{user-id}/authentication/requirements", path: requirementsPath, body: `{"perUserMfaState":"enforced"}`, want: 204},
	{op: "beta PATCH /users/{user-id}/authentication/requirements", path: requirementsPath, body: `{"perUserMfaState":"on"}`, want: 400},
	{
		op: "beta PATCH /users/{user-id}/authentication/signInPreferences", path: "/beta/users/olga@harbourvale.example/authentication/signInPreferences",
		body: `{"isSystemPreferredAuthenticationMethodEnabled":false,"userPreferredMethodForSecondaryAuthentication":"push"}`, want: 204,
	},
	{op: "beta PATCH /users/{user-id}/authentication/signInPreferences", path: samPreferences, body: `{"userPreferredMethodForSecondaryAuthentication":"push"}`, want: 400},
}...)

// methodKinds are the segments of the path with the kinds of method behind
// them, and where they are.
var methodKinds = []struct{ version, segment, kind string }{
	{"", "passwordMethods", "password"},
	{"", "phoneMethods", "phone"},
	{"", "emailMethods", "email"},
	{"", "microsoftAuthenticatorMethods", "microsoftAuthenticator"},
	{"", "fido2Methods", "fido2"},
	{"", "softwareOathMethods", "softwareOath"},
	{"", "temporaryAccessPassMethods", "temporaryAccessPass"},
	{"", "windowsHelloForBusinessMethods", "windowsHelloForBusiness"},
	{"", "platformCredentialMethods", "platformCredential"},
	{"", "externalAuthenticationMethods", "external"},
	{"beta ", "hardwareOathMethods", "hardwareOath"},
}

// methodContractCases are the same for every kind of method.
func methodContractCases() []contractCase {
	var list []contractCase
	for _, k := range methodKinds {
		path, found := "/v1.0/users/{holder-"+k.kind+"}/authentication/"+k.segment, 200
		held := path + "/{held-" + k.kind + "}"
		if k.version != "" { // nobody holds one
			path, found = "/beta/users/{olga}/authentication/"+k.segment, 404
			held = path + "/none"
		}
		all := "/users/{user-id}/authentication/" + k.segment
		list = append(list,
			contractCase{op: k.version + "GET " + all, path: path, want: 200},
			contractCase{op: k.version + "GET " + all + "/{" + k.kind + "AuthenticationMethod-id}", path: held, want: found},
		)
		switch {
		case k.kind == "password": // stays
		case found == 404:
			list = append(list, contractCase{op: k.version + "DELETE " + all + "/{" + k.kind + "AuthenticationMethod-id}", path: held, want: 404})
		default:
			list = append(list, contractCase{op: "DELETE " + all + "/{" + k.kind + "AuthenticationMethod-id}", path: held, want: 204})
		}
	}
	return list
}

// What is sent to the person of whom the tests make use: sam has a password and
// nothing else, and no role.
const (
	samPath          = "/v1.0/users/sam@harbourvale.example"
	samMethods       = samPath + "/authentication/"
	passesPath       = samMethods + "temporaryAccessPassMethods"
	requirementsPath = "/beta/users/sam@harbourvale.example/authentication/requirements"
	samPreferences   = "/beta/users/sam@harbourvale.example/authentication/signInPreferences"
)

func hireJSON(nickname string) string {
	return `{"accountEnabled":true,"displayName":"New Person","mailNickname":"` + nickname + `","userPrincipalName":"` + nickname + `@harbourvale.example",` +
		`"department":"Sales","passwordProfile":{"password":"Quite-Long-1","forceChangePasswordNextSignIn":true}}`
}

func phoneJSON(kind string) string {
	return `{"phoneNumber":"+44 7700900123","phoneType":"` + kind + `"}`
}

func mailJSON(to string) string {
	return `{"message":{"subject":"MFA","body":{"contentType":"html","content":"<p>Please register.</p>"},"toRecipients":[{"emailAddress":{"address":"` +
		to + `"}}],"internetMessageHeaders":[{"name":"x-twokey-ref","value":"1"}]},"saveToSentItems":false}`
}

const everyUserProperty = "id,accountEnabled,assignedLicenses,businessPhones,companyName,createdDateTime,creationType,department,displayName," +
	"externalUserState,givenName,identities,jobTitle,mail,mailNickname,officeLocation,onPremisesLastSyncDateTime,onPremisesSyncEnabled," +
	"otherMails,preferredLanguage,proxyAddresses,signInActivity,signInSessionsValidFromDateTime,surname,usageLocation,userPrincipalName,userType"

// loadContract reads a contract file of testdata.
func loadContract(t *testing.T, name string) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true // the hand-written file refers to the other
	doc, err := loader.LoadFromFile("testdata/" + name)
	if err != nil {
		t.Fatalf("load %s: %v", name, err)
	}
	return doc
}

// contract is all that is known of how Graph's operations look.
type contract struct{ v1, beta, apps, byHand *openapi3.T }

func loadContracts(t *testing.T) contract {
	t.Helper()
	return contract{
		loadContract(t, "graph-v1.0.openapi.json"), loadContract(t, "graph-beta-extras.openapi.json"),
		loadContract(t, "graph-apps.openapi.json"), loadContract(t, "hand-written.openapi.json"),
	}
}

// operation finds "GET /users" or "beta GET /users".
func (c contract) operation(t *testing.T, op string) *openapi3.Operation {
	t.Helper()
	generated := c.v1
	plain, isBeta := strings.CutPrefix(op, "beta ")
	if isBeta {
		generated = c.beta
	}
	method, template, _ := strings.Cut(plain, " ")
	for _, doc := range []*openapi3.T{generated, c.apps, c.byHand} {
		if item := doc.Paths.Value(template); item != nil && item.GetOperation(method) != nil {
			return item.GetOperation(method)
		}
	}
	t.Fatalf("no contract knows %s", op)
	return nil
}

func allContractCases() []contractCase { return slices.Concat(contractCases, appContractCases) }

func TestContract(t *testing.T) {
	t.Parallel()
	contracts := loadContracts(t)
	for _, c := range allContractCases() {
		t.Run(c.op, func(t *testing.T) {
			t.Parallel()
			c.cfg.Licence, c.cfg.People, c.cfg.Seed = graph.P2, 900, 11
			h := newTenant(t, c.cfg)
			op := contracts.operation(t, c.op)
			method, _, _ := strings.Cut(strings.TrimPrefix(c.op, "beta "), " ")
			path, body := fillIn(t, h, c.path), fillIn(t, h, c.body)
			r := ask(h, method, path, body, c.headers...)
			if r.status != c.want {
				t.Fatalf("status: got %d, want %d: %.300s", r.status, c.want, r.raw)
			}
			if c.want < 400 {
				validateRequest(t, op, body)
			}
			validate(t, op, r)
		})
	}
}

// Whatever the tenant answers is held to a contract.
func TestEveryRouteHasAContract(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, c := range allContractCases() {
		method, _, _ := strings.Cut(strings.TrimPrefix(c.op, "beta "), " ")
		path, _, _ := strings.Cut(c.path, "?")
		tested[simtenant.RouteOf(method, path)] = true
	}
	for _, route := range simtenant.Routes() {
		if !tested[route] {
			t.Errorf("no case of TestContract takes %s", route)
		}
	}
}

// validateRequest checks a body that the tenant took: what it takes and Graph
// would not is as wrong as an answer that Graph never gives.
func validateRequest(t *testing.T, op *openapi3.Operation, body string) {
	t.Helper()
	if op.RequestBody == nil {
		if body != "" {
			t.Errorf("the contract wants no request body: %s", body)
		}
		return
	}
	if body == "" {
		t.Fatal("the contract wants a request body")
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("decode the request: %v", err)
	}
	schema := op.RequestBody.Value.Content.Get("application/json").Schema
	if err := schema.Value.VisitJSON(v, openapi3.MultiErrors(), openapi3.VisitAsRequest()); err != nil {
		t.Errorf("request %.1500s\n%v", body, err)
	}
}

// fillIn replaces the placeholders of a path by ids of the tenant.
func fillIn(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	for placeholder, find := range map[string]func() string{
		"{principal}":   func() string { return appPart(t, h, "servicePrincipals")["id"].(string) },
		"{application}": func() string { return appPart(t, h, "applications")["id"].(string) },
		"{key}": func() string {
			return appPart(t, h, "applications")["passwordCredentials"].([]any)[0].(object)["keyId"].(string)
		},
		"{graph}": func() string {
			r := ask(h, "GET", "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", "", portal...)
			return decode[object](t, r)["id"].(string)
		},
		"{assignment}": func() string {
			id := appPart(t, h, "servicePrincipals")["id"].(string)
			return list(t, h, "/v1.0/servicePrincipals/"+id+"/appRoleAssignments", portal...)[0]["id"].(string)
		},
		"{federation}": func() string {
			return list(t, h, fillIn(t, h, applicationPath)+"/federatedIdentityCredentials", portal...)[0]["id"].(string)
		},
		"{olga}": func() string { return simtenant.Cast(11)[0].ObjectID },
		"{ca}":   func() string { return list(t, h, policiesPath, portal...)[0]["id"].(string) },
		"{role}": func() string { return list(t, h, "/v1.0/directoryRoles", portal...)[0]["id"].(string) },
		"{group}": func() string {
			for _, a := range list(t, h, "/v1.0/roleManagement/directory/roleAssignments?$expand=principal", portal...) {
				if p := a["principal"].(object); p["@odata.type"] == "#microsoft.graph.group" {
					return p["id"].(string)
				}
			}
			t.Fatal("no group holds a role")
			return ""
		},
	} {
		if strings.Contains(path, placeholder) {
			path = strings.ReplaceAll(path, placeholder, find())
		}
	}
	if _, rest, ok := strings.Cut(path, "{holder-"); ok {
		kind, _, _ := strings.Cut(rest, "}")
		user, method := holder(t, h, kind)
		path = strings.NewReplacer("{holder-"+kind+"}", user, "{held-"+kind+"}", method).Replace(path)
	}
	return path
}

// holder finds a user who holds a method of a kind, if possible as the only one
// beside the password.
func holder(t *testing.T, h http.Handler, kind string) (user, method string) {
	t.Helper()
	for _, u := range list(t, h, "/v1.0/users?$select=id&$top=999", portal...) {
		id := u["id"].(string)
		held := list(t, h, "/v1.0/users/"+id+"/authentication/methods", portal...)
		for _, m := range held {
			if m["@odata.type"] != "#microsoft.graph."+kind+"AuthenticationMethod" {
				continue
			}
			if user == "" || len(held) == 2 {
				user, method = id, m["id"].(string)
			}
			if len(held) == 2 {
				return user, method
			}
		}
	}
	if user == "" { // in a small tenant
		return simtenant.Cast(h.(*simtenant.Tenant).Config().Seed)[0].ObjectID, "none"
	}
	return user, method
}

// validate checks a reply against its operation.
func validate(t *testing.T, op *openapi3.Operation, r reply) {
	t.Helper()
	want := op.Responses.Status(r.status)
	if want == nil {
		want = op.Responses.Default()
	}
	if r.status < 400 && want == op.Responses.Default() {
		t.Fatalf("the contract knows no status %d", r.status)
	}
	if len(want.Value.Content) == 0 {
		if len(r.raw) != 0 {
			t.Fatalf("the contract wants no body: %s", r.raw)
		}
		return
	}
	media := strings.TrimSpace(strings.SplitN(r.header.Get("Content-Type"), ";", 2)[0])
	content := want.Value.Content.Get(media)
	if content == nil {
		t.Fatalf("content type %q is not in the contract", media)
	}
	var body any
	if err := json.Unmarshal(r.raw, &body); err != nil {
		t.Fatalf("decode: %v", err)
	}
	if err := content.Schema.Value.VisitJSON(body, openapi3.MultiErrors()); err != nil {
		t.Fatalf("%.1500s\n%v", r.raw, err)
	}
}

// Every kind of method in a tenant, and every row of its reports and logs, has
// to fit: a page or two shows only the common ones.
func TestContractOfEveryRow(t *testing.T) {
	t.Parallel()
	doc := loadContract(t, "graph-v1.0.openapi.json")
	h := newTenant(t, simtenant.Config{Licence: graph.P1, People: 900, Seed: 12})
	kinds := map[any]int{}
	for _, u := range list(t, h, "/v1.0/users?$select=id&$top=999") {
		r := ask(h, "GET", "/v1.0/users/"+u["id"].(string)+"/authentication/methods", "")
		validate(t, doc.Paths.Value("/users/{user-id}/authentication/methods").Get, r)
		for _, m := range decode[collection](t, r).Value {
			kinds[m["@odata.type"]]++
		}
	}
	for _, kind := range []string{
		"password", "phone", "email", "microsoftAuthenticator", "fido2", "softwareOath", "temporaryAccessPass",
		"windowsHelloForBusiness", "platformCredential", "external",
	} {
		if n := kinds["#microsoft.graph."+kind+"AuthenticationMethod"]; n == 0 {
			t.Errorf("nobody in a tenant of 900 has a method of kind %s; kinds are %v", kind, kinds)
		}
	}
	for _, path := range []string{"/auditLogs/signIns", "/auditLogs/directoryAudits", "/reports/authenticationMethods/userRegistrationDetails"} {
		for next := "/v1.0" + path; next != ""; {
			r := ask(h, "GET", next, "")
			validate(t, doc.Paths.Value(path).Get, r)
			next = strings.TrimPrefix(decode[collection](t, r).Next, "http://tenant.test")
		}
	}
}

// The check itself has to bite.
func TestContractRefusesWrongAnswers(t *testing.T) {
	t.Parallel()
	doc := loadContract(t, "graph-v1.0.openapi.json")
	for name, c := range map[string]struct{ path, body string }{
		"wrong type":        {"/users", `{"value":[{"accountEnabled":"yes"}]}`},
		"no value":          {"/users", `{}`},
		"wrong enum member": {"/users/{user-id}/authentication/methods", `{"value":[{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","phoneType":"pager"}]}`},
		"unknown method":    {"/users/{user-id}/authentication/methods", `{"value":[{"@odata.type":"#microsoft.graph.noAuthenticationMethod"}]}`},
		"not a moment":      {"/auditLogs/signIns", `{"value":[{"createdDateTime":"yesterday"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body any
			if err := json.Unmarshal([]byte(c.body), &body); err != nil {
				t.Fatal(err)
			}
			schema := doc.Paths.Value(c.path).Get.Responses.Status(200).Value.Content.Get("application/json").Schema
			if err := schema.Value.VisitJSON(body); err == nil {
				t.Errorf("%s passed", c.body)
			}
		})
	}
}
