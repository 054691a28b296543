package simtenant_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

const (
	methodsPolicyPath = "/v1.0/policies/authenticationMethodsPolicy"
	configsPath       = methodsPolicyPath + "/authenticationMethodConfigurations"
	configOp          = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{authenticationMethodConfiguration-id}"

	campaignJSON = `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"enabled","snoozeDurationInDays":3,` +
		`"includeTargets":[{"id":"all_users","targetType":"group","targetedAuthenticationMethod":"fido2"}],` +
		`"excludeTargets":[{"id":"11111111-2222-4333-8444-555555555555","targetType":"user"}]}}}`
)

// passConfigJSON is a change of the pass configuration with the given members.
func passConfigJSON(members string) string {
	return `{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",` + members + `}`
}

// campaign reads the registration campaign at a version of the policy's path.
func campaign(t *testing.T, h *simtenant.Tenant, version string) object {
	t.Helper()
	p := decode[object](t, ask(h, "GET", "/"+version+"/policies/authenticationMethodsPolicy", ""))
	return p["registrationEnforcement"].(object)["authenticationMethodsRegistrationCampaign"].(object)
}

func TestCampaignIsReplacedWhole(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	before := campaign(t, h, "v1.0")
	if before["state"] != "default" || before["snoozeDurationInDays"] != 1.0 || len(before["includeTargets"].([]any)) != 1 {
		t.Errorf("at the beginning: %v", before)
	}
	if r := ask(h, "PATCH", methodsPolicyPath, campaignJSON); r.status != 204 {
		t.Fatalf("PATCH: %d %s", r.status, r.raw)
	}
	got := campaign(t, h, "v1.0")
	target := object{"id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "fido2"}
	if got["state"] != "enabled" || got["snoozeDurationInDays"] != 3.0 || !reflect.DeepEqual(got["includeTargets"], []any{target}) {
		t.Errorf("after a whole campaign: %v", got)
	}

	half := `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"enabled"}}}`
	if r := ask(h, "PATCH", methodsPolicyPath, half); r.status != 204 {
		t.Fatalf("PATCH: %d %s", r.status, r.raw)
	}
	got = campaign(t, h, "v1.0")
	if got["snoozeDurationInDays"] != 0.0 || len(got["includeTargets"].([]any)) != 0 || len(got["excludeTargets"].([]any)) != 0 {
		t.Errorf("after half a campaign the rest is still there: %v", got)
	}

	if r := ask(h, "PATCH", methodsPolicyPath, `{"reconfirmationInDays":90}`); r.status != 204 {
		t.Fatalf("PATCH: %d %s", r.status, r.raw)
	}
	if after := campaign(t, h, "v1.0"); !reflect.DeepEqual(after, got) {
		t.Errorf("a change of something else changed the campaign: %v", after)
	}
}

func TestSnoozeEnforcementIsBetaOnly(t *testing.T) {
	t.Parallel()
	const member = "enforceRegistrationAfterAllowedSnoozes"
	h := newTenant(t, simtenant.Config{})
	if _, ok := campaign(t, h, "v1.0")[member]; ok {
		t.Error("v1.0 shows it")
	}
	if got := campaign(t, h, "beta")[member]; got != true {
		t.Errorf("beta: got %v, want true", got)
	}
	body := `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"enabled","snoozeDurationInDays":2,"` + member + `":false}}}`
	if r := ask(h, "PATCH", methodsPolicyPath, body); r.status != 400 {
		t.Errorf("v1.0 took it: %d", r.status)
	}
	r := ask(h, "PATCH", "/beta/policies/authenticationMethodsPolicy", body)
	if r.status != 200 || campaign(t, h, "beta")[member] != false || campaign(t, h, "v1.0")["snoozeDurationInDays"] != 2.0 {
		t.Errorf("beta: %d %v", r.status, campaign(t, h, "beta"))
	}
}

func TestMethodsPolicyRefusals(t *testing.T) {
	t.Parallel()
	enforcement := func(campaign string) string {
		return `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":` + campaign + `}}`
	}
	tests := []struct{ name, path, body string }{
		{"unknown member", methodsPolicyPath, `{"colour":"red"}`},
		{"unknown member of the campaign", methodsPolicyPath, enforcement(`{"colour":"red"}`)},
		{"unknown state", methodsPolicyPath, enforcement(`{"state":"on"}`)},
		{"no state", methodsPolicyPath, enforcement(`{"state":null}`)},
		{"too long a snooze", methodsPolicyPath, enforcement(`{"snoozeDurationInDays":15}`)},
		{"a broken snooze", methodsPolicyPath, enforcement(`{"snoozeDurationInDays":1.5}`)},
		{"a snooze in words", methodsPolicyPath, enforcement(`{"snoozeDurationInDays":"1"}`)},
		{"a target without a kind", methodsPolicyPath, enforcement(`{"includeTargets":[{"id":"all_users"}]}`)},
		{"a target that is no id", methodsPolicyPath, enforcement(`{"excludeTargets":[{"id":"sam","targetType":"user"}]}`)},
		{"all users as a user", methodsPolicyPath, enforcement(`{"includeTargets":[{"id":"all_users","targetType":"user"}]}`)},
		{"a method that campaigns cannot ask for", methodsPolicyPath, enforcement(`{"includeTargets":[{"id":"all_users","targetType":"group","targetedAuthenticationMethod":"sms"}]}`)},
		{"a list for the campaign", methodsPolicyPath, enforcement(`[]`)},
		{"no body", methodsPolicyPath, ``},
		{"a configuration inside the policy", methodsPolicyPath, `{"authenticationMethodConfigurations":[]}`},
		{"a configuration without its type", configsPath + "/sms", `{"state":"disabled"}`},
		{"a configuration of another type", configsPath + "/sms", passConfigJSON(`"state":"disabled"`)},
		{"an unknown state of a method", configsPath + "/temporaryAccessPass", passConfigJSON(`"state":"on"`)},
		{"too long a life", configsPath + "/temporaryAccessPass", passConfigJSON(`"maximumLifetimeInMinutes":43201`)},
		{"a default above the maximum", configsPath + "/temporaryAccessPass", passConfigJSON(`"defaultLifetimeInMinutes":500`)},
		{"a maximum below the default", configsPath + "/temporaryAccessPass", passConfigJSON(`"maximumLifetimeInMinutes":30`)},
		{"too short a pass", configsPath + "/temporaryAccessPass", passConfigJSON(`"defaultLength":7`)},
		{"a member of another method", configsPath + "/temporaryAccessPass", passConfigJSON(`"isAttestationEnforced":true`)},
		{"a feature of none", configsPath + "/microsoftAuthenticator", `{"@odata.type":"#microsoft.graph.microsoftAuthenticatorAuthenticationMethodConfiguration","featureSettings":{"magic":{}}}`},
	}
	h := newTenant(t, simtenant.Config{})
	for _, tt := range tests {
		r := ask(h, "PATCH", tt.path, tt.body)
		if r.status != 400 {
			t.Errorf("%s: got %d, want 400", tt.name, r.status)
			continue
		}
		refusal(t, r)
	}
	if n := len(h.Ledger()); n != 0 {
		t.Errorf("ledger: got %d effects of refused requests", n)
	}
}

// configState reads the state of one configuration.
func configState(t *testing.T, h *simtenant.Tenant, id string) any {
	t.Helper()
	return decode[object](t, ask(h, "GET", configsPath+"/"+id, ""))["state"]
}

func TestMethodConfigsAtTheBeginning(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	for id, want := range map[string]string{
		"temporaryAccessPass": "enabled", "SMS": "enabled", "voice": "disabled", "fido2": "enabled", "microsoftAuthenticator": "enabled", "softwareOath": "enabled",
		"email": "enabled", "x509Certificate": "disabled", "qrCodePin": "disabled", "verifiableCredentials": "disabled",
	} {
		if got := configState(t, h, id); got != want {
			t.Errorf("%s: got %v, want %s", id, got, want)
		}
	}
	if r := ask(h, "GET", configsPath+"/hardwareOath", ""); r.status != 404 {
		t.Errorf("hardwareOath on v1.0: got %d, want 404", r.status)
	}
	off := newTenant(t, simtenant.Config{PassesOff: true})
	if got := configState(t, off, "temporaryAccessPass"); got != "disabled" {
		t.Errorf("passes off: got %v", got)
	}
}

func TestMethodsPolicyIsAuditedAndKept(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	file := filepath.Join(t.TempDir(), "tenant.journal")
	h := newTenant(t, simtenant.Config{Journal: file, Now: now.Now, PassesOff: true})
	ask(h, "PATCH", configsPath+"/temporaryAccessPass", passConfigJSON(`"state":"enabled","maximumLifetimeInMinutes":120`), "client-request-id", "mine")
	now.Add(time.Minute)
	ask(h, "PATCH", "/beta/policies/authenticationMethodsPolicy", campaignJSON)
	if got := len(h.Ledger()); got != 2 {
		t.Fatalf("ledger: got %d effects, want 2", got)
	}
	for _, a := range list(t, h, "/v1.0/auditLogs/directoryAudits?$filter="+escapeQuery("correlationId eq 'mine'")) {
		if a["activityDisplayName"] != "Authentication Methods Policy Update" || a["loggedByService"] != graph.ServiceMethods {
			t.Errorf("audit: %v", a)
		}
	}
	if got := len(list(t, h, "/v1.0/auditLogs/directoryAudits?$filter="+escapeQuery("activityDisplayName eq 'Authentication Methods Policy Update'"))); got != 2 {
		t.Errorf("audits: got %d, want 2", got)
	}
	policy, config := campaign(t, h, "beta"), decode[object](t, ask(h, "GET", configsPath+"/temporaryAccessPass", ""))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	again := newTenant(t, simtenant.Config{Journal: file, Now: now.Now})
	if got := campaign(t, again, "beta"); !reflect.DeepEqual(got, policy) {
		t.Errorf("campaign after a restart: %v, want %v", got, policy)
	}
	if got := decode[object](t, ask(again, "GET", configsPath+"/temporaryAccessPass", "")); !reflect.DeepEqual(got, config) || got["state"] != "enabled" {
		t.Errorf("configuration after a restart: %v, want %v", got, config)
	}
	if !again.Config().PassesOff {
		t.Error("the journal forgot how the tenant began")
	}
}

func TestMethodsPolicyOfThePast(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	now.Add(time.Minute)
	ask(h, "PATCH", methodsPolicyPath, campaignJSON)
	plan(t, h, `[{"method":"GET","path":"/policies/authenticationMethodsPolicy","times":1,"stale_s":30}]`)
	if got := campaign(t, h, "v1.0")["state"]; got != "default" {
		t.Errorf("a stale read: got %v, want default", got)
	}
	if got := campaign(t, h, "v1.0")["state"]; got != "enabled" {
		t.Errorf("a fresh read: got %v, want enabled", got)
	}
}

// Who is capable follows from the methods that the policy allows.
func TestCapableFollowsThePolicy(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Now: now.Now})
	capable := func() int {
		return len(list(t, h, "/v1.0/reports/authenticationMethods/userRegistrationDetails?$filter="+escapeQuery("isMfaCapable eq true")))
	}
	before := capable()
	ask(h, "PATCH", configsPath+"/sms", `{"@odata.type":"#microsoft.graph.smsAuthenticationMethodConfiguration","state":"disabled"}`)
	now.Add(7 * time.Hour) // every row has been made anew
	after := capable()
	if after >= before {
		t.Errorf("capable: %d before texts were switched off, %d after", before, after)
	}
	olga := simtenant.Cast(0)[0].ObjectID // who has the app and a passkey
	for _, id := range []string{"microsoftAuthenticator", "fido2"} {
		ask(h, "PATCH", configsPath+"/"+id, `{"@odata.type":"#microsoft.graph.`+id+`AuthenticationMethodConfiguration","excludeTargets":[{"id":"`+olga+`","targetType":"user"}]}`)
	}
	now.Add(7 * time.Hour)
	row := decode[object](t, do(t, h, "GET", "/v1.0/reports/authenticationMethods/userRegistrationDetails/"+olga, "", 200))
	if got := capable(); got < after-1 || row["isMfaCapable"] != false {
		t.Errorf("olga is left out: %v, and %d are capable instead of %d", row["isMfaCapable"], got, after)
	}
}
