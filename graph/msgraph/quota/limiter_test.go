package quota

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
)

// A queue of calls to one limiter, in simulated time.
type callers struct {
	t     *testing.T
	l     *Limiter
	start time.Time
	left  chan struct{}
	n     int
}

func newCallers(t *testing.T, limit Limit) *callers {
	return &callers{t: t, l: New(limit), start: time.Now(), left: make(chan struct{})}
}

// call lets somebody come now and expects that they go at the given moment
// after the start. Their answer comes at once.
func (c *callers) call(name string, ctx context.Context, cost int, want time.Duration) {
	c.t.Helper()
	c.n++
	go func() {
		defer func() { c.left <- struct{}{} }()
		g, wait := c.l.Acquire(ctx, cost)
		if got := time.Since(c.start); g == nil || got != want {
			c.t.Errorf("%s went after %v (grant %v, a wait of %v), want %v", name, got, g != nil, wait, want)
		}
		if g != nil {
			g.Settle(true)
		}
	}()
	synctest.Wait()
}

// turnedAway lets somebody come now and expects that they hear at once that
// they would have to wait so long.
func (c *callers) turnedAway(name string, ctx context.Context, cost int, want time.Duration) {
	c.t.Helper()
	before := time.Now()
	g, wait := c.l.Acquire(ctx, cost)
	if took := time.Since(before); g != nil || wait != want || took != 0 {
		c.t.Errorf("%s: grant %v and a wait of %v after %v, want %v at once", name, g != nil, wait, took, want)
	}
}

func (c *callers) done() {
	for range c.n {
		<-c.left
	}
	synctest.Wait()
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.l.running != 0 || len(c.l.people)+len(c.l.others) != 0 {
		c.t.Errorf("%d under way and %d waiting when all had left", c.l.running, len(c.l.people)+len(c.l.others))
	}
}

const s = time.Second

var fivePerTen = Limit{Units: 5, Window: 10 * s}

func TestLimiterKeepsToItsWindows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCallers(t, fivePerTen)
		c.call("the first three", t.Context(), 3, 0)
		time.Sleep(1 * s)
		c.call("the next two", t.Context(), 2, 1*s)
		time.Sleep(1 * s)
		c.call("one too many", t.Context(), 1, 10*s)
		c.call("three behind", t.Context(), 3, 11*s)
		hurried, cancel := context.WithTimeout(t.Context(), 9*s)
		defer cancel()
		c.turnedAway("in a hurry", hurried, 2, 18*s)
		c.call("who waits", t.Context(), 1, 11*s)
		c.call("more than a window holds", t.Context(), 9, 21*s)
		c.done()
	})
}

// TestPeopleComeFirst checks the order in which a full window empties.
func TestPeopleComeFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCallers(t, fivePerTen)
		background := graph.InBackground(t.Context())
		c.call("background 1", background, 1, 0)
		c.call("background 2", background, 1, 2500*time.Millisecond)
		c.call("background 3", background, 1, 5*s)
		c.call("background 4", background, 1, 7500*time.Millisecond)
		c.call("background 5", background, 1, 17500*time.Millisecond)
		time.Sleep(8 * s)
		c.call("person 1", t.Context(), 1, 8*s)
		c.call("person 2", t.Context(), 1, 10*s)
		c.call("person 3", t.Context(), 1, 12500*time.Millisecond)
		c.done()
	})
}

// TestRefusalClosesTheBudget checks what a 429 means for everybody: it is
// closed for as long as Graph asks, and a little more by chance; then units are
// spread evenly for a window.
func TestRefusalClosesTheBudget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		wait     time.Duration
		min, max time.Duration // of the closing
	}{
		{"with a time", 20 * s, 20 * s, 21 * s},
		{"without a time", 0, s, 1100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCallers(t, fivePerTen)
				c.l.Throttled(time.Now(), tt.wait)
				hurried, cancel := context.WithTimeout(t.Context(), tt.min-1)
				defer cancel()
				if g, wait := c.l.Acquire(hurried, 1); g != nil || wait < tt.min || wait > tt.max {
					t.Errorf("somebody in a hurry: grant %v and a wait of %v, want %v to %v", g != nil, wait, tt.min, tt.max)
				}
				var went []time.Duration
				for range 4 {
					g, _ := c.l.Acquire(t.Context(), 1)
					went = append(went, time.Since(c.start))
					g.Settle(true)
				}
				if went[0] < tt.min || went[0] > tt.max {
					t.Errorf("the first one went after %v, want %v to %v", went[0], tt.min, tt.max)
				}
				for i, at := range went[1:] {
					if at-went[i] != 2*s {
						t.Errorf("call %d came %v after the one before, want 2s", i+1, at-went[i])
					}
				}
			})
		})
	}
}

