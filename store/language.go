package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"twokey/chat"
	"twokey/chat/phrases"
)

// Language returns the language that somebody has chosen, or "".
func (s *Store) Language(ctx context.Context, tenant string, a chat.Account) (l phrases.Language, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		l = ""
		err := t.q.QueryRowContext(ctx, "SELECT language FROM language WHERE tenant = ? AND account = ?", tenant, encode(a)).Scan(&l)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read language: %w", err)
	}
	return l, nil
}

// SetLanguage stores the language that somebody has chosen; "" forgets it. The
// object is who they are in the directory, or empty.
func (s *Store) SetLanguage(ctx context.Context, tenant string, a chat.Account, object string, l phrases.Language) error {
	err := s.transact(ctx, false, func(t *tx) error {
		if l == "" {
			_, err := t.q.ExecContext(ctx, "DELETE FROM language WHERE tenant = ? AND account = ?", tenant, encode(a))
			return err
		}
		_, err := t.q.ExecContext(ctx, `INSERT INTO language (tenant, account, object, language) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, account) DO UPDATE SET object = excluded.object, language = excluded.language`, tenant, encode(a), object, string(l))
		return err
	})
	if err != nil {
		return fmt.Errorf("store language: %w", err)
	}
	return nil
}
