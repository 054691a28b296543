package msgraph

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"twokey/graph"
)

// Policies reads GET /identity/conditionalAccess/policies, by hand: the SDK
// turns a state that it does not know into nil, and such a policy must not be
// taken for switched off.
func (c *Client) Policies(ctx context.Context) ([]graph.Policy, error) {
	found, err := listing[graph.Policy]{
		op: readPolicies, first: c.url("/identity/conditionalAccess/policies", nil), row: viaJSON(toPolicy),
	}.all(ctx, c)
	if err != nil || len(found) > 0 {
		return found, err
	}
	// A tenant without P1 may get an empty list instead of a refusal.
	licence, err := c.Licence(ctx)
	if err != nil {
		return nil, err
	}
	if licence < graph.P1 {
		return nil, &graph.Error{Kind: graph.KindNoLicence, Op: readPolicies.name}
	}
	return found, nil
}

// policyItem is a Conditional Access policy in Graph's JSON.
type policyItem struct {
	ID          *string                    `json:"id"`
	DisplayName *string                    `json:"displayName"`
	State       *string                    `json:"state"`
	Conditions  map[string]json.RawMessage `json:"conditions"`
	Grant       *grantItem                 `json:"grantControls"`
}

// appsItem are a policy's conditions of apps.
type appsItem struct {
	Include  []string         `json:"includeApplications"`
	Exclude  []string         `json:"excludeApplications"`
	Actions  []string         `json:"includeUserActions"`
	Contexts []string         `json:"includeAuthenticationContextClassReferences"`
	Filter   *json.RawMessage `json:"applicationFilter"`
}

// peopleItem are a policy's conditions of users.
type peopleItem struct {
	IncludeUsers  []string         `json:"includeUsers"`
	ExcludeUsers  []string         `json:"excludeUsers"`
	IncludeGroups []string         `json:"includeGroups"`
	ExcludeGroups []string         `json:"excludeGroups"`
	IncludeRoles  []string         `json:"includeRoles"`
	ExcludeRoles  []string         `json:"excludeRoles"`
	IncludeGuests *json.RawMessage `json:"includeGuestsOrExternalUsers"`
	ExcludeGuests *json.RawMessage `json:"excludeGuestsOrExternalUsers"`
}

// grantItem is what a policy demands. A strength may be one that a single
// factor satisfies.
type grantItem struct {
	Operator *string  `json:"operator"`
	BuiltIn  []string `json:"builtInControls"`
	Custom   []string `json:"customAuthenticationFactors"`
	Terms    []string `json:"termsOfUse"`
	Strength *struct {
		Satisfies *string `json:"requirementsSatisfied"`
	} `json:"authenticationStrength"`
}

func toPolicy(p policyItem) (graph.Policy, error) {
	id, noID := need("id", p.ID)
	state, noState := need("state", p.State)
	policy := graph.Policy{ID: id, Name: or(p.DisplayName, ""), State: graph.PolicyState(state)}
	return policy, errors.Join(noID, noState, p.addConditions(&policy), p.addControls(&policy))
}

// addConditions fills in whom and what the policy reaches. What is not there
// stays empty, which is nobody's "everybody" and nobody's "nobody".
func (p policyItem) addConditions(policy *graph.Policy) error {
	var people peopleItem
	var apps appsItem
	for name, into := range map[string]any{"users": &people, "applications": &apps, "clientAppTypes": &policy.Clients} {
		if raw, ok := p.Conditions[name]; ok {
			if err := json.Unmarshal(raw, into); err != nil {
				return err
			}
		}
	}
	policy.Users = graph.PolicyUsers{
		IncludeUsers: people.IncludeUsers, ExcludeUsers: people.ExcludeUsers,
		IncludeGroups: people.IncludeGroups, ExcludeGroups: people.ExcludeGroups,
		IncludeRoles: people.IncludeRoles, ExcludeRoles: people.ExcludeRoles,
		IncludesGuests: people.IncludeGuests != nil, ExcludesGuests: people.ExcludeGuests != nil,
	}
	policy.Apps = apps.Include
	policy.Narrowed = apps.narrow()
	for name, raw := range p.Conditions {
		policy.Narrowed = policy.Narrowed || narrows(name, raw)
	}
	return nil
}

// narrow reports whether a policy for all apps spares some, or is about
// something else than apps.
func (a appsItem) narrow() bool {
	return len(a.Exclude) > 0 || len(a.Actions) > 0 || len(a.Contexts) > 0 || a.Filter != nil
}

// narrows reports whether a condition keeps a policy from some sign-ins. One
// that we do not know does: a policy counts for less rather than for more.
func narrows(name string, raw json.RawMessage) bool {
	switch name {
	case "users", "applications", "clientAppTypes":
		return false
	case "locations", "platforms":
		return !everywhere(raw)
	default:
		return !empty(raw)
	}
}

// everywhere reports whether a condition of place or platform includes all and
// leaves none out.
func everywhere(raw json.RawMessage) bool {
	if empty(raw) {
		return true
	}
	var lists map[string]json.RawMessage
	if json.Unmarshal(raw, &lists) != nil {
		return false
	}
	for name, raw := range lists {
		var items []string
		switch {
		case empty(raw):
		case !strings.HasPrefix(name, "include") || json.Unmarshal(raw, &items) != nil || len(items) != 1 || !strings.EqualFold(items[0], "All"):
			return false
		}
	}
	return true
}

// empty reports whether a condition says nothing: null, an empty list, or an
// object of such.
func empty(raw json.RawMessage) bool {
	var value any
	return json.Unmarshal(raw, &value) == nil && emptyValue(value)
}

func emptyValue(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case []any:
		return len(value) == 0
	case map[string]any:
		for _, v := range value {
			if !emptyValue(v) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// addControls fills in what the policy demands.
func (p policyItem) addControls(policy *graph.Policy) error {
	if p.Grant == nil {
		return nil
	}
	policy.Controls = append(append(append(policy.Controls, p.Grant.BuiltIn...), p.Grant.Custom...), p.Grant.Terms...)
	if p.Grant.Strength != nil {
		policy.Controls = append(policy.Controls, strength(or(p.Grant.Strength.Satisfies, "mfa")))
	}
	operator := or(p.Grant.Operator, "")
	policy.All = strings.EqualFold(operator, "AND")
	if len(policy.Controls) > 1 && !policy.All && !strings.EqualFold(operator, "OR") {
		return errMissing("grantControls/operator")
	}
	return nil
}

// strength names the control of a policy that demands an authentication
// strength.
func strength(satisfies string) string {
	if strings.EqualFold(satisfies, "mfa") {
		return graph.ControlStrength
	}
	return graph.ControlStrength + " (" + satisfies + ")"
}
