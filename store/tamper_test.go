package store

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"twokey/audit"
)

// G35: every byte of every column of every row of the record, changed by hand,
// is found with the number of its row.
func TestG35EveryChangedByteIsFound(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		s := opened(t, dsn)
		record(t, s, 3)
		whole := headOf(t, s)
		changes := 0
		for number := int64(1); number <= 3; number++ {
			for column := range strings.SplitSeq(auditColumns, ", ") {
				if column == "number" {
					continue // see TestO60WhatWasDoneToTheRowsIsFound
				}
				for value := range changed(t, s, column, number) {
					wantBrokenAt(t, s, number, fmt.Sprintf("%s as %q", column, value.now))
					set(t, s, column, number, value.was)
					changes++
				}
			}
		}
		if got := headOf(t, s); got != whole {
			t.Errorf("after all was put right: head %v, want %v", got, whole)
		}
		t.Logf("%d changed values found", changes)
	})
}

// headOf verifies the chain, which must be whole.
func headOf(t *testing.T, s *Store) audit.Head {
	t.Helper()
	last, err := audit.Verify(s.Audit(t.Context()), "")
	if err != nil {
		t.Fatal(err)
	}
	return audit.Head{Number: last.Number, Hash: last.Hash}
}

type change struct{ was, now string }

// changed yields every value of a column with one byte changed, removed or
// added, with that value set in the database. PostgreSQL takes no zero byte and
// nothing that is not UTF-8, so that those are tried on SQLite alone.
func changed(t *testing.T, s *Store, column string, number int64) iter.Seq[change] {
	var was string
	s.row(t, "SELECT "+column+" FROM audit WHERE number = ?", number)(&was)
	_, sqlite := s.dialect.(sqliteDialect)
	values := []string{was + " "}
	bits := []byte{1, 0x20}
	if sqlite {
		values, bits = append(values, was+"\x00"), append(bits, 0x80)
	}
	for i := range len(was) {
		for _, bit := range bits {
			b := []byte(was)
			b[i] ^= bit
			values = append(values, string(b))
		}
		values = append(values, was[:i]+was[i+1:])
	}
	return func(yield func(change) bool) {
		for _, now := range values {
			set(t, s, column, number, now)
			if !yield(change{was, now}) {
				return
			}
		}
	}
}

// row reads one row past everything that the store would check.
func (s *Store) row(t *testing.T, query string, args ...any) (scan func(into ...any)) {
	t.Helper()
	row := s.db.QueryRowContext(t.Context(), s.dialect.translate(query), args...)
	return func(into ...any) {
		t.Helper()
		if err := row.Scan(into...); err != nil {
			t.Fatal(err)
		}
	}
}

// by changes the database by hand.
func by(t *testing.T, s *Store, statement string, args ...any) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), s.dialect.translate(statement), args...); err != nil {
		t.Fatal(err)
	}
}

func set(t *testing.T, s *Store, column string, number int64, value string) {
	t.Helper()
	by(t, s, "UPDATE audit SET "+column+" = ? WHERE number = ?", value, number)
}

func wantBrokenAt(t *testing.T, s *Store, number int64, what string) {
	t.Helper()
	_, err := audit.Verify(s.Audit(t.Context()), "")
	wantBroken(t, what, err, &number)
}

