package store

import (
	"fmt"
	"time"

	"twokey/commands/approval"
)

// Unresolved implements approval.Tx.
func (t *tx) Unresolved(since time.Time) ([]approval.Request, error) {
	return list(t, scanRequest, "SELECT "+requestColumns+" FROM request WHERE state = ? AND start_by >= ?"+inOrder,
		string(approval.Unknown), since.UnixMicro())
}

// ForgetLeases implements approval.Tx.
func (t *tx) ForgetLeases(prefix string) error {
	_, err := t.q.ExecContext(t.ctx, "DELETE FROM lease WHERE SUBSTR(name, 1, ?) = ? AND until <= (SELECT twokey_now())", len(prefix), prefix)
	if err != nil {
		return fmt.Errorf("forget leases: %w", err)
	}
	return nil
}
