package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// A Team is those people in scope who report to one manager, by name.
type Team struct {
	Manager graph.User
	People  []Person
}

// Teams returns the teams of everybody who leads somebody in scope, or the reason
// why the accounts could not be read. Above holds, by object ID, who is set above
// whom; it may go round in circles, since a team is one step of it and no more.
// Nobody leads themselves, and a guest, whoever cannot sign in and an account
// that was declared to be no person lead nobody: there is no one to tell.
func Teams(f Facts, s Scope, above map[string]string) ([]Team, Reason) {
	people, why := People(f, s)
	if why != "" {
		return nil, why
	}
	s = s.With(f.Declared)
	users, _ := f.Users.Get()
	leads := make(map[string]graph.User)
	for _, u := range users {
		if _, declared := s.Declared[u.ID]; u.Enabled && !u.Guest && !declared {
			leads[u.ID] = u
		}
	}
	teams := make(map[string]*Team)
	for _, p := range people {
		id := above[p.ID]
		lead, ok := leads[id]
		if !ok || id == p.ID {
			continue
		}
		if teams[id] == nil {
			teams[id] = &Team{Manager: lead}
		}
		teams[id].People = append(teams[id].People, p)
	}
	all := make([]Team, 0, len(teams))
	for _, t := range teams {
		slices.SortFunc(t.People, func(a, b Person) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Team) int { return strings.Compare(a.Manager.ID, b.Manager.ID) })
	return all, ""
}

// Sums are what a manager is told in numbers. Below five people there is one of
// them alone, since a manager knows who is meant by the others: who is registered
// is theirs to ask for, with what is not.
func (t Team) Sums(asOf time.Time) []Sum {
	sums := []Sum{sum(tally(Registered, asOf, t.People, func(p Person) Answer { return p.Registered }, whyRegistered))}
	if len(t.People) < smallest {
		return sums
	}
	return append(sums,
		sum(tally(Backup, asOf, t.People, func(p Person) Answer { return p.Backup }, whyRegistered)),
		sum(tally(PhoneOnly, asOf, t.People, func(p Person) Answer { return p.PhoneOnly }, whyRegistered)))
}

// Missing lists the object IDs of those who are known not to be registered.
func (t Team) Missing() (ids []string) {
	for _, p := range t.People {
		if p.Registered == No {
			ids = append(ids, p.ID)
		}
	}
	return ids
}
