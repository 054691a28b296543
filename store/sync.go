package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/sync"
)

var _ sync.Store = (*Store)(nil)

// syncLease names the lease of a tenant's sync.
func syncLease(tenant string) string { return "sync/" + tenant }

// LeadSync implements sync.Store.
func (s *Store) LeadSync(ctx context.Context, tenant, owner string, ttl time.Duration) (l sync.Lease, ok bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		fence, held, err := t.Acquire(syncLease(tenant), owner, ttl, s.Alone())
		l, ok = sync.Lease{Tenant: tenant, Owner: owner, Fence: fence}, held
		return err
	})
	if err != nil || !ok {
		return sync.Lease{}, false, err
	}
	return l, true, nil
}

// SyncProgress implements sync.Store.
func (s *Store) SyncProgress(ctx context.Context, tenant string) (p map[sync.Source]sync.Progress, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		p, err = t.syncProgress(tenant)
		return err
	})
	return p, err
}

func (t *tx) syncProgress(tenant string) (map[sync.Source]sync.Progress, error) {
	all, err := list(t, func(row scanner) (p sync.Progress, err error) {
		var done, began sql.NullInt64
		err = row.Scan(&p.Source, &done, &began, &p.Cursor, &p.Round, &p.Token)
		p.Done, p.Began = optional(done), optional(began)
		return p, err
	}, "SELECT source, done, began, cursor, round, token FROM sync_progress WHERE tenant = ?", tenant)
	if err != nil {
		return nil, fmt.Errorf("read progress: %w", err)
	}
	bySource := make(map[sync.Source]sync.Progress, len(all))
	for _, p := range all {
		bySource[p.Source] = p
	}
	return bySource, nil
}

// dueColumns are the columns that say when a person is to be read again.
var dueColumns = map[sync.Source]string{sync.Methods: "methods_due", sync.PerUser: "per_user_due"}

// SyncDue implements sync.Store. Who was never read and who is due are asked
// for apart, so that each question is one walk along the index.
func (s *Store) SyncDue(ctx context.Context, tenant string, d sync.Due, n int) (ids []string, err error) {
	column, known := dueColumns[d.What]
	if !known {
		return nil, fmt.Errorf("%s are not read person by person", d.What)
	}
	unread := column + " IS NULL"
	if d.Unread == sync.Unreported {
		unread += " AND report IS NULL"
	}
	err = s.transact(ctx, true, func(t *tx) error {
		if d.Unread != sync.NoUnread {
			if ids, err = t.people(tenant, unread, n); err != nil {
				return err
			}
		}
		due, err := t.people(tenant, column+" <= ?", n-len(ids), microseconds(d.At))
		ids = append(ids, due...)
		return err
	})
	return ids, err
}

// people lists enabled members who fit, by the first column of the condition.
func (t *tx) people(tenant, fits string, n int, args ...any) ([]string, error) {
	column, _, _ := strings.Cut(fits, " ")
	return list(t, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		"SELECT id FROM person WHERE tenant = ? AND "+fits+" AND enabled = 1 AND guest = 0 ORDER BY "+column+", id LIMIT ?",
		append(append([]any{tenant}, args...), n)...)
}

// microseconds is a moment as it is stored, 0 for none.
func microseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// LoadSync implements sync.Store.
func (s *Store) LoadSync(ctx context.Context, tenant string, legacySince time.Time) (all sync.Stored, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		if all.Progress, err = t.syncProgress(tenant); err != nil {
			return err
		}
		if all.People, err = list(t, scanPerson, "SELECT "+personColumns+" FROM person WHERE tenant = ? ORDER BY id", tenant); err != nil {
			return fmt.Errorf("read people: %w", err)
		}
		if all.Legacy, err = t.legacyUse(tenant, legacySince); err != nil {
			return err
		}
		all.MailApps, err = t.mailApps(tenant)
		return err
	})
	return all, err
}

const personColumns = `id, name, upn, mail, department, guest, enabled, synced, licensed, created,
	report, report_as_of, methods, methods_as_of, per_user, last_sign_in`

