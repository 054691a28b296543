package rollout

import (
	"cmp"
	"time"
)

// StaleAfter is how long an account may go unseen before it is called stale:
// the longest that people are away without anybody having told the directory.
const StaleAfter = 90 * 24 * time.Hour

// Question is what a list of people answers, by the word that asks for it.
type Question string

// The questions. All but the last two are about the people in scope.
const (
	WhoMissing    Question = "missing"    // not registered
	WhoSingle     Question = "single"     // registered with one method
	WhoPhoneOnly  Question = "phone-only" // with nothing but texts and calls
	WhoWeak       Question = "weak"       // see [Person.Weak]
	WhoUnenforced Question = "unenforced" // of whom MFA is demanded nowhere, or not everywhere
	WhoStale      Question = "stale"      // not seen for [StaleAfter]
	// WhoGuests are enabled guests. They register in their own tenant: what is
	// known of their methods here is not all they have.
	WhoGuests Question = "guests"
	// WhoDisabledReg are disabled accounts that could sign in again at once, for
	// they are still registered.
	WhoDisabledReg Question = "disabled-reg"
)

var whoAsks = [...]struct {
	question Question
	ask      func(Person) Answer
	why      func(Person) Reason
}{
	{WhoMissing, func(p Person) Answer { return not(p.Registered) }, whyRegistered},
	{WhoSingle, func(p Person) Answer { return p.OneMethod }, whyRegistered},
	{WhoPhoneOnly, func(p Person) Answer { return p.PhoneOnly }, whyRegistered},
	{WhoWeak, func(p Person) Answer { return p.Weak }, whyRegistered},
	{WhoUnenforced, func(p Person) Answer { return not(p.Enforcement.InFull()) }, whyEnforced},
	{WhoStale, func(p Person) Answer { return p.Stale }, func(Person) Reason { return "" }},
	{WhoGuests, func(Person) Answer { return Yes }, func(Person) Reason { return "" }},
	{WhoDisabledReg, func(p Person) Answer { return p.Registered }, whyRegistered},
}

// Questions lists them in the order in which they are offered.
func Questions() []Question {
	var all []Question
	for _, w := range whoAsks {
		all = append(all, w.question)
	}
	return all
}

// Who returns the accounts that a question is about, in the order of the
// tenant's, and why the list may be short: the reason is "" only if the answer
// is known of everybody who was asked about. With a reason an empty list says
// nothing. A question that is none has no list and the reason [NotRead].
func Who(f Facts, s Scope, q Question) ([]Person, Reason) {
	accounts, why := askedAbout(f, s, q)
	if why != "" {
		return nil, why
	}
	for _, w := range whoAsks {
		if w.question != q {
			continue
		}
		var found []Person
		var unknown reasons
		for _, p := range accounts {
			switch w.ask(p) {
			case Yes:
				found = append(found, p)
			case Unknown:
				unknown.add(cmp.Or(w.why(p), whyAsked(f, q)))
			}
		}
		return found, unknown.shared
	}
	return nil, NotRead
}

// askedAbout returns the accounts among which a question looks.
func askedAbout(f Facts, s Scope, q Question) ([]Person, Reason) {
	if q != WhoGuests && q != WhoDisabledReg {
		return People(f, s)
	}
	users, ok := f.Users.Get()
	if !ok {
		return nil, f.Users.Reason()
	}
	fill := f.worked.filler(f)
	var accounts []Person
	for _, u := range users {
		if q == WhoGuests && u.Guest && u.Enabled || q == WhoDisabledReg && !u.Enabled {
			accounts = append(accounts, fill.person(u))
		}
	}
	return accounts, ""
}

// whyAsked is why a source is missing that one question alone needs.
func whyAsked(f Facts, q Question) Reason {
	switch q {
	case WhoStale:
		return f.LastSignIns.Reason()
	case WhoWeak:
		return f.RoleHolders.Reason()
	default:
		return ""
	}
}

// lastSeen is when accounts were last seen.
type lastSeen struct {
	at   map[string]time.Time
	asOf time.Time
}

func newLastSeen(f Facts) lastSeen {
	rows, _ := f.LastSignIns.Get()
	l := lastSeen{at: make(map[string]time.Time, len(rows)), asOf: f.AsOf}
	for _, row := range rows {
		l.at[row.UserID] = row.At
	}
	return l
}

// fill fills in a person. Who was never seen is stale only if the account has
// been there so long: a new colleague is not.
func (l lastSeen) fill(p *Person) {
	at, known := l.at[p.ID]
	if !known {
		return
	}
	p.LastSeen = at
	since := latest(at, p.Created)
	if since.IsZero() {
		return // never seen, and made nobody knows when
	}
	p.Stale = answer(l.asOf.Sub(since) >= StaleAfter)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
