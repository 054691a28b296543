package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/bits"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	goosedb "github.com/pressly/goose/v3/database"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"twokey/commands/approval"
)

// sqliteDialect is SQLite, in whose words everything here is written.
type sqliteDialect struct{}

// opener gives one store a driver of its own, so that its clock is its own.
type opener struct {
	driver *sqlite.Driver
	dsn    string
}

func (o opener) Connect(context.Context) (driver.Conn, error) {
	conn, err := o.driver.Open(o.dsn)
	if err != nil {
		return nil, err
	}
	return parsedOnce(conn), nil
}

func (o opener) Driver() driver.Driver { return o.driver }

func newSQLite(cfg Config, as access) (sqliteDialect, driver.Connector) {
	clock := cfg.Now
	if clock == nil {
		clock = time.Now
	}
	d := &sqlite.Driver{}
	d.MustRegisterScalarFunction("twokey_now", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return clock().UnixMicro(), nil
	})
	return sqliteDialect{}, opener{driver: d, dsn: sqliteDSN(cfg.DSN, as)}
}

// sqliteDSN puts every setting into the connection string, where each
// connection of the pool gets it. Transactions of the migrations begin
// IMMEDIATE, like our own. The cache holds the indexes of a large tenant: with
// SQLite's own 2 MB a sync of 100,000 people spends a fifth of its time on
// reading pages again.
func sqliteDSN(path string, as access) string {
	q := url.Values{"_txlock": {"immediate"}}
	q["_pragma"] = []string{"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-16384)", "secure_delete(1)"}
	switch as {
	case asOwner:
	case beside:
		q.Set("mode", "rw") // makes no file
	case toRead:
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

func (sqliteDialect) translate(query string) string       { return query }
func (sqliteDialect) translateSchema(text string) string  { return text }
func (sqliteDialect) arguments(args []any) ([]any, error) { return args, nil }
func (sqliteDialect) patience() time.Duration             { return 0 }
func (sqliteDialect) gathering() time.Duration            { return 0 }
func (sqliteDialect) broken(*sql.Conn) bool               { return false }
func (sqliteDialect) knows(int64)                         {} // nobody else migrates meanwhile
func (sqliteDialect) goose() goosedb.Dialect              { return goosedb.DialectSQLite3 }

// textColumns leaves out what SQLite keeps for itself.
func (sqliteDialect) textColumns() string {
	return `SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND upper(c.type) = 'TEXT' ORDER BY 1, 2`
}

// scrub empties the log beside the file, which still has the pages of before. The
// file itself has what was deleted overwritten.
func (sqliteDialect) scrub(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func (sqliteDialect) sendAll(ctx context.Context, conn *sql.Conn, all []statement) error {
	for _, s := range all {
		result, err := conn.ExecContext(ctx, s.text, s.args...)
		if err == nil && s.rows == 1 {
			err = one(result)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (sqliteDialect) fetch(ctx context.Context, conn *sql.Conn, all []query) error {
	for _, q := range all {
		if err := ask(ctx, conn, q); err != nil {
			return err
		}
	}
	return nil
}

func ask(ctx context.Context, conn *sql.Conn, q query) error {
	text, args := placed(q.statement)
	rows, err := conn.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := q.scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (d sqliteDialect) glance(ctx context.Context, conn *sql.Conn, all []query, together bool) error {
	if !together {
		return d.fetch(ctx, conn, all)
	}
	if _, err := d.begin(ctx, conn, true, nil); err != nil {
		return err
	}
	err := d.fetch(ctx, conn, all)
	_, ended := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return errors.Join(err, ended)
}

// begin opens one that writes IMMEDIATE, so that it cannot fail half-way because
// of another process's that came between its reading and its writing.
func (d sqliteDialect) begin(ctx context.Context, conn *sql.Conn, readOnly bool, all []query) (at time.Time, err error) {
	if readOnly {
		_, err = conn.ExecContext(ctx, "BEGIN")
		return at, err
	}
	if _, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return at, err
	}
	var us int64
	if err := conn.QueryRowContext(ctx, "SELECT twokey_now()").Scan(&us); err != nil {
		return at, err
	}
	return moment(us), d.fetch(ctx, conn, all)
}

// commit is unsure if the disk failed: pages that were written and could not be
// synced may be found, whole, after a crash.
func (d sqliteDialect) commit(ctx context.Context, conn *sql.Conn, rest []statement) error {
	if err := d.sendAll(ctx, conn, rest); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	var failure *sqlite.Error
	if errors.As(err, &failure) && failure.Code()&0xff == sqlite3.SQLITE_IOERR {
		return fmt.Errorf("%w: %w", approval.ErrUnsure, err)
	}
	return err
}

// migrating needs no lock but the file's.
func (sqliteDialect) migrating(ctx context.Context, s *Store, f func() error) error {
	_, err := s.db.ExecContext(ctx, schemaTable)
	if err != nil {
		return err
	}
	return f()
}

func (sqliteDialect) check(ctx context.Context, db *sql.DB) error {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "quick_check": "ok"} {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return fmt.Errorf("check %s: %w", pragma, err)
		}
		if got != want {
			return fmt.Errorf("check %s: got %q, want %q", pragma, got, want)
		}
	}
	return nil
}

// placed writes a placeholder for each value of a list. The last comes several
// times, up to a power of two: the number of different texts stays small.
func placed(s statement) (text string, args []any) {
	last := len(s.args) - 1
	if last < 0 {
		return s.text, nil
	}
	values, ok := s.args[last].([]string)
	if !ok {
		return s.text, s.args
	}
	args = slices.Clone(s.args[:last])
	n := 1 << bits.Len(uint(len(values)-1))
	for i := range n {
		args = append(args, values[min(i, len(values)-1)])
	}
	return strings.Replace(s.text, "IN ()", "IN (?"+strings.Repeat(", ?", n-1)+")", 1), args
}
