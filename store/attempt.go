package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"twokey/commands/approval"
)

// OpenAttempt implements approval.Tx.
func (t *tx) OpenAttempt(a approval.Attempt) error {
	if err := t.fenced(a.Fence); err != nil {
		return err
	}
	_, err := t.q.ExecContext(t.ctx, "INSERT INTO attempt (request, fence, owner, started, deadline, closed, before) VALUES (?, ?, ?, ?, ?, 0, ?)",
		a.Request, a.Fence, a.Owner, a.Started.UnixMicro(), a.Deadline.UnixMicro(), string(a.Before))
	if err != nil {
		return fmt.Errorf("insert attempt: %w", err)
	}
	return nil
}

// Attempt implements approval.Tx.
func (t *tx) Attempt(requestID string) (approval.Attempt, error) {
	a := approval.Attempt{Request: requestID}
	var started, deadline int64
	var before string
	err := t.q.QueryRowContext(t.ctx, "SELECT fence, owner, started, deadline, before FROM attempt WHERE request = ? AND closed = 0", requestID).
		Scan(&a.Fence, &a.Owner, &started, &deadline, &before)
	if errors.Is(err, sql.ErrNoRows) {
		return approval.Attempt{}, approval.ErrNotFound
	}
	a.Started, a.Deadline = moment(started), moment(deadline)
	if before != "" {
		a.Before = json.RawMessage(before)
	}
	return a, err
}

// CloseAttempt implements approval.Tx.
func (t *tx) CloseAttempt(requestID string) error {
	result, err := t.q.ExecContext(t.ctx, "UPDATE attempt SET closed = 1 WHERE request = ? AND closed = 0", requestID)
	if err != nil {
		return fmt.Errorf("close attempt: %w", err)
	}
	return one(result)
}

// Steps implements approval.Tx.
func (t *tx) Steps(requestID string) ([]approval.Step, error) {
	return list(t, scanStep, `SELECT request, number, try, fence, method, url, body_hash, intent, class, facts, request_id, client_id, what, object, finished_at
		FROM step WHERE request = ? ORDER BY number, try`, requestID)
}

func scanStep(row scanner) (approval.Step, error) {
	var s approval.Step
	var intent int64
	var finished sql.NullInt64
	err := row.Scan(&s.Request, &s.Number, &s.Try, &s.Fence, &s.Method, &s.URL, &s.BodyHash, &intent, &s.Class, &s.Facts, &s.RequestID, &s.ClientID, &s.What, &s.Object, &finished)
	s.Intent, s.FinishedAt = moment(intent), optional(finished)
	return s, err
}

// Intend implements approval.Tx.
func (t *tx) Intend(s approval.Step) error {
	if err := t.fenced(s.Fence); err != nil {
		return err
	}
	_, err := t.q.ExecContext(t.ctx, `INSERT INTO step (request, number, try, fence, method, url, body_hash, intent, class, facts, request_id, client_id, what, object)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.Request, s.Number, s.Try, s.Fence, s.Method, s.URL, s.BodyHash, s.Intent.UnixMicro(), string(s.Class), s.Facts, s.RequestID, s.ClientID, s.What, s.Object)
	if err != nil {
		return fmt.Errorf("insert step: %w", err)
	}
	return nil
}

// Conclude implements approval.Tx.
func (t *tx) Conclude(s approval.Step) error {
	if err := t.fenced(s.Fence); err != nil {
		return err
	}
	result, err := t.q.ExecContext(t.ctx, `UPDATE step SET class = ?, facts = ?, request_id = ?, object = ?, finished_at = ?
		WHERE request = ? AND number = ? AND try = ?`,
		string(s.Class), s.Facts, s.RequestID, s.Object, nullable(s.FinishedAt), s.Request, s.Number, s.Try)
	if err != nil {
		return fmt.Errorf("conclude step: %w", err)
	}
	return one(result)
}

// fenced returns ErrLost unless the fence is the runner's newest: a process
// that lost its lease must not write under it.
func (t *tx) fenced(fence int64) error {
	newest, err := t.fence("runner")
	if err != nil {
		return err
	}
	if fence != newest {
		return approval.ErrLost
	}
	return nil
}

// fence is the newest of the named lease, 0 if nobody ever held it.
func (t *tx) fence(lease string) (newest int64, err error) {
	err = t.q.QueryRowContext(t.ctx, "SELECT fence FROM lease WHERE name = ?", lease).Scan(&newest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read fence: %w", err)
	}
	return newest, nil
}

// Acquire implements approval.Tx.
func (t *tx) Acquire(name, owner string, ttl time.Duration, force bool) (fence int64, ok bool, err error) {
	at, err := t.Now()
	if err != nil {
		return 0, false, err
	}
	var holder string
	var until int64
	err = t.q.QueryRowContext(t.ctx, "SELECT owner, fence, until FROM lease WHERE name = ?", name).Scan(&holder, &fence, &until)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		fence = 1
	case err != nil:
		return 0, false, fmt.Errorf("read lease: %w", err)
	case holder != owner && !force && at.UnixMicro() < until:
		return 0, false, nil
	case holder != owner:
		fence++
	}
	_, err = t.q.ExecContext(t.ctx, `INSERT INTO lease (name, owner, fence, until) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, fence = excluded.fence, until = excluded.until`,
		name, owner, fence, at.Add(ttl).UnixMicro())
	if err != nil {
		return 0, false, fmt.Errorf("write lease: %w", err)
	}
	return fence, true, nil
}
