package msgraph

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/microsoft/kiota-abstractions-go"

	"twokey/graph"
)

const accessPolicies = "/identity/conditionalAccess/policies"

// policyDraft is a Conditional Access policy in the JSON of a new one.
type policyDraft struct {
	Name       string            `json:"displayName"`
	State      graph.PolicyState `json:"state"`
	Conditions struct {
		Clients []string `json:"clientAppTypes"`
		Apps    struct {
			Include []string `json:"includeApplications"`
		} `json:"applications"`
		Users struct {
			Include       []string `json:"includeUsers"`
			Exclude       []string `json:"excludeUsers"`
			ExcludeGroups []string `json:"excludeGroups,omitempty"`
			ExcludeRoles  []string `json:"excludeRoles,omitempty"`
		} `json:"users"`
	} `json:"conditions"`
	Grant struct {
		Operator string   `json:"operator"`
		Controls []string `json:"builtInControls"`
	} `json:"grantControls"`
}

// CreatePolicy sends POST /identity/conditionalAccess/policies.
func (c *Client) CreatePolicy(ctx context.Context, d graph.PolicyDraft) (string, graph.Receipt, error) {
	if why := wrongDraft(d); why != "" {
		return "", graph.Receipt{}, mistake(createPolicy, why)
	}
	var id string
	receipt, err := create(ctx, c, createPolicy, change{abstractions.POST, c.url(accessPolicies, nil), draftOf(d)}, func(made policyItem) (err error) {
		id, err = need("id", made.ID)
		return err
	})
	return id, receipt, err
}

// wrongDraft says why a draft must not be sent, or "".
func wrongDraft(d graph.PolicyDraft) graph.Mistake {
	notID := func(s string) bool { return !isID(s) }
	switch {
	case d.Does != graph.AimBlockLegacy && d.Does != graph.AimRequireMFA:
		return "There is no such policy."
	case d.Mark == "":
		return "A policy without the mark of its request could not be found again."
	case len(d.ExcludeUsers) == 0:
		return "A policy that excludes no emergency account can lock everybody out."
	case slices.ContainsFunc(d.ExcludeUsers, notID), slices.ContainsFunc(d.ExcludeGroups, notID):
		return "A policy excludes accounts and groups by their object IDs."
	default:
		return ""
	}
}

// draftOf writes a draft out. The accounts of directory synchronisation cannot
// do MFA.
func draftOf(d graph.PolicyDraft) policyDraft {
	var p policyDraft
	p.Name, p.State = d.Name(), graph.PolicyReportOnly
	p.Conditions.Apps.Include = []string{"All"}
	p.Conditions.Users.Include = []string{"All"}
	p.Conditions.Users.Exclude, p.Conditions.Users.ExcludeGroups = d.ExcludeUsers, d.ExcludeGroups
	p.Grant.Operator = "OR"
	switch d.Does {
	case graph.AimBlockLegacy:
		p.Conditions.Clients = []string{graph.ClientsActiveSync, graph.ClientsOther}
		p.Grant.Controls = []string{graph.ControlBlock}
	case graph.AimRequireMFA:
		p.Conditions.Clients = []string{graph.ClientsAll}
		p.Conditions.Users.ExcludeRoles = []string{graph.RoleDirectorySyncAccounts, graph.RoleOnPremisesDirectorySync}
		p.Grant.Controls = []string{graph.ControlMFA}
	}
	return p
}

// SetPolicyState sends PATCH /identity/conditionalAccess/policies/{id} with the
// state alone: Graph refuses conditions that are not whole.
func (c *Client) SetPolicyState(ctx context.Context, id string, s graph.PolicyState) (graph.Receipt, error) {
	switch {
	case !isID(id):
		return graph.Receipt{}, mistake(setPolicyState, "A policy is named by its object ID.")
	case s != graph.PolicyEnabled && s != graph.PolicyDisabled && s != graph.PolicyReportOnly:
		return graph.Receipt{}, mistake(setPolicyState, "A policy has no such state.")
	}
	return c.apply(ctx, setPolicyState, change{abstractions.PATCH, c.url(accessPolicies+"/"+url.PathEscape(id), nil), object{"state": s}})
}

