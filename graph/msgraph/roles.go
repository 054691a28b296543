package msgraph

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"

	"twokey/graph"
)

// RoleHolders reads GET /roleManagement/directory/roleAssignments with the
// principals, and the definitions for the roles' names. A group that holds a
// role is read down to its users; applications hold no place here. An
// assignment to part of the directory counts like one to the whole.
func (c *Client) RoleHolders(ctx context.Context) ([]graph.RoleHolder, error) {
	var roles map[string]graph.Role
	var unnamed error
	var reading sync.WaitGroup
	reading.Go(func() { roles, unnamed = c.roles(ctx) }) // beside each other: somebody may wait for both
	assignments, err := c.roleAssignments(ctx)
	reading.Wait()
	if err := cmp.Or(unnamed, err); err != nil {
		return nil, err
	}
	held := holders{}
	groups := map[string][]string{}
	for _, a := range assignments {
		switch a.principal {
		case userPrincipal, gonePrincipal: // an ID that is nobody's matches nobody
			held.add(a.principalID, roleOf(roles, a.roleID))
		case groupPrincipal:
			members, read := groups[a.principalID]
			if !read {
				if members, err = c.groupUsers(ctx, readRoleGroup, a.principalID); err != nil {
					return nil, err
				}
				groups[a.principalID] = members
			}
			for _, id := range members {
				held.add(id, roleOf(roles, a.roleID))
			}
		}
	}
	return held.sorted(), nil
}

// RoleGroupPeople reads GET /groups with a filter, which is an advanced query,
// and of each group the users within it and GET /groups/{id}/owners. An owner
// that is an application is nobody's account.
func (c *Client) RoleGroupPeople(ctx context.Context) ([]graph.RoleHolder, error) {
	groups, err := listing[string]{
		op:     readRoleGroups,
		first:  c.url("/groups", url.Values{"$filter": {"isAssignableToRole eq true"}, "$select": {"id"}, "$count": {"true"}, "$top": {"999"}}),
		header: eventual,
		row:    idRow,
	}.all(ctx, c)
	if err != nil {
		return nil, err
	}
	held := holders{}
	for _, group := range groups {
		members, err := c.groupUsers(ctx, readRoleGroup, group)
		if err != nil {
			return nil, err
		}
		owners, err := listing[string]{
			op: readRoleGroups, first: c.url("/groups/"+segment(group)+"/owners", url.Values{"$select": {"id"}}), row: idRow,
		}.all(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, id := range slices.Concat(members, owners) {
			held.add(id, graph.RoleGroup)
		}
	}
	return held.sorted(), nil
}

// roles returns the role definitions by ID.
func (c *Client) roles(ctx context.Context) (map[string]graph.Role, error) {
	defs, err := listing[roleDefinition]{
		op: readRoles, first: c.url("/roleManagement/directory/roleDefinitions", nil), row: viaJSON(toRoleDefinition),
	}.all(ctx, c)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]graph.Role, len(defs))
	for _, d := range defs {
		byID[d.id] = d.role
	}
	return byID, nil
}

// roleOf returns the role of a definition. One that is not listed is known by
// its ID alone, which is the template's for a built-in role.
func roleOf(roles map[string]graph.Role, definitionID string) graph.Role {
	if r, ok := roles[definitionID]; ok {
		return r
	}
	return graph.Role{TemplateID: definitionID}
}

// roleAssignments lists who holds what. Every tenant has an administrator: where
// not one principal was shown, none was said, and a group would pass for a user.
func (c *Client) roleAssignments(ctx context.Context) ([]roleAssignment, error) {
	all, err := listing[roleAssignment]{
		op:    readRoleAssignments,
		first: c.url("/roleManagement/directory/roleAssignments", url.Values{"$expand": {"principal"}}),
		row:   viaJSON(toRoleAssignment),
	}.all(ctx, c)
	if err == nil && len(all) > 0 && !slices.ContainsFunc(all, func(a roleAssignment) bool { return a.principal != gonePrincipal }) {
		err = &graph.Error{Kind: graph.KindUnclear, Op: readRoleAssignments.name, Err: errMissing("every principal")}
	}
	return all, err
}

// holders collects roles by user.
type holders map[string][]graph.Role

func (h holders) add(userID string, role graph.Role) {
	if !slices.Contains(h[userID], role) {
		h[userID] = append(h[userID], role)
	}
}

func (h holders) sorted() []graph.RoleHolder {
	all := make([]graph.RoleHolder, 0, len(h))
	for id, roles := range h {
		slices.SortFunc(roles, func(a, b graph.Role) int { return strings.Compare(a.TemplateID, b.TemplateID) })
		all = append(all, graph.RoleHolder{UserID: id, Roles: roles})
	}
	slices.SortFunc(all, func(a, b graph.RoleHolder) int { return strings.Compare(a.UserID, b.UserID) })
	return all
}
