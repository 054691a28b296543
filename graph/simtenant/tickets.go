package simtenant

import (
	"crypto/rand"
	"sync"
)

// tickets stand for what the sign-in service remembers of people: random words
// that only their holders know.
type tickets[T any] struct {
	mu   sync.Mutex
	list map[string]T
}

// maxTickets is how many of a kind may be out. With one more all are void: a
// simulated tenant has no need to be fair.
const maxTickets = 10000

func (k *tickets[T]) keep(v T) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.list == nil || len(k.list) >= maxTickets {
		k.list = map[string]T{}
	}
	word := rand.Text() + rand.Text()
	k.list[word] = v
	return word
}

// look returns what a ticket stands for.
func (k *tickets[T]) look(word string) (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.list[word]
	return v, ok
}

// take is look for a ticket that is good once.
func (k *tickets[T]) take(word string) (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.list[word]
	delete(k.list, word)
	return v, ok
}
