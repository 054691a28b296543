package store

import (
	"context"
	"io"
	"path/filepath"
	gosync "sync"
	"testing"
	"time"

	"twokey/graph/sync"
	"twokey/store/pgtest"
	"twokey/store/storetest"
)

// databases make a new database of each kind and say where it is.
var databases = map[string]func(testing.TB) string{
	"SQLite": func(t testing.TB) string { return filepath.Join(t.TempDir(), "twokey.db") },
	"PostgreSQL": func(t testing.TB) string { // migrating costs more than most tests
		return pgtest.Prepared(t, "migrated", func(dsn string) error {
			s, err := Open(context.Background(), Config{DSN: dsn, Now: time.Now})
			if err != nil {
				return err
			}
			return s.Close()
		})
	},
}

// onEach runs f with a new database of each kind.
func onEach(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Helper()
	for name, dsn := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, dsn(t))
		})
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	for name, fresh := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suite(t, fresh, func(s *Store) tested { return s })
		})
	}
}

// tested is all that the suites ask of a store.
type tested interface {
	storetest.Store
	storetest.ChangeStore
	sync.Store
}

// suite runs the suites of storetest with stores as they are made of real ones, on
// fresh databases.
func suite(t *testing.T, fresh func(testing.TB) string, as func(*Store) tested) {
	t.Helper()
	var dsns gosync.Map // by test name: a second opening finds the same database
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		dsn, ok := dsns.Load(t.Name())
		if !ok {
			dsn = fresh(t)
			dsns.Store(t.Name(), dsn)
		}
		return as(open(t, dsn.(string), now))
	})
	one := func(t *testing.T) tested {
		s := as(open(t, fresh(t), time.Now))
		closing(t, s)
		return s
	}
	storetest.RunSync(t, func(t *testing.T) sync.Store { return one(t) })
	storetest.RunChanges(t, func(t *testing.T) storetest.ChangeStore { return one(t) })
}

// open opens a database that must open. Whoever calls it closes the store.
func open(t *testing.T, dsn string, now func() time.Time) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{DSN: dsn, Now: now})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

// opened opens a database and closes it with the test.
func opened(t *testing.T, dsn string) *Store {
	t.Helper()
	s := open(t, dsn, time.Now)
	closing(t, s)
	return s
}

// closing closes a store with the test.
func closing(t *testing.T, s io.Closer) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}
