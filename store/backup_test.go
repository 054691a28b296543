package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/store/pgtest"
)

// A copy that is taken while requests are stored is whole: its record verifies,
// every record's request is there, and nothing that was stored before is missing.
// A bot opens it elsewhere and goes on. PostgreSQL's is by its own tools.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	for name, restored := range map[string]func(t *testing.T, dsn string) string{
		"SQLite": func(t *testing.T, dsn string) string {
			copied := filepath.Join(t.TempDir(), "copy.db")
			if err := Backup(t.Context(), dsn, copied); err != nil {
				t.Fatal(err)
			}
			return copied
		},
		"PostgreSQL": func(t *testing.T, dsn string) string { return pgtest.Restored(t, dsn) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := databases[name](t)
			s := open(t, dsn, time.Now)
			defer s.Close()
			var stored atomic.Int64 // as many were stored for sure
			insert := func(name string) error {
				err := pending(t, s, name)
				if err == nil {
					stored.Add(1)
				}
				return err
			}
			for i := range 50 {
				if err := insert(fmt.Sprint("before-", i)); err != nil {
					t.Fatal(err)
				}
			}
			done := make(chan struct{})
			var all sync.WaitGroup
			for w := range 4 {
				all.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-done:
							return
						default:
						}
						if err := insert(fmt.Sprint("meanwhile-", w, "-", i)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for range 2 {
				before := stored.Load()
				wantWhole(t, restored(t, dsn), before)
			}
			close(done)
			all.Wait()
			if left, err := filepath.Glob(filepath.Join(filepath.Dir(dsn), "*.part*")); err != nil || len(left) > 0 {
				t.Errorf("left over: %v, %v", left, err)
			}
		})
	}
}

// pending stores a request and its record.
func pending(t *testing.T, s *Store, name string) error {
	return s.Update(t.Context(), func(tx approval.Tx) error {
		r := approval.Request{ID: name, Ref: "R-" + name, Key: name, Tenant: "t", Kind: "k", Requester: approval.Principal{Tenant: "t", Object: "ada"}, State: approval.Pending, Version: 1}
		return errors.Join(tx.Insert(r), tx.Record(audit.Entry{Tenant: "t", Kind: "request.submitted", Actor: audit.Bot, Request: r.Ref}))
	})
}

// wantWhole starts from a copy as a bot does, and goes on.
func wantWhole(t *testing.T, dsn string, least int64) {
	t.Helper()
	s, err := Open(t.Context(), Config{DSN: dsn, Now: time.Now})
	if err != nil {
		t.Fatalf("open the copy: %v", err)
	}
	defer s.Close()
	last, err := audit.Verify(s.Audit(t.Context()), "")
	if err != nil || last == nil || last.Number < least {
		t.Fatalf("the copy's record: %+v, %v; %d were stored before", last, err, least)
	}
	var requests []approval.Request
	err = s.View(t.Context(), func(tx approval.Tx) (err error) {
		requests, err = tx.Requests("t")
		return err
	})
	if err != nil || int64(len(requests)) != last.Number {
		t.Errorf("%d requests and %d records, %v", len(requests), last.Number, err)
	}
	if err := pending(t, s, "after"); err != nil {
		t.Errorf("go on: %v", err)
	}
	if next, err := audit.Verify(s.Audit(t.Context()), last.Hash); err != nil || next.Number != last.Number+1 {
		t.Errorf("the record that goes on: %+v, %v", next, err)
	}
}

// The database, what SQLite puts beside it, and a copy are for their owner alone,
// whatever the umask leaves to others: they hold names.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := open(t, filepath.Join(folder, "twokey.db"), time.Now)
	defer s.Close()
	if err := errors.Join(pending(t, s, "one"), Backup(t.Context(), filepath.Join(folder, "twokey.db"), filepath.Join(folder, "copy.db"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"twokey.db", "twokey.db-wal", "twokey.db-shm", "copy.db"} {
		if f, err := os.Stat(filepath.Join(folder, name)); err != nil || f.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken.db")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), filepath.Join(folder, "twokey.db"), taken); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	if err := Backup(t.Context(), "postgres://127.0.0.1:1/x", filepath.Join(folder, "new.db")); err == nil {
		t.Error("PostgreSQL was copied to a file")
	}
	if err := Backup(t.Context(), filepath.Join(folder, "nowhere.db"), filepath.Join(folder, "new.db")); err == nil {
		t.Error("what is not there was copied")
	}
	if _, err := os.Stat(filepath.Join(folder, "new.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a copy of nothing: %v", err)
	}
}
