package rollout

import (
	"time"

	"twokey/graph"
)

// population is who is counted, and who is left out for which reason.
type population struct {
	people     []Person
	out        map[string]int
	road       Road
	reportAsOf time.Time // the report's newest row
}

// People returns the people in scope with what is known of each, in the order
// of the accounts, or the reason why the accounts could not be read.
func People(f Facts, s Scope) ([]Person, Reason) {
	if _, ok := f.Users.Get(); !ok {
		return nil, f.Users.Reason()
	}
	return populate(f, s).people, ""
}

func populate(f Facts, s Scope) population {
	users, _ := f.Users.Get()
	roles, rolesRead := rolesByID(f)
	fill, pop := road(f)
	pop.out = make(map[string]int)
	for _, u := range users {
		if why := s.excluded(u, roles[u.ID], f.AsOf); why != "" {
			pop.out[why]++
			continue
		}
		p := Person{User: u}
		if rolesRead {
			p.Admin = answer(len(roles[u.ID]) > 0)
		}
		fill(&p)
		pop.people = append(pop.people, p)
	}
	return pop
}

func rolesByID(f Facts) (roles map[string][]graph.Role, ok bool) {
	holders, ok := f.RoleHolders.Get()
	roles = make(map[string][]graph.Role, len(holders))
	for _, h := range holders {
		roles[h.UserID] = h.Roles
	}
	return roles, ok
}

// road returns how to fill in a person, by what was read: the report before
// the methods. Where neither answered and the report needs P1, the methods'
// reason is told: they were the road.
func road(f Facts) (fill func(*Person), pop population) {
	if rows, ok := f.Registrations.Get(); ok {
		byID := make(map[string]graph.Registration, len(rows))
		for _, row := range rows {
			byID[row.UserID] = row
			if row.AsOf.After(pop.reportAsOf) {
				pop.reportAsOf = row.AsOf
			}
		}
		pop.road = ReportRoad
		return func(p *Person) { fromReport(p, byID) }, pop
	}
	if read, ok := f.Methods.Get(); ok {
		byID := make(map[string]graph.UserMethods, len(read))
		for _, m := range read {
			byID[m.UserID] = m
		}
		pop.road = MethodRoad
		return func(p *Person) { fromMethods(p, byID) }, pop
	}
	why := f.Registrations.Reason()
	if why == NeedsP1 {
		why = f.Methods.Reason()
	}
	return func(p *Person) { p.Why = why }, pop
}

func fromReport(p *Person, rows map[string]graph.Registration) {
	row, ok := rows[p.ID]
	if !ok {
		p.Why = NotRead
		return
	}
	p.readRow(row)
}

func fromMethods(p *Person, read map[string]graph.UserMethods) {
	m, ok := read[p.ID]
	switch {
	case !ok:
		p.Why = NotRead
	case m.Err != nil:
		p.Why = ReasonOf(m.Err)
	default:
		p.readMethods(m.Methods)
	}
}
