package main

import (
	"context"
	"fmt"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/graph/msgraph"
	"twokey/graph/watch"
	"twokey/store"
)

// newWatcher notices what is changed in a demo's tenant, whoever does it.
func newWatcher(a assembly, tenant string, client *msgraph.Client, db *store.Store, everyone func(context.Context) ([]string, error)) *watch.Watcher {
	return watch.New(watch.Config{
		Tenant: tenant, Apps: []string{botApp}, Reader: client, Store: db, Owner: owner(), Now: a.clock.Now, Log: a.log,
		Alarm: func(ctx context.Context, alarm watch.Alarm) error {
			a.log.ErrorContext(ctx, "changes in our name without a request of ours", "tenant", alarm.Tenant, "changes", len(alarm.Changes), "proved", alarm.Proved)
			to, err := everyone(ctx)
			if err != nil {
				return fmt.Errorf("find out whom to tell: %w", err)
			}
			return tellAlarm(ctx, db, alarm, to)
		},
		Every: demoWatch, Fresh: demoFresh, Patience: demoPatience,
	})
}

// demoWatch is more often than any tenant's quota would bear for long.
const demoWatch = 15 * time.Second

// tellAlarm records each change by its ID in the directory's audit log, and owes
// everybody who decides a message. What it was and whom it was about is kept
// beside the record, with all changes.
func tellAlarm(ctx context.Context, db *store.Store, alarm watch.Alarm, to []string) error {
	return db.Update(ctx, func(tx approval.Tx) error {
		for _, c := range alarm.Changes {
			err := tx.Record(audit.Entry{Tenant: alarm.Tenant, Kind: "watch.in_our_name", Actor: "twokey", Facts: map[string]any{
				"line": c.AuditID, "kind": string(c.Kind), "at": c.At.UTC().Format(time.RFC3339), "failed": c.Failed, "proved": alarm.Proved,
			}})
			if err != nil {
				return err
			}
		}
		return approval.Announce(tx, "watch/"+alarm.Tenant+"/"+alarm.Changes[0].AuditID, to, alarmHeadline, alarmText(alarm))
	})
}

const alarmHeadline = "Somebody acted with Twokey's own credentials, and nobody had asked for it here."

func alarmText(alarm watch.Alarm) string {
	s := "“/mfa changes” shows what was done. Unless you know who did it, stop all changes with “/mfa freeze”, and have the credentials of the app registration replaced."
	if !alarm.Proved {
		s += " The tenant's audit log has not shown the ID of a change of ours yet, so it may also be one of ours that the log does not tell."
	}
	return s
}
