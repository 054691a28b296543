package simtenant

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"twokey/graph"
)

// population is the accounts of a world as they were made. What became of them
// is in the [roster]; an account that is handed out here is never modified.
type population interface {
	// size is the number of accounts; their indices are 0 to size-1.
	size() int
	// account returns an account by its index.
	account(i int) *account
	// byID finds an account by its object id, in lower case.
	byID(id string) (int, bool)
	// byName finds an account by its UPN, in lower case.
	byName(upn string) (int, bool)
	// byMail finds an account by its mail address, in lower case.
	byMail(address string) (int, bool)
	// persons is how many of the accounts are persons, and person returns the
	// index of the n-th of them.
	persons() int
	person(n int) int
	// licensed is how many of the accounts hold a licence.
	licensed() int
	// ordinary is an index from which on there are persons, leavers and guests
	// only, of whom the world knows nothing in particular.
	ordinary() int
	// registrations are the methods that people come to hold between two moments,
	// passwords apart, in no particular order.
	registrations(since, until time.Time) iter.Seq[planned]
}

// planned is a method that an account holds from a moment on without anybody
// asking for it: the k-th of the i-th account.
type planned struct {
	at   time.Time
	i, k int
}

// held is a population of which every account is kept, in the order of ids.
type held struct {
	accounts []account
	ids      map[string]int
	upns     map[string]int // lower-case
	mails    map[string]int // lower-case
	numbers  []int          // index of each person, by number

	once sync.Once
	plan []planned // of all accounts, by time; made when the log is first read
}

func hold(accounts []account) *held {
	slices.SortFunc(accounts, func(a, b account) int { return strings.Compare(a.id, b.id) })
	n := len(accounts)
	h := &held{accounts: accounts, ids: make(map[string]int, n), upns: make(map[string]int, n), mails: make(map[string]int, n)}
	for i := range accounts {
		a := &accounts[i]
		h.ids[a.id] = i
		h.upns[strings.ToLower(a.upn)] = i
		if a.mail != "" {
			h.mails[strings.ToLower(a.mail)] = i
		}
		if a.kind == person {
			h.numbers = append(h.numbers, i)
		}
	}
	slices.SortFunc(h.numbers, func(a, b int) int { return cmp.Compare(accounts[a].number, accounts[b].number) })
	return h
}

func (h *held) size() int                         { return len(h.accounts) }
func (h *held) account(i int) *account            { return &h.accounts[i] }
func (h *held) byID(id string) (i int, ok bool)   { i, ok = h.ids[id]; return i, ok }
func (h *held) byName(u string) (i int, ok bool)  { i, ok = h.upns[u]; return i, ok }
func (h *held) byMail(ad string) (i int, ok bool) { i, ok = h.mails[ad]; return i, ok }
func (h *held) persons() int                      { return len(h.numbers) }
func (h *held) person(n int) int                  { return h.numbers[n] }
func (h *held) ordinary() int                     { return len(h.accounts) }

func (h *held) licensed() int {
	n := 0
	for i := range h.accounts {
		if h.accounts[i].licensed {
			n++
		}
	}
	return n
}

func (h *held) registrations(since, until time.Time) iter.Seq[planned] {
	h.once.Do(h.layOut)
	from, _ := slices.BinarySearchFunc(h.plan, since, func(p planned, at time.Time) int { return p.at.Compare(at) })
	return func(yield func(planned) bool) {
		for _, p := range h.plan[from:] {
			if p.at.After(until) || !yield(p) {
				return
			}
		}
	}
}

func (h *held) layOut() {
	for i := range h.accounts {
		for k, m := range h.accounts[i].methods {
			if m.kind != graph.MethodPassword {
				h.plan = append(h.plan, planned{m.created, i, k})
			}
		}
	}
	slices.SortFunc(h.plan, func(a, b planned) int { return a.at.Compare(b.at) })
}

// everyone is how many accounts are there: those of the world, less the ones
// that went and with the ones that came.
func (v *view) everyone() int {
	made := v.t.world.people.size()
	n := made
	for _, i := range v.t.roster.changed(v.changes) {
		switch _, there := v.account(i); {
		case i < made && !there:
			n--
		case i >= made && there:
			n++
		}
	}
	return n
}

// changed are the accounts among the first n changes.
func (r *roster) changed(n int) []int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var list []int
	for _, e := range r.log[:n] {
		list = append(list, e.who)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
