package intake

import (
	"context"
	"time"
)

// Drain is how long what was taken may still be handled when the bot stops.
const Drain = 10 * time.Second

// last is how long, after that, those may be told for whom there was no time.
const last = 5 * time.Second

// Work is what an adapter has taken on: what people did, in turns, and tasks
// beside that. It ends in two steps, so that whoever it has no time for can be
// told.
type Work struct {
	queue       Queue
	tasks       Tasks
	time, late  context.Context
	stop, leave context.CancelFunc
}

// NewWork returns work of which there is none yet.
func NewWork() *Work {
	w := &Work{}
	w.time, w.stop = context.WithCancel(context.Background())
	w.late, w.leave = context.WithCancel(context.Background())
	return w
}

// Time is the context of handling something. It ends when there is no more time.
func (w *Work) Time() context.Context { return w.time }

// Late is the context of telling somebody so. It ends a little later.
func (w *Work) Late() context.Context { return w.late }

// Push is [Queue.Push].
func (w *Work) Push(person string, task func()) (start func(), ok bool) {
	return w.queue.Push(person, task)
}

// Run runs f beside the queue, unless no more is taken on.
func (w *Work) Run(f func(ctx context.Context)) {
	w.tasks.Run(func() { f(w.time) })
}

// End takes nothing on any more, and waits for what was, as long as drain and a
// little longer.
func (w *Work) End(drain time.Duration) {
	w.queue.Close()
	stop, leave := time.AfterFunc(drain, w.stop), time.AfterFunc(drain+last, w.leave)
	w.queue.Wait()
	w.tasks.Wait()
	stop.Stop()
	leave.Stop()
	w.stop()
	w.leave()
}
