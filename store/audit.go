package store

import (
	"context"
	"iter"

	"twokey/audit"
)

const auditColumns = "number, at, tenant, kind, actor, request, facts, prev, hash"

func scanRecord(row scanner) (audit.Record, error) {
	var r audit.Record
	err := row.Scan(&r.Number, &r.At, &r.Tenant, &r.Kind, &r.Actor, &r.Request, &r.Facts, &r.Prev, &r.Hash)
	return r, err
}

// Audit reads the audit record from its beginning, as it stands at this moment.
func (s *Store) Audit(ctx context.Context) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		rows, err := s.db.QueryContext(ctx, "SELECT "+auditColumns+" FROM audit ORDER BY number")
		if err != nil {
			yield(audit.Record{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			if r, err := scanRecord(rows); !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Record{}, err)
		}
	}
}

// LastRecords returns the newest audit records, newest first, at most n; only
// those of one request if it is not empty.
func (s *Store) LastRecords(ctx context.Context, request string, n int) ([]audit.Record, error) {
	var records []audit.Record
	err := s.transact(ctx, true, func(t *tx) (err error) {
		records, err = list(t, scanRecord, "SELECT "+auditColumns+" FROM audit WHERE ? = '' OR request = ? ORDER BY number DESC LIMIT ?", request, request, n)
		return err
	})
	return records, err
}
