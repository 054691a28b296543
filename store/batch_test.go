package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

// besides opens a second process's store on the same database.
func besides(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := OpenBeside(t.Context(), dsn)
	if err != nil {
		t.Fatalf("OpenBeside: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// count adds one to a counter by reading it and writing it.
func count(t *tx) error {
	n, err := counter(t)
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(t.ctx, `INSERT INTO lease (name, owner, fence, until) VALUES ('counter', '', ?, 0)
		ON CONFLICT (name) DO UPDATE SET fence = excluded.fence`, n+1)
	return err
}

func counter(t *tx) (n int64, err error) {
	err = t.q.QueryRowContext(t.ctx, "SELECT coalesce(max(fence), 0) FROM lease WHERE name = 'counter'").Scan(&n)
	return n, err
}

func counted(t *testing.T, s *Store) (n int64) {
	t.Helper()
	err := s.view(t.Context(), func(t *tx) (err error) {
		n, err = counter(t)
		return err
	})
	if err != nil {
		t.Errorf("read counter: %v", err)
	}
	return n
}

// Two processes read and then write ten thousand times: neither is ever told
// that the other was in its way, and nothing is written over.
func TestTwoWritersAreNeverBusy(t *testing.T) {
	t.Parallel()
	const writers, each = 4, 2500
	onEach(t, func(t *testing.T, dsn string) {
		first := opened(t, dsn)
		second := besides(t, dsn)
		var all sync.WaitGroup
		for i := range writers {
			s := []*Store{first, second}[i%2]
			all.Go(func() {
				for i := range each {
					if err := s.update(t.Context(), count); err != nil {
						t.Errorf("write %d: %v", i, err)
						return
					}
				}
			})
		}
		all.Wait()
		if n := counted(t, second); n != writers*each {
			t.Errorf("counted %d, want %d", n, writers*each)
		}
	})
}

// owing owes a message under the key.
func owing(t *tx, key string) error {
	return t.owe(key, "kind", "topic", "{}", "{}")
}

// together runs calls as the parts of one transaction: they come, in their
// order, while another one is under way. In a bubble.
func together(t *testing.T, s *Store, calls ...func()) {
	t.Helper()
	var all sync.WaitGroup
	gate := make(chan struct{})
	all.Go(func() {
		err := s.update(t.Context(), func(t *tx) error {
			<-gate
			return owing(t, "first")
		})
		if err != nil {
			t.Errorf("the transaction before: %v", err)
		}
	})
	synctest.Wait()
	for _, call := range calls {
		all.Go(call)
		synctest.Wait()
	}
	close(gate)
	all.Wait()
}

func keys(t *testing.T, s *Store) (got []string) {
	t.Helper()
	rows, err := s.Due(t.Context(), 100)
	if err != nil {
		t.Errorf("Due: %v", err)
	}
	for _, r := range rows {
		got = append(got, r.Key)
	}
	return got
}

func TestCallersShareATransaction(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		synctest.Test(t, func(t *testing.T) {
			commits := 0
			s, err := Open(t.Context(), Config{DSN: dsn, Now: time.Now, Owed: func() { commits++ }})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var mu sync.Mutex
			got := make(map[string]error)
			ended := func(name string, err error) {
				mu.Lock()
				defer mu.Unlock()
				got[name] = err
			}
			update := func(ctx context.Context, name string, f func(*tx) error) func() {
				return func() {
					ended(name, s.update(ctx, func(t *tx) error { return errors.Join(owing(t, name), f(t)) }))
				}
			}
			fine := func(*tx) error { return nil }
			stop := errors.New("stop")
			waiting, leave := context.WithCancel(t.Context())
			running, cancel := context.WithCancel(t.Context())
			together(t, s,
				update(t.Context(), "one", fine),
				update(t.Context(), "fails", func(*tx) error { return stop }),
				update(waiting, "leaves", fine),
				leave,
				update(t.Context(), "two", fine),
				update(running, "is called off", func(*tx) error { cancel(); return nil }),
				func() {
					defer func() {
						err, _ := recover().(error)
						ended("panics", err)
					}()
					update(t.Context(), "panics", func(*tx) error { panic(stop) })()
				},
				func() {
					done := make(chan struct{})
					go func() { // as t.FailNow would end it
						defer close(done)
						update(t.Context(), "ends", func(*tx) error { runtime.Goexit(); return nil })()
					}()
					<-done
				},
				update(t.Context(), "breaks a rule", func(t *tx) error {
					_, err := t.q.ExecContext(t.ctx, "INSERT INTO audit (number) VALUES (1)")
					return err
				}),
				update(t.Context(), "three", fine),
			)
			if want := []string{"first", "one", "two", "three"}; !slices.Equal(keys(t, s), want) {
				t.Errorf("stored %q, want %q", keys(t, s), want)
			}
			if commits != 2 {
				t.Errorf("%d transactions, want two", commits)
			}
			for name, want := range map[string]error{
				"one": nil, "two": nil, "three": nil, "fails": stop, "panics": stop, "leaves": context.Canceled, "is called off": context.Canceled,
			} {
				if !errors.Is(got[name], want) || (got[name] == nil) != (want == nil) {
					t.Errorf("%s: %v, want %v", name, got[name], want)
				}
			}
			if got["breaks a rule"] == nil {
				t.Error("an error of the database was not told")
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := s.update(t.Context(), func(*tx) error { return nil }); !errors.Is(err, errClosed) {
				t.Errorf("after Close: %v", err)
			}
		})
	})
}

// More callers than one transaction takes go into the next ones, in their order.
func TestCallersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, dsn, time.Now)
			defer s.Close()
			var calls []func()
			want := []string{"first"}
			for i := range most + 5 {
				key := fmt.Sprint("call ", i)
				want = append(want, key)
				calls = append(calls, func() {
					if err := s.update(t.Context(), func(t *tx) error { return owing(t, key) }); err != nil {
						t.Errorf("%s: %v", key, err)
					}
				})
			}
			together(t, s, calls...)
			if got := keys(t, s); !slices.Equal(got, want) {
				t.Errorf("stored %q, want %q", got, want)
			}
		})
	})
}

