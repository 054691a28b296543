package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/guide"
	"twokey/commands/staff"
)

// unhelpful takes in that an article did not help.
func unhelpful(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: unhelpfulLine, Summary: "Say that an article did not help you.", Example: "guide unhelpful new-phone",
			Options: []chat.Option{
				{Name: "topic", Summary: "an article's name, like new-phone", Required: true},
				{Name: "question", Summary: "what you wanted to know", Rest: true},
			},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			id := strings.ToLower(c.Args["topic"])
			if _, ok := env.Guide.Article(id, guide.View{Language: c.Voice.Language()}); !ok {
				return chat.Message{}, &mistake{c.Voice.Say("There is no article of that name."), c.Voice.Say("Perhaps you mean: %s.", strings.Join(similarTopics(env, id), ", "))}
			}
			keepGap(ctx, env, c.Event.From, staff.Gap{Kind: staff.GapUnhelpful, Topic: id, Words: maskedQuestion(ctx, env, c.Args["question"])})
			return chat.Message{
				Headline: c.Voice.Say("I am sorry. A person can look at it with you."),
				Text:     c.Voice.Say("It is counted that this article did not help, without your name."),
				Buttons:  []chat.Button{helpButton(c.Voice, c.Voice.Say("Ask a person for me"))},
				Footer:   c.Voice.Say(onlyYou),
			}, nil
		},
	}
}

// unhelpfulButton lets somebody say that an article did not help with what they
// asked.
func unhelpfulButton(v phrases.Voice, id, masked string) chat.Button {
	return chat.Button{ID: "run", Label: v.Say("That did not help"), Value: strings.TrimSpace(strings.Join([]string{unhelpfulLine, id, masked}, " "))}
}
