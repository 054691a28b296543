package simtenant

import (
	"iter"
	"slices"
	"time"

	"twokey/graph"
)

// role is a built-in directory role of every tenant.
type role struct{ template, name string }

var builtInRoles = []role{
	{graph.RoleGlobalAdministrator, "Global Administrator"},
	{graph.RolePrivilegedRoleAdmin, "Privileged Role Administrator"},
	{graph.RolePrivilegedAuthAdmin, "Privileged Authentication Administrator"},
	{graph.RoleAuthenticationAdmin, "Authentication Administrator"},
	{graph.RoleAuthenticationPolicyAdmin, "Authentication Policy Administrator"},
	{graph.RoleConditionalAccessAdmin, "Conditional Access Administrator"},
	{graph.RoleSecurityAdministrator, "Security Administrator"},
	{graph.RoleUserAdministrator, "User Administrator"},
	{graph.RoleExchangeAdministrator, "Exchange Administrator"},
	{graph.RoleHelpdeskAdministrator, "Helpdesk Administrator"},
	{graph.RoleGlobalReader, "Global Reader"},
	{graph.RoleReportsReader, "Reports Reader"},
	{graph.RoleDirectorySyncAccounts, "Directory Synchronization Accounts"},
	{graph.RoleOnPremisesDirectorySync, "On Premises Directory Sync Account"},
}

func roleName(template string) string {
	for _, r := range builtInRoles {
		if r.template == template {
			return r.name
		}
	}
	return ""
}

// roleHolding is one active assignment of a role to a principal.
type roleHolding struct {
	id        string
	template  string
	principal document // as $expand=principal shows it
	user      int      // index of the account, or -1 for a group or an application
}

// group is a security group; its members are accounts, named by index.
type group struct {
	id          string
	name        string
	forRoles    bool
	owner       string     // object id of an account, or nobody's
	memberUsers []int      // in the order of indices
	everyPerson population // instead of memberUsers: all its persons
}

func (g *group) size() int {
	if g.everyPerson != nil {
		return g.everyPerson.persons()
	}
	return len(g.memberUsers)
}

// member returns the index of the k-th member.
func (g *group) member(k int) int {
	if g.everyPerson != nil {
		return g.everyPerson.person(k)
	}
	return g.memberUsers[k]
}

// assignRoles gives the cast and some generated people their roles, one role to
// a group and one to an application: principals that are no user are part of
// every real tenant, and who counts administrators has to look through them.
func (w *world) assignRoles(h *held) {
	for _, m := range Cast(w.seed) {
		h.accounts[h.ids[m.ObjectID]].roles = castRoles[m.ID]
	}
	desk, everybody := w.newGroups()
	for i := range h.accounts {
		a := &h.accounts[i]
		if a.kind == person {
			everybody.memberUsers = append(everybody.memberUsers, i)
		}
		if w.administers(a) {
			w.appoint(i, a, &desk)
		}
	}
	w.groups = []group{desk, everybody}
	for i := range h.accounts {
		w.holdRoles(i, &h.accounts[i])
	}
	w.holdOtherRoles(desk)
}

// castRoles are the roles of the cast.
var castRoles = map[string][]string{
	"olga": {graph.RoleGlobalAdministrator},
	"ada":  {graph.RoleAuthenticationPolicyAdmin, graph.RoleConditionalAccessAdmin},
	"abe":  {graph.RoleSecurityAdministrator},
	"vic":  {graph.RoleReportsReader},
}

func (w *world) newGroups() (desk, everybody group) {
	desk = group{id: guid(stream(w.seed, "group", 0)), name: "Service Desk (roles)", forRoles: true, owner: Cast(w.seed)[0].ObjectID}
	everybody = group{id: guid(stream(w.seed, "group", 1)), name: "All Staff"}
	return desk, everybody
}

// administers reports whether an account is one of those that roles go to.
func (w *world) administers(a *account) bool {
	return a.kind == person && a.dept == "IT" && a.number >= castSize && a.registeredBy(w.epoch)
}

// appoint gives an account a role or a place at the desk, or neither.
func (w *world) appoint(i int, a *account, desk *group) {
	switch {
	case a.number%7 == 3:
		a.roles = []string{graph.RoleExchangeAdministrator}
	case a.number%7 == 5:
		a.roles = []string{graph.RoleUserAdministrator}
	case len(desk.memberUsers) < 3:
		desk.memberUsers = append(desk.memberUsers, i)
	}
}

// registeredBy reports whether the account holds a second factor by then. Those
// with a role do at the epoch: a tenant whose administrators are not ready must
// not turn security defaults on, and the demo begins where it may.
func (a *account) registeredBy(at time.Time) bool {
	return slices.ContainsFunc(a.methods, func(m method) bool {
		return m.kind.Strength() > graph.NotMFA && !m.created.After(at)
	})
}

func (w *world) holdRoles(i int, a *account) {
	for _, template := range a.roles {
		w.assign(template, userPrincipal(a), i)
	}
}

// holdOtherRoles gives roles to those that are no users.
func (w *world) holdOtherRoles(desk group) {
	w.assign(graph.RoleHelpdeskAdministrator, document{
		"@odata.type": "#microsoft.graph.group", "id": desk.id, "displayName": desk.name, "isAssignableToRole": true,
	}, -1)
	w.assign(graph.RoleGlobalReader, document{
		"@odata.type": "#microsoft.graph.servicePrincipal", "id": guid(stream(w.seed, "application", 0)),
		"appId": guid(stream(w.seed, "application", 1)), "displayName": "Cloud Backup",
	}, -1)
}

