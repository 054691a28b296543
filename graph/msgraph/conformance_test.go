package msgraph_test

import (
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/graphtest"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// TestConformance runs the suite against the simulated tenant, over loopback
// and through the SDK.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, licence := range []graph.Licence{graph.Free, graph.P1, graph.P2} {
		t.Run(licence.String(), func(t *testing.T) {
			t.Parallel()
			// The same configuration makes the same tenant, so that it need be
			// learned only once.
			_, root := tenant(t, licence)
			truth := truthOf(plain{t, root}, licence)
			graphtest.Run(t, func(t *testing.T) graphtest.Fixture {
				tenant, root := tenant(t, licence)
				c := client(t, msgraph.Config{BaseURL: root + "/v1.0", Credential: msgraph.StaticToken("conformance"), Now: noon, Unbudgeted: true})
				return graphtest.Fixture{Reader: c, Writer: c, Applied: func() int { return len(tenant.Ledger()) }, Truth: truth}
			})
		})
	}
}

// noon is the time in the tenant. Twenty hours before it is the day before:
// sign-ins are asked for over a midnight.
func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// tenant runs a simulated tenant with more than one page of users.
func tenant(t *testing.T, licence graph.Licence) (*simtenant.Tenant, string) {
	t.Helper()
	tenant, err := simtenant.New(simtenant.Config{People: 1100, Licence: licence, Epoch: noon(), Now: noon, Apps: declaredApps(t)})
	if err != nil {
		t.Fatal(err)
	}
	return tenant, newServer(t, tenant)
}

func truthOf(p plain, licence graph.Licence) graphtest.Truth {
	p.t.Helper()
	org := p.list("/v1.0/organization")[0]
	truth := graphtest.Truth{
		Organization:     graph.Organization{ID: org.text("id"), Name: org.text("displayName"), DefaultDomain: "harbourvale.example"},
		Licence:          licence,
		SecurityDefaults: graph.SecurityDefaults{Enabled: p.get("/v1.0/policies/identitySecurityDefaultsEnforcementPolicy").flag("isEnabled")},
		Since:            noon().Add(-20 * time.Hour),
		Methods:          map[string][]graph.Method{},
	}
	for _, o := range p.list("/v1.0/users?$top=500&$select=" + "id,displayName,userPrincipalName,mail,department,userType,accountEnabled,onPremisesSyncEnabled,assignedLicenses,createdDateTime") {
		truth.Users = append(truth.Users, graph.User{
			ID: o.text("id"), Name: o.text("displayName"), UPN: o.text("userPrincipalName"), Mail: o.text("mail"), Department: o.text("department"),
			Guest: o.text("userType") == "Guest", Enabled: o.flag("accountEnabled"), Synced: o.flag("onPremisesSyncEnabled"),
			Licensed: len(o["assignedLicenses"].([]any)) > 0, Created: o.time("createdDateTime"),
		})
	}
	for i, u := range truth.Users {
		if i%9 == 0 { // enough for several batches
			truth.Methods[u.ID] = p.methods(u.ID)
		}
	}
	truth.RoleHolders, truth.Aliases = p.roleHolders(), p.aliases()
	truth.RoleGroupPeople = p.roleGroupPeople(truth.Users)
	p.people(&truth)
	p.groups(&truth)
	truth.App = p.app(ourApp)
	truth.MethodsPolicy = p.methodsPolicy()
	truth.Audits = p.audits()
	truth.EmailAppUse, truth.OutlookVersions = p.usage()
	truth.NamesConcealed = p.get("/v1.0/admin/reportSettings").flag("displayConcealedNames")
	if licence >= graph.P1 {
		p.reports(&truth)
	}
	return truth
}
