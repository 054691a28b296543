package simtenant

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"twokey/graph"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// accountKind tells the accounts of the tenant apart.
type accountKind int

const (
	person    accountKind = iota
	leaver                // a disabled member
	guest                 // from another tenant
	emergency             // emergency access
	service               // scanner, application, room, shared mailbox
	syncer                // the directory synchronisation's own
)

// account is one user object. It is never modified: what changes it makes
// another, see [edition].
type account struct {
	kind           accountKind
	number         int // within its kind, in the order of making
	id             string
	name           string
	given, surname string
	upn            string
	mail           string // empty if there is none
	dept           string
	title          string
	off            bool // sign-in is blocked
	synced         bool
	licensed       bool
	created        time.Time
	methods        []method // by creation; those of the future are not visible yet
	roles          []string // template ids of roles held directly

	validFrom time.Time // sessions from before are over; zero: as created
	perUser   string    // per-user MFA, where somebody set it
	preferred string    // the default method, where somebody chose one
	unsteered bool      // the tenant does not prefer the strongest method
	contact   *contact  // nil as long as nobody said anything
	above     *string   // object ID of the manager whom somebody set, or "" for nobody; nil: as the world was made
}

func (a *account) enabled() bool { return !a.off }

// method is one authentication method of an account.
type method struct {
	kind    graph.MethodKind
	id      string
	label   string // display name
	detail  string // phone number, address, platform
	subtype string // phoneType
	created time.Time
	pass    *passTerms // of a pass that somebody ordered; the others are usual ones
}

// world is everything about a tenant that follows from its seed, its epoch,
// its size and its licence. What people did to it since is in [state].
type world struct {
	seed     uint64
	epoch    time.Time
	licence  graph.Licence
	tenantID string

	people population
	roles  []roleHolding
	groups []group
	habits []habit // who signs in with legacy protocols
}

func newWorld(seed uint64, epoch time.Time, people int, licence graph.Licence) *world {
	w := &world{seed: seed, epoch: epoch, licence: licence, tenantID: guid(stream(seed, "tenant", 0))}
	if people > heldMost {
		w.people = draw(w, people)
	} else {
		w.people = w.hold(people)
	}
	w.formHabits()
	return w
}

// hold makes all the accounts of a world, and keeps them.
func (w *world) hold(people int) *held {
	g := &generator{world: w, taken: make(map[string]int, people)}
	g.cast()
	g.people(people)
	g.others(people)
	h := hold(g.accounts)
	w.assignRoles(h)
	return h
}

// generator makes the accounts of a new world.
type generator struct {
	*world
	accounts []account
	taken    map[string]int // local parts in use; nil where index is part of them
	index    int
}

// local makes a local part of an address that nobody else has.
func (g *generator) local(name string) string {
	if g.taken == nil {
		return name + strconv.Itoa(g.index)
	}
	if g.taken[name]++; g.taken[name] > 1 {
		name += strconv.Itoa(g.taken[name])
	}
	return name
}

func (g *generator) add(a account) *account {
	g.accounts = append(g.accounts, a)
	return &g.accounts[len(g.accounts)-1]
}

// cast adds the people whom programs and tests may rely on, each with the
// methods that the demo's story needs.
func (g *generator) cast() {
	depts := []string{"IT", "IT", "IT", "Finance", "Internal Audit", "Operations", "Sales"}
	titles := []string{"Head of IT", "IT Support Lead", "IT Security Officer", "Finance Lead", "Auditor", "Dispatcher", "Account Manager"}
	for i, m := range Cast(g.seed) {
		r := stream(g.seed, "cast methods", i)
		first, last, _ := strings.Cut(m.Name, " ")
		a := g.add(account{
			kind: person, number: i, id: m.ObjectID, name: m.Name, given: first, surname: last,
			upn: m.UPN, mail: m.UPN, dept: depts[i], title: titles[i], licensed: true,
			created: g.daysAgo(500 + 40*i),
		})
		a.methods = castMethods(r, a, m.ID, g.epoch)
		g.taken[m.ID] = 1
	}
}

// people adds generated members until there are n people.
func (g *generator) people(n int) {
	for i := castSize; i < n; i++ {
		g.add(g.person(i))
	}
	g.register(g.accounts[castSize:])
}

func (g *generator) person(i int) account {
	r := stream(g.seed, "person", i)
	given, surname := pick(r, givenNames), pick(r, surnames)
	if k := i - castSize; k < len(always) {
		given, surname = always[k][0], always[k][1]
	}
	return g.member(r, person, i, given, surname)
}