// O60: rows that were removed, swapped, inserted or cut off, and an old copy of
// the whole database, are found with the first bad number; what leaves a chain
// that is whole in itself, by the head that was kept elsewhere.
func TestO60WhatWasDoneToTheRowsIsFound(t *testing.T) {
	t.Parallel()
	const columns = ", at, tenant, kind, actor, request, facts, prev, hash FROM audit WHERE number = "
	for _, row := range []struct {
		name  string
		harm  []string
		first int64 // found by the chain alone; 0: it is whole in itself
		head  int64 // found with the head
	}{
		{"removed", []string{"DELETE FROM audit WHERE number = 3"}, 3, 3},
		{"the first removed", []string{"DELETE FROM audit WHERE number = 1"}, 1, 1},
		{"all but the last removed", []string{"DELETE FROM audit WHERE number < 6"}, 1, 1},
		{"renumbered", []string{"UPDATE audit SET number = 9 WHERE number = 2"}, 2, 2},
		{"before the first", []string{"UPDATE audit SET number = 0 WHERE number = 1"}, 0, 0},
		{"far before the first", []string{"UPDATE audit SET number = -7 WHERE number = 1"}, -7, -7},
		{"swapped", []string{
			"UPDATE audit SET number = CASE number WHEN 2 THEN -3 ELSE -2 END WHERE number IN (2, 3)",
			"UPDATE audit SET number = -number WHERE number < 0",
		}, 2, 2},
		{"a copy appended", []string{"INSERT INTO audit SELECT 7" + columns + "6"}, 7, 7},
		{"a copy inserted", []string{
			"UPDATE audit SET number = -number WHERE number > 3", "UPDATE audit SET number = 1 - number WHERE number < 0",
			"INSERT INTO audit SELECT 4" + columns + "2",
		}, 4, 4},
		{"cut off by three", []string{"DELETE FROM audit WHERE number > 3"}, 0, 4},
		{"emptied", []string{"DELETE FROM audit"}, 0, 1},
		{"a text taken away", []string{"INSERT INTO audit_link SELECT number, actor, hash FROM audit WHERE number = 1", "DELETE FROM audit WHERE number = 1"}, 1, 1},
		{"a link beside its record", []string{"INSERT INTO audit_link SELECT number, actor, hash FROM audit WHERE number = 1"}, 1, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, dsn string) {
				s := opened(t, dsn)
				record(t, s, 6)
				kept := headOf(t, s)
				for _, statement := range row.harm {
					by(t, s, statement)
				}
				if row.first != 0 || row.head == 0 {
					wantBrokenAt(t, s, row.first, row.name)
				} else {
					_, err := audit.Verify(s.Audit(t.Context()), "")
					wantBroken(t, "in itself", err, nil)
				}
				_, err := audit.Verify(s.Audit(t.Context()), kept.Hash)
				wantBroken(t, "with the hash", err, &row.head)
				_, err = audit.VerifyHeads(s.Audit(t.Context()), []audit.Head{kept})
				wantBroken(t, "with the head", err, &row.head)
			})
		})
	}
}

// O60: an old copy of the whole database is found by the head, also when the
// bot has gone on from it.
func TestO60AnOldCopyIsFound(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		s := opened(t, dsn)
		record(t, s, 3)
		by(t, s, "CREATE TABLE old_copy AS SELECT * FROM audit")
		record(t, s, 2)
		kept := []audit.Head{headOf(t, s)}
		by(t, s, "DELETE FROM audit")
		by(t, s, "INSERT INTO audit SELECT * FROM old_copy")
		_, err := audit.VerifyHeads(s.Audit(t.Context()), kept)
		wantBroken(t, "an old copy", err, ptr(4))
		record(t, s, 7) // other records than those that were lost: the time is another
		_, err = audit.VerifyHeads(s.Audit(t.Context()), kept)
		wantBroken(t, "one that went on", err, ptr(5))
		_, err = audit.Verify(s.Audit(t.Context()), "")
		wantBroken(t, "in itself", err, nil)
	})
}

func ptr(n int64) *int64 { return &n }

// wantBroken fails unless err says that the record with this number is broken,
// or is nil where none is to be.
func wantBroken(t *testing.T, what string, err error, number *int64) {
	t.Helper()
	var broken *audit.BrokenError
	switch {
	case number == nil && err == nil, number != nil && errors.As(err, &broken) && broken.Number == *number:
	case number == nil:
		t.Errorf("%s: %v, want whole", what, err)
	default:
		t.Errorf("%s: %v, want broken at %d", what, err, *number)
	}
}

// A file that was damaged on disk is noticed when it is opened, or at the
// latest when the chain is read.
func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "twokey.db")
	s := open(t, path, time.Now)
	record(t, s, 50)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	used := 0
	for at := 0; at+page <= len(whole); at += page {
		if !strings.Contains(string(whole[at:at+page]), `{"n":`) {
			continue // holds no record
		}
		used++
		bad := []byte(string(whole))
		for i := range 64 {
			bad[at+page-1-i] ^= 0xff // the newest rows of the page
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if !damaged(t, path) {
			t.Errorf("damage at byte %d was not noticed", at)
		}
	}
	if used == 0 {
		t.Fatal("no page holds a record")
	}
}

func damaged(t *testing.T, path string) bool {
	t.Helper()
	s, err := Open(t.Context(), Config{DSN: path})
	if err != nil {
		return true
	}
	defer s.Close()
	_, err = audit.Verify(s.Audit(t.Context()), "")
	return err != nil
}
