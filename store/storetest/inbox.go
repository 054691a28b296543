package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var inbox = map[string]func(*testing.T, *bench){
	"a delivery is new once":                      takeOnce,
	"of all who take a delivery one has it":       takeTogether,
	"deliveries are kept for a day and then gone": pruneInbox,
}

func (b *bench) take(t *testing.T, key string, want bool) {
	t.Helper()
	if got, err := b.Take(t.Context(), key); got != want || err != nil {
		t.Errorf("Take(%q) = %t, %v; want %t", key, got, err, want)
	}
}

func takeOnce(t *testing.T, b *bench) {
	b.take(t, "Ev1", true)
	b.take(t, "Ev1", false)
	b.take(t, "ev1", true)
	b.take(t, hostile, true)
	b.take(t, hostile, false)
	b.reopen(t)
	b.take(t, "Ev1", false)
	ended, end := context.WithCancel(t.Context())
	end()
	if fresh, err := b.Take(ended, "Ev2"); fresh || err == nil {
		t.Errorf("Take with a context that has ended = %t, %v", fresh, err)
	}
	b.take(t, "Ev2", true)
}

func takeTogether(t *testing.T, b *bench) {
	const deliveries, takers = 40, 5
	var had [deliveries]atomic.Int64
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			for i := range deliveries {
				fresh, err := b.Take(t.Context(), fmt.Sprintf("Ev%d", i))
				if err != nil {
					t.Errorf("Take: %v", err)
				}
				if fresh {
					had[i].Add(1)
				}
			}
		})
	}
	all.Wait()
	for i := range had {
		if n := had[i].Load(); n != 1 {
			t.Errorf("delivery %d is new for %d", i, n)
		}
	}
}

func pruneInbox(t *testing.T, b *bench) {
	prune := func(want int) {
		t.Helper()
		if n, err := b.PruneInbox(t.Context()); n != want || err != nil {
			t.Errorf("PruneInbox = %d, %v; want %d", n, err, want)
		}
	}
	b.take(t, "old", true)
	b.clock.advance(23 * time.Hour)
	b.take(t, "new", true)
	prune(0)
	b.clock.advance(time.Hour + time.Second)
	prune(1)
	prune(0)
	b.take(t, "old", true)
	b.take(t, "new", false)
}
