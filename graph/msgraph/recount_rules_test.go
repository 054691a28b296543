package msgraph_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// reportAge is more than the oldest row of a registration report.
const reportAge = 7 * time.Hour

// rules are what a tenant demands and allows, as it says itself.
type rules struct {
	defaults bool
	policies []object
	configs  []object // of the methods policy
	migrated bool
	perUser  map[string]string
	groups   map[string]map[string]bool // members
	staff    string                     // the group without a role
}

const configsPath = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations"

// rule draws security defaults or policies, settings of methods, and people with
// the old per-user setting.
func (r *recounted) rule(one func() string, by *rand.Rand) {
	pick := func(words ...string) string { return words[by.IntN(len(words))] }
	groups := r.list("/v1.0/groups")
	group := func() string { return groups[by.IntN(len(groups))].text("id") }
	on := by.IntN(3) == 0
	if on {
		r.send(http.MethodPatch, "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", object{"isEnabled": true})
	}
	for range by.IntN(4) {
		if r.licence == graph.Free {
			break
		}
		state := pick("enabled", "enabled", "enabled", "disabled", "enabledForReportingButNotEnforced")
		if on && state == "enabled" { // Graph refuses that
			state = "disabled"
		}
		r.send(http.MethodPost, "/v1.0/identity/conditionalAccess/policies", object{
			"displayName": "drawn", "state": state, "conditions": r.conditions(one, group, by),
			"grantControls": object{"operator": pick("OR", "AND"), "builtInControls": [][]string{
				{"mfa"}, {"mfa"}, {"block"}, {"mfa", "compliantDevice"}, {"compliantDevice"},
			}[by.IntN(5)]},
		})
	}
	for range by.IntN(4) {
		r.send(http.MethodPatch, "/beta/users/"+one()+"/authentication/requirements", object{"perUserMfaState": pick("enforced", "enforced", "enabled", "disabled")})
	}
	for range by.IntN(3) {
		id := pick("MicrosoftAuthenticator", "Sms", "Fido2", "SoftwareOath", "Voice")
		change := object{"@odata.type": "#microsoft.graph." + strings.ToLower(id[:1]) + id[1:] + "AuthenticationMethodConfiguration", "state": pick("enabled", "disabled")}
		switch by.IntN(4) {
		case 0:
			change["includeTargets"] = []object{{"id": group(), "targetType": "group"}}
		case 1:
			change["excludeTargets"] = []object{{"id": group(), "targetType": "group"}}
		case 2:
			change["excludeTargets"] = []object{{"id": one(), "targetType": "user"}}
		default:
		}
		r.send(http.MethodPatch, configsPath+"/"+id, change)
	}
	if r.licence == graph.Free && by.IntN(5) == 0 { // the report knows what was allowed before, and we do not
		r.send(http.MethodPatch, "/v1.0/policies/authenticationMethodsPolicy", object{"policyMigrationState": "migrationInProgress"})
	}
}

// conditions are whom and what a policy reaches.
func (r *recounted) conditions(one, group func() string, by *rand.Rand) object {
	users := object{}
	switch by.IntN(8) {
	case 0:
		users["includeUsers"] = []string{one(), one()}
	case 1, 2:
		users["includeUsers"], users["includeGroups"] = []string{}, []string{group()}
	case 3:
		users["includeUsers"], users["includeRoles"] = []string{}, []string{graph.RoleGlobalAdministrator}
	case 4:
		users["includeUsers"] = []string{"GuestsOrExternalUsers"}
	default:
		users["includeUsers"] = []string{"All"}
	}
	switch by.IntN(6) {
	case 0:
		users["excludeUsers"] = []string{one()}
	case 1, 2:
		users["excludeGroups"] = []string{group()}
	case 3:
		users["excludeRoles"] = []string{graph.RoleGlobalAdministrator}
	default:
	}
	apps := object{"includeApplications": []string{"All"}}
	switch by.IntN(8) {
	case 0:
		apps["includeApplications"] = []string{"00000002-0000-0ff1-ce00-000000000000"}
	case 1:
		apps["excludeApplications"] = []string{"00000002-0000-0ff1-ce00-000000000000"}
	default:
	}
	c := object{"users": users, "applications": apps, "clientAppTypes": [][]string{
		{"all"}, {"all"}, {"all"}, {"browser", "mobileAppsAndDesktopClients"}, {"exchangeActiveSync", "other"},
	}[by.IntN(5)]}
	if by.IntN(8) == 0 {
		c["locations"] = object{"includeLocations": []string{"All"}, "excludeLocations": []string{"AllTrusted"}}
	}
	return c
}

