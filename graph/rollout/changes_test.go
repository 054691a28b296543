package rollout

import (
	"reflect"
	"testing"
	"time"

	"twokey/graph"
)

// audited is a line of the log that succeeded, about one target.
func audited(activity, category, service string, changed ...graph.AuditChange) graph.Audit {
	return graph.Audit{
		ID: "audit", At: monday47, Activity: activity, Category: category, Service: service, Operation: "Update", Succeeded: true,
		Targets: []graph.AuditTarget{{ID: "target", Name: "Target", Changes: changed}},
	}
}

func TestChangesKnowTheirKinds(t *testing.T) {
	t.Parallel()
	const core, methods = "Core Directory", graph.ServiceMethods
	tests := []struct {
		name  string
		audit graph.Audit
		want  ChangeKind
	}{
		{"another policy", audited("Update policy", "Policy", core), ChangeOtherPolicy},
		{"defaults by the property", audited("Update policy", "policy", core, graph.AuditChange{Property: "SecurityDefaults.IsEnabled"}), ChangeDefaults},
		{"defaults by the activity", audited("Update security defaults", "Policy", core), ChangeDefaults},
		{"not a policy", audited("Update security defaults", "UserManagement", core), ""},
		{"added policy", audited("Add conditional access policy", "Policy", "Conditional Access"), ChangePolicy},
		{"updated policy", audited("Update Conditional Access policy", "ApplicationManagement", core), ChangePolicy},
		{"methods policy", audited("Authentication Methods Policy Update", "ApplicationManagement", methods), ChangeMethodsPolicy},
		{"methods policy by category", audited("Authentication Methods Policy Update", "Policy", methods), ChangeMethodsPolicy},
		{"registered", audited("User registered security info", "UserManagement", methods), ChangeMethodAdded},
		{"registered by an administrator", audited("Admin registered security info", "UserManagement", methods), ChangeMethodAdded},
		{"deleted", audited("Admin deleted security info", "UserManagement", methods), ChangeMethodRemoved},
		{"another default", audited("User changed default security info", "UserManagement", methods), ChangeMethodUpdated},
		{"only began", audited("User started security info registration", "UserManagement", methods), ""},
		{"a pass", audited("Create temporary access pass method for user", "UserManagement", methods), ChangePass},
		{"per-user MFA", audited("Disable Strong Authentication", "UserManagement", core), ChangePerUserMFA},
		{"per-user MFA, another way", audited("Update user", "UserManagement", core, graph.AuditChange{Property: "StrongAuthenticationRequirement"}), ChangePerUserMFA},
		{"another property", audited("Update user", "UserManagement", core, graph.AuditChange{Property: "Department"}), ""},
		{"blocked", audited("Disable account", "UserManagement", core), ChangeAccountBlocked},
		{"allowed", audited("Enable account", "UserManagement", core), ChangeAccountAllowed},
		{"sessions", audited("Update StsRefreshTokenValidFrom Timestamp", "UserManagement", core), ChangeSessions},
		{"a secret", audited("Update application – Certificates and secrets management ", "ApplicationManagement", core), ChangeAppAccess},
		{"consent", audited("Add app role assignment to service principal", "ApplicationManagement", core), ChangeAppAccess},
		{"a role", audited("Add member to role", "RoleManagement", core), ChangeRole},
		{"a role that can be taken up", audited("Remove eligible member from role", "RoleManagement", core), ChangeRole},
		{"a group", audited("Add member to group", "GroupManagement", core), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got ChangeKind
			for _, c := range Changes([]graph.Audit{tt.audit}) {
				got = c.Kind
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			tt.audit.Succeeded = false
			if got := Changes([]graph.Audit{tt.audit}); got != nil {
				t.Errorf("failed: got %v, want no change", got)
			}
		})
	}
}

// The log's name for a change of security defaults is not known.
func TestChangesFindDefaultsByTheirTarget(t *testing.T) {
	t.Parallel()
	for _, target := range []graph.AuditTarget{{ID: defaultsPolicyID}, {Name: "Security Defaults"}, {Name: "IdentitySecurityDefaultsEnforcementPolicy"}} {
		a := audited("Whatever it is called", "Policy", "Core Directory")
		target.Changes = []graph.AuditChange{{Property: "isEnabled", Old: `"false"`, New: `"true"`}}
		a.Targets = []graph.AuditTarget{target}
		got := Changes([]graph.Audit{a})
		if len(got) != 1 || got[0].Kind != ChangeDefaults || got[0].Old != "false" || got[0].New != "true" {
			t.Errorf("%+v: got %+v, want one change of security defaults from false to true", target, got)
		}
	}
}

func TestChangesSayWhoAndWhat(t *testing.T) {
	t.Parallel()
	byApp := audited("Update conditional access policy", "Policy", "Core Directory",
		graph.AuditChange{Property: "State", Old: `"enabledForReportingButNotEnforced"`, New: `"enabled"`})
	byApp.ID, byApp.ByAppID, byApp.ByApp, byApp.CorrelationID = "2", "app-1", "Twokey", "request-1"
	own := audited("User registered security info", "UserManagement", graph.ServiceMethods)
	own.ID, own.ByUserID, own.ByUPN, own.Targets[0].UPN = "3", "TARGET", "ann@x", "ann@x"
	earlier := audited("Admin deleted security info", "UserManagement", graph.ServiceMethods)
	earlier.ID, earlier.At, earlier.ByUserID, earlier.ByUPN = "1", monday47.Add(-time.Hour), "ada", "ada@x"
	aimless := audited("Disable account", "UserManagement", "Core Directory")
	aimless.ID, aimless.Targets = "4", nil

	got := Changes([]graph.Audit{aimless, own, byApp, earlier})
	want := []TenantChange{
		{Kind: ChangeMethodRemoved, At: earlier.At, AuditID: "1", Activity: earlier.Activity, Operation: "Update", ByUserID: "ada", By: "ada@x", TargetID: "target", Target: "Target"},
		{
			Kind: ChangePolicy, At: monday47, AuditID: "2", Activity: byApp.Activity, Operation: "Update", Correlation: "request-1", ByAppID: "app-1", By: "Twokey",
			TargetID: "target", Target: "Target", Old: "enabledForReportingButNotEnforced", New: "enabled",
		},
		{Kind: ChangeMethodAdded, At: monday47, AuditID: "3", Activity: own.Activity, Operation: "Update", ByUserID: "TARGET", By: "ann@x", Own: true, TargetID: "target", Target: "ann@x"},
		{Kind: ChangeAccountBlocked, At: monday47, AuditID: "4", Activity: aimless.Activity, Operation: "Update"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
