package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
)

func digestPreview(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "digest preview", Summary: "This week's digest as it would be posted now.", Example: "digest preview"},
		Access:      only(identity.Viewer),
		Answer: func(ctx context.Context, _ Call) (chat.Message, error) {
			m, err := env.Digest.Preview(ctx)
			if err != nil {
				return m, err
			}
			// A remark: where that cannot be read the preview is all the same what was asked for.
			if until, err := mutedUntil(ctx, env.Requests, env.Organization.ID); err == nil && until.After(env.Now()) {
				m.Footer += " It is muted: none is posted by itself until " + dayWords(env, until) + "."
			}
			m.Footer = strings.TrimSpace(m.Footer + " Only you can see this preview.")
			return m, nil
		},
	}
}

func digestNow(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "digest now", Summary: "Post this week's digest to the team, or bring it up to date.", Example: "digest now"},
		Access:      only(identity.Lead),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			posted, err := env.Digest.PostNow(ctx, c.Who.Principal.Object)
			if err != nil {
				return chat.Message{}, err
			}
			if !posted {
				return chat.Message{Headline: "This week's digest is in the team channel already. It has been brought up to date."}, nil
			}
			return chat.Message{Headline: "This week's digest has been posted to the team channel."}, nil
		},
	}
}
