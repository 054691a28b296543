package simtenant

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"twokey/graph"
)

// methodsPolicy is the tenant's authentication methods policy. None of its
// documents is ever modified.
type methodsPolicy struct {
	campaign  document // the registration campaign, with the member that only beta shows
	migration string
	reconfirm int        // days
	configs   []document // of the methods, in the order in which Graph lists them
	changed   time.Time
}

// newMethodsPolicy is how the tenant begins: passes for everybody, texts but
// no calls, and a campaign that Microsoft manages.
func newMethodsPolicy(changed time.Time, passesOff bool) *methodsPolicy {
	p := &methodsPolicy{
		campaign: document{
			"state": string(graph.CampaignManaged), "snoozeDurationInDays": 1, "excludeTargets": []any{},
			"includeTargets":        []any{document{"id": graph.AllUsers, "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator"}},
			snoozeEnforcementMember: true,
		},
		migration: "migrationComplete", reconfirm: 180, changed: changed,
	}
	for _, k := range methodConfigKinds {
		p.configs = append(p.configs, k.initial(passesOff))
	}
	return p
}

// snoozeEnforcementMember is absent from v1.0's description of a campaign.
const snoozeEnforcementMember = "enforceRegistrationAfterAllowedSnoozes"

var methodsPolicySet = &set{
	typ: "microsoft.graph.authenticationMethodsPolicy",
	known: words(`id displayName description lastModifiedDateTime policyMigrationState policyVersion reconfirmationInDays
		registrationEnforcement authenticationMethodConfigurations`),
	expand: words("authenticationMethodConfigurations"),
}

// document shows the policy to callers of a version.
func (p *methodsPolicy) document(version string) document {
	campaign := maps.Clone(p.campaign)
	if version != "beta" {
		delete(campaign, snoozeEnforcementMember)
	}
	return document{
		"id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
		"description":          "The tenant-wide policy that controls which authentication methods are allowed in the tenant, authentication method registration requirements, and self-service password reset settings",
		"lastModifiedDateTime": stampFine(p.changed), "policyVersion": "1.5", "policyMigrationState": p.migration, "reconfirmationInDays": p.reconfirm,
		"registrationEnforcement":            document{"authenticationMethodsRegistrationCampaign": campaign},
		"authenticationMethodConfigurations": p.shown(version),
	}
}

func getMethodsPolicy(c *call) (*answer, error) {
	return c.one(methodsPolicySet, "authenticationMethodsPolicy", c.view.state.methods.document(c.version))
}

// campaignShape is a registration campaign in a body. Whether v1.0 takes the
// member of beta is not known: its documentation says yes, its description no.
// Ours refuses it there.
func campaignShape(version string) check {
	s := shape{
		"state":                oneOf(string(graph.CampaignManaged), string(graph.CampaignOn), string(graph.CampaignOff)),
		"snoozeDurationInDays": between(0, 14), "excludeTargets": listOf(target(nil)),
		"includeTargets": listOf(target(shape{"targetedAuthenticationMethod": oneOf("microsoftAuthenticator", "fido2")})),
	}
	if version == "beta" {
		s[snoozeEnforcementMember] = flag
	}
	return s.check
}

// methodsPolicyShape is the policy in a body. The configurations have
// addresses of their own.
func methodsPolicyShape(version string) shape {
	return shape{
		"id": text, "displayName": text, "description": text, "lastModifiedDateTime": text, "policyVersion": text,
		"policyMigrationState":    oneOf("preMigration", "migrationInProgress", "migrationComplete"),
		"reconfirmationInDays":    between(0, 730),
		"registrationEnforcement": shape{"authenticationMethodsRegistrationCampaign": campaignShape(version)}.check,
	}
}

