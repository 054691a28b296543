package simtenant

import (
	"sync"
	"sync/atomic"
	"time"
)

// heldMost is the number of people up to which every account is kept. In a
// larger tenant they are made anew whenever somebody looks at them.
const heldMost = 20_000

// drawn is a population of which only the accounts that everybody knows are
// kept. All others follow from their index, their names too: an account's
// object id is its index in disguise, and its addresses end in it.
type drawn struct {
	world  *world
	people int
	knots  []knot
	curve  curve
	// special are the cast and the fixtures, at the indices from 0 on; persons,
	// leavers and guests follow, in this order.
	special *held
	roles   map[int][]string // of those persons who were given one
	recent  [recentAccounts]atomic.Pointer[remembered]

	mu          sync.Mutex
	since, till time.Time
	plan        []planned // between since and till, by time
}

// remembered is an account that was made not long ago. Several readers of one
// account come in a row, and a sweep never comes back.
type remembered struct {
	i int
	a *account
}

const recentAccounts = 256

// draw makes the population of a large tenant, and hands out the roles.
func draw(w *world, people int) *drawn {
	g := &generator{world: w, taken: map[string]int{}}
	g.cast()
	g.fixtures()
	d := &drawn{world: w, people: people, knots: rollout(w.seed), curve: newCurve(), special: hold(g.accounts), roles: map[int][]string{}}
	for _, m := range Cast(w.seed) {
		i := d.special.ids[m.ObjectID]
		d.special.accounts[i].roles = castRoles[m.ID]
	}
	d.appoint()
	return d
}

// searched is among how many persons a large tenant's administrators are
// found: it has no more of them than a middling one.
const searched = 3000

func (d *drawn) appoint() {
	w := d.world
	desk, everybody := w.newGroups()
	everybody.everyPerson = d
	for i := range d.special.size() + searched {
		a := d.account(i)
		if w.administers(a) {
			next := *a
			w.appoint(i, &next, &desk)
			if next.isAdmin() {
				d.roles[i] = next.roles
				d.recent[i%recentAccounts].Store(nil)
				a = &next
			}
		}
		w.holdRoles(i, a)
	}
	w.groups = []group{desk, everybody}
	w.holdOtherRoles(desk)
}

func (d *drawn) size() int     { return d.firstGuest() + guestsOf(d.people) }
func (d *drawn) ordinary() int { return d.special.size() }
func (d *drawn) persons() int  { return d.people }

func (d *drawn) firstLeaver() int { return d.special.size() + d.people - castSize }
func (d *drawn) firstGuest() int  { return d.firstLeaver() + leaversOf(d.people) }

func (d *drawn) person(n int) int {
	if n < castSize {
		return d.special.person(n)
	}
	return d.special.size() + n - castSize
}

func (d *drawn) account(i int) *account {
	if i < d.special.size() {
		return d.special.account(i)
	}
	slot := &d.recent[i%recentAccounts]
	if r := slot.Load(); r != nil && r.i == i {
		return r.a
	}
	a := d.make(i)
	slot.Store(&remembered{i, a})
	return a
}

// make makes an account by its index.
func (d *drawn) make(i int) *account {
	var a account
	switch g := (&generator{world: d.world, index: i}); {
	case i >= d.firstGuest():
		a = g.guest(i - d.firstGuest())
	case i >= d.firstLeaver():
		a = g.leaver(i - d.firstLeaver())
	default:
		a = g.person(i - d.special.size() + castSize)
		d.license(&a)
		g.registerAt(&a, d.knots, d.curve.share(d.world.lateness(&a)))
		a.roles = d.roles[i]
	}
	a.id = d.id(i)
	return &a
}

// license decides who holds a licence, such that they can be counted.
func (d *drawn) license(a *account) {
	has := (a.number*37+int(d.world.seed%100))%100 >= unlicensedPercent
	switch {
	case !has:
		a.mail = ""
	case !a.licensed:
		a.mail = a.upn
	}
	a.licensed = has
}

// unlicensedPercent is how many in a hundred persons have no licence.
const unlicensedPercent = 3

func (d *drawn) licensed() int {
	n := d.special.licensed()
	whole := (d.people - castSize) / 100 * 100
	n += whole / 100 * (100 - unlicensedPercent)
	for number := castSize + whole; number < d.people; number++ {
		a := account{number: number}
		if d.license(&a); a.licensed {
			n++
		}
	}
	return n
}
