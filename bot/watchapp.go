package main

import (
	"fmt"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
	"twokey/graph/watch"
)

const appHeadline = "Twokey's own app registration was changed in the tenant."

// tellAppAlarm records what became of the bot's app registration, and owes
// everybody who decides a message. A mere notice is recorded and nothing more.
func tellAppAlarm(alarm watch.AppAlarm) func(approval.Tx, []string) error {
	return func(tx approval.Tx, to []string) error {
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
	}
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
