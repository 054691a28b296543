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
	s, _ := setup(t)
	record(t, s, 3)
	head := func() (string, error) {
		last, err := audit.Verify(s.Audit(t.Context()), "")
		if err != nil {
			return "", err
		}
		return last.Hash, nil
	}
	whole, err := head()
	if err != nil {
		t.Fatal(err)
	}
	changes := 0
	for number := int64(1); number <= 3; number++ {
		for column := range strings.SplitSeq(auditColumns, ", ") {
			if column == "number" {
				continue // see TestG35AMovedRowIsFound
			}
			for value := range changed(t, s, column, number) {
				wantBrokenAt(t, s, number, fmt.Sprintf("%s as %q", column, value.now))
				set(t, s, column, number, value.was)
				changes++
			}
		}
	}
	if got, err := head(); got != whole || err != nil {
		t.Errorf("after all was put right: head %s (%v), want %s", got, err, whole)
	}
	t.Logf("%d changed bytes found", changes)
}

type change struct{ was, now string }

// changed yields every value of a column with one byte changed, removed or
// added, with that value set in the database.
func changed(t *testing.T, s *Store, column string, number int64) iter.Seq[change] {
	var was string
	err := s.db.QueryRowContext(t.Context(), "SELECT "+column+" FROM audit WHERE number = ?", number).Scan(&was)
	if err != nil {
		t.Fatal(err)
	}
	values := []string{was + " ", was + "\x00"}
	for i := range len(was) {
		for _, bit := range []byte{1, 0x20, 0x80} {
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

func set(t *testing.T, s *Store, column string, number int64, value string) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), "UPDATE audit SET "+column+" = ? WHERE number = ?", value, number); err != nil {
		t.Fatal(err)
	}
}

func wantBrokenAt(t *testing.T, s *Store, number int64, what string) {
	t.Helper()
	_, err := audit.Verify(s.Audit(t.Context()), "")
	var broken *audit.BrokenError
	if !errors.As(err, &broken) || broken.Number != number {
		t.Errorf("%s: Verify = %v, want broken at %d", what, err, number)
	}
}

func TestG35AMovedRowIsFound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, statement string
		want            int64
	}{
		{"removed", "DELETE FROM audit WHERE number = 2", 2},
		{"first removed", "DELETE FROM audit WHERE number = 1", 1},
		{"renumbered", "UPDATE audit SET number = 9 WHERE number = 2", 2},
		{"before the first", "UPDATE audit SET number = 0 WHERE number = 1", 0},
		{"swapped", "UPDATE audit SET number = CASE number WHEN 2 THEN -3 ELSE -2 END WHERE number IN (2, 3); UPDATE audit SET number = -number WHERE number < 0", 2},
		{"copied", "INSERT INTO audit SELECT 5, at, tenant, kind, actor, request, facts, prev, hash FROM audit WHERE number = 4", 5},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, _ := setup(t)
			record(t, s, 4)
			if _, err := s.db.ExecContext(t.Context(), row.statement); err != nil {
				t.Fatal(err)
			}
			wantBrokenAt(t, s, row.want, row.name)
		})
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
