package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/store/pgtest"
)

// openWith opens a database in a way of its own and closes it with the test.
func openWith(t *testing.T, cfg Config) *Store {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	closing(t, s)
	return s
}

// The connection breaks during COMMIT: whichever way it went, the caller is
// told that it is not known, and the next transaction works.
func TestACommitThatIsCut(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, databases["PostgreSQL"](t))
	s := openWith(t, Config{DSN: proxy.DSN})
	want := []string{"before"}
	store := func(key string) error { return s.update(t.Context(), func(t *tx) error { return owing(t, key) }) }
	if err := store("before"); err != nil {
		t.Fatal(err)
	}
	for name, fate := range map[string]pgtest.Fate{"lost": pgtest.Lost, "unanswered": pgtest.Unanswered} {
		var cut atomic.Bool
		proxy.Decide(func(statement string) pgtest.Fate {
			if statement == "COMMIT" && cut.CompareAndSwap(false, true) {
				return fate
			}
			return pgtest.Passed
		})
		if err := store(name); !errors.Is(err, approval.ErrUnsure) || !cut.Load() {
			t.Errorf("%s: %v, want that it is not known", name, err)
		}
		if err := store("after " + name); err != nil {
			t.Errorf("the one after a COMMIT that was %s: %v", name, err)
		}
		if fate == pgtest.Unanswered {
			want = append(want, name)
		}
		want = append(want, "after "+name)
	}
	got := keys(t, s)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

// What comes before COMMIT was surely not stored if the connection breaks.
func TestAStatementThatIsCut(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, databases["PostgreSQL"](t))
	s := openWith(t, Config{DSN: proxy.DSN})
	for _, fate := range []pgtest.Fate{pgtest.Lost, pgtest.Unanswered} {
		var cut atomic.Bool
		proxy.Decide(func(statement string) pgtest.Fate {
			if strings.HasPrefix(statement, "INSERT") && cut.CompareAndSwap(false, true) {
				return fate
			}
			return pgtest.Passed
		})
		err := s.update(t.Context(), func(t *tx) error { return owing(t, "key") })
		if err == nil || errors.Is(err, approval.ErrUnsure) || !cut.Load() {
			t.Errorf("%v, want that it is not stored", err)
		}
		if got := keys(t, s); len(got) != 0 {
			t.Errorf("stored %q", got)
		}
	}
}

// A session that is ended takes those with it who had their turn in its
// transaction. The others have noticed nothing.
func TestASessionThatIsEnded(t *testing.T) {
	t.Parallel()
	dsn := databases["PostgreSQL"](t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dsn, time.Now)
		defer s.Close()
		var errs [3]error
		part := func(i int, f func(*tx) error) func() {
			return func() {
				errs[i] = s.update(t.Context(), func(t *tx) error { return errors.Join(owing(t, string(rune('a'+i))), f(t)) })
			}
		}
		fine := func(*tx) error { return nil }
		end := func(t *tx) error {
			var ended bool
			return t.q.QueryRowContext(t.ctx, "SELECT pg_terminate_backend(pg_backend_pid())").Scan(&ended)
		}
		together(t, s, part(0, fine), part(1, end), part(2, fine))
		if errs[0] == nil || errs[1] == nil || errs[2] != nil {
			t.Errorf("errors: %v; want the first two to fail", errs)
		}
		if errors.Is(errs[0], approval.ErrUnsure) {
			t.Errorf("%v, although nothing was committed", errs[0])
		}
		if got := keys(t, s); !slices.Equal(got, []string{"first", "c"}) {
			t.Errorf("stored %q", got)
		}
	})
}

// An idle connection that was cut is replaced without anybody's notice.
func TestIdleSessionsThatAreEnded(t *testing.T) {
	t.Parallel()
	dsn := databases["PostgreSQL"](t)
	s := opened(t, dsn)
	for range 3 {
		var all sync.WaitGroup
		for range connections {
			all.Go(func() { counted(t, s) })
		}
		all.Wait()
		endSessions(t, dsn)
		if err := s.update(t.Context(), count); err != nil {
			t.Errorf("write: %v", err)
		}
		endSessions(t, dsn)
		counted(t, s)
	}
}

