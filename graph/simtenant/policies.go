package simtenant

import (
	"iter"
	"maps"
	"net/http"
	"slices"
	"time"

	"twokey/graph"
)

// policy is a Conditional Access policy. Its body is never modified.
type policy struct {
	id       string
	body     document // displayName, state, conditions, grantControls, sessionControls
	created  time.Time
	modified time.Time // zero: never
}

// mode is the policy's state, as Graph spells it.
func (p *policy) mode() string {
	s, _ := p.body["state"].(string)
	return s
}

func (p *policy) enabled() bool { return p.mode() == string(graph.PolicyEnabled) }

func (p *policy) document() document {
	d := maps.Clone(p.body)
	d["id"], d["templateId"], d["createdDateTime"], d["modifiedDateTime"] = p.id, nil, stampFine(p.created), nil
	if !p.modified.IsZero() {
		d["modifiedDateTime"] = stampFine(p.modified)
	}
	for _, part := range []string{"grantControls", "sessionControls"} {
		if _, ok := d[part]; !ok {
			d[part] = nil
		}
	}
	return d
}

// maxPolicies is how many Conditional Access policies a tenant may have.
const maxPolicies = 195

// enforces reports whether any Conditional Access policy is enabled.
func (s *state) enforces() bool {
	return slices.ContainsFunc(s.policies, func(p policy) bool { return p.enabled() })
}

// blocks reports whether an enabled policy stops this account's legacy client.
func (s *state) blocks(a *account, client string) bool {
	kind := "other"
	if client == "Exchange ActiveSync" {
		kind = "exchangeActiveSync"
	}
	return slices.ContainsFunc(s.policies, func(p policy) bool {
		conditions, _ := p.body["conditions"].(document)
		users, _ := conditions["users"].(document)
		controls, _ := p.body["grantControls"].(document)
		types := conditions["clientAppTypes"]
		return p.enabled() && has(controls["builtInControls"], "block") && (has(types, kind) || has(types, "all")) &&
			(has(users["includeUsers"], "All") || has(users["includeUsers"], a.id)) && !has(users["excludeUsers"], a.id)
	})
}

func has(list any, want string) bool {
	items, _ := list.([]any)
	return slices.Contains(items, any(want))
}

// past is what was done to the tenant before anybody calls it: security
// defaults are off, and with a licence somebody made one policy that is switched
// off and one in report-only, so that security defaults can still be enabled.
func (w *world) past(cfg Config) ([]version, []note) {
	methods := newMethodsPolicy(w.epoch.Add(-200*day), cfg.PassesOff)
	versions := []version{{at: w.epoch.Add(-history), state: &state{methods: methods, concealed: cfg.ConcealNames, apps: w.applications(cfg.Apps)}}}
	if w.licence < graph.P1 {
		return versions, nil
	}
	var notes []note
	for _, p := range []policy{
		w.oldPolicy(0, "Require MFA for administrators (pilot)", graph.PolicyDisabled, []any{"all"}, "mfa", 60*day),
		w.oldPolicy(1, "Block legacy authentication (trial)", graph.PolicyReportOnly, []any{"exchangeActiveSync", "other"}, "block", 12*day),
	} {
		n := p.note("Add conditional access policy", "Add", "", p.mode())
		n.at, n.by, n.request = p.created, w.castAccount("ada"), p.id
		notes = append(notes, n)
		versions = append(versions, version{at: p.created, state: versions[len(versions)-1].state.withPolicy(p)})
	}
	return versions, notes
}

func (w *world) oldPolicy(n int, name string, s graph.PolicyState, clients []any, control string, age time.Duration) policy {
	exclude := []any{}
	for _, m := range Emergency(w.seed) {
		exclude = append(exclude, m.ObjectID)
	}
	return policy{
		id: guid(stream(w.seed, "old policy", n)), created: w.epoch.Add(-age),
		body: document{
			"displayName": name, "state": string(s),
			"conditions": document{
				"clientAppTypes": clients, "applications": document{"includeApplications": []any{"All"}},
				"users": document{"includeUsers": []any{"All"}, "excludeUsers": exclude},
			},
			"grantControls": document{"operator": "OR", "builtInControls": []any{control}},
		},
	}
}

