package store

import (
	"database/sql"
	"errors"
	"fmt"
)

// Setting implements approval.Tx.
func (t *tx) Setting(tenant, name string) (value string, err error) {
	err = t.q.QueryRowContext(t.ctx, "SELECT value FROM setting WHERE tenant = ? AND name = ?", tenant, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, nil
}

// Set implements approval.Tx.
func (t *tx) Set(tenant, name, value string) error {
	_, err := t.q.ExecContext(t.ctx, "DELETE FROM setting WHERE tenant = ? AND name = ?", tenant, name)
	if err == nil && value != "" {
		_, err = t.q.ExecContext(t.ctx, "INSERT INTO setting (tenant, name, value, since) VALUES (?, ?, ?, twokey_now())", tenant, name, value)
	}
	if err != nil {
		return fmt.Errorf("store setting %s: %w", name, err)
	}
	return nil
}
