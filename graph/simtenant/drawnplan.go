package simtenant

import (
	"cmp"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"twokey/graph"
)

// planAhead is for how long the methods to come are laid out at once.
const planAhead = 30 * day

// registrations looks through everybody, and remembers what it found for the
// next who asks: readers of the log go on from where they were.
func (d *drawn) registrations(since, until time.Time) iter.Seq[planned] {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.till.IsZero() || since.Before(d.since) || until.After(d.till) {
		d.layOut(since, until.Add(planAhead))
	}
	plan := d.plan
	from, _ := slices.BinarySearchFunc(plan, since, func(p planned, at time.Time) int { return p.at.Compare(at) })
	return func(yield func(planned) bool) {
		for _, p := range plan[from:] {
			if p.at.After(until) || !yield(p) {
				return
			}
		}
	}
}

func (d *drawn) layOut(since, till time.Time) {
	parts := make([][]planned, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for n := range parts {
		workers.Go(func() {
			from, to := d.size()*n/len(parts), d.size()*(n+1)/len(parts)
			for i := from; i < to; i++ {
				parts[n] = append(parts[n], d.planOf(i, since, till)...)
			}
		})
	}
	workers.Wait()
	plan := slices.Concat(parts...)
	slices.SortFunc(plan, func(a, b planned) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.i, b.i), cmp.Compare(a.k, b.k))
	})
	d.since, d.till, d.plan = since, till, plan
}

// planOf are the methods that one account comes to hold. It stays out of the
// remembered ones, which are for readers.
func (d *drawn) planOf(i int, since, till time.Time) (list []planned) {
	var a *account
	if i < d.special.size() {
		a = d.special.account(i)
	} else {
		a = d.make(i)
	}
	for k, m := range a.methods {
		if m.kind != graph.MethodPassword && !m.created.Before(since) && !m.created.After(till) {
			list = append(list, planned{m.created, i, k})
		}
	}
	return list
}