var policySet = &set{
	typ:     "microsoft.graph.conditionalAccessPolicy",
	known:   words("id deletedDateTime templateId displayName description createdDateTime modifiedDateTime state conditions grantControls sessionControls"),
	filters: map[string]ops{"id": eq, "displayName": eq | starts, "state": eq},
	top:     100, maxTop: 999,
}

// needsPremium refuses Conditional Access on a Free tenant. The words of the
// real refusal are not known, only that it is a 403 whose code is not that of
// the reports: who must tell a licence from a permission asks for the SKUs.
func (c *call) needsPremium() error {
	if c.t.world.licence >= graph.P1 {
		return nil
	}
	return refuse(http.StatusForbidden, "AccessDenied", "Your tenant is not licensed for Conditional Access. It needs Azure AD Premium P1.")
}

func listPolicies(c *call) (*answer, error) {
	if err := c.needsPremium(); err != nil {
		return nil, err
	}
	list := c.view.state.policies
	return c.list(policySet, "identity/conditionalAccess/policies", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(i int) entity { return list[i].document() })
	})
}

// policy finds the policy that the path names.
func (s *state) policy(id string) (policy, error) {
	for _, p := range s.policies {
		if sameID(p.id, id) {
			return p, nil
		}
	}
	return policy{}, notFound(id)
}

func getPolicy(c *call) (*answer, error) {
	if err := c.needsPremium(); err != nil {
		return nil, err
	}
	p, err := c.view.state.policy(c.vars[0])
	if err != nil {
		return nil, err
	}
	return c.one(policySet, "identity/conditionalAccess/policies", p.document())
}

func postPolicy(c *call) (*answer, error) {
	d, err := c.policyBody()
	if err != nil {
		return nil, err
	}
	for _, part := range []string{"displayName", "state", "conditions"} {
		if d[part] == nil {
			return nil, badPolicy("the member '" + part + "' is missing.")
		}
	}
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		p := policy{id: guid(stream(c.t.world.seed, "policy", e.N)), body: d, created: e.At}
		if p.enabled() && old.defaults {
			return nil, note{}, nil, defaultsAreOn()
		}
		if len(old.policies) >= maxPolicies {
			return nil, note{}, nil, badRequest("The maximum number of Conditional Access policies has been reached.")
		}
		body := p.document()
		body["@odata.context"] = c.context("identity/conditionalAccess/policies/$entity", nil)
		return old.withPolicy(p), p.note("Add conditional access policy", "Add", "", p.mode()), &answer{status: http.StatusCreated, header: map[string]string{"Location": c.base + "/v1.0" + c.path + "/" + p.id}, body: body}, nil
	})
}

func patchPolicy(c *call) (*answer, error) {
	d, err := c.policyBody()
	if err != nil {
		return nil, err
	}
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		was, err := old.policy(c.vars[0])
		if err != nil {
			return nil, note{}, nil, err
		}
		p := policy{id: was.id, created: was.created, modified: e.At, body: maps.Clone(was.body)}
		maps.Copy(p.body, d)
		if p.enabled() && old.defaults {
			return nil, note{}, nil, defaultsAreOn()
		}
		return old.withPolicy(p), p.note("Update conditional access policy", "Update", was.mode(), p.mode()), &answer{status: http.StatusNoContent}, nil
	})
}

func deletePolicy(c *call) (*answer, error) {
	if err := c.needsPremium(); err != nil {
		return nil, err
	}
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		p, err := old.policy(c.vars[0])
		if err != nil {
			return nil, note{}, nil, err
		}
		return old.withoutPolicy(p.id), p.note("Delete conditional access policy", "Delete", p.mode(), ""), &answer{status: http.StatusNoContent}, nil
	})
}

