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
	if err := t.fenced(a.Request, a.Fence); err != nil {
		return err
	}
	_, err := t.q.ExecContext(t.ctx, "INSERT INTO attempt (request, fence, owner, started, deadline, closed, before) VALUES (?, ?, ?, ?, ?, 0, ?)",
		a.Request, a.Fence, a.Owner, a.Started.UnixMicro(), a.Deadline.UnixMicro(), string(a.Before))
	if err != nil {
		return fmt.Errorf("insert attempt: %w", err)
	}
	return nil
}

// TakeAttempt implements approval.Tx.
func (t *tx) TakeAttempt(a approval.Attempt) error {
	if err := t.fenced(a.Request, a.Fence); err != nil {
		return err
	}
	result, err := t.q.ExecContext(t.ctx, "UPDATE attempt SET fence = ?, owner = ?, deadline = ? WHERE request = ? AND closed = 0",
		a.Fence, a.Owner, a.Deadline.UnixMicro(), a.Request)
	if err != nil {
		return fmt.Errorf("take attempt: %w", err)
	}
	return one(result)
}

// Attempt implements approval.Tx.
func (t *tx) Attempt(requestID string) (approval.Attempt, error) {
	a := approval.Attempt{Request: requestID}
	var started, deadline int64
	var before string
	err := t.q.QueryRowContext(t.ctx, "SELECT fence, owner, started, deadline, closed, before FROM attempt WHERE request = ? ORDER BY closed, started DESC LIMIT 1", requestID).
		Scan(&a.Fence, &a.Owner, &started, &deadline, &a.Closed, &before)
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
	if err := t.fenced(s.Request, s.Fence); err != nil {
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
	if err := t.fenced(s.Request, s.Fence); err != nil {
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

// fenced returns ErrLost unless the fence is the newest of the request's lease:
// a process that lost it must not write under it.
func (t *tx) fenced(requestID string, fence int64) error {
	l, err := t.Lease(approval.LeaseOf(requestID))
	if err != nil {
		return err
	}
	if fence != l.Fence {
		return approval.ErrLost
	}
	return nil
}

// Lease implements approval.Tx.
func (t *tx) Lease(name string) (l approval.Lease, err error) {
	var until int64
	err = t.q.QueryRowContext(t.ctx, "SELECT owner, fence, until FROM lease WHERE name = ?", name).Scan(&l.Owner, &l.Fence, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return approval.Lease{}, nil
	}
	if err != nil {
		return approval.Lease{}, fmt.Errorf("read lease: %w", err)
	}
	l.Until = moment(until)
	return l, nil
}

// Release implements approval.Tx.
func (t *tx) Release(name, owner string) error {
	_, err := t.q.ExecContext(t.ctx, "UPDATE lease SET owner = '', until = twokey_now() WHERE name = ? AND owner = ?", name, owner)
	if err != nil {
		return fmt.Errorf("release lease: %w", err)
	}
	return nil
}

// Acquire implements approval.Tx.
func (t *tx) Acquire(name, owner string, ttl time.Duration, force bool) (fence int64, ok bool, err error) {
	at, err := t.Now()
	if err != nil {
		return 0, false, err
	}
	held, err := t.Lease(name)
	if err != nil {
		return 0, false, err
	}
	switch fence = held.Fence; {
	case fence == 0:
		fence = 1
	case held.Owner != owner && !force && at.Before(held.Until):
		return 0, false, nil
	case held.Owner != owner:
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
