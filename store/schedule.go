package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"twokey/audit"
	"twokey/graph/rollout"
	"twokey/scheduler"
)

var (
	_ scheduler.Digests = (*Store)(nil)
	_ scheduler.Letters = (*Store)(nil)
)

// Since implements scheduler.Slots.
func (s *Store) Since(ctx context.Context, tenant, job string) (since time.Time, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		_, err := t.q.ExecContext(ctx, "INSERT INTO job (tenant, name, since) VALUES (?, ?, twokey_now()) ON CONFLICT DO NOTHING", tenant, job)
		if err != nil {
			return err
		}
		var us int64
		err = t.q.QueryRowContext(ctx, "SELECT since FROM job WHERE tenant = ? AND name = ?", tenant, job).Scan(&us)
		since = moment(us)
		return err
	})
	return since, err
}

// Done implements scheduler.Slots.
func (s *Store) Done(ctx context.Context, slot scheduler.Slot) (done bool, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		return t.q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM slot WHERE tenant = ? AND job = ? AND week = ?)", slot.Tenant, slot.Job, slot.Week).Scan(&done)
	})
	return done, err
}

// Skip implements scheduler.Slots.
func (s *Store) Skip(ctx context.Context, slot scheduler.Slot) error {
	return s.transact(ctx, false, func(t *tx) error {
		closed, err := t.closeSlot(slot)
		if err != nil || !closed {
			return err
		}
		return t.recordSlot(slot, "skipped", audit.Bot, time.Time{})
	})
}

// Pass implements scheduler.Digests.
func (s *Store) Pass(ctx context.Context, slot scheduler.Slot, w *rollout.Week, why string) error {
	return s.transact(ctx, false, func(t *tx) error {
		closed, err := t.closeSlot(slot)
		if err != nil || !closed {
			return err
		}
		var asOf time.Time
		if w != nil {
			asOf = w.AsOf
			if err := t.keepWeek(slot.Tenant, *w); err != nil {
				return err
			}
		}
		if why == "" {
			return nil
		}
		return t.recordSlot(slot, why, audit.Bot, asOf)
	})
}

// Publish implements scheduler.Digests. Whether there is a digest says its
// message: a skipped slot is closed too, and has none.
func (s *Store) Publish(ctx context.Context, p scheduler.Publication) (published bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		there, err := t.owed(slotKey(p.Slot))
		if err != nil || there {
			return err
		}
		if _, err := t.closeSlot(p.Slot); err != nil {
			return err
		}
		if err := t.keepWeek(p.Slot.Tenant, p.Digest.This); err != nil {
			return err
		}
		if err := t.owe(slotKey(p.Slot), p.Kind, slotKey(p.Slot), encode(p.To), string(p.Facts)); err != nil {
			return err
		}
		for _, to := range p.Also {
			if err := t.owe(slotKey(p.Slot)+"/"+to.Platform, p.Kind, slotKey(p.Slot), encode(to), string(p.Facts)); err != nil {
				return err
			}
		}
		published = true
		return t.recordSlot(p.Slot, "posted", p.Actor, p.Digest.AsOf)
	})
	return published && err == nil, err
}

// Revise implements scheduler.Digests.
func (s *Store) Revise(ctx context.Context, p scheduler.Publication) error {
	return s.transact(ctx, false, func(t *tx) error {
		if err := t.keepWeek(p.Slot.Tenant, p.Digest.This); err != nil {
			return err
		}
		if _, err := t.q.ExecContext(ctx, "UPDATE outbox SET facts = ? WHERE topic = ?", string(p.Facts), slotKey(p.Slot)); err != nil {
			return fmt.Errorf("revise digest: %w", err)
		}
		if err := t.Touch(slotKey(p.Slot)); err != nil {
			return err
		}
		return t.recordSlot(p.Slot, "revised", p.Actor, p.Digest.AsOf)
	})
}

// slotKey names the message of a slot, and is the topic of it and of the same
// elsewhere.
func slotKey(s scheduler.Slot) string { return s.Job + "/" + s.Tenant + "/" + s.Week }

// closeSlot returns false if it is closed already.
func (t *tx) closeSlot(s scheduler.Slot) (bool, error) {
	result, err := t.q.ExecContext(t.ctx, "INSERT INTO slot (tenant, job, week, planned, done, late) VALUES (?, ?, ?, ?, twokey_now(), ?) ON CONFLICT DO NOTHING",
		s.Tenant, s.Job, s.Week, s.Planned.UnixMicro(), s.Late)
	if err != nil {
		return false, fmt.Errorf("close slot: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// owed reports whether a message was ever owed under the key.
func (t *tx) owed(key string) (there bool, err error) {
	err = t.q.QueryRowContext(t.ctx, "SELECT EXISTS (SELECT 1 FROM outbox WHERE key = ?)", key).Scan(&there)
	return there, err
}

// recordSlot records what was done with a slot, under the job's name. A time
// of its data that is zero is left out.
func (t *tx) recordSlot(s scheduler.Slot, done, actor string, asOf time.Time) error {
	facts := map[string]any{"week": s.Week, "planned": s.Planned.UTC().Format(time.RFC3339), "late": s.Late}
	if !asOf.IsZero() {
		facts["as_of"] = asOf.UTC().Format(time.RFC3339)
	}
	who, err := t.Alias(s.Tenant, actor, "")
	if err != nil {
		return err
	}
	return t.Record(audit.Entry{Tenant: s.Tenant, Kind: s.Job + "." + done, Actor: who, Facts: facts})
}

func (t *tx) keepWeek(tenant string, w rollout.Week) error {
	_, err := t.q.ExecContext(t.ctx, `INSERT INTO week (tenant, week, as_of, sums) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, week) DO UPDATE SET as_of = excluded.as_of, sums = excluded.sums`,
		tenant, w.Week, w.AsOf.UnixMicro(), encode(w))
	if err != nil {
		return fmt.Errorf("keep week: %w", err)
	}
	return nil
}

// KeepWeek stores the sums of a week that was measured without a digest. A
// week that is stored already stays as it is.
func (s *Store) KeepWeek(ctx context.Context, tenant string, w rollout.Week) error {
	return s.transact(ctx, false, func(t *tx) error {
		_, err := t.q.ExecContext(ctx, "INSERT INTO week (tenant, week, as_of, sums) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			tenant, w.Week, w.AsOf.UnixMicro(), encode(w))
		return err
	})
}

// Weeks implements scheduler.Digests.
func (s *Store) Weeks(ctx context.Context, tenant, before string, n int) (weeks []rollout.Week, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		weeks, err = list(t, scanWeek, "SELECT sums FROM week WHERE tenant = ? AND week < ? ORDER BY week DESC LIMIT ?", tenant, before, n)
		return err
	})
	slices.Reverse(weeks)
	return weeks, err
}

func scanWeek(row scanner) (w rollout.Week, err error) {
	var sums string
	if err := row.Scan(&sums); err != nil {
		return w, err
	}
	return w, json.Unmarshal([]byte(sums), &w)
}
