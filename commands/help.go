package commands

import (
	"context"
	"strings"

	"twokey/chat"
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
				return helpOn(specs, strings.ToLower(name))
			}
			m := chat.Message{
				Headline: "What you can do here",
				Text:     "You can also just ask me a question in your own words.",
				Table:    overview(specs),
				Footer:   "Only you can see this.",
			}
			if c.Unread != nil {
				m.Text = "Microsoft 365 cannot be read just now, so I cannot see who you are. This is what everybody may do; some of it has to wait."
			}
			return m, nil
		},
	}
}

func overview(specs []chat.CommandSpec) *chat.Table {
	t := &chat.Table{Header: []string{"Type", "What it does"}}
	for _, s := range specs {
		t.Rows = append(t.Rows, []string{usage(s), s.Summary})
	}
	return t
}

// helpOn explains one command, or lists those of two words that begin with name.
func helpOn(specs []chat.CommandSpec, name string) (chat.Message, error) {
	var kin []chat.CommandSpec
	for _, s := range specs {
		switch {
		case s.Name == name:
			return manual(s), nil
		case strings.HasPrefix(s.Name, name+" "):
			kin = append(kin, s)
		}
	}
	if len(kin) > 0 {
		return chat.Message{Headline: "What begins with “/mfa " + name + "”", Table: overview(kin)}, nil
	}
	return chat.Message{}, &mistake{"There is no command " + shown(name) + " for you.", "“/mfa help” lists what you can do."}
}

func manual(s chat.CommandSpec) chat.Message {
	m := chat.Message{Headline: usage(s), Text: s.Summary}
	for _, o := range s.Options {
		value := o.Summary
		if len(o.Choices) > 0 {
			value += ": " + strings.Join(o.Choices, ", ")
		}
		m.Fields = append(m.Fields, chat.Field{Label: o.Name, Value: value})
	}
	m.Fields = append(m.Fields, chat.Field{Label: "Example", Value: "/mfa " + s.Example})
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
