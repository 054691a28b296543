package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/store/pgtest"
)

// version returns the migrations as a program knew them that is as old as the
// given schema; with more, as one knows them that is newer than this one.
func version(t testing.TB, until int64, more map[string]string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		number, err := goose.NumericComponent(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		if number <= until {
			files[filepath.Base(name)] = &fstest.MapFile{Data: text}
		}
	}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const everything = 1 << 30

// G36: an older program opens a newer schema if that is marked as one it can
// work with, and else refuses by a sentence. What runs already stops writing.
func TestG36AnOlderProgram(t *testing.T) {
	t.Parallel()
	const addition = "%s-- +goose Up\nCREATE TABLE addition (n INTEGER NOT NULL);\n-- +goose Down\nDROP TABLE addition;\n"
	sc, err := readSchema(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		mark  string
		works bool
	}{
		"marked for it":        {fmt.Sprintf("-- works with: %d\n\n", sc.newest), true},
		"marked for older":     {"-- works with: 1\n\n", true},
		"marked for none":      {"", false},
		"marked for the newer": {"-- works with: 9000\n\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, dsn string) {
				running := open(t, dsn, time.Now)
				defer running.Close()
				if err := running.update(t.Context(), count); err != nil {
					t.Fatal(err)
				}
				if running.Alone() { // the newer one cannot start beside it
					if err := running.Close(); err != nil {
						t.Fatal(err)
					}
				}
				newer := openWith(t, Config{DSN: dsn, schema: version(t, everything, map[string]string{"09000_later.sql": fmt.Sprintf(addition, row.mark)})})
				if err := newer.update(t.Context(), count); err != nil {
					t.Errorf("the newer one: %v", err)
				}
				if !newer.Alone() {
					if err := running.update(t.Context(), count); (err == nil) != row.works {
						t.Errorf("the older one that ran already: %v", err)
					} else if err != nil {
						wantSentence(t, err, "newer Twokey")
					}
				}
				if err := newer.Close(); err != nil {
					t.Error(err)
				}
				if _, _, err := schemaOf(t, dsn); (err == nil) != row.works {
					t.Errorf("Schema by an older one: %v", err)
				} else if err != nil {
					wantSentence(t, err, "newer Twokey")
				}
				for what, opening := range map[string]func() (*Store, error){
					"Open":       func() (*Store, error) { return Open(t.Context(), Config{DSN: dsn, Now: time.Now}) },
					"OpenBeside": func() (*Store, error) { return OpenBeside(t.Context(), dsn) },
				} {
					older, err := opening()
					if (err == nil) != row.works {
						t.Errorf("%s by an older one: %v", what, err)
					}
					if err != nil {
						wantSentence(t, err, "newer Twokey")
						continue
					}
					if err := errors.Join(older.update(t.Context(), count), older.Close()); err != nil {
						t.Errorf("%s by an older one: %v", what, err)
					}
				}
			})
		})
	}
}

// schemaOf asks what a start would do to the schema.
func schemaOf(t *testing.T, dsn string) (has, knows int64, err error) {
	t.Helper()
	s := OpenToRead(dsn)
	defer s.Close()
	return s.Schema(t.Context())
}

// The short write beside a bot needs the schema as it is; of an older one, or of
// none, it can be asked what the next start makes of it.
func TestBesideAnOlderSchema(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]func(testing.TB) string{"SQLite": databases["SQLite"], "PostgreSQL": func(t testing.TB) string { return pgtest.DSN(t) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := fresh(t)
			openWith(t, Config{DSN: dsn, schema: version(t, 2, nil)})
			_, err := OpenBeside(t.Context(), dsn)
			wantSentence(t, err, "An older Twokey")
			if has, knows, err := schemaOf(t, dsn); has != 2 || knows <= 2 || err != nil {
				t.Errorf("Schema = %d, %d, %v", has, knows, err)
			}
			empty := pgtest.DSN
			if name == "SQLite" {
				empty = func(t testing.TB) string {
					path := filepath.Join(t.TempDir(), "empty.db")
					if err := os.WriteFile(path, nil, 0o600); err != nil {
						t.Fatal(err)
					}
					return path
				}
			}
			if has, knows, err := schemaOf(t, empty(t)); has != 0 || knows <= 2 || err != nil {
				t.Errorf("Schema of nothing = %d, %d, %v", has, knows, err)
			}
		})
	}
}

// The child of TestO07 migrates the database it is given and, on SQLite, kills
// itself at the statement it is told.
const (
	childDSN = "TWOKEY_MIGRATE"
	childAt  = "TWOKEY_MIGRATE_DIE_AT"
)

