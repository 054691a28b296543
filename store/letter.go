package store

import (
	"context"
	"fmt"
	"time"

	"twokey/audit"
	"twokey/scheduler"
)

// Send implements scheduler.Letters. All letters of a slot are one topic; who of
// them gets one stands in the key.
func (s *Store) Send(ctx context.Context, slot scheduler.Slot, asOf time.Time, letters []scheduler.Letter) error {
	return s.transact(ctx, false, func(t *tx) error {
		closed, err := t.closeSlot(slot)
		if err != nil || !closed {
			return err
		}
		for _, l := range letters {
			if err := t.owe(slotKey(slot)+"/"+l.Manager, scheduler.KindManager, slotKey(slot), encode(l.To), string(l.Facts)); err != nil {
				return err
			}
		}
		return t.Record(audit.Entry{Tenant: slot.Tenant, Kind: slot.Job + ".sent", Actor: audit.Bot, Facts: map[string]any{
			"week": slot.Week, "planned": slot.Planned.UTC().Format(time.RFC3339), "late": slot.Late,
			"as_of": asOf.UTC().Format(time.RFC3339), "letters": len(letters),
		}})
	})
}

// Begun reports whether a lead has ever written to people of a tenant: by a wave,
// or by a digest that was posted by hand.
func (s *Store) Begun(ctx context.Context, tenant string) (begun bool, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		return t.q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM wave WHERE tenant = ? AND began IS NOT NULL)
			OR EXISTS (SELECT 1 FROM audit WHERE tenant = ? AND kind IN ('digest.posted', 'digest.revised') AND actor <> ?)`,
			tenant, tenant, audit.Bot).Scan(&begun)
	})
	return begun, err
}

// Names returns what accounts are called, by object ID, as they were last read.
// One of which nothing is kept has no entry.
func (s *Store) Names(ctx context.Context, tenant string, ids []string) (names map[string]string, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		names = make(map[string]string, len(ids))
		for _, id := range ids {
			called, err := list(t, scanText, "SELECT name FROM person WHERE tenant = ? AND id = ?", tenant, id)
			if err != nil {
				return err
			}
			for _, name := range called {
				names[id] = name
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	return names, nil
}
