package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// A copy that is taken while requests are stored is whole: its record verifies,
// every record's request is there, and nothing that was stored before is missing.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	dsn := filepath.Join(folder, "twokey.db")
	s, err := Open(t.Context(), Config{DSN: dsn, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	insert := func(name string) error {
		return s.Update(t.Context(), func(tx approval.Tx) error {
			r := approval.Request{ID: name, Ref: "R-" + name, Key: name, Tenant: "t", Kind: "k", Requester: approval.Principal{Tenant: "t", Object: "ada"}, State: approval.Pending, Version: 1}
			return errors.Join(tx.Insert(r), tx.Record(audit.Entry{Tenant: "t", Kind: "request.submitted", Actor: audit.Bot, Request: r.Ref}))
		})
	}
	const before = 50
	for i := range before {
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
	for i := range 5 {
		copied := filepath.Join(folder, fmt.Sprint("copy-", i, ".db"))
		if err := Backup(t.Context(), dsn, copied); err != nil {
			t.Fatal(err)
		}
		wantWhole(t, copied, before)
	}
	close(done)
	all.Wait()
	if left, err := filepath.Glob(filepath.Join(folder, "*.part*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func wantWhole(t *testing.T, file string, least int) {
	t.Helper()
	s, err := Open(t.Context(), Config{DSN: file, Now: time.Now}) // as a bot that was restored
	if err != nil {
		t.Fatalf("open the copy: %v", err)
	}
	defer s.Close()
	last, err := audit.Verify(s.Audit(t.Context()), "")
	if err != nil || last == nil || last.Number < int64(least) {
		t.Errorf("the copy's record: %+v, %v", last, err)
	}
	var requests []approval.Request
	err = s.View(t.Context(), func(tx approval.Tx) (err error) {
		requests, err = tx.Requests("t")
		return err
	})
	if err != nil || int64(len(requests)) != last.Number {
		t.Errorf("%d requests and %d records, %v", len(requests), last.Number, err)
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
