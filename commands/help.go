package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/identity"
)

func help(allowed func(identity.Speaker) []chat.CommandSpec) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "help", Summary: "What you can do here.", Example: "help defaults enable",
			Options: []chat.Option{{Name: "command", Summary: "the name of a command", Rest: true}},
		},
		Access: everybody, Offline: true,
		Answer: func(_ context.Context, c Call) (chat.Message, error) {
			specs := allowed(c.Who)
			if name, ok := c.Args["command"]; ok {
				return helpOn(c.Voice, specs, strings.ToLower(name))
			}
			m := chat.Message{
				Headline: c.Voice.Say("What you can do here"),
				Text:     c.Voice.Say("You can also just ask me a question in your own words."),
				Table:    overview(c.Voice, specs),
				Footer:   c.Voice.Say("Only you can see this."),
			}
			if c.Unread != nil {
				m.Text = c.Voice.Say("Microsoft 365 cannot be read just now, so I cannot see who you are. This is what everybody may do; some of it has to wait.")
			}
			return m, nil
		},
	}
}

// inLanguage is what a command or an option is for, in the language of whoever
// reads it; for commands of other roles, in English.
func inLanguage(v phrases.Voice, summary string) string {
	book, err := summaries()
	if err != nil {
		return summary // they are part of the program
	}
	return book.In(v.Language()).Say(summary)
}

func overview(v phrases.Voice, specs []chat.CommandSpec) *chat.Table {
	t := &chat.Table{Header: []string{v.Say("Type"), v.Say("What it does")}}
	for _, s := range specs {
		t.Rows = append(t.Rows, []string{usage(s), inLanguage(v, s.Summary)})
	}
	return t
}

// helpOn explains one command, or lists those of two words that begin with name.
func helpOn(v phrases.Voice, specs []chat.CommandSpec, name string) (chat.Message, error) {
	var kin []chat.CommandSpec
	for _, s := range specs {
		switch {
		case s.Name == name:
			return manual(v, s), nil
		case strings.HasPrefix(s.Name, name+" "):
			kin = append(kin, s)
		}
	}
	if len(kin) > 0 {
		return chat.Message{Headline: v.Say("What begins with “/mfa %s”", name), Table: overview(v, kin)}, nil
	}
	return chat.Message{}, &mistake{v.Say("There is no command %s for you.", shown(name)), v.Say("“/mfa help” lists what you can do.")}
}

func manual(v phrases.Voice, s chat.CommandSpec) chat.Message {
	m := chat.Message{Headline: usage(s), Text: inLanguage(v, s.Summary)}
	for _, o := range s.Options {
		value := inLanguage(v, o.Summary)
		if len(o.Choices) > 0 {
			value += ": " + strings.Join(o.Choices, ", ")
		}
		m.Fields = append(m.Fields, chat.Field{Label: o.Name, Value: value})
	}
	m.Fields = append(m.Fields, chat.Field{Label: v.Say("Example"), Value: "/mfa " + s.Example})
	return m
}

// usage is how a command is typed: <needed> and [optional]. Choices stand for
// themselves as long as the line fits a phone.
func usage(s chat.CommandSpec) string {
	var b strings.Builder
	b.WriteString("/mfa " + s.Name)
	for _, o := range s.Options {
		word := o.Name
		if choices := strings.Join(o.Choices, "|"); choices != "" && len(choices) <= 20 {
			word = choices
		}
		switch {
		case o.Flag && o.Bare:
			word = "--" + o.Name
		case o.Flag:
			word = "--" + o.Name + " " + word
		}
		if o.Required {
			b.WriteString(" <" + word + ">")
		} else {
			b.WriteString(" [" + word + "]")
		}
	}
	return b.String()
}