// reportRow is a row of the registration report as it is stored.
type reportRow struct {
	Registered bool     `json:"registered"`
	Capable    bool     `json:"capable"`
	Methods    []string `json:"methods"`
}

// method is a graph.Method as it is stored.
type method struct {
	ID      string           `json:"id"`
	Kind    graph.MethodKind `json:"kind"`
	Label   string           `json:"label,omitempty"`
	Created time.Time        `json:"created,omitzero"`
}

// personRow is what a row holds beside the account itself.
type personRow struct {
	report, methods, perUser               sql.NullString
	created, reportAsOf, methodsAsOf, last sql.NullInt64
}

func scanPerson(row scanner) (p sync.Person, err error) {
	var r personRow
	err = row.Scan(&p.ID, &p.Name, &p.UPN, &p.Mail, &p.Department, &p.Guest, &p.Enabled, &p.Synced, &p.Licensed, &r.created,
		&r.report, &r.reportAsOf, &r.methods, &r.methodsAsOf, &r.perUser, &r.last)
	if err != nil {
		return p, err
	}
	p.Created = optional(r.created)
	if p.Report, err = r.registration(p.ID); err != nil {
		return p, err
	}
	if p.Methods, err = r.userMethods(p.ID); err != nil {
		return p, err
	}
	if r.perUser.Valid {
		p.PerUser = &graph.UserMFA{UserID: p.ID, State: graph.PerUserMFA(r.perUser.String)}
	}
	if r.last.Valid {
		p.LastSignIn = &graph.LastSignIn{UserID: p.ID}
		if r.last.Int64 != 0 {
			p.LastSignIn.At = moment(r.last.Int64)
		}
	}
	return p, nil
}

func (r personRow) registration(id string) (*graph.Registration, error) {
	if !r.report.Valid {
		return nil, nil
	}
	var row reportRow
	err := decode(column{r.report.String, &row})
	return &graph.Registration{
		UserID: id, Registered: row.Registered, Capable: row.Capable, Methods: row.Methods, AsOf: optional(r.reportAsOf),
	}, err
}

func (r personRow) userMethods(id string) (*graph.UserMethods, error) {
	if !r.methods.Valid {
		return nil, nil
	}
	var rows []method
	if err := decode(column{r.methods.String, &rows}); err != nil {
		return nil, err
	}
	m := &graph.UserMethods{UserID: id, Methods: make([]graph.Method, len(rows)), AsOf: optional(r.methodsAsOf)}
	for i, row := range rows {
		m.Methods[i] = graph.Method(row)
	}
	return m, nil
}

// LegacyUse returns the sums of a tenant's legacy sign-ins of the days that begin
// at a moment or later, by day. Those of about a month are kept.
func (s *Store) LegacyUse(ctx context.Context, tenant string, since time.Time) (all []rollout.LegacyUse, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		all, err = t.legacyUse(tenant, since)
		return err
	})
	return all, err
}

func (t *tx) legacyUse(tenant string, since time.Time) ([]rollout.LegacyUse, error) {
	rows, err := list(t, func(row scanner) (u rollout.LegacyUse, err error) {
		var day int64
		var first, last sql.NullInt64
		err = row.Scan(&day, &u.UserID, &u.UPN, &u.Client, &u.App, &u.Device, &u.Succeeded, &u.Blocked, &first, &last)
		u.Day, u.First, u.Last = moment(day), optional(first), optional(last)
		return u, err
	}, `SELECT day, user_id, upn, client, app, device, succeeded, blocked, first, last FROM legacy_use
		WHERE tenant = ? AND day >= ? ORDER BY day, user_id, upn, client, app, device`, tenant, since.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read legacy use: %w", err)
	}
	return rows, nil
}

func (t *tx) mailApps(tenant string) (*graph.EmailAppUse, error) {
	var text string
	err := t.q.QueryRowContext(t.ctx, "SELECT report FROM mail_apps WHERE tenant = ?", tenant).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read mail programs: %w", err)
	}
	var use graph.EmailAppUse
	return &use, decode(column{text, &use})
}