// readRules asks the tenant for all of that, before anything is refused.
func (r recounted) readRules() rules {
	r.t.Helper()
	found := rules{
		defaults: r.get("/v1.0/policies/identitySecurityDefaultsEnforcementPolicy").flag("isEnabled"),
		perUser:  map[string]string{}, groups: map[string]map[string]bool{},
	}
	if r.licence >= graph.P1 {
		found.policies = r.list("/v1.0/identity/conditionalAccess/policies")
	}
	policy := r.get("/v1.0/policies/authenticationMethodsPolicy")
	found.configs, found.migrated = policy.objects("authenticationMethodConfigurations"), policy.text("policyMigrationState") == "migrationComplete"
	for _, u := range r.list("/v1.0/users?$top=999&$select=id") {
		id := u.text("id")
		found.perUser[id] = r.get("/beta/users/" + id + "/authentication/requirements").text("perUserMfaState")
	}
	for _, g := range r.list("/v1.0/groups") {
		members := map[string]bool{}
		for _, u := range r.list("/v1.0/groups/" + g.text("id") + "/members") {
			members[u.text("id")] = true
		}
		found.groups[g.text("id")] = members
		if !g.flag("isAssignableToRole") {
			found.staff = g.text("id")
		}
	}
	return found
}

// What may be refused beside somebody's methods.
const (
	noPolicies = "policies"
	noDefaults = "defaults"
	noMethods  = "methods policy"
	noSignIns  = "sign-ins"
	noMail     = "mail programs"
	perUserOf  = "per-user setting of " // and an account's ID; a group goes by its ID
)

// refuse draws what the tenant refuses from now on.
func (r *recounted) refuse(one func() string, by *rand.Rand) (faults []map[string]any) {
	add := func(path string) {
		faults = append(faults, map[string]any{"method": "GET", "path": path, "status": 403})
	}
	for _, source := range []struct{ name, path string }{
		{noPolicies, "/identity/conditionalAccess/policies*"},
		{noDefaults, "/policies/identitySecurityDefaultsEnforcementPolicy"},
		{noMethods, "/policies/authenticationMethodsPolicy"},
		{noSignIns, "/auditLogs/signIns*"},
		{noMail, "/reports/getEmailAppUsageUserDetail*"},
	} {
		// Whose row the report has is then capable all the same, and whose is not we
		// cannot tell without looking at what was read.
		if by.IntN(7) == 0 && !(source.name == noMethods && r.licence >= graph.P1) {
			r.refused[source.name] = true
			add(source.path)
		}
	}
	for range by.IntN(3) {
		id := one()
		r.refused[perUserOf+id] = true
		add("/users/" + id + "/authentication/requirements")
	}
	if by.IntN(2) == 0 { // but not that of a role: then nobody's roles are known
		r.refused[r.rules.staff] = true
		add("/groups/" + r.rules.staff + "/*")
	}
	return faults
}

// What is demanded of somebody.
const (
	notDemanded = iota
	demanded    // a second factor, wherever they sign in
)

// demands answers for one person whether MFA is demanded of every sign-in, and
// whether that can be known from what is not refused.
func (r recounted) demands(id string, admin bool) (answer int, known bool) {
	known = true
	if r.rules.defaults && !r.refused[noDefaults] || r.rules.perUser[id] == "enforced" && !r.refused[perUserOf+id] {
		return demanded, true
	}
	known = !r.refused[noDefaults] && !r.refused[perUserOf+id]
	if r.licence == graph.Free {
		return notDemanded, known
	}
	if r.refused[noPolicies] {
		return notDemanded, false
	}
	// Twice: as if the groups that are refused had everybody in them that they
	// would have to have for it, and nobody.
	least, most := r.guarded(id, admin, false), r.guarded(id, admin, true)
	switch {
	case least:
		return demanded, true
	case most:
		r.cases[byGroup]++
		return notDemanded, false
	default:
		return notDemanded, known
	}
}

// guarded reports whether every client of every app is met by a policy, one by
// one: asked for MFA or, where it is an old one, stopped.
func (r recounted) guarded(id string, admin, kindly bool) bool {
	asked := false
	for _, client := range []string{"browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"} {
		met := false
		for _, p := range r.rules.policies {
			conditions, grant := object(p["conditions"].(map[string]any)), object(p["grantControls"].(map[string]any))
			controls := grant.texts("builtInControls")
			mfa := slices.Contains(controls, "mfa") && (len(controls) == 1 || grant.text("operator") == "AND")
			old := client == "exchangeActiveSync" || client == "other"
			if p.text("state") != "enabled" || !mfa && !(old && slices.Contains(controls, "block")) || !r.reaches(conditions, id, admin, kindly) {
				continue
			}
			asked = asked || mfa
			apps := object(conditions["applications"].(map[string]any))
			everywhere := slices.Contains(apps.texts("includeApplications"), "All") && len(apps.texts("excludeApplications")) == 0 && conditions["locations"] == nil
			clients := conditions.texts("clientAppTypes")
			met = met || everywhere && (slices.Contains(clients, "all") || slices.Contains(clients, client))
		}
		if !met {
			return false
		}
	}
	return asked
}

