package sync

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Memory is a Store that is forgotten with the process, for a tenant that is
// read once. Its zero value is empty. It is one process's alone: a lease is
// never refused.
type Memory struct {
	mu      sync.Mutex
	tenants map[string]*memory
}

var _ Store = (*Memory)(nil)

// memory is what is kept of one tenant.
type memory struct {
	lease    Lease
	progress map[Source]Progress
	people   map[string]*memoryRow
	legacy   []rollout.LegacyUse
	mailApps *graph.EmailAppUse
}

type memoryRow struct {
	Person
	listed, reported int                  // rounds
	due              map[Source]time.Time // no key: never tried; zero: at once
}

// of returns what is kept of a tenant. The caller holds the lock.
func (m *Memory) of(tenant string) *memory {
	if m.tenants == nil {
		m.tenants = make(map[string]*memory)
	}
	if m.tenants[tenant] == nil {
		m.tenants[tenant] = &memory{progress: make(map[Source]Progress), people: make(map[string]*memoryRow)}
	}
	return m.tenants[tenant]
}

// LeadSync implements Store.
func (m *Memory) LeadSync(_ context.Context, tenant, owner string, _ time.Duration) (Lease, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.of(tenant)
	if t.lease.Owner != owner || t.lease.Fence == 0 {
		t.lease = Lease{Tenant: tenant, Owner: owner, Fence: t.lease.Fence + 1}
	}
	return t.lease, true, nil
}

// SyncProgress implements Store.
func (m *Memory) SyncProgress(_ context.Context, tenant string) (map[Source]Progress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.of(tenant).progress), nil
}

// SyncDue implements Store.
func (m *Memory) SyncDue(_ context.Context, tenant string, d Due, n int) ([]string, error) {
	if d.What != Methods && d.What != PerUser {
		return nil, fmt.Errorf("%s are not read person by person", d.What)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []*memoryRow
	for _, row := range m.of(tenant).people {
		if row.Enabled && !row.Guest && row.wanted(d) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *memoryRow) int {
		aDue, aTried := a.due[d.What]
		bDue, bTried := b.due[d.What]
		switch {
		case aTried != bTried && bTried:
			return -1
		case aTried != bTried:
			return 1
		default:
			return cmp.Or(aDue.Compare(bDue), strings.Compare(a.ID, b.ID))
		}
	})
	ids := make([]string, min(n, len(rows)))
	for i := range ids {
		ids[i] = rows[i].ID
	}
	return ids, nil
}

func (r *memoryRow) wanted(d Due) bool {
	at, tried := r.due[d.What]
	switch {
	case tried:
		return !at.After(d.At)
	case d.Unread == Unreported:
		return r.Report == nil
	default:
		return d.Unread == AllUnread
	}
}

// LoadSync implements Store.
func (m *Memory) LoadSync(_ context.Context, tenant string, legacySince time.Time) (Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.of(tenant)
	s := Stored{Progress: maps.Clone(t.progress), MailApps: t.mailApps}
	for _, id := range slices.Sorted(maps.Keys(t.people)) {
		s.People = append(s.People, t.people[id].Person)
	}
	for _, u := range t.legacy {
		if !u.Day.Before(legacySince) {
			s.Legacy = append(s.Legacy, u)
		}
	}
	return s, nil
}

// KeepSync implements Store.
func (m *Memory) KeepSync(_ context.Context, l Lease, b Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.of(l.Tenant)
	if t.lease.Fence != l.Fence {
		return ErrLost
	}
	t.keepAccounts(b)
	t.keepReport(b)
	t.keepPeople(b)
	t.keepUse(b)
	if b.Progress.Source != "" {
		t.progress[b.Progress.Source] = b.Progress
	}
	return nil
}

func (t *memory) keepAccounts(b Batch) {
	for _, u := range b.Accounts {
		row := t.people[u.ID]
		if row == nil {
			row = &memoryRow{due: make(map[Source]time.Time)}
			t.people[u.ID] = row
		}
		row.User, row.listed = u, max(row.listed, b.Progress.Round)
	}
	for _, id := range b.Removed {
		delete(t.people, id)
	}
	if b.Full && b.Last && b.Progress.Source == Accounts {
		maps.DeleteFunc(t.people, func(_ string, row *memoryRow) bool { return row.listed < b.Progress.Round })
	}
}

func (t *memory) keepReport(b Batch) {
	for _, r := range b.Report {
		if row := t.people[r.UserID]; row != nil {
			row.Report = &r
			if b.Full {
				row.reported = b.Progress.Round
			}
		}
	}
	if !b.Full || !b.Last || b.Progress.Source != Report {
		return
	}
	for _, row := range t.people {
		if row.reported < b.Progress.Round {
			row.Report = nil
		}
	}
}

func (t *memory) keepPeople(b Batch) {
	for _, m := range b.Methods {
		if row := t.people[m.UserID]; row != nil {
			row.due[Methods] = m.Due
			if m.Err == nil {
				row.Person.Methods = &m.UserMethods
			}
		}
	}
	for _, m := range b.PerUser {
		if row := t.people[m.UserID]; row != nil {
			row.due[PerUser] = m.Due
			if m.Err == nil {
				row.Person.PerUser = &m.UserMFA
			}
		}
	}
	for _, s := range b.LastSignIns {
		if row := t.people[s.UserID]; row != nil {
			row.LastSignIn = &s
		}
	}
	for id, row := range t.people {
		since, named := b.Outdated[id]
		_, tried := row.due[Methods]
		known := row.Person.Methods != nil && !row.Person.Methods.AsOf.Before(since)
		if b.AllOutdated && tried || named && !known {
			row.due[Methods] = time.Time{}
		}
	}
}

func (t *memory) keepUse(b Batch) {
	if l := b.Legacy; l != nil {
		t.legacy = slices.DeleteFunc(t.legacy, func(u rollout.LegacyUse) bool {
			within := !u.Day.Before(midnight(l.From)) && (l.Until.IsZero() || u.Day.Before(midnight(l.Until)))
			return within || u.Day.Before(midnight(l.Since))
		})
		t.legacy = append(t.legacy, l.Rows...)
	}
	if b.MailApps != nil {
		t.mailApps = b.MailApps
	}
}

// midnight is the UTC day's beginning.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
