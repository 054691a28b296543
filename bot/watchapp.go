package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
	"twokey/graph/watch"
	"twokey/store"
)

const appHeadline = "Twokey's own app registration was changed in the tenant."

// raiseApp stops all changes where somebody else may act in the bot's name now, and
// tells everybody who decides what became of its app registration. A mere notice is
// recorded and nothing more.
func raiseApp(ctx context.Context, db *store.Store, alarm watch.AppAlarm, everyone func(context.Context) ([]string, error)) error {
	to, unread := everyone(ctx)
	if alarm.Sure() {
		if err := approval.FreezeItself(ctx, db, alarm.Tenant, appHeadline, to); err != nil {
			return fmt.Errorf("freeze: %w", err)
		}
	}
	if unread != nil {
		return fmt.Errorf("find out whom to tell: %w", unread)
	}
	return db.Update(ctx, func(tx approval.Tx) error {
		for _, f := range alarm.Found {
			err := tx.Record(audit.Entry{Tenant: alarm.Tenant, Kind: "watch.app", Actor: audit.Bot, Facts: map[string]any{
				"app": alarm.AppID, "kind": string(f.Kind), "of": f.Of, "severity": f.Severity.String(),
			}})
			if err != nil {
				return err
			}
		}
		if alarm.Found[0].Severity < rollout.Warning {
			return nil
		}
		key := fmt.Sprintf("app/%s/%s/%d", alarm.Tenant, alarm.AppID, alarm.Since.UnixMicro())
		return approval.Announce(tx, key, to, appHeadline, appText(alarm))
	})
}

func appText(alarm watch.AppAlarm) string {
	var all []string
	for _, f := range alarm.Found {
		s := f.What
		if f.Name != "" {
			s += " It is called " + chat.Field{Value: chat.Safe(f.Name, 60), Quoted: true}.Shown() + "."
		}
		if !f.Until.IsZero() {
			s += " It ends on " + f.Until.UTC().Format(time.DateOnly) + "."
		}
		all = append(all, s)
	}
	if alarm.Sure() {
		all = append(all, "All changes have been frozen. Unless one of you did this, take it back in the Entra admin centre before an owner asks for “/mfa thaw”.")
	}
	return strings.Join(all, "\n")
}
