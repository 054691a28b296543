package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"twokey/graph"
	"twokey/graph/sync"
)

// KeepSync implements sync.Store.
func (s *Store) KeepSync(ctx context.Context, l sync.Lease, b sync.Batch) error {
	return s.transact(ctx, false, func(t *tx) error {
		k := keeping{tx: t, tenant: l.Tenant, b: b}
		held, err := t.Lease(syncLease(l.Tenant))
		if err != nil {
			return err
		}
		if held.Fence != l.Fence {
			return sync.ErrLost
		}
		for _, part := range []struct {
			what string
			keep func() error
		}{
			{"accounts", k.accounts},
			{"removed accounts", k.removed},
			{"registration report", k.report},
			{"end of a reading", k.end},
			{"methods", k.methods},
			{"per-user MFA", k.perUser},
			{"what is due", k.outdated},
			{"last sign-ins", k.lastSignIns},
			{"legacy use", k.legacy},
			{"mail programs", k.mailApps},
			{"progress", k.progress},
		} {
			if err := part.keep(); err != nil {
				return fmt.Errorf("keep %s: %w", part.what, err)
			}
		}
		return nil
	})
}

// keeping is one batch on its way into the database, in one transaction.
type keeping struct {
	*tx
	tenant string
	b      sync.Batch
}

// exec carries out a statement that comes once for each of many rows.
func (k keeping) exec(query string, args ...any) error {
	return k.q.later(k.ctx, query, args...)
}

// round is the full reading that the batch belongs to, 0 for none.
func (k keeping) round() int {
	if k.b.Full {
		return k.b.Progress.Round
	}
	return 0
}

func (k keeping) accounts() error {
	for _, u := range k.b.Accounts {
		err := k.exec(`INSERT INTO person (tenant, id, name, upn, mail, department, guest, enabled, synced, licensed, created, listed)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, upn = excluded.upn, mail = excluded.mail, department = excluded.department,
				guest = excluded.guest, enabled = excluded.enabled, synced = excluded.synced, licensed = excluded.licensed,
				created = excluded.created, listed = CASE WHEN excluded.listed > person.listed THEN excluded.listed ELSE person.listed END`,
			k.tenant, u.ID, u.Name, u.UPN, u.Mail, u.Department, u.Guest, u.Enabled, u.Synced, u.Licensed, nullable(u.Created), k.b.Progress.Round)
		if err != nil {
			return err
		}
	}
	return nil
}

func (k keeping) removed() error {
	for _, id := range k.b.Removed {
		if err := k.exec("DELETE FROM person WHERE tenant = ? AND id = ?", k.tenant, id); err != nil {
			return err
		}
	}
	return nil
}

func (k keeping) report() error {
	for _, r := range k.b.Report {
		row := reportRow{Registered: r.Registered, Capable: r.Capable, Methods: r.Methods}
		err := k.exec("UPDATE person SET report = ?, report_as_of = ?, reported = ? WHERE tenant = ? AND id = ?",
			encode(row), nullable(r.AsOf), k.round(), k.tenant, r.UserID)
		if err != nil {
			return err
		}
	}
	return nil
}

// end forgets what the full reading that ends here has not listed.
func (k keeping) end() error {
	switch {
	case !k.b.Full || !k.b.Last:
		return nil
	case k.b.Progress.Source == sync.Accounts:
		return k.exec("DELETE FROM person WHERE tenant = ? AND listed < ?", k.tenant, k.round())
	case k.b.Progress.Source == sync.Report:
		return k.exec("UPDATE person SET report = NULL, report_as_of = NULL WHERE tenant = ? AND reported < ?", k.tenant, k.round())
	default:
		return fmt.Errorf("%s have no full readings", k.b.Progress.Source)
	}
}

func (k keeping) methods() error {
	for _, m := range k.b.Methods {
		var err error
		if m.Err != nil {
			err = k.exec("UPDATE person SET methods_due = ? WHERE tenant = ? AND id = ?", m.Due.UnixMicro(), k.tenant, m.UserID)
		} else {
			err = k.exec("UPDATE person SET methods = ?, methods_as_of = ?, methods_due = ? WHERE tenant = ? AND id = ?",
				methodsText(m.Methods), nullable(m.AsOf), m.Due.UnixMicro(), k.tenant, m.UserID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func methodsText(methods []graph.Method) string {
	rows := make([]method, len(methods))
	for i, m := range methods {
		rows[i] = method(m)
	}
	return encode(rows)
}

func (k keeping) perUser() error {
	for _, m := range k.b.PerUser {
		state := sql.NullString{String: string(m.State), Valid: m.Err == nil}
		err := k.exec("UPDATE person SET per_user = coalesce(?, per_user), per_user_due = ? WHERE tenant = ? AND id = ?",
			state, m.Due.UnixMicro(), k.tenant, m.UserID)
		if err != nil {
			return err
		}
	}
	return nil
}

func (k keeping) outdated() error {
	if k.b.AllOutdated {
		return k.exec("UPDATE person SET methods_due = 0 WHERE tenant = ? AND methods_due IS NOT NULL", k.tenant)
	}
	for id, since := range k.b.Outdated {
		err := k.exec("UPDATE person SET methods_due = 0 WHERE tenant = ? AND id = ? AND coalesce(methods_as_of, 0) < ?", k.tenant, id, since.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}

func (k keeping) lastSignIns() error {
	for _, s := range k.b.LastSignIns {
		err := k.exec("UPDATE person SET last_sign_in = ? WHERE tenant = ? AND id = ?", microseconds(s.At), k.tenant, s.UserID)
		if err != nil {
			return err
		}
	}
	return nil
}

func (k keeping) legacy() error {
	l := k.b.Legacy
	if l == nil {
		return nil
	}
	until := int64(math.MaxInt64)
	if !l.Until.IsZero() {
		until = dayOf(l.Until)
	}
	if err := k.exec("DELETE FROM legacy_use WHERE tenant = ? AND (day >= ? AND day < ? OR day < ?)", k.tenant, dayOf(l.From), until, dayOf(l.Since)); err != nil {
		return err
	}
	for _, u := range l.Rows {
		err := k.exec(`INSERT INTO legacy_use (tenant, day, user_id, upn, client, app, device, succeeded, blocked, first, last)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			k.tenant, u.Day.UnixMicro(), u.UserID, u.UPN, u.Client, u.App, u.Device, u.Succeeded, u.Blocked, nullable(u.First), nullable(u.Last))
		if err != nil {
			return err
		}
	}
	return nil
}

// dayOf is the midnight, UTC, that a moment's day begins with.
func dayOf(t time.Time) int64 { return t.UTC().Truncate(24 * time.Hour).UnixMicro() }

func (k keeping) mailApps() error {
	if k.b.MailApps == nil {
		return nil
	}
	return k.exec("INSERT INTO mail_apps (tenant, report) VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET report = excluded.report",
		k.tenant, encode(k.b.MailApps))
}

func (k keeping) progress() error {
	p := k.b.Progress
	if p.Source == "" {
		return nil
	}
	return k.exec(`INSERT INTO sync_progress (tenant, source, done, began, cursor, round, token) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, source) DO UPDATE SET done = excluded.done, began = excluded.began, cursor = excluded.cursor,
			round = excluded.round, token = excluded.token`,
		k.tenant, string(p.Source), nullable(p.Done), nullable(p.Began), string(p.Cursor), p.Round, string(p.Token))
}
