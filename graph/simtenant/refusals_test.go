package simtenant_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"twokey/graph"
	"twokey/graph/simtenant"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	const premium = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
	tests := []struct {
		name    string
		licence graph.Licence
		method  string
		path    string
		body    string
		headers []string
		status  int
		code    string
		says    string // part of the message
	}{
		{
			name: "registration report on Free", licence: graph.Free, path: "/v1.0/reports/authenticationMethods/userRegistrationDetails",
			status: 403, code: premium, says: "premium license",
		},
		{name: "sign-ins on Free", licence: graph.Free, path: "/v1.0/auditLogs/signIns", status: 403, code: premium},
		{name: "sign-ins of beta on Free", licence: graph.Free, path: "/beta/auditLogs/signIns", status: 403, code: premium},
		{name: "last sign-in on Free fails the whole list", licence: graph.Free, path: "/v1.0/users?$select=id,signInActivity", status: 403, code: premium},
		{name: "policies on Free", licence: graph.Free, path: policiesPath, status: 403, code: "AccessDenied", says: "licensed"},
		{
			name: "write a policy on Free", licence: graph.Free, method: "POST", path: policiesPath, body: policyJSON(graph.PolicyReportOnly),
			status: 403, code: "AccessDenied",
		},
		{name: "unknown path", path: "/v1.0/me/drive/root", status: 404, code: "ResourceNotFound"},
		{name: "unknown version", path: "/v2.0/users", status: 404, code: "ResourceNotFound"},
		{name: "beta only", path: "/v1.0/users/olga@harbourvale.example/authentication/requirements", status: 404, code: "ResourceNotFound"},
		{name: "unknown user", path: "/v1.0/users/nobody", status: 404, code: "Request_ResourceNotFound"},
		{name: "methods of an unknown user", path: "/v1.0/users/nobody/authentication/methods", status: 404, code: "Request_ResourceNotFound"},
		{name: "unknown policy", path: policiesPath + "/11111111-2222-4333-8444-555555555555", status: 404, code: "Request_ResourceNotFound"},
		{name: "wrong method", method: "PUT", path: defaultsPath, body: `{}`, status: 405, code: "Request_BadRequest"},
		{name: "no JSON", method: "PATCH", path: defaultsPath, body: `{"isEnabled":`, status: 400, code: "BadRequest", says: "JSON"},
		{name: "no body", method: "PATCH", path: defaultsPath, status: 400, code: "BadRequest", says: "Empty Payload"},
		{name: "a list for an object", method: "PATCH", path: defaultsPath, body: `[true]`, status: 400, code: "BadRequest"},
		{name: "null for an object", method: "PATCH", path: defaultsPath, body: `null`, status: 400, code: "BadRequest"},
		{name: "wrong type", method: "PATCH", path: defaultsPath, body: `{"isEnabled":"true"}`, status: 400, code: "Request_BadRequest", says: "isEnabled"},
		{name: "null for a boolean", method: "PATCH", path: defaultsPath, body: `{"isEnabled":null}`, status: 400, code: "Request_BadRequest"},
		{name: "unknown member", method: "PATCH", path: defaultsPath, body: `{"enabled":true}`, status: 400, code: "Request_BadRequest", says: "enabled"},
		{name: "two values for an option", path: "/v1.0/users?$top=5&$top=6", status: 400, code: "BadRequest"},
		{name: "page too large", path: "/v1.0/users?$top=1000", status: 400, code: "Request_BadRequest", says: "between 1 and 999"},
		{name: "page of none", path: "/v1.0/users?$top=0", status: 400, code: "Request_BadRequest"},
		{name: "skip on users", path: "/v1.0/users?$skip=5", status: 400, code: "Request_UnsupportedQuery"},
		{name: "search", path: "/v1.0/users?$search=olga", status: 400, code: "Request_UnsupportedQuery"},
		{name: "unknown property selected", path: "/v1.0/users?$select=id,shoeSize", status: 400, code: "BadRequest", says: "shoeSize"},
		{name: "unknown property expanded", path: "/v1.0/directoryRoles?$expand=owners", status: 400, code: "BadRequest", says: "owners"},
		{name: "expand where there is none", path: "/v1.0/groups?$expand=members", status: 400, code: "Request_UnsupportedQuery"},
		{name: "expanded with a rest", path: "/v1.0/users?$expand=manager($select=id", status: 400, code: "BadRequest"},
		{name: "more than one manager", path: "/v1.0/users?$expand=manager($levels=max;$select=id)", status: 400, code: "BadRequest"},
		{name: "a manager who is no link", method: "PUT", path: samPath + "/manager/$ref", body: `{"@odata.id":"olga"}`, status: 400, code: "Request_BadRequest"},
		{name: "a manager whom there is not", method: "PUT", path: samPath + "/manager/$ref", body: `{"@odata.id":"https://graph.microsoft.com/v1.0/users/nobody"}`, status: 404, code: "Request_ResourceNotFound"},
		{name: "damaged page token", path: "/v1.0/users?$skiptoken=%21", status: 400, code: "Directory_ExpiredPageToken"},
		{name: "unknown property filtered", path: "/v1.0/users?$filter=shoeSize eq 44", status: 400, code: "BadRequest", says: "shoeSize"},
		{name: "property that cannot be filtered", path: "/v1.0/users?$filter=city eq 'Leeds'", status: 400, code: "Request_UnsupportedQuery"},
		{name: "operator that a property lacks", path: "/v1.0/users?$filter=userType ge 'Guest'", status: 400, code: "Request_UnsupportedQuery"},
		{name: "function that Graph lacks", path: "/v1.0/users?$filter=contains(displayName,'a')", status: 400, code: "Request_UnsupportedQuery"},
		{name: "literal of another type", path: "/v1.0/users?$filter=accountEnabled eq 'true'", status: 400, code: "BadRequest", says: "type"},
		{name: "filter without an end", path: "/v1.0/users?$filter=mail eq 'a", status: 400, code: "BadRequest", says: "unterminated"},
		{name: "filter with too much", path: "/v1.0/users?$filter=mail eq 'a' b", status: 400, code: "BadRequest"},
		{name: "filter nested deeply", path: "/v1.0/users?$filter=" + strings.Repeat("(", 5000), status: 400, code: "BadRequest"},
		{name: "ne without the header", path: "/v1.0/users?$filter=userType ne 'Guest'&$count=true", status: 400, code: "Request_UnsupportedQuery"},
		{
			name: "ne without the count", path: "/v1.0/users?$filter=userType ne 'Guest'", headers: []string{"ConsistencyLevel", "eventual"},
			status: 400, code: "Request_UnsupportedQuery",
		},
		{name: "endswith without the header", path: "/v1.0/users?$filter=endswith(mail,'x')", status: 400, code: "Request_UnsupportedQuery"},
		{name: "not without the header", path: "/v1.0/users?$filter=not(startswith(mail,'x'))", status: 400, code: "Request_UnsupportedQuery"},
		{name: "count without the header", path: "/v1.0/users/$count", status: 400, code: "Request_BadRequest"},
		{name: "cast without the header", path: "/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user", status: 400, code: "Request_UnsupportedQuery"},
		{name: "sign-ins by ne", path: "/v1.0/auditLogs/signIns?$filter=clientAppUsed ne 'Browser'", status: 400, code: "Request_UnsupportedQuery"},
		{
			name: "event types on v1.0", path: "/v1.0/auditLogs/signIns?$filter=signInEventTypes/any(t:t eq 'nonInteractiveUser')",
			status: 400, code: "BadRequest", says: "signInEventTypes",
		},
		{name: "logs sorted by a name", path: "/v1.0/auditLogs/signIns?$orderby=userDisplayName", status: 400, code: "Request_UnsupportedQuery"},
		{name: "page of the log too large", path: "/v1.0/auditLogs/signIns?$top=1001", status: 400, code: "Request_BadRequest"},
		{name: "policy without conditions", method: "POST", path: policiesPath, body: `{"displayName":"x","state":"disabled"}`, status: 400, code: "BadRequest", says: "1007"},
		{
			name: "policy with half of its conditions", method: "POST", path: policiesPath, says: "1007", status: 400, code: "BadRequest",
			body: `{"displayName":"x","state":"disabled","conditions":{"clientAppTypes":["all"]}}`,
		},
		{
			name: "policy in an unknown state", method: "POST", path: policiesPath, status: 400, code: "BadRequest", says: "state",
			body: strings.Replace(policyJSON(graph.PolicyEnabled), `"enabled"`, `"on"`, 1),
		},
		{
			name: "policy with an unknown member", method: "POST", path: policiesPath, status: 400, code: "BadRequest", says: "colour",
			body: strings.Replace(policyJSON(graph.PolicyDisabled), `{"displayName"`, `{"colour":"red","displayName"`, 1),
		},
		{
			name: "policy that excludes nobody known", method: "POST", path: policiesPath, status: 400, code: "BadRequest", says: "excludeUsers",
			body: strings.Replace(policyJSON(graph.PolicyDisabled), `"includeUsers":["All"]`, `"includeUsers":["All"],"excludeUsers":["gone"]`, 1),
		},
		{
			name: "risk conditions without P2", licence: graph.P1, method: "POST", path: policiesPath, status: 400, code: "BadRequest", says: "1039",
			body: strings.Replace(policyJSON(graph.PolicyDisabled), `"conditions":{`, `"conditions":{"signInRiskLevels":["high"],`, 1),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.licence == graph.LicenceUnknown {
				tt.licence = graph.P2
			}
			if tt.method == "" {
				tt.method = "GET"
			}
			h := newTenant(t, simtenant.Config{Licence: tt.licence, Seed: 11})
			r := ask(h, tt.method, fillIn(t, h, escapeQuery(tt.path)), tt.body, tt.headers...)
			if r.status != tt.status {
				t.Fatalf("status: got %d, want %d: %s", r.status, tt.status, r.raw)
			}
			code, message := refusal(t, r)
			if code != tt.code {
				t.Errorf("code: got %q, want %q", code, tt.code)
			}
			if !strings.Contains(message, tt.says) {
				t.Errorf("message: got %q, want %q in it", message, tt.says)
			}
			if n := len(h.Ledger()); n != 0 {
				t.Errorf("ledger: got %d effects of a refused request", n)
			}
		})
	}
}

