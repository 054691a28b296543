package main

import (
	"context"
	"fmt"

	"twokey/bot/mail"
	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/rollout"
	"twokey/scheduler/nudge"
	"twokey/store"
)

// busyDesk is how many open cases keep the bot from writing to more people: who is
// written to comes back with questions, and those answer who answer them already.
const busyDesk = 10

func newNudger(a assembly, bot *assembled, people *identity.Directory, facts func(context.Context) rollout.Facts) (*nudge.Nudger, error) {
	return nudge.New(nudge.Config{
		Tenant: a.org.ID, Store: bot.store, Facts: facts, Scope: a.scope, Methods: a.reader.Methods, Group: a.reader.GroupMembers,
		Account: func(ctx context.Context, object string) (chat.Account, bool) {
			accounts := people.Accounts(ctx, approval.Principal{Tenant: a.org.ID, Object: object})
			if len(accounts) == 0 {
				return chat.Account{}, false
			}
			return accounts[0], true // one, or they had everything twice
		},
		Mail: a.mailPlatform(), Contact: func() string { return commands.Contact(people.Rules()) },
		Language: func(ctx context.Context, to chat.Account) (phrases.Language, error) {
			return bot.store.Language(ctx, a.org.ID, to)
		},
		Held:  func(ctx context.Context) (string, error) { return held(ctx, bot.store, a.org.ID) },
		Hours: chat.OfficeHours(a.zone), Team: a.digest.to, Now: a.now, Every: a.pace.nudges, Log: a.log,
	})
}

// mailPlatform is the platform by which people are mailed; empty if they are not.
func (a assembly) mailPlatform() string {
	if a.mailFrom == "" {
		return ""
	}
	return mail.Platform
}

// held says why nobody is to be written to for now.
func held(ctx context.Context, db *store.Store, tenant string) (why string, err error) {
	cases, err := db.Helping(ctx, tenant)
	if err != nil {
		return "", err
	}
	if cases >= busyDesk {
		return fmt.Sprintf("The help desk has %d open cases. Nobody is written to until there are fewer than %d.", cases, busyDesk), nil
	}
	f, err := approval.FreezeOf(ctx, db, tenant)
	if err == nil && !f.Since.IsZero() {
		why = "The bot is frozen: nobody is written to."
	}
	return why, err
}

// waves are the nudges as commands know them.
type waves struct {
	*nudge.Nudger
	store *store.Store
}

// Waves lists them, oldest first.
func (w waves) Waves(ctx context.Context, tenant string) ([]rollout.Wave, error) {
	return w.store.Waves(ctx, tenant)
}