func migrateAndDie(t *testing.T) {
	at, err := strconv.ParseInt(os.Getenv(childAt), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{DSN: os.Getenv(childDSN), Now: time.Now}
	if at > 0 {
		var n atomic.Int64
		cfg.wrap = func(c driver.Connector) driver.Connector {
			return watched{c, func(string) {
				if n.Add(1) == at {
					_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}}
		}
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// O07: a process is killed at every statement of every migration. An older one
// then opens the database or refuses by a sentence, the new one finishes, and
// no request is missing.
func TestO07KilledInEachMigration(t *testing.T) {
	t.Parallel()
	if os.Getenv(childDSN) != "" {
		migrateAndDie(t)
		return
	}
	sc, err := readSchema(nil)
	if err != nil {
		t.Fatal(err)
	}
	begin := func(t *testing.T, dsn string) { // a request of the first version
		s, err := Open(t.Context(), Config{DSN: dsn, Now: time.Now, schema: version(t, 1, nil)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.db.ExecContext(t.Context(), `INSERT INTO request (id, ref, key, tenant, tenant_name, kind, kind_version, args, targets, snapshot, words,
			reason, requester, subscribers, policy, digest, created, expires, state, version, outcome) VALUES ('id', 'R-1', 'key', 't', 'T', 'k', 1,
			'{}', '[]', '{}', '{}', 'why', 'ada', '[]', '{}', 'digest', 1, 2, 'pending', 1, '{}')`)
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	after := func(t *testing.T, at int64, dsn string) {
		older, err := Open(t.Context(), Config{DSN: dsn, Now: time.Now, schema: version(t, 1, nil)})
		if err == nil {
			var n int
			err = older.db.QueryRowContext(t.Context(), "SELECT count(*) FROM request WHERE state = 'pending'").Scan(&n)
			if err := errors.Join(err, older.Close()); err != nil || n != 1 {
				t.Errorf("killed at %d: the older one sees %d requests, %v", at, n, err)
			}
		} else {
			wantSentence(t, err, "newer Twokey")
		}
		newer := open(t, dsn, time.Now)
		err = newer.View(t.Context(), func(tx approval.Tx) error {
			_, err := tx.Request("R-1")
			return err
		})
		if version, oldest := stored(t, newer); version != sc.newest || oldest != sc.oldest[sc.newest] {
			t.Errorf("killed at %d: it ends with schema %d for %d", at, version, oldest)
		}
		err = errors.Join(err, newer.Update(t.Context(), func(tx approval.Tx) error { return tx.Record(audit.Entry{Kind: "k"}) }), newer.Close())
		if err != nil {
			t.Errorf("killed at %d: %v", at, err)
		}
	}
	child := func(dsn string, at int64) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestO07KilledInEachMigration$")
		cmd.Env = append(os.Environ(), childDSN+"="+dsn, childAt+"="+strconv.FormatInt(at, 10))
		return cmd
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		at := int64(1)
		for ; ; at++ {
			dsn := filepath.Join(t.TempDir(), "twokey.db")
			begin(t, dsn)
			out, err := child(dsn, at).CombinedOutput()
			if err == nil {
				break // it was done before
			}
			if len(out) > 0 {
				t.Fatalf("killed at %d: %v: %s", at, err, out)
			}
			after(t, at, dsn)
		}
		enough(t, at, sc)
	})
	// The server learns of a kill by the end of the connections, and nothing else.
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		prepared := func(t *testing.T) string {
			return pgtest.Prepared(t, "version_one", func(dsn string) error { begin(t, dsn); return nil })
		}
		step, at := int64(5), 1+rand.Int64N(5) // a server is slow to make databases
		if os.Getenv("TWOKEY_CRASHES") == "all" {
			step, at = 1, 1
		}
		t.Logf("from statement %d on, each %d", at, step)
		for killed := true; killed; at += step {
			t.Run(strconv.FormatInt(at, 10), func(t *testing.T) {
				dsn := prepared(t)
				proxy := pgtest.NewProxy(t, dsn)
				var n atomic.Int64
				proxy.Decide(func(string) pgtest.Fate {
					switch at := at - n.Add(1); {
					case at > 0:
						return pgtest.Passed
					case at == 0: // what was sent arrives
						return pgtest.Unanswered
					default:
						return pgtest.Lost
					}
				})
				s, err := Open(t.Context(), Config{DSN: proxy.DSN, Now: time.Now})
				if err == nil {
					err = s.Close()
				}
				if killed = n.Load() >= at; killed {
					after(t, at, dsn)
				} else if err != nil {
					t.Fatal(err)
				}
			})
		}
		enough(t, at, sc)
	})
}

// enough fails if the kills cannot have met every migration.
func enough(t *testing.T, last int64, sc schema) {
	t.Helper()
	t.Logf("the last of %d statements of %d migrations was met", last-1, sc.newest-1)
	if last < 3*sc.newest {
		t.Errorf("only %d statements were met", last)
	}
}

func stored(t *testing.T, s *Store) (version, oldest int64) {
	t.Helper()
	var o sql.NullInt64
	err := s.db.QueryRowContext(t.Context(), "SELECT max(version), max(oldest) FROM twokey_schema").Scan(&version, &o)
	if err != nil {
		t.Errorf("read schema: %v", err)
	}
	return version, o.Int64
}

// watched tells of each statement before it is carried out.
type watched struct {
	driver.Connector
	each func(statement string)
}

func (w watched) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return watchedConn{c.(sqliteConn), w.each}, nil
}

// sqliteConn is what database/sql asks of SQLite's driver.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type watchedConn struct {
	sqliteConn
	each func(string)
}

func (c watchedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.each("BEGIN")
	tx, err := c.sqliteConn.BeginTx(ctx, opts)
	return watchedTx{tx, c.each}, err
}

func (c watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.each(query)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.each(query)
	return c.sqliteConn.QueryContext(ctx, query, args)
}

type watchedTx struct {
	driver.Tx
	each func(string)
}

func (t watchedTx) Commit() error {
	t.each("COMMIT")
	return t.Tx.Commit()
}
