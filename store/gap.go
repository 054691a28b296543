package store

import (
	"context"
	"fmt"

	"twokey/commands/staff"
)

// KeepGap implements staff.Store.
func (s *Store) KeepGap(ctx context.Context, tenant string, g staff.Gap) error {
	return s.transact(ctx, false, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		week := staff.WeekOf(now).UnixMicro()
		var kept int
		err = t.q.QueryRowContext(ctx, "SELECT COUNT(*) FROM guide_gap WHERE tenant = ? AND week = ?", tenant, week).Scan(&kept)
		if err != nil {
			return fmt.Errorf("count gaps: %w", err)
		}
		words := g.Words
		if kept >= staff.GapWords {
			words = ""
		}
		_, err = t.q.ExecContext(ctx, `INSERT INTO guide_gap (tenant, week, kind, topic, words, times) VALUES (?, ?, ?, ?, ?, 1)
			ON CONFLICT (tenant, week, kind, topic, words) DO UPDATE SET times = guide_gap.times + 1`, tenant, week, string(g.Kind), g.Topic, words)
		if err != nil {
			return fmt.Errorf("keep gap: %w", err)
		}
		return nil
	})
}

// Gaps implements staff.Store.
func (s *Store) Gaps(ctx context.Context, tenant string) (all []staff.Gap, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		all, err = list(t, scanGap, "SELECT week, kind, topic, words, times FROM guide_gap WHERE tenant = ? AND week >= ? ORDER BY week, kind, topic, words",
			tenant, now.Add(-staff.GapLife).UnixMicro())
		if err != nil {
			return fmt.Errorf("read gaps: %w", err)
		}
		return nil
	})
	return all, err
}

// PruneGaps deletes what was kept of the guide's gaps for [staff.GapLife].
func (s *Store) PruneGaps(ctx context.Context) error {
	return s.transact(ctx, false, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		if _, err := t.q.ExecContext(ctx, "DELETE FROM guide_gap WHERE week < ?", now.Add(-staff.GapLife).UnixMicro()); err != nil {
			return fmt.Errorf("delete gaps: %w", err)
		}
		return nil
	})
}

func scanGap(row scanner) (g staff.Gap, err error) {
	var kind string
	var week int64
	err = row.Scan(&week, &kind, &g.Topic, &g.Words, &g.Times)
	g.Kind, g.Week = staff.GapKind(kind), moment(week)
	return g, err
}
