package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
)

// Absences keeps who is away.
type Absences interface {
	// Away returns who of a tenant is away now and until when, by object ID.
	Away(ctx context.Context, tenant string) (map[string]time.Time, error)
	// SetAway stores that somebody is away until then, or back if that is past,
	// and in the same transaction what tell stores.
	SetAway(ctx context.Context, who approval.Principal, until time.Time, tell func(approval.Tx) error) error
}

// awayCommand is for one's own absence and nobody else's: to take another out of the
// approvals would be a way to have fewer decide.
func awayCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "away", Summary: "Say until when you cannot approve; others are asked meanwhile.", Example: "away until 5 December",
			Options: []chat.Option{{Name: "until", Summary: "the day on which you are back, like “Friday” or “5 December”; “back” ends it", Rest: true}},
		},
		Access: linked,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if c.Who.Principal == (approval.Principal{}) {
				return chat.Message{}, unproven(c.Who)
			}
			words := strings.Fields(strings.ToLower(c.Args["until"]))
			if len(words) > 0 && words[0] == "until" {
				words = words[1:]
			}
			switch text := strings.Join(words, " "); text {
			case "":
				return showAway(ctx, env, c)
			case "back", "off":
				return setAway(ctx, env, c, env.Now())
			default:
				until, err := parseDay(text, env.Now().In(env.Zone))
				if err != nil {
					return chat.Message{}, err
				}
				return setAway(ctx, env, c, until)
			}
		},
	}
}

func showAway(ctx context.Context, env Env, c Call) (chat.Message, error) {
	away, err := env.Absences.Away(ctx, env.Organization.ID)
	if err != nil {
		return chat.Message{}, err
	}
	until, ok := away[c.Who.Principal.Object]
	if !ok {
		return chat.Message{Headline: "You are not away.", Text: "“/mfa away until 5 December” says that you are, until that day."}, nil
	}
	return chat.Message{Headline: "You are away, and back on " + dayWords(env, until) + ".", Text: "“/mfa away back” ends it now."}, nil
}

// setAway stores until when somebody is away; back, if that is not after today.
func setAway(ctx context.Context, env Env, c Call, until time.Time) (chat.Message, error) {
	switch now := midnight(today(env)); {
	case until.Before(now):
		return chat.Message{}, &mistake{dayWords(env, until) + " is past.", "Type the day on which you are back."}
	case until.After(now.AddDate(0, 0, farDays)):
		return chat.Message{}, &mistake{dayWords(env, until) + " is more than a year away.", "Ask an owner to take you off the approvers instead."}
	}
	who := c.Who.Principal
	err := env.Absences.SetAway(ctx, who, until, func(tx approval.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		actor, err := tx.Alias(who.Tenant, who.Object, c.Who.User.Name)
		if err != nil {
			return err
		}
		facts := map[string]any{"until": until.UTC().Format(time.RFC3339)}
		return tx.Record(audit.Entry{At: now, Tenant: who.Tenant, Kind: "person.away", Actor: actor, Facts: facts})
	})
	if err != nil {
		return chat.Message{}, err
	}
	if !until.After(env.Now()) {
		return chat.Message{Headline: "Welcome back. You are asked to approve again."}, nil
	}
	m := chat.Message{
		Headline: "You are away until " + dayWords(env, until) + ", and back on that day.",
		Text:     "Others are asked to approve meanwhile. If you press a button all the same, it counts. “/mfa away back” ends it.",
	}
	left, err := env.People.Approvers(ctx, approval.Request{Tenant: who.Tenant})
	if err == nil && len(left) < 2 {
		m.Fields = []chat.Field{{Label: "Take care", Value: fmt.Sprintf("%s left. What needs two waits longer, or cannot be asked for.", plural(fmt.Sprint(len(left)), "approver"))}}
	}
	return m, nil
}

func dayWords(env Env, t time.Time) string { return t.In(env.Zone).Format("Monday 2 January 2006") }
