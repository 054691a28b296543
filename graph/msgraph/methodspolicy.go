package msgraph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"twokey/graph"
)

const methodsPolicyPath = "/policies/authenticationMethodsPolicy"

// MethodsPolicy reads GET /policies/authenticationMethodsPolicy, and on beta
// the one member of the campaign that v1.0 does not have. Where beta refuses,
// that member was not said; where beta did not answer, nothing was read: a
// change sends the whole campaign.
func (c *Client) MethodsPolicy(ctx context.Context) (graph.MethodsPolicy, error) {
	p, err := getOne(ctx, c, readMethodsPolicy, c.url(methodsPolicyPath, nil), viaJSON(toMethodsPolicy))
	if err != nil {
		return graph.MethodsPolicy{}, err
	}
	enforced, err := getOne(ctx, c, readMethodsPolicy, c.betaURL(methodsPolicyPath, nil), viaJSON(toEnforced))
	if e, ok := errors.AsType[*graph.Error](err); ok && (e.Kind == graph.KindRefused || e.Kind == graph.KindNotFound) {
		return p, nil
	}
	if err != nil {
		return graph.MethodsPolicy{}, err
	}
	p.Campaign.Enforced = enforced
	return p, nil
}

// methodsPolicyItem is the policy in Graph's JSON.
type methodsPolicyItem struct {
	Migration   *string            `json:"policyMigrationState"`
	Changed     *time.Time         `json:"lastModifiedDateTime"`
	Configs     []methodConfigItem `json:"authenticationMethodConfigurations"`
	Enforcement *struct {
		Campaign *campaignItem `json:"authenticationMethodsRegistrationCampaign"`
	} `json:"registrationEnforcement"`
}

type campaignItem struct {
	State    *string      `json:"state"`
	Snooze   *int         `json:"snoozeDurationInDays"`
	Enforced *bool        `json:"enforceRegistrationAfterAllowedSnoozes"`
	Include  []targetItem `json:"includeTargets"`
	Exclude  []targetItem `json:"excludeTargets"`
}

type methodConfigItem struct {
	Type    *string      `json:"@odata.type"`
	ID      *string      `json:"id"`
	State   *string      `json:"state"`
	Include []targetItem `json:"includeTargets"`
	Exclude []targetItem `json:"excludeTargets"`

	// Of Temporary Access Passes.
	MinLifetime     *int  `json:"minimumLifetimeInMinutes"`
	MaxLifetime     *int  `json:"maximumLifetimeInMinutes"`
	DefaultLifetime *int  `json:"defaultLifetimeInMinutes"`
	Length          *int  `json:"defaultLength"`
	Once            *bool `json:"isUsableOnce"`
}

type targetItem struct {
	ID     *string `json:"id"`
	Type   *string `json:"targetType"`
	Method *string `json:"targetedAuthenticationMethod"`
}

// toMethodsPolicy takes null for "not migrated": a tenant that never began to
// migrate has no word for it, and its old settings count.
func toMethodsPolicy(p methodsPolicyItem) (graph.MethodsPolicy, error) {
	policy := graph.MethodsPolicy{
		Migrated: strings.EqualFold(or(p.Migration, ""), "migrationComplete"),
		Changed:  or(p.Changed, time.Time{}).UTC(),
	}
	var noMethods, noPass, noCampaign error
	policy.Methods, noMethods = convertAll(p.Configs, toMethodSetting)
	policy.Pass, noPass = passPolicyIn(p.Configs)
	if p.Enforcement == nil || p.Enforcement.Campaign == nil {
		noCampaign = errMissing("authenticationMethodsRegistrationCampaign")
	} else {
		policy.Campaign, noCampaign = toCampaign(*p.Enforcement.Campaign)
	}
	return policy, errors.Join(noMethods, noPass, noCampaign)
}

func toMethodSetting(m methodConfigItem) (graph.MethodSetting, error) {
	id, noID := need("id", m.ID)
	enabled, noState := toEnabled(m.State)
	include, badInclude := toTargets(m.Include)
	exclude, badExclude := toTargets(m.Exclude)
	return graph.MethodSetting{
		ID: id, Kind: settingKind(or(m.Type, "")), Enabled: enabled, Include: include, Exclude: exclude,
	}, errors.Join(noID, noState, badInclude, badExclude)
}

