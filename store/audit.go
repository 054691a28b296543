package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"

	"twokey/audit"
)

const auditColumns = "number, at, tenant, kind, actor, request, facts, prev, hash"

const newestRecord = "SELECT " + auditColumns + " FROM audit ORDER BY number DESC LIMIT 1"

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
	if t.last == nil {
		r, err := scanRecord(t.q.QueryRowContext(t.ctx, newestRecord))
		switch {
		case err == nil:
			t.last = &r
		case !errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("read last audit record: %w", err)
		}
	}
	next, err := audit.Chain(t.last, e)
	if err != nil {
		return err
	}
	err = t.q.later(t.ctx, "INSERT INTO audit ("+auditColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		next.Number, next.At, next.Tenant, next.Kind, next.Actor, next.Request, next.Facts, next.Prev, next.Hash)
	if err != nil {
		return fmt.Errorf("insert audit record: %w", err)
	}
	t.last = &next
	return nil
}

// Audit reads the audit record from its beginning: first the links that pruning
// has left, then the records up to the newest there is when it gets there.
func (s *Store) Audit(ctx context.Context) iter.Seq2[audit.Record, error] {
	return s.auditAfter(ctx, math.MinInt64) // also what has a number that no record can have
}

// AuditFrom is Audit from the given number on.
func (s *Store) AuditFrom(ctx context.Context, number int64) iter.Seq2[audit.Record, error] {
	return s.auditAfter(ctx, number-1)
}

// auditAfter reads in pages: a long record takes longer than any database lets
// one transaction take.
func (s *Store) auditAfter(ctx context.Context, number int64) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		last, links := number, int64(0)
		for _, query := range []string{linkPage, recordPage} {
			for {
				page, bound, err := s.auditPage(ctx, query, last)
				if err == nil && query == recordPage && len(page) > 0 && bound > max(links, number) {
					err = errPruned
				}
				if err != nil {
					yield(audit.Record{}, err)
					return
				}
				for _, r := range page {
					if !yield(r, nil) {
						return
					}
					last = r.Number
				}
				if len(page) < auditPageSize {
					break
				}
			}
			if query == linkPage {
				links, last = max(last, 0), number
			}
		}
	}
}

const (
	auditPageSize = 5000
	lastLink      = "(SELECT COALESCE(MAX(number), 0) FROM audit_link)"
	linkPage      = "SELECT number, '', '', '', '', '', '', '', hash, body, 0 FROM audit_link WHERE number > ? ORDER BY number LIMIT ?"
	recordPage    = "SELECT " + auditColumns + ", '', " + lastLink + " FROM audit WHERE number > ? ORDER BY number LIMIT ?"
)

// errPruned says that records became links after the links were read.
var errPruned = errors.New("the audit record was pruned while it was read: read it again")

// auditPage returns what follows a number, and with records also which link
// was the last at that moment.
func (s *Store) auditPage(ctx context.Context, query string, last int64) (page []audit.Record, bound int64, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		page, err = list(t, func(row scanner) (r audit.Record, err error) {
			err = row.Scan(&r.Number, &r.At, &r.Tenant, &r.Kind, &r.Actor, &r.Request, &r.Facts, &r.Prev, &r.Hash, &r.Body, &bound)
			return r, err
		}, query, last, auditPageSize)
		return err
	})
	return page, bound, err
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
