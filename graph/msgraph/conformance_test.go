package msgraph_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
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
				c := client(t, msgraph.Config{BaseURL: root + "/v1.0", Credential: msgraph.StaticToken("conformance"), Now: noon})
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

// plain reads a tenant with nothing but net/http and encoding/json.
type plain struct {
	t    *testing.T
	root string
}

type object map[string]any

func (o object) text(name string) string { s, _ := o[name].(string); return s }
func (o object) flag(name string) bool   { b, _ := o[name].(bool); return b }

func (o object) day(name string) time.Time {
	at, _ := time.Parse(time.DateOnly, o.text(name))
	return at
}

func (o object) minutes(name string) time.Duration {
	n, _ := o[name].(float64)
	return time.Duration(n) * time.Minute
}

// texts are the items of a member that is a list of texts, nil if it is not there.
func (o object) texts(name string) []string {
	var all []string
	items, _ := o[name].([]any)
	for _, item := range items {
		all = append(all, item.(string))
	}
	return all
}

// objects are the items of a member that is a list of objects.
func (o object) objects(name string) []object {
	items, _ := o[name].([]any)
	all := make([]object, len(items))
	for i, item := range items {
		all[i] = item.(map[string]any)
	}
	return all
}

func (o object) time(name string) time.Time {
	at, _ := time.Parse(time.RFC3339, o.text(name))
	return at
}

func (p plain) get(address string) object {
	p.t.Helper()
	o, ok := p.find(address)
	if !ok {
		p.t.Fatalf("%s: not found", address)
	}
	return o
}

