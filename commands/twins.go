package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
)

// Twins of the buttons that a request or a preview carries, for whoever types.

// askRequest is the typed twin of the Ask button.
func askRequest(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "requests ask", Summary: "Ask whoever asked for a request something about it, before you decide.", Example: "requests ask R-ABC234 has the help desk called her back?",
			Options: []chat.Option{requestOption, {Name: "question", Summary: "what you want to know", Required: true, Rest: true}},
		},
		Access: only(identity.Viewer), // whether of this very request is the engine's to say
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return decide(ctx, env, c.Who, "ask", c.Args[requestOption.Name], c.Args["question"])
		},
	}
}

// confirmLine is the name of the typed twin of the Confirm button.
const confirmLine = "requests confirm"

// confirmRequest is the typed twin of the Confirm button. What it confirms is
// planned, and whether it may be asked for is looked up, as if it were typed anew.
func confirmRequest(Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: confirmLine, Summary: "Confirm what was shown to you: its details say what to type.", Example: confirmLine + " #0123456789abcdef revoke sam@example.org lost laptop",
			Options: []chat.Option{{Name: "shown", Summary: "the number after #, and the command", Required: true, Rest: true}},
		},
		Access: only(identity.Viewer), // whether this very command is the command's to say
		Answer: func(_ context.Context, c Call) (chat.Message, error) {
			sum, line := confirmed(c.Args["shown"])
			if sum == "" || strings.TrimSpace(line) == "" {
				return chat.Message{}, &mistake{"That is not what a preview says.", "Type the command itself first; what it then shows you has the words to confirm it under its details."}
			}
			return chat.Message{}, &runsInstead{sum, line}
		},
	}
}

// runsInstead is an answer that another command gives, once it was shown what it
// would do.
type runsInstead struct{ shown, line string }

func (*runsInstead) Error() string { return "another command is run" }
