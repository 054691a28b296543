package simtenant

import (
	"slices"

	"twokey/graph"
)

// Permissions that often go together.
var (
	fullUserReaders = grants("User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All")
	fullUserWriters = grants("User.ReadWrite.All Directory.ReadWrite.All")
	memberReaders   = grants("GroupMember.Read.All GroupMember.ReadBasic.All Group.Read.All Group.ReadBasic.All Directory.Read.All Group.ReadWrite.All GroupMember.ReadWrite.All")
	roleReaders     = grants("RoleManagement.Read.Directory RoleManagement.ReadWrite.Directory Directory.Read.All Directory.ReadWrite.All")
	appReaders      = grants("Application.Read.All Application.ReadWrite.OwnedBy Directory.Read.All Application.ReadWrite.All")
	appWriters      = grants("Application.ReadWrite.OwnedBy Application.ReadWrite.All Directory.ReadWrite.All")
)

func grants(list string) []graph.Permission {
	var out []graph.Permission
	for _, s := range words(list) {
		out = append(out, graph.Permission(s))
	}
	return out
}

// needs are what apps have to be granted, from Microsoft's table of
// permissions (x-permissions in testdata, and its documentation where the table
// is silent). The first that covers a route decides.
var needs = slices.Concat(policyNeeds, methodNeeds(), userNeeds, otherNeeds)

var policyNeeds = []need{
	{
		methods: "GET", path: "policies/identitySecurityDefaultsEnforcementPolicy", words: policyWords,
		any: grants("Policy.Read.All Policy.ReadWrite.SecurityDefaults"),
	},
	{
		path: "policies/identitySecurityDefaultsEnforcementPolicy", words: policyWords,
		any: grants("Policy.ReadWrite.SecurityDefaults Policy.ReadWrite.ConditionalAccess"), all: grants("Policy.Read.All"),
	},
	{
		methods: "GET", path: "policies/authenticationMethodsPolicy", words: policyWords,
		any: grants("Policy.Read.AuthenticationMethod Policy.ReadWrite.AuthenticationMethod Policy.Read.All"),
	},
	{path: "policies/authenticationMethodsPolicy", words: policyWords, any: grants("Policy.ReadWrite.AuthenticationMethod")},
	{methods: "GET", path: "identity/conditionalAccess/policies", words: policyWords, any: grants("Policy.Read.All")},
	{methods: "DELETE", path: "identity/conditionalAccess/policies", words: policyWords, any: grants("Policy.ReadWrite.ConditionalAccess"), all: grants("Policy.Read.All")},
	{path: "identity/conditionalAccess/policies", words: policyWords, any: grants("Policy.ReadWrite.ConditionalAccess"), all: grants("Policy.Read.All Application.Read.All")},
	{methods: "GET", path: "users/*/authentication/requirements", words: methodsWords, any: grants("Policy.Read.All")},
	{path: "users/*/authentication/requirements", words: methodsWords, any: grants("Policy.ReadWrite.AuthenticationMethod")},
}

// methodNeeds are those of the methods of single users: the broad permissions
// for all, and a narrow one for each kind.
func methodNeeds() []need {
	var list []need
	for segment, kind := range map[string]string{
		"emailMethods": "Email", "externalAuthenticationMethods": "External", "fido2Methods": "Passkey",
		"microsoftAuthenticatorMethods": "MicrosoftAuthApp", "passwordMethods": "Password", "phoneMethods": "Phone",
		"platformCredentialMethods": "PlatformCred", "softwareOathMethods": "SoftwareOATH", "temporaryAccessPassMethods": "TAP",
		"windowsHelloForBusinessMethods": "WindowsHello", "hardwareOathMethods": "HardwareOATH",
	} {
		narrow := "UserAuthMethod-" + kind + ".ReadWrite.All"
		list = append(list,
			need{
				methods: "GET", path: "users/*/authentication/" + segment, words: methodsWords,
				any: grants("UserAuthMethod-" + kind + ".Read.All UserAuthenticationMethod.Read.All UserAuthenticationMethod.ReadWrite.All " + narrow),
			},
			need{path: "users/*/authentication/" + segment, words: methodsWords, any: grants("UserAuthenticationMethod.ReadWrite.All " + narrow)},
		)
	}
	return append(list,
		need{
			methods: "GET", path: "users/*/authentication", words: methodsWords,
			any: grants("UserAuthenticationMethod.Read.All UserAuthenticationMethod.ReadWrite.All"),
		},
		need{path: "users/*/authentication", words: methodsWords, any: grants("UserAuthenticationMethod.ReadWrite.All")},
	)
}

