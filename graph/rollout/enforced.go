package rollout

import (
	"cmp"
	"slices"

	"twokey/graph"
)

// Names of what demands MFA, beside the names of Conditional Access policies.
const (
	ByDefaults = "security defaults"
	ByPerUser  = "per-user MFA"
)

// Enforcement is whether MFA is demanded of one account, and by what.
type Enforcement struct {
	// Defaults is by security defaults: of everybody, or of nobody. All have to
	// register, and only administrators are asked at every sign-in; the others when
	// Microsoft judges it needed. How often that is nobody can read.
	Defaults Answer
	// Policies is whether enabled Conditional Access policies demand it for all
	// apps and all clients; Partly if for some sign-ins only.
	Policies Answer
	// PerUser is the old per-user setting: Yes where it is enforced, Partly
	// where it is enabled, for then programs with a password still get in.
	PerUser Answer
	// By names what demands it, in whole or in part: [ByDefaults], the policies
	// by their names, [ByPerUser].
	By []string

	defaultsWhy, policiesWhy, perUserWhy Reason // why each of them is unknown
	// notInFull: Policies is unknown, and not Yes in any case.
	notInFull bool
}

// InFull is whether anything demands MFA in full. A demand in part is none, and so
// is one of which only that is unknown.
func (e Enforcement) InFull() Answer {
	policies := e.Policies
	if e.notInFull {
		policies = No
	}
	return either(e.Defaults, policies, e.PerUser)
}

// Answer is whether anything demands MFA in full: at every sign-in or, by
// security defaults, whenever Microsoft judges it needed.
func (e Enforcement) Answer() Answer {
	all := []Answer{e.Defaults, e.Policies, e.PerUser}
	for _, a := range []Answer{Yes, Unknown, Partly} {
		if slices.Contains(all, a) {
			return a
		}
	}
	return No
}

// Why says why the answer is unknown, "" if it is not.
func (e Enforcement) Why() Reason {
	if e.Answer() != Unknown {
		return ""
	}
	return cmp.Or(e.defaultsWhy, e.policiesWhy, e.perUserWhy)
}

// enforcers is all in the tenant that can demand MFA.
type enforcers struct {
	defaults    Answer
	policies    []graph.Policy // enabled, and of use here
	policiesWhy Reason
	perUser     map[string]graph.UserMFA
	facts       Facts
	whom        whom
}

func newEnforcers(f Facts, w whom) enforcers {
	e := enforcers{facts: f, whom: w, perUser: make(map[string]graph.UserMFA)}
	if defaults, ok := f.SecurityDefaults.Get(); ok {
		e.defaults = answer(defaults.Enabled)
	}
	policies, _ := f.Policies.Get()
	for _, p := range policies {
		if p.State == graph.PolicyEnabled && (p.DemandsMFA() || p.Blocks() || unsaid(p.Users)) {
			e.policies = append(e.policies, p)
		}
	}
	if why := f.Policies.Reason(); why != NeedsP1 { // who may not have policies has none
		e.policiesWhy = why
	}
	rows, _ := f.PerUserMFA.Get()
	for _, row := range rows {
		e.perUser[row.UserID] = row
	}
	return e
}

// of works out what demands MFA of an account.
func (e enforcers) of(u graph.User) Enforcement {
	found := Enforcement{Defaults: e.defaults}
	if e.defaults == Yes {
		found.By = append(found.By, ByDefaults)
	}
	policies, most, names := e.byPolicies(u)
	found.Policies, found.notInFull = policies, policies == Unknown && most != Yes
	found.By = append(found.By, names...)
	found.PerUser, found.perUserWhy = e.byPerUser(u)
	if found.PerUser == Yes || found.PerUser == Partly {
		found.By = append(found.By, ByPerUser)
	}
	if e.defaults == Unknown {
		found.defaultsWhy = e.facts.SecurityDefaults.Reason()
	}
	if policies == Unknown {
		found.policiesWhy = e.policyWhy()
	}
	return found
}

// policyWhy says why it is not known whom the policies reach.
func (e enforcers) policyWhy() Reason {
	for _, why := range []Reason{e.policiesWhy, e.facts.GroupMembers.Reason(), e.facts.RoleHolders.Reason()} {
		if why != "" {
			return why
		}
	}
	return NotRead // one group of several
}

// byPolicies works the policies out twice: as if they reached everybody of whom
// that is unknown, and as if they reached none of those. Where both come to the
// same, that is the answer. The second is the most that they may come to.
func (e enforcers) byPolicies(u graph.User) (is, most Answer, names []string) {
	if e.policiesWhy != "" {
		return Unknown, Yes, nil
	}
	var surely, maybe coverage
	for _, p := range e.policies {
		reach := e.whom.reached(u, p.Users)
		if reach == Yes {
			surely.add(p)
			if p.DemandsMFA() {
				names = append(names, p.Name)
			}
		}
		if reach != No {
			maybe.add(p)
		}
	}
	if surely.answer() != maybe.answer() {
		return Unknown, maybe.answer(), names
	}
	return surely.answer(), surely.answer(), names
}

func (e enforcers) byPerUser(u graph.User) (Answer, Reason) {
	row, read := e.perUser[u.ID]
	switch {
	case !read && e.facts.PerUserMFA.Reason() != "":
		return Unknown, e.facts.PerUserMFA.Reason()
	case !read:
		return Unknown, NotRead
	case row.Err != nil:
		return Unknown, ReasonOf(row.Err)
	}
	switch row.State {
	case graph.PerUserEnforced:
		return Yes, ""
	case graph.PerUserEnabled:
		return Partly, ""
	case graph.PerUserDisabled:
		return No, ""
	default:
		return Unknown, SourceFailed // a state that Graph has added
	}
}

// clientTypes are those that a Conditional Access policy can tell apart. The
// first two can do MFA; the others it can only stop.
var clientTypes = [...]string{"browser", "mobileAppsAndDesktopClients", graph.ClientsActiveSync, graph.ClientsOther}

const modernClients = 2 // of clientTypes

// coverage adds policies up: which clients they guard, for all apps.
type coverage struct {
	guarded [len(clientTypes)]bool
	demands bool // one of them demands MFA of something
}

// add takes a policy in that reaches the account. Legacy clients are guarded by
// a block too; a block of modern ones is no demand for MFA.
func (c *coverage) add(p graph.Policy) {
	if unsaid(p.Users) {
		c.guarded, c.demands = [len(clientTypes)]bool{true, true, true, true}, true
		return
	}
	c.demands = c.demands || p.DemandsMFA()
	if p.Narrowed || !slices.Contains(p.Apps, "All") {
		return
	}
	for i, client := range clientTypes {
		named := slices.Contains(p.Clients, graph.ClientsAll) || slices.Contains(p.Clients, client)
		if named && (p.DemandsMFA() || p.Blocks() && i >= modernClients) {
			c.guarded[i] = true
		}
	}
}

func (c coverage) answer() Answer {
	switch {
	case !c.demands:
		return No
	case slices.Contains(c.guarded[:], false):
		return Partly
	default:
		return Yes
	}
}
