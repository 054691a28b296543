// Package storetest holds the promises of a store as tests that every database
// behind package store must pass. A new promise is added here, and not to the
// tests of one database.
package storetest

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/chat/phrases"
	"twokey/commands/alert"
	"twokey/commands/approval"
	"twokey/commands/link"
	"twokey/commands/rules"
	"twokey/commands/staff"
	"twokey/graph/rollout"
	"twokey/scheduler/nudge"
)

// Store is everything that is asked of a database here.
type Store interface {
	approval.Store
	outbox.Store
	staff.Store
	alert.Store
	link.Store
	nudge.Store
	Letters
	// Audit reads the audit record from its beginning.
	Audit(ctx context.Context) iter.Seq2[audit.Record, error]
	// LastRecords returns the newest n records, newest first; only those of
	// one request if it is not empty.
	LastRecords(ctx context.Context, request string, n int) ([]audit.Record, error)
	// Who returns who is meant by each pseudonym, as far as it is known.
	Who(ctx context.Context, pseudonyms ...string) (map[string]audit.Person, error)
	// Asides returns the words that are kept beside the records of a request.
	Asides(ctx context.Context, request string) ([]audit.Aside, error)
	// AuditFrom reads the audit record from a number on.
	AuditFrom(ctx context.Context, number int64) iter.Seq2[audit.Record, error]
	// Prune takes the text of old records and returns of how many.
	Prune(ctx context.Context, keep time.Duration) (int, error)
	PruneRequests(ctx context.Context, keep time.Duration) (int, error)
	// Erase forgets a person, and reports whether anything was known of them.
	Erase(ctx context.Context, tenant, object string) (bool, error)
	// Rules and LayRules are the owner's rules, as commands.Rulebook says.
	Rules(ctx context.Context, tenant string) ([]rules.Version, error)
	LastRules(ctx context.Context) ([]rules.Rules, error)
	LayRules(ctx context.Context, r rules.Rules, after int64, tell func(approval.Tx) error) error
	// Away and SetAway say who is away, as commands.Absences says.
	Away(ctx context.Context, tenant string) (map[string]time.Time, error)
	SetAway(ctx context.Context, who approval.Principal, until time.Time, tell func(approval.Tx) error) error
	// Language and SetLanguage say in what language somebody is answered, as
	// commands.Languages says.
	Language(ctx context.Context, tenant string, a chat.Account) (phrases.Language, error)
	SetLanguage(ctx context.Context, tenant string, a chat.Account, object string, l phrases.Language) error
	// Declared is what people have declared, and LookUp keeps whom somebody looked
	// up, as commands.Declarations says.
	Declared(ctx context.Context, tenant string) ([]rollout.Declaration, error)
	LookUp(ctx context.Context, by approval.Principal, people []string, tell func(tx approval.Tx, before, with int) error) error
	// Take records a delivery and reports whether it is new.
	Take(ctx context.Context, key string) (bool, error)
	// PruneInbox forgets old deliveries and returns how many.
	PruneInbox(ctx context.Context) (int, error)
	// PruneGaps forgets what the guide could not do long ago.
	PruneGaps(ctx context.Context) error
	// Keep and Kept keep small texts by name, for a time.
	Keep(ctx context.Context, name, text string, life time.Duration) error
	Kept(ctx context.Context, name string) (string, error)
	Close() error
}

// Run tests a database. The function opens the one that belongs to t, with the
// given clock as its time: a new one at the first call, and the same one again
// at each later call, which only comes after Close.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) Store) {
	for _, suite := range []map[string]func(*testing.T, *bench){requests, attempts, messages, records, aliases, pruning, transactions, freezes, ruleSuite, inbox, languages, settings, declared, staffSuite, notes, links, nudges, letters, alerts} {
		for name, run := range suite {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := &bench{clock: &clock{at: start}, open: open}
				b.Store = open(t, b.clock.Now)
				t.Cleanup(func() {
					if err := b.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				})
				run(t, b)
			})
		}
	}
}

// start has digits below the microsecond and a zone that is not UTC, neither
// of which may come back from a database.
var start = time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.FixedZone("CET", 3600))

// clock is the time inside the database.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bench is one database under test with its clock.
type bench struct {
	Store
	clock *clock
	open  func(*testing.T, func() time.Time) Store
}

// reopen closes the database and opens it again.
func (b *bench) reopen(t *testing.T) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	b.Store = b.open(t, b.clock.Now)
}

// update runs f in a transaction that must succeed.
func (b *bench) update(t *testing.T, f func(approval.Tx) error) {
	t.Helper()
	if err := b.Update(t.Context(), f); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// view runs f in a read transaction that must succeed.
func (b *bench) view(t *testing.T, f func(approval.Tx) error) {
	t.Helper()
	if err := b.View(t.Context(), f); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// refuse runs f in a transaction that must fail; with a want, with that error.
func (b *bench) refuse(t *testing.T, want error, f func(approval.Tx) error) {
	t.Helper()
	err := b.Update(t.Context(), f)
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("Update = %v, want an error (%v)", err, want)
	}
}

// request reads a request that must exist.
func (b *bench) request(t *testing.T, id string) (r approval.Request) {
	t.Helper()
	b.view(t, func(tx approval.Tx) (err error) {
		r, err = tx.Request(id)
		return err
	})
	return r
}

// insert stores a sample request by name and returns it.
func (b *bench) insert(t *testing.T, name string) approval.Request {
	t.Helper()
	r := sample(name)
	b.update(t, func(tx approval.Tx) error { return tx.Insert(r) })
	return r
}

// due lists the messages that are due.
func (b *bench) due(t *testing.T, limit int) []outbox.Row {
	t.Helper()
	rows, err := b.Due(t.Context(), limit)
	if err != nil {
		t.Fatalf("Due: %v", err)
	}
	return rows
}

// head verifies the audit chain and returns its last record, nil if it is empty.
func (b *bench) head(t *testing.T) *audit.Record {
	t.Helper()
	last, err := audit.Verify(b.Audit(t.Context()), "")
	if err != nil {
		t.Errorf("the audit chain is broken: %v", err)
	}
	return last
}
