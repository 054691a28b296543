package simtenant

import (
	"net/http"
	"slices"
	"strings"
)

// route is one thing that the tenant can do.
type route struct {
	method  string
	pattern string // "*" stands for one part of the path, "name(*)" for a function's call
	beta    bool   // only there
	bucket  bucket
	cost    int
	asks    bool // a POST that changes nothing
	do      func(*call) (*answer, error)
	parts   []string
	need    *need // what an app has to be granted
}

// routes are all paths that the tenant speaks. Those of v1.0 exist on beta too.
var routes = prepare(slices.Concat(peopleRoutes, methodRoutes(), serviceRoutes))

var peopleRoutes = []route{
	{method: "GET", pattern: "organization", bucket: identity, cost: 1, do: listOrganization},
	{method: "GET", pattern: "subscribedSkus", bucket: identity, cost: 3, do: listSkus},
	{method: "GET", pattern: "policies/identitySecurityDefaultsEnforcementPolicy", bucket: identity, cost: 1, do: getDefaults},
	{method: "PATCH", pattern: "policies/identitySecurityDefaultsEnforcementPolicy", bucket: identity, cost: 1, do: patchDefaults},
	{method: "GET", pattern: "identity/conditionalAccess/policies", bucket: access, do: listPolicies},
	{method: "POST", pattern: "identity/conditionalAccess/policies", bucket: access, do: postPolicy},
	{method: "GET", pattern: "identity/conditionalAccess/policies/*", bucket: access, do: getPolicy},
	{method: "PATCH", pattern: "identity/conditionalAccess/policies/*", bucket: access, do: patchPolicy},
	{method: "DELETE", pattern: "identity/conditionalAccess/policies/*", bucket: access, do: deletePolicy},
	{method: "GET", pattern: "users", bucket: identity, cost: 2, do: listUsers},
	{method: "GET", pattern: "users/$count", bucket: identity, cost: 1, do: countUsers},
	{method: "GET", pattern: "users/delta", bucket: identity, cost: 2, do: listChangedUsers},
	{method: "POST", pattern: "users", bucket: identity, cost: 1, do: postUser},
	{method: "GET", pattern: "users/*", bucket: identity, cost: 1, do: getUser},
	{method: "PATCH", pattern: "users/*", bucket: identity, cost: 1, do: patchUser},
	{method: "DELETE", pattern: "users/*", bucket: identity, cost: 1, do: deleteUser},
	{method: "POST", pattern: "users/*/revokeSignInSessions", bucket: identity, cost: 1, do: revokeSessions},
	{method: "POST", pattern: "users/*/invalidateAllRefreshTokens", beta: true, bucket: identity, cost: 1, do: revokeSessions},
	{method: "POST", pattern: "users/*/sendMail", bucket: outlook, do: sendMail},
	{method: "GET", pattern: "users/*/manager", bucket: identity, cost: 1, do: getManager},
	{method: "PUT", pattern: "users/*/manager/$ref", bucket: identity, cost: 1, do: putManager},
	{method: "DELETE", pattern: "users/*/manager/$ref", bucket: identity, cost: 1, do: deleteManager},
	{method: "GET", pattern: "users/*/transitiveMemberOf", bucket: identity, cost: 2, do: listMemberOf},
	{method: "POST", pattern: "users/*/checkMemberGroups", bucket: identity, cost: 4, asks: true, do: checkMemberGroups},
	{method: "GET", pattern: "users/*/authentication/methods", bucket: methods, do: listMethods},
	{method: "GET", pattern: "users/*/authentication/methods/*", bucket: methods, do: getMethod},
	{method: "POST", pattern: "users/*/authentication/phoneMethods", bucket: methods, do: postPhone},
	{method: "POST", pattern: "users/*/authentication/temporaryAccessPassMethods", bucket: methods, do: postPass},
	{method: "PATCH", pattern: "users/*/authentication/requirements", beta: true, bucket: methods, do: patchRequirements},
	{method: "PATCH", pattern: "users/*/authentication/signInPreferences", beta: true, bucket: methods, do: patchPreferences},
	{method: "GET", pattern: "users/*/authentication/requirements", beta: true, bucket: methods, do: getRequirements},
	{method: "GET", pattern: "users/*/authentication/signInPreferences", beta: true, bucket: methods, do: getPreferences},
	{method: "GET", pattern: "groups", bucket: identity, cost: 1, do: listGroups},
	{method: "GET", pattern: "groups/*/owners", bucket: identity, cost: 1, do: listGroupOwners},
	{method: "GET", pattern: "groups/*", bucket: identity, cost: 1, do: getGroup},
	{method: "GET", pattern: "groups/*/members", bucket: identity, cost: 3, do: listGroupMembers},
	{method: "GET", pattern: "groups/*/transitiveMembers", bucket: identity, cost: 5, do: listGroupMembers},
	{method: "GET", pattern: "groups/*/transitiveMembers/microsoft.graph.user", bucket: identity, cost: 5, do: listGroupUsers},
	{method: "GET", pattern: "directoryRoles", bucket: identity, cost: 1, do: listDirectoryRoles},
	{method: "GET", pattern: "directoryRoles/*/members", bucket: identity, cost: 1, do: listDirectoryRoleMembers},
	{method: "GET", pattern: "roleManagement/directory/roleAssignments", bucket: identity, cost: 1, do: listRoleAssignments},
	{method: "GET", pattern: "roleManagement/directory/roleDefinitions", bucket: identity, cost: 1, do: listRoleDefinitions},
	{method: "GET", pattern: "reports/authenticationMethods/userRegistrationDetails", bucket: reports, do: listRegistrations},
	{method: "GET", pattern: "reports/authenticationMethods/userRegistrationDetails/$count", bucket: reports, do: countRegistrations},
	{method: "GET", pattern: "reports/authenticationMethods/userRegistrationDetails/*", bucket: reports, do: getRegistration},
	{method: "GET", pattern: "auditLogs/signIns", bucket: reports, do: listSignIns},
	{method: "GET", pattern: "auditLogs/directoryAudits", bucket: reports, do: listAudits},
}

