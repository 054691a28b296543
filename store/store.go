// Package store keeps everything that must outlive the process in one
// database: SQLite, embedded, or PostgreSQL, which several replicas may share.
// It implements the interfaces that its users declare (approval.Store,
// outbox.Store, scheduler.Digests and others) and is the only opener of
// transactions.
//
// What was told to somebody is on disk: every commit is synced before anybody
// learns of it. On either database one transaction at a time writes, whatever
// the number of callers and of replicas, so that what a transaction has read
// still holds when it writes; callers of one process that wait at the same time
// are stored together (see batch).
//
// There is one text of the schema and of each statement, in the words that both
// databases share. It is written for SQLite, and what PostgreSQL spells
// differently is translated on the way (see translate).
//
// One process at a time may use a SQLite file, which a lock beside it ensures
// for as long as the process lives; reading needs no lock and works beside a
// running bot.
//
// Time inside the database is the SQL function twokey_now(): the server's clock
// on PostgreSQL, this process's on SQLite, and on both the one that the store
// was opened with, if it was. No other time enters SQL.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	goosedb "github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. All its methods are safe for concurrent use.
type Store struct {
	db       *sql.DB
	dialect  dialect
	lock     *flock.Flock // of a SQLite file that is ours alone; else nil
	line     line
	glances  glances
	owed     func()
	readOnly bool
}

// Config says which database and by which clock.
type Config struct {
	DSN  string           // a SQLite file, made if it is missing, or postgres://…
	Now  func() time.Time // a simulated clock for the database; its own if nil
	Owed func()           // called after each commit that owes messages; must not block

	// For tests of this package.
	schema fs.FS                                   // the migrations of another version of the program
	wrap   func(driver.Connector) driver.Connector // comes between the store and the driver
	limits limits                                  // PostgreSQL's patience
}

// dialect is what the databases differ in.
type dialect interface {
	// translate returns a statement as this database understands it.
	translate(query string) string
	// arguments converts what a statement is given.
	arguments(args []any) ([]any, error)
	// sendAll carries out statements one after the other. They may be sent
	// together, and what does not depend on each other in another order.
	sendAll(ctx context.Context, conn *sql.Conn, all []statement) error
	// fetch asks queries in a transaction.
	fetch(ctx context.Context, conn *sql.Conn, all []query) error
	// glance asks queries outside of any; together is whether all of them must
	// see one state of the database.
	glance(ctx context.Context, conn *sql.Conn, all []query, together bool) error
	// patience is how long a transaction may take; 0 is for ever.
	patience() time.Duration
	// gathering is how long a batch may wait for those who came with the
	// last one.
	gathering() time.Duration
	// begin opens a transaction on conn. Once it returns, one that writes is
	// the only one that does; such a one is told the time, and asks the queries.
	begin(ctx context.Context, conn *sql.Conn, readOnly bool, all []query) (at time.Time, err error)
	// commit carries out the rest of the statements as sendAll does, and ends
	// the transaction. The error wraps approval.ErrUnsure unless it is certain
	// that nothing was stored.
	commit(ctx context.Context, conn *sql.Conn, rest []statement) error
	// broken reports whether the connection cannot be used any more.
	broken(conn *sql.Conn) bool

	// scrub leaves nothing on the disk of what was deleted, as far as that is ours
	// to do.
	scrub(ctx context.Context, db *sql.DB) error
	// textColumns asks for each table with each of its columns that hold text.
	textColumns() string
	// goose names it to the migration library.
	goose() goosedb.Dialect
	// translateSchema returns a migration as this database understands it.
	translateSchema(text string) string
	// knows says which schema is the newest that the program knows.
	knows(newest int64)
	// migrating runs f while no other replica writes or migrates.
	migrating(ctx context.Context, s *Store, f func() error) error
	// check asserts the settings that the promises rest on.
	check(ctx context.Context, db *sql.DB) error
}

// Open opens the database and brings its schema up to date. A SQLite file is
// then this process's alone: if another one has it open, that is an ErrInUse.
// The error has a sentence for people if they can do something about it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := connect(cfg, asOwner)
	if !isPostgres(cfg.DSN) {
		if err := private(cfg.DSN); err != nil {
			return nil, errors.Join(err, s.db.Close())
		}
		if err := s.takeAlone(cfg.DSN); err != nil {
			return nil, errors.Join(err, s.db.Close())
		}
	}
	if err := s.prepare(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", name(cfg.DSN), err), s.Close())
	}
	return s, nil
}

// private makes a file that is not there yet, for its owner alone: it will hold
// names. What SQLite puts beside it has its mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return f.Close()
}

// OpenBeside opens the database for a short write beside a running bot, such as
// a freeze from the host. It must exist and have this program's schema.
func OpenBeside(ctx context.Context, dsn string) (*Store, error) {
	s := connect(Config{DSN: dsn}, beside)
	if err := s.fits(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", name(dsn), err), s.Close())
	}
	return s, nil
}

// OpenToRead opens the database to read beside whoever uses it. It must exist,
// which is noticed by the first use.
func OpenToRead(dsn string) *Store { return connect(Config{DSN: dsn}, toRead) }

// access is what a store is opened for.
type access int

const (
	asOwner access = iota
	beside
	toRead
)

// connect makes a store that has not used its database yet.
func connect(cfg Config, as access) *Store {
	s := &Store{owed: cfg.Owed, readOnly: as == toRead}
	var c driver.Connector
	if isPostgres(cfg.DSN) {
		s.dialect, c = newPostgres(cfg)
	} else {
		s.dialect, c = newSQLite(cfg, as)
	}
	if cfg.wrap != nil {
		c = cfg.wrap(c)
	}
	s.db = sql.OpenDB(c)
	if isPostgres(cfg.DSN) {
		s.db.SetMaxOpenConns(connections)
		s.db.SetMaxIdleConns(connections)
		s.db.SetConnMaxIdleTime(time.Minute)
	}
	return s
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// name is how a database is called in messages: an address has a password in it.
func name(dsn string) string {
	if isPostgres(dsn) {
		return "PostgreSQL"
	}
	return dsn
}

// takeAlone takes the lock beside the file, for the process's life. By whatever
// link the file is opened, it has one lock.
func (s *Store) takeAlone(path string) error {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	lock := flock.New(file + ".lock")
	held, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	if !held {
		return &problem{
			say: fmt.Sprintf("Another Twokey is using %s. Stop that one first. To run several at once, keep the data in PostgreSQL (store.dsn: postgres://…).", path),
			err: fmt.Errorf("lock %s: %w", path, ErrInUse),
		}
	}
	s.lock = lock
	return nil
}

// ErrInUse says that another process holds the database.
var ErrInUse = errors.New("another process is using this database")

// problem is a failure that whoever runs the program can do something about.
type problem struct {
	say string
	err error
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

// Say is a sentence for people.
func (p *problem) Say() string { return p.say }

// Close waits for the transactions under way and ends all use. Nothing that was
// committed is lost without it.
func (s *Store) Close() error {
	s.line.close()
	s.glances.work.Wait()
	err := s.db.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}

// Alone reports whether no other process can be using this database: always,
// for SQLite, because of the lock; never for PostgreSQL.
func (s *Store) Alone() bool { return s.lock != nil }

// Check reads from the database, for health checks.
func (s *Store) Check(ctx context.Context) error {
	return s.view(ctx, func(t *tx) error {
		_, err := t.Now()
		return err
	})
}
