package graphtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"twokey/graph"
)

// A step is one request that changes something.
type step func(graph.Writer, context.Context) (graph.Receipt, error)

// A change is one that can be undone. Its undoing sets what was before, so that
// it may be done twice.
type change struct {
	what            string
	change, undo    step
	changed, undone func(context.Context) (bool, error)
	// mayBe reports that the change got no clear answer and that undo has to be
	// shown first, by changed, what there is to undo; nil if it never has to.
	mayBe func() bool
}

// thereAndBack makes a change and puts it back, both seen by the reader. However
// the test ends in between, its cleanup puts it back: it is there before the
// change is sent, because a change without a clear answer may have happened.
func (f Fixture) thereAndBack(t testing.TB, c change) {
	t.Helper()
	open := true
	t.Cleanup(func() {
		if open {
			f.putBack(t, c)
		}
	})
	f.once(t, "change: "+c.what, func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
		receipt, err := c.change(w, ctx)
		open = !surelyNot(err)
		return receipt, err
	})
	f.sees(t, "change: "+c.what, c.changed)
	f.once(t, "put back: "+c.what, c.undo)
	open = !f.sees(t, "put back: "+c.what, c.undone)
}

// surelyNot reports whether an error says that nothing happened.
func surelyNot(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.NotApplied()
}

// putBack undoes a change after the test failed. It does not give up at the
// first error, nor believe an answer that no reading confirms: nobody else would
// put it back.
func (f Fixture) putBack(t testing.TB, c change) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Minute)
	defer cancel()
	if c.mayBe != nil && c.mayBe() {
		if found, err := f.poll(ctx, c.changed); !found && err == nil {
			t.Logf("%s: the change got no clear answer and was never seen", c.what)
			return
		}
	}
	var undoing, reading error
	for range 5 {
		if _, undoing = c.undo(f.Writer, ctx); undoing == nil || isGone(undoing) {
			var undone bool
			if undone, reading = f.poll(ctx, c.undone); undone {
				t.Logf("%s: put back at the end", c.what)
				return
			}
		}
		if !wait(ctx) {
			break
		}
	}
	t.Errorf("%s of the test user %s is not as before, put it back by hand: %v", c.what, f.TestUser, errors.Join(undoing, reading))
}

func isGone(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Kind == graph.KindNotFound
}

// sees wants a change to be seen.
func (f Fixture) sees(t testing.TB, what string, seen func(context.Context) (bool, error)) bool {
	t.Helper()
	ok, err := f.poll(t.Context(), seen)
	if !ok {
		t.Errorf("%s: not seen, the last reading's error is %v", what, err)
	}
	return ok
}

// poll reads until something is seen: at once, or in a real tenant within
// minutes. The error is the last reading's.
func (f Fixture) poll(ctx context.Context, seen func(context.Context) (bool, error)) (ok bool, err error) {
	for range 60 {
		if ok, err = seen(ctx); ok || !f.Real || !wait(ctx) {
			break
		}
	}
	return ok, err
}

// wait lets some seconds pass; false if the context ended.
func wait(ctx context.Context) bool {
	select {
	case <-time.After(3 * time.Second):
		return true
	case <-ctx.Done():
		return false
	}
}
