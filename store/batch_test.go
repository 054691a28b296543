package store

import (
	"sync"
	"testing"
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
	last, err := t.Lease("counter")
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(t.ctx, `INSERT INTO lease (name, owner, fence, until) VALUES ('counter', '', ?, 0)
		ON CONFLICT (name) DO UPDATE SET fence = excluded.fence`, last.Fence+1)
	return err
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
		var n int64
		err := second.view(t.Context(), func(t *tx) (err error) {
			last, err := t.Lease("counter")
			n = last.Fence
			return err
		})
		if err != nil || n != writers*each {
			t.Errorf("counted %d (%v), want %d", n, err, writers*each)
		}
	})
}
