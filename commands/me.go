package commands

import (
	"context"
	"slices"
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
		m := article(env, v, env.Guide.Setup(view(ctx, env, v, guide.AnyDevice)))
		m.Text = v.Say("I cannot look up your account, because I do not know who you are in Microsoft 365. These steps work for everybody.") + "\n\n" + m.Text
		if env.Page != "" {
			m.Buttons = append([]chat.Button{{ID: "run", Label: v.Say("Link me"), Value: "link"}}, m.Buttons...)
		}
		return m, nil
	}
	own, err := ownMethods(ctx, env, who)
	if err != nil {
		return chat.Message{}, err
	}
	return standing(v, own, today(env)), nil
}

// standing says how somebody's own methods stand today, with one button for
// the next step.
func standing(v phrases.Voice, methods []graph.Method, today time.Time) chat.Message {
	m := chat.Message{Footer: v.Say("Read from Microsoft 365 just now. Only you can see this.")}
	phones, lasting := 0, 0
	for _, x := range methods {
		if x.Kind == graph.MethodPassword {
			continue // everybody has one, and it is no second factor
		}
		m.Fields = append(m.Fields, chat.Field{Label: v.Say("You have"), Value: describeIn(v, x)})
		switch strength := x.Kind.Strength(); {
		case strength > graph.PhoneMFA:
			lasting++
		case strength == graph.PhoneMFA:
			phones++
		}
	}
	switch best := graph.Strongest(methods); {
	case best == graph.NotMFA:
		m.Headline = v.Say("You are not set up yet: your password is all that protects your account.")
		m.Text = v.Say("It takes about five minutes, best at your computer with your phone beside you.")
		m.Buttons = []chat.Button{{ID: "run", Label: v.Say("Show me how"), Value: "setup", Style: chat.Primary}}
	case best == graph.PhoneMFA:
		m.Headline = v.Say("You are set up, but only with texts or calls.")
		m.Text = textsEndIn(v, today) + " " + v.Say("Please add the app or a passkey now.")
		m.Buttons = []chat.Button{{ID: "run", Label: v.Say("Show me how"), Value: "setup", Style: chat.Primary}}
	case lasting < 2:
		m.Headline = v.Say("You are set up. One step is left: a second method, in case the first one breaks.")
		if phones > 0 {
			m.Headline = v.Say("You are set up. One step is left: a backup that is not a text or a call.")
			m.Text = textsEndIn(v, today)
		}
		m.Buttons = []chat.Button{{ID: "run", Label: v.Say("Add a backup"), Value: backupLine, Style: chat.Primary}}
	default:
		m.Headline = v.Say(allSet)
	}
	if len(m.Buttons) > 0 {
		m.Links = []chat.Link{securityInfo(v)}
	}
	return m
}

var allSet = phrases.Mark("You are all set, and you have a backup. Thank you!")

// textsEnd says in English when Microsoft ends texts and calls, or that it has.
func textsEnd(today time.Time) string { return textsEndIn(phrases.Voice{}, today) }

func textsEndIn(v phrases.Voice, today time.Time) string {
	if today.Format(time.DateOnly) < "2027-02-01" {
		return v.Say("For most people Microsoft stops sending texts and calls on 1 February 2027.")
	}
	return v.Say("For most people Microsoft stopped sending texts and calls on 1 February 2027.")
}

// kindPhrases are how methods are called, as graph.MethodKind says it: the names of
// products stay.
var kindPhrases = []string{
	phrases.Mark("phone (text or call)"), phrases.Mark("e-mail (password reset only)"), phrases.Mark("passkey or security key"),
	phrases.Mark("code app"), phrases.Mark("code token"), phrases.Mark("platform credential"), phrases.Mark("external method"),
}

// describe names a method in English.
func describe(m graph.Method) string { return describeIn(phrases.Voice{}, m) }

func describeIn(v phrases.Voice, m graph.Method) string {
	kind := chat.Safe(m.Kind.String(), 60) // of a kind that we do not know, the tenant's word
	if slices.Contains(kindPhrases, kind) {
		kind = v.Say(kind)
	}
	if m.Label == "" {
		return kind
	}
	return kind + ", " + quoted(m.Label, 40)
}
