package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	goosedb "github.com/pressly/goose/v3/database"

	"twokey/commands/approval"
)

// connections is how many a process may hold: one writes, the others read.
const connections = 8

// limits is how long PostgreSQL bears with a transaction. A replica that is
// stopped while it holds the right to write loses it after Idle, before the
// others have given up waiting for it.
type limits struct {
	Lock      time.Duration // waiting for the right to write; 10 s
	Statement time.Duration // one statement; 15 s
	Idle      time.Duration // between two statements; 5 s
	All       time.Duration // all of it, by our own clock, should nothing answer; 30 s
}

func (l limits) withDefaults() limits {
	for _, d := range []struct {
		of   *time.Duration
		want time.Duration
	}{{&l.Lock, 10 * time.Second}, {&l.Statement, 15 * time.Second}, {&l.Idle, 5 * time.Second}, {&l.All, 30 * time.Second}} {
		if *d.of == 0 {
			*d.of = d.want
		}
	}
	return l
}

// postgres is PostgreSQL, directly or through a pooler that gives out another
// connection for each transaction: nothing that is left on a connection when a
// transaction ends is relied on. Settings are the transaction's own, the only lock
// is that of a row, and prepared statements may be missing.
type postgres struct {
	clock      func() time.Time // nil: the server's
	limits     limits
	newest     int64 // the newest schema that this program knows; 0: it was not looked at
	write      []string
	read       string
	statements sync.Map    // as written → as sent
	unprepared atomic.Bool // no statement may be kept on a connection
}

func newPostgres(cfg Config) (*postgres, driver.Connector) {
	p := &postgres{clock: cfg.Now, limits: cfg.limits.withDefaults()}
	settings := fmt.Sprintf("SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d",
		p.limits.Statement.Milliseconds(), p.limits.Idle.Milliseconds())
	p.read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; " + settings
	// Whoever has locked the row sees everything that was committed before:
	// with READ COMMITTED each statement looks anew. That is why the schema is
	// read by a statement of its own.
	p.write = []string{
		"BEGIN ISOLATION LEVEL READ COMMITTED",
		fmt.Sprintf("SELECT set_config('statement_timeout', '%d', true), set_config('idle_in_transaction_session_timeout', '%d', true), "+
			"set_config('lock_timeout', '%d', true), set_config('synchronous_commit', 'on', true), "+
			// All that a writer reads has an index: a plan is made once, and is the
			// same whether the server has counted the rows by now or not.
			"set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)",
			p.limits.Statement.Milliseconds(), p.limits.Idle.Milliseconds(), p.limits.Lock.Milliseconds()),
		"SELECT version FROM twokey_schema WHERE version = 0 FOR UPDATE",
		"SELECT max(version), max(oldest), twokey_now() FROM twokey_schema",
	}
	if p.clock != nil { // whose time the transaction has not been told yet
		p.write[3] = "SELECT max(version), max(oldest), 0 FROM twokey_schema"
	}
	c, err := pgx.ParseConfig(cfg.DSN)
	if err != nil {
		return p, unusable{err}
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	c.StatementCacheCapacity, c.DescriptionCacheCapacity = 0, 0
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	return p, stdlib.GetConnector(*c)
}

// unusable is the connector of an address that cannot be understood. pgx leaves
// the password out of its error.
type unusable struct{ err error }

func (u unusable) Connect(context.Context) (driver.Conn, error) { return nil, u.err }
func (u unusable) Driver() driver.Driver                        { return stdlib.GetDefaultDriver() }

// translate numbers the placeholders. A simulated clock is a setting of the
// transaction: the function in the database is never anything but its own time.
func (p *postgres) translate(query string) string { return p.sent(query).text }

// arguments converts to what PostgreSQL can tell the type of. A bool is 0 or 1.
func (p *postgres) arguments(args []any) ([]any, error) {
	converted := make([]any, len(args))
	for i, arg := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		if b, ok := v.(bool); ok {
			v = int64(flag(b))
		}
		converted[i] = v
	}
	return converted, nil
}

func (*postgres) translateSchema(text string) string { return postgresSchema(text) }
func (*postgres) goose() goosedb.Dialect             { return goosedb.DialectPostgres }
func (p *postgres) patience() time.Duration          { return p.limits.All }

// scrub leaves it to the server, which gives the place of what was deleted to
// what comes.
func (*postgres) scrub(context.Context, *sql.DB) error { return nil }

func (*postgres) textColumns() string {
	return `SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND data_type = 'text' ORDER BY 1, 2`
}

// gathering is none by a clock that is not the server's own: to wait would move
// a time that others hold.
func (p *postgres) gathering() time.Duration {
	if p.clock != nil {
		return 0
	}
	return 2 * time.Millisecond
}

// on runs f with the connection itself.
func on(conn *sql.Conn, f func(*pgconn.PgConn) error) error {
	return native(conn, func(c *pgx.Conn) error { return f(c.PgConn()) })
}

// send sends several statements at once and returns the result of each.
func send(ctx context.Context, conn *sql.Conn, statements string) (results []*pgconn.Result, err error) {
	err = on(conn, func(c *pgconn.PgConn) error {
		results, err = c.Exec(ctx, statements).ReadAll()
		return err
	})
	return results, err
}

func (p *postgres) broken(conn *sql.Conn) bool {
	closed := true
	err := on(conn, func(c *pgconn.PgConn) error {
		closed = c.IsClosed()
		return nil
	})
	return closed || err != nil
}

