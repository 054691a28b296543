package graph

import (
	"slices"
	"time"
)

// What a change of several members is in the JSON of Graph's documentation:
// what is sent, and what is kept of it in a record, are made here alike.

type object = map[string]any

// Body is the policy as it is replaced.
func (p PassPolicy) Body() any {
	return object{
		"@odata.type":              "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",
		"state":                    map[bool]string{true: "enabled", false: "disabled"}[p.Enabled],
		"minimumLifetimeInMinutes": inMinutes(p.MinLifetime), "maximumLifetimeInMinutes": inMinutes(p.MaxLifetime),
		"defaultLifetimeInMinutes": inMinutes(p.DefaultLifetime), "defaultLength": p.Length, "isUsableOnce": p.OnceOnly,
		"includeTargets": targetList(p.Include, func(to object, _ Target) { to["isRegistrationRequired"] = false }),
		"excludeTargets": targetList(p.Exclude, nil),
	}
}

func inMinutes(d time.Duration) int { return int(d / time.Minute) }

// Spelled is the campaign with what the tenant takes for granted: it reads the
// same again once it has been sent. One that includes nobody reaches everybody.
func (c Campaign) Spelled() Campaign {
	if len(c.Include) == 0 {
		c.Include = []Target{{ID: AllUsers, Group: true}}
	}
	c.Include = slices.Clone(c.Include)
	for i := range c.Include {
		if c.Include[i].Method == "" {
			c.Include[i].Method = string(MethodAuthenticator)
		}
	}
	return c
}

// Body is the campaign as it is replaced.
func (c Campaign) Body() any {
	c = c.Spelled()
	body := object{
		"state": c.State, "snoozeDurationInDays": c.SnoozeDays,
		"includeTargets": targetList(c.Include, func(to object, t Target) { to["targetedAuthenticationMethod"] = t.Method }),
		"excludeTargets": targetList(c.Exclude, nil),
	}
	if c.Enforced != nil {
		body["enforceRegistrationAfterAllowedSnoozes"] = *c.Enforced
	}
	return object{"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": body}}
}

// targetList writes targets out, each with the members that more has for it.
func targetList(targets []Target, more func(object, Target)) []object {
	all := make([]object, len(targets))
	for i, t := range targets {
		all[i] = object{"id": t.ID, "targetType": "user"}
		if t.Group || t.ID == AllUsers {
			all[i]["targetType"] = "group"
		}
		if more != nil {
			more(all[i], t)
		}
	}
	return all
}

// Body is the policy as it is created: report-only, and without the accounts of
// the directory synchronisation, which cannot do MFA.
func (d PolicyDraft) Body() any {
	p := d.Policy()
	users := object{"includeUsers": p.Users.IncludeUsers, "excludeUsers": d.ExcludeUsers}
	if len(d.ExcludeGroups) > 0 {
		users["excludeGroups"] = d.ExcludeGroups
	}
	if len(p.Users.ExcludeRoles) > 0 {
		users["excludeRoles"] = p.Users.ExcludeRoles
	}
	return object{
		"displayName": p.Name, "state": p.State,
		"conditions": object{
			"clientAppTypes": p.Clients, "users": users,
			"applications": object{"includeApplications": p.Apps},
		},
		"grantControls": object{"operator": "OR", "builtInControls": p.Controls},
	}
}

// Body is the phone as it is registered.
func (p Phone) Body() any { return object{"phoneNumber": p.Number, "phoneType": p.Type} }

// Body is the pass as it is ordered.
func (o PassOrder) Body() any {
	body := object{"isUsableOnce": !o.Multi}
	if !o.Start.IsZero() {
		body["startDateTime"] = o.Start.UTC().Format(time.RFC3339)
	}
	if o.Lifetime != 0 {
		body["lifetimeInMinutes"] = inMinutes(o.Lifetime)
	}
	return body
}