func (w *world) assign(template string, principal document, user int) {
	id := guid(stream(w.seed, "role assignment", len(w.roles)))
	w.roles = append(w.roles, roleHolding{id: id, template: template, principal: principal, user: user})
}

// holdings are the assignments as they are: a person's ends with the account,
// and names a person as they are called now.
func (v *view) holdings() []roleHolding {
	if v.changes == 0 {
		return v.t.world.roles
	}
	list := make([]roleHolding, 0, len(v.t.world.roles))
	for _, h := range v.t.world.roles {
		if h.user >= 0 {
			a, there := v.account(h.user)
			if !there {
				continue
			}
			h.principal = userPrincipal(a)
		}
		list = append(list, h)
	}
	return list
}

func userPrincipal(a *account) document {
	return document{"@odata.type": "#microsoft.graph.user", "id": a.id, "displayName": a.name, "userPrincipalName": a.upn}
}

// isAdmin reports whether the account holds any role directly.
func (a *account) isAdmin() bool { return len(a.roles) > 0 }

var roleAssignmentSet = &set{
	typ:     "microsoft.graph.unifiedRoleAssignment",
	known:   words("id roleDefinitionId principalId directoryScopeId appScopeId condition principalOrganizationId"),
	filters: map[string]ops{"roleDefinitionId": eq, "principalId": eq | in, "directoryScopeId": eq},
	expand:  words("principal roleDefinition"),
	top:     500, maxTop: 999,
}

func listRoleAssignments(c *call) (*answer, error) {
	list := c.view.holdings()
	return c.list(roleAssignmentSet, "roleManagement/directory/roleAssignments", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(i int) entity {
			h := list[i]
			d := document{"id": h.id, "roleDefinitionId": h.template, "principalId": h.principal["id"], "directoryScopeId": "/"}
			if c.expands("principal") {
				d["principal"] = h.principal
			}
			if c.expands("roleDefinition") {
				d["roleDefinition"] = roleDefinition(role{h.template, roleName(h.template)})
			}
			return d
		})
	})
}

var roleDefinitionSet = &set{
	typ:     "microsoft.graph.unifiedRoleDefinition",
	known:   words("id displayName description isBuiltIn isEnabled templateId version resourceScopes rolePermissions"),
	filters: map[string]ops{"id": eq | in, "displayName": eq | starts, "isBuiltIn": eq, "templateId": eq},
	top:     500, maxTop: 999,
}

func roleDefinition(r role) document {
	return document{
		"id": r.template, "templateId": r.template, "displayName": r.name, "description": "Built-in role " + r.name + ".",
		"isBuiltIn": true, "isEnabled": true, "resourceScopes": []any{"/"}, "rolePermissions": []any{}, "version": "1",
	}
}

func listRoleDefinitions(c *call) (*answer, error) {
	return c.list(roleDefinitionSet, "roleManagement/directory/roleDefinitions", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(builtInRoles), func(i int) entity { return roleDefinition(builtInRoles[i]) })
	})
}

var directoryRoleSet = &set{
	typ:     "microsoft.graph.directoryRole",
	known:   words("id deletedDateTime displayName description roleTemplateId"),
	filters: map[string]ops{"roleTemplateId": eq, "displayName": eq},
	expand:  words("members"),
	top:     100, maxTop: 999,
}

// activeRoles are the roles that somebody holds; Graph lists no others.
func (v *view) activeRoles() []role {
	held := map[string]bool{}
	for _, h := range v.holdings() {
		held[h.template] = true
	}
	var active []role
	for _, r := range builtInRoles {
		if held[r.template] {
			active = append(active, r)
		}
	}
	return active
}

// directoryRoleID is the id of an activated role, which unlike its template's
// differs from tenant to tenant.
func (w *world) directoryRoleID(template string) string {
	return guid(stream(w.seed, "directory role "+template, 0))
}

func (w *world) directoryRole(r role) document {
	return document{
		"id": w.directoryRoleID(r.template), "deletedDateTime": nil, "displayName": r.name,
		"description": "Built-in role " + r.name + ".", "roleTemplateId": r.template,
	}
}

func (v *view) roleMembers(template string) []any {
	list := []any{}
	for _, h := range v.holdings() {
		if h.template == template {
			list = append(list, h.principal)
		}
	}
	return list
}

func listDirectoryRoles(c *call) (*answer, error) {
	w := c.t.world
	active := c.view.activeRoles()
	return c.list(directoryRoleSet, "directoryRoles", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(active), func(i int) entity {
			d := w.directoryRole(active[i])
			if c.expands("members") {
				d["members"] = c.view.roleMembers(active[i].template)
			}
			return d
		})
	})
}

var principalSet = &set{typ: "microsoft.graph.directoryObject", top: 100, maxTop: 999}

func listDirectoryRoleMembers(c *call) (*answer, error) {
	w := c.t.world
	for _, r := range c.view.activeRoles() {
		if !sameID(w.directoryRoleID(r.template), c.vars[0]) {
			continue
		}
		members := c.view.roleMembers(r.template)
		return c.list(principalSet, "directoryObjects", func(from cursor) iter.Seq2[cursor, entity] {
			return from.through(len(members), func(i int) entity { return members[i].(document) })
		})
	}
	return nil, notFound(c.vars[0])
}
