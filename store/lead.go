package store

import (
	"context"
	"fmt"
	"time"
)

// Leader returns a function that reports whether the owner is the one process
// that does what the name says, for so long. Another takes over once that is
// over, or at once from a process that gone knows to run no more.
func (s *Store) Leader(name, owner string, ttl time.Duration, gone func(owner string) bool) func(context.Context) (bool, error) {
	return func(ctx context.Context) (leads bool, err error) {
		if s.Alone() {
			return true, nil
		}
		err = s.transact(ctx, false, func(t *tx) error {
			held, err := t.Lease(name)
			if err != nil {
				return err
			}
			dead := held.Owner != "" && held.Owner != owner && gone(held.Owner)
			_, leads, err = t.Acquire(name, owner, ttl, dead)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("lead %s: %w", name, err)
		}
		return leads, nil
	}
}
