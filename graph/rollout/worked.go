package rollout

import (
	"maps"
	"slices"
	"sync"
	"time"

	"twokey/graph"
)

// ForMany returns facts that many will ask about: what follows from all accounts
// is worked out when the first does, and not again for each. Their sources must
// not be replaced afterwards; what is declared may be.
func (f Facts) ForMany() Facts {
	f.worked = &worked{}
	return f
}

// Among returns facts in which there are those accounts alone that are to be kept.
// What was never read stays so.
func (f Facts) Among(keep func(graph.User) bool) Facts {
	users, ok := f.Users.Get()
	if !ok {
		return f
	}
	f.worked = nil
	f.Users = From(slices.DeleteFunc(slices.Clone(users), func(u graph.User) bool { return !keep(u) }), nil)
	return f
}

// worked is what follows from facts. Those who share it change nothing in it.
type worked struct {
	mu    sync.Mutex
	fill  *filler // for any scope
	scope Scope   // for which the rest is, that which was asked about last
	pop   *population
	fn    *Funnel
	looks *[]Suggestion
}

// filler returns the filler of the facts.
func (w *worked) filler(f Facts) filler {
	if w == nil {
		return newFiller(f)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fill == nil {
		fill := newFiller(f)
		w.fill = &fill
	}
	return *w.fill
}

// population returns who counts in a whole scope.
func (w *worked) population(f Facts, whole Scope) population {
	return forScope(w, whole, func(w *worked) **population { return &w.pop }, func() population {
		return populate(f, whole, w.filler(f))
	})
}

// forScope returns what is kept in a slot for a whole scope, or works it out.
// Two who ask at the same time may both do so.
func forScope[T any](w *worked, whole Scope, slot func(*worked) **T, work func() T) T {
	if w == nil {
		return work()
	}
	w.mu.Lock()
	if !w.scope.equal(whole) {
		w.scope, w.pop, w.fn, w.looks = whole, nil, nil, nil
	}
	known := *slot(w)
	w.mu.Unlock()
	if known != nil {
		return *known
	}
	result := work()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.scope.equal(whole) {
		*slot(w) = &result
	}
	return result
}

// clipped is a funnel to whose lists can be added.
func (fn Funnel) clipped() Funnel {
	fn.Figures, fn.Departments = slices.Clip(fn.Figures), slices.Clip(fn.Departments)
	return fn
}

func (s Scope) equal(other Scope) bool {
	return maps.Equal(s.Declared, other.Declared) && maps.EqualFunc(s.Exceptions, other.Exceptions, time.Time.Equal)
}
