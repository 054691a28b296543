package commands

import (
	"context"
	"slices"
	"strings"

	"twokey/graph"
)

// altered says what somebody has changed by hand in a policy of ours that must not
// be enforced so: what approvers are told of it is not what it would do. Its name
// alone proves nothing, anybody can write it. Whom it exempts beyond ours is for
// the approvers to judge, see exempted.
func altered(a aim, p graph.Policy) []string {
	ours := graph.PolicyDraft{Does: a.does}.Policy()
	var found []string
	for _, x := range []struct {
		what     string
		ours, is []string
	}{
		{"the client types", ours.Clients, p.Clients},
		{"the apps", ours.Apps, p.Apps},
		{"what it demands", ours.Controls, p.Controls},
		{"the included users", ours.Users.IncludeUsers, p.Users.IncludeUsers},
		{"the included groups", ours.Users.IncludeGroups, p.Users.IncludeGroups},
		{"the included roles", ours.Users.IncludeRoles, p.Users.IncludeRoles},
	} {
		if len(lacks(x.ours, x.is))+len(lacks(x.is, x.ours)) > 0 {
			found = append(found, x.what+": "+someOrNone(x.is)+" instead of "+someOrNone(x.ours))
		}
	}
	if p.Narrowed {
		found = append(found, "it has conditions that keep it from some sign-ins, and had none")
	}
	if p.Users.IncludesGuests {
		found = append(found, "it is for guests of some kinds, and was for everybody")
	}
	if less := lacks(ours.Users.ExcludeRoles, p.Users.ExcludeRoles); len(less) > 0 {
		found = append(found, "it does not exempt the accounts of the directory synchronisation any more")
	}
	return found
}

// lacks returns what is in one list and not in the other, whatever its case.
func lacks(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		return slices.ContainsFunc(other, func(o string) bool { return strings.EqualFold(s, o) })
	})
}

func someOrNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return quotedNames(all)
}

// alteredWords refuse to enforce a policy that was changed by hand, or are "".
func alteredWords(a aim, p graph.Policy) string {
	found := altered(a, p)
	if len(found) == 0 {
		return ""
	}
	return "The policy " + quoted(p.Name, 80) + " is not as this bot made it: " + strings.Join(found, "; ") +
		". It is not enforced by this bot. Put it back in the Entra admin centre, or delete it there and begin anew."
}

// exempted says whom a policy of ours exempts beside those whom the bot exempts,
// by name, or "". An object that cannot be read is named by its ID.
func (a accessAction) exempted(ctx context.Context, p graph.Policy, s accessSnapshot) string {
	emergency := make([]string, len(s.Emergency))
	for i, e := range s.Emergency {
		emergency[i] = e.ID
	}
	var who []string
	for _, id := range lacks(p.Users.ExcludeUsers, emergency) {
		who = append(who, a.env.People.Name(ctx, principal(a.env, id)))
	}
	for _, id := range p.Users.ExcludeGroups {
		name := id
		if g, err := a.env.Tenant.Group(ctx, id); err == nil {
			name = g.Name
		}
		who = append(who, "everybody in "+name)
	}
	for _, id := range lacks(p.Users.ExcludeRoles, graph.PolicyDraft{Does: a.aim.does}.Policy().Users.ExcludeRoles) {
		who = append(who, "everybody with the role "+id)
	}
	if p.Users.ExcludesGuests {
		who = append(who, "guests of some kinds")
	}
	if len(who) == 0 {
		return ""
	}
	return "Somebody has changed the policy by hand: it exempts " + quotedNames(who) + " as well."
}
