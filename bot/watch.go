package main

import (
	"context"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/graph/msgraph"
	"twokey/graph/watch"
	"twokey/store"
)

// newWatcher notices what is changed in a demo's tenant, whoever does it.
func newWatcher(a assembly, tenant string, client *msgraph.Client, db *store.Store) *watch.Watcher {
	return watch.New(watch.Config{
		Tenant: tenant, Apps: []string{botApp}, Reader: client, Store: db, Owner: owner(), Now: a.clock.Now, Log: a.log,
		Alarm: func(ctx context.Context, alarm watch.Alarm) error {
			a.log.ErrorContext(ctx, "changes in our name without a request of ours", "tenant", alarm.Tenant, "changes", len(alarm.Changes), "proved", alarm.Proved)
			return recordAlarm(ctx, db, alarm)
		},
		Every: demoWatch, Fresh: demoFresh, Patience: demoPatience,
	})
}

// demoWatch is more often than any tenant's quota would bear for long.
const demoWatch = 15 * time.Second

// recordAlarm records each change by its ID in the directory's audit log. What
// it was and whom it was about is kept beside the record, with all changes.
func recordAlarm(ctx context.Context, db *store.Store, alarm watch.Alarm) error {
	return db.Update(ctx, func(tx approval.Tx) error {
		for _, c := range alarm.Changes {
			err := tx.Record(audit.Entry{Tenant: alarm.Tenant, Kind: "watch.in_our_name", Actor: "twokey", Facts: map[string]any{
				"line": c.AuditID, "kind": string(c.Kind), "at": c.At.UTC().Format(time.RFC3339), "failed": c.Failed, "proved": alarm.Proved,
			}})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
