package rollout

import (
	"slices"
	"time"

	"twokey/graph"
)

// population is who is counted, and who is left out for which reason.
type population struct {
	people     []Person
	guests     []Person // left out, and asked about apart
	emergency  []Person // likewise
	out        map[string]int
	road       Road
	reportAsOf time.Time // the report's newest row
	oldest     time.Time
}

// People returns the people in scope with what is known of each, in the order
// of the accounts, or the reason why the accounts could not be read.
func People(f Facts, s Scope) ([]Person, Reason) {
	if _, ok := f.Users.Get(); !ok {
		return nil, f.Users.Reason()
	}
	return slices.Clone(f.worked.population(f, s.With(f.Declared)).people), ""
}

// populate parts who counts in a whole scope from who does not.
func populate(f Facts, s Scope, fill filler) population {
	users, _ := f.Users.Get()
	roles, _ := rolesByID(f)
	pop := population{out: make(map[string]int), reportAsOf: fill.known.reportAsOf}
	for _, u := range users {
		if why := s.excluded(u, roles[u.ID], f.AsOf); why != "" {
			pop.leaveOut(why, u, fill)
			continue
		}
		pop.people = append(pop.people, fill.person(u))
	}
	pop.road, pop.oldest = travelled(pop.people)
	if pop.road == NoRoad { // it answered, if with nothing
		pop.road = fill.known.road
	}
	return pop
}

func (pop *population) leaveOut(why string, u graph.User, fill filler) {
	pop.out[why]++
	switch why {
	case outGuest:
		pop.guests = append(pop.guests, fill.person(u))
	case string(Emergency):
		pop.emergency = append(pop.emergency, fill.person(u))
	}
}

func rolesByID(f Facts) (roles map[string][]graph.Role, ok bool) {
	holders, ok := f.RoleHolders.Get()
	roles = make(map[string][]graph.Role, len(holders))
	for _, h := range holders {
		roles[h.UserID] = h.Roles
	}
	return roles, ok
}

// A filler fills in accounts with all that is known of them.
type filler struct {
	known     knowledge
	enforcers enforcers
	seen      lastSeen
	whom      whom
}

func newFiller(f Facts) filler {
	w := newWhom(f)
	return filler{known: newKnowledge(f, newMethodsPolicy(f, w)), enforcers: newEnforcers(f, w), seen: newLastSeen(f), whom: w}
}

func (f filler) person(u graph.User) Person {
	p := Person{User: u}
	if f.whom.rolesOK {
		p.Admin = answer(len(f.whom.roles[u.ID]) > 0)
	}
	f.known.fill(&p)
	p.Weak = both(p.Admin, both(p.Registered, not(p.PhishingResistant)))
	p.Enforcement = f.enforcers.of(u)
	f.seen.fill(&p)
	return p
}

// knowledge is what was read of how people can sign in, on both roads.
type knowledge struct {
	rows       map[string]graph.Registration
	read       map[string]graph.UserMethods
	asOf       time.Time // of methods that name no time of their own
	reportAsOf time.Time
	road       Road   // that answered, the report's before the methods'
	why        Reason // why a person of whom there is nothing is unknown
	policy     methodsPolicy
}

func newKnowledge(f Facts, policy methodsPolicy) knowledge {
	rows, reported := f.Registrations.Get()
	read, asked := f.Methods.Get()
	k := knowledge{
		rows: make(map[string]graph.Registration, len(rows)), read: make(map[string]graph.UserMethods, len(read)),
		asOf: f.AsOf, why: NotRead, policy: policy,
	}
	for _, row := range rows {
		k.rows[row.UserID] = row
		if row.AsOf.After(k.reportAsOf) {
			k.reportAsOf = row.AsOf
		}
	}
	for _, m := range read {
		k.read[m.UserID] = m
	}
	switch {
	case reported:
		k.road = ReportRoad
	case asked:
		k.road = MethodRoad
	default:
		k.why = f.Registrations.Reason()
		if k.why == NeedsP1 { // then the methods were the road
			k.why = f.Methods.Reason()
		}
	}
	return k
}

// fill fills in a person by what is known the latest. Methods that could not be
// read are no knowledge, and a missing row is no answer.
func (k knowledge) fill(p *Person) {
	row, reported := k.rows[p.ID]
	m, asked := k.read[p.ID]
	at := m.AsOf
	if at.IsZero() {
		at = k.asOf
	}
	switch {
	case asked && m.Err == nil && !(reported && row.AsOf.After(at)):
		p.Road, p.AsOf = MethodRoad, at
		p.readMethods(m.Methods, k.policy)
	case reported:
		p.Road, p.AsOf = ReportRoad, row.AsOf
		p.readRow(row)
	case asked:
		p.Why = ReasonOf(m.Err)
	default:
		p.Why = k.why
	}
}

// travelled returns the road by which most people are known, the report's if
// both have as many, and how old the oldest of that knowledge is.
func travelled(people []Person) (most Road, oldest time.Time) {
	by := make(map[Road]int)
	for _, p := range people {
		by[p.Road]++
		if p.Road != NoRoad && !p.AsOf.IsZero() && (oldest.IsZero() || p.AsOf.Before(oldest)) {
			oldest = p.AsOf
		}
	}
	switch {
	case by[MethodRoad] > by[ReportRoad]:
		return MethodRoad, oldest
	case by[ReportRoad] > 0:
		return ReportRoad, oldest
	default:
		return NoRoad, oldest
	}
}

// PersonOf is what is known of one account, in scope or not, as it was given.
func PersonOf(f Facts, u graph.User) Person { return f.worked.filler(f).person(u) }
