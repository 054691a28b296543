package commands

import (
	"context"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/graph"
)

func me(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "me", Summary: "How your own sign-in protection stands, and the next step.", Example: "me"},
		Access:      everybody,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return ownState(ctx, env, c.Voice, c.Who)
		},
	}
}

// ownState says how the speaker's own sign-in is protected. Whoever is not known
// gets the steps that work for everybody.
func ownState(ctx context.Context, env Env, v phrases.Voice, who identity.Speaker) (chat.Message, error) {
	if !who.Linked {
		m := article(env, v, env.Guide.Setup(view(env, v, guide.AnyDevice)))
		m.Text = "I cannot look up your account, because I do not know who you are in Microsoft 365. These steps work for everybody.\n\n" + m.Text
		return m, nil
	}
	own, err := ownMethods(ctx, env, who)
	if err != nil {
		return chat.Message{}, err
	}
	return standing(own, today(env)), nil
}

// standing says how somebody's own methods stand today, with one button for
// the next step.
func standing(methods []graph.Method, today time.Time) chat.Message {
	m := chat.Message{Footer: "Read from Microsoft 365 just now. Only you can see this."}
	phones, lasting := 0, 0
	for _, x := range methods {
		if x.Kind == graph.MethodPassword {
			continue // everybody has one, and it is no second factor
		}
		m.Fields = append(m.Fields, chat.Field{Label: "You have", Value: describe(x)})
		switch strength := x.Kind.Strength(); {
		case strength > graph.PhoneMFA:
			lasting++
		case strength == graph.PhoneMFA:
			phones++
		}
	}
	switch best := graph.Strongest(methods); {
	case best == graph.NotMFA:
		m.Headline = "You are not set up yet: your password is all that protects your account."
		m.Text = "It takes about five minutes, best at your computer with your phone beside you."
		m.Buttons = []chat.Button{{ID: "run", Label: "Show me how", Value: "setup", Style: chat.Primary}}
	case best == graph.PhoneMFA:
		m.Headline = "You are set up, but only with texts or calls."
		m.Text = textsEnd(today) + " Please add the app or a passkey now."
		m.Buttons = []chat.Button{{ID: "run", Label: "Show me how", Value: "setup", Style: chat.Primary}}
	case lasting < 2:
		m.Headline = "You are set up. One step is left: a second method, in case the first one breaks."
		if phones > 0 {
			m.Headline = "You are set up. One step is left: a backup that is not a text or a call."
			m.Text = textsEnd(today)
		}
		m.Buttons = []chat.Button{{ID: "run", Label: "Add a backup", Value: backupLine, Style: chat.Primary}}
	default:
		m.Headline = allSet
	}
	if len(m.Buttons) > 0 {
		m.Links = []chat.Link{securityInfo}
	}
	return m
}

const allSet = "You are all set, and you have a backup. Thank you!"

// textsEnd says when Microsoft ends texts and calls, or that it has.
func textsEnd(today time.Time) string {
	if today.Format(time.DateOnly) < "2027-02-01" {
		return "For most people Microsoft stops sending texts and calls on 1 February 2027."
	}
	return "For most people Microsoft stopped sending texts and calls on 1 February 2027."
}

func describe(m graph.Method) string {
	kind := chat.Safe(m.Kind.String(), 60) // of a kind that we do not know, the tenant's word
	if m.Label == "" {
		return kind
	}
	return kind + ", " + quoted(m.Label, 40)
}
