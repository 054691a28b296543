package simtenant

import (
	"cmp"
	"iter"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"twokey/graph"
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

// id disguises an index as a GUID whose last twelve digits lead back to it.
func (d *drawn) id(i int) string {
	x := d.disguise(uint64(i))
	return formatGUID(mix(d.world.seed^x), mix(d.world.seed+x)&^idMask|x)
}

// idMask covers the part of an id that stands for the index.
const idMask = 1<<48 - 1

// disguise and reveal are a Feistel network over 48 bits and its inverse.
func (d *drawn) disguise(x uint64) uint64 {
	left, right := x>>24, x&halfMask
	for k := range uint64(feistelRounds) {
		left, right = right, left^d.round(k, right)
	}
	return left<<24 | right
}

func (d *drawn) reveal(x uint64) uint64 {
	left, right := x>>24, x&halfMask
	for k := uint64(feistelRounds); k > 0; k-- {
		left, right = right^d.round(k-1, left), left
	}
	return left<<24 | right
}

const (
	halfMask      = 1<<24 - 1
	feistelRounds = 4
)

func (d *drawn) round(k, half uint64) uint64 { return mix(d.world.seed+k<<32^half) & halfMask }

func (d *drawn) byID(id string) (int, bool) {
	if i, ok := d.special.byID(id); ok {
		return i, true
	}
	if len(id) != 36 {
		return 0, false
	}
	x, err := strconv.ParseUint(id[24:], 16, 48)
	if err != nil {
		return 0, false
	}
	i := d.reveal(x)
	if i < uint64(d.special.size()) || i >= uint64(d.size()) || d.id(int(i)) != id {
		return 0, false
	}
	return int(i), true
}

func (d *drawn) byName(upn string) (int, bool) {
	if i, ok := d.special.byName(upn); ok {
		return i, true
	}
	return d.named(upn, func(a *account) string { return a.upn })
}

func (d *drawn) byMail(address string) (int, bool) {
	if i, ok := d.special.byMail(address); ok {
		return i, true
	}
	return d.named(address, func(a *account) string { return a.mail })
}

// named finds the account whose number stands at the end of a local part:
// before the @ of a member, before the home domain of a guest.
func (d *drawn) named(name string, of func(*account) string) (int, bool) {
	local, _, _ := strings.Cut(name, "@")
	local, _, _ = strings.Cut(local, "_")
	digits := local[len(strings.TrimRight(local, "0123456789")):]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, false
	}
	// Guests are numbered by themselves, from 1 on.
	for _, i := range []int{n, d.firstGuest() + n - 1} {
		if i >= d.special.size() && i < d.size() && strings.ToLower(of(d.account(i))) == name {
			return i, true
		}
	}
	return 0, false
}

// planAhead is for how long the methods to come are laid out at once.
const planAhead = 30 * day

// registrations looks through everybody, and remembers what it found for the
// next who asks: readers of the log go on from where they were.
func (d *drawn) registrations(since, until time.Time) iter.Seq[planned] {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.till.IsZero() || since.Before(d.since) || until.After(d.till) {
		d.layOut(since, until.Add(planAhead))
	}
	plan := d.plan
	from, _ := slices.BinarySearchFunc(plan, since, func(p planned, at time.Time) int { return p.at.Compare(at) })
	return func(yield func(planned) bool) {
		for _, p := range plan[from:] {
			if p.at.After(until) || !yield(p) {
				return
			}
		}
	}
}

func (d *drawn) layOut(since, till time.Time) {
	parts := make([][]planned, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for n := range parts {
		workers.Go(func() {
			from, to := d.size()*n/len(parts), d.size()*(n+1)/len(parts)
			for i := from; i < to; i++ {
				parts[n] = append(parts[n], d.planOf(i, since, till)...)
			}
		})
	}
	workers.Wait()
	plan := slices.Concat(parts...)
	slices.SortFunc(plan, func(a, b planned) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.i, b.i), cmp.Compare(a.k, b.k))
	})
	d.since, d.till, d.plan = since, till, plan
}

// planOf are the methods that one account comes to hold. It stays out of the
// remembered ones, which are for readers.
func (d *drawn) planOf(i int, since, till time.Time) (list []planned) {
	var a *account
	if i < d.special.size() {
		a = d.special.account(i)
	} else {
		a = d.make(i)
	}
	for k, m := range a.methods {
		if m.kind != graph.MethodPassword && !m.created.Before(since) && !m.created.After(till) {
			list = append(list, planned{m.created, i, k})
		}
	}
	return list
}

// curve is how lateness is spread over a large number of people: for each value
// the share of them that comes before it.
type curve struct {
	shares []float64
}

// The curve is kept at so many points between these bounds.
const (
	curvePoints = 4096
	curveFrom   = -6.0
	curveTo     = 6.0
)

func newCurve() curve {
	c := curve{make([]float64, curvePoints+1)}
	sum := 0.0
	for _, d := range departments {
		sum += d.share
	}
	for k := range c.shares {
		x := curveFrom + (curveTo-curveFrom)*float64(k)/curvePoints
		for _, d := range departments {
			// Lateness is a normal deviate less the pace of the department.
			c.shares[k] += d.share / sum * 0.5 * math.Erfc(-(x+d.value.pace)/math.Sqrt2)
		}
	}
	return c
}

func (c curve) share(lateness float64) float64 {
	at := (lateness - curveFrom) / (curveTo - curveFrom) * curvePoints
	at = min(max(at, 0), curvePoints-1e-9)
	k := int(at)
	return c.shares[k] + (c.shares[k+1]-c.shares[k])*(at-float64(k))
}
