package commands

import (
	"context"

	"twokey/chat"
	"twokey/commands/guide"
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
		Answer: func(_ context.Context, c Call) (chat.Message, error) {
			m := article(env, c.Voice, env.Guide.Setup(view(env, c.Voice, guide.Device(c.Args["device"]))))
			if c.Args["device"] == "" {
				m.Buttons = deviceButtons()
			}
			return m, nil
		},
	}
}

func deviceButtons() []chat.Button {
	var bs []chat.Button
	for _, d := range []struct{ label, device string }{
		{"I have an iPhone", "iphone"}, {"I have an Android phone", "android"}, {"I have no smartphone", "nophone"},
	} {
		bs = append(bs, chat.Button{ID: "run", Label: d.label, Value: "setup " + d.device})
	}
	return bs
}