// find is get for what need not be there.
func (p plain) find(address string) (_ object, ok bool) {
	p.t.Helper()
	res := p.ask(address)
	defer res.Body.Close()
	var o object
	if err := json.NewDecoder(res.Body).Decode(&o); err != nil || res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound {
		p.t.Fatalf("%s: %d %v %v", address, res.StatusCode, o, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, false
	}
	return o, true
}

// ask sends a request with a token, which net/http leaves out on other hosts.
func (p plain) ask(address string) *http.Response {
	p.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.root + address
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, strings.ReplaceAll(address, " ", "%20"), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer plain")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	return res
}

func (p plain) list(address string) []object {
	p.t.Helper()
	var all []object
	for address != "" {
		page := p.get(address)
		for _, item := range page["value"].([]any) {
			all = append(all, item.(map[string]any))
		}
		address = page.text("@odata.nextLink")
	}
	return all
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

func (p plain) methods(id string) []graph.Method {
	p.t.Helper()
	all := []graph.Method{}
	for _, o := range p.list("/v1.0/users/" + id + "/authentication/methods") {
		m := graph.Method{ID: o.text("id"), Created: o.time("createdDateTime"), Label: o.text("displayName")}
		kind := strings.TrimPrefix(o.text("@odata.type"), "#microsoft.graph.")
		m.Kind = graph.MethodKind(strings.TrimSuffix(kind, "AuthenticationMethod"))
		if m.Kind == graph.MethodPhone {
			m.Label = o.text("phoneType")
		}
		all = append(all, m)
	}
	return all
}

// roleHolders asks role by role, which is not how the client asks.
func (p plain) roleHolders() []graph.RoleHolder {
	p.t.Helper()
	byUser := map[string][]graph.Role{}
	for _, role := range p.list("/v1.0/directoryRoles") {
		r := graph.Role{TemplateID: role.text("roleTemplateId"), Name: role.text("displayName")}
		for _, member := range p.list("/v1.0/directoryRoles/" + role.text("id") + "/members") {
			ids := []string{member.text("id")}
			switch member.text("@odata.type") {
			case "#microsoft.graph.group":
				ids = nil
				for _, u := range p.list("/v1.0/groups/" + member.text("id") + "/members") {
					ids = append(ids, u.text("id"))
				}
			case "#microsoft.graph.user":
			default:
				continue
			}
			for _, id := range ids {
				byUser[id] = append(byUser[id], r)
			}
		}
	}
	var all []graph.RoleHolder
	for id, roles := range byUser {
		all = append(all, graph.RoleHolder{UserID: id, Roles: roles})
	}
	return all
}

// people reads what is asked user by user, of some.
func (p plain) people(truth *graphtest.Truth) {
	p.t.Helper()
	truth.Managers, truth.PerUserMFA = map[string]string{}, map[string]graph.PerUserMFA{}
	truth.Preferences, truth.Passes = map[string]graph.SignInPreference{}, map[string][]graph.Pass{}
	for id := range truth.Methods {
		above, _ := p.find("/v1.0/users/" + id + "/manager?$select=id")
		truth.Managers[id] = above.text("id")
		truth.PerUserMFA[id] = graph.PerUserMFA(p.get("/beta/users/" + id + "/authentication/requirements").text("perUserMfaState"))
		o := p.get("/beta/users/" + id + "/authentication/signInPreferences")
		truth.Preferences[id] = graph.SignInPreference{
			Method: o.text("userPreferredMethodForSecondaryAuthentication"), System: o.flag("isSystemPreferredAuthenticationMethodEnabled"),
		}
		truth.Passes[id] = []graph.Pass{}
		for _, o := range p.list("/v1.0/users/" + id + "/authentication/temporaryAccessPassMethods") {
			truth.Passes[id] = append(truth.Passes[id], graph.Pass{
				ID: o.text("id"), Start: o.time("startDateTime"), Lifetime: o.minutes("lifetimeInMinutes"),
				Once: o.flag("isUsableOnce"), Usable: o.flag("isUsable"), Why: o.text("methodUsabilityReason"),
			})
		}
	}
}

// aliases are the addresses that lead to users beside their UPN and mail.
func (p plain) aliases() map[string][]string {
	p.t.Helper()
	all, taken := map[string][]string{}, map[string]bool{}
	people := p.list("/v1.0/users?$top=999&$select=id,userPrincipalName,mail,proxyAddresses,otherMails")
	for _, o := range people {
		taken[strings.ToLower(o.text("userPrincipalName"))], taken[strings.ToLower(o.text("mail"))] = true, true
	}
	for _, o := range people {
		for _, list := range []string{"proxyAddresses", "otherMails"} {
			addresses, _ := o[list].([]any)
			for _, a := range addresses {
				address := strings.TrimPrefix(strings.TrimPrefix(a.(string), "smtp:"), "SMTP:")
				if !taken[strings.ToLower(address)] && len(all) < 30 {
					all[address] = append(all[address], o.text("id"))
				}
			}
		}
	}
	return all
}

// groups are those that hold a role: there is no list of all.
func (p plain) groups(truth *graphtest.Truth) {
	p.t.Helper()
	truth.Members = map[string][]string{}
	for _, a := range p.list("/v1.0/roleManagement/directory/roleAssignments?$expand=principal") {
		principal := object(a["principal"].(map[string]any))
		id := principal.text("id")
		if _, known := truth.Members[id]; known || principal.text("@odata.type") != "#microsoft.graph.group" {
			continue
		}
		o := p.get("/v1.0/groups/" + id)
		truth.Groups = append(truth.Groups, graph.Group{ID: id, Name: o.text("displayName"), RoleAssignable: o.flag("isAssignableToRole")})
		truth.Members[id] = nil
		for _, u := range p.list("/v1.0/groups/" + id + "/members") {
			truth.Members[id] = append(truth.Members[id], u.text("id"))
		}
	}
}

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

// file reads a report's table, a line as an object.
func (p plain) file(address string) []object {
	p.t.Helper()
	res := p.ask(address)
	defer res.Body.Close()
	table, err := csv.NewReader(res.Body).ReadAll()
	if err != nil || res.StatusCode != http.StatusOK || len(table) < 2 {
		p.t.Fatalf("%s: %d, %d lines, %v", address, res.StatusCode, len(table), err)
	}
	table[0][0] = strings.TrimPrefix(table[0][0], "\ufeff")
	var all []object
	for _, cells := range table[1:] {
		o := object{}
		for i, column := range table[0] {
			o[column] = cells[i]
		}
		all = append(all, o)
	}
	return all
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
