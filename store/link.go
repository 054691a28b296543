package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"twokey/chat"
	"twokey/chat/visit"
	"twokey/commands/link"
)

var (
	_ link.Store = (*Store)(nil)
	_ link.Tx    = (*tx)(nil)
)

// UpdateLinks implements link.Store.
func (s *Store) UpdateLinks(ctx context.Context, f func(link.Tx) error) error {
	return s.transact(ctx, false, func(t *tx) error { return f(t) })
}

// ViewLinks implements link.Store.
func (s *Store) ViewLinks(ctx context.Context, f func(link.Tx) error) error {
	return s.transact(ctx, true, func(t *tx) error { return f(t) })
}

// lone returns the one row that a query finds, or the zero value.
func lone[T any](t *tx, what string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	v, err := scan(t.q.QueryRowContext(t.ctx, query, args...))
	if err != nil {
		var zero T
		if errors.Is(err, sql.ErrNoRows) {
			return zero, nil
		}
		return zero, fmt.Errorf("read %s: %w", what, err)
	}
	return v, nil
}

const linkColumns = "tenant, account, ref, object, proof, since, until, confirmed, confirmer"

// Link implements link.Tx.
func (t *tx) Link(tenant string, a chat.Account) (link.Link, error) {
	return lone(t, "link", scanLink, "SELECT "+linkColumns+" FROM link WHERE tenant = ? AND account = ?", tenant, encode(a))
}

// LinkByRef implements link.Tx.
func (t *tx) LinkByRef(tenant, ref string) (link.Link, error) {
	return lone(t, "link", scanLink, "SELECT "+linkColumns+" FROM link WHERE tenant = ? AND ref = ?", tenant, ref)
}

// LinksOf implements link.Tx.
func (t *tx) LinksOf(tenant, object string) ([]link.Link, error) {
	all, err := list(t, scanLink, "SELECT "+linkColumns+" FROM link WHERE tenant = ? AND object = ? ORDER BY since, ref", tenant, object)
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	return all, nil
}

// SaveLink implements link.Tx.
func (t *tx) SaveLink(l link.Link) error {
	_, err := t.q.ExecContext(t.ctx, "INSERT INTO link ("+linkColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, account) DO UPDATE SET ref = excluded.ref, object = excluded.object, proof = excluded.proof,
			since = excluded.since, until = excluded.until, confirmed = excluded.confirmed, confirmer = excluded.confirmer`,
		l.Tenant, encode(l.Account), l.Ref, l.Object, string(l.Proof), l.Since.UnixMicro(), nullable(l.Until), nullable(l.Confirmed), l.By)
	return doing("store link", err)
}

// DropLink implements link.Tx.
func (t *tx) DropLink(tenant string, a chat.Account) error {
	for _, table := range []string{"proof", "link"} {
		if _, err := t.q.ExecContext(t.ctx, "DELETE FROM "+table+" WHERE tenant = ? AND account = ?", tenant, encode(a)); err != nil {
			return fmt.Errorf("drop link: %w", err)
		}
	}
	return nil
}

func scanLink(row scanner) (l link.Link, err error) {
	var account string
	var since int64
	var until, confirmed sql.NullInt64
	if err := row.Scan(&l.Tenant, &account, &l.Ref, &l.Object, &l.Proof, &since, &until, &confirmed, &l.By); err != nil {
		return l, err
	}
	l.Since, l.Until, l.Confirmed = moment(since), optional(until), optional(confirmed)
	return l, decode(column{account, &l.Account})
}

const visitColumns = "token, ticket, tenant, account, purpose, object, state, asked, until, tries, body"

// Visit implements link.Tx.
func (t *tx) Visit(sum string) (link.Visit, error) {
	return lone(t, "visit", scanVisit, "SELECT "+visitColumns+" FROM visit WHERE token = ? OR ticket = ?", sum, sum)
}

// VisitsOf implements link.Tx.
func (t *tx) VisitsOf(tenant string, a chat.Account, since time.Time) ([]link.Visit, error) {
	all, err := list(t, scanVisit, "SELECT "+visitColumns+" FROM visit WHERE tenant = ? AND account = ? AND asked >= ? ORDER BY asked, token", tenant, encode(a), since.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read visits: %w", err)
	}
	return all, nil
}

// SaveVisit implements link.Tx.
func (t *tx) SaveVisit(v link.Visit) error {
	if _, err := t.q.ExecContext(t.ctx, "DELETE FROM visit WHERE asked < ? AND token <> ?", v.Asked.Add(-link.Lately).UnixMicro(), v.Token); err != nil {
		return fmt.Errorf("forget visits: %w", err)
	}
	_, err := t.q.ExecContext(t.ctx, "INSERT INTO visit ("+visitColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (token) DO UPDATE SET ticket = excluded.ticket, object = excluded.object, state = excluded.state, tries = excluded.tries, body = excluded.body`,
		v.Token, sql.NullString{String: v.Ticket, Valid: v.Ticket != ""}, v.Tenant, encode(v.Account), string(v.Purpose), v.Object, string(v.State),
		v.Asked.UnixMicro(), v.Until.UnixMicro(), v.Tries, encode(v.Body))
	return doing("store visit", err)
}

