package approval_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"twokey/commands/approval"
	"twokey/store"
	"twokey/store/pgtest"
)

// atOnce is how many people ask and approve at the same time.
const atOnce = 16

// BenchmarkRoundTrip sets what asking and approving a request costs beside the
// floor under it: two transactions that each store a single row, by plain
// database/sql with the same durability on the same kind of disk, which is what
// a careful program would do. Both are done by sixteen at a time, in turns of
// the same run; x_floor is the engine's rate as a part of the floor's.
//
// The floor has every advantage its database gives: on PostgreSQL a connection
// for each of the sixteen, whose commits the server syncs together, and a
// prepared statement. SQLite syncs for each of them; that several commits of
// ours become one is the engine's own doing, and there x_floor may be over 1.
// Each of ours stores a dozen rows, the whole of the audit chain among them.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		plain := plainSQLite(b, filepath.Join(b.TempDir(), "floor.db"))
		roundTrips(b, filepath.Join(b.TempDir(), "twokey.db"), plain, func() {})
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		server := pgtest.Server(b) // that syncs
		plain, dsn := plainPostgreSQL(b, server.Database(b)), server.Database(b)
		ours := plainPostgreSQL(b, dsn)
		roundTrips(b, dsn, plain, func() {
			// What autovacuum does within a minute. Until then the plans are those for
			// tables of no row, which read a table from end to end.
			for _, db := range []*sql.DB{ours, plain} {
				if _, err := db.ExecContext(b.Context(), "ANALYZE"); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// plainSQLite opens a database without the engine, as durable as with it.
func plainSQLite(b *testing.B, path string) *sql.DB {
	b.Helper()
	const settings = "?_txlock=immediate&_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	db, err := sql.Open("sqlite", path+settings)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1) // more of them only fight for the file
	closing(b, db)
	return db
}

func plainPostgreSQL(b *testing.B, dsn string) *sql.DB {
	b.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(atOnce)
	db.SetMaxIdleConns(atOnce)
	closing(b, db)
	return db
}

func closing(b *testing.B, db *sql.DB) {
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
}

// twoRows is a trip of the floor: two transactions of a row each.
func twoRows(b *testing.B, db *sql.DB) func(context.Context) error {
	b.Helper()
	if _, err := db.ExecContext(b.Context(), "CREATE TABLE floor (id TEXT PRIMARY KEY, body TEXT NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	var row atomic.Int64
	return func(ctx context.Context) error {
		for range 2 {
			_, err := db.ExecContext(ctx, "INSERT INTO floor (id, body) VALUES ($1, $2)", fmt.Sprint("row ", row.Add(1)), "{}")
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// roundTrips measures both on one database. They take turns, so that whatever
// else the machine does falls on both. Before, the database is let do what it does
// by itself now and then.
func roundTrips(b *testing.B, dsn string, plain *sql.DB, upkeep func()) {
	b.Helper()
	engine := newTrips(b, dsn)
	insert := twoRows(b, plain)
	const turn = 4 * atOnce
	var ours, floor time.Duration
	trips := 0
	for i := range 10 { // it has been in use for a while
		if i == 8 {
			upkeep()
		}
		crowd(b, turn, insert)
		crowd(b, turn, engine.trip)
		engine.finish(b)
	}
	for b.Loop() {
		floor += crowd(b, turn, insert)
		ours += crowd(b, turn, engine.trip)
		trips += turn
		engine.finish(b)
	}
	report(b, trips, ours, floor)
}

// report says at which rates so many trips were done beside the floor's.
func report(b *testing.B, trips int, ours, floor time.Duration) {
	b.Helper()
	b.ReportMetric(float64(trips)/ours.Seconds(), "trips/s")
	b.ReportMetric(float64(trips)/floor.Seconds(), "floor/s")
	b.ReportMetric(floor.Seconds()/ours.Seconds(), "x_floor")
	b.ReportMetric(float64(syncing(b).Microseconds()), "sync-us")
}

// syncing returns what it takes to have a page on disk, the median of a hundred:
// on a virtual disk that does not wait for the real one the floor is hardly
// anything, and the ratio low.
func syncing(b *testing.B) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "page"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	all := make([]time.Duration, 100)
	for i := range all {
		began := time.Now()
		if _, err := f.WriteAt(make([]byte, 8192), 0); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		all[i] = time.Since(began)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// crowd does n trips, sixteen at a time, and returns how long that took.
func crowd(b *testing.B, n int, trip func(context.Context) error) time.Duration {
	b.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for range n / atOnce {
				if err := trip(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// trips asks and approves through an engine.
type trips struct {
	engine *approval.Engine
	asked  atomic.Int64
	mu     sync.Mutex
	open   []approval.Request
}

func newTrips(b testing.TB, dsn string) *trips {
	b.Helper()
	s, err := store.Open(context.Background(), store.Config{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	who := &people{askers: map[string]bool{"ada": true}, approvers: map[string]bool{"bea": true, "cid": true}}
	return &trips{engine: &approval.Engine{
		Store: s, Standing: who, Expiry: func(asked time.Time) time.Time { return asked.Add(expiry) },
		Caps: approval.Caps{PerHour: -1, OpenPerPerson: -1, AskedPerHour: -1},
	}}
}

func (t *trips) ask(ctx context.Context) (approval.Request, error) {
	n := t.asked.Add(1)
	return t.engine.Submit(ctx, approval.Plan{
		Tenant: tenantID, Kind: kindSet, KindVersion: 1, Args: fmt.Appendf(nil, `{"object":"object-%d"}`, n), Snapshot: []byte(`{}`), Reason: "because",
		Targets: []approval.Target{{ID: fmt.Sprint("object-", n)}}, Requester: person("ada"), Key: fmt.Sprint("key-", n),
		Policy:      approval.Policy{Name: "one", Quorum: 1},
		Subscribers: []approval.Subscriber{{Address: `{"user":"ada"}`, Requester: true}, {Address: `{"user":"bea"}`}, {Address: `{"channel":"admins"}`}},
	})
}

func (t *trips) trip(ctx context.Context) error {
	r, err := t.ask(ctx)
	if err != nil {
		return err
	}
	if r, err = t.engine.Approve(ctx, press(r, "bea")); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = append(t.open, r)
	return nil
}

// finish ends what is open, so that its list stays as short as it is in life.
func (t *trips) finish(b *testing.B) {
	b.Helper()
	for _, r := range t.open {
		if _, err := t.engine.Cancel(b.Context(), press(r, "ada")); err != nil {
			b.Fatal(err)
		}
	}
	t.open = nil
}
