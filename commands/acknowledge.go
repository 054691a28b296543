package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/alert"
	"twokey/commands/identity"
)

// Alerts keeps what somebody has to look at, as far as commands ask for it.
type Alerts interface {
	Alert(ctx context.Context, tenant, ref string) (a alert.Alert, ok bool, err error)
	Acknowledge(ctx context.Context, tenant, ref, by string) (a alert.Alert, ok bool, err error)
}

func acknowledge(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "acknowledge", Summary: "Say that you see to an alert, so that it is not told again.", Example: "acknowledge W-ABC234",
			Options: []chat.Option{{Name: "alert", Summary: "the number of the alert, like W-ABC234", Required: true}},
		},
		Access: only(identity.Approver, identity.Lead, identity.Owner),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			ref := strings.ToUpper(c.Args["alert"])
			a, ok, err := env.Alerts.Acknowledge(ctx, env.Organization.ID, ref, c.Who.Principal.Object)
			switch {
			case err != nil:
				return chat.Message{}, err
			case !ok:
				return chat.Message{}, &mistake{"There is no alert " + quoted(ref, 20) + ".", "Its number stands in the message, like W-ABC234."}
			case a.By != c.Who.Principal.Object:
				return chat.Message{Headline: "This was acknowledged already, by " + named(ctx, env, principal(env, a.By)) + " on " + moment(env, a.Acknowledged) + ".", Text: a.Headline}, nil
			}
			return chat.Message{Headline: a.Ref + " is acknowledged, in your name: it is not told again.", Text: a.Headline + "\n\nEverybody who was told sees that you are on it. It does not undo or allow anything."}, nil
		},
	}
}

// alerted words an alert from what is stored now: with who is on it, once
// somebody is.
func alerted(env Env) outbox.Renderer {
	return func(ctx context.Context, facts []byte) (chat.Message, error) {
		var f struct{ Alert string }
		if err := json.Unmarshal(facts, &f); err != nil {
			return chat.Message{}, fmt.Errorf("read message facts: %w", err)
		}
		if f.Alert == "" {
			return chat.Message{}, errors.New("a message about no alert")
		}
		a, ok, err := env.Alerts.Alert(ctx, env.Organization.ID, f.Alert)
		if err != nil {
			return chat.Message{}, err
		}
		if !ok {
			return chat.Message{}, errors.New("there is no such alert")
		}
		m := chat.Message{
			Headline: a.Headline, Text: a.Text,
			Fields: []chat.Field{{Label: "Alert", Value: a.Ref + ", of " + moment(env, a.Raised)}},
			Footer: toldToWhom,
		}
		if !a.Acknowledged.IsZero() {
			m.Fields = append(m.Fields, chat.Field{Label: "Acknowledged", Value: "by " + named(ctx, env, principal(env, a.By)) + ", " + moment(env, a.Acknowledged)})
			return m, nil
		}
		m.Fields = append(m.Fields, chat.Field{Label: "Told", Value: toldWords(a.Told)})
		m.Buttons = []chat.Button{{ID: "run", Label: "Acknowledge", Value: "acknowledge " + a.Ref, Style: chat.Primary}}
		return m, nil
	}
}

func toldWords(n int) string {
	s := "for the first time"
	if n > 1 {
		s = fmt.Sprintf("%d times by now", n)
	}
	return s + "; it is told again, less and less often, until an approver, a lead or an owner acknowledges it"
}