// SetPassPolicy sends PATCH /policies/authenticationMethodsPolicy/
// authenticationMethodConfigurations/temporaryAccessPass.
func (c *Client) SetPassPolicy(ctx context.Context, p graph.PassPolicy) (graph.Receipt, error) {
	switch {
	case slices.ContainsFunc([]time.Duration{p.MinLifetime, p.MaxLifetime, p.DefaultLifetime}, notMinutes):
		return graph.Receipt{}, mistake(setPassPolicy, "The lifetimes of passes are whole minutes.")
	case p.Enabled && len(p.Include) == 0:
		return graph.Receipt{}, mistake(setPassPolicy, "Passes cannot be switched on for nobody.")
	}
	body := object{
		"@odata.type":              "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",
		"state":                    map[bool]string{true: "enabled", false: "disabled"}[p.Enabled],
		"minimumLifetimeInMinutes": inMinutes(p.MinLifetime), "maximumLifetimeInMinutes": inMinutes(p.MaxLifetime),
		"defaultLifetimeInMinutes": inMinutes(p.DefaultLifetime), "defaultLength": p.Length, "isUsableOnce": p.OnceOnly,
		"includeTargets": targetList(p.Include, func(graph.Target) object { return object{"isRegistrationRequired": false} }),
		"excludeTargets": targetList(p.Exclude, nil),
	}
	address := c.url(methodsPolicyPath+"/authenticationMethodConfigurations/temporaryAccessPass", nil)
	return c.apply(ctx, setPassPolicy, change{abstractions.PATCH, address, body})
}

func notMinutes(d time.Duration) bool { return d%time.Minute != 0 }
func inMinutes(d time.Duration) int   { return int(d / time.Minute) }

// campaignMethod is what a campaign asks for where nothing else is said.
const campaignMethod = "microsoftAuthenticator"

// longestSnooze is for how many days a campaign can be put off.
const longestSnooze = 14

// SetCampaign sends PATCH /policies/authenticationMethodsPolicy, to beta where
// it says whether registration is enforced: v1.0 does not know that member, and
// loses it.
func (c *Client) SetCampaign(ctx context.Context, campaign graph.Campaign) (graph.Receipt, error) {
	switch campaign.State {
	case graph.CampaignManaged, graph.CampaignOn, graph.CampaignOff:
	default:
		return graph.Receipt{}, mistake(setCampaign, "A campaign has no such state.")
	}
	if campaign.SnoozeDays < 0 || campaign.SnoozeDays > longestSnooze {
		return graph.Receipt{}, mistake(setCampaign, "A campaign can be put off for 14 days at most.")
	}
	include := campaign.Include
	if len(include) == 0 {
		include = []graph.Target{{ID: graph.AllUsers, Group: true}}
	}
	body := object{
		"state": campaign.State, "snoozeDurationInDays": campaign.SnoozeDays,
		"includeTargets": targetList(include, func(t graph.Target) object {
			if t.Method == "" {
				t.Method = campaignMethod
			}
			return object{"targetedAuthenticationMethod": t.Method}
		}),
		"excludeTargets": targetList(campaign.Exclude, nil),
	}
	address := c.url(methodsPolicyPath, nil)
	if campaign.Enforced != nil {
		body["enforceRegistrationAfterAllowedSnoozes"] = *campaign.Enforced
		address = c.betaURL(methodsPolicyPath, nil)
	}
	return c.apply(ctx, setCampaign, change{
		abstractions.PATCH, address, object{"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": body}},
	})
}

// targetList writes targets out, each with the members that more has for it.
func targetList(targets []graph.Target, more func(graph.Target) object) []object {
	all := make([]object, len(targets))
	for i, t := range targets {
		all[i] = object{"id": t.ID, "targetType": "user"}
		if t.Group || t.ID == graph.AllUsers {
			all[i]["targetType"] = "group"
		}
		if more == nil {
			continue
		}
		for name, value := range more(t) {
			all[i][name] = value
		}
	}
	return all
}
