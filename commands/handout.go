package commands

import (
	"context"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/guide"
)

// guidePrint makes a hand-out of an article, for people who have no chat: all
// that the article says for every device, with its addresses written out.
func guidePrint(env Env) Command {
	languages := make([]string, 0, len(phrases.Languages()))
	for _, l := range phrases.Languages() {
		languages = append(languages, string(l))
	}
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "guide print", Summary: "A hand-out for people without chat.", Example: "guide print new-phone es",
			Options: []chat.Option{
				{Name: "topic", Summary: "an article's name, like new-phone", Required: true},
				{Name: "language", Summary: "a code; without one, your language", Choices: languages},
			},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			v := c.Voice
			if code := c.Args["language"]; code != "" {
				v = env.Phrases.In(phrases.Language(code))
			}
			return handout(ctx, env, v, c.Args["topic"])
		},
	}
}

func handout(ctx context.Context, env Env, v phrases.Voice, topic string) (chat.Message, error) {
	topic = strings.ToLower(topic)
	a, ok := env.Guide.Article(topic, view(ctx, env, v, guide.AnyDevice))
	if !ok {
		return chat.Message{}, &mistake{v.Say("There is no article of that name."), v.Say("Perhaps you mean: %s.", strings.Join(similarTopics(env, topic), ", "))}
	}
	m := article(env, v, a)
	m.Fields = append(m.Fields, chat.Field{Label: v.Say("For help"), Value: v.Say("%s. Nobody who helps you needs your password, a code or a QR code.", env.contact())})
	m.Footer = v.Say("Checked on %s. To be printed for people without chat; “/mfa guide print” makes it.", a.Reviewed.Format(time.DateOnly))
	return m, nil
}

// similarTopics names the articles that a wrong name may have meant.
func similarTopics(env Env, topic string) []string {
	found := env.Guide.Ask(strings.ReplaceAll(topic, "-", " ")).Topics
	if len(found) == 0 {
		found = []string{"add-work-account", "new-phone", "lost-stolen-phone"}
	}
	return slices.Clone(found)
}
