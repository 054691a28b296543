package simtenant

import (
	"iter"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// roster is what became of the accounts since the world was made. It holds
// those that changed and no others, so that a change costs the same in a
// tenant of a million as in one of ten.
type roster struct {
	mu    sync.RWMutex
	log   []edition
	of    map[int][]int    // account → its places in the log, oldest first
	ids   map[string]int   // accounts that changed or were hired, by id
	top   int              // one more than the largest index
	names map[string][]int // lower-case UPNs and addresses that accounts have had since
}

// edition is what an account is from a moment on.
type edition struct {
	at      time.Time
	who     int      // index of the account; beyond the world's own for one that was hired
	account *account // never modified
	gone    bool     // deleted; the account is what it was before
	// touched are the properties of the user that changed. None did where only
	// a method came or went: to /users/delta that is no change of the user.
	touched []string
}

// add appends what happened at one moment.
func (r *roster) add(list []edition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of, r.ids, r.names = map[int][]int{}, map[string]int{}, map[string][]int{}
	}
	for _, e := range list {
		if len(r.of[e.who]) == 0 {
			r.ids[e.account.id] = e.who
		}
		r.top = max(r.top, e.who+1)
		r.of[e.who] = append(r.of[e.who], len(r.log))
		r.log = append(r.log, e)
		for _, name := range e.account.addresses() {
			if name = strings.ToLower(name); !slices.Contains(r.names[name], e.who) {
				r.names[name] = append(r.names[name], e.who)
			}
		}
	}
}

// addresses are all names by which an account can be looked up.
func (a *account) addresses() []string {
	list := []string{a.upn, a.mail}
	for _, other := range a.reached().others {
		if s, ok := other.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

// seen returns how many changes had been made by a moment.
func (r *roster) seen(at time.Time) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return sort.Search(len(r.log), func(k int) bool { return r.log[k].at.After(at) })
}

// last returns the newest edition of an account among the first n changes.
func (r *roster) last(who, n int) (edition, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	places := r.of[who]
	k := sort.Search(len(places), func(k int) bool { return places[k] >= n })
	if k == 0 {
		return edition{}, false
	}
	return r.log[places[k-1]], true
}

// change returns the change number k, whether it is its account's newest among
// the first n, and what was touched of the account since change number from.
func (r *roster) change(k, from, n int) (e edition, touched []string, newest bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e = r.log[k]
	places := r.of[e.who]
	next := sort.SearchInts(places, k+1)
	if next < len(places) && places[next] < n {
		return e, nil, false
	}
	for _, place := range places[sort.SearchInts(places, from):next] {
		touched = append(touched, r.log[place].touched...)
	}
	return e, touched, true
}

// length is how many changes there are.
func (r *roster) length() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.log)
}

// byID returns the index of an account that was changed or hired.
func (r *roster) byID(id string) (int, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i, ok := r.ids[id]
	return i, ok
}

// named returns the accounts that have had a name or an address since they
// were made; which of them has it now is for the caller to see.
func (r *roster) named(name string) []int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return append([]int(nil), r.names[name]...)
}

// accountAfter returns an account as it was after the first n changes; false if
// it was not there.
func (v *view) accountAfter(i, n int) (*account, bool) {
	if n > 0 {
		if e, ok := v.t.roster.last(i, n); ok {
			return e.account, !e.gone
		}
	}
	if i >= v.t.world.people.size() {
		return nil, false
	}
	return v.t.world.people.account(i), true
}

// account returns an account by its index; false if it is not there, or not
// yet, or no longer.
func (v *view) account(i int) (*account, bool) { return v.accountAfter(i, v.changes) }

// accountAt returns an account as it was at an earlier moment.
func (v *view) accountAt(i int, at time.Time) (*account, bool) {
	if v.changes == 0 || !at.Before(v.now) {
		return v.account(i)
	}
	return v.accountAfter(i, min(v.changes, v.t.roster.seen(at)))
}

// find returns the index of a user by object id or UPN, as Graph's /users/{id}
// does.
func (v *view) find(idOrUPN string) (int, bool) {
	key := strings.ToLower(idOrUPN)
	i, ok := v.t.world.people.byID(key)
	if !ok && v.changes > 0 {
		i, ok = v.t.roster.byID(key)
	}
	if ok {
		_, ok = v.account(i)
		return i, ok
	}
	return v.called(key, v.t.world.people.byName, func(a *account) string { return a.upn })
}

// byMail returns the index of a user by the mail address.
func (v *view) byMail(address string) (int, bool) {
	return v.called(strings.ToLower(address), v.t.world.people.byMail, func(a *account) string { return a.mail })
}

// called finds the account that has a name now: the one that was made with it,
// or one that was given it since.
func (v *view) called(key string, made func(string) (int, bool), name func(*account) string) (int, bool) {
	has := func(i int) bool {
		a, ok := v.account(i)
		return ok && strings.EqualFold(name(a), key)
	}
	if i, ok := made(key); ok && has(i) {
		return i, true
	}
	if v.changes == 0 {
		return 0, false
	}
	for _, i := range v.t.roster.named(key) {
		if has(i) {
			return i, true
		}
	}
	return 0, false
}

// exists reports whether there is a user of this object id.
func (v *view) exists(id string) bool {
	i, ok := v.find(id)
	if !ok {
		return false
	}
	a, _ := v.account(i)
	return sameID(a.id, id)
}

// accounts walks all accounts that are there, from the given index on.
func (v *view) accounts(from int) iter.Seq2[int, *account] {
	n := max(v.t.world.people.size(), v.t.roster.size())
	return func(yield func(int, *account) bool) {
		for i := max(from, 0); i < n; i++ {
			if a, ok := v.account(i); ok && !yield(i, a) {
				return
			}
		}
	}
}

// size is one more than the largest index of an account that changed.
func (r *roster) size() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.top
}
