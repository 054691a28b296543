// Package store keeps everything that must outlive the process in one
// database: SQLite, embedded. It implements the interfaces that its users
// declare (approval.Store, outbox.Store and scheduler.Digests) and is the only
// opener of transactions.
//
// What was told to somebody is on disk: the journal is a write-ahead log and
// every commit is synced. One process at a time may use a SQLite file, which a
// lock beside it ensures for as long as the process lives; reading the audit
// record needs no lock and works beside a running bot.
//
// Time inside the database is the SQL function twokey_now(), which asks the
// clock the store was opened with. No other time enters SQL.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. All its methods are safe for concurrent use.
type Store struct {
	db    *sql.DB
	lock  *flock.Flock // nil if opened to read
	write sync.Mutex   // one writer at a time: waiting here is fair, waiting in SQLite is not
	owed  func()
}

// Config says which database and by which clock.
type Config struct {
	DSN  string           // the SQLite file; made if it is missing
	Now  func() time.Time // the database's clock; time.Now if nil
	Owed func()           // called after each commit that owes messages; must not block
}

// ErrInUse says that another process holds the database.
var ErrInUse = errors.New("another process is using this database")

// Open opens the database for this process alone and brings its schema up to
// date. It fails with ErrInUse while another process has it open.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	lock := flock.New(cfg.DSN + ".lock")
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", cfg.DSN, err)
	}
	if !held {
		return nil, fmt.Errorf("lock %s: %w", cfg.DSN, ErrInUse)
	}
	s := &Store{db: sql.OpenDB(connector(cfg, false)), lock: lock, owed: cfg.Owed}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", cfg.DSN, err), s.Close())
	}
	return s, nil
}

// OpenToRead opens the database to read beside whoever uses it. The file must exist.
func OpenToRead(path string) *Store {
	return &Store{db: sql.OpenDB(connector(Config{DSN: path}, true))}
}

// Close ends all use. Nothing that was committed is lost without it.
func (s *Store) Close() error {
	err := s.db.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}

// Alone reports whether no other process can be using this database: always,
// for SQLite, because of the lock.
func (s *Store) Alone() bool { return s.lock != nil }

// Check reads from the database, for health checks.
func (s *Store) Check(ctx context.Context) error {
	_, err := now(ctx, s.db)
	return err
}

// opener gives one store a driver of its own, so that its clock is its own.
type opener struct {
	driver *sqlite.Driver
	dsn    string
}

func (o opener) Connect(context.Context) (driver.Conn, error) { return o.driver.Open(o.dsn) }
func (o opener) Driver() driver.Driver                        { return o.driver }

func connector(cfg Config, readOnly bool) opener {
	clock := cfg.Now
	if clock == nil {
		clock = time.Now
	}
	d := &sqlite.Driver{}
	d.MustRegisterScalarFunction("twokey_now", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return clock().UnixMicro(), nil
	})
	return opener{driver: d, dsn: dsn(cfg.DSN, readOnly)}
}

// dsn puts every setting into the connection string, where each connection of
// the pool gets it. Transactions begin IMMEDIATE, so that one that reads and
// then writes cannot fail half-way because of another writer. The cache holds
// the indexes of a large tenant: with SQLite's own 2 MB a sync of 100,000 people
// spends a fifth of its time on reading pages again.
func dsn(path string, readOnly bool) string {
	q := url.Values{"_txlock": {"immediate"}}
	q["_pragma"] = []string{"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-16384)"}
	if readOnly {
		q.Set("mode", "ro")
		q["_pragma"] = []string{"busy_timeout(10000)", "query_only(1)"}
	}
	full, err := filepath.Abs(path)
	if err != nil {
		full = path
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(full), RawQuery: q.Encode()}
	return u.String()
}

// prepare migrates the schema and checks what the promises rest on.
func (s *Store) prepare(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, files)
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "quick_check": "ok"} {
		var got string
		if err := s.db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return fmt.Errorf("check %s: %w", pragma, err)
		}
		if got != want {
			return fmt.Errorf("check %s: got %q, want %q", pragma, got, want)
		}
	}
	return nil
}

// queryer is a database or a transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// reader is a transaction that may not write: SQLite itself would let it.
type reader struct{ *sql.Tx }

var errReadOnly = errors.New("this transaction may only read")

func (reader) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errReadOnly
}

func (reader) PrepareContext(context.Context, string) (*sql.Stmt, error) { return nil, errReadOnly }

func now(ctx context.Context, q queryer) (time.Time, error) {
	var us int64
	if err := q.QueryRowContext(ctx, "SELECT twokey_now()").Scan(&us); err != nil {
		return time.Time{}, fmt.Errorf("read database time: %w", err)
	}
	return time.UnixMicro(us).UTC(), nil
}

// transact runs f in one transaction. The caller's error comes back as it is.
func (s *Store) transact(ctx context.Context, readOnly bool, f func(*tx) error) error {
	if !readOnly {
		s.write.Lock()
		defer s.write.Unlock()
	}
	sqlTx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// After the end this does nothing. It is for a panic in f, which must not
	// leave the database locked.
	defer func() { _ = sqlTx.Rollback() }()
	t := &tx{ctx: ctx, q: sqlTx}
	if readOnly {
		t.q = reader{sqlTx}
	}
	if err := f(t); err != nil {
		if left := ignoreDone(sqlTx.Rollback()); left != nil {
			return errors.Join(err, left)
		}
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if t.owes && s.owed != nil {
		s.owed()
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
