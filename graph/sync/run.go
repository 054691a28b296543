package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"twokey/graph"
)

// lastSignInsEvery is how often it is read when accounts were last seen, which
// is asked in months and has the smallest quota of all.
const lastSignInsEvery = 24 * time.Hour

// Refresh reads one round of what nobody has heard a change of, the longest due
// first: methods, per-user MFA, last sign-ins. It reports whether there is more
// to read at once.
func (s *Syncer) Refresh(ctx context.Context) (more bool, err error) { return s.refresh(ctx, round) }

// RefreshAll does at once what many calls of Refresh do one after the other.
func (s *Syncer) RefreshAll(ctx context.Context) error {
	_, err := s.refresh(ctx, -1)
	return err
}

// refresh is Refresh for at most so many people or, for a negative number, all.
func (s *Syncer) refresh(ctx context.Context, most int) (more bool, err error) {
	err = s.lead(ctx, func(ctx context.Context, l Lease) error {
		progress, err := s.cfg.Store.SyncProgress(ctx, s.cfg.Tenant)
		if err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
		if progress[Accounts].Done.IsZero() {
			return nil // a pass wakes us when it has them
		}
		now := s.cfg.Now()
		methods := s.methods(ctx, l, Due{What: Methods, At: now}, most)
		perUser := s.note(ctx, PerUser, s.perUser(ctx, l, Due{What: PerUser, At: now, Unread: AllUnread}, most))
		seen := s.note(ctx, LastSignIns, s.lastSignIns(ctx, l, progress[LastSignIns]))
		if err := errors.Join(methods, perUser, seen); err != nil {
			return err
		}
		more, err = s.anyDue(ctx, now)
		return err
	})
	if errors.Is(err, errFollowing) {
		err = nil
	}
	return more, err
}

// anyDue reports whether somebody is left to read.
func (s *Syncer) anyDue(ctx context.Context, now time.Time) (bool, error) {
	for _, d := range []Due{{What: Methods, At: now}, {What: PerUser, At: now, Unread: AllUnread}} {
		if ids, err := s.cfg.Store.SyncDue(ctx, s.cfg.Tenant, d, 1); err != nil || len(ids) > 0 {
			return true, err
		}
	}
	return false, nil
}

// lastSignIns reads when accounts were last seen, if it is time and the licence
// has it.
func (s *Syncer) lastSignIns(ctx context.Context, l Lease, last Progress) error {
	s.mu.Lock()
	licence := s.licence
	s.mu.Unlock()
	now := s.cfg.Now()
	if licence < graph.P1 || now.Sub(last.Done) < lastSignInsEvery {
		return nil
	}
	all, err := s.cfg.Reader.LastSignIns(ctx)
	if err != nil {
		return err
	}
	for rows := range slices.Chunk(all, 1000) { // no long transaction
		if err := s.cfg.Store.KeepSync(ctx, l, Batch{LastSignIns: rows}); err != nil {
			return err
		}
	}
	return s.cfg.Store.KeepSync(ctx, l, Batch{Progress: Progress{Source: LastSignIns, Done: now}})
}

// CatchUp reads what an absence has left behind: a pass, and then the sign-ins of
// the days that nobody was there, which no pass waits for. What does not come
// before ctx ends comes later.
func (s *Syncer) CatchUp(ctx context.Context) {
	err := s.Pass(ctx)
	if err = errors.Join(err, s.SignIns(ctx)); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("catch up", "tenant", s.cfg.Tenant, "error", logged(err))
	}
}

// Wake outdates the facts and makes Run begin a pass at once. It never blocks.
func (s *Syncer) Wake() {
	s.Outdate()
	ring(s.wake)
}

// ring wakes who waits for a bell, now or when they next wait.
func ring(bell chan<- struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// Run keeps the tenant until ctx ends: passes, and beside them slow reading and
// the sums of sign-ins.
// Nobody waits for what it asks.
func (s *Syncer) Run(ctx context.Context) error {
	ctx = graph.InBackground(ctx)
	var lanes sync.WaitGroup
	lanes.Go(func() {
		s.repeat(ctx, "sync", s.wake, func(ctx context.Context) (time.Duration, error) {
			err := s.Pass(ctx)
			s.ready(ctx)
			return s.cfg.Every, err
		})
	})
	lanes.Go(func() {
		s.repeat(ctx, "slow sync", s.passed, func(ctx context.Context) (time.Duration, error) {
			more, err := s.Refresh(ctx)
			if more && err == nil {
				return s.cfg.Quick, nil
			}
			return s.cfg.Every, err
		})
	})
	lanes.Go(func() {
		s.repeat(ctx, "sync of sign-ins", s.looked, func(ctx context.Context) (time.Duration, error) {
			return s.cfg.Every, s.SignIns(ctx)
		})
	})
	lanes.Wait()
	return nil
}

// repeat does something again and again, each time after the pause that it asks
// for or when it is woken, until ctx ends.
func (s *Syncer) repeat(ctx context.Context, what string, wake <-chan struct{}, do func(context.Context) (time.Duration, error)) {
	for {
		pause, err := do(ctx)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn(what, "tenant", s.cfg.Tenant, "error", logged(err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// logged words an error for the log: of what the tenant said only what cannot
// name a person.
func logged(err error) string {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		var words []string
		for _, one := range all.Unwrap() {
			words = append(words, logged(one))
		}
		return strings.Join(words, "; ")
	}
	if e, ok := err.(*graph.Error); ok {
		return loggedError(e)
	}
	below := errors.Unwrap(err)
	if below == nil {
		return err.Error()
	}
	ours, ok := strings.CutSuffix(err.Error(), below.Error())
	if !ok {
		ours = ""
	}
	return ours + logged(below)
}

func loggedError(e *graph.Error) string {
	words := cmp.Or(e.Op, "call") + ": " + e.Kind.String()
	if e.Permission != "" {
		words += " " + e.Permission
	}
	if e.Status != 0 {
		words += fmt.Sprintf(" (%d %s)", e.Status, e.Code)
	}
	if e.RequestID != "" {
		words += ", request " + e.RequestID
	}
	return words
}