func (p *postgres) begin(ctx context.Context, conn *sql.Conn, readOnly bool, all []query) (at time.Time, err error) {
	if readOnly {
		if _, err := send(ctx, conn, p.read); err != nil || p.clock == nil {
			return at, err
		}
		_, err = p.simulate(ctx, conn)
		return at, err
	}
	steps := make([]step, len(p.write))
	for i, s := range p.write {
		steps[i].text = s
	}
	steps[len(steps)-1].scan = func(row scanner) error {
		at, err = p.understood(row)
		return err
	}
	if p.clock == nil {
		steps = append(steps, asking(all)...)
	}
	if _, err := p.through(ctx, conn, steps); err != nil || p.clock == nil {
		return at, err
	}
	if at, err = p.simulate(ctx, conn); err != nil || len(all) == 0 {
		return at, err
	}
	return at, p.fetch(ctx, conn, all)
}

// simulate gives the transaction the time of the simulated clock.
func (p *postgres) simulate(ctx context.Context, conn *sql.Conn) (time.Time, error) {
	us := p.clock().UnixMicro()
	_, err := send(ctx, conn, fmt.Sprintf("SET LOCAL twokey.now = '%d'", us))
	return moment(us), err
}

var simulated = strings.NewReplacer("twokey_now()", "current_setting('twokey.now')::bigint")

// understood returns the time, and fails if another replica has brought the
// schema meanwhile to a version that this program would misread.
func (p *postgres) understood(row scanner) (at time.Time, err error) {
	var version, oldest, us int64
	if err := row.Scan(&version, &oldest, &us); err != nil {
		return at, fmt.Errorf("read schema: %w", err)
	}
	if p.newest > 0 && oldest > p.newest {
		return at, tooOld(version, p.newest)
	}
	return moment(us), nil
}

func (p *postgres) knows(newest int64) { p.newest = newest }

// commit sends the COMMIT with what is still to be stored. It is unsure unless
// the server has answered. What it says while it ends the connection is no
// answer: it may have stored everything before.
func (p *postgres) commit(ctx context.Context, conn *sql.Conn, rest []statement) error {
	tag, err := p.sendThrough(ctx, conn, append(arrange(rest), statement{text: "COMMIT"}))
	var refused *pgconn.PgError
	switch {
	case err == nil && tag.String() == "COMMIT":
		return nil
	case err == nil:
		return errors.New("PostgreSQL has rolled back, because a statement before had failed")
	case errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR", pgconn.SafeToRetry(err), errors.Is(err, driver.ErrBadConn), errors.Is(err, errEncode):
		return err
	default:
		return fmt.Errorf("%w: %w", approval.ErrUnsure, err)
	}
}

// migrating holds the right to write, so that of several replicas that start at
// once one migrates, and older ones that still run write before or after it. It
// is held by a transaction of its own, beside those of the migrations.
func (p *postgres) migrating(ctx context.Context, s *Store, f func() error) error {
	if err := p.begun(ctx, s.db); err != nil {
		return err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer leave(context.WithoutCancel(ctx), conn)
	_, err = send(ctx, conn, "BEGIN; SET LOCAL lock_timeout = 120000; SET LOCAL statement_timeout = 120000; "+
		"SET LOCAL idle_in_transaction_session_timeout = 120000; SELECT version FROM twokey_schema WHERE version = 0 FOR UPDATE")
	if err != nil {
		return fmt.Errorf("wait for other replicas to migrate: %w", err)
	}
	return f()
}

const postgresBegin = schemaTable + `;
	INSERT INTO twokey_schema (version, oldest) VALUES (0, 0) ON CONFLICT DO NOTHING;
	CREATE OR REPLACE FUNCTION twokey_now() RETURNS BIGINT LANGUAGE sql AS
		'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint'`

// begun makes what must be there before there are migrations. Two replicas that
// do this at once disturb each other; one of them is early enough.
func (p *postgres) begun(ctx context.Context, db *sql.DB) (err error) {
	for range 5 {
		var there bool
		err = db.QueryRowContext(ctx, "SELECT to_regclass('twokey_schema') IS NOT NULL AND to_regproc('twokey_now') IS NOT NULL").Scan(&there)
		if err != nil || there {
			return err
		}
		if _, err = db.ExecContext(ctx, postgresBegin); err == nil {
			return nil
		}
	}
	return fmt.Errorf("make the first table: %w", err)
}

// check refuses a server that loses what it has said is stored, unless time is
// simulated too and nothing is real. synchronous_commit is each transaction's own.
func (p *postgres) check(ctx context.Context, db *sql.DB) error {
	var version int
	var encoding, fsync, pages string
	err := db.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('fsync'), current_setting('full_page_writes')`).Scan(&version, &encoding, &fsync, &pages)
	switch {
	case err != nil:
		return fmt.Errorf("read the server's settings: %w", err)
	case version < oldestServer:
		return &problem{fmt.Sprintf("This PostgreSQL is version %d; Twokey needs %d or newer.", version/10000, oldestServer/10000), errServer}
	case encoding != "UTF8":
		return &problem{fmt.Sprintf("This database keeps its text in %s. Make one with ENCODING 'UTF8'.", encoding), errServer}
	case p.clock == nil && (fsync != "on" || pages != "on"):
		return &problem{fmt.Sprintf("This PostgreSQL runs with fsync = %s and full_page_writes = %s, so that a power failure may take "+
			"what people were told is recorded. Set both to on.", fsync, pages), errServer}
	}
	return nil
}

// oldestServer is the oldest PostgreSQL that is still looked after.
const oldestServer = 140000

var errServer = errors.New("the PostgreSQL server cannot be used as it is")
