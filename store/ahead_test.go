package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

// plain is a request that can be stored.
func plain(name string) approval.Request {
	return approval.Request{
		ID: "id-" + name, Ref: "R-" + name, Key: "key-" + name, Tenant: "t", Kind: "set", Args: []byte("{}"), Snapshot: []byte("{}"),
		Requester: approval.Principal{Tenant: "t", Object: "ada"}, State: approval.Pending, Version: 1, Created: time.Now().UTC().Truncate(time.Microsecond),
	}
}

func openRefs(tx approval.Tx) (refs []string, err error) {
	all, err := tx.Requests("t", approval.Pending, approval.Approved)
	for _, r := range all {
		refs = append(refs, r.Ref)
	}
	return refs, err
}

// Whoever shares a transaction finds what those before have made of what was
// read for all, and nothing of what was taken back.
func TestWhatIsReadAheadIsKeptUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, dsn, time.Now)
			defer s.Close()
			old := plain("old")
			if err := s.Update(t.Context(), func(tx approval.Tx) error { return tx.Insert(old) }); err != nil {
				t.Fatal(err)
			}
			stop := errors.New("stop")
			part := func(name string, want error, f func(approval.Tx) error) func() {
				return func() {
					like := plain(name)
					ahead := approval.Ahead{Tenant: "t", Key: like.Key, Request: old.Ref, Decided: old.ID, People: []string{"ada"}, Asked: &like, Since: time.Hour}
					if err := s.UpdateAhead(t.Context(), ahead, f); !errors.Is(err, want) || (err == nil) != (want == nil) {
						t.Errorf("%s: %v, want %v", name, err, want)
					}
				}
			}
			insert := func(name string, likes int, before ...string) func(approval.Tx) error {
				return func(tx approval.Tx) error {
					refs, err := openRefs(tx)
					if !slices.Equal(refs, before) {
						t.Errorf("%s finds %q open, want %q", name, refs, before)
					}
					alike, failed := tx.Alike(plain(name), time.Now().Add(-time.Hour))
					if len(alike) != likes {
						t.Errorf("%s finds %d alike, want %d", name, len(alike), likes)
					}
					_, alias := tx.Alias("t", "ada", "Ada")
					return errors.Join(err, failed, alias, tx.Insert(plain(name)))
				}
			}
			together(t, s,
				part("one", nil, insert("one", 1, "R-old")),
				part("two", stop, func(tx approval.Tx) error {
					return errors.Join(insert("two", 2, "R-old", "R-one")(tx), stop)
				}),
				part("deny", nil, func(tx approval.Tx) error {
					r, err := tx.Request(old.Ref)
					if err != nil {
						return err
					}
					if err := tx.AddDecision(approval.Decision{Request: r.ID, By: r.Requester, Approve: true}); err != nil {
						return err
					}
					if ds, err := tx.Decisions(r.ID); err != nil || len(ds) != 1 || !ds[0].Approve {
						t.Errorf("decisions: %+v, %v", ds, err)
					}
					_, err = tx.Move(r, approval.Change{To: approval.Denied})
					return err
				}),
				part("late", approval.ErrLost, func(tx approval.Tx) error {
					_, err := tx.Move(old, approval.Change{To: approval.Cancelled})
					return err
				}),
				part("three", nil, insert("three", 2, "R-one")),
			)
			err := s.ViewAhead(t.Context(), approval.Ahead{Request: old.Ref}, func(tx approval.Tx) error {
				r, err := tx.Request(old.Ref)
				refs, failed := openRefs(tx) // not asked for ahead
				if failed == nil && (r.State != approval.Denied || !slices.Equal(refs, []string{"R-one", "R-three"})) {
					t.Errorf("stored: %s, and open %q", r.State, refs)
				}
				return errors.Join(err, failed)
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
}

// A statement that was put off and fails costs the caller's own part alone,
// though nobody noticed before the end.
func TestWhatFailsAtTheEndIsDoneAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, dsn, time.Now)
			defer s.Close()
			runs := 0
			part := func(name string, fails bool, f func(*tx) error) func() {
				return func() {
					err := s.update(t.Context(), func(t *tx) error {
						runs++
						return errors.Join(owing(t, name), f(t))
					})
					if fails != (err != nil) || errors.Is(err, errAgain) {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
			bad := func(t *tx) error { return t.q.later(t.ctx, "INSERT INTO audit (number) VALUES (?)", 1) }
			fine := func(*tx) error { return nil }
			together(t, s, part("one", false, fine), part("bad", true, bad), part("two", false, fine))
			if got := slices.Sorted(slices.Values(keys(t, s))); !slices.Equal(got, []string{"first", "one", "two"}) {
				t.Errorf("stored %q", got)
			}
			if runs != 6 {
				t.Errorf("%d runs, want each twice", runs)
			}
		})
	})
}