// reaches reports whether a policy means somebody. Of a group that is refused
// kindly decides.
func (r recounted) reaches(conditions object, id string, admin, kindly bool) bool {
	users := object(conditions["users"].(map[string]any))
	named := func(part string, unknown bool) bool {
		list := users.texts(part + "Users")
		in := slices.Contains(list, "All") || slices.Contains(list, id) || admin && slices.Contains(r.globals(), id) && len(users.texts(part+"Roles")) > 0
		for _, g := range users.texts(part + "Groups") {
			in = in || r.refused[g] && unknown || !r.refused[g] && r.rules.groups[g][id]
		}
		return in
	}
	return named("include", kindly) && !named("exclude", !kindly)
}

// globals are the accounts with the one role that a policy is drawn for.
func (r recounted) globals() (ids []string) {
	for _, h := range r.holders {
		if slices.ContainsFunc(h.Roles, func(role graph.Role) bool { return role.TemplateID == graph.RoleGlobalAdministrator }) {
			ids = append(ids, h.UserID)
		}
	}
	return ids
}

// capable reports whether the tenant lets somebody use one of their methods, and
// whether that can be known. The report says so itself; without it and without the
// policy it is known of nobody who has a method, not even of those few whose method
// the policy does not speak of: the reason says more than they.
func (r recounted) capable(id string, methods []graph.Method) (able, known bool) {
	known = true
	for _, m := range methods {
		ids := []string{string(m.Kind)} // of the settings, any of which is enough
		switch {
		case m.Kind == graph.MethodPassword, m.Kind == graph.MethodEmail, m.Kind == graph.MethodTemporaryPass:
			continue
		case r.refused[noMethods]:
			return false, false
		case m.Kind == graph.MethodWindowsHello, m.Kind == graph.MethodPlatformCredential:
			return true, true
		case m.Kind == graph.MethodPhone && m.Label == "office":
			ids = []string{"voice"}
		case m.Kind == graph.MethodPhone:
			ids = []string{"sms", "voice"}
		default:
		}
		allowed, sure := false, true
		for _, c := range r.rules.configs {
			external := m.Kind == graph.MethodExternal && strings.HasPrefix(c.text("@odata.type"), "#microsoft.graph.external")
			if c.text("state") != "enabled" || !external && !slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, c.text("id")) }) {
				continue
			}
			yes, certain := r.targeted(c, id, r.rows[id])
			allowed, sure = allowed || yes && certain, sure && (certain || allowed)
		}
		old := m.Kind == graph.MethodPhone || m.Kind == graph.MethodAuthenticator || m.Kind == graph.MethodSoftwareOATH
		if !allowed && old && !r.rules.migrated { // what was set before may allow it
			sure = false
		}
		able, known = able || allowed, known && (sure || allowed)
	}
	return able, able || known
}

// targeted reports whether a setting means somebody. Where a group is refused
// that can only be known by the others, or by the report.
func (r recounted) targeted(config object, id string, reported bool) (yes, known bool) {
	in := func(name string) (yes, known bool) {
		known = true
		for _, t := range config.objects(name) {
			target := t.text("id")
			switch {
			case target == graph.AllUsers, target == id, (reported || !r.refused[target]) && r.rules.groups[target][id]:
				return true, true
			case r.refused[target] && !reported:
				known = false
			}
		}
		return false, known
	}
	included, sure := in("includeTargets")
	excluded, certain := in("excludeTargets")
	switch {
	case excluded, !included && sure:
		return false, true
	default:
		return included, sure && certain
	}
}

// byGroup is the case of somebody whose group is not known.
const byGroup = "enforced unknown by a group"

// casesOfRules have to come at least once among the drawn tenants.
func casesOfRules() []string {
	return []string{
		"capable yes", "capable no", "capable unknown", "enforced yes", "enforced no", "enforced unknown", byGroup,
		"legacy_succeeded some", "legacy_succeeded none", "legacy_succeeded needs P1", "legacy_succeeded permission missing: AuditLog.Read.All",
		"legacy_blocked some", "legacy_accounts some", "legacy_people some", "mail_seen some", "mail_seen none",
		"mail_seen permission missing: Reports.Read.All", "mail_seen_people some", "mail_seen_people names concealed",
		"mail_seen_smtp some", "mail_seen_imap some", "mail_seen_pop some",
	}
}
