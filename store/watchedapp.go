package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"twokey/graph/watch"
)

// SeenApp implements watch.Store.
func (s *Store) SeenApp(ctx context.Context, tenant, app string) (seen watch.SeenApp, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		seen = watch.SeenApp{}
		var body string
		err := t.q.QueryRowContext(ctx, "SELECT body FROM watched_app WHERE tenant = ? AND app = ?", tenant, app).Scan(&body)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read app: %w", err)
		}
		return decode(column{body, &seen})
	})
	return seen, err
}

// KeepApp implements watch.Store.
func (s *Store) KeepApp(ctx context.Context, tenant, app string, seen watch.SeenApp) error {
	return s.transact(ctx, false, func(t *tx) error {
		_, err := t.q.ExecContext(ctx, `INSERT INTO watched_app (tenant, app, body) VALUES (?, ?, ?)
			ON CONFLICT (tenant, app) DO UPDATE SET body = excluded.body`, tenant, app, encode(seen))
		if err != nil {
			return fmt.Errorf("keep app: %w", err)
		}
		return nil
	})
}
