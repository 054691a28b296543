package sync

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"twokey/graph"
)

// How many people are read between two commits: of a sweep, and of one round
// of slow reading, which is where to start with a budget nobody publishes.
const (
	chunk = 200
	round = 40
)

// How soon somebody is read again without a reason. A registered person seldom
// changes, and of the others one wants to know.
const (
	registeredAge   = 7 * 24 * time.Hour
	unregisteredAge = 24 * time.Hour
	perUserAge      = 7 * 24 * time.Hour
	failedAge       = time.Hour
)

// methods reads the methods of those who are due, at most so many or, for a
// negative number, all, and stores each chunk as it comes.
func (s *Syncer) methods(ctx context.Context, l Lease, d Due, most int) error {
	return s.each(ctx, d, most, func(ids []string) error {
		now := s.cfg.Now()
		read, err := s.cfg.Reader.Methods(ctx, ids)
		if err != nil {
			return err
		}
		var b Batch
		over := sweepErrors(ctx, read, func(m graph.UserMethods) error { return m.Err })
		for _, m := range read {
			switch {
			case over[m.Err]:
				continue
			case m.Err == nil:
				m.AsOf = now
				b.Methods = append(b.Methods, MethodsRead{m, now.Add(methodsAge(m.Methods))})
			default:
				b.Methods = append(b.Methods, MethodsRead{m, now.Add(failedAge)})
			}
			s.noteUnread(m.UserID, m.Err)
		}
		return s.keepRead(ctx, l, b, len(b.Methods), over)
	})
}

// noteUnread remembers why somebody's methods could not be read, for the figures.
func (s *Syncer) noteUnread(id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.unread, id)
	} else {
		s.unread[id] = err
	}
}

func methodsAge(methods []graph.Method) time.Duration {
	if graph.Strongest(methods) > graph.NotMFA {
		return registeredAge
	}
	return unregisteredAge
}

// perUser reads the old per-user setting of those who are due, likewise.
func (s *Syncer) perUser(ctx context.Context, l Lease, d Due, most int) error {
	return s.each(ctx, d, most, func(ids []string) error {
		now := s.cfg.Now()
		read, err := s.cfg.Reader.PerUserMFA(ctx, ids)
		if err != nil {
			return err
		}
		var b Batch
		over := sweepErrors(ctx, read, func(m graph.UserMFA) error { return m.Err })
		for _, m := range read {
			switch {
			case over[m.Err]:
			case m.Err == nil:
				b.PerUser = append(b.PerUser, PerUserRead{m, now.Add(perUserAge)})
				b.Progress = Progress{Source: PerUser, Done: now}
			default:
				b.PerUser = append(b.PerUser, PerUserRead{m, now.Add(failedAge)})
			}
		}
		return s.keepRead(ctx, l, b, len(b.PerUser), over)
	})
}

// keepRead stores what was read of n people, even if ctx has ended meanwhile,
// and returns what ends the sweep. An answer about nobody ends it too: asking
// again would go on for ever.
func (s *Syncer) keepRead(ctx context.Context, l Lease, b Batch, n int, over map[error]bool) error {
	errs := slices.Collect(maps.Keys(over))
	if n > 0 {
		errs = append(errs, s.cfg.Store.KeepSync(context.WithoutCancel(ctx), l, b))
	} else if len(errs) == 0 {
		errs = append(errs, errors.New("the tenant said nothing about those asked for"))
	}
	return errors.Join(errs...)
}

// each hands out who is due, chunk by chunk, until nobody is or most were.
func (s *Syncer) each(ctx context.Context, d Due, most int, read func(ids []string) error) error {
	for most != 0 {
		n := chunk
		if most > 0 {
			n = min(n, most)
		}
		ids, err := s.cfg.Store.SyncDue(ctx, s.cfg.Tenant, d, n)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := read(ids); err != nil {
			return err
		}
		most -= n
	}
	return nil
}

// sweepErrors are those errors of single people that mean that others cannot be
// read now either: they are no news of the people that they stand at. Such an
// error is one of our end or the tenant's door, or it is the one that broke off
// the sweep, which stands at everybody who was left.
func sweepErrors[T any](ctx context.Context, read []T, errOf func(T) error) map[error]bool {
	at := make(map[error]int)
	for _, one := range read {
		if err := errOf(one); err != nil {
			at[err]++
		}
	}
	over := make(map[error]bool)
	for err, people := range at {
		var e *graph.Error
		closed := errors.As(err, &e) && (e.Kind == graph.KindNotSent || e.Kind == graph.KindThrottled || e.Kind == graph.KindSignIn)
		if ctx.Err() != nil || closed || people > 1 {
			over[err] = true
		}
	}
	return over
}
