package rollout

import (
	"cmp"
	"time"
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
	// Enforced are those of whom MFA is demanded in full, registered or not, by
	// whatever demands it. By security defaults that is when Microsoft judges it
	// needed, of all but administrators: it is no promise of every sign-in.
	Enforced ID = "enforced"
)

// Figures beside the funnel.
const (
	Read        ID = "read"         // people of whom it is known; its share is the coverage
	PhoneOnly   ID = "phone_only"   // nothing but texts and calls
	PhoneBackup ID = "phone_backup" // the only backup is a phone

	// What demands MFA. Several may demand it of one person, so these do not add
	// up to Enforced. Partly is a demand at some sign-ins, and no other at all.
	EnforcedByDefaults ID = "enforced_by_defaults"
	EnforcedByPolicy   ID = "enforced_by_policy"
	EnforcedByPerUser  ID = "enforced_by_per_user"
	EnforcedPartly     ID = "enforced_partly"
	// PerUserLeftovers are people whose old per-user setting is not disabled. It
	// gives them passwords for apps that pass MFA by, and should be disabled
	// wherever security defaults or Conditional Access are used.
	PerUserLeftovers ID = "per_user_leftovers"

	Admins          ID = "admins" // people in scope with an active directory role
	AdminsNoMethod  ID = "admins_no_method"
	AdminsOneMethod ID = "admins_one_method"
	AdminsWeak      ID = "admins_weak" // registered with nothing phishing-resistant
	AdminsPhoneOnly ID = "admins_phone_only"

	// Accounts that are not counted among the people, and have to sign in all the
	// same. Of guests only what they registered here is known; the others are the
	// declared emergency access accounts that are enabled.
	GuestsPhoneOnly    ID = "guests_phone_only"
	EmergencyNoMethod  ID = "emergency_no_method"
	EmergencyPhoneOnly ID = "emergency_phone_only"
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
	Oldest     time.Time // the oldest reading that counts: of the accounts or of a person in scope; zero if nothing does
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
	whole := s.With(f.Declared)
	return forScope(f.worked, whole, func(w *worked) **Funnel { return &w.fn }, func() Funnel {
		return countFunnel(f, f.worked.population(f, whole)).clipped()
	})
}

func countFunnel(f Facts, pop population) Funnel {
	fn := Funnel{AsOf: f.AsOf}
	fn.Road, fn.ReportAsOf, fn.Oldest = pop.road, pop.reportAsOf, f.usersAsOf()
	if !pop.oldest.IsZero() && pop.oldest.Before(fn.Oldest) {
		fn.Oldest = pop.oldest
	}
	fn.Figures = append(accounts(f, pop), steps(f.AsOf, pop.people)...)
	fn.Figures = append(fn.Figures, admins(f, pop.people)...)
	fn.Figures = append(fn.Figures, outsiders(f.AsOf, pop)...)
	fn.Departments = departments(f.AsOf, pop.people)
	return fn
}

// accounts counts from all accounts down to the people in scope.
func accounts(f Facts, pop population) Figures {
	users, _ := f.Users.Get()
	asOf, enabled := f.usersAsOf(), len(users)-pop.out[outDisabled]
	fs := Figures{
		Number(Accounts, asOf, len(users)),
		Number(Enabled, asOf, enabled),
		Number(Members, asOf, enabled-pop.out[outGuest]),
		Number(InScope, asOf, len(pop.people)),
	}
	for _, why := range exclusions {
		fs = append(fs, Number(Excluded(why), asOf, pop.out[why]))
	}
	return fs
}

// questions are what is asked of every person in scope, in the funnel's order,
// and why the answer may be unknown.
var questions = [...]struct {
	id  ID
	ask func(Person) Answer
	why func(Person) Reason
}{
	{Registered, func(p Person) Answer { return p.Registered }, whyRegistered},
	{Capable, func(p Person) Answer { return p.Capable }, func(p Person) Reason { return cmp.Or(p.CapableWhy, p.Why) }},
	{Backup, func(p Person) Answer { return p.Backup }, whyRegistered},
	{NotPhoneOnly, func(p Person) Answer { return p.NotPhoneOnly }, whyRegistered},
	{PhishingResistant, func(p Person) Answer { return p.PhishingResistant }, whyRegistered},
	{PhoneOnly, phoneOnly, whyRegistered},
	{PhoneBackup, func(p Person) Answer { return p.PhoneBackup }, whyRegistered},
	{Read, func(p Person) Answer { return answer(p.Registered != Unknown) }, whyRegistered},
	{Enforced, func(p Person) Answer { return p.Enforcement.InFull() }, whyEnforced},
	{EnforcedByDefaults, func(p Person) Answer { return p.Enforcement.Defaults }, func(p Person) Reason { return p.Enforcement.defaultsWhy }},
	{EnforcedByPolicy, func(p Person) Answer { return p.Enforcement.Policies }, func(p Person) Reason { return p.Enforcement.policiesWhy }},
	{EnforcedByPerUser, func(p Person) Answer { return p.Enforcement.PerUser }, whyPerUser},
	{EnforcedPartly, func(p Person) Answer { return partly(p.Enforcement.Answer()) }, whyEnforced},
	{PerUserLeftovers, func(p Person) Answer { return either(p.Enforcement.PerUser, partly(p.Enforcement.PerUser)) }, whyPerUser},
}

