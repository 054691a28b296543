package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"twokey/audit"
)

const auditColumns = "number, at, tenant, kind, actor, request, facts, prev, hash"

func scanRecord(row scanner) (audit.Record, error) {
	var r audit.Record
	err := row.Scan(&r.Number, &r.At, &r.Tenant, &r.Kind, &r.Actor, &r.Request, &r.Facts, &r.Prev, &r.Hash)
	return r, err
}

// Record implements approval.Tx.
func (t *tx) Record(e audit.Entry) error {
	at, err := t.Now()
	if err != nil {
		return err
	}
	e.At = at // no other time enters the chain
	var last *audit.Record
	r, err := scanRecord(t.q.QueryRowContext(t.ctx, "SELECT "+auditColumns+" FROM audit ORDER BY number DESC LIMIT 1"))
	switch {
	case err == nil:
		last = &r
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("read last audit record: %w", err)
	}
	next, err := audit.Chain(last, e)
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(t.ctx, "INSERT INTO audit ("+auditColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		next.Number, next.At, next.Tenant, next.Kind, next.Actor, next.Request, next.Facts, next.Prev, next.Hash)
	if err != nil {
		return fmt.Errorf("insert audit record: %w", err)
	}
	return nil
}

// Audit reads the audit record from its beginning, as it stands at this moment:
// first the links that pruning has left, then the records.
func (s *Store) Audit(ctx context.Context) iter.Seq2[audit.Record, error] { return s.AuditFrom(ctx, 1) }

// AuditFrom is Audit from the given number on. From 1 on it also gives what has
// a number that no record can have, which is for verification to find.
func (s *Store) AuditFrom(ctx context.Context, number int64) iter.Seq2[audit.Record, error] {
	where, args := "", []any{}
	if number > 1 {
		where, args = " WHERE number >= ?", []any{number, number}
	}
	query := "SELECT number, '', '', '', '', '', '', '', hash, body FROM audit_link" + where +
		" UNION ALL SELECT " + auditColumns + ", '' FROM audit" + where + " ORDER BY 1"
	return func(yield func(audit.Record, error) bool) {
		err := s.transact(ctx, true, func(t *tx) error {
			rows, err := t.q.QueryContext(ctx, query, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				r, err := scanLinked(rows)
				if err != nil {
					return err
				}
				if !yield(r, nil) {
					return errEnough
				}
			}
			return rows.Err()
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(audit.Record{}, err)
		}
	}
}

// errEnough says that whoever reads wants no more.
var errEnough = errors.New("enough")

func scanLinked(row scanner) (audit.Record, error) {
	var r audit.Record
	err := row.Scan(&r.Number, &r.At, &r.Tenant, &r.Kind, &r.Actor, &r.Request, &r.Facts, &r.Prev, &r.Hash, &r.Body)
	return r, err
}

// LastRecords returns the newest audit records, newest first, at most n; only
// those of one request if it is not empty.
func (s *Store) LastRecords(ctx context.Context, request string, n int) ([]audit.Record, error) {
	where, args := "", []any{n}
	if request != "" {
		where, args = " WHERE request = ?", []any{request, n}
	}
	var records []audit.Record
	err := s.transact(ctx, true, func(t *tx) (err error) {
		records, err = list(t, scanRecord, "SELECT "+auditColumns+" FROM audit"+where+" ORDER BY number DESC LIMIT ?", args...)
		return err
	})
	return records, err
}