// escapeQuery escapes the blanks of a query, so that tests can show it as it is read.
func escapeQuery(path string) string { return strings.ReplaceAll(path, " ", "%20") }

func TestSecurityDefaultsAndPoliciesExcludeEachOther(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1})
	reportOnly := postPolicy(t, h, graph.PolicyReportOnly)
	if r := ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`); r.status != http.StatusNoContent {
		t.Fatalf("enable defaults beside a report-only policy: %d %s", r.status, r.raw)
	}

	const says = "You must disable Security defaults before enabling a Conditional Access policy."
	for name, r := range map[string]reply{
		"create enabled": ask(h, "POST", policiesPath, policyJSON(graph.PolicyEnabled)),
		"enable":         ask(h, "PATCH", policiesPath+"/"+reportOnly, `{"state":"enabled"}`),
	} {
		if code, message := refusal(t, r); r.status != 400 || code != "BadRequest" || !strings.HasSuffix(message, says) {
			t.Errorf("%s while defaults are on: %d %s", name, r.status, r.raw)
		}
	}
	if r := ask(h, "POST", policiesPath, policyJSON(graph.PolicyDisabled)); r.status != http.StatusCreated {
		t.Errorf("create a disabled policy while defaults are on: %d %s", r.status, r.raw)
	}

	ask(h, "PATCH", defaultsPath, `{"isEnabled":false}`)
	if r := ask(h, "PATCH", policiesPath+"/"+reportOnly, `{"state":"enabled"}`); r.status != http.StatusNoContent {
		t.Fatalf("enable a policy while defaults are off: %d %s", r.status, r.raw)
	}
	r := ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	if code, _ := refusal(t, r); r.status != 400 || code != "BadRequest" {
		t.Errorf("enable defaults beside an enabled policy: %d %s", r.status, r.raw)
	}
	if defaultsEnabled(t, h) {
		t.Error("security defaults are on after the refusal")
	}
}

func TestMethodsMayNeedALicence(t *testing.T) {
	t.Parallel()
	path := "/v1.0/users/olga@harbourvale.example/authentication/methods"
	for name, tt := range map[string]struct {
		cfg  simtenant.Config
		want int
	}{
		"Free":             {simtenant.Config{}, 200},
		"Free, refused":    {simtenant.Config{RefuseMethods: true}, 403},
		"P1 is not asked":  {simtenant.Config{RefuseMethods: true, Licence: graph.P1}, 200},
		"P2, nothing said": {simtenant.Config{Licence: graph.P2}, 200},
	} {
		if r := ask(newTenant(t, tt.cfg), "GET", path, ""); r.status != tt.want {
			t.Errorf("%s: got %d, want %d", name, r.status, tt.want)
		}
	}
}

func TestBodyIsLimited(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	big := `{"isEnabled":true,"description":"` + strings.Repeat("x", 1<<20) + `"}`
	r := ask(h, "PATCH", defaultsPath, big)
	if r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status: got %d, want 413", r.status)
	}
	refusal(t, r)
}

func TestPolicyLife(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now})
	before := len(list(t, h, policiesPath))
	id := postPolicy(t, h, graph.PolicyReportOnly)
	now.Add(60e9)
	if r := ask(h, "PATCH", policiesPath+"/"+id, `{"displayName":"Renamed","@odata.type":"#microsoft.graph.conditionalAccessPolicy"}`); r.status != 204 {
		t.Fatalf("rename: %d %s", r.status, r.raw)
	}
	p := decode[object](t, ask(h, "GET", policiesPath+"/"+id, ""))
	if p["displayName"] != "Renamed" || p["state"] != string(graph.PolicyReportOnly) || p["conditions"] == nil {
		t.Errorf("after a rename: %v", p)
	}
	if p["createdDateTime"] == p["modifiedDateTime"] || p["modifiedDateTime"] == nil {
		t.Errorf("times: created %v, modified %v", p["createdDateTime"], p["modifiedDateTime"])
	}
	if got := len(list(t, h, policiesPath+"?$filter="+url.QueryEscape("displayName eq 'Renamed'"))); got != 1 {
		t.Errorf("filter by name: got %d policies, want 1", got)
	}
	if r := ask(h, "DELETE", policiesPath+"/"+id, ""); r.status != 204 {
		t.Fatalf("delete: %d %s", r.status, r.raw)
	}
	if r := ask(h, "GET", policiesPath+"/"+id, ""); r.status != 404 {
		t.Errorf("read after delete: %d", r.status)
	}
	if r := ask(h, "DELETE", policiesPath+"/"+id, ""); r.status != 404 {
		t.Errorf("delete again: %d", r.status)
	}
	if got := len(list(t, h, policiesPath)); got != before {
		t.Errorf("policies: got %d, want the %d of the beginning", got, before)
	}
}