// TestRefusalSendsTheHurriedAway checks that who waits hears at once when the
// budget closes beyond their time.
func TestRefusalSendsTheHurriedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(fivePerTen)
		first, _ := l.Acquire(t.Context(), 5)
		ctx, cancel := context.WithTimeout(t.Context(), 30*s)
		defer cancel()
		heard := make(chan time.Duration)
		go func() {
			if g, wait := l.Acquire(ctx, 1); g == nil {
				heard <- wait
			}
		}()
		time.Sleep(s)
		l.Throttled(first.At, time.Minute)
		first.Settle(false)
		if wait := <-heard; wait < time.Minute || wait > 62*s {
			t.Errorf("who waited heard of %v, want a minute and a little", wait)
		}
	})
}

// TestGivingUp checks that who goes away leaves no trace, not even where the
// grant comes at that moment.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCallers(t, fivePerTen)
		w := &waiter{cost: 5, ready: make(chan struct{})}
		c.l.enqueue(w, time.Now())
		if g, _ := c.l.leave(w, true); w.grant == nil || g != nil {
			t.Errorf("granted %v and left with a grant %v, want a grant and to leave without", w.grant != nil, g != nil)
		}
		c.call("who finds the window untouched", t.Context(), 3, 0)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*s, cancel)
		gone := make(chan bool)
		go func() {
			g, _ := c.l.Acquire(ctx, 5)
			gone <- g == nil && time.Since(c.start) == 5*s
		}()
		synctest.Wait()
		c.call("who was behind them", t.Context(), 2, 5*s)
		if !<-gone {
			t.Error("who gave up got a grant, or did not hear at once")
		}
		c.done()
	})
}

// TestFewAtOnce checks that a budget of requests under way is one.
func TestFewAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Limit{Units: 30, Window: time.Minute, AtOnce: 2})
		start := time.Now()
		went := make(chan time.Duration)
		for range 5 {
			go func() {
				g, _ := l.Acquire(t.Context(), 1)
				went <- time.Since(start)
				time.Sleep(3 * s)
				g.Settle(true)
			}()
		}
		for i, want := range []time.Duration{0, 0, 3 * s, 3 * s, 6 * s} {
			if got := <-went; got != want {
				t.Errorf("call %d went after %v, want %v", i, got, want)
			}
		}
		time.Sleep(time.Minute)
	})
}

// TestUnlimited checks that only Graph's own word holds calls back.
func TestUnlimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCallers(t, Unlimited)
		for range 200 {
			c.call("a call", graph.InBackground(t.Context()), 20, 0)
		}
		c.l.Throttled(time.Now(), s)
		ctx, cancel := context.WithTimeout(t.Context(), s/2)
		defer cancel()
		if g, wait := c.l.Acquire(ctx, 1); g != nil || wait < s {
			t.Errorf("grant %v and a wait of %v after Graph asked for a second", g != nil, wait)
		}
		c.done()
	})
}

// TestLearning follows a limit that nobody knows: up while windows are used,
// down to half at a refusal, then no further than nine tenths of what had been
// let through, and after a while beyond.
func TestLearning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Limit{Units: 200, Window: 10 * s, Learns: true})
		use := func(units int) (most int) {
			start := time.Now()
			for spent := 0; spent+20 <= units; spent += 20 {
				g, _ := l.Acquire(t.Context(), 20)
				g.Settle(true)
			}
			time.Sleep(10*s - time.Since(start))
			return l.Most(false)
		}
		for window, want := range []int{200, 220, 242, 266} {
			if got := use(want); got != want {
				t.Errorf("in window %d: got a limit of %d, want %d", window, got, want)
			}
		}
		if got := use(100); got != 292 {
			t.Errorf("after four full windows: got a limit of %d, want 292", got)
		}
		if got := use(100); got != 292 {
			t.Errorf("after a window that was not used: got a limit of %d, want the same", got)
		}
		for range 13 {
			g, _ := l.Acquire(t.Context(), 20)
			g.Settle(true)
		}
		l.Throttled(time.Now(), s)
		if got := l.Most(false); got != 146 {
			t.Errorf("after a refusal: got a limit of %d, want half of 292", got)
		}
		for range 20 {
			if got := use(l.Most(false)); got > 234 {
				t.Fatalf("after a refusal at 260: got a limit of %d, want no more than nine tenths", got)
			}
		}
		if got := l.Most(false); got != 234 {
			t.Errorf("long after a refusal at 260: got a limit of %d, want nine tenths", got)
		}
		time.Sleep(relearn)
		for range 3 {
			use(l.Most(false))
		}
		if got := l.Most(false); got <= 234 {
			t.Errorf("very long after a refusal: got a limit of %d, want more than before", got)
		}
	})
}
