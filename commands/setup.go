package commands

import (
	"context"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/commands/staff"
)

func setup(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "setup", Summary: "How to set up Authenticator, step by step.", Example: "setup iphone",
			Options: []chat.Option{{
				Name: "device", Summary: "what you have at hand",
				Choices: []string{"iphone", "android", "phone-only", "nophone", "tablet", "passkey", "key"},
			}},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			device := guide.Device(c.Args["device"])
			m := article(env, c.Voice, env.Guide.Setup(view(ctx, env, c.Voice, device)))
			switch {
			case device == guide.AnyDevice:
				m.Buttons = deviceButtons(c.Voice)
				return m, nil
			case !c.Who.Linked:
				return m, nil
			case device == guide.NoPhone:
				m.Text += "\n\n" + c.Voice.Say("I have noted that you need a key or a token. You get no more reminders, and those who buy them see how many are needed.")
				m.Buttons = []chat.Button{{ID: "run", Label: c.Voice.Say("I do have a phone"), Value: "setup"}, helpButton(c.Voice, c.Voice.Say("Ask a person about it"))}
			default:
				m.Buttons = []chat.Button{checkButton(c.Voice), helpButton(c.Voice, c.Voice.Say("It does not work"))}
			}
			return m, needs(ctx, env, c.Who, device == guide.NoPhone)
		},
	}
}

// needs keeps whether somebody has to be given a key or a token, where that is
// another answer than before.
func needs(ctx context.Context, env Env, who identity.Speaker, key bool) error {
	note, err := env.Staff.StaffNote(ctx, env.Organization.ID, who.User.ID)
	if err != nil || note.NeedsKey == key {
		return err
	}
	return keepNote(ctx, env, who, "person.needs_key", map[string]any{"needs": key}, func(n *staff.Note) { n.NeedsKey = key })
}

func deviceButtons(v phrases.Voice) []chat.Button {
	var bs []chat.Button
	for _, d := range []struct{ label, device string }{
		{v.Say("I have an iPhone"), "iphone"}, {v.Say("I have an Android phone"), "android"}, {v.Say("I have no smartphone"), "nophone"},
	} {
		bs = append(bs, chat.Button{ID: "run", Label: d.label, Value: "setup " + d.device})
	}
	return bs
}