var userNeeds = []need{
	{path: "users/*/revokeSignInSessions", any: grants("User.RevokeSessions.All User.ReadWrite.All Directory.ReadWrite.All")},
	{path: "users/*/invalidateAllRefreshTokens", any: grants("User.RevokeSessions.All User.ReadWrite.All Directory.ReadWrite.All")},
	{path: "users/*/sendMail", words: mailWords, any: grants("Mail.Send")},
	{path: "users/*/checkMemberGroups", any: grants("GroupMember.Read.All GroupMember.ReadBasic.All Group.Read.All Group.ReadBasic.All Group.ReadWrite.All User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All Application.Read.All")},
	{path: "users/*/memberOf", any: grants("Directory.Read.All Group.ReadBasic.All GroupMember.ReadBasic.All Directory.ReadWrite.All")},
	{path: "users/*/transitiveMemberOf", any: grants("User.Read.All Directory.Read.All Group.Read.All Group.ReadBasic.All GroupMember.Read.All GroupMember.ReadBasic.All Directory.ReadWrite.All")},
	{methods: "GET", path: "users/*/manager", any: fullUserReaders},
	{path: "users/*/manager", any: fullUserWriters},
	{methods: "GET", path: "users", any: append(grants("User.ReadBasic.All"), fullUserReaders...), narrow: readsUsers},
	{methods: "PATCH", path: "users/*", any: append(grants("User.EnableDisableAccount.All"), fullUserWriters...), narrow: writesUsers},
	{path: "users", any: fullUserWriters},
	{methods: "GET", path: "directory/deletedItems", any: fullUserReaders},
	{path: "directory/deletedItems", any: fullUserWriters},
}

var otherNeeds = []need{
	{methods: "GET", path: "groups/*/members", any: memberReaders},
	{methods: "GET", path: "groups/*/owners", any: memberReaders},
	{methods: "GET", path: "groups/*/transitiveMembers", any: memberReaders},
	{methods: "GET", path: "groups", any: grants("Group.ReadBasic.All Group.Read.All GroupMember.Read.All Directory.Read.All Directory.ReadWrite.All Group.ReadWrite.All")},
	{path: "groups", any: grants("Group.ReadWrite.All Directory.ReadWrite.All")},
	{methods: "GET", path: "directoryRoles", any: roleReaders},
	{methods: "GET", path: "roleManagement/directory", any: roleReaders},
	{path: "directoryRoles", any: grants("RoleManagement.ReadWrite.Directory")},
	{path: "roleManagement/directory", any: grants("RoleManagement.ReadWrite.Directory")},
	{path: "auditLogs/directoryAudits", words: logWords, any: grants("AuditLog.Read.All Directory.Read.All")},
	{path: "auditLogs", words: logWords, any: grants("AuditLog.Read.All")},
	{path: "reports/authenticationMethods", words: logWords, any: grants("AuditLog.Read.All")},
	{path: "reports", words: usageWords, any: grants("Reports.Read.All")},
	{methods: "GET", path: "admin/reportSettings", words: usageWords, any: grants("ReportSettings.Read.All ReportSettings.ReadWrite.All")},
	{path: "admin/reportSettings", words: usageWords, any: grants("ReportSettings.ReadWrite.All")},
	{path: "organization", any: grants("Organization.Read.All User.Read.All Directory.Read.All Directory.ReadWrite.All Organization.ReadWrite.All")},
	{path: "subscribedSkus", any: grants("LicenseAssignment.Read.All Organization.Read.All Directory.Read.All Directory.ReadWrite.All Organization.ReadWrite.All")},
	{path: "security", any: grants("SecurityEvents.Read.All SecurityEvents.ReadWrite.All")},
	{methods: "POST DELETE", path: "servicePrincipals/*/appRoleAssignments", any: grants("AppRoleAssignment.ReadWrite.All"), all: grants("Application.Read.All")},
	{path: "oauth2PermissionGrants", any: grants("DelegatedPermissionGrant.ReadWrite.All Directory.ReadWrite.All")},
	{methods: "GET", path: "servicePrincipals", any: appReaders},
	{methods: "GET", path: "applications", any: appReaders},
	{path: "servicePrincipals", any: appWriters},
	{path: "applications", any: appWriters},
}
