package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/watch"
)

// userReader looks a user up by object ID.
type userReader interface {
	User(ctx context.Context, idOrUPN string) (graph.User, error)
}

const appHeadline = "Twokey's own app registration was changed in the tenant."

// ourApp records what became of the bot's app registration, and tells everybody
// who decides. A mere notice is recorded and nothing more.
func (a *alerts) ourApp(ctx context.Context, alarm watch.AppAlarm) error {
	if err := a.freeze(ctx, alarm.Sure(), appHeadline); err != nil {
		return err
	}
	var entries []audit.Entry
	for _, f := range alarm.Found {
		entries = append(entries, audit.Entry{Tenant: alarm.Tenant, Kind: "watch.app", Actor: audit.Bot, Facts: map[string]any{
			"app": alarm.AppID, "kind": string(f.Kind), "of": f.Of, "severity": f.Severity.String(),
		}})
	}
	if alarm.Found[0].Severity < rollout.Warning {
		return a.store.Update(ctx, func(tx approval.Tx) error {
			for _, e := range entries {
				if err := tx.Record(e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return a.raise(ctx, fmt.Sprintf("app/%s/%d", alarm.AppID, alarm.Since.UnixMicro()), appHeadline, appText(alarm), entries, nil)
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