// toEnabled knows two states. Another one is neither on nor off.
func toEnabled(state *string) (bool, error) {
	word, err := need("state", state)
	switch {
	case err != nil:
		return false, err
	case strings.EqualFold(word, "enabled"):
		return true, nil
	case strings.EqualFold(word, "disabled"):
		return false, nil
	default:
		return false, errors.New("state is of an unknown kind")
	}
}

// settingKind is the kind of method that a configuration's type is about.
func settingKind(odataType string) graph.MethodKind {
	name := strings.TrimSuffix(strings.TrimPrefix(odataType, "#microsoft.graph."), "AuthenticationMethodConfiguration")
	switch kind := graph.MethodKind(name); kind {
	case "sms", "voice":
		return graph.MethodPhone
	case graph.MethodEmail, graph.MethodAuthenticator, graph.MethodPasskey, graph.MethodSoftwareOATH, graph.MethodHardwareOATH,
		graph.MethodTemporaryPass, graph.MethodExternal:
		return kind
	default:
		return ""
	}
}

// toTargets keeps nil for a list that was not said.
func toTargets(items []targetItem) ([]graph.Target, error) {
	if items == nil {
		return nil, nil
	}
	return convertAll(items, func(t targetItem) (graph.Target, error) {
		id, noID := need("target's id", t.ID)
		kind, noKind := need("targetType", t.Type)
		return graph.Target{ID: id, Group: strings.EqualFold(kind, "group"), Method: or(t.Method, "")}, errors.Join(noID, noKind)
	})
}

// passPolicyIn finds the configuration of passes, which every tenant has.
func passPolicyIn(configs []methodConfigItem) (graph.PassPolicy, error) {
	for _, m := range configs {
		if settingKind(or(m.Type, "")) == graph.MethodTemporaryPass {
			return toPassPolicy(m)
		}
	}
	return graph.PassPolicy{}, errMissing("temporaryAccessPass")
}

func toPassPolicy(m methodConfigItem) (graph.PassPolicy, error) {
	var all [4]int
	var errs []error
	for i, member := range []struct {
		name  string
		value *int
	}{
		{"minimumLifetimeInMinutes", m.MinLifetime},
		{"maximumLifetimeInMinutes", m.MaxLifetime},
		{"defaultLifetimeInMinutes", m.DefaultLifetime},
		{"defaultLength", m.Length},
	} {
		var err error
		all[i], err = need(member.name, member.value)
		errs = append(errs, err)
	}
	enabled, noState := toEnabled(m.State)
	once, noOnce := need("isUsableOnce", m.Once)
	include, badInclude := toTargets(m.Include)
	exclude, badExclude := toTargets(m.Exclude)
	if err := errors.Join(append(errs, noState, noOnce, badInclude, badExclude)...); err != nil {
		return graph.PassPolicy{}, fmt.Errorf("temporaryAccessPass: %w", err)
	}
	return graph.PassPolicy{
		Enabled:     enabled,
		MinLifetime: time.Duration(all[0]) * time.Minute, MaxLifetime: time.Duration(all[1]) * time.Minute,
		DefaultLifetime: time.Duration(all[2]) * time.Minute, Length: all[3],
		OnceOnly: once, Include: include, Exclude: exclude,
	}, nil
}

// toCampaign insists on both lists: a change sends them back.
func toCampaign(c campaignItem) (graph.Campaign, error) {
	state, noState := need("state", c.State)
	snooze, noSnooze := need("snoozeDurationInDays", c.Snooze)
	include, badInclude := toTargets(c.Include)
	exclude, badExclude := toTargets(c.Exclude)
	err := errors.Join(noState, noSnooze, badInclude, badExclude,
		missing(told{"includeTargets", include != nil}, told{"excludeTargets", exclude != nil}))
	if err != nil {
		return graph.Campaign{}, fmt.Errorf("campaign: %w", err)
	}
	return graph.Campaign{State: graph.CampaignState(state), SnoozeDays: snooze, Include: include, Exclude: exclude}, nil
}

// toEnforced is what only beta tells of the campaign, nil if it does not.
func toEnforced(p methodsPolicyItem) (*bool, error) {
	if p.Enforcement == nil || p.Enforcement.Campaign == nil {
		return nil, errMissing("authenticationMethodsRegistrationCampaign")
	}
	return p.Enforcement.Campaign.Enforced, nil
}