func scanVisit(row scanner) (v link.Visit, err error) {
	var ticket sql.NullString
	var account, body string
	var asked, until int64
	if err := row.Scan(&v.Token, &ticket, &v.Tenant, &account, &v.Purpose, &v.Object, &v.State, &asked, &until, &v.Tries, &body); err != nil {
		return v, err
	}
	v.Ticket, v.Asked, v.Until = ticket.String, moment(asked), moment(until)
	return v, decode(column{account, &v.Account}, column{body, &v.Body})
}

// Proof implements link.Tx.
func (t *tx) Proof(tenant string, a chat.Account) (link.Proof, error) {
	return lone(t, "proof", scanProof, "SELECT tenant, account, object, proof, at FROM proof WHERE tenant = ? AND account = ?", tenant, encode(a))
}

// SaveProof implements link.Tx.
func (t *tx) SaveProof(p link.Proof) error {
	_, err := t.q.ExecContext(t.ctx, `INSERT INTO proof (tenant, account, object, proof, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant, account) DO UPDATE SET object = excluded.object, proof = excluded.proof, at = excluded.at`,
		p.Tenant, encode(p.Account), p.Object, string(p.Proof), p.At.UnixMicro())
	return doing("store proof", err)
}

func scanProof(row scanner) (p link.Proof, err error) {
	var account string
	var at int64
	if err := row.Scan(&p.Tenant, &account, &p.Object, &p.Proof, &at); err != nil {
		return p, err
	}
	p.At = moment(at)
	return p, decode(column{account, &p.Account})
}

const keyColumns = "tenant, id, ref, object, account, body, added, trusted"

// Key implements link.Tx.
func (t *tx) Key(tenant, id string) (link.Key, error) {
	return lone(t, "passkey", scanKey, "SELECT "+keyColumns+" FROM passkey WHERE tenant = ? AND id = ?", tenant, id)
}

// KeyByRef implements link.Tx.
func (t *tx) KeyByRef(tenant, ref string) (link.Key, error) {
	return lone(t, "passkey", scanKey, "SELECT "+keyColumns+" FROM passkey WHERE tenant = ? AND ref = ?", tenant, ref)
}

// KeysOf implements link.Tx.
func (t *tx) KeysOf(tenant, object string) ([]link.Key, error) {
	all, err := list(t, scanKey, "SELECT "+keyColumns+" FROM passkey WHERE tenant = ? AND object = ? ORDER BY added, id", tenant, object)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	return all, nil
}

// SaveKey implements link.Tx.
func (t *tx) SaveKey(k link.Key) error {
	_, err := t.q.ExecContext(t.ctx, "INSERT INTO passkey ("+keyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body, trusted = excluded.trusted`,
		k.Tenant, k.ID, k.Ref, k.Object, encode(k.Account), base64.StdEncoding.EncodeToString(k.Body), k.Added.UnixMicro(), k.Trusted)
	return doing("store passkey", err)
}

// DropKey implements link.Tx.
func (t *tx) DropKey(tenant, id string) error {
	_, err := t.q.ExecContext(t.ctx, "DELETE FROM passkey WHERE tenant = ? AND id = ?", tenant, id)
	return doing("drop passkey", err)
}

func scanKey(row scanner) (k link.Key, err error) {
	var account, body string
	var added int64
	if err := row.Scan(&k.Tenant, &k.ID, &k.Ref, &k.Object, &account, &body, &added, &k.Trusted); err != nil {
		return k, err
	}
	k.Key = visit.Key{ID: k.ID, Added: moment(added)}
	if k.Body, err = base64.StdEncoding.DecodeString(body); err != nil {
		return k, fmt.Errorf("decode passkey: %w", err)
	}
	return k, decode(column{account, &k.Account})
}

// doing says of an error during what it was.
func doing(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
