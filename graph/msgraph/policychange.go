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

// CreatePolicy sends POST /identity/conditionalAccess/policies.
func (c *Client) CreatePolicy(ctx context.Context, d graph.PolicyDraft) (string, graph.Receipt, error) {
	if why := wrongDraft(d); why != "" {
		return "", graph.Receipt{}, mistake(createPolicy, why)
	}
	var id string
	receipt, err := create(ctx, c, createPolicy, change{abstractions.POST, c.url(accessPolicies, nil), d.Body()}, func(made policyItem) (err error) {
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
	address := c.url(methodsPolicyPath+"/authenticationMethodConfigurations/temporaryAccessPass", nil)
	return c.apply(ctx, setPassPolicy, change{abstractions.PATCH, address, p.Body()})
}

func notMinutes(d time.Duration) bool { return d%time.Minute != 0 }

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
	address := c.url(methodsPolicyPath, nil)
	if campaign.Enforced != nil {
		address = c.betaURL(methodsPolicyPath, nil)
	}
	return c.apply(ctx, setCampaign, change{abstractions.PATCH, address, campaign.Body()})
}
