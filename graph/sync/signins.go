package sync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// How legacy sign-ins are read and kept.
const (
	signInsEvery = time.Hour
	signInsLag   = 2 * time.Hour // how late a line may reach the log
	signInsKept  = 31 * 24 * time.Hour
)

// SignIns sums up the days of legacy sign-ins that may have changed, if it is
// time and the licence has them. The log of a large tenant takes hours, so no
// pass waits for it. Before any pass it does nothing.
func (s *Syncer) SignIns(ctx context.Context) error {
	s.mu.Lock()
	wanted := s.asked && s.licence != graph.Free
	s.mu.Unlock()
	if !wanted {
		return nil
	}
	err := s.lead(ctx, func(ctx context.Context, l Lease) error {
		progress, err := s.cfg.Store.SyncProgress(ctx, s.cfg.Tenant)
		if err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
		return s.note(ctx, SignIns, s.signIns(ctx, l, progress[SignIns]))
	})
	if errors.Is(err, errFollowing) {
		err = nil
	}
	return err
}

// signIns reads day by day, the oldest first, and stores each with the day to go
// on with. A day is replaced as a whole, so that nothing is counted twice.
func (s *Syncer) signIns(ctx context.Context, l Lease, at Progress) error {
	now := s.cfg.Now()
	if at.Began.IsZero() && now.Sub(at.Done) < signInsEvery {
		return nil
	}
	at.Source = SignIns
	day := midnight(now.Add(-rollout.LegacyWindow))
	if next := nextDay(at); next.After(day) {
		day = next
	}
	if at.Began.IsZero() {
		at.Began = now
	}
	for {
		end := day.AddDate(0, 0, 1)
		last := end.After(s.cfg.Now())
		if last {
			end = time.Time{} // today has none yet
		}
		var sums rollout.LegacySums
		err := s.cfg.Reader.EachLegacySignIn(ctx, day, end, func(in graph.SignIn) error { sums.Add(in); return nil })
		if err != nil {
			return err
		}
		at.Cursor = graph.Cursor(end.Format(time.DateOnly))
		if last {
			at.Done, at.Began, at.Cursor = at.Began, time.Time{}, ""
		}
		days := &LegacyDays{From: day, Until: end, Since: now.Add(-signInsKept), Rows: sums.Days()}
		if err := s.cfg.Store.KeepSync(ctx, l, Batch{Progress: at, Legacy: days}); err != nil || last {
			return err
		}
		day = end
	}
}

// nextDay is where a reading goes on, or the first day that a new one has to
// read: what came before is whole.
func nextDay(at Progress) time.Time {
	if !at.Began.IsZero() {
		if day, err := time.Parse(time.DateOnly, string(at.Cursor)); err == nil {
			return day
		}
	}
	return midnight(at.Done.Add(-signInsLag))
}
