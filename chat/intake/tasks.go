package intake

import "sync"

// Tasks are what runs beside the queue. The zero value is ready.
type Tasks struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Run runs f by the side, unless no more tasks are taken.
func (t *Tasks) Run(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.running.Go(f)
	}
}

// Wait takes no more tasks and waits for those that run.
func (t *Tasks) Wait() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.running.Wait()
}
