package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"twokey/graph"
)

// A Use is that an emergency account signed in on a day.
type Use struct {
	Tenant string
	UserID string
	Day    string // of UTC, like 2026-11-28
	First  graph.SignIn
	Times  int // so far on that day, as far as was read
}

// Guard looks whether an emergency account has signed in since the audit log was
// first read, of which Pass is to take care before. Without a licence that has the
// sign-in log nothing can be known, and it does nothing. While another process
// leads it does nothing.
func (w *Watcher) Guard(ctx context.Context) error {
	if w.cfg.Used == nil || len(w.cfg.Emergency) == 0 {
		return nil
	}
	leads, err := w.cfg.Store.LeadWatch(ctx, w.cfg.Tenant, w.cfg.Owner, 2*w.cfg.Every)
	if err != nil || !leads {
		return err
	}
	since, until, err := w.cfg.Store.Watched(ctx, w.cfg.Tenant)
	if err != nil || until.IsZero() {
		return err
	}
	from := w.cfg.Now().Add(-guardBack)
	if begun := since.Add(firstLook); from.Before(begun) { // what came before the bot is told to nobody
		from = begun
	}
	var errs []error
	for _, id := range w.cfg.Emergency {
		errs = append(errs, w.guard(ctx, id, from))
	}
	return errors.Join(errs...)
}

// guardBack is how far back the sign-in log is read each time: its lines come
// late, and a bot that stood still for a weekend must not miss what was done
// meanwhile. Each day is told once, however often it is read.
const guardBack = 72 * time.Hour

func (w *Watcher) guard(ctx context.Context, id string, from time.Time) error {
	all, err := w.cfg.Reader.SignInsOf(ctx, id, from)
	if e, ok := errors.AsType[*graph.Error](err); ok && e.Kind == graph.KindNoLicence {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the sign-ins of an emergency account: %w", err)
	}
	var uses []Use // by day, the newest first
	for _, s := range all {
		if s.ErrorCode != 0 || s.At.Before(from) {
			continue
		}
		day := s.At.UTC().Format(time.DateOnly)
		if n := len(uses); n == 0 || uses[n-1].Day != day {
			uses = append(uses, Use{Tenant: w.cfg.Tenant, UserID: id, Day: day})
		}
		u := &uses[len(uses)-1]
		u.First = s
		u.Times++
	}
	var errs []error
	for _, u := range uses {
		if err := w.cfg.Used(ctx, u); err != nil {
			errs = append(errs, fmt.Errorf("tell that an emergency account was used: %w", err))
		}
	}
	return errors.Join(errs...)
}
