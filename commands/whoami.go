package commands

import (
	"context"
	"strings"

	"twokey/chat"
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
			roles := make([]string, len(c.Who.Roles))
			for i, r := range c.Who.Roles {
				roles[i] = string(r)
			}
			if len(roles) == 0 {
				roles = []string{"staff"}
			}
			return chat.Message{
				Headline: "You are " + chat.Safe(c.Who.User.Name, 60) + ".",
				Fields: []chat.Field{
					{Label: "Sign-in name", Value: chat.Safe(c.Who.User.UPN, 120)},
					{Label: "Object ID", Value: c.Who.User.ID},
					{Label: "Tenant", Value: chat.Safe(env.Organization.Name, 60)},
					{Label: "Roles", Value: strings.Join(roles, ", ")},
					{Label: "Linked by", Value: "the owner, in the configuration"},
				},
				Footer: "Only you can see this.",
			}, nil
		},
	}
}
