package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

var (
	_ approval.Store      = (*Store)(nil)
	_ approval.ReadsAhead = (*Store)(nil)
	_ approval.Tx         = (*tx)(nil)
)

// Update implements approval.Store.
func (s *Store) Update(ctx context.Context, f func(approval.Tx) error) error {
	return s.update(ctx, func(t *tx) error { return f(t) })
}

// View implements approval.Store.
func (s *Store) View(ctx context.Context, f func(approval.Tx) error) error {
	return s.view(ctx, func(t *tx) error { return f(t) })
}

// UpdateAhead implements approval.ReadsAhead.
func (s *Store) UpdateAhead(ctx context.Context, want approval.Ahead, f func(approval.Tx) error) error {
	return s.updateAhead(ctx, want, func(t *tx) error { return f(t) })
}

// ViewAhead implements approval.ReadsAhead.
func (s *Store) ViewAhead(ctx context.Context, want approval.Ahead, f func(approval.Tx) error) error {
	return s.viewAhead(ctx, want, func(t *tx) error { return f(t) })
}

// tx is one transaction. It holds the context of the call that opened it,
// because it lives no longer than that call.
type tx struct {
	ctx   context.Context
	q     queryer
	known *known
	at    time.Time
	last  *audit.Record // the newest, once it is known: nobody else writes meanwhile
	owes  bool
}

// Now implements approval.Tx.
func (t *tx) Now() (time.Time, error) {
	if t.at.IsZero() {
		at, err := now(t.ctx, t.q)
		if err != nil {
			return time.Time{}, err
		}
		t.at = at
	}
	return t.at, nil
}

const requestColumns = `id, ref, key, tenant, tenant_name, kind, kind_version, args, targets, snapshot, words,
	reason, requester, subscribers, policy, digest, created, expires, state, version, not_before, start_by, outcome, warrant, config_hash`

// Request implements approval.Tx.
func (t *tx) Request(idOrRef string) (approval.Request, error) {
	if r, ok := t.known.request(idOrRef); ok {
		return there(r)
	}
	return t.request("id = ? OR ref = ?", idOrRef, idOrRef)
}

// RequestByKey implements approval.Tx.
func (t *tx) RequestByKey(key string) (approval.Request, error) {
	if r, ok := t.known.byKey(key); ok {
		return there(r)
	}
	return t.request("key = ?", key)
}

// there is a request that is known, or not there for certain.
func there(r *approval.Request) (approval.Request, error) {
	if r == nil {
		return approval.Request{}, approval.ErrNotFound
	}
	return *r, nil
}

