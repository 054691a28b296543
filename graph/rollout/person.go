package rollout

import (
	"strings"
	"time"

	"twokey/graph"
)

// Answer is what is known of one question about one person.
type Answer int

// Unknown is the zero value on purpose: what was not read is not a no.
const (
	Unknown Answer = iota
	No
	Yes
	Partly // of some sign-ins; a question about enforcement alone has it
)

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// Road is how registrations were read: of one person, or of most of them.
type Road string

// The roads. The report is the tenant's own, needs P1, lags by some hours and
// names each kind of method once. The methods are read user by user on any
// licence and were true when they were read. NoRoad is where neither answered.
const (
	NoRoad     Road = ""
	ReportRoad Road = "report"
	MethodRoad Road = "methods"
)

// A Person is an account in scope, and how it can sign in.
type Person struct {
	graph.User
	Admin Answer // holds an active directory role

	Registered Answer // has a strong method
	// Capable is whether the methods policy allows one of them. The report says
	// so itself; on the other road it is worked out from the policy.
	Capable           Answer
	OneMethod         Answer // registered with exactly one, of whatever strength
	Backup            Answer // two or more that still work after texts and calls end
	PhoneBackup       Answer // one that still works, and a phone
	PhoneOnly         Answer // nothing but phones: stops working on that day
	NotPhoneOnly      Answer // at least one that still works
	PhishingResistant Answer
	// Weak is an administrator who is registered with nothing phishing-resistant.
	// Of everybody else a code app or a push is enough, so they never are: a
	// list of weak people is one to be worked off.
	Weak Answer

	Road       Road      // how that is known
	AsOf       time.Time // when it was so; zero if the report's row does not say
	Why        Reason    // why Registered is unknown
	CapableWhy Reason    // why Capable is, where it is not for the same reason

	Enforcement Enforcement // what demands MFA of them, whatever they registered

	// LastSeen is the last sign-in that the tenant knows of; zero if there was
	// none or it is not known.
	LastSeen time.Time
	Stale    Answer // not seen for [StaleAfter]
}

// holding is the methods of one person by what they are worth.
type holding struct{ phones, lasting, resistant int }

func (h *holding) add(s graph.Strength) {
	switch s {
	case graph.PhoneMFA:
		h.phones++
	case graph.AppMFA:
		h.lasting++
	case graph.PhishingResistant:
		h.lasting++
		h.resistant++
	}
}

// weigh fills in all that follows from what the methods are worth.
func (p *Person) weigh(h holding) {
	p.OneMethod = answer(h.phones+h.lasting == 1)
	p.Backup = answer(h.lasting >= 2)
	p.PhoneBackup = answer(h.lasting == 1 && h.phones > 0)
	p.PhoneOnly = answer(h.phones > 0 && h.lasting == 0)
	p.NotPhoneOnly = answer(h.lasting > 0)
	p.PhishingResistant = answer(h.resistant > 0)
}

// readMethods fills in a person from their own methods, and from what the
// methods policy allows.
func (p *Person) readMethods(methods []graph.Method, policy methodsPolicy) {
	var h holding
	for _, m := range methods {
		h.add(m.Kind.Strength())
	}
	p.Registered = answer(h.phones+h.lasting > 0)
	p.Capable, p.CapableWhy = policy.capable(p.User, methods)
	p.weigh(h)
}

// readRow fills in a person from the report. Its flags decide: a person who is
// registered by methods that we do not know is registered, and what the
// methods are worth stays unknown.
func (p *Person) readRow(row graph.Registration) {
	p.Registered, p.Capable = answer(row.Registered), answer(row.Capable)
	h := reported(row.Methods)
	switch {
	case !row.Registered:
		p.weigh(holding{})
	case h.phones+h.lasting > 0:
		p.weigh(h)
	}
}

// reported weighs the report's list of methods. It names each kind once, and
// one Authenticator app by several names: its codes are listed as a code app
// beside its notifications and phone sign-in. Counted apart, everybody with
// the app would seem to have a backup; they count as one.
func reported(names []string) holding {
	held := make(map[string]bool, len(names))
	for _, name := range names {
		held[strings.ToLower(name)] = true
	}
	if held["microsoftauthenticatorpasswordless"] {
		delete(held, "microsoftauthenticatorpush")
		delete(held, "softwareonetimepasscode")
	}
	if held["microsoftauthenticatorpush"] {
		delete(held, "softwareonetimepasscode")
	}
	var h holding
	for name := range held {
		h.add(graph.ReportedStrength(name))
	}
	return h
}