func (p *policy) note(activity, kind, old, new string) note {
	name, _ := p.body["displayName"].(string)
	return note{activity: activity, kind: kind, targetID: p.id, target: name, property: "state", old: old, new: new}
}

func defaultsAreOn() *refusal {
	return badRequest("Security Defaults is enabled in the tenant. You must disable Security defaults before enabling a Conditional Access policy.")
}

func badPolicy(detail string) *refusal {
	return badRequest("1007: The incoming policy does not match the schema: " + detail)
}

var (
	textList   = listOf(text)
	riskLevels = listOf(oneOf("low", "medium", "high", "hidden", "none"))

	policyBody = shape{
		"id": text, "templateId": text, "createdDateTime": text, "modifiedDateTime": text, "description": text, "displayName": text,
		"state": oneOf(string(graph.PolicyEnabled), string(graph.PolicyDisabled), string(graph.PolicyReportOnly)),
		"conditions": shape{
			"clientAppTypes": listOf(oneOf("all", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other")),
			"applications": shape{
				"includeApplications": textList, "excludeApplications": textList, "includeUserActions": textList,
				"includeAuthenticationContextClassReferences": textList, "applicationFilter": anything,
			}.check,
			"users": shape{
				"includeUsers": textList, "excludeUsers": textList, "includeGroups": textList, "excludeGroups": textList,
				"includeRoles": textList, "excludeRoles": textList, "includeGuestsOrExternalUsers": anything, "excludeGuestsOrExternalUsers": anything,
			}.check,
			"signInRiskLevels": riskLevels, "userRiskLevels": riskLevels, "servicePrincipalRiskLevels": riskLevels,
			"platforms": anything, "locations": anything, "devices": anything, "clientApplications": anything,
			"insiderRiskLevels": text, "authenticationFlows": anything,
		}.check,
		"grantControls": shape{
			"operator":                    oneOf("AND", "OR"),
			"builtInControls":             listOf(oneOf("block", "mfa", "compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication", "passwordChange")),
			"customAuthenticationFactors": textList, "termsOfUse": textList, "authenticationStrength": anything,
		}.check,
		"sessionControls": anything,
	}
)

// policyBody reads a policy as it was sent and says no to what Graph would.
func (c *call) policyBody() (document, error) {
	if err := c.needsPremium(); err != nil {
		return nil, err
	}
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := policyBody.check("", d); wrong != "" {
		return nil, badPolicy(wrong)
	}
	d = documents(d).(document)
	for _, fixed := range []string{"id", "templateId", "createdDateTime", "modifiedDateTime", "@odata.type", "@odata.context"} {
		delete(d, fixed)
	}
	if conditions, ok := d["conditions"].(document); ok {
		if err := c.checkConditions(conditions); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// checkConditions wants conditions whole, also in a PATCH, and people who exist.
func (c *call) checkConditions(d document) error {
	for _, part := range []string{"users", "applications", "clientAppTypes"} {
		if d[part] == nil {
			return badPolicy("the conditions lack '" + part + "'.")
		}
	}
	for _, risk := range []string{"signInRiskLevels", "userRiskLevels"} {
		if list, _ := d[risk].([]any); len(list) > 0 && c.t.world.licence < graph.P2 {
			return badRequest("1039: Cannot create or update policies with premium P2 features.")
		}
	}
	users, _ := d["users"].(document)
	for _, member := range []string{"includeUsers", "excludeUsers"} {
		list, _ := users[member].([]any)
		for _, x := range list {
			id, _ := x.(string)
			if !c.view.exists(id) && !slices.Contains([]string{"All", "None", "GuestsOrExternalUsers"}, id) {
				return badRequest("The policy contains an invalid user in '" + member + "': " + id)
			}
		}
	}
	return nil
}

// documents turns decoded JSON objects into documents, all the way down.
func documents(v any) any {
	switch v := v.(type) {
	case document:
		return documents(map[string]any(v))
	case map[string]any:
		d := make(document, len(v))
		for k, x := range v {
			d[k] = documents(x)
		}
		return d
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = documents(x)
		}
		return list
	default:
		return v
	}
}
