package quota

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"twokey/graph"
)

// late is how long after sending a request Graph may still come to count it:
// it has to be signed and carried there.
const late = 5 * time.Second

// A Limiter keeps what is spent within any window of time to a number of
// units. It remembers the window rather than filling a bucket: a full bucket
// lets through twice the units in its first window, while what fits every
// window also fits a bucket that fills evenly, and nobody says by which of the
// two Graph counts. It counts a request somewhere between our sending it and
// its answer, so that a spending's window begins with the answer.
//
// Who has to wait stands in one of two queues, each first come, first served.
// The background gets its turn when no person waits, evenly spread and never
// the last slot of a window; nothing is promised ahead of its time, and so a
// person waits for nothing but what is spent.
//
// Time here is the machine's, which is what passes between two requests. The
// client's own clock only names moments to people.
//
// A Limiter is safe for concurrent use.
type Limiter struct {
	mu      sync.Mutex
	limit   Limit
	spent   []*Grant // those whose window is not known to be over
	total   int      // their cost
	running int      // grants without an answer yet
	people  []*waiter
	others  []*waiter // the background
	timer   *time.Timer
	pace    pace
	learned learning
}

// A Grant is leave to send one request, at once.
type Grant struct {
	At      time.Time // when it was given: Graph counts the request no sooner
	l       *Limiter
	cost    int
	over    time.Time // the end of its window
	settled bool
}

// New returns a limiter with nothing spent.
func New(limit Limit) *Limiter {
	return &Limiter{limit: limit, learned: learning{ceiling: mostLearned}}
}

// Acquire waits for leave to spend cost units, in the queue that ctx belongs to
// ([graph.IsBackground]). If ctx ends first, or would, or a person would wait
// for more than five minutes, g is nil, and wait is how long from now it might
// be had, 0 if ctx had ended before. A grant must be settled once.
func (l *Limiter) Acquire(ctx context.Context, cost int) (g *Grant, wait time.Duration) {
	if ctx.Err() != nil {
		return nil, 0
	}
	now := time.Now()
	w := &waiter{cost: cost, background: graph.IsBackground(ctx), until: PatientUntil(ctx, now), ready: make(chan struct{})}
	if wait, stays := l.enqueue(w, now); !stays {
		return w.grant, wait
	}
	ctx, cancel := context.WithDeadline(ctx, w.until)
	defer cancel()
	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	return l.leave(w, ctx.Err() != nil)
}

// enqueue puts w at the end of its queue and lets go whoever may. W does not
// stay if it has its grant at once, or would have to wait for too long as
// things stand.
func (l *Limiter) enqueue(w *waiter, now time.Time) (wait time.Duration, stays bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queue(w)
	*queue = append(*queue, w)
	l.serve(now)
	if w.grant != nil {
		return 0, false
	}
	wait = l.forecast(now).until(w)
	if !now.Add(wait).After(w.until) {
		return wait, true
	}
	l.drop(w)
	l.serve(now)
	return wait, false
}

// leave takes w out of the limiter with what it got. A grant that comes as its
// caller goes away is given back: nothing was sent.
func (l *Limiter) leave(w *waiter, gone bool) (*Grant, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case w.grant != nil && !gone:
		return w.grant, 0
	case w.grant != nil:
		l.forgive(w.grant)
	}
	wait := l.forecast(now).until(w)
	l.drop(w)
	l.serve(now)
	return nil, wait
}

// Most returns how many units one call may cost and still fit a window, as the
// limit is now.
func (l *Limiter) Most(background bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit.open(background)
}

// serve lets go whoever may go now and sets the timer for the next one. Every
// change to the limiter ends with it: so nobody is forgotten.
func (l *Limiter) serve(now time.Time) {
	for {
		w := l.first()
		switch {
		case w == nil:
			l.wake(0)
			return
		case l.limit.AtOnce > 0 && l.running >= l.limit.AtOnce:
			l.wake(0) // an answer will come
			return
		case !l.fits(w, now):
			l.wake(max(1, l.forecast(now).until(w)))
			return
		}
		l.drop(w)
		w.grant = l.spend(w, now)
		close(w.ready)
	}
}

// wake sets the timer; 0 stops it.
func (l *Limiter) wake(in time.Duration) {
	switch {
	case l.timer == nil && in > 0:
		l.timer = time.AfterFunc(in, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.serve(time.Now())
		})
	case in > 0:
		l.timer.Reset(in)
	case l.timer != nil:
		l.timer.Stop()
	}
}

// fits reports whether w may go now. What is over is forgotten only when it is
// in the way, so that a call costs next to nothing far from the limit.
func (l *Limiter) fits(w *waiter, now time.Time) bool {
	if l.pace.earliest(w.background, now).After(now) {
		return false
	}
	open := l.limit.open(w.background)
	cost := min(w.cost, open)
	if l.total <= open-cost {
		return true
	}
	l.forget(now)
	return l.total <= open-cost
}

// forget drops what is over.
func (l *Limiter) forget(now time.Time) {
	l.spent = slices.DeleteFunc(l.spent, func(g *Grant) bool {
		over := !g.over.After(now)
		if over {
			l.total -= g.cost
		}
		return over
	})
}

// spend makes the grant.
func (l *Limiter) spend(w *waiter, now time.Time) *Grant {
	g := &Grant{l: l, cost: w.cost, At: now, over: now.Add(l.limit.Window + late)}
	l.running++
	l.pace.spend(l.limit, w, now)
	if l.limit.Window > 0 {
		l.spent = append(l.spent, g)
		l.total += g.cost
	}
	l.grow(now)
	return g
}

// forgive takes back what was not sent.
func (l *Limiter) forgive(g *Grant) {
	l.running--
	if i := slices.Index(l.spent, g); i >= 0 {
		l.spent = slices.Delete(l.spent, i, i+1)
		l.total -= g.cost
	}
}

// Settle tells that the answer is there, and whether it was a success.
func (g *Grant) Settle(ok bool) {
	l := g.l
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.running--
	g.settled = true
	if ok && g.At.After(l.pace.struck) {
		l.pace.strikes = 0
	}
	if over := now.Add(l.limit.Window); over.Before(g.over) {
		g.over = over
	}
	l.serve(now)
}

// Throttled tells that Graph refused some of what was sent at a moment, and
// closes the budget to all of us for as long as it asks. Where Graph gives no
// time it is a second, and more each time; and always a little more by chance,
// so that replicas do not come back together.
func (l *Limiter) Throttled(sent time.Time, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if wait <= 0 {
		wait = time.Second << min(l.pace.strikes, 5)
	}
	if sent.After(l.pace.struck) {
		l.pace.strikes++
		l.pace.struck = now
	}
	until := now.Add(wait + rand.N(min(wait/10, time.Second)+1))
	if until.After(l.pace.closed) {
		l.pace.closed = until
		l.pace.gentle = until.Add(l.limit.Window)
	}
	l.shrink(sent, now)
	l.release(&l.people)
	l.release(&l.others)
	l.serve(now)
}

// release sends away those of a queue who cannot wait until the budget opens.
func (l *Limiter) release(queue *[]*waiter) {
	*queue = slices.DeleteFunc(*queue, func(w *waiter) bool {
		hopeless := l.pace.closed.After(w.until)
		if hopeless {
			close(w.ready)
		}
		return hopeless
	})
}