func TestArrange(t *testing.T) {
	t.Parallel()
	const owe, touch = "INSERT INTO outbox (key, due)\n\tVALUES (?, 0) ON CONFLICT (key) DO NOTHING", "UPDATE outbox SET wanted = wanted + 1 WHERE topic = ?"
	const request, update, upsert = "INSERT INTO request (id) VALUES (?)", "UPDATE request SET state = ? WHERE id = ?", "INSERT INTO lease (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET fence = 1"
	st := func(text string, args ...any) statement { return statement{text: text, args: args} }
	got := arrange([]statement{
		st(owe, 1), st(request, 1), st(owe, 2), st(touch, 1), st(update, "a", 1), st(touch, 2), st(owe, 3), st(request, 2), st(touch, 3), st(touch, 3),
		st(upsert, 1), st(owe, 4), st(upsert, 1),
	})
	want := []string{
		"INSERT INTO request (id) VALUES (?) [1]",
		"UPDATE request SET state = ? WHERE id = ? [a 1]",
		"INSERT INTO request (id) VALUES (?) [2]",
		"INSERT INTO outbox (key, due)\n\tVALUES (?, 0), (?, 0) ON CONFLICT (key) DO NOTHING [1 2]",
		"UPDATE outbox SET wanted = wanted + 1 WHERE topic IN (?, ?) [1 2]",
		owe + " [3]", touch + " [3]", touch + " [3]", upsert + " [1]", owe + " [4]", upsert + " [1]",
	}
	for i, s := range got {
		if text := fmt.Sprint(s.text, " ", s.args); i >= len(want) || text != want[i] {
			t.Errorf("%d: %s", i, text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d statements, want %d", len(got), len(want))
	}
}

// A statement that is kept parsed can be used while it is in use, after the
// schema has changed, and after it has failed.
func TestParsedOnce(t *testing.T) {
	t.Parallel()
	_, connector := newSQLite(Config{DSN: filepath.Join(t.TempDir(), "x.db")}, asOwner)
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(text string, args ...any) error {
		_, err := conn.ExecContext(context.Background(), text, args...)
		return err
	}
	const insert = "INSERT INTO t VALUES (?)"
	if err := errors.Join(run("CREATE TABLE t (n INTEGER UNIQUE)"), run(insert, 1), run(insert, 2)); err != nil {
		t.Fatal(err)
	}
	if run(insert, 2) == nil {
		t.Error("a rule was broken")
	}
	const all = "SELECT * FROM t ORDER BY n"
	columns := func(rows *sql.Rows) int {
		names, err := rows.Columns()
		if err != nil {
			t.Error(err)
		}
		return len(names)
	}
	for _, want := range []int{1, 2} {
		outer, err := conn.QueryContext(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for outer.Next() {
			inner, err := conn.QueryContext(t.Context(), all)
			if err != nil {
				t.Fatal(err)
			}
			if got := columns(inner); got != want {
				t.Errorf("%d columns, want %d", got, want)
			}
			for inner.Next() {
				n++
			}
			if err := errors.Join(inner.Err(), inner.Close()); err != nil {
				t.Error(err)
			}
		}
		if err := errors.Join(outer.Err(), outer.Close()); err != nil || n != 4 {
			t.Errorf("%d rows, %v; want 4", n, err)
		}
		if want == 1 {
			if err := run("ALTER TABLE t ADD COLUMN more INTEGER"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
