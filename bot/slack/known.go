package slack

import "sync"

// maxKnown bounds what is remembered of people, messages and channels each.
const maxKnown = 10_000

// known remembers the newest things by name. When there are too many it forgets
// the older half: whatever it is asked for can be found out again, or does not
// matter any more. The zero value is ready.
type known[V any] struct {
	mu       sync.Mutex
	new, old map[string]V
}

func (k *known[V]) get(name string) (V, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.look(name)
}

// look returns what is remembered. The caller holds k.mu.
func (k *known[V]) look(name string) (V, bool) {
	if v, ok := k.new[name]; ok {
		return v, true
	}
	v, ok := k.old[name]
	return v, ok
}

func (k *known[V]) put(name string, v V) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set(name, v)
}

// set remembers v. The caller holds k.mu.
func (k *known[V]) set(name string, v V) {
	if k.new == nil || len(k.new) >= maxKnown/2 {
		k.new, k.old = map[string]V{}, k.new
	}
	k.new[name] = v
}

// getOr returns what is remembered, or remembers what f makes.
func (k *known[V]) getOr(name string, f func() V) V {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.look(name)
	if !ok {
		v = f()
		k.set(name, v)
	}
	return v
}

// drop forgets one thing.
func (k *known[V]) drop(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.new, name)
	delete(k.old, name)
}
