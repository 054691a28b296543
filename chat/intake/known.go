package intake

import "sync"

// MaxKnown bounds what is remembered of one kind.
const MaxKnown = 10_000

// Known remembers the newest things by name. When there are too many it forgets
// the older half: whatever it is asked for can be found out again, or does not
// matter any more. The zero value is ready.
type Known[V any] struct {
	mu       sync.Mutex
	new, old map[string]V
}

// Get returns what is remembered under a name.
func (k *Known[V]) Get(name string) (V, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.look(name)
}

// look returns what is remembered. The caller holds k.mu.
func (k *Known[V]) look(name string) (V, bool) {
	if v, ok := k.new[name]; ok {
		return v, true
	}
	v, ok := k.old[name]
	return v, ok
}

// Put remembers v.
func (k *Known[V]) Put(name string, v V) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set(name, v)
}

// set remembers v. The caller holds k.mu.
func (k *Known[V]) set(name string, v V) {
	if k.new == nil || len(k.new) >= MaxKnown/2 {
		k.new, k.old = map[string]V{}, k.new
	}
	k.new[name] = v
}

// GetOr returns what is remembered, or remembers what f makes.
func (k *Known[V]) GetOr(name string, f func() V) V {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.look(name)
	if !ok {
		v = f()
		k.set(name, v)
	}
	return v
}

// Drop forgets one thing.
func (k *Known[V]) Drop(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.new, name)
	delete(k.old, name)
}
