package commands

import (
	"context"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph"
)

// showCampaign says how the registration campaign is set.
func showCampaign(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "campaign show", Summary: "How the registration campaign is set, which asks people at sign-in to register.", Example: "campaign show"},
		Access:      only(identity.Lead, identity.Helpdesk),
		Answer: func(ctx context.Context, _ Call) (chat.Message, error) {
			s, err := campaignAction{env}.read(ctx)
			if err != nil {
				return chat.Message{}, err
			}
			c := s.Campaign
			return chat.Message{
				Headline: "The registration campaign is " + campaignWords(c) + ".",
				Fields: []chat.Field{
					{Label: "Asks for", Value: campaignMethods(c)},
					{Label: "For", Value: targetList(c.Include)},
					{Label: "But not for", Value: targetList(c.Exclude)},
					{Label: "After three times", Value: campaignEnd(c)},
				},
				Text:   "It only asks people who have just signed in with a second factor and lack that method. Whoever has none at all it never reaches: security defaults or a policy do.",
				Footer: "Read from Microsoft 365 just now. Microsoft may change it too.",
			}, nil
		},
	}
}

func campaignMethods(c graph.Campaign) string {
	var all []string
	for _, t := range c.Spelled().Include {
		if name := graph.MethodKind(t.Method).String(); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}

func campaignEnd(c graph.Campaign) string {
	switch {
	case c.Enforced == nil:
		return "not known: Microsoft 365 did not say"
	case *c.Enforced:
		return "it cannot be put off any more"
	default:
		return "it can be put off again"
	}
}

// explainCampaign says whether somebody is asked by the campaign, and why.
func explainCampaign(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "campaign explain", Summary: "Whether the registration campaign asks somebody, and why or why not.", Example: "campaign explain sam@example.org",
			Options: []chat.Option{userOption},
		},
		Access: only(identity.Lead, identity.Helpdesk),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			u, err := findPerson(ctx, env, c.Args[userOption.Name])
			if err != nil {
				return chat.Message{}, err
			}
			asked, why, err := campaignAsks(ctx, env, u)
			if err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{Headline: "The campaign does not ask " + quoted(u.Name, 60) + ".", Text: why, Footer: "Read from Microsoft 365 just now. Only you can see this, and it is recorded that you looked."}
			if asked {
				m.Headline = "The campaign asks " + quoted(u.Name, 60) + "."
			}
			return m, lookedUp(ctx, env, c, "campaign explain", []string{u.ID})
		},
	}
}

// campaignAsks works out what Microsoft documents: the campaign asks those whom
// it includes and does not exclude, once they have signed in with a second
// factor, if they lack the method that it is about.
func campaignAsks(ctx context.Context, env Env, u graph.User) (asked bool, why string, err error) {
	s, err := campaignAction{env}.read(ctx)
	if err != nil {
		return false, "", err
	}
	c := s.Campaign.Spelled()
	switch {
	case c.State == graph.CampaignOff:
		return false, "It is off.", nil
	case !u.Enabled:
		return false, "The account is blocked.", nil
	}
	out, err := amongTargets(ctx, env, u, c.Exclude)
	if err != nil || len(out) > 0 {
		return false, "They are excluded: " + targetList(out) + ".", err
	}
	in, err := amongTargets(ctx, env, u, c.Include)
	if err != nil || len(in) == 0 {
		return false, "They are not included: it is for " + targetList(c.Include) + ".", err
	}
	all, err := env.Tenant.Methods(ctx, []string{u.ID})
	if err == nil {
		err = all[0].Err
	}
	if err != nil {
		return false, "", err
	}
	has := func(kind string) bool {
		return slices.ContainsFunc(all[0].Methods, func(m graph.Method) bool { return string(m.Kind) == kind })
	}
	in = slices.DeleteFunc(in, func(t graph.Target) bool { return has(t.Method) })
	switch {
	case graph.Strongest(all[0].Methods) == graph.NotMFA:
		return false, "They have no second factor, and it only asks after a sign-in with one. Security defaults or a policy make them register.", nil
	case len(in) == 0:
		return false, "They have what it asks for already: " + campaignMethods(c) + ".", nil
	}
	why = "At their next sign-in with a second factor in a browser, for: " + campaignMethods(graph.Campaign{Include: in}) + ". Programs on a phone do not ask. It is " + campaignWords(c) + "."
	if c.State == graph.CampaignManaged {
		why += " Microsoft manages it, and may ask otherwise than it is set here."
	}
	return true, why, nil
}

// amongTargets returns the targets that reach a user.
func amongTargets(ctx context.Context, env Env, u graph.User, targets []graph.Target) ([]graph.Target, error) {
	var groups []string
	for _, t := range targets {
		if t.Group && t.ID != graph.AllUsers {
			groups = append(groups, t.ID)
		}
	}
	var member []string
	if len(groups) > 0 {
		var err error
		if member, err = env.Tenant.MemberOf(ctx, u.ID, groups); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(targets), func(t graph.Target) bool {
		return t.ID != graph.AllUsers && !strings.EqualFold(t.ID, u.ID) && !slices.Contains(member, t.ID)
	}), nil
}
