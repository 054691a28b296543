package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"twokey/commands/approval"
)

// inboxKept is how long a delivery is remembered: far longer than any platform
// goes on delivering one, or lets a signed one be played back, which is minutes.
const inboxKept = 24 * time.Hour

// Take records a delivery by its key and reports whether it is new. Of all who
// take one, in whatever process, one is told so. After an error it is not known,
// and whoever works for it must not act on it.
func (s *Store) Take(ctx context.Context, key string) (fresh bool, err error) {
	taker := rand.Text()
	for {
		err := s.transact(ctx, false, func(t *tx) error {
			_, err := t.q.ExecContext(ctx, "INSERT INTO inbox (key, taker, taken) VALUES (?, ?, twokey_now()) ON CONFLICT (key) DO NOTHING", key, taker)
			if err != nil {
				return err
			}
			var by string
			err = t.q.QueryRowContext(ctx, "SELECT taker FROM inbox WHERE key = ?", key).Scan(&by)
			fresh = by == taker
			return err
		})
		switch {
		case err == nil:
			return fresh, nil
		case !errors.Is(err, approval.ErrUnsure) || ctx.Err() != nil:
			return false, fmt.Errorf("take delivery: %w", err)
		}
	}
}

// PruneInbox forgets deliveries that nobody will deliver again, as many as do
// not keep other writers waiting. It returns how many, 0 once there are none.
func (s *Store) PruneInbox(ctx context.Context) (pruned int, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		result, err := t.q.ExecContext(ctx, `DELETE FROM inbox WHERE key IN
			(SELECT key FROM inbox WHERE taken < (SELECT twokey_now()) - ? ORDER BY taken LIMIT ?)`, inboxKept.Microseconds(), pruneAtOnce)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		pruned = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune inbox: %w", err)
	}
	return pruned, nil
}
