package commands

import (
	"context"

	"twokey/chat"
)

func version(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "version", Summary: "Which version of the bot this is.", Example: "version"},
		Access:      everybody,
		Offline:     true,
		Answer: func(context.Context, Call) (chat.Message, error) {
			return chat.Message{Headline: env.Build}, nil
		},
	}
}
