package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"twokey/audit"
)

// Alias implements approval.Tx.
func (t *tx) Alias(tenant, object, name string) (string, error) {
	if object == "" || object == audit.Bot || object == audit.Host {
		return object, nil
	}
	p := person{tenant, object}
	kept, known := t.known.alias(p)
	if !known {
		kept = &alias{}
		err := t.q.QueryRowContext(t.ctx, "SELECT pseudonym, name FROM alias WHERE tenant = ? AND object = ?", tenant, object).Scan(&kept.pseudonym, &kept.name)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			kept = nil
		case err != nil:
			return "", fmt.Errorf("read alias: %w", err)
		default:
			t.known.named(p, *kept)
		}
	}
	switch {
	case kept == nil:
		return t.newAlias(p, name)
	case name == "" || name == kept.name:
		return kept.pseudonym, nil
	}
	if err := t.q.later(t.ctx, "UPDATE alias SET name = ? WHERE tenant = ? AND object = ?", name, tenant, object); err != nil {
		return "", fmt.Errorf("update alias: %w", err)
	}
	t.known.named(p, alias{kept.pseudonym, name})
	return kept.pseudonym, nil
}

func (t *tx) newAlias(p person, name string) (string, error) {
	at, err := t.Now()
	if err != nil {
		return "", err
	}
	secret := audit.Secret()
	pseudonym := audit.Pseudonym(secret, p.tenant, p.object)
	err = t.q.later(t.ctx, "INSERT INTO alias (tenant, object, pseudonym, secret, name, first_seen) VALUES (?, ?, ?, ?, ?, ?)",
		p.tenant, p.object, pseudonym, hex.EncodeToString(secret), name, at.UnixMicro())
	if err != nil {
		return "", fmt.Errorf("insert alias: %w", err)
	}
	t.known.named(p, alias{pseudonym, name})
	return pseudonym, nil
}

// Aside implements approval.Tx.
func (t *tx) Aside(tenant, request, words string) (string, error) {
	if words == "" {
		return "", nil
	}
	secret := audit.Secret()
	mark := audit.Mark(secret, words)
	err := t.q.later(t.ctx, "INSERT INTO aside (mark, secret, tenant, request, words) VALUES (?, ?, ?, ?, ?)",
		mark, hex.EncodeToString(secret), tenant, request, words)
	if err != nil {
		return "", fmt.Errorf("insert words beside the audit chain: %w", err)
	}
	return mark, nil
}

// Who returns who is meant by each of the pseudonyms. Those that are not known,
// or were forgotten, are left out.
func (s *Store) Who(ctx context.Context, pseudonyms ...string) (map[string]audit.Person, error) {
	known := map[string]audit.Person{}
	err := s.transact(ctx, true, func(t *tx) error {
		for _, p := range pseudonyms {
			who, err := scanAlias(t.q.QueryRowContext(ctx, "SELECT "+aliasColumns+" FROM alias WHERE pseudonym = ?", p))
			switch {
			case err == nil:
				known[p] = who
			case !errors.Is(err, sql.ErrNoRows):
				return fmt.Errorf("read alias: %w", err)
			}
		}
		return nil
	})
	return known, err
}

// Asides returns the words that are kept beside the records of a request.
func (s *Store) Asides(ctx context.Context, request string) (all []audit.Aside, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		all, err = list(t, scanAside, "SELECT mark, secret, words FROM aside WHERE request = ? ORDER BY mark", request)
		return err
	})
	return all, err
}

const aliasColumns = "pseudonym, secret, tenant, object, name"

func scanAlias(row scanner) (audit.Person, error) {
	var p audit.Person
	err := row.Scan(&p.Pseudonym, &p.Secret, &p.Tenant, &p.Object, &p.Name)
	return p, err
}

func scanAside(row scanner) (audit.Aside, error) {
	var a audit.Aside
	err := row.Scan(&a.Mark, &a.Secret, &a.Words)
	return a, err
}
