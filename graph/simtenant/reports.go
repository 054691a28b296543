package simtenant

import (
	"iter"
	"net/http"
	"strings"
	"time"

	"twokey/graph"
)

// registrationCycle is how often a row of the registration report is made anew.
const registrationCycle = 6 * time.Hour

// registration is one row of the report as it stood when it was last made.
type registration struct {
	*account
	asOf    time.Time
	methods []method
	policy  *methodsPolicy
	in      func(groupID string) bool // whether the account is in a group
	then    *account                  // as it was
}

var registrationSet = &set{
	typ: "microsoft.graph.userRegistrationDetails",
	known: words(`id userPrincipalName userDisplayName userType isAdmin isSsprRegistered isSsprEnabled isSsprCapable
		isMfaRegistered isMfaCapable isPasswordlessCapable methodsRegistered isSystemPreferredAuthenticationMethodEnabled
		systemPreferredAuthenticationMethods userPreferredMethodForSecondaryAuthentication lastUpdatedDateTime`),
	filters: map[string]ops{
		"id": eq, "userPrincipalName": eq | starts, "userDisplayName": eq | starts, "userType": eq, "isAdmin": eq | boolean,
		"isMfaRegistered": eq | boolean, "isMfaCapable": eq | boolean, "isPasswordlessCapable": eq | boolean,
		"isSsprRegistered": eq | boolean, "isSsprEnabled": eq | boolean, "isSsprCapable": eq | boolean, "methodsRegistered": anyOf,
	},
	top: 999, maxTop: 999,
}

// row returns an account's row, as of its last refresh; each account has a
// rhythm of its own. Rows of about one account in a hundred are missing, as
// they are in real reports, for no reason that Graph would tell.
func (v *view) row(i int, a *account) (*registration, bool) {
	r := mix(v.t.world.seed ^ uint64(a.created.Unix()) ^ uint64(a.number)<<40)
	if a.kind == person && a.number >= castSize && r%97 == 0 {
		return nil, false
	}
	phase := time.Duration(r>>8%uint64(registrationCycle/time.Second)) * time.Second
	asOf := v.now.Add(-phase).Truncate(registrationCycle).Add(phase)
	then, ok := v.accountAt(i, asOf)
	if !ok { // too new for the report
		return nil, false
	}
	return &registration{account: a, asOf: asOf, methods: then.visible(asOf), policy: v.stateAt(asOf).methods, in: v.t.world.membership(i), then: then}, true
}

func (g *registration) prop(v *view, path string) any {
	switch path {
	case "userDisplayName":
		return g.name
	case "userType":
		if g.kind == guest {
			return "guest"
		}
		return "member"
	case "isAdmin":
		return g.isAdmin()
	case "isMfaRegistered", "isSsprRegistered", "isSsprCapable":
		return g.strongest(false) > graph.NotMFA
	case "isMfaCapable":
		return g.strongest(true) > graph.NotMFA
	case "isPasswordlessCapable":
		return g.strongest(true) == graph.PhishingResistant
	case "isSsprEnabled":
		return true
	case steeredMember:
		return !g.then.unsteered
	case "methodsRegistered":
		return g.names()
	case "systemPreferredAuthenticationMethods":
		if p := preferredMethod(g.methods); p != "none" {
			return []string{p}
		}
		return []string{}
	case preferredMember:
		return g.then.preference(g.methods)
	case "lastUpdatedDateTime":
		return g.asOf
	default:
		return g.account.prop(v, path)
	}
}

// strongest is the best strength, of all methods or of those that the methods
// policy allows.
func (g *registration) strongest(allowed bool) graph.Strength {
	best := graph.NotMFA
	for _, m := range g.methods {
		if !allowed || g.policy.allows(g.account, &m, g.in) {
			best = max(best, m.kind.Strength())
		}
	}
	return best
}

// names are the methods in the report's own vocabulary.
func (g *registration) names() []string {
	list := []string{}
	for _, m := range g.methods {
		switch m.kind {
		case graph.MethodPhone:
			list = append(list, m.subtype+"Phone")
		case graph.MethodEmail:
			list = append(list, "email")
		case graph.MethodAuthenticator:
			list = append(list, "microsoftAuthenticatorPush", "softwareOneTimePasscode")
		case graph.MethodPasskey:
			if strings.HasPrefix(m.detail, "Microsoft Authenticator") {
				list = append(list, "passKeyDeviceBoundAuthenticator")
			} else {
				list = append(list, "passKeyDeviceBound")
			}
		case graph.MethodSoftwareOATH:
			list = append(list, "softwareOneTimePasscode")
		case graph.MethodWindowsHello:
			list = append(list, "windowsHelloForBusiness")
		case graph.MethodPlatformCredential:
			list = append(list, "macOsSecureEnclaveKey")
		case graph.MethodTemporaryPass:
			list = append(list, "temporaryAccessPass")
		case graph.MethodExternal:
			list = append(list, "externalAuthMethod")
		}
	}
	return list
}

func (c *call) registrations(from cursor) iter.Seq2[cursor, entity] {
	return func(yield func(cursor, entity) bool) {
		for i, a := range c.view.accounts(int(from.at)) {
			if row, ok := c.view.row(i, a); ok && !yield(cursor{at: int64(i)}, row) {
				return
			}
		}
	}
}

func listRegistrations(c *call) (*answer, error) {
	if c.t.world.licence < graph.P1 {
		return nil, noLicence()
	}
	return c.list(registrationSet, "reports/authenticationMethods/userRegistrationDetails", c.registrations)
}

func countRegistrations(c *call) (*answer, error) {
	if c.t.world.licence < graph.P1 {
		return nil, noLicence()
	}
	o, err := c.options(registrationSet)
	if err != nil {
		return nil, err
	}
	n := countRows(registrationSet, &c.view, o.filter, c.registrations(cursor{}))
	return &answer{status: http.StatusOK, body: itoa(n)}, nil
}

func getRegistration(c *call) (*answer, error) {
	if c.t.world.licence < graph.P1 {
		return nil, noLicence()
	}
	if !c.view.exists(c.vars[0]) {
		return nil, notFound(c.vars[0])
	}
	i, a, err := c.user()
	if err != nil {
		return nil, err
	}
	row, ok := c.view.row(i, a)
	if !ok {
		return nil, notFound(c.vars[0])
	}
	return c.one(registrationSet, "reports/authenticationMethods/userRegistrationDetails", row)
}
