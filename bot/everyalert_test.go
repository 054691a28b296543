package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/alert"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/watch"
	"twokey/store"
)

// alertBench tells alerts from a database that can be closed and opened again.
type alertBench struct {
	*alerts
	t   *testing.T
	dsn string
	now *atomic.Int64
	ref string // of the alert that was told last
}

func newAlertBench(t *testing.T) *alertBench {
	b := &alertBench{t: t, dsn: filepath.Join(t.TempDir(), "twokey.db"), now: new(atomic.Int64)}
	b.now.Store(officeStart.UnixNano())
	b.open()
	t.Cleanup(func() { _ = b.store.Close() })
	return b
}

func (b *alertBench) clock() time.Time { return time.Unix(0, b.now.Load()) }

// open starts anew with what the database holds.
func (b *alertBench) open() {
	b.t.Helper()
	db, err := store.Open(b.t.Context(), store.Config{DSN: b.dsn, Now: b.clock})
	if err != nil {
		b.t.Fatal(err)
	}
	to := func(addresses ...string) func(context.Context) ([]string, error) {
		return func(context.Context) ([]string, error) { return addresses, nil }
	}
	b.alerts = &alerts{
		tenant: "the-tenant", zone: time.UTC, store: db, records: watching(db, b.clock), now: b.clock, log: slog.New(slog.DiscardHandler),
		first: to(`{"platform":"p","user":"bea"}`, `{"platform":"p","channel":"admins"}`), again: to(`{"platform":"p","channel":"admins"}`),
	}
}

// watching watches over the record of a database.
func watching(db *store.Store, now func() time.Time, files ...audit.HeadFile) *audit.Watch {
	return audit.NewWatch(audit.WatchConfig{Source: db, Files: files, Now: now, Log: slog.New(slog.DiscardHandler)})
}

// recorded has something stand in the record.
func (b *alertBench) recorded(ctx context.Context) error {
	return b.store.Update(ctx, func(tx approval.Tx) error { return tx.Record(audit.Entry{Kind: "test", Actor: audit.Bot}) })
}

// told shows what is owed and counts it by address.
func (b *alertBench) told() map[string]int {
	b.t.Helper()
	rows, err := b.store.Due(b.t.Context(), 100)
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string]int{}
	for _, r := range rows {
		if r.Kind != alert.Notice {
			continue // word of a freeze is told once, and by others
		}
		all[r.To.User+r.To.Channel]++
		var facts struct{ Alert string }
		decode(b.t, r.Facts, &facts)
		b.ref = facts.Alert
	}
	for _, r := range rows {
		if err := b.store.Shown(b.t.Context(), r, "m"+r.Key); err != nil {
			b.t.Fatal(err)
		}
	}
	return all
}

func (b *alertBench) want(when string, bea, admins int) {
	b.t.Helper()
	if got := b.told(); got["bea"] != bea || got["admins"] != admins {
		b.t.Errorf("%s: told %v, want bea %d times and the channel %d", when, got, bea, admins)
	}
}

func (b *alertBench) later(d time.Duration) {
	b.t.Helper()
	b.now.Add(int64(d))
	if err := b.repeat(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// anyUser finds everybody.
type anyUser struct{}

func (anyUser) User(_ context.Context, id string) (graph.User, error) {
	return graph.User{ID: id, Name: "Rescue One"}, nil
}

// TestEachWatchEvent finds each thing that is watched for: it is told once
// however often it is found, to everybody who decides; then again in the channel
// of the administrators, by an alert that outlives a restart; and not any more
// once somebody acknowledged it.
func TestEachWatchEvent(t *testing.T) {
	t.Parallel()
	at := officeStart.Add(-time.Hour)
	change := func(kind rollout.ChangeKind) []rollout.LoggedChange {
		return []rollout.LoggedChange{{TenantChange: rollout.TenantChange{Kind: kind, At: at, Old: "true", New: "false", AuditID: "line"}}}
	}
	for name, find := range map[string]func(ctx context.Context, b *alertBench) error{
		"security defaults turned off": func(ctx context.Context, b *alertBench) error {
			return b.weakened(ctx, change(rollout.ChangeDefaults))
		},
		"Conditional Access changed": func(ctx context.Context, b *alertBench) error {
			return b.weakened(ctx, change(rollout.ChangePolicy))
		},
		"emergency account used": func(ctx context.Context, b *alertBench) error {
			return b.emergencyUsed(anyUser{})(ctx, watch.Use{UserID: "rescue1", Day: "2026-11-25", First: graph.SignIn{At: at, App: "Azure Portal"}})
		},
		"our app registration touched": func(ctx context.Context, b *alertBench) error {
			return b.ourApp(ctx, watch.AppAlarm{Tenant: b.tenant, AppID: "app", Since: at, Found: []rollout.AppFinding{{Kind: rollout.CredentialAdded, Severity: rollout.Alarm, What: "A new secret can sign in as the app."}}})
		},
		"changes in our name": func(ctx context.Context, b *alertBench) error {
			return b.inOurName(ctx, watch.Alarm{Tenant: b.tenant, Changes: change(rollout.ChangeDefaults), Proved: true, Apart: true})
		},
		"audit record damaged": func(ctx context.Context, b *alertBench) error {
			b.records.Report(&audit.BrokenError{Number: 3, Why: "is not what it was"})
			return b.watchRecord(ctx)
		},
		"heads kept nowhere": func(ctx context.Context, b *alertBench) error {
			b.records = watching(b.store, func() time.Time { return officeStart.Add(-headsLate) }, audit.HeadFile(filepath.Join(b.t.TempDir(), "share", "heads")))
			if err := errors.Join(b.recorded(ctx), b.records.Start(ctx)); err != nil {
				return err
			}
			if err := b.records.Keep(ctx); err == nil {
				return errors.New("a head was kept in a folder that is not there")
			}
			return b.watchHeads(ctx)
		},
		"heads gone": func(ctx context.Context, b *alertBench) error {
			b.emptied = []audit.HeadFile{"/var/log/twokey/heads"}
			return b.watchHeads(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newAlertBench(t)
			again := func() {
				t.Helper()
				for range 2 {
					if err := find(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
			}
			again()
			b.want("at once", 1, 1)
			b.later(59 * time.Minute)
			b.want("before an hour is over", 0, 0)
			if err := b.store.Close(); err != nil {
				t.Fatal(err)
			}
			b.open()
			again()
			b.want("after a restart", 0, 0)
			b.later(2 * time.Minute)
			b.want("after an hour", 0, 1)
			b.later(2 * time.Hour)
			b.want("after two more", 0, 1)
			due, err := b.store.DueAlerts(t.Context(), b.tenant)
			if err != nil || len(due) != 0 {
				t.Fatalf("DueAlerts = %v, %v", due, err)
			}
			if a, ok, err := b.store.Acknowledge(t.Context(), b.tenant, b.ref, "bea"); err != nil || !ok || a.Told != 3 {
				t.Fatalf("Acknowledge(%s) = %+v, %t, %v; want one that was told three times", b.ref, a, ok, err)
			}
			b.told() // every copy says so
			b.later(48 * time.Hour)
			again()
			b.want("once it was acknowledged", 0, 0)
		})
	}
}
