package commands

import (
	"context"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
)

// The options by which status is of a part of the people.
var partOptions = []chat.Option{
	{Name: "department", Summary: "of one department alone", Flag: true},
	{Name: "group", Summary: "of the members of a group alone, by its object ID", Flag: true},
	{Name: "admins", Summary: "of those with a directory role alone", Flag: true, Bare: true},
}

// ofPart reports whether a status is of a part of the people. That may be few, so
// that counts of them speak of each.
func ofPart(args map[string]string) bool {
	return slices.ContainsFunc(partOptions, func(o chat.Option) bool { return args[o.Name] != "" })
}

// partAsked returns the facts about those whom somebody asks about, and who that
// is, for people: several options are those to whom each applies.
func partAsked(ctx context.Context, env Env, facts rollout.Facts, args map[string]string) (rollout.Facts, string, error) {
	var of []string
	if typed := args["department"]; typed != "" {
		name, err := departmentNamed(facts, typed)
		if err != nil {
			return facts, "", err
		}
		facts = facts.Among(func(u graph.User) bool { return u.Department == name })
		of = append(of, "of the department "+quoted(name, 60))
	}
	if typed := args["group"]; typed != "" {
		g, members, err := groupAsked(ctx, env, typed)
		if err != nil {
			return facts, "", err
		}
		in := make(map[string]bool, len(members)) // a group may hold everybody
		for _, id := range members {
			in[id] = true
		}
		facts = facts.Among(func(u graph.User) bool { return in[u.ID] })
		of = append(of, "in the group "+quoted(g.Name, 60))
	}
	if args["admins"] != "" {
		holders, ok := facts.RoleHolders.Get()
		if !ok {
			return facts, "", &mistake{"Who holds a directory role is not known: " + string(facts.RoleHolders.Reason()) + ".", "“/mfa doctor” says what the bot may read."}
		}
		facts = facts.Among(func(u graph.User) bool {
			return slices.ContainsFunc(holders, func(h graph.RoleHolder) bool { return h.UserID == u.ID })
		})
		of = append(of, "with a directory role")
	}
	return facts, strings.Join(of, ", "), nil
}

// groupAsked reads a group that somebody named by its ID, and who is in it.
func groupAsked(ctx context.Context, env Env, typed string) (g graph.Group, members []string, err error) {
	g, err = env.Tenant.Group(ctx, typed)
	if k, known := kindOf(err); known && (k == graph.KindNotFound || k == graph.KindRefused) {
		return g, nil, &mistake{"There is no group with the object ID " + shown(typed) + ".", "The Entra admin centre shows it under Groups."}
	}
	if err == nil {
		members, err = env.Tenant.GroupMembers(ctx, g.ID)
	}
	return g, members, err
}
