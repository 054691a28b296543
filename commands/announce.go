package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/approval"
)

// toldToWhom says who reads what is not about a request: perhaps one person, who
// is both.
const toldToWhom = "Whoever approves changes and whoever owns this bot is told this. Nobody needs a password, a code or a pass for it."

// announcement words what everybody who decides is told, about no request of
// theirs.
func announcement(env Env) outbox.Renderer {
	return func(ctx context.Context, facts []byte) (chat.Message, error) {
		var f struct {
			Headline, Text, By, Why string
			Alone                   bool
		}
		if err := json.Unmarshal(facts, &f); err != nil {
			return chat.Message{}, fmt.Errorf("read message facts: %w", err)
		}
		if f.Headline == "" {
			return chat.Message{}, errors.New("an announcement of nothing")
		}
		m := chat.Message{
			Headline: f.Headline, Text: f.Text,
			Footer: toldToWhom,
		}
		if f.Alone {
			m.Footer = "Nobody needs a password, a code or a pass for it."
		}
		they := "They say"
		switch f.By {
		case "":
		case approval.Itself:
			they = "Why"
			m.Fields = append(m.Fields, chat.Field{Label: "Done by", Value: "Twokey itself"})
		case approval.Host:
			m.Fields = append(m.Fields, chat.Field{Label: "Done by", Value: "whoever runs the bot, on its own machine"})
		default:
			m.Fields = append(m.Fields, chat.Field{Label: "Done by", Value: env.People.Name(ctx, principal(env, f.By)), Quoted: true})
		}
		if f.Why != "" {
			m.Fields = append(m.Fields, chat.Field{Label: they, Value: chat.Safe(f.Why, 0), Quoted: true})
		}
		return m, nil
	}
}
