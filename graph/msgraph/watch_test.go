package msgraph_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
)

// TestU08WhatTheLogSaysOfUs changes a tenant once with a mark that we know and
// once without, in the name of the same app, and looks at the audit log.
func TestU08WhatTheLogSaysOfUs(t *testing.T) {
	t.Parallel()
	sim, err := simtenant.New(simtenant.Config{People: 10, Epoch: noon(), Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	const app, ours = "app-of-ours", "6f0e8c3a-0000-4000-8000-000000000001"
	c := client(t, msgraph.Config{BaseURL: newServer(t, sim) + "/v1.0", Credential: msgraph.StaticToken(app), Now: noon, Unbudgeted: true})
	if _, err := c.SetSecurityDefaults(graph.WithClientRequestID(t.Context(), ours), true); err != nil {
		t.Fatal(err)
	}
	sim.Advance(time.Hour)
	if _, err := c.SetSecurityDefaults(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	audits, err := c.Audits(t.Context(), graph.AuditQuery{Since: noon().Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	var defaults []rollout.TenantChange
	for _, change := range rollout.Changes(audits) {
		if change.Kind == rollout.ChangeDefaults {
			defaults = append(defaults, change)
		}
	}
	if len(defaults) != 2 || defaults[0].Correlation != ours || defaults[0].ByAppID != app || defaults[0].New != "true" || defaults[1].New != "false" {
		t.Fatalf("got %+v, want security defaults on by us, and then off", defaults)
	}
	odd := rollout.Unexplained(audits, app, func(id string) bool { return id == ours })
	if len(odd) != 1 || odd[0].ID != defaults[1].AuditID {
		t.Errorf("got %+v, want the second change alone", odd)
	}
}

// TestU08NewWaysToActAsOurApp has somebody at the portal give our app a secret,
// owners and a permission and turn its federation to themselves, and compares what we read before and after.
func TestU08NewWaysToActAsOurApp(t *testing.T) {
	t.Parallel()
	const app = "8d3f0c1a-4b7e-4f6a-9c55-0a1b2c3d4e5f"
	sim, err := simtenant.New(simtenant.Config{People: 10, Epoch: noon(), Now: noon, Apps: []simtenant.App{{
		ClientID: app, Name: "Twokey", Permissions: []graph.Permission{"Application.Read.All", "AuditLog.Read.All"},
		Secret: graph.NewSecret("first"), Owners: []string{simtenant.Cast(0)[0].ObjectID},
		Federations: []simtenant.Federation{{Name: "cluster", Issuer: "https://cluster.example/", Subject: "twokey"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	root := newServer(t, sim)
	c := client(t, msgraph.Config{BaseURL: root + "/v1.0", Credential: msgraph.StaticToken(app), Now: noon, Unbudgeted: true})
	before, err := c.App(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	if found := rollout.CompareApps(before, before, noon()); len(found) > 0 {
		t.Fatalf("nothing changed: got %+v", found)
	}
	eve, bob := simtenant.Cast(0)[5].ObjectID, simtenant.Cast(0)[6].ObjectID
	atPortal(t, root+"/v1.0/applications/"+before.ObjectID+"/addPassword", `{"passwordCredential":{"displayName":"mine"}}`)
	atPortal(t, root+"/v1.0/applications/"+before.ObjectID+"/owners/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/`+eve+`"}`)
	atPortal(t, root+"/v1.0/servicePrincipals/"+before.PrincipalID+"/owners/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/`+bob+`"}`)
	hijack(t, root, before)
	atPortal(t, root+"/v1.0/servicePrincipals/"+before.PrincipalID+"/appRoleAssignments",
		`{"principalId":"`+before.PrincipalID+`","resourceId":"`+graphPrincipal(t, root)+`","appRoleId":"b633e1c5-b582-4048-a93e-9f11b44c7e96"}`)

	now, err := c.App(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range rollout.CompareApps(before, now, noon()) {
		got = append(got, f.Severity.String()+" "+string(f.Kind)+" "+f.Name)
	}
	want := []string{"alarm credential_added mine", "alarm credential_added cluster", "alarm owner_added ", "alarm owner_added ", "alarm permission_added Mail.Send on Microsoft Graph"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	audits, err := c.Audits(t.Context(), graph.AuditQuery{Since: noon().Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	logged := 0
	for _, change := range rollout.Changes(audits) {
		if change.Kind == rollout.ChangeAppAccess {
			logged++
		}
	}
	if logged < len(want) {
		t.Errorf("got %d changes of an app's access in the log, want all %d", logged, len(want))
	}
}

// hijack lets the app's federation trust somebody else, under its ID and name.
func hijack(t *testing.T, root string, app graph.App) {
	t.Helper()
	at := slices.IndexFunc(app.Credentials, func(c graph.Credential) bool { return c.Kind == graph.CredentialFederation })
	if at < 0 {
		t.Fatal("the app has no federation")
	}
	address := root + "/v1.0/applications/" + app.ObjectID + "/federatedIdentityCredentials/" + app.Credentials[at].ID
	sendAtPortal(t, http.MethodPatch, address, `{"issuer":"https://evil.example/","subject":"eve"}`)
}

// atPortal sends a change as somebody who may do everything.
func atPortal(t *testing.T, address, body string) {
	t.Helper()
	sendAtPortal(t, http.MethodPost, address, body)
}

func sendAtPortal(t *testing.T, method, address, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer portal")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		t.Fatalf("%s: got %s", address, res.Status)
	}
}

// graphPrincipal is the object ID of Microsoft Graph's own service principal.
func graphPrincipal(t *testing.T, root string) string {
	t.Helper()
	return plain{t, root}.get("/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").text("id")
}
