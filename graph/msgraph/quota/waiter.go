package quota

import (
	"context"
	"slices"
	"time"

	"twokey/graph"
)

// mostPatience is how long a person is kept waiting for a budget. Who would
// have to wait longer hears at once when to come again.
const mostPatience = 5 * time.Minute

// A waiter stands in a queue. When it is ready it has its grant, or none if it
// would have to wait beyond its time.
type waiter struct {
	cost       int
	background bool
	until      time.Time
	ready      chan struct{}
	grant      *Grant
}

// PatientUntil is when a caller who begins to wait now stops: when ctx ends,
// and after five minutes for a person or where ctx has no end.
func PatientUntil(ctx context.Context, now time.Time) time.Time {
	until, ok := ctx.Deadline()
	if longest := now.Add(mostPatience); !ok || until.After(longest) && !graph.IsBackground(ctx) {
		return longest
	}
	return until
}

func (l *Limiter) queue(w *waiter) *[]*waiter {
	if w.background {
		return &l.others
	}
	return &l.people
}

func (l *Limiter) drop(w *waiter) {
	queue := l.queue(w)
	*queue = slices.DeleteFunc(*queue, func(other *waiter) bool { return other == w })
}

// first returns who is next, nil if nobody waits.
func (l *Limiter) first() *waiter {
	for _, queue := range [][]*waiter{l.people, l.others} {
		if len(queue) > 0 {
			return queue[0]
		}
	}
	return nil
}
