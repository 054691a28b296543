package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/commands/guide"
)

func ask(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "ask", Summary: "Ask a question in your own words.", Example: "ask I have a new phone, what now?",
			Options: []chat.Option{{Name: "question", Summary: "a question", Required: true, Rest: true}},
		},
		Access: everybody, Offline: true,
		Answer: func(_ context.Context, c Call) (chat.Message, error) { return advise(env, c.Args["question"]) },
	}
}

// advise answers a question from the guide, or names a person.
func advise(env Env, question string) (chat.Message, error) {
	if strings.TrimSpace(question) == "" {
		return chat.Message{}, &mistake{"What would you like to know?", "Just type it in your own words."}
	}
	answer := env.Guide.Ask(question)
	switch answer.Expect {
	case guide.ExpectNone:
		return chat.Message{
			Headline: "That is not my subject: I only know about signing in safely.",
			Text:     "A person can help: " + env.Contact + ".",
			Footer:   "Only you can see this.",
		}, nil
	case guide.ExpectHandover:
		m := chat.Message{
			Headline: "A person should look at this with you.",
			Text:     "Please ask " + env.Contact + ". I cannot do this for you, and I do not want to guess.",
			Footer:   "Only you can see this.",
		}
		m.Buttons = topicButtons(env, answer.Topics)
		return m, nil
	default:
		a, ok := env.Guide.Article(answer.Topics[0], answer.Variant, today(env))
		if !ok {
			return chat.Message{}, &mistake{"I do not know that well enough.", "Please ask " + env.Contact + "."}
		}
		m := article(env, a)
		m.Buttons = topicButtons(env, answer.Topics[1:])
		return m, nil
	}
}

// topic shows the article that a button of topicButtons names.
func topic(env Env, id string) (chat.Message, error) {
	a, ok := env.Guide.Article(id, "", today(env))
	if !ok {
		return chat.Message{}, &mistake{"That article is no longer there.", "Just ask me in your own words."}
	}
	return article(env, a), nil
}

// topicButtons offers articles that may have been meant.
func topicButtons(env Env, topics []string) []chat.Button {
	var bs []chat.Button
	for _, id := range topics {
		if a, ok := env.Guide.Article(id, "", today(env)); ok {
			bs = append(bs, chat.Button{ID: "topic", Label: a.Title, Value: id})
		}
	}
	return bs
}

// article shows a guide article as a private answer.
func article(env Env, a guide.Article) chat.Message {
	m := chat.Message{Headline: a.Title, Text: a.Lead, Steps: a.Steps, Footer: "Only you can see this. I never ask for a password, a code or a QR code."}
	if a.Otherwise != "" {
		m.Fields = append(m.Fields, chat.Field{Label: "If that does not work", Value: a.Otherwise})
	}
	if a.Person != "" {
		m.Fields = append(m.Fields, chat.Field{Label: "A person can help when", Value: a.Person + " Ask " + env.Contact + "."})
	}
	for _, l := range a.Links {
		m.Links = append(m.Links, chat.Link(l))
	}
	return m
}