func prepare(list []route) []route {
	for i := range list {
		list[i].parts = strings.Split(list[i].pattern, "/")
		list[i].need = needOf(&list[i])
	}
	return list
}

// match returns what stands for the wildcards if the route's path is this one.
// The names of a path are not case-sensitive, as at Graph.
func (r *route) match(version string, parts []string) ([]string, bool) {
	if len(parts) != len(r.parts) || r.beta && version != "beta" {
		return nil, false
	}
	var vars []string
	for i, want := range r.parts {
		switch {
		case strings.HasSuffix(want, anyArguments):
			inside, ok := arguments(strings.TrimSuffix(want, anyArguments), parts[i])
			if !ok {
				return nil, false
			}
			vars = append(vars, inside)
		case want == "*" && parts[i] != "" && !strings.HasPrefix(parts[i], "$"):
			vars = append(vars, parts[i])
		case !strings.EqualFold(want, parts[i]):
			return nil, false
		}
	}
	return vars, true
}

// anyArguments ends the part of a pattern that is a function's call.
const anyArguments = "(*)"

// arguments returns what stands between the brackets of a function's call.
func arguments(name, part string) (string, bool) {
	if len(part) < len(name)+2 || !strings.EqualFold(part[:len(name)], name) {
		return "", false
	}
	inside, opened := strings.CutPrefix(part[len(name):], "(")
	inside, closed := strings.CutSuffix(inside, ")")
	return inside, opened && closed
}

// find sets the route of a call, or says that there is none.
func (c *call) find() error {
	known := false
	for i := range routes {
		vars, ok := routes[i].match(c.version, c.parts)
		if !ok {
			continue
		}
		known = true
		if routes[i].method == c.method {
			c.route, c.vars = &routes[i], vars
			return nil
		}
	}
	if known {
		return refuse(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	}
	return refuse(http.StatusNotFound, "ResourceNotFound", "Resource not found for the segment '"+c.parts[len(c.parts)-1]+"'.")
}
