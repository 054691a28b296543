package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/guide"
)

func ask(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "ask", Summary: "Ask a question in your own words.", Example: "ask I have a new phone, what now?",
			Options: []chat.Option{{Name: "question", Summary: "a question", Required: true, Rest: true}},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return advise(ctx, env, c.Voice, c.Event.From, c.Args["question"])
		},
	}
}

// advise answers a question from the guide, or names a person. What the guide
// cannot answer is counted.
func advise(ctx context.Context, env Env, v phrases.Voice, from chat.Account, question string) (chat.Message, error) {
	if strings.TrimSpace(question) == "" {
		return chat.Message{}, &mistake{v.Say("What would you like to know?"), v.Say("Just type it in your own words.")}
	}
	answer := env.Guide.Ask(question)
	kept := maskedQuestion(ctx, env, question)
	if gap, left := gapOf(v, answer, kept); left {
		keepGap(ctx, env, from, gap)
	}
	switch answer.Expect {
	case guide.ExpectNone:
		if v.Language() != phrases.English {
			return otherLanguage(env, v), nil
		}
		return chat.Message{
			Headline: v.Say("That is not my subject: I only know about signing in safely."),
			Text:     v.Say("A person can help: %s.", env.contact()),
			Footer:   v.Say("Only you can see this."),
		}, nil
	case guide.ExpectHandover:
		return chat.Message{
			Headline: v.Say("A person should look at this with you."),
			Text:     v.Say("Please ask %s. I cannot do this for you, and I do not want to guess.", env.contact()),
			Footer:   v.Say("Only you can see this."),
			Buttons: append(topicButtons(env, v, answer.Topics), chat.Button{
				ID: "run", Label: v.Say("Ask a person for me"), Value: "person " + strings.Join(strings.Fields(question), " "), Style: chat.Primary,
			}),
		}, nil
	default:
		a, ok := env.Guide.Article(answer.Topics[0], view(ctx, env, v, answer.Variant))
		if !ok {
			return chat.Message{}, &mistake{v.Say("I do not know that well enough."), v.Say("Please ask %s.", env.contact())}
		}
		m := article(env, v, a)
		m.Buttons = append(topicButtons(env, v, answer.Topics[1:]), unhelpfulButton(v, a.ID, kept))
		return m, nil
	}
}

// otherLanguage answers a question that may have been asked in a language in
// which the guide does not look for answers: it must not be told that it is none
// of our business.
func otherLanguage(env Env, v phrases.Voice) chat.Message {
	return chat.Message{
		Headline: v.Say("I did not understand that: I look for answers to English questions only."),
		Text:     v.Say("Choose a subject, ask me in English, or ask %s.", env.contact()),
		Footer:   v.Say("Only you can see this."),
		Buttons:  topicButtons(env, v, []string{"add-work-account", "new-phone", "lost-stolen-phone"}),
	}
}

// view is how somebody sees an article today.
func view(ctx context.Context, env Env, v phrases.Voice, d guide.Device) guide.View {
	return guide.View{Language: v.Language(), Device: d, Now: today(env), Facts: guideFacts(ctx, env)}
}

// topic shows the article that a button of topicButtons names.
func topic(ctx context.Context, env Env, v phrases.Voice, id string) (chat.Message, error) {
	a, ok := env.Guide.Article(id, view(ctx, env, v, guide.AnyDevice))
	if !ok {
		return chat.Message{}, &mistake{v.Say("That article is no longer there."), v.Say("Just ask me in your own words.")}
	}
	m := article(env, v, a)
	m.Buttons = append(m.Buttons, unhelpfulButton(v, id, ""))
	return m, nil
}

// topicButtons offers articles that may have been meant.
func topicButtons(env Env, v phrases.Voice, topics []string) []chat.Button {
	var bs []chat.Button
	for _, id := range topics {
		if a, ok := env.Guide.Article(id, guide.View{Language: v.Language()}); ok {
			bs = append(bs, chat.Button{ID: "topic", Label: a.Title, Value: id})
		}
	}
	return bs
}

// article shows a guide article as a private answer, with what the reader must know
// of the tenant. One that is not in the reader's language says so.
func article(env Env, v phrases.Voice, a guide.Article) chat.Message {
	m := chat.Message{
		Headline: a.Title, Text: a.Lead, Steps: a.Steps,
		Footer: v.Say("Only you can see this. I never ask for a password, a code or a QR code."),
	}
	for _, f := range a.Holding {
		m.Text += "\n\n" + factWords(v, f)
	}
	if a.Language != v.Language() {
		m.Text = v.Say("I do not have this in your language yet, so here it is in English.") + "\n\n" + m.Text
	}
	if a.Otherwise != "" {
		m.Fields = append(m.Fields, chat.Field{Label: v.Say("If that does not work"), Value: a.Otherwise})
	}
	if a.Person != "" {
		m.Fields = append(m.Fields, chat.Field{Label: v.Say("A person can help when"), Value: a.Person + " " + v.Say("Ask %s.", env.contact())})
	}
	for _, l := range a.Links {
		m.Links = append(m.Links, chat.Link(l))
	}
	return m
}