func whyRegistered(p Person) Reason { return p.Why }
func whyEnforced(p Person) Reason   { return p.Enforcement.Why() }
func whyPerUser(p Person) Reason    { return p.Enforcement.perUserWhy }

// partly asks whether an answer is that it is so for some sign-ins only.
func partly(a Answer) Answer {
	if a == Unknown {
		return Unknown
	}
	return answer(a == Partly)
}

func steps(asOf time.Time, people []Person) Figures {
	var fs Figures
	for _, q := range questions {
		fs = append(fs, tally(q.id, asOf, people, q.ask, q.why))
	}
	return fs
}

// tally counts the people of whom the answer is yes. Where it is known of
// nobody, or of too few to say none, there is a reason instead.
func tally(id ID, asOf time.Time, people []Person, ask func(Person) Answer, why func(Person) Reason) Figure {
	n := Number(id, asOf, 0)
	n.Of = len(people)
	var reasons reasons
	for _, p := range people {
		switch ask(p) {
		case Yes:
			n.value++
		case Unknown:
			reasons.add(why(p))
			n.Unknown++
		}
	}
	if n.value == 0 && n.Thin() {
		n.value, n.known, n.reason = 0, false, reasons.shared
	}
	return n
}

// reasons is why answers are unknown: the one reason that all share, or NotRead.
type reasons struct {
	shared Reason // "" if there was none
}

func (r *reasons) add(why Reason) {
	if why == "" || r.shared != "" && r.shared != why {
		why = NotRead
	}
	r.shared = why
}

func admins(f Facts, people []Person) Figures {
	if _, ok := f.RoleHolders.Get(); !ok {
		return missing(f.AsOf, f.RoleHolders.Reason(), Admins, AdminsNoMethod, AdminsOneMethod, AdminsWeak, AdminsPhoneOnly)
	}
	var holders []Person
	for _, p := range people {
		if p.Admin == Yes {
			holders = append(holders, p)
		}
	}
	return Figures{
		Number(Admins, f.AsOf, len(holders)),
		tally(AdminsNoMethod, f.AsOf, holders, noMethod, whyRegistered),
		tally(AdminsOneMethod, f.AsOf, holders, func(p Person) Answer { return p.OneMethod }, whyRegistered),
		tally(AdminsWeak, f.AsOf, holders, func(p Person) Answer { return p.Weak }, whyRegistered),
		tally(AdminsPhoneOnly, f.AsOf, holders, phoneOnly, whyRegistered),
	}
}

// outsiders counts those who are not among the people.
func outsiders(asOf time.Time, pop population) Figures {
	return Figures{
		tally(GuestsPhoneOnly, asOf, pop.guests, phoneOnly, whyRegistered),
		tally(EmergencyNoMethod, asOf, pop.emergency, noMethod, whyRegistered),
		tally(EmergencyPhoneOnly, asOf, pop.emergency, phoneOnly, whyRegistered),
	}
}

func noMethod(p Person) Answer  { return not(p.Registered) }
func phoneOnly(p Person) Answer { return p.PhoneOnly }

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
	ids = append(ids, Admins, AdminsNoMethod, AdminsOneMethod, AdminsWeak, AdminsPhoneOnly,
		GuestsPhoneOnly, EmergencyNoMethod, EmergencyPhoneOnly)
	return missing(f.AsOf, f.Users.Reason(), ids...)
}

func missing(asOf time.Time, why Reason, ids ...ID) Figures {
	var fs Figures
	for _, id := range ids {
		fs = append(fs, Missing(id, Count, asOf, why))
	}
	return fs
}
