package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/commands/approval"
	"twokey/graph/rollout"
)

// Declared lists what people have declared of a tenant's accounts and devices and
// what still holds, by sort, name and ID.
func (s *Store) Declared(ctx context.Context, tenant string) (all []rollout.Declaration, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		all, err = list(t, scanDeclaration, `SELECT `+declaredColumns+` FROM declared
			WHERE tenant = ? AND (until IS NULL OR until > ?) ORDER BY sort, name, object`, tenant, now.UnixMicro())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was declared: %w", err)
	}
	return all, nil
}

const declaredColumns = "object, sort, purpose, name, why, author, request, since, until"

func scanDeclaration(row scanner) (d rollout.Declaration, err error) {
	var since int64
	var until sql.NullInt64
	err = row.Scan(&d.Object, &d.Sort, &d.Purpose, &d.Name, &d.Why, &d.Owner, &d.Request, &since, &until)
	d.Since, d.Until = moment(since), optional(until)
	return d, err
}

// Declare stores a declaration in place of the one of the same sort that there
// was of the same object, as of now.
func (t *tx) Declare(tenant string, d rollout.Declaration) error {
	now, err := t.Now()
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(t.ctx, `INSERT INTO declared (tenant, `+declaredColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, object, sort) DO UPDATE SET purpose = excluded.purpose, name = excluded.name, why = excluded.why,
			author = excluded.author, request = excluded.request, since = excluded.since, until = excluded.until`,
		tenant, storable(d.Object), string(d.Sort), string(d.Purpose), storable(d.Name), storable(d.Why), d.Owner, d.Request, now.UnixMicro(), nullable(d.Until))
	if err != nil {
		return fmt.Errorf("store declaration: %w", err)
	}
	return nil
}

// Undeclare takes a declaration back. That there is none is no error.
func (t *tx) Undeclare(tenant, object string, sort rollout.Sort) error {
	_, err := t.q.ExecContext(t.ctx, "DELETE FROM declared WHERE tenant = ? AND object = ? AND sort = ?", tenant, object, string(sort))
	if err != nil {
		return fmt.Errorf("delete declaration: %w", err)
	}
	return nil
}

// lookUpSpan is how long it counts that somebody was looked up.
const lookUpSpan = time.Hour

// LookUp stores that people were looked up by somebody, and in the same
// transaction what tell stores. Tell is given how many different people that
// somebody has looked up within the last hour, before these and with them.
func (s *Store) LookUp(ctx context.Context, by approval.Principal, people []string, tell func(tx approval.Tx, before, with int) error) error {
	return s.transact(ctx, false, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		if _, err := t.q.ExecContext(ctx, "DELETE FROM looked_up WHERE at <= ?", now.Add(-lookUpSpan).UnixMicro()); err != nil {
			return fmt.Errorf("delete old look-ups: %w", err)
		}
		before, err := t.lookedUp(by)
		if err != nil {
			return err
		}
		// Each once: no statement may meet a row twice.
		for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(people))), lookUpsAtOnce) {
			var args []any
			for _, person := range some {
				args = append(args, by.Tenant, by.Object, person, now.UnixMicro())
			}
			_, err := t.q.ExecContext(ctx, "INSERT INTO looked_up (tenant, caller, person, at) VALUES "+strings.Repeat("(?, ?, ?, ?), ", len(some)-1)+"(?, ?, ?, ?)"+
				" ON CONFLICT (tenant, caller, person) DO UPDATE SET at = excluded.at", args...)
			if err != nil {
				return fmt.Errorf("store look-up: %w", err)
			}
		}
		with, err := t.lookedUp(by)
		if err != nil {
			return err
		}
		return tell(t, before, with)
	})
}

// lookUpsAtOnce is how many look-ups one statement stores: an export is of all
// people, and SQLite takes no more than 32,766 values.
const lookUpsAtOnce = 500

func (t *tx) lookedUp(by approval.Principal) (n int, err error) {
	err = t.q.QueryRowContext(t.ctx, "SELECT COUNT(*) FROM looked_up WHERE tenant = ? AND caller = ?", by.Tenant, by.Object).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count look-ups: %w", err)
	}
	return n, nil
}
