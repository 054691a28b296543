package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"
)

// scopes are what the bot needs, as the manifest asks for them, and what for.
var scopes = []struct{ name, use string }{
	{"commands", "the slash command"},
	{"chat:write", "posting"},
	{"im:write", "writing to people directly"},
	{"im:history", "reading what people write to the bot directly"},
	{"app_mentions:read", "being mentioned"},
	{"users:read", "telling members from guests"},
	{"users:read.email", "answering people about themselves before they have linked their account"},
	{"files:write", "pictures and lists"},
	{"files:read", "seeing whether a picture can be shown"},
}

// Check reports what has to hold before the adapter can work: the token, the
// scopes, and in socket mode that a socket would be opened. A nil error is
// good news. It may be called whether or not the adapter runs.
func (s *Slack) Check(ctx context.Context, report func(name string, err error)) {
	_, header, err := s.authorise(ctx)
	report("slack token", err)
	if err != nil {
		return
	}
	held := strings.FieldsFunc(header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, scope := range scopes {
		var err error
		if !slices.Contains(held, scope.name) {
			err = &problem{doing: "check the scope for " + scope.use, code: "missing_scope", needed: scope.name, provided: strings.Join(held, ", ")}
		}
		report(fmt.Sprintf("slack scope %s", scope.name), err)
	}
	if s.cfg.Mode == modeSocket {
		_, _, err := s.api.StartSocketModeContext(ctx)
		report("slack sockets", wrap("open a socket", err))
	}
}

// Channel reports whether the bot sees a channel, "C…". Slack tells an app that
// may not look at channels so much when it is asked for the link of a message
// that is not there. In a public channel the bot sees more than it may write to:
// whether it was invited shows at its first message alone.
// https://docs.slack.dev/reference/methods/chat.getPermalink
func (s *Slack) Channel(ctx context.Context, id string) error {
	_, err := s.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: id, Ts: "1000000000.000000"})
	err = wrap("look at a channel", err)
	var p *problem
	if errors.As(err, &p) && p.code == "message_not_found" {
		return nil
	}
	return err
}

// Member reports whether an account, "U…", is a full member of the workspace:
// nobody else's presses count. It may be called whether or not the adapter runs.
func (s *Slack) Member(ctx context.Context, id string) error {
	if _, err := s.Workspace(ctx); err != nil {
		return err
	}
	p, err := s.lookUp(ctx, id)
	if err != nil {
		return err
	}
	if p.kind != member {
		return fmt.Errorf("%s is a %s", id, p.kind)
	}
	return nil
}
