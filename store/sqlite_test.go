package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"twokey/audit"
	"twokey/commands/approval"
)

// setup opens a new file and closes it with the test.
func setup(t *testing.T) (s *Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "twokey.db")
	s = open(t, path, time.Now)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, path
}

// record appends n records.
func record(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		err := s.Update(t.Context(), func(tx approval.Tx) error {
			return tx.Record(audit.Entry{Tenant: "tenant", Kind: "kind", Actor: "actor", Request: fmt.Sprintf("R-%d", i), Facts: map[string]int{"n": i}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryConnectionHasThePragmas(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for range 4 { // held together, so that each is another one
		conn, err := s.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000", "query_only": "0",
		} {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s = %q, %v; want %q", pragma, got, err, want)
			}
		}
	}
}

func TestPathIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"two words.db", "why?mode=memory.db", "50%41#x.db", "ü&_pragma=x.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path, time.Now)
		record(t, s, 1)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestASecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	s, path := setup(t)
	if !s.Alone() {
		t.Error("Alone = false with the lock held")
	}
	if second, err := Open(t.Context(), Config{DSN: path}); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second Open = %v, %v; want ErrInUse", second, err)
	}
	record(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path, time.Now)
	defer again.Close()
	if rs, err := again.LastRecords(t.Context(), "", 10); err != nil || len(rs) != 1 {
		t.Errorf("after the first was closed: %d records, %v; want 1", len(rs), err)
	}
}

// By two names it is one file, and one process has it.
func TestOneFileByTwoNames(t *testing.T) {
	t.Parallel()
	s, path := setup(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if second, err := Open(t.Context(), Config{DSN: link}); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second Open = %v, %v; want ErrInUse", second, err)
	}
	if !s.Alone() {
		t.Error("the first one is not alone")
	}
}

func TestOpenGivesUpTheLockWhenItFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "twokey.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{DSN: path}); err == nil || errors.Is(err, ErrInUse) {
		t.Fatalf("Open of a text file = %v, want an error", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path, time.Now).Close(); err != nil {
		t.Error(err)
	}
}

func TestReadingBesideAWriter(t *testing.T) {
	t.Parallel()
	s, path := setup(t)
	record(t, s, 3)
	beside := OpenToRead(path)
	defer beside.Close()
	err := s.Update(t.Context(), func(tx approval.Tx) error {
		if err := tx.Record(audit.Entry{Kind: "not yet stored"}); err != nil {
			return err
		}
		last, err := audit.Verify(beside.Audit(t.Context()), "")
		if err != nil || last == nil || last.Number != 3 {
			t.Errorf("beside an open transaction: %+v, %v; want the third record", last, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rs, err := beside.LastRecords(t.Context(), "", 1); err != nil || len(rs) != 1 || rs[0].Number != 4 {
		t.Errorf("after the commit: %+v, %v; want the fourth record", rs, err)
	}
	if beside.Alone() {
		t.Error("a reader says that it is alone")
	}
	err = beside.Update(t.Context(), func(tx approval.Tx) error { return tx.Record(audit.Entry{}) })
	if err == nil {
		t.Error("a reader wrote")
	}
}

func TestReadingWithoutAWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "twokey.db")
	s := open(t, path, time.Now)
	record(t, s, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alone := OpenToRead(path)
	defer alone.Close()
	if last, err := audit.Verify(alone.Audit(t.Context()), ""); err != nil || last == nil || last.Number != 2 {
		t.Errorf("Verify = %+v, %v; want two records", last, err)
	}
	missing := OpenToRead(path + "x")
	defer missing.Close()
	if err := missing.Check(t.Context()); err == nil {
		t.Error("Check of a file that is not there succeeded")
	}
	if _, err := os.Stat(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading made a file: %v", err)
	}
}

func TestOwedIsCalledAfterTheCommit(t *testing.T) {
	t.Parallel()
	calls := 0
	var s *Store
	s, err := Open(t.Context(), Config{DSN: filepath.Join(t.TempDir(), "twokey.db"), Owed: func() {
		calls++
		if rows, err := s.Due(context.Background(), 10); err != nil || len(rows) == 0 {
			t.Errorf("called before the message is there: %v, %v", rows, err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	owe := func(tx approval.Tx) error {
		return tx.Owe(approval.Notice{Key: "k", Topic: "t", Address: "{}", Facts: []byte("{}")})
	}
	stop := errors.New("stop")
	for _, row := range []struct {
		name string
		f    func(approval.Tx) error
		want int
	}{
		{"rolled back", func(tx approval.Tx) error { return errors.Join(owe(tx), stop) }, 0},
		{"owes", owe, 1},
		{"touches", func(tx approval.Tx) error { return tx.Touch("t") }, 1},
		{"only records", func(tx approval.Tx) error { return tx.Record(audit.Entry{}) }, 0},
	} {
		before := calls
		if err := s.Update(t.Context(), row.f); err != nil && !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if got := calls - before; got != row.want {
			t.Errorf("%s: Owed called %d times, want %d", row.name, got, row.want)
		}
	}
}

// O59, G33: a full disk is an error, nothing of the transaction is stored, and the
// store works again without being opened anew once there is space.
func TestO59FullDisk(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	s.db.SetMaxOpenConns(1) // the limit below belongs to a connection
	limit := func(pages string) {
		if _, err := s.db.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	record(t, s, 1)
	var pages string
	if err := s.db.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit(pages)
	big := func(tx approval.Tx) error {
		err := tx.Owe(approval.Notice{Key: "k", Topic: "t", Address: "{}", Facts: []byte("{}")})
		return errors.Join(err, tx.Record(audit.Entry{Kind: strings.Repeat("x", 1<<20)}))
	}
	if err := s.Update(t.Context(), big); err == nil {
		t.Error("Update on a full disk succeeded")
	}
	if rows, err := s.Due(t.Context(), 10); err != nil || len(rows) != 0 {
		t.Errorf("Due = %v, %v; want none", rows, err)
	}
	if last, err := audit.Verify(s.Audit(t.Context()), ""); err != nil || last.Number != 1 {
		t.Errorf("Verify = %+v, %v; want one record", last, err)
	}
	limit("1000000")
	if err := s.Update(t.Context(), big); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// The schema can be taken away again, so that a failed release can go back.
func TestMigrationsGoBothWays(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	record(t, s, 1)
	tables := func() (n int) {
		err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' AND name <> 'twokey_schema'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if tables() == 0 {
		t.Fatal("no tables")
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatalf("down: %v", err)
	}
	if n := tables(); n != 0 {
		t.Errorf("%d tables are left", n)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Errorf("up again: %v", err)
	}
}
