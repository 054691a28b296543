package simtenant

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"twokey/graph"
)

// caller is on whose behalf a call comes.
type caller struct {
	// declared says that the app is one of [Config.Apps]. All others may do
	// everything, as long as they hold no directory role for it.
	declared    bool
	permissions []graph.Permission
	roles       []string // template ids of the app's directory roles
}

// identify finds out whose call it is. Nobody's is refused where apps are
// declared; whose app is not declared is not asked any further.
func (c *call) identify() error {
	s := c.view.state
	if len(s.apps) == 0 || c.t.cfg.Unguarded || c.version == downloads {
		return nil
	}
	if c.app == anonymous {
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty.")
	}
	a, ok := s.app(c.app)
	if !ok {
		return nil
	}
	_, bearer, _ := strings.Cut(c.header.Get("Authorization"), " ")
	if bearer = strings.TrimSpace(bearer); sameID(bearer, a.ClientID) {
		c.caller = caller{declared: true, permissions: a.permissions(), roles: a.Roles}
		return nil
	}
	who, err := c.checkToken(bearer)
	c.caller = who
	return err
}

// appRoles returns the directory roles of the calling app; none for an app that
// is not declared. No permission makes up for them where Microsoft asks for a
// role, as for blocking an administrator.
func (c *call) appRoles() []string { return c.caller.roles }

func (c *call) granted(p graph.Permission) bool { return slices.Contains(c.caller.permissions, p) }

func (c *call) grantedAny(list ...graph.Permission) bool { return slices.ContainsFunc(list, c.granted) }

// need says what an app has to be granted for some calls.
type need struct {
	methods string // "GET", "POST PATCH"; empty for all others
	path    string // a pattern of routes; it stands for all paths below it too
	any     []graph.Permission
	all     []graph.Permission // on top of one of any
	words   wording
	narrow  func(*call) bool // what the permissions that it has do not reach, if set
}

// wording tells the services behind Graph apart: each has its own words for a
// permission that is missing.
type wording int

const (
	directoryWords wording = iota
	policyWords
	methodsWords
	logWords
	usageWords
	mailWords
)

func (s wording) refuse(n *need) *refusal {
	switch s {
	case policyWords:
		return refuse(http.StatusForbidden, "AccessDenied", "You cannot perform the requested operation, required scopes are missing in the token.")
	case methodsWords:
		return refuse(http.StatusForbidden, "accessDenied", "Request Authorization failed")
	case logWords:
		return refuse(http.StatusForbidden, "Authentication_MSGraphPermissionMissing",
			"The principal does not have required Microsoft Graph permission(s): "+string(n.any[0])+" to call this API.")
	case usageWords:
		return refuse(http.StatusForbidden, "S2SUnauthorized", "Invalid scope claims/roles.")
	case mailWords:
		return refuse(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	default:
		return refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
}

// covers reports whether a need speaks of a route.
func (n *need) covers(r *route) bool {
	path := strings.Split(n.path, "/")
	if n.methods != "" && !slices.Contains(strings.Fields(n.methods), r.method) || len(path) > len(r.parts) {
		return false
	}
	for i := range path {
		if path[i] != strings.TrimSuffix(r.parts[i], anyArguments) {
			return false
		}
	}
	return true
}

// needOf returns the first of the needs that covers a route; nil for none.
func needOf(r *route) *need {
	for i := range needs {
		if needs[i].covers(r) {
			return &needs[i]
		}
	}
	return nil
}

// permitted refuses what a declared app was not granted, in the words of the
// service that the route belongs to.
func (c *call) permitted() error {
	if !c.caller.declared {
		return nil
	}
	n := c.route.need
	if n == nil { // nobody has said what it takes: nothing suffices
		return directoryWords.refuse(n)
	}
	missing := func(p graph.Permission) bool { return !c.granted(p) }
	if !c.grantedAny(n.any...) || slices.ContainsFunc(n.all, missing) || n.narrow != nil && !n.narrow(c) {
		return n.words.refuse(n)
	}
	return nil
}

// basicProperties are those of a user that User.ReadBasic.All shows.
var basicProperties = words("id displayName givenName mail surname userPrincipalName")

// readsUsers keeps User.ReadBasic.All to names, and signInActivity, which is
// from the logs, to who may read them.
func readsUsers(c *call) bool {
	selected := strings.Split(c.query.Get("$select"), ",")
	asks := func(name string) bool {
		return slices.ContainsFunc(selected, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), name) })
	}
	if asks("signInActivity") && !c.granted("AuditLog.Read.All") {
		return false
	}
	return c.grantedAny(fullUserReaders...) || !slices.ContainsFunc(selected, func(s string) bool {
		s = strings.TrimSpace(s)
		return s != "" && !slices.ContainsFunc(basicProperties, func(basic string) bool { return strings.EqualFold(s, basic) })
	})
}

// writesUsers keeps User.EnableDisableAccount.All to the one property that it
// is for, and to who may read users too.
func writesUsers(c *call) bool {
	if c.grantedAny(fullUserWriters...) {
		return true
	}
	var body map[string]json.RawMessage
	if json.Unmarshal(c.body, &body) != nil {
		return true // the handler refuses it in its own words
	}
	for name := range body {
		if name != "accountEnabled" && !strings.Contains(name, "@odata.") {
			return false
		}
	}
	return c.grantedAny(fullUserReaders...)
}
