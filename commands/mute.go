package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// settingMuted holds until when the clock posts no digest.
const settingMuted = "digest.muted"

func digestMute(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "digest mute", Summary: "Post no weekly digest until a day. Figures are kept all the same.", Example: "digest mute until 7 January",
			Options: []chat.Option{{Name: "until", Summary: "the day from which it is posted again, like “7 January”; “off” ends it now", Rest: true}},
		},
		Access: only(identity.Lead),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			words := strings.Fields(strings.ToLower(c.Args["until"]))
			if len(words) > 0 && words[0] == "until" {
				words = words[1:]
			}
			switch text := strings.Join(words, " "); text {
			case "":
				return showMuted(ctx, env)
			case "off":
				if until, err := mutedUntil(ctx, env.Requests, env.Organization.ID); err != nil || !until.After(env.Now()) {
					return chat.Message{Headline: "The weekly digest is not muted, so there is nothing to end."}, err
				}
				return mute(ctx, env, c, time.Time{})
			default:
				until, err := parseDay(text, today(env))
				switch {
				case err != nil:
					return chat.Message{}, err
				case !until.After(env.Now()):
					return chat.Message{}, &mistake{dayWords(env, until) + " is not ahead.", "Name the day from which the digest is to be posted again."}
				case until.After(env.Now().AddDate(0, 0, farDays)):
					return chat.Message{}, &mistake{dayWords(env, until) + " is more than a year away.", "Ask an owner to take the digest out of the configuration instead."}
				}
				return mute(ctx, env, c, until)
			}
		},
	}
}

func showMuted(ctx context.Context, env Env) (chat.Message, error) {
	until, err := mutedUntil(ctx, env.Requests, env.Organization.ID)
	if err != nil {
		return chat.Message{}, err
	}
	if !until.After(env.Now()) {
		return chat.Message{Headline: "The weekly digest is not muted.", Text: "“/mfa digest mute until 7 January” posts none until that day."}, nil
	}
	return chat.Message{Headline: "The weekly digest is muted until " + dayWords(env, until) + ".", Text: "“/mfa digest mute off” ends that now, and “/mfa digest now” posts this week's all the same."}, nil
}

// mute stores until when, and who wanted it; zero for not any more.
func mute(ctx context.Context, env Env, c Call, until time.Time) (chat.Message, error) {
	tenant := env.Organization.ID
	err := env.Requests.Update(ctx, func(tx approval.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		actor, err := tx.Alias(tenant, c.Who.Principal.Object, c.Who.User.Name)
		if err != nil {
			return err
		}
		value, kind, facts := "", "digest.unmuted", map[string]any{}
		if !until.IsZero() {
			value, kind = until.UTC().Format(time.RFC3339), "digest.muted.until"
			facts["until"] = value
		}
		if err := tx.Set(tenant, settingMuted, value); err != nil {
			return err
		}
		return tx.Record(audit.Entry{At: now, Tenant: tenant, Kind: kind, Actor: actor, Facts: facts})
	})
	if err != nil {
		return chat.Message{}, err
	}
	if until.IsZero() {
		return chat.Message{Headline: "The weekly digest is posted again."}, nil
	}
	return chat.Message{
		Headline: "No weekly digest is posted until " + dayWords(env, until) + ".",
		Text:     "The figures of these weeks are kept. “/mfa digest mute off” ends it, and “/mfa digest now” posts one all the same.",
	}, nil
}

func mutedUntil(ctx context.Context, s approval.Store, tenant string) (until time.Time, err error) {
	err = s.View(ctx, func(tx approval.Tx) error {
		until = time.Time{}
		text, err := tx.Setting(tenant, settingMuted)
		if err != nil || text == "" {
			return err
		}
		until, err = time.Parse(time.RFC3339, text)
		return err
	})
	if err != nil {
		return until, fmt.Errorf("read whether the digest is muted: %w", err)
	}
	return until, nil
}

// Muted reports whether the clock is to post no digest of a tenant now.
func Muted(ctx context.Context, s approval.Store, tenant string, now time.Time) (bool, error) {
	until, err := mutedUntil(ctx, s, tenant)
	return until.After(now), err
}