// patchMethodsPolicy changes the policy. A campaign that is sent replaces the
// old one whole; what Graph fills in for its missing members is not known, and
// ours are the poorest: a client that sends half a campaign loses the rest.
func patchMethodsPolicy(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := methodsPolicyShape(c.version).check("", d); wrong != "" {
		return nil, badRequest(wrong)
	}
	d = documents(d).(document)
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		p := *old.methods
		p.apply(d)
		next := old.withMethods(&p, e.At)
		return next, methodsNote(old.methods.settings(), p.settings()), c.patched(next.methods), nil
	})
}

func (p *methodsPolicy) apply(d document) {
	if s, ok := d["policyMigrationState"].(string); ok {
		p.migration = s
	}
	if n, ok := d["reconfirmationInDays"].(float64); ok {
		p.reconfirm = int(n)
	}
	enforcement, _ := d["registrationEnforcement"].(document)
	campaign, ok := enforcement["authenticationMethodsRegistrationCampaign"].(document)
	if !ok {
		return
	}
	p.campaign = document{
		"state": string(graph.CampaignManaged), "snoozeDurationInDays": 0, "includeTargets": []any{}, "excludeTargets": []any{},
		snoozeEnforcementMember: true,
	}
	for k, v := range campaign {
		if _, known := p.campaign[k]; known && v != nil {
			p.campaign[k] = v
		}
	}
}

// allows reports whether the policy lets an account use a method. A mobile phone
// takes texts as well as calls, one on a desk only calls. Which groups the account
// is in is asked of the caller.
func (p *methodsPolicy) allows(a *account, m *method, in func(groupID string) bool) bool {
	on := func(id string) bool { return p.reaches(a, id, in) }
	switch {
	case m.kind == graph.MethodPhone && m.subtype == string(graph.PhoneOffice):
		return on("Voice")
	case m.kind == graph.MethodPhone:
		return on(graph.SettingTexts) || on("Voice")
	case m.kind == graph.MethodWindowsHello, m.kind == graph.MethodPlatformCredential, m.kind == graph.MethodPassword:
		return true // the policy does not speak of them
	case m.kind == graph.MethodExternal:
		return on(externalConfigID)
	default:
		return on(string(m.kind))
	}
}

// reaches reports whether a method is switched on for an account.
func (p *methodsPolicy) reaches(a *account, id string, in func(groupID string) bool) bool {
	among := func(targets any) bool {
		list, _ := targets.([]any)
		return slices.ContainsFunc(list, func(x any) bool {
			t, _ := x.(document)
			id, _ := t["id"].(string)
			return id == graph.AllUsers || sameID(id, a.id) || t["targetType"] == "group" && in(id)
		})
	}
	return slices.ContainsFunc(p.configs, func(d document) bool {
		s, _ := d["id"].(string)
		return sameID(s, id) && d["state"] == "enabled" && among(d["includeTargets"]) && !among(d["excludeTargets"])
	})
}

// settings are what a PATCH of the policy can change.
func (p *methodsPolicy) settings() document {
	return document{
		"policyMigrationState": p.migration, "reconfirmationInDays": p.reconfirm,
		"registrationEnforcement": document{"authenticationMethodsRegistrationCampaign": p.campaign},
	}
}

// patched answers a change of the policy: v1.0 with nothing, beta with the
// policy. Both were seen; a client has to take either.
func (c *call) patched(p *methodsPolicy) *answer {
	if c.version != "beta" {
		return &answer{status: http.StatusNoContent}
	}
	d := p.document(c.version)
	d["@odata.context"] = c.context("authenticationMethodsPolicy/$entity", nil)
	return &answer{status: http.StatusOK, body: d}
}

func (s *state) withMethods(p *methodsPolicy, at time.Time) *state {
	next := *s
	p.changed = at
	next.methods = p
	return &next
}

// methodsNote is the audit log's line of any change of the methods policy.
func methodsNote(old, new document) note {
	return note{
		activity: "Authentication Methods Policy Update", kind: "Update", service: graph.ServiceMethods, category: "ApplicationManagement",
		target: "Authentication Methods Policy", property: "AuthenticationMethodsPolicy", old: jsonText(old), new: jsonText(new),
	}
}
