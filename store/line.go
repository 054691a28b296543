package store

import (
	"errors"
	"slices"
	"sync"

	"twokey/commands/approval"
)

// line is where callers wait who want to write, in the order in which they
// came. While any do, one goroutine works it off; with nobody there is none.
type line struct {
	mu      sync.Mutex
	waiting []*call
	last    int           // how many were taken last
	enough  chan struct{} // closed once as many wait again; nil if nobody wants to know
	work    chan struct{} // closed by the goroutine when it ends; nil if there is none
	closed  bool
}

// call is one caller in the line.
type call struct {
	want   approval.Ahead
	alone  bool        // nobody else may be in its transaction
	turn   chan *batch // the transaction, when it is the caller's turn in it
	result chan error  // how that ended, nil if it is stored
}

var errClosed = errors.New("the store is closed")

// join puts c last, and starts work if nothing is at work.
func (l *line) join(c *call, work func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	c.turn, c.result = make(chan *batch, 1), make(chan error, 1)
	l.waiting = append(l.waiting, c)
	if l.enough != nil && len(l.waiting) >= l.last {
		close(l.enough)
		l.enough = nil
	}
	if l.work == nil {
		l.work = make(chan struct{})
		go work()
	}
	return nil
}

// leave takes c out, unless its transaction has begun.
func (l *line) leave(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting, c)
	if i < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	return true
}

// more reports whether anybody waits. If not, the goroutine at work ends.
func (l *line) more() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 {
		return true
	}
	close(l.work)
	l.work = nil
	return false
}

// wants returns what the first n who wait want, so far.
func (l *line) wants(n int) map[*call]approval.Ahead {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[*call]approval.Ahead{}
	for _, c := range l.waiting[:min(n, len(l.waiting))] {
		all[c] = c.want
	}
	return all
}

// take takes the first out who may be in one transaction, n at most.
func (l *line) take(n int) []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, len(l.waiting))
	if i := slices.IndexFunc(l.waiting[:n], func(c *call) bool { return c.alone }); i >= 0 {
		n = max(i, 1)
	}
	first := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.last = n
	return first
}

// again is closed once as many wait as were taken last.
func (l *line) again() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	enough := make(chan struct{})
	if len(l.waiting) >= l.last {
		close(enough)
	} else {
		l.enough = enough
	}
	return enough
}

// back puts calls in front again, because they had no turn.
func (l *line) back(calls []*call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.Concat(calls, l.waiting)
}

// close lets nobody in any more, and waits until the line is empty.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	work := l.work
	l.mu.Unlock()
	if work != nil {
		<-work
	}
}
