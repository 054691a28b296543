package quota

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestCrowd lets a crowd come in the same moment, again and again, with nothing
// to put them in order. What it finds is mostly for the race detector.
func TestCrowd(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]Limit{
		"a window": fivePerTen, "few at once": {Units: 30, Window: time.Minute, AtOnce: 2},
		"learned": {Units: 20, Window: 10 * s, Learns: true}, "no limit": Unlimited,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { crowd(t, limit) })
		})
	}
}

func crowd(t *testing.T, limit Limit) {
	const people, times = 40, 4
	l, start := New(limit), time.Now()
	all := make([][]visit, people)
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			for n := range times {
				v := visit{
					comes: time.Since(start), cost: 1 + i%3, background: i%2 == 0, answer: time.Duration(i%4) * s,
					refused: i%20 == n, retryAfter: s, cancelled: time.Duration(i%5) * 10 * s,
				}
				l.Most(v.background)
				v.visit(t.Context(), l, start)
				all[i] = append(all[i], v)
			}
		})
	}
	wg.Wait()
	granted := slices.DeleteFunc(slices.Concat(all...), func(v visit) bool { return !v.granted })
	// Of one moment nobody knows the order: the background has less room, so
	// that putting it first blames nobody wrongly.
	slices.SortFunc(granted, func(a, b visit) int {
		if a.went == b.went && a.background != b.background {
			if a.background {
				return -1
			}
			return 1
		}
		return int(a.went - b.went)
	})
	if len(granted) < people {
		t.Errorf("%d of %d calls went: the check proves little", len(granted), people*times)
	}
	if wrong := windowsKept(limit, granted); limit != Unlimited && len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running != 0 || len(l.people)+len(l.others) != 0 {
		t.Errorf("%d under way and %d waiting when all had left", l.running, len(l.people)+len(l.others))
	}
}
