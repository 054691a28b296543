package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

func whoami(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "whoami", Summary: "Who you are here, and what you may do.", Example: "whoami"},
		Access:      everybody,
		Answer: func(_ context.Context, c Call) (chat.Message, error) {
			if !c.Who.Linked {
				return chat.Message{
					Headline: "I do not know who you are in Microsoft 365.",
					Text:     "You can ask me how to set things up. For anything about your own account, ask an owner of this bot to link your chat account.",
				}, nil
			}
			return chat.Message{
				Headline: "You are " + chat.Safe(c.Who.User.Name, 60) + ".",
				Fields: []chat.Field{
					{Label: "Sign-in name", Value: chat.Safe(c.Who.User.UPN, 120)},
					{Label: "Object ID", Value: c.Who.User.ID},
					{Label: "Tenant", Value: chat.Safe(env.Organization.Name, 60)},
					{Label: "Roles", Value: rolesOf(c.Who)},
					{Label: "Your chat account", Value: c.Who.Proof},
				},
				Footer: "Only you can see this.",
			}, nil
		},
	}
}

// rolesOf says which roles somebody has, and how each came.
func rolesOf(who identity.Speaker) string {
	if who.Suggested {
		return "staff, for what is your own"
	}
	if who.Principal == (approval.Principal{}) {
		return "staff, until the link is a day old"
	}
	roles := make([]string, len(who.Roles))
	for i, r := range who.Roles {
		roles[i] = string(r)
		if via := who.Via[r]; via != "user" {
			roles[i] += " (" + via + ")"
		}
	}
	if len(roles) == 0 {
		return "staff"
	}
	return strings.Join(roles, ", ")
}
