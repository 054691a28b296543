package main

import (
	"context"
	"fmt"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/graph/watch"
	"twokey/store"
)

// newWatcher notices what is changed in a bot's tenant, whoever does it.
func newWatcher(a assembly, db *store.Store, everyone func(context.Context) ([]string, error)) *watch.Watcher {
	return watch.New(watch.Config{
		Tenant: a.org.ID, Apps: a.apps, Reader: a.reader, Store: db, Owner: owner(), Now: a.now, Log: a.log,
		Alarm: func(ctx context.Context, alarm watch.Alarm) error {
			a.log.ErrorContext(ctx, "changes in our name without a request of ours", "tenant", alarm.Tenant, "changes", len(alarm.Changes), "proved", alarm.Proved)
			return raise(ctx, db, alarm.Tenant, alarmHeadline, alarm.Sure(), everyone, tellAlarm(alarm))
		},
		AppAlarm: func(ctx context.Context, alarm watch.AppAlarm) error {
			a.log.ErrorContext(ctx, "our app registration was changed", "tenant", alarm.Tenant, "findings", len(alarm.Found), "sure", alarm.Sure())
			return raise(ctx, db, alarm.Tenant, appHeadline, alarm.Sure(), everyone, tellAppAlarm(alarm))
		},
		Every: a.pace.watch, Fresh: a.pace.fresh, Patience: a.pace.patience,
	})
}

// raise stops all changes if an alarm is sure, and has everybody who decides
// told. That it cannot be read who they are stops nothing but the telling, which is
// made good.
func raise(ctx context.Context, db *store.Store, tenant, headline string, sure bool, everyone func(context.Context) ([]string, error), tell func(tx approval.Tx, to []string) error) error {
	to, unread := everyone(ctx)
	if sure {
		if err := approval.FreezeItself(ctx, db, tenant, headline, to); err != nil {
			return fmt.Errorf("freeze: %w", err)
		}
	}
	if unread != nil {
		return fmt.Errorf("find out whom to tell: %w", unread)
	}
	return db.Update(ctx, func(tx approval.Tx) error { return tell(tx, to) })
}

// tellAlarm records each change by its ID in the directory's audit log, and owes
// everybody who decides a message. What it was and whom it was about is kept
// beside the record, with all changes.
func tellAlarm(alarm watch.Alarm) func(approval.Tx, []string) error {
	return func(tx approval.Tx, to []string) error {
		for _, c := range alarm.Changes {
			err := tx.Record(audit.Entry{Tenant: alarm.Tenant, Kind: "watch.in_our_name", Actor: audit.Bot, Facts: map[string]any{
				"line": c.AuditID, "kind": string(c.Kind), "at": c.At.UTC().Format(time.RFC3339), "failed": c.Failed, "proved": alarm.Proved, "apart": alarm.Apart,
			}})
			if err != nil {
				return err
			}
		}
		return approval.Announce(tx, "watch/"+alarm.Tenant+"/"+alarm.Changes[0].AuditID, to, alarmHeadline, alarmText(alarm))
	}
}

const alarmHeadline = "Somebody acted with Twokey's own credentials, and nobody had asked for it here."

func alarmText(alarm watch.Alarm) string {
	const shown = "“/mfa changes” shows what was done. "
	if alarm.Sure() {
		return shown + "All changes have been frozen. Have the credentials of the app registration replaced before an owner asks for “/mfa thaw”."
	}
	s := shown + "Unless you know who did it, stop all changes with “/mfa freeze”, and have the credentials of the app registration replaced."
	if !alarm.Proved {
		return s + " The tenant's audit log has not shown the ID of a change of ours yet, so it may also be one of ours that the log does not tell."
	}
	return s + " A change of ours was under way just then, so it may also be a trace of that."
}
