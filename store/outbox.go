package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/approval"
)

var _ outbox.Store = (*Store)(nil)

// Owe implements approval.Tx.
func (t *tx) Owe(n approval.Notice) error {
	return t.owe(n.Key, n.Kind, n.Topic, n.Address, string(n.Facts))
}

// owe stores a message that is to be sent; a key that exists stays as it is.
func (t *tx) owe(key, kind, topic, address, facts string) error {
	err := t.q.later(t.ctx, `INSERT INTO outbox (key, kind, topic, address, facts, wanted, shown, message, tries, due, failure)
		VALUES (?, ?, ?, ?, ?, 1, 0, '', 0, 0, '') ON CONFLICT (key) DO NOTHING`,
		key, kind, topic, address, facts)
	if err != nil {
		return fmt.Errorf("owe message: %w", err)
	}
	t.owes = true
	return nil
}

// Touch implements approval.Tx.
func (t *tx) Touch(topic string) error {
	err := t.q.later(t.ctx, "UPDATE outbox SET wanted = wanted + 1, due = 0, tries = 0 WHERE topic = ?", topic)
	if err != nil {
		return fmt.Errorf("touch messages: %w", err)
	}
	t.owes = true
	return nil
}

// Due implements outbox.Store.
func (s *Store) Due(ctx context.Context, limit int) ([]outbox.Row, error) {
	var rows []outbox.Row
	err := s.transact(ctx, true, func(t *tx) (err error) {
		rows, err = list(t, scanRow, `SELECT id, key, kind, address, facts, wanted, message, tries FROM outbox
			WHERE shown < wanted AND due <= (SELECT twokey_now()) ORDER BY +id LIMIT ?`, limit) // the plus: see inOrder
		return err
	})
	return rows, err
}

func scanRow(row scanner) (outbox.Row, error) {
	var r outbox.Row
	var address, facts string
	if err := row.Scan(&r.ID, &r.Key, &r.Kind, &address, &facts, &r.Wanted, &r.Message, &r.Tries); err != nil {
		return outbox.Row{}, err
	}
	r.Facts = json.RawMessage(facts)
	// What is no address stays empty and fails alone, where it is sent: an
	// error here would hold up every other message.
	if json.Unmarshal([]byte(address), &r.To) != nil {
		r.To = chat.Address{}
	}
	return r, nil
}

// Shown implements outbox.Store.
func (s *Store) Shown(ctx context.Context, row outbox.Row, message string) error {
	return s.mark(ctx, `UPDATE outbox SET shown = CASE WHEN shown > ? THEN shown ELSE ? END, message = ?, tries = 0, failure = '',
		due = CASE WHEN wanted > ? THEN due ELSE ? END WHERE id = ?`,
		row.Wanted, row.Wanted, message, row.Wanted, never, row.ID)
}

// never is when a message is due of which the newest state is shown.
const never int64 = math.MaxInt64

// Postpone implements outbox.Store.
func (s *Store) Postpone(ctx context.Context, row outbox.Row, delay time.Duration, reason string) error {
	return s.mark(ctx, "UPDATE outbox SET tries = tries + 1, due = twokey_now() + ?, failure = ? WHERE id = ?", delay.Microseconds(), reason, row.ID)
}

func (s *Store) mark(ctx context.Context, query string, args ...any) error {
	err := s.transact(ctx, false, func(t *tx) error {
		_, err := t.q.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark message: %w", err)
	}
	return nil
}
