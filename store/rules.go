package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"twokey/commands/approval"
	"twokey/commands/rules"
)

// Rules lists what a tenant's configuration has said within the last day, oldest
// first, beginning with what it said a day ago; nothing if there never was one.
func (s *Store) Rules(ctx context.Context, tenant string) (history []rules.Version, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		history, err = t.rules(tenant)
		return err
	})
	return history, err
}

// rules lists the versions that held within the last day, oldest first: those
// since then, and the one before.
func (t *tx) rules(tenant string) ([]rules.Version, error) {
	now, err := t.Now()
	if err != nil {
		return nil, err
	}
	history, err := list(t, scanVersion, `SELECT number, body, since FROM rules WHERE tenant = ? AND number >=
		COALESCE((SELECT MAX(number) FROM rules WHERE tenant = ? AND since <= ?), 0) ORDER BY number`,
		tenant, tenant, now.Add(-rules.Late).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return history, nil
}

// LastRules returns what each tenant's configuration said last, by tenant ID.
func (s *Store) LastRules(ctx context.Context) (last []rules.Rules, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		versions, err := list(t, scanVersion, `SELECT number, body, since FROM rules r
			WHERE number = (SELECT MAX(number) FROM rules WHERE tenant = r.tenant) ORDER BY tenant`)
		if err != nil {
			return fmt.Errorf("read rules: %w", err)
		}
		last = nil
		for _, v := range versions {
			last = append(last, v.Rules)
		}
		return nil
	})
	return last, err
}

func scanVersion(row scanner) (v rules.Version, err error) {
	var body string
	var since int64
	if err := row.Scan(&v.Number, &body, &since); err != nil {
		return v, err
	}
	v.Since = moment(since)
	if err := json.Unmarshal([]byte(body), &v.Rules); err != nil {
		return v, fmt.Errorf("decode rules %d: %w", v.Number, err)
	}
	return v, nil
}

// LayRules stores r as what is said from now on, and in the same transaction
// what tell stores. It fails with approval.ErrLost if the last version is not
// the one that after numbers, 0 for none.
func (s *Store) LayRules(ctx context.Context, r rules.Rules, after int64, tell func(approval.Tx) error) error {
	return s.transact(ctx, false, func(t *tx) error {
		history, err := t.rules(r.Tenant)
		if err != nil {
			return err
		}
		if n := len(history); n == 0 && after != 0 || n > 0 && history[n-1].Number != after {
			return approval.ErrLost
		}
		now, err := t.Now()
		if err != nil {
			return err
		}
		r = r.Normal()
		body, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode rules: %w", err)
		}
		_, err = t.q.ExecContext(t.ctx, "INSERT INTO rules (tenant, number, hash, body, since) VALUES (?, ?, ?, ?, ?)",
			r.Tenant, after+1, r.Hash(), string(body), now.UnixMicro())
		if err != nil {
			return fmt.Errorf("store rules: %w", err)
		}
		return tell(t)
	})
}

// Away returns who of a tenant is away now and until when, by object ID.
func (s *Store) Away(ctx context.Context, tenant string) (map[string]time.Time, error) {
	away := map[string]time.Time{}
	err := s.transact(ctx, true, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		rows, err := list(t, scanAbsence, "SELECT object, until FROM away WHERE tenant = ? AND until > ?", tenant, now.UnixMicro())
		for _, a := range rows {
			away[a.object] = a.until
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who is away: %w", err)
	}
	return away, nil
}

type absence struct {
	object string
	until  time.Time
}

func scanAbsence(row scanner) (a absence, err error) {
	var until int64
	err = row.Scan(&a.object, &until)
	a.until = moment(until)
	return a, err
}

// SetAway stores that somebody is away until then, or back if that is past, and
// in the same transaction what tell stores.
func (s *Store) SetAway(ctx context.Context, who approval.Principal, until time.Time, tell func(approval.Tx) error) error {
	return s.transact(ctx, false, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		_, err = t.q.ExecContext(t.ctx, `INSERT INTO away (tenant, object, since, until) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, object) DO UPDATE SET since = excluded.since, until = excluded.until`,
			who.Tenant, who.Object, now.UnixMicro(), until.UnixMicro())
		if err != nil {
			return fmt.Errorf("store absence: %w", err)
		}
		return tell(t)
	})
}