// A statement that fails and whose error is ignored costs the caller's own part
// at most, whichever database it is.
func TestAnErrorThatIsIgnoredIsOnesOwn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, dsn, time.Now)
			defer s.Close()
			careless := func(t *tx) error {
				_, _ = t.q.ExecContext(t.ctx, "INSERT INTO audit (number) VALUES (1)")
				return nil
			}
			_ = s.update(t.Context(), careless)
			together(t, s,
				func() { _ = s.update(t.Context(), careless) },
				func() {
					if err := s.update(t.Context(), func(t *tx) error { return owing(t, "one") }); err != nil {
						t.Errorf("the one after: %v", err)
					}
				})
			if want := []string{"first", "one"}; !slices.Equal(keys(t, s), want) {
				t.Errorf("stored %q, want %q", keys(t, s), want)
			}
		})
	})
}

// A refusal that rests on what was not stored after all is not repeated; and of
// one's own part that failed it is certain that it is not stored.
func TestVerdict(t *testing.T) {
	t.Parallel()
	own, failed := errors.New("own"), errors.New("failed")
	unsure := fmt.Errorf("cut: %w", approval.ErrUnsure)
	for _, row := range []struct {
		own, err, want error
		unsure         bool
	}{
		{nil, nil, nil, false},
		{own, nil, own, false},
		{nil, failed, failed, false},
		{own, failed, failed, false},
		{nil, unsure, unsure, true},
		{own, unsure, nil, false},
	} {
		got := verdict(row.own, row.err)
		if row.want != nil && got != row.want || errors.Is(got, approval.ErrUnsure) != row.unsure { //nolint:errorlint // as it is
			t.Errorf("verdict(%v, %v) = %v", row.own, row.err, got)
		}
		if (got == nil) != (row.own == nil && row.err == nil) {
			t.Errorf("verdict(%v, %v) = %v", row.own, row.err, got)
		}
	}
}
