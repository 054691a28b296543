package commands

import (
	"context"
	"embed"
	"fmt"

	"twokey/chat"
	"twokey/chat/phrases"
)

//go:embed phrases/*.yaml
var phraseFiles embed.FS

// LoadPhrases reads what the commands for staff say in other languages.
func LoadPhrases() (*phrases.Book, error) { return phrases.Load(phraseFiles, "phrases") }

// Languages keeps in what language people have chosen to be answered.
type Languages interface {
	// Language returns what somebody has chosen, or "".
	Language(ctx context.Context, tenant string, a chat.Account) (phrases.Language, error)
	// SetLanguage stores it; "" forgets it. The object is who they are in the
	// directory, or empty.
	SetLanguage(ctx context.Context, tenant string, a chat.Account, object string, l phrases.Language) error
}

// voice speaks the language of whoever did something: what they have chosen, or
// what their chat is set to, or English. An error leaves the choice out.
func (env Env) voice(ctx context.Context, e chat.Event) (phrases.Voice, error) {
	l, _ := phrases.Match(e.Locale)
	if env.Languages == nil {
		return env.Phrases.In(l), nil
	}
	chosen, err := env.Languages.Language(ctx, env.Organization.ID, e.From)
	if chosen != "" {
		l = chosen
	}
	return env.Phrases.In(l), err
}

// followChat is the choice to have none.
const followChat = "auto"

func langCommand(env Env) Command {
	choices := []string{followChat}
	for _, l := range phrases.Languages() {
		choices = append(choices, string(l))
	}
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "lang", Summary: "Choose the language in which I answer you.", Example: "lang es",
			Options: []chat.Option{{Name: "language", Summary: "a code; auto follows your chat", Choices: choices}},
		},
		Access: everybody,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			code, given := c.Args["language"]
			if !given {
				return offerLanguages(c.Voice), nil
			}
			l, _ := phrases.Match(c.Event.Locale)
			stored := phrases.Language("")
			if code != followChat {
				l = phrases.Language(code)
				stored = l
			}
			object := ""
			if c.Who.Linked {
				object = c.Who.User.ID
			}
			if err := env.Languages.SetLanguage(ctx, env.Organization.ID, c.Event.From, object, stored); err != nil {
				return chat.Message{}, fmt.Errorf("choose language: %w", err)
			}
			v := env.Phrases.In(l)
			return chat.Message{
				Headline: v.Say("I speak %s with you from now on.", l.Name()),
				Text:     v.Say("What is not translated yet comes in English."),
				Footer:   v.Say("Only you can see this."),
			}, nil
		},
	}
}

func offerLanguages(v phrases.Voice) chat.Message {
	m := chat.Message{Headline: v.Say("In which language shall I answer you?"), Footer: v.Say("Only you can see this.")}
	for _, l := range phrases.Languages() {
		m.Buttons = append(m.Buttons, chat.Button{ID: "run", Label: l.Name(), Value: "lang " + string(l)})
	}
	return m
}
