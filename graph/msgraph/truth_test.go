package msgraph_test

import (
	"fmt"
	"strconv"
	"time"

	"twokey/graph"
	"twokey/graph/graphtest"
)

// usage reads two reports of a month by their files.
func (p plain) usage() (graph.EmailAppUse, graph.OutlookVersions) {
	p.t.Helper()
	use := graph.EmailAppUse{Period: graph.Days30}
	for _, o := range p.file("/v1.0/reports/getEmailAppUsageUserDetail(period='D30')") {
		use.Refreshed = o.day("Report Refresh Date")
		row := graph.EmailAppRow{UPN: o.text("User Principal Name"), Name: o.text("Display Name"), Deleted: o.text("Is Deleted") == "True", Last: o.day("Last Activity Date")}
		for _, program := range []graph.EmailProgram{
			graph.MailForMac, graph.OutlookForMac, graph.OutlookForWindows, graph.OutlookForMobile, graph.OtherForMobile, graph.OutlookForWeb,
			graph.ProgramPOP3, graph.ProgramIMAP4, graph.ProgramSMTP,
		} {
			if o.text(string(program)) == "Yes" {
				row.Programs = append(row.Programs, program)
			}
		}
		use.Rows = append(use.Rows, row)
	}
	versions := graph.OutlookVersions{Users: map[string]int{}}
	for _, o := range p.file("/v1.0/reports/getEmailAppUsageVersionsUserCounts(period='D30')") {
		versions.Refreshed = o.day("Report Refresh Date")
		for column := range o {
			if n, err := strconv.Atoi(o.text(column)); err == nil && column != "Report Period" {
				versions.Users[column] = n
			}
		}
	}
	return use, versions
}

func (p plain) methodsPolicy() graph.MethodsPolicy {
	p.t.Helper()
	o := p.get("/v1.0/policies/authenticationMethodsPolicy")
	kinds := map[string]graph.MethodKind{
		"Fido2": graph.MethodPasskey, "MicrosoftAuthenticator": graph.MethodAuthenticator, "Sms": graph.MethodPhone, "Voice": graph.MethodPhone,
		"TemporaryAccessPass": graph.MethodTemporaryPass, "SoftwareOath": graph.MethodSoftwareOATH, "Email": graph.MethodEmail,
		"X509Certificate": "", "VerifiableCredentials": "", "QRCodePin": "",
	}
	policy := graph.MethodsPolicy{Migrated: o.text("policyMigrationState") == "migrationComplete", Changed: o.time("lastModifiedDateTime")}
	for _, c := range o.objects("authenticationMethodConfigurations") {
		kind, named := kinds[c.text("id")]
		if !named {
			kind = graph.MethodExternal // whose ID is a GUID
		}
		s := graph.MethodSetting{ID: c.text("id"), Kind: kind, Enabled: c.text("state") == "enabled", Include: targets(c, "includeTargets"), Exclude: targets(c, "excludeTargets")}
		policy.Methods = append(policy.Methods, s)
		if kind == graph.MethodTemporaryPass {
			policy.Pass = graph.PassPolicy{
				Enabled: s.Enabled, MinLifetime: c.minutes("minimumLifetimeInMinutes"), MaxLifetime: c.minutes("maximumLifetimeInMinutes"),
				DefaultLifetime: c.minutes("defaultLifetimeInMinutes"), Length: int(c["defaultLength"].(float64)), OnceOnly: c.flag("isUsableOnce"),
				Include: s.Include, Exclude: s.Exclude,
			}
		}
	}
	campaign := func(o object) object {
		return o["registrationEnforcement"].(map[string]any)["authenticationMethodsRegistrationCampaign"].(map[string]any)
	}
	c := campaign(o)
	enforced := campaign(p.get("/beta/policies/authenticationMethodsPolicy")).flag("enforceRegistrationAfterAllowedSnoozes")
	policy.Campaign = graph.Campaign{
		State: graph.CampaignState(c.text("state")), SnoozeDays: int(c["snoozeDurationInDays"].(float64)), Enforced: &enforced,
		Include: targets(c, "includeTargets"), Exclude: targets(c, "excludeTargets"),
	}
	return policy
}

func targets(o object, name string) []graph.Target {
	all := []graph.Target{}
	for _, t := range o.objects(name) {
		all = append(all, graph.Target{ID: t.text("id"), Group: t.text("targetType") == "group", Method: t.text("targetedAuthenticationMethod")})
	}
	return all
}