func (g *generator) member(r *rand.Rand, kind accountKind, i int, given, surname name) account {
	local := g.local(given.ascii + "." + surname.ascii)
	a := account{
		kind: kind, number: i, id: guid(r), name: given.shown + " " + surname.shown, given: given.shown, surname: surname.shown,
		upn: local + "@" + defaultDomain, mail: local + "@" + defaultDomain,
		dept: pickWeighted(r, departments).name, title: pick(r, jobTitles),
		synced: r.Float64() < 0.3, licensed: r.Float64() < 0.97,
		created: g.epoch.Add(-11*week - time.Duration(r.Float64()*200)*week).Truncate(time.Second),
	}
	switch x := r.Float64(); {
	case x < 0.05: // many tenants have addresses that differ from the sign-in name
		a.mail = surname.ascii + "." + local + "@" + defaultDomain
	case x < 0.07 || !a.licensed:
		a.mail = ""
	}
	return a
}

// others adds everybody who is not counted as people: leavers and guests in
// proportion, and the accounts that every tenant has.
func (g *generator) others(people int) {
	for i := range leaversOf(people) {
		g.add(g.leaver(i))
	}
	for i := range guestsOf(people) {
		g.add(g.guest(i))
	}
	g.fixtures()
}

// Leavers and guests come in proportion to the people.
func leaversOf(people int) int { return people * 3 / 100 }
func guestsOf(people int) int  { return people * 4 / 100 }

func (g *generator) leaver(i int) account {
	r := stream(g.seed, "leaver", i)
	a := g.member(r, leaver, i, pick(r, givenNames), pick(r, surnames))
	a.licensed, a.off = false, true
	a.methods = g.methods(r, &a, g.longAgo(r), r.Float64() < 0.5)
	return a
}

// fixtures adds the accounts that every tenant has and that are nobody's.
func (g *generator) fixtures() {
	for i, m := range Emergency(g.seed) {
		g.emergency(i, m)
	}
	for i, m := range Service(g.seed) {
		a := g.add(account{
			kind: service, number: i, id: m.ObjectID, name: m.Name, upn: m.UPN, mail: m.UPN, licensed: i < 3, created: g.daysAgo(900 - 50*i),
		})
		a.methods = []method{passwordOf(a)}
	}
	a := g.add(account{
		kind: syncer, id: guid(stream(g.seed, "sync", 0)), name: "On-Premises Directory Synchronization Service Account",
		upn: "Sync_DC01_3f2a9c41d0b7@" + initialDomain, created: g.daysAgo(800), roles: []string{graph.RoleDirectorySyncAccounts},
	})
	a.methods = []method{passwordOf(a)}
}

// emergency adds an emergency access account: two keys, one in each safe.
func (g *generator) emergency(i int, m Member) {
	r := stream(g.seed, "emergency methods", i)
	a := g.add(account{
		kind: emergency, number: i, id: m.ObjectID, name: m.Name, upn: m.UPN, created: g.daysAgo(300),
		roles: []string{graph.RoleGlobalAdministrator},
	})
	key := func(label string, after time.Duration) method {
		return method{kind: graph.MethodPasskey, id: guid(r), label: label, detail: "YubiKey 5 NFC", created: a.created.Add(after)}
	}
	a.methods = []method{passwordOf(a), key("Safe A", time.Hour), key("Safe B", 2*time.Hour)}
}

func (g *generator) daysAgo(n int) time.Time { return g.epoch.Add(-time.Duration(n) * day) }

func (g *generator) guest(i int) account {
	r := stream(g.seed, "guest", i)
	given, surname := pick(r, givenNames), pick(r, surnames)
	partner := pick(r, []string{"partner-one.example", "auditors.example", "agency.example"})
	local := given.ascii + "." + surname.ascii + strconv.Itoa(i+1)
	a := account{
		kind: guest, number: i, id: guid(r), name: given.shown + " " + surname.shown, given: given.shown, surname: surname.shown,
		upn: local + "_" + partner + "#EXT#@" + initialDomain, mail: local + "@" + partner,
		created: g.epoch.Add(-11*week - time.Duration(r.Float64()*60)*week).Truncate(time.Second),
	}
	if r.Float64() < 0.35 { // most guests register in their own tenant, which is not seen here
		a.methods = []method{authenticatorOf(r, g.longAgo(r))}
	}
	return a
}

// longAgo draws a moment in the two years before the history begins.
func (g *generator) longAgo(r *rand.Rand) time.Time {
	return workHour(r, g.epoch.Add(-11*week-time.Duration(r.Float64()*100*float64(week))))
}
