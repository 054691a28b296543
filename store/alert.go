package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"twokey/audit"
	"twokey/commands/alert"
)

var _ alert.Store = (*Store)(nil)

const alertColumns = "ref, tenant, key, headline, body, raised, told, acknowledged, author"

func scanAlert(row scanner) (a alert.Alert, err error) {
	var raised int64
	var acknowledged sql.NullInt64
	err = row.Scan(&a.Ref, &a.Tenant, &a.Key, &a.Headline, &a.Text, &raised, &a.Told, &acknowledged, &a.By)
	a.Raised, a.Acknowledged = moment(raised), optional(acknowledged)
	return a, err
}

// Raise implements alert.Store.
func (s *Store) Raise(ctx context.Context, a alert.Alert, to []string, entries []audit.Entry, lines []string) (raised bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		var err error
		raised, err = t.changed(`INSERT INTO alert (tenant, ref, key, headline, body, raised, told, due, acknowledged, author)
			VALUES (?, ?, ?, ?, ?, twokey_now(), 1, twokey_now() + ?, NULL, '') ON CONFLICT (tenant, key) DO NOTHING`,
			a.Tenant, a.Ref, a.Key, a.Headline, a.Text, alert.Spacing(1).Microseconds())
		if err != nil {
			return fmt.Errorf("raise alert: %w", err)
		}
		for _, line := range lines {
			if _, err := t.q.ExecContext(ctx, "UPDATE change SET told = 1 WHERE tenant = ? AND line = ?", a.Tenant, line); err != nil {
				return fmt.Errorf("keep who was told: %w", err)
			}
		}
		if !raised {
			return nil
		}
		for _, e := range entries {
			if err := t.Record(e); err != nil {
				return err
			}
		}
		a.Told = 1
		return t.oweAlert(a, to)
	})
	return raised && err == nil, err
}

// oweAlert owes each address, however often it is listed, word of an alert as
// often as it was told.
func (t *tx) oweAlert(a alert.Alert, to []string) error {
	facts, err := json.Marshal(map[string]string{"alert": a.Ref})
	if err != nil {
		return err
	}
	for _, address := range to {
		key := alertTopic(a) + "/" + strconv.Itoa(a.Told) + "/" + address
		if err := t.owe(key, alert.Notice, alertTopic(a), address, string(facts)); err != nil {
			return err
		}
	}
	return nil
}

// alertTopic is that of all messages about an alert.
func alertTopic(a alert.Alert) string { return alert.Notice + "/" + a.Tenant + "/" + a.Ref }

// Alert implements alert.Store.
func (s *Store) Alert(ctx context.Context, tenant, ref string) (a alert.Alert, ok bool, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		a, ok, err = t.alert(tenant, ref)
		return err
	})
	return a, ok, err
}

func (t *tx) alert(tenant, ref string) (alert.Alert, bool, error) {
	a, err := lone(t, "alert", scanAlert, "SELECT "+alertColumns+" FROM alert WHERE tenant = ? AND ref = ?", tenant, ref)
	return a, a.Ref != "", err
}

// DueAlerts implements alert.Store.
func (s *Store) DueAlerts(ctx context.Context, tenant string) (due []alert.Alert, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		due, err = list(t, scanAlert, "SELECT "+alertColumns+" FROM alert WHERE tenant = ? AND acknowledged IS NULL AND due <= (SELECT twokey_now()) ORDER BY raised, ref", tenant)
		return err
	})
	return due, err
}

// Repeat implements alert.Store.
func (s *Store) Repeat(ctx context.Context, a alert.Alert, to []string, next time.Duration) error {
	return s.transact(ctx, false, func(t *tx) error {
		again, err := t.changed("UPDATE alert SET told = told + 1, due = twokey_now() + ? WHERE tenant = ? AND ref = ? AND told = ? AND acknowledged IS NULL",
			next.Microseconds(), a.Tenant, a.Ref, a.Told)
		if err != nil {
			return fmt.Errorf("repeat alert: %w", err)
		}
		if !again {
			return nil
		}
		a := a
		a.Told++
		return t.oweAlert(a, to)
	})
}

// Acknowledge implements alert.Store.
func (s *Store) Acknowledge(ctx context.Context, tenant, ref, by string) (a alert.Alert, ok bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		first, err := t.changed("UPDATE alert SET acknowledged = twokey_now(), author = ? WHERE tenant = ? AND ref = ? AND acknowledged IS NULL", by, tenant, ref)
		if err != nil {
			return fmt.Errorf("acknowledge alert: %w", err)
		}
		if a, ok, err = t.alert(tenant, ref); err != nil || !first {
			return err
		}
		if err := t.Touch(alertTopic(a)); err != nil {
			return err
		}
		who, err := t.Alias(tenant, by, "")
		if err != nil {
			return err
		}
		return t.Record(audit.Entry{Tenant: tenant, Kind: "watch.acknowledged", Actor: who, Facts: map[string]any{"alert": a.Ref, "told": a.Told}})
	})
	return a, ok && err == nil, err
}