// endSessions ends every other session of the database.
func endSessions(t *testing.T, dsn string) {
	t.Helper()
	sqlAt(t, dsn, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
}

// sqlAt runs a statement beside the store.
func sqlAt(t *testing.T, dsn, statement string) {
	t.Helper()
	db := OpenToRead(dsn).db
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// Time limits: a statement that takes too long and a wait for another replica
// fail alone; a replica that stops while it writes loses its transaction, and
// the others go on.
func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	dsn := databases["PostgreSQL"](t)
	short := limits{Lock: 200 * time.Millisecond, Statement: 400 * time.Millisecond, Idle: 200 * time.Millisecond}
	s := openWith(t, Config{DSN: dsn, limits: short})
	patient := opened(t, dsn)
	sleep := func(t *tx, statement string) error {
		_, err := t.q.ExecContext(t.ctx, statement)
		return err
	}
	for name, run := range map[string]func() error{
		"a statement": func() error {
			return s.update(t.Context(), func(t *tx) error {
				return errors.Join(count(t), sleep(t, "SELECT pg_sleep(10)"))
			})
		},
		"the right to write": func() error {
			return patient.update(t.Context(), func(*tx) error {
				failed := s.update(t.Context(), count)
				if failed == nil {
					t.Error("two wrote at once")
				}
				return failed
			})
		},
		"a stopped replica": func() error {
			return s.update(t.Context(), func(stopped *tx) error {
				if err := count(stopped); err != nil {
					return err
				}
				return patient.update(t.Context(), func(*tx) error { return nil }) // only once ours is ended
			})
		},
	} {
		err := run()
		if name == "a stopped replica" {
			if err == nil {
				t.Errorf("%s: its transaction was not ended", name)
			}
		} else if err == nil || errors.Is(err, approval.ErrUnsure) {
			t.Errorf("%s: %v, want an error that is certain", name, err)
		}
		if n := counted(t, patient); n != 0 {
			t.Errorf("%s: %d was stored", name, n)
		}
	}
	if err := s.update(t.Context(), count); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// O59: a database that cannot be written to says so, nothing is stored, reading
// goes on, and it works again by itself.
func TestO59ReadOnlyServer(t *testing.T) {
	t.Parallel()
	dsn := databases["PostgreSQL"](t)
	s := opened(t, dsn)
	only := func(on string) {
		sqlAt(t, dsn, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = `+on+`', current_database()); END $$`)
		endSessions(t, dsn)
	}
	if err := s.update(t.Context(), count); err != nil {
		t.Fatal(err)
	}
	only("on")
	for range 2 {
		if err := s.update(t.Context(), count); err == nil || errors.Is(err, approval.ErrUnsure) {
			t.Errorf("%v, want that it is not stored", err)
		}
		if n := counted(t, s); n != 1 {
			t.Errorf("counted %d, want 1", n)
		}
	}
	sqlAt(t, dsn, `BEGIN READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = off', current_database()); END $$; COMMIT`)
	endSessions(t, dsn)
	if err := s.update(t.Context(), count); err != nil {
		t.Errorf("with the right to write again: %v", err)
	}
}

// A server that loses what it has said is stored is refused, by a sentence.
func TestAServerThatDoesNotSyncIsRefused(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{DSN: pgtest.DSN(t)}) // the tests' own server does not
	if err == nil {
		t.Fatal(errors.Join(errors.New("it was opened"), s.Close()))
	}
	wantSentence(t, err, "fsync")
}

func wantSentence(t *testing.T, err error, words string) {
	t.Helper()
	var s interface{ Say() string }
	if !errors.As(err, &s) || !strings.Contains(s.Say(), words) {
		t.Errorf("%v, want a sentence with %q", err, words)
	}
}

// Several replicas that start at once on an empty database migrate it once.
func TestReplicasThatStartAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			s, err := Open(context.Background(), Config{DSN: dsn, Now: time.Now})
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			if err := errors.Join(s.update(t.Context(), count), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := counted(t, opened(t, dsn)); n != 5 {
		t.Errorf("counted %d, want 5", n)
	}
}

func TestAPasswordIsNotInAnError(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://bot:hunter2@localhost:1/x", "postgres://bot:hunter2@[::1/x"} {
		s, err := Open(t.Context(), Config{DSN: dsn})
		if err == nil {
			t.Fatal(s.Close())
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q has the password in it", err)
		}
	}
	if _, err := OpenBeside(t.Context(), filepath.Join(t.TempDir(), "nothing.db")); err == nil {
		t.Error("a file that is not there was opened beside nobody")
	}
}

// A pooler may give out another connection for each transaction: nothing that
// one needs is left by the one before.
func TestEveryTransactionOnANewConnection(t *testing.T) {
	t.Parallel()
	s := opened(t, databases["PostgreSQL"](t))
	s.db.SetMaxIdleConns(-1)
	const transactions = 10
	sessions := make(map[int]bool)
	for i := range transactions {
		err := s.update(t.Context(), func(t *tx) error {
			var session int
			err := t.q.QueryRowContext(t.ctx, "SELECT pg_backend_pid()").Scan(&session)
			sessions[session] = true
			return errors.Join(err, owing(t, string(rune('a'+i))), count(t))
		})
		if err != nil {
			t.Errorf("write: %v", err)
		}
	}
	if n := counted(t, s); n != transactions || len(sessions) != transactions || len(keys(t, s)) != transactions {
		t.Errorf("counted %d in %d sessions, with %q", n, len(sessions), keys(t, s))
	}
}

// What comes once for each of many rows goes to the server in one go.
func TestPruningSendsLittle(t *testing.T) {
	t.Parallel()
	const records = 300
	proxy := pgtest.NewProxy(t, databases["PostgreSQL"](t))
	var later atomic.Int64
	s := openWith(t, Config{DSN: proxy.DSN, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	err := s.update(t.Context(), func(t *tx) error {
		for range records {
			if err := t.Record(audit.Entry{Kind: "test", Actor: audit.Bot, Facts: map[string]string{"why": "t-0123456789abcdef0123456789abcdef"}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var statements int
	var last string
	proxy.Decide(func(statement string) pgtest.Fate {
		mu.Lock()
		defer mu.Unlock()
		if statement != last {
			statements++
		}
		last = statement
		return pgtest.Passed
	})
	later.Store(int64(audit.LeastKept + time.Hour))
	pruned, err := s.Prune(t.Context(), 0)
	if err != nil || pruned != records-1 {
		t.Errorf("Prune = %d, %v; want all but the last of %d", pruned, err, records)
	}
	mu.Lock()
	defer mu.Unlock()
	if statements > 30 {
		t.Errorf("%d times another statement was sent for %d records", statements, records)
	}
}

// What is touched before it was shown is changed where it stands, without a word
// to any index: each is written to disk as well, while everybody waits.
func TestATouchedMessageStaysInItsPlace(t *testing.T) {
	t.Parallel()
	s := openWith(t, Config{DSN: databases["PostgreSQL"](t)})
	const messages = 40 // several pages
	err := s.update(t.Context(), func(t *tx) error {
		var errs []error
		for i := range messages {
			errs = append(errs, t.Owe(approval.Notice{Key: fmt.Sprint("key-", i), Kind: "test", Topic: "topic", Address: "{}", Facts: []byte(`"` + strings.Repeat("f", 200) + `"`)}))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	var changed, inPlace int
	err = s.update(t.Context(), func(t *tx) error {
		if err := t.Touch("topic"); err != nil {
			return err
		}
		return t.q.QueryRowContext(t.ctx, "SELECT pg_stat_get_xact_tuples_updated('outbox'::regclass), pg_stat_get_xact_tuples_hot_updated('outbox'::regclass)").Scan(&changed, &inPlace)
	})
	if err != nil || changed != messages || inPlace != messages {
		t.Errorf("of %d messages %d were changed, %d in their place: %v", messages, changed, inPlace, err)
	}
}
