package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"twokey/commands/approval"
	"twokey/store/pgtest"
)

// TestAnotherSession holds that a statement which a connection had prepared and
// the server does not know any more costs nobody anything, wherever it is
// missing: it is done once, and nothing is prepared from then on.
func TestAnotherSession(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]string{
		"as it begins":          "BEGIN",
		"with the lock":         "SELECT version FROM twokey_schema",
		"what is read ahead":    "FROM request WHERE",
		"what a part asks for":  "INSERT INTO outbox",
		"as it ends":            "COMMIT",
		"nothing":               "no statement",
		"what is there already": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := opened(t, databases["PostgreSQL"](t))
			s.db.SetMaxOpenConns(1) // so that it is the connection that has prepared them
			run := func(key string) error {
				return s.updateAhead(t.Context(), approval.Ahead{Tenant: "t", Key: key}, func(tx *tx) error {
					if err := owing(tx, key); err != nil {
						return err
					}
					if name == "what a part asks for" {
						if err := tx.q.(*session).flush(tx.ctx); err != nil {
							return err
						}
					}
					return count(tx)
				})
			}
			for _, key := range []string{"a", "b"} {
				if err := run(key); err != nil {
					t.Fatal(err)
				}
			}
			if n := forgetPrepared(t, s, missing); (n == 0) != (name == "nothing") {
				t.Fatalf("%d statements are missing", n)
			}
			for _, key := range []string{"c", "d"} {
				if err := run(key); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
			if got := strings.Join(keys(t, s), " "); got != "a b c d" || counted(t, s) != 4 {
				t.Errorf("stored %s, counted %d", got, counted(t, s))
			}
			if p := s.dialect.(*postgres); p.unprepared.Load() != (name != "nothing") {
				t.Errorf("prepares no more: %t", p.unprepared.Load())
			}
		})
	}
}

// forgetPrepared makes the server's session forget what it has prepared with
// some text, and returns how much that was; without a text the session keeps all
// and the connection forgets.
func forgetPrepared(t *testing.T, s *Store, text string) (n int) {
	t.Helper()
	conn, err := s.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if text == "" {
		err = on(conn, func(c *pgconn.PgConn) error {
			n = len(keptOn(c))
			clear(keptOn(c))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	rows, err := conn.QueryContext(t.Context(), "SELECT name FROM pg_prepared_statements WHERE position($1 in statement) > 0", text)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		err = errors.Join(err, rows.Scan(&name))
		names = append(names, name)
	}
	for _, name := range names {
		_, failed := conn.ExecContext(t.Context(), "DEALLOCATE "+name)
		err = errors.Join(err, failed)
	}
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// TestThroughAPooler holds that nothing is lost or doubled through a real pooler
// that gives each transaction whichever session is free.
func TestThroughAPooler(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Pooled(t, databases["PostgreSQL"](t))
	s, other := openWith(t, Config{DSN: dsn}), openWith(t, Config{DSN: dsn})
	const callers, each = 8, 20
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			at := s
			if i%2 == 1 {
				at = other
			}
			for range each {
				if err := at.update(context.Background(), count); err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
				if err := at.View(context.Background(), func(approval.Tx) error { return nil }); err != nil {
					t.Errorf("caller %d reads: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	if n := counted(t, s); n != callers*each {
		t.Errorf("counted %d, want %d", n, callers*each)
	}
}
