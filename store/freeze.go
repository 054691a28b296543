package store

import (
	"database/sql"
	"errors"
	"fmt"

	"twokey/commands/approval"
)

// Freeze implements approval.Tx.
func (t *tx) Freeze(tenant string) (approval.Freeze, error) {
	if f, ok := t.known.freeze(tenant); ok {
		return f, nil
	}
	var f approval.Freeze
	var since int64
	err := t.q.QueryRowContext(t.ctx, "SELECT since, author, why FROM frozen WHERE tenant = ?", tenant).Scan(&since, &f.By, &f.Why)
	if errors.Is(err, sql.ErrNoRows) {
		return approval.Freeze{}, nil
	}
	if err != nil {
		return approval.Freeze{}, fmt.Errorf("read freeze: %w", err)
	}
	f.Since = moment(since)
	return f, nil
}

// SetFreeze implements approval.Tx.
func (t *tx) SetFreeze(tenant string, f approval.Freeze) error {
	_, err := t.q.ExecContext(t.ctx, "DELETE FROM frozen WHERE tenant = ?", tenant)
	if err == nil && !f.Since.IsZero() {
		_, err = t.q.ExecContext(t.ctx, "INSERT INTO frozen (tenant, since, author, why) VALUES (?, ?, ?, ?)", tenant, f.Since.UnixMicro(), f.By, f.Why)
	}
	if err != nil {
		return fmt.Errorf("store freeze: %w", err)
	}
	return nil
}
