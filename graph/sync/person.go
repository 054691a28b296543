package sync

import (
	"cmp"
	"context"
	"errors"
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
		var stop error
		for _, m := range read {
			s.noteUnread(m.UserID, m.Err)
			switch {
			case m.Err == nil:
				m.AsOf = now
				b.Methods = append(b.Methods, MethodsRead{m, now.Add(methodsAge(m.Methods))})
			case isOver(m.Err):
				stop = m.Err
			default:
				b.Methods = append(b.Methods, MethodsRead{m, now.Add(failedAge)})
			}
		}
		return s.keepRead(ctx, l, b, len(b.Methods), stop)
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
		var stop error
		for _, m := range read {
			switch {
			case m.Err == nil:
				b.PerUser = append(b.PerUser, PerUserRead{m, now.Add(perUserAge)})
			case isOver(m.Err):
				stop = m.Err
			default:
				b.PerUser = append(b.PerUser, PerUserRead{m, now.Add(failedAge)})
			}
		}
		return s.keepRead(ctx, l, b, len(b.PerUser), stop)
	})
}

// keepRead stores what was read of n people, even if ctx has ended meanwhile,
// and returns what ends the sweep. An answer about nobody ends it too: asking
// again would go on for ever.
func (s *Syncer) keepRead(ctx context.Context, l Lease, b Batch, n int, stop error) error {
	if n == 0 {
		return cmp.Or(stop, errors.New("the tenant said nothing about those asked for"))
	}
	return errors.Join(s.cfg.Store.KeepSync(context.WithoutCancel(ctx), l, b), stop)
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

// isOver reports whether one person's error means that the others cannot be
// read now either: it is then no news of that person.
func isOver(err error) bool {
	var e *graph.Error
	if !errors.As(err, &e) {
		return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	}
	return e.Kind == graph.KindNotSent || e.Kind == graph.KindThrottled || e.Kind == graph.KindSignIn
}
