package store

import (
	"path/filepath"
	gosync "sync"
	"testing"
	"time"

	"twokey/graph/sync"
	"twokey/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	var dirs gosync.Map // by test name: a second opening finds the same file
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		dir, ok := dirs.Load(t.Name())
		if !ok {
			dir = t.TempDir()
			dirs.Store(t.Name(), dir)
		}
		return open(t, filepath.Join(dir.(string), "twokey.db"), now)
	})
}

// open opens a file that must open. Whoever calls it closes the store.
func open(t *testing.T, path string, now func() time.Time) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{DSN: path, Now: now})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

func TestSQLiteSync(t *testing.T) {
	t.Parallel()
	storetest.RunSync(t, func(t *testing.T) sync.Store {
		s, _ := setup(t)
		return s
	})
}

func TestSQLiteChanges(t *testing.T) {
	t.Parallel()
	storetest.RunChanges(t, func(t *testing.T) storetest.ChangeStore {
		s, _ := setup(t)
		return s
	})
}
