package rollout

import (
	"time"

	"twokey/graph"
)

// The funnel's figures, each a count of accounts or people. From Registered on
// each is a part of the people in scope, and has a share ([Figure.Share]).
const (
	Accounts ID = "accounts"
	Enabled  ID = "enabled" // accounts that may sign in
	Members  ID = "members" // of them, not guests
	InScope  ID = "in_scope"

	Registered        ID = "registered"
	Capable           ID = "capable"
	Backup            ID = "backup"
	NotPhoneOnly      ID = "not_phone_only"
	PhishingResistant ID = "phishing_resistant"
	// Enforced are those of whom MFA is demanded, registered or not.
	Enforced ID = "enforced"
)

// Figures beside the funnel.
const (
	Read        ID = "read"         // people of whom it is known; its share is the coverage
	PhoneOnly   ID = "phone_only"   // nothing but texts and calls
	PhoneBackup ID = "phone_backup" // the only backup is a phone

	Admins          ID = "admins" // people in scope with an active directory role
	AdminsNoMethod  ID = "admins_no_method"
	AdminsOneMethod ID = "admins_one_method"
)

// Excluded is the figure of the accounts left out for a reason: "disabled",
// "guest", a declared [Purpose] or "exception". Accounts less all of them are
// the people in scope.
func Excluded(why string) ID { return ID("excluded_" + why) }

// A Funnel is where the rollout stands at one reading.
type Funnel struct {
	AsOf       time.Time
	Road       Road
	ReportAsOf time.Time // the newest row of the report, zero without one
	Oldest     time.Time // the oldest of what is known of a person counted, zero if nothing is
	Figures
	Departments []Department
}

// NewFunnel counts a reading.
func NewFunnel(f Facts, s Scope) Funnel {
	fn := Funnel{AsOf: f.AsOf}
	if _, ok := f.Users.Get(); !ok {
		fn.Figures = noUsers(f)
		return fn
	}
	pop := populate(f, s)
	fn.Road, fn.ReportAsOf, fn.Oldest = pop.road, pop.reportAsOf, pop.oldest
	fn.Figures = append(accounts(f, pop), steps(f.AsOf, pop.people)...)
	fn.Figures = append(fn.Figures, enforced(f, len(pop.people)))
	fn.Figures = append(fn.Figures, admins(f, pop.people)...)
	fn.Departments = departments(f.AsOf, pop.people)
	return fn
}

// accounts counts from all accounts down to the people in scope.
func accounts(f Facts, pop population) Figures {
	users, _ := f.Users.Get()
	enabled := len(users) - pop.out[outDisabled]
	fs := Figures{
		Number(Accounts, f.AsOf, len(users)),
		Number(Enabled, f.AsOf, enabled),
		Number(Members, f.AsOf, enabled-pop.out[outGuest]),
		Number(InScope, f.AsOf, len(pop.people)),
	}
	for _, why := range exclusions {
		fs = append(fs, Number(Excluded(why), f.AsOf, pop.out[why]))
	}
	return fs
}

// questions are what is asked of every person in scope, in the funnel's order.
var questions = [...]struct {
	id  ID
	ask func(Person) Answer
}{
	{Registered, func(p Person) Answer { return p.Registered }},
	{Capable, func(p Person) Answer { return p.Capable }},
	{Backup, func(p Person) Answer { return p.Backup }},
	{NotPhoneOnly, func(p Person) Answer { return p.NotPhoneOnly }},
	{PhishingResistant, func(p Person) Answer { return p.PhishingResistant }},
	{PhoneOnly, func(p Person) Answer { return p.PhoneOnly }},
	{PhoneBackup, func(p Person) Answer { return p.PhoneBackup }},
}

func steps(asOf time.Time, people []Person) Figures {
	var fs Figures
	for _, q := range questions {
		fs = append(fs, tally(q.id, asOf, people, q.ask))
	}
	return append(fs, tally(Read, asOf, people, func(p Person) Answer {
		if p.Registered == Unknown {
			return No
		}
		return Yes
	}))
}

// tally counts the people of whom the answer is yes. Where it is known of
// nobody, or of too few to say none, there is a reason instead.
func tally(id ID, asOf time.Time, people []Person, ask func(Person) Answer) Figure {
	n := Number(id, asOf, 0)
	n.Of = len(people)
	var why Reason
	for _, p := range people {
		switch ask(p) {
		case Yes:
			n.value++
		case Unknown:
			why = common(why, p.Why, n.Unknown == 0)
			n.Unknown++
		}
	}
	if n.value == 0 && n.Thin() {
		n.value, n.known, n.reason = 0, false, why
	}
	return n
}

// common returns the one reason that all share, or NotRead.
func common(all, next Reason, first bool) Reason {
	if next == "" || !first && all != next {
		return NotRead
	}
	return next
}

// enforced counts the people of whom a rule of the tenant demands MFA. Security
// defaults demand it of everybody. Whom Conditional Access policies reach is
// not worked out, so with one enabled there is no figure. The old per-user
// setting is another mechanism and counts for nothing here.
func enforced(f Facts, people int) Figure {
	n := Number(Enforced, f.AsOf, people)
	n.Of = people
	if defaults, ok := f.SecurityDefaults.Get(); !ok {
		return Missing(Enforced, Count, f.AsOf, f.SecurityDefaults.Reason())
	} else if defaults.Enabled {
		return n
	}
	// A tenant that may not have policies has none.
	policies, ok := f.Policies.Get()
	if !ok && f.Policies.Reason() != NeedsP1 {
		return Missing(Enforced, Count, f.AsOf, f.Policies.Reason())
	}
	for _, p := range policies {
		if p.State == graph.PolicyEnabled {
			return Missing(Enforced, Count, f.AsOf, NotRead)
		}
	}
	n.value = 0
	return n
}

func admins(f Facts, people []Person) Figures {
	if _, ok := f.RoleHolders.Get(); !ok {
		return missing(f.AsOf, f.RoleHolders.Reason(), Admins, AdminsNoMethod, AdminsOneMethod)
	}
	var holders []Person
	for _, p := range people {
		if p.Admin == Yes {
			holders = append(holders, p)
		}
	}
	return Figures{
		Number(Admins, f.AsOf, len(holders)),
		tally(AdminsNoMethod, f.AsOf, holders, func(p Person) Answer { return not(p.Registered) }),
		tally(AdminsOneMethod, f.AsOf, holders, func(p Person) Answer { return p.OneMethod }),
	}
}

func not(a Answer) Answer {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	default:
		return Unknown
	}
}

// noUsers is the funnel of a tenant whose accounts could not be read: every
// figure has that reason.
func noUsers(f Facts) Figures {
	ids := []ID{Accounts, Enabled, Members, InScope}
	for _, why := range exclusions {
		ids = append(ids, Excluded(why))
	}
	for _, q := range questions {
		ids = append(ids, q.id)
	}
	ids = append(ids, Read, Enforced, Admins, AdminsNoMethod, AdminsOneMethod)
	return missing(f.AsOf, f.Users.Reason(), ids...)
}

func missing(asOf time.Time, why Reason, ids ...ID) Figures {
	var fs Figures
	for _, id := range ids {
		fs = append(fs, Missing(id, Count, asOf, why))
	}
	return fs
}
