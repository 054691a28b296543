package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

const campaignVersion = 1

// campaignStates are what a campaign can be set to, as people type it.
var campaignStates = map[string]graph.CampaignState{"on": graph.CampaignOn, "off": graph.CampaignOff, "managed": graph.CampaignManaged}

// setCampaign asks to change the registration campaign. Whom it reaches stays
// as it is.
func setCampaign(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "campaign set", Summary: "Ask to set the registration campaign, which asks people at sign-in to register. Two approvers decide.",
			Example: "campaign set on --days 3 texts end in February",
			Options: []chat.Option{
				{Name: "state", Summary: "what it should be; managed is by Microsoft", Choices: []string{"on", "off", "managed"}, Required: true},
				{Name: "days", Summary: "for how many days somebody can put it off, 0 to 14", Flag: true},
				reasonOption,
			},
		},
		Access: whoAsks(CampaignKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planCampaign(ctx, env, c) },
	}
}

func planCampaign(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	if err := switchedOn(env, CampaignKind); err != nil {
		return approval.Plan{}, err
	}
	state, ok := campaignStates[c.Args["state"]]
	if !ok {
		return approval.Plan{}, &mistake{"“/mfa campaign set” needs what it should be.", "For example: /mfa campaign set on --days 3"}
	}
	is, err := campaignAction{env}.read(ctx)
	if err != nil {
		return approval.Plan{}, err
	}
	want := is
	want.Campaign.State = state
	if typed, given := c.Args["days"]; given {
		n, err := strconv.Atoi(typed)
		if err != nil || n < 0 || n > 14 {
			return approval.Plan{}, &mistake{"A campaign can be put off for 0 to 14 days, not " + shown(typed) + ".", "0 asks at every sign-in with a second factor."}
		}
		want.Campaign.SnoozeDays = n
	}
	if encode(want) == encode(is) {
		return approval.Plan{}, &mistake{"The campaign is so already: " + campaignWords(is.Campaign) + ".", "There is nothing to change."}
	}
	want.Campaign = want.Campaign.Spelled()
	p := tenantWide(env, kindNamed(CampaignKind), campaignVersion, stakes{})
	p.Args, p.Snapshot = json.RawMessage(encode(want)), json.RawMessage(encode(is))
	p.Words = approval.Words{
		Headline: "Set the registration campaign at " + quoted(env.Organization.Name, 60) + " to: " + campaignWords(want.Campaign),
		Now:      campaignWords(is.Campaign) + ", for " + targetList(is.Campaign.Include) + ".",
		Then:     campaignWords(want.Campaign) + ", for " + targetList(want.Campaign.Include) + ".",
		Radius:   "Whoever signs in with a second factor and lacks the method that it asks for. It never reaches somebody who has none at all.",
		Risk:     "People are asked at sign-in to register another method, or are not asked any more.",
		Undo:     "“/mfa campaign set”, back to what it was" + undoWords,
		Call:     env.contact(),
	}
	return p, nil
}

func campaignWords(c graph.Campaign) string {
	state := "managed by Microsoft"
	switch c.State {
	case graph.CampaignOn:
		state = "on"
	case graph.CampaignOff:
		return "off"
	case graph.CampaignManaged:
	default:
		state = "in a state that is not known (" + quoted(string(c.State), 40) + ")"
	}
	return fmt.Sprintf("%s, to be put off for %s", state, plural(strconv.Itoa(c.SnoozeDays), "day"))
}

// excludedWords say for whom it is not, "" if that is nobody.
func excludedWords(c graph.Campaign) string {
	if len(c.Exclude) == 0 {
		return ""
	}
	return " but not for " + targetList(c.Exclude)
}

// campaignState is the whole campaign: it is sent as a whole, and what another
// administrator changed in between would be lost.
type campaignState struct {
	Campaign graph.Campaign `json:"campaign"`
}

// campaignAction implements approval.Action.
type campaignAction struct{ env Env }

var _ approval.Action = campaignAction{}

func (a campaignAction) read(ctx context.Context) (campaignState, error) {
	p, err := a.env.Tenant.MethodsPolicy(ctx)
	if err != nil {
		return campaignState{}, fmt.Errorf("read methods policy: %w", err)
	}
	p.Campaign.Include, p.Campaign.Exclude = sortedTargets(p.Campaign.Include), sortedTargets(p.Campaign.Exclude)
	return campaignState{p.Campaign}, nil
}

// Snapshot implements approval.Action.
func (a campaignAction) Snapshot(ctx context.Context, _ approval.Request) (json.RawMessage, error) {
	return snapshot(a.read(ctx))
}

// Compare implements approval.Action.
func (a campaignAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[campaignState](was, now)
	want, unread := readArgs[campaignState](r, campaignVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	switch {
	case encode(after) == encode(before):
		return nil
	case encode(after) == encode(want):
		return []string{"The campaign is so already: there is nothing to change."}
	default:
		return []string{"The campaign was changed meanwhile. It is " + campaignWords(after.Campaign) + ", for " + targetList(after.Campaign.Include) + excludedWords(after.Campaign) + "."}
	}
}

// Steps implements approval.Action.
func (a campaignAction) Steps(r approval.Request) ([]approval.Call, error) {
	want, err := readArgs[campaignState](r, campaignVersion)
	if err != nil {
		return nil, err
	}
	return []approval.Call{{
		What: "set the registration campaign", Method: "PATCH", URL: "/policies/authenticationMethodsPolicy",
		Body: []byte(encode(want.Campaign.Body())),
		Send: sending(a.env, func(ctx context.Context) (graph.Receipt, error) { return a.env.Writer.SetCampaign(ctx, want.Campaign) }),
	}}, nil
}

// Probe implements approval.Action.
func (a campaignAction) Probe(ctx context.Context, r approval.Request, before json.RawMessage, _ approval.Step) (approval.Finding, error) {
	want, err := readArgs[campaignState](r, campaignVersion)
	if err != nil {
		return approval.Finding{}, err
	}
	is, err := a.read(ctx)
	if err != nil {
		return approval.Finding{}, err
	}
	seen := "the campaign is " + campaignWords(is.Campaign) + "."
	var was campaignState
	if err := json.Unmarshal(before, &was); err == nil && encode(is) != encode(want) && encode(is) != encode(was) {
		return approval.Finding{Class: approval.Open, Seen: "the campaign is neither as it was nor as it should be: " + seen}, nil
	}
	return found(encode(is) == encode(want), seen), nil
}