func (t *tx) request(where string, args ...any) (approval.Request, error) {
	r, err := scanRequest(t.q.QueryRowContext(t.ctx, "SELECT "+requestColumns+" FROM request WHERE "+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return approval.Request{}, approval.ErrNotFound
	}
	if err != nil {
		return approval.Request{}, fmt.Errorf("read request: %w", err)
	}
	return r, nil
}

// Requests implements approval.Tx.
func (t *tx) Requests(tenant string, states ...approval.State) ([]approval.Request, error) {
	if all, ok := t.known.inStates(tenant, states); ok {
		return all, nil
	}
	where, args := "1 = 1", []any(nil)
	if tenant != "" {
		where, args = "tenant = ?", []any{tenant}
	}
	if len(states) > 0 {
		where += " AND state IN (?" + strings.Repeat(", ?", len(states)-1) + ")"
		for _, s := range states {
			args = append(args, string(s))
		}
	}
	return list(t, scanRequest, "SELECT "+requestColumns+" FROM request WHERE "+where+inOrder, args...)
}

// inOrder puts requests in the order in which they were asked. The plus keeps
// SQLite from reading all there are, so that nothing has to be sorted, where
// another index finds the few that are wanted.
const inOrder = " ORDER BY +created, id"

// Recent implements approval.Tx.
func (t *tx) Recent(tenant string, since time.Time) ([]approval.Request, error) {
	return list(t, scanRequest, "SELECT "+requestColumns+" FROM request WHERE tenant = ? AND (created >= ? OR start_by >= ?)"+inOrder,
		tenant, since.UnixMicro(), since.UnixMicro())
}

// Alike implements approval.Tx.
func (t *tx) Alike(r approval.Request, since time.Time) ([]approval.Request, error) {
	if all, ok := t.known.asOf(t.at, r, since); ok {
		return all, nil
	}
	return list(t, scanRequest, "SELECT "+requestColumns+" FROM request WHERE tenant = ? AND kind = ? AND substr(args, 1, 200) = ? AND +created >= ? AND args = ?"+inOrder,
		r.Tenant, r.Kind, beginning(string(r.Args)), since.UnixMicro(), string(r.Args))
}

type scanner interface{ Scan(dest ...any) error }

// list reads all rows of a query.
func list[T any](t *tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.q.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func scanRequest(row scanner) (approval.Request, error) {
	var r approval.Request
	var args, targets, snapshot, words, subscribers, policy, outcome, warrant string
	var created, expires int64
	var notBefore, startBy sql.NullInt64
	err := row.Scan(&r.ID, &r.Ref, &r.Key, &r.Tenant, &r.TenantName, &r.Kind, &r.KindVersion, &args, &targets, &snapshot, &words,
		&r.Reason, &r.Requester.Object, &subscribers, &policy, &r.Digest, &created, &expires, &r.State, &r.Version, &notBefore, &startBy, &outcome,
		&warrant, &r.ConfigHash)
	if err != nil {
		return approval.Request{}, err
	}
	r.Requester.Tenant = r.Tenant
	r.Args, r.Snapshot = json.RawMessage(args), json.RawMessage(snapshot)
	r.Created, r.Expires = moment(created), moment(expires)
	r.NotBefore, r.StartBy = optional(notBefore), optional(startBy)
	return r, decode(
		column{targets, &r.Targets}, column{words, &r.Words}, column{subscribers, &r.Subscribers},
		column{policy, &r.Policy}, column{outcome, &r.Outcome}, column{warrant, &r.Warrant})
}

type column struct {
	text string
	into any
}

func decode(columns ...column) error {
	for _, c := range columns {
		if err := json.Unmarshal([]byte(c.text), c.into); err != nil {
			return fmt.Errorf("decode stored %T: %w", c.into, err)
		}
	}
	return nil
}

func moment(us int64) time.Time { return time.UnixMicro(us).UTC() }

func optional(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return moment(us.Int64)
}

func nullable(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// encode returns v as JSON text. The types that are stored here cannot fail.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: encode %T: %v", v, err))
	}
	return string(text)
}

// Insert implements approval.Tx.
func (t *tx) Insert(r approval.Request) error {
	if r.Requester.Tenant != r.Tenant {
		return fmt.Errorf("insert request: the requester is of another tenant: %q", r.Requester.Tenant)
	}
	err := t.q.later(t.ctx, "INSERT INTO request ("+requestColumns+") VALUES (?"+strings.Repeat(", ?", 24)+")",
		r.ID, r.Ref, r.Key, r.Tenant, r.TenantName, r.Kind, r.KindVersion, string(r.Args), encode(r.Targets), string(r.Snapshot), encode(r.Words),
		r.Reason, r.Requester.Object, encode(r.Subscribers), encode(r.Policy), r.Digest, r.Created.UnixMicro(), r.Expires.UnixMicro(),
		string(r.State), r.Version, nullable(r.NotBefore), nullable(r.StartBy), encode(r.Outcome), encode(r.Warrant), r.ConfigHash)
	if err != nil {
		return fmt.Errorf("insert request: %w", err)
	}
	t.known.inserted(r)
	return nil
}

// Move implements approval.Tx.
func (t *tx) Move(r approval.Request, c approval.Change) (approval.Request, error) {
	was, version := r.State, r.Version
	r.State, r.Version = c.To, r.Version+1
	if !c.NotBefore.IsZero() {
		r.NotBefore, r.StartBy = c.NotBefore, c.StartBy
	}
	if c.Outcome != nil {
		r.Outcome = *c.Outcome
	}
	const update = "UPDATE request SET state = ?, version = ?, not_before = ?, start_by = ?, outcome = ? WHERE id = ? AND state = ? AND version = ?"
	args := []any{string(r.State), r.Version, nullable(r.NotBefore), nullable(r.StartBy), encode(r.Outcome), r.ID, string(was), version}
	if stored, ok := t.known.byName(r); ok {
		if stored == nil || stored.State != was || stored.Version != version {
			return r, approval.ErrLost
		}
		if err := t.q.once(t.ctx, update, args...); err != nil {
			return approval.Request{}, fmt.Errorf("move request: %w", err)
		}
		t.known.moved(r)
		return r, nil
	}
	result, err := t.q.exec(t.ctx, update, args...)
	if err != nil {
		return approval.Request{}, fmt.Errorf("move request: %w", err)
	}
	if err := one(result); err != nil {
		return r, err
	}
	t.known.moved(r)
	return r, nil
}

// one returns ErrLost unless exactly one row was changed.
func one(result sql.Result) error {
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return approval.ErrLost
	}
	return nil
}

// Decisions implements approval.Tx.
func (t *tx) Decisions(requestID string) ([]approval.Decision, error) {
	if all, ok := t.known.decisionsOn(requestID); ok {
		return all, nil
	}
	return list(t, scanDecision, "SELECT "+decisionColumns+" FROM decision WHERE request = ? ORDER BY number", requestID)
}

const decisionColumns = "request, tenant, object, account, approve, digest, why, at, warrant"

func scanDecision(row scanner) (approval.Decision, error) {
	var d approval.Decision
	var at, approve int64
	var warrant string
	if err := row.Scan(&d.Request, &d.By.Tenant, &d.By.Object, &d.Account, &approve, &d.Digest, &d.Why, &at, &warrant); err != nil {
		return approval.Decision{}, err
	}
	d.At, d.Approve = moment(at), approve == 1
	return d, decode(column{warrant, &d.Warrant})
}

// AddDecision implements approval.Tx.
func (t *tx) AddDecision(d approval.Decision) error {
	err := t.q.later(t.ctx, "INSERT INTO decision ("+decisionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		d.Request, d.By.Tenant, d.By.Object, d.Account, d.Approve, d.Digest, d.Why, d.At.UnixMicro(), encode(d.Warrant))
	if err != nil {
		return fmt.Errorf("insert decision: %w", err)
	}
	t.known.decided(d)
	return nil
}
