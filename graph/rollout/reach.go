package rollout

import (
	"slices"

	"twokey/graph"
)

// The three answers in sentences: what is unknown stays so unless the other
// part decides alone.

func not(a Answer) Answer {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	default:
		return Unknown
	}
}

// either is yes if one is, and no only if all are.
func either(answers ...Answer) Answer {
	all := No
	for _, a := range answers {
		if a == Yes {
			return Yes
		}
		if a == Unknown {
			all = Unknown
		}
	}
	return all
}

func both(a, b Answer) Answer { return not(either(not(a), not(b))) }

// whom answers whether a rule of the tenant means an account: by the account
// itself, its groups and its roles.
type whom struct {
	members map[string]map[string]bool // users by group; a group that is no key was not read
	roles   map[string][]graph.Role
	rolesOK bool
}

func newWhom(f Facts) whom {
	lists, _ := f.GroupMembers.Get()
	w := whom{members: make(map[string]map[string]bool, len(lists))}
	for group, ids := range lists {
		w.members[group] = make(map[string]bool, len(ids))
		for _, id := range ids {
			w.members[group][id] = true
		}
	}
	w.roles, w.rolesOK = rolesByID(f)
	return w
}

func (w whom) inGroup(userID, groupID string) Answer {
	members, read := w.members[groupID]
	if !read {
		return Unknown
	}
	return answer(members[userID])
}

func (w whom) inAnyGroup(userID string, groupIDs []string) Answer {
	found := No
	for _, g := range groupIDs {
		found = either(found, w.inGroup(userID, g))
	}
	return found
}

func (w whom) holdsAny(userID string, templateIDs []string) Answer {
	switch {
	case len(templateIDs) == 0:
		return No
	case !w.rolesOK:
		return Unknown
	default:
		return answer(slices.ContainsFunc(w.roles[userID], func(r graph.Role) bool {
			return slices.Contains(templateIDs, r.TemplateID)
		}))
	}
}

// targeted reports whether a setting of the methods policy means an account.
// Whoever is excluded is out, even if included too.
func (w whom) targeted(u graph.User, include, exclude []graph.Target) Answer {
	return both(w.among(u, include), not(w.among(u, exclude)))
}

func (w whom) among(u graph.User, targets []graph.Target) Answer {
	found := No
	for _, t := range targets {
		switch {
		case t.ID == graph.AllUsers:
			return Yes
		case t.Group:
			found = either(found, w.inGroup(u.ID, t.ID))
		default:
			found = either(found, answer(t.ID == u.ID))
		}
	}
	return found
}

// reached reports whether a Conditional Access policy means an account.
func (w whom) reached(u graph.User, p graph.PolicyUsers) Answer {
	if unsaid(p) {
		return Unknown
	}
	included := either(w.named(u, p.IncludeUsers, p.IncludesGuests),
		w.inAnyGroup(u.ID, p.IncludeGroups), w.holdsAny(u.ID, p.IncludeRoles))
	excluded := either(w.named(u, p.ExcludeUsers, p.ExcludesGuests),
		w.inAnyGroup(u.ID, p.ExcludeGroups), w.holdsAny(u.ID, p.ExcludeRoles))
	return both(included, not(excluded))
}

// unsaid reports that a policy includes nobody in any way. Entra keeps no such
// policy, one for nobody says "None": so whom it includes was not read.
func unsaid(p graph.PolicyUsers) bool {
	return len(p.IncludeUsers)+len(p.IncludeGroups)+len(p.IncludeRoles) == 0 && !p.IncludesGuests
}

// named reports whether the list of users means an account, by ID or by one of
// the words that stand among the IDs. Which kinds of guest are meant is not
// kept: of a guest it is then unknown.
func (whom) named(u graph.User, ids []string, someGuests bool) Answer {
	switch {
	case slices.Contains(ids, "All"), slices.Contains(ids, u.ID),
		u.Guest && slices.Contains(ids, "GuestsOrExternalUsers"):
		return Yes
	case u.Guest && someGuests:
		return Unknown
	default:
		return No
	}
}
