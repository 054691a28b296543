package slacktest

import (
	"slices"
	"time"
)

// clock is the workspace's time: that of the options, moved on by Advance, and
// what has to happen later.
type clock struct {
	ahead time.Duration
	tasks []task // by time
	kick  chan struct{}
}

type task struct {
	at time.Time
	do func() // with w.mu held
}

// now needs w.mu.
func (w *Workspace) now() time.Time { return w.options.Now().Add(w.clock.ahead) }

// Now returns the workspace's time.
func (w *Workspace) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now()
}

// after has do called once d has passed, with w.mu held. It needs w.mu.
func (w *Workspace) after(d time.Duration, do func()) {
	t := task{w.now().Add(d), do}
	i, _ := slices.BinarySearchFunc(w.clock.tasks, t, func(a, b task) int {
		if a.at.After(b.at) {
			return 1
		}
		return -1 // what was asked for first is done first
	})
	w.clock.tasks = slices.Insert(w.clock.tasks, i, t)
	select {
	case w.clock.kick <- struct{}{}:
	default:
	}
}

// Advance moves the workspace's time on by d and does, in order and each at its
// own moment, whatever comes due. A clock that was passed in is not moved:
// whoever moved it calls Advance(0) to have it noticed at once.
func (w *Workspace) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	until := w.now().Add(d)
	for len(w.clock.tasks) > 0 && !w.clock.tasks[0].at.After(until) {
		t := w.clock.tasks[0]
		w.clock.tasks = w.clock.tasks[1:]
		w.clock.ahead += max(0, t.at.Sub(w.now()))
		t.do()
	}
	w.clock.ahead += max(0, until.Sub(w.now()))
	w.change()
}

// runClock does what comes due without anybody's help, until Close.
func (w *Workspace) runClock() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		w.mu.Lock()
		for len(w.clock.tasks) > 0 && !w.clock.tasks[0].at.After(w.now()) {
			t := w.clock.tasks[0]
			w.clock.tasks = w.clock.tasks[1:]
			t.do()
		}
		wait := time.Hour
		if len(w.clock.tasks) > 0 {
			wait = max(time.Millisecond, w.clock.tasks[0].at.Sub(w.now()))
		}
		w.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-w.clock.kick:
		case <-w.quit:
			return
		}
	}
}

// bucket is a token bucket on the workspace's clock.
type bucket struct {
	tokens float64
	filled time.Time
}

// early is the part of a token that is enough for one: requests that leave a
// second apart may arrive a little closer together. The pace stays what it is.
const early = 0.75

// take takes a token and returns zero, or returns how long to wait for one.
func (b *bucket) take(now time.Time, burst int, every time.Duration) time.Duration {
	if b.filled.IsZero() {
		b.tokens = float64(burst)
	} else {
		b.tokens = min(float64(burst), b.tokens+float64(now.Sub(b.filled))/float64(every))
	}
	b.filled = now
	if b.tokens >= early {
		b.tokens--
		return 0
	}
	return time.Duration((1 - b.tokens) * float64(every))
}

// limited returns how long the caller has to wait before it may do what name
// names once more; zero means it may now. It needs w.mu.
func (w *Workspace) limited(name string, burst int, every time.Duration) time.Duration {
	b := w.buckets[name]
	if b == nil {
		b = &bucket{}
		w.buckets[name] = b
	}
	return b.take(w.now(), burst, every)
}
