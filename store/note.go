package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// notesAtOnce is how many notes that are over are deleted with each that is
// kept: more than come, so that they do not pile up.
const notesAtOnce = 10

// Keep keeps a text by name in place of an earlier one, for at least so long.
// Notes that are over go meanwhile.
func (s *Store) Keep(ctx context.Context, name, text string, life time.Duration) error {
	err := s.transact(ctx, false, func(t *tx) error {
		_, err := t.q.ExecContext(ctx, `INSERT INTO note (name, body, until) VALUES (?, ?, twokey_now() + ?)
			ON CONFLICT (name) DO UPDATE SET body = excluded.body, until = excluded.until`, name, text, life.Microseconds())
		if err != nil {
			return err
		}
		_, err = t.q.ExecContext(ctx, "DELETE FROM note WHERE name IN (SELECT name FROM note WHERE until < (SELECT twokey_now()) ORDER BY until LIMIT ?)", notesAtOnce)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep note: %w", err)
	}
	return nil
}

// Kept returns a text that was kept; empty if there is none, or if it is over.
func (s *Store) Kept(ctx context.Context, name string) (text string, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		err := t.q.QueryRowContext(ctx, "SELECT body FROM note WHERE name = ? AND until >= (SELECT twokey_now())", name).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read note: %w", err)
	}
	return text, nil
}
