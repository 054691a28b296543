// Package intake is what an adapter takes in what people do with: turns among
// those who speak, tasks beside them, and what is remembered of either.
package intake

import "sync"

// Limits of what waits to be handled. One person's hundred clicks wait behind
// each other and take one worker at most; what exceeds the limits is turned
// away, and the person is told where Slack lets us.
const (
	workers   = 16
	perPerson = 20
	inAll     = 2000
)

// Queue runs tasks: those of one person one after the other, in the order of
// their arrival, and those of different persons side by side, taking turns.
// The zero value is ready.
type Queue struct {
	mu      sync.Mutex
	closed  bool
	waiting map[string][]func() // by person
	busy    map[string]bool     // persons in turns, or with a running task
	turns   []string            // persons whose next task may start
	total   int
	working int
	running sync.WaitGroup
}

// Push adds a task and reports whether there was room for it. It never blocks.
// The task may begin once start was called, which has to be done: so that
// whoever delivered it can be told first.
func (q *Queue) Push(person string, task func()) (start func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.total >= inAll || len(q.waiting[person]) >= perPerson {
		return nil, false
	}
	if q.waiting == nil {
		q.waiting, q.busy = map[string][]func(){}, map[string]bool{}
	}
	q.waiting[person] = append(q.waiting[person], task)
	q.total++
	if q.busy[person] {
		return func() {}, true
	}
	q.busy[person] = true
	q.turns = append(q.turns, person)
	if q.working >= workers {
		return func() {}, true
	}
	q.working++
	q.running.Add(1)
	return func() {
		go func() {
			defer q.running.Done()
			q.work()
		}()
	}, true
}

// work runs tasks until none may start.
func (q *Queue) work() {
	for {
		person, task := q.next()
		if task == nil {
			return
		}
		task()
		q.done(person)
	}
}

func (q *Queue) next() (person string, task func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turns) == 0 {
		q.working--
		return "", nil
	}
	person, q.turns = q.turns[0], q.turns[1:]
	task, q.waiting[person] = q.waiting[person][0], q.waiting[person][1:]
	q.total--
	return person, task
}

func (q *Queue) done(person string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting[person]) > 0 {
		q.turns = append(q.turns, person)
		return
	}
	delete(q.waiting, person)
	delete(q.busy, person)
}

// Close takes no more tasks; what was taken is still run.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// Wait waits until what was taken has run.
func (q *Queue) Wait() { q.running.Wait() }
