// Package graphtest is the conformance suite of [graph.Reader] and
// [graph.Writer]: whoever implements them shows with Run that what they say is
// what the tenant holds. It asks the same of the simulated tenant and of a
// real one; a new promise of the interfaces gets its check here.
package graphtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"twokey/graph"
)

// A Fixture is a tenant to be checked. Nothing else may change the tenant
// while it is in use.
type Fixture struct {
	Reader graph.Reader
	// Writer is nil where the tenant must not be changed.
	Writer graph.Writer
	// TestUser is the object ID of the one account that Writer may change; empty
	// means that it may change everything.
	TestUser string
	// Applied counts the changes that the tenant applied, by its own account.
	// Needed where Writer may change everything.
	Applied func() int
	// Truth is what the tenant holds, learned in another way than by Reader, or
	// with [Learn].
	Truth Truth
	// Real says that the tenant is nobody's making: it may hold nothing of some
	// kinds, and shows a change only after a while.
	Real bool
}

// barren is for checks that find nothing to go by. A tenant that was made for
// them has to have it.
func (f Fixture) barren(t testing.TB, why string) {
	t.Helper()
	if f.Real {
		t.Logf("%s: the check proves nothing", why)
		return
	}
	t.Errorf("%s: the check proves nothing", why)
}

// Truth is a tenant's contents. The order of its lists does not matter, except
// for methods. Where the licence gives no report the list stays nil.
type Truth struct {
	Organization     graph.Organization
	Licence          graph.Licence
	SecurityDefaults graph.SecurityDefaults
	Policies         []graph.Policy
	Users            []graph.User
	RoleHolders      []graph.RoleHolder
	RoleGroupPeople  []graph.RoleHolder
	Aliases          map[string][]string // user IDs by address, of addresses that are nobody's UPN or mail
	Registrations    []graph.Registration
	Methods          map[string][]graph.Method // by user ID, for as many users as are worth asking
	Managers         map[string]string         // user ID by user ID, empty where there is none
	LastSignIns      []graph.LastSignIn
	Preferences      map[string]graph.SignInPreference // by user ID, like Methods
	Passes           map[string][]graph.Pass           // by user ID, like Methods
	EmailAppUse      graph.EmailAppUse
	OutlookVersions  graph.OutlookVersions // of the same period
	NamesConcealed   bool
	PerUserMFA       map[string]graph.PerUserMFA // by user ID, like Methods
	MethodsPolicy    graph.MethodsPolicy
	Groups           []graph.Group
	Members          map[string][]string // the users' IDs by group ID
	Audits           []graph.Audit
	Since            time.Time // of EachLegacySignIn
	LegacySignIns    []graph.SignIn
	// App is an app registration in the tenant.
	App graph.App
	// Grants are what the Reader's own token says, but for when it was issued;
	// nil where it signs in without a token that says anything.
	Grants *graph.Grants
}

// Run checks the tenant that open returns; each check opens its own, which may
// be the same. What is read is checked before anything is changed.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	t.Helper()
	for _, part := range []struct {
		name   string
		checks []check
	}{{"read", reads}, {"change", changes}} {
		t.Run(part.name, func(t *testing.T) {
			for _, c := range part.checks {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.check(t, open(t))
				})
			}
		})
	}
}

type check struct {
	name  string
	check func(*testing.T, Fixture)
}

var reads = []check{
	{"organization", organization},
	{"licence", licence},
	{"security defaults", securityDefaults},
	{"policies", policies},
	{"users", users},
	{"user by ID and UPN", user},
	{"user that is not there", noUser},
	{"role holders", roleHolders},
	{"people of groups for roles", roleGroupPeople},
	{"registrations", registrations},
	{"methods", methods},
	{"methods of a user that is not there", methodsOfNobody},
	{"methods of no users", methodsOfNone},
	{"count of users", countUsers},
	{"users found by each of their names", findUsers},
	{"users found by nothing", findNobody},
	{"managers", managers},
	{"all managers", allManagers},
	{"last sign-ins", lastSignIns},
	{"groups", groups},
	{"groups of a user", memberOf},
	{"sign-in preferences", preferences},
	{"passes", passes},
	{"e-mail app use", emailAppUse},
	{"Outlook versions", outlookVersions},
	{"names concealed", namesConcealed},
	{"changed users", userChanges},
	{"per-user MFA", perUserMFA},
	{"per-user MFA of a user that is not there", perUserMFAOfNobody},
	{"methods policy", methodsPolicy},
	{"group members", groupMembers},
	{"group that is not there", noGroup},
	{"audits", audits},
	{"audits of a time, a service and a target", someAudits},
	{"legacy sign-ins", legacySignIns},
	{"legacy sign-ins until somebody has enough", enoughSignIns},
	{"a person's sign-ins", signInsOf},
	{"app registration", app},
	{"app that is not there", noApp},
	{"own permissions", grants},
	{"pages of users", userPages},
	{"pages of registrations", registrationPages},
	{"a cursor that is none", noCursor},
	{"no answer after the context ended", cancelled},
}

var changes = []check{
	{"set security defaults", setSecurityDefaults},
	{"create policies and switch them", createPolicies},
	{"state of a policy that is not there", policyOfNobody},
	{"set policy of passes", setPassPolicy},
	{"set registration campaign", setCampaign},
	{"delete methods, the default last", deleteMethods},
	{"delete methods in the order that is never refused", deleteInOrder},
	{"set sign-in preference", setSignInPreference},
	{"delete a method that is not there", methodThatIsNotThere},
	{"add phones", addPhones},
	{"create passes", createPasses},
	{"set per-user MFA", setPerUserMFA},
	{"block and unblock", blockAndUnblock},
	{"revoke sessions", revoke},
	{"send mail", mail},
	{"change a test user and put it back", testUser},
	{"no change after the context ended", cancelledWrite},
}

// failed checks that err is a *graph.Error of the kind that names its call.
func failed(t *testing.T, err error, want graph.Kind) {
	t.Helper()
	e, ok := errors.AsType[*graph.Error](err)
	switch {
	case !ok:
		t.Errorf("error: got %v, want a *graph.Error: %v", err, want)
	case e.Kind != want:
		t.Errorf("error: got %v (%v), want %v", e.Kind, err, want)
	case e.Op == "":
		t.Errorf("error %v: names no operation", err)
	}
}

// ended returns a context that is over.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