// policyFrom knows no more than the tenant's own policies hold.
func policyFrom(o object) graph.Policy {
	inner := func(o object, name string) object { inside, _ := o[name].(map[string]any); return inside }
	conditions := inner(o, "conditions")
	apps, users, grant := inner(conditions, "applications"), inner(conditions, "users"), inner(o, "grantControls")
	return graph.Policy{
		ID: o.text("id"), Name: o.text("displayName"), State: graph.PolicyState(o.text("state")),
		Apps: apps.texts("includeApplications"), Clients: conditions.texts("clientAppTypes"),
		Users: graph.PolicyUsers{
			IncludeUsers: users.texts("includeUsers"), ExcludeUsers: users.texts("excludeUsers"),
			IncludeGroups: users.texts("includeGroups"), ExcludeGroups: users.texts("excludeGroups"),
			IncludeRoles: users.texts("includeRoles"), ExcludeRoles: users.texts("excludeRoles"),
		},
		Controls: grant.texts("builtInControls"), All: grant.text("operator") == "AND",
	}
}

func (p plain) audits() []graph.Audit {
	p.t.Helper()
	var all []graph.Audit
	for _, o := range p.list("/v1.0/auditLogs/directoryAudits") {
		a := graph.Audit{
			ID: o.text("id"), At: o.time("activityDateTime"), Activity: o.text("activityDisplayName"), Category: o.text("category"),
			Service: o.text("loggedByService"), Operation: o.text("operationType"), Succeeded: o.text("result") == "success",
			CorrelationID: o.text("correlationId"), Targets: []graph.AuditTarget{},
		}
		by := object(o["initiatedBy"].(map[string]any))
		if u, ok := by["user"].(map[string]any); ok {
			a.ByUserID, a.ByUPN = object(u).text("id"), object(u).text("userPrincipalName")
		}
		if app, ok := by["app"].(map[string]any); ok {
			a.ByAppID, a.ByApp = object(app).text("appId"), object(app).text("displayName")
		}
		for _, r := range o.objects("targetResources") {
			target := graph.AuditTarget{ID: r.text("id"), Type: r.text("type"), Name: r.text("displayName"), UPN: r.text("userPrincipalName")}
			for _, c := range r.objects("modifiedProperties") {
				target.Changes = append(target.Changes, graph.AuditChange{Property: c.text("displayName"), Old: c.text("oldValue"), New: c.text("newValue")})
			}
			a.Targets = append(a.Targets, target)
		}
		all = append(all, a)
	}
	return all
}

// reports reads what needs a licence. The sign-ins are those of both logs.
func (p plain) reports(truth *graphtest.Truth) {
	p.t.Helper()
	for _, o := range p.list("/v1.0/identity/conditionalAccess/policies") {
		truth.Policies = append(truth.Policies, policyFrom(o))
	}
	for _, o := range p.list("/v1.0/users?$top=500&$select=id,signInActivity") {
		last := graph.LastSignIn{UserID: o.text("id")}
		if seen, ok := o["signInActivity"].(map[string]any); ok {
			last.At = object(seen).time("lastSignInDateTime")
			if quiet := object(seen).time("lastNonInteractiveSignInDateTime"); quiet.After(last.At) {
				last.At = quiet
			}
		}
		truth.LastSignIns = append(truth.LastSignIns, last)
	}
	for _, o := range p.list("/v1.0/reports/authenticationMethods/userRegistrationDetails") {
		r := graph.Registration{UserID: o.text("id"), Registered: o.flag("isMfaRegistered"), Capable: o.flag("isMfaCapable"), AsOf: o.time("lastUpdatedDateTime"), Methods: []string{}}
		for _, m := range o["methodsRegistered"].([]any) {
			r.Methods = append(r.Methods, fmt.Sprint(m))
		}
		truth.Registrations = append(truth.Registrations, r)
	}
	since := "createdDateTime ge " + truth.Since.Format(time.RFC3339)
	for _, address := range []string{
		"/v1.0/auditLogs/signIns?$filter=" + since,
		"/beta/auditLogs/signIns?$filter=" + since + " and signInEventTypes/any(t: t eq 'nonInteractiveUser')",
	} {
		for _, o := range p.list(address) {
			if graph.LegacyClient(o.text("clientAppUsed")) {
				code := o["status"].(map[string]any)["errorCode"].(float64)
				truth.LegacySignIns = append(truth.LegacySignIns, graph.SignIn{
					UserID: o.text("userId"), UPN: o.text("userPrincipalName"), Client: o.text("clientAppUsed"), App: o.text("appDisplayName"),
					At: o.time("createdDateTime"), Interactive: o.flag("isInteractive"), ErrorCode: int(code),
				})
			}
		}
	}
}
