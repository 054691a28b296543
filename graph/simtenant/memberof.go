package simtenant

import (
	"iter"
	"net/http"
	"slices"
)

// has reports whether an account is a member.
func (g *group) has(i int) bool {
	if g.everyPerson != nil {
		return i < g.everyPerson.size() && g.everyPerson.account(i).kind == person
	}
	_, ok := slices.BinarySearch(g.memberUsers, i)
	return ok
}

// groupsOf are the groups that an account is in.
func (w *world) groupsOf(i int) []group {
	var list []group
	for _, g := range w.groups {
		if g.has(i) {
			list = append(list, g)
		}
	}
	return list
}

// rolesOf are the directory roles that an account holds, by itself or through
// a group, as template ids.
func (w *world) rolesOf(i int, a *account) []string {
	list := slices.Clone(a.roles)
	for _, g := range w.groupsOf(i) {
		if !g.forRoles {
			continue
		}
		for _, h := range w.roles {
			if h.principal["id"] == g.id && !slices.Contains(list, h.template) {
				list = append(list, h.template)
			}
		}
	}
	return list
}

// membership answers whether an account is in a group, by the group's id.
func (w *world) membership(i int) func(groupID string) bool {
	return func(id string) bool {
		return slices.ContainsFunc(w.groupsOf(i), func(g group) bool { return sameID(g.id, id) })
	}
}

var memberOfSet = &set{
	typ: "microsoft.graph.directoryObject", known: words("id deletedDateTime displayName description securityEnabled isAssignableToRole roleTemplateId"),
	typed: true, directory: true, top: 100, maxTop: 999,
}

// listMemberOf answers the groups and the directory roles of a user.
func listMemberOf(c *call) (*answer, error) {
	i, a, err := c.user()
	if err != nil {
		return nil, err
	}
	var list []document
	for _, g := range c.t.world.groupsOf(i) {
		list = append(list, typed("group", c.t.world.groupDocument(g)))
	}
	for _, template := range c.t.world.rolesOf(i, a) {
		list = append(list, typed("directoryRole", c.t.world.directoryRole(role{template, roleName(template)})))
	}
	return c.list(memberOfSet, "directoryObjects", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(k int) entity { return list[k] })
	})
}

func typed(name string, d document) document {
	d["@odata.type"] = "#microsoft.graph." + name
	return d
}

// maxMemberGroups is how many groups may be asked for at a time.
const maxMemberGroups = 20

var memberGroupsBody = shape{"groupIds": listOf(text)}

// checkMemberGroups answers which of some groups a user is in. A group that
// does not exist has nobody in it.
func checkMemberGroups(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	ids, ok := d["groupIds"].([]any)
	wrong := memberGroupsBody.check("", d)
	switch {
	case wrong != "":
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
	case !ok || len(ids) == 0 || len(ids) > maxMemberGroups:
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", "The parameter 'groupIds' must hold between 1 and 20 ids.")
	}
	i, _, err := c.user()
	if err != nil {
		return nil, err
	}
	in := []any{}
	for _, g := range c.t.world.groupsOf(i) {
		if slices.ContainsFunc(ids, func(id any) bool { return sameID(id.(string), g.id) }) {
			in = append(in, g.id)
		}
	}
	return &answer{status: http.StatusOK, body: document{"@odata.context": c.context("Collection(Edm.String)", nil), "value": in}}, nil
}
