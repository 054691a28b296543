package simtenant

import (
	"cmp"
	"iter"
	"slices"

	"twokey/graph"
)

var principalsSet = &set{
	typ: "microsoft.graph.servicePrincipal",
	known: words(`id deletedDateTime accountEnabled appDisplayName appId appOwnerOrganizationId appRoleAssignmentRequired appRoles displayName
		keyCredentials passwordCredentials servicePrincipalNames servicePrincipalType signInAudience tags`),
	filters:   map[string]ops{"id": eq | in, "appId": eq | in, "displayName": eq | starts},
	directory: true,
	top:       100, maxTop: 999,
}

var applicationSet = &set{
	typ: "microsoft.graph.application",
	known: words(`id deletedDateTime appId createdDateTime displayName identifierUris keyCredentials passwordCredentials publisherDomain
		requiredResourceAccess signInAudience tags web`),
	filters:   map[string]ops{"id": eq | in, "appId": eq | in, "displayName": eq | starts},
	expand:    words("owners"),
	directory: true,
	top:       100, maxTop: 999,
}

// graphPrincipalID is the object id of Microsoft Graph's service principal,
// which differs from tenant to tenant.
func (w *world) graphPrincipalID() string { return guid(stream(w.seed, "app "+graphAppID, 0)) }

// graphPrincipal is the service principal of Microsoft Graph itself, whose app
// roles are the application permissions.
func (w *world) graphPrincipal() document {
	roles := []any{}
	for p, id := range appRoleIDs {
		roles = append(roles, document{
			"id": id, "value": string(p), "displayName": string(p), "description": string(p), "isEnabled": true, "origin": "Application",
			"allowedMemberTypes": []any{"Application"},
		})
	}
	slices.SortFunc(roles, func(a, b any) int {
		return cmp.Compare(a.(document)["value"].(string), b.(document)["value"].(string))
	})
	return document{
		"id": w.graphPrincipalID(), "appId": graphAppID, "displayName": "Microsoft Graph", "appDisplayName": "Microsoft Graph", "deletedDateTime": nil,
		"accountEnabled": true, "servicePrincipalType": "Application", "signInAudience": "AzureADMultipleOrgs",
		"appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a", "appRoleAssignmentRequired": false, "appRoles": roles,
		"servicePrincipalNames": []any{graphAppID, "https://graph.microsoft.com"}, "tags": []any{},
		"passwordCredentials": []any{}, "keyCredentials": []any{},
	}
}

// principals are the service principals of the tenant: the declared apps' and
// Microsoft Graph's. Those of a real tenant are hundreds.
func (c *call) principals() []document {
	list := []document{c.t.world.graphPrincipal()}
	for i := range c.view.state.apps {
		list = append(list, c.view.state.apps[i].principal(c.t.world.tenantID))
	}
	return list
}

func listPrincipals(c *call) (*answer, error) {
	list := c.principals()
	return c.list(principalsSet, "servicePrincipals", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(i int) entity { return list[i] })
	})
}

func getPrincipal(c *call) (*answer, error) {
	if (&application{App: App{ClientID: graphAppID}}).namedBy(c.vars[0], c.t.world.graphPrincipalID()) {
		return c.one(principalsSet, "servicePrincipals", c.t.world.graphPrincipal())
	}
	a, err := c.principalApp(c.view.state)
	if err != nil {
		return nil, err
	}
	return c.one(principalsSet, "servicePrincipals", a.principal(c.t.world.tenantID))
}

// principalApp finds the app whose service principal the path names, and
// registeredApp the one whose registration it names.
func (c *call) principalApp(s *state) (*application, error) {
	a, ok := s.appWhere(func(a *application) bool { return a.namedBy(c.vars[0], a.principalID) })
	if !ok {
		return nil, notFound(c.vars[0])
	}
	return a, nil
}

func (c *call) registeredApp(s *state) (*application, error) {
	a, ok := s.appWhere(func(a *application) bool { return a.namedBy(c.vars[0], a.objectID) })
	if !ok {
		return nil, notFound(c.vars[0])
	}
	return a, nil
}

func listApplications(c *call) (*answer, error) {
	apps := c.view.state.apps
	return c.list(applicationSet, "applications", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(apps), func(i int) entity { return c.withOwners(&apps[i]) })
	})
}

func getApplication(c *call) (*answer, error) {
	a, err := c.registeredApp(c.view.state)
	if err != nil {
		return nil, err
	}
	return c.one(applicationSet, "applications", c.withOwners(a))
}

func (c *call) withOwners(a *application) document {
	d := a.registration()
	if c.expands("owners") {
		d["owners"] = c.people(a.owners)
	}
	return d
}

// people shows those owners that are still there.
func (c *call) people(ids []string) []any {
	list := []any{}
	for _, id := range ids {
		if i, ok := c.view.find(id); ok {
			u, _ := c.view.account(i)
			list = append(list, document{"@odata.type": "#microsoft.graph.user", "id": u.id, "displayName": u.name, "userPrincipalName": u.upn})
		}
	}
	return list
}

var ownerSet = &set{typ: "microsoft.graph.directoryObject", known: words("id displayName userPrincipalName"), top: 100, maxTop: 999}

func listOwners(c *call) (*answer, error) {
	a, err := c.registeredApp(c.view.state)
	if err != nil {
		return nil, err
	}
	return c.documents(ownerSet, "directoryObjects", c.people(a.owners))
}

func listPrincipalOwners(c *call) (*answer, error) {
	a, err := c.principalApp(c.view.state)
	if err != nil {
		return nil, err
	}
	return c.documents(ownerSet, "directoryObjects", c.people(a.principalOwners))
}

var federationSet = &set{typ: "microsoft.graph.federatedIdentityCredential", known: words("id name issuer subject description audiences"), top: 100, maxTop: 999}

func listFederations(c *call) (*answer, error) {
	a, err := c.registeredApp(c.view.state)
	if err != nil {
		return nil, err
	}
	return c.documents(federationSet, "applications('"+a.objectID+"')/federatedIdentityCredentials", a.shown(graph.CredentialFederation, false))
}

var assignmentSet = &set{
	typ:       "microsoft.graph.appRoleAssignment",
	known:     words("id deletedDateTime appRoleId createdDateTime principalDisplayName principalId principalType resourceDisplayName resourceId"),
	directory: true,
	top:       100, maxTop: 999,
}

func listAssignments(c *call) (*answer, error) {
	a, err := c.principalApp(c.view.state)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, g := range a.grants {
		list = append(list, c.t.world.assignment(a, g))
	}
	return c.documents(assignmentSet, "servicePrincipals('"+a.principalID+"')/appRoleAssignments", list)
}

func (w *world) assignment(a *application, g appGrant) document {
	return document{
		"id": g.id, "deletedDateTime": nil, "appRoleId": appRoleID(g.permission), "createdDateTime": stamp(g.created),
		"principalDisplayName": a.Name, "principalId": a.principalID, "principalType": "ServicePrincipal",
		"resourceDisplayName": "Microsoft Graph", "resourceId": w.graphPrincipalID(),
	}
}

// documents answers a list that stands there already.
func (c *call) documents(s *set, context string, list []any) (*answer, error) {
	return c.list(s, context, func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(i int) entity { return list[i].(document) })
	})
}
