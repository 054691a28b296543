package quota

import (
	"slices"
	"time"
)

// A forecast plays on what a limiter has spent and whom it will serve next, if
// nobody else comes. It knows nothing of answers that a queue waits for, so
// that the truth may be later, and never sooner.
type forecast struct {
	l     *Limiter
	at    time.Time
	spent []ending // in order
	total int
	pace  pace
}

// An ending is when a spending's window is over.
type ending struct {
	at   time.Time
	cost int
}

func (l *Limiter) forecast(now time.Time) *forecast {
	l.forget(now)
	f := &forecast{l: l, at: now, total: l.total, pace: l.pace}
	for _, g := range l.spent {
		f.spent = append(f.spent, ending{g.over, g.cost})
	}
	slices.SortFunc(f.spent, func(a, b ending) int { return a.at.Compare(b.at) })
	return f
}

// until returns how long from the forecast's beginning w has to wait, behind
// all who are before it.
func (f *forecast) until(w *waiter) time.Duration {
	now := f.at
	queues := [][]*waiter{f.l.people}
	if w.background {
		queues = append(queues, f.l.others)
	}
	for _, queue := range queues {
		for _, other := range queue {
			if other == w {
				break
			}
			f.serve(other)
		}
	}
	f.serve(w)
	return f.at.Sub(now)
}

// serve moves on to the moment at which w may go, and lets it.
func (f *forecast) serve(w *waiter) {
	limit := f.l.limit
	open := limit.open(w.background)
	f.at = f.pace.earliest(w.background, f.at)
	for len(f.spent) > 0 && (f.total > open-min(w.cost, open) || !f.spent[0].at.After(f.at)) {
		f.at = later(f.at, f.spent[0].at)
		f.total -= f.spent[0].cost
		f.spent = f.spent[1:]
	}
	f.pace.spend(limit, w, f.at)
	if limit.Window == 0 {
		return
	}
	e := ending{f.at.Add(limit.Window), w.cost}
	i, _ := slices.BinarySearchFunc(f.spent, e, func(a, b ending) int { return a.at.Compare(b.at) })
	f.spent = slices.Insert(f.spent, i, e)
	f.total += e.cost
}
