package simtenant

import (
	"net/http"
	"slices"

	"twokey/graph"
)

var assignmentBody = shape{"id": text, "principalId": text, "resourceId": text, "appRoleId": text}

// postAssignment grants an app one of Microsoft Graph's application
// permissions: what an administrator does by consenting.
func postAssignment(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := assignmentBody.check("", d); wrong != "" {
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
	}
	principal, _ := d["principalId"].(string)
	resource, _ := d["resourceId"].(string)
	role, _ := d["appRoleId"].(string)
	p, known := c.view.state.permissionOf(role)
	return c.changeApp((*call).principalApp, func(a *application, e Effect) (note, *answer, error) {
		switch {
		case !sameID(principal, a.principalID):
			return note{}, nil, refuse(http.StatusBadRequest, "Request_BadRequest", "The principalId has to be that of the service principal in the path.")
		case !sameID(resource, c.t.world.graphPrincipalID()):
			return note{}, nil, notFound(resource)
		case !known:
			return note{}, nil, refuse(http.StatusBadRequest, "Request_BadRequest", "Permission being assigned was not found on application 'Microsoft Graph'.")
		case slices.Contains(a.permissions(), p):
			return note{}, nil, refuse(http.StatusBadRequest, "Request_BadRequest", "Permission being assigned already exists on the object")
		}
		g := appGrant{id: grantID(a.principalID, p), permission: p, created: e.At}
		a.grants = append(slices.Clone(a.grants), g)
		n := a.principalNote("Add app role assignment to service principal", "Assign")
		n.property, n.new = "AppRole.Value", string(p)
		body := c.t.world.assignment(a, g)
		body["@odata.context"] = c.context("servicePrincipals('"+a.principalID+"')/appRoleAssignments/$entity", nil)
		return n, &answer{status: http.StatusCreated, body: body}, nil
	})
}

func deleteAssignment(c *call) (*answer, error) {
	return c.changeApp((*call).principalApp, func(a *application, _ Effect) (note, *answer, error) {
		at := slices.IndexFunc(a.grants, func(g appGrant) bool { return g.id == c.vars[1] })
		if at < 0 {
			return note{}, nil, notFound(c.vars[1])
		}
		n := a.principalNote("Remove app role assignment from service principal", "Unassign")
		n.property, n.old = "AppRole.Value", string(a.grants[at].permission)
		a.grants = slices.Delete(slices.Clone(a.grants), at, at+1)
		return n, &answer{status: http.StatusNoContent}, nil
	})
}

var consentBody = shape{
	"id": text, "clientId": text, "consentType": oneOf("AllPrincipals", "Principal"), "principalId": text, "resourceId": text, "scope": text,
	"startTime": text, "expiryTime": text,
}

// postConsent lets an app act for people who signed in to it, with delegated
// permissions. The log's line is that of the consent page; nothing else shows
// it here, since no app acts for people.
func postConsent(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := consentBody.check("", d); wrong != "" {
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
	}
	principal, _ := d["clientId"].(string)
	find := func(_ *call, s *state) (*application, error) {
		a, ok := s.appWhere(func(a *application) bool { return sameID(a.principalID, principal) })
		if !ok {
			return nil, notFound(principal)
		}
		return a, nil
	}
	return c.changeApp(find, func(a *application, e Effect) (note, *answer, error) {
		n := a.principalNote("Consent to application", "Assign")
		n.property, n.new = "ConsentAction.Permissions", jsonText(d["scope"])
		return n, &answer{status: http.StatusCreated, body: document{
			"@odata.context": c.context("oauth2PermissionGrants/$entity", nil), "id": grantID(a.principalID, "consent "+graph.Permission(itoa(e.N))),
			"clientId": a.principalID, "consentType": d["consentType"], "principalId": d["principalId"], "resourceId": d["resourceId"], "scope": d["scope"],
		}}, nil
	})
}
