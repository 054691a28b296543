// Package rules is what the owner has laid down, as plain data: who holds which
// role, whose chat account is whose, what may be changed, how it is approved
// and what no change may touch. It is read from the configuration, hashed into
// every request, and compared whenever it changes.
//
// A change of the configuration can undo every other safeguard, so it is no
// quiet one: [Compare] names each difference and says which of them make the
// rules weaker, and [Effective] and [At] give the rules that hold meanwhile.
// What became stronger holds at once, what became weaker a day later, when
// those whom it should worry have been told. Outside addresses cannot wait: they
// are told of as what holds now.
//
// Only IDs are in here. Everything is pure, and nothing here looks anybody up.
package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Late is how long what became weaker stays as it was.
const Late = 24 * time.Hour

// DefaultWait is the wait of two where the owner has written nothing. A wait of
// zero is none.
const DefaultWait = 15 * time.Minute

// What a rule is where it is zero.
const (
	DefaultMany       = 10
	DefaultPerRequest = 50
	DefaultPerHour    = 100
	DefaultMinAdmins  = 1
	DefaultStepUp     = "mfa"
)

// Rules are the owner's rules for one tenant. People, groups and accounts are
// object IDs. The order of a list says nothing.
type Rules struct {
	Tenant          string              `json:"tenant"`                   // tenant ID
	Roles           map[string][]Holder `json:"roles,omitempty"`          // by role: "viewer" "helpdesk" "lead" "approver" "owner"
	Links           map[string]string   `json:"links,omitempty"`          // pinned: chat account "platform/workspace/user" to person
	Backups         []string            `json:"backups,omitempty"`        // backup approvers: asked once nobody else has answered
	Protected       []string            `json:"protected,omitempty"`      // no change may touch them; emergency accounts and the bot's own are among them
	Emergency       []string            `json:"emergency,omitempty"`      // emergency access accounts
	Changes         []string            `json:"changes,omitempty"`        // kinds of change that are switched on
	Approvals       map[string]Approval `json:"approvals,omitempty"`      // by kind: what differs from the built-in policy
	Wait            time.Duration       `json:"wait"`                     // from the quorum of two to the start
	Many            int                 `json:"many"`                     // more targets than this need two
	PerRequest      int                 `json:"per_request"`              // most targets of a request
	PerHour         int                 `json:"per_hour"`                 // most targets in an hour
	Solo            bool                `json:"solo,omitempty"`           // the requester's own confirmation is enough
	AcceptNoStepUp  bool                `json:"no_step_up,omitempty"`     // powerful changes without a fresh proof of who presses, where there is no page for it
	StepUp          string              `json:"step_up,omitempty"`        // what must be proved at least: "password", "mfa" or "passkey"; empty: mfa
	Personal        []string            `json:"personal,omitempty"`       // platforms whose accounts are people's own: no change by them without a fresh proof
	Fallback        bool                `json:"fallback,omitempty"`       // one and a longer wait where a quorum is short only because an approver is a target or away
	ManagerApproves bool                `json:"manager,omitempty"`        // a manager may decide passes and resets of staff without a role
	AdminsTwo       bool                `json:"admins_two,omitempty"`     // methods of the highest administrators can be changed, with two approvers
	AcceptLockout   bool                `json:"accept_lockout,omitempty"` // changes that leave fewer can be asked for, with two approvers who read the risk
	MinAdmins       int                 `json:"min_admins"`               // so many administrators must remain able to sign in
	MinEmergency    int                 `json:"min_emergency"`            // so many emergency accounts must; zero: as many as are declared, up to 2
	HeadTo          []string            `json:"head_to,omitempty"`        // where heads of the audit record go; of web addresses without their keys
	Contact         string              `json:"contact,omitempty"`        // whom people are told to call
	SecurityContact string              `json:"security,omitempty"`       // who is alerted
	Addresses       map[string]string   `json:"addresses,omitempty"`      // outside addresses, by their key
}

// Holder is who holds a role: a person or, where User is empty, everybody in a
// group.
type Holder struct {
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
}

// Via says how somebody came to a role that this holder has: "user", or
// "group" and the group's object ID.
func (h Holder) Via() string {
	if h.User != "" {
		return "user"
	}
	return "group " + h.Group
}

// subject names the holder in a difference.
func (h Holder) subject() (Subject, string) {
	if h.User != "" {
		return People, h.User
	}
	return Setting, h.Via()
}

// Approval is what the owner wants otherwise for one kind of change. What is
// zero stays as it is built in.
type Approval struct {
	Policy    string        `json:"policy,omitempty"`    // "confirm", "one" or "two"
	Wait      time.Duration `json:"wait,omitempty"`      // from the quorum to the start
	Approvers []string      `json:"approvers,omitempty"` // of the approvers only these may decide; none: all of them
}

func (a Approval) zero() bool { return a.Policy == "" && a.Wait == 0 && len(a.Approvers) == 0 }

// page are the addresses that it takes for people to prove who they are.
var page = []string{"web.public_url", "web.sign_in"}

// paged reports whether there is a page on which people prove who they are.
func (r Rules) paged() bool {
	return !slices.ContainsFunc(page, func(key string) bool { return r.Addresses[key] == "" })
}

// proves reports whether powerful changes need a fresh proof, be it one that
// nobody can give.
func (r Rules) proves() bool { return r.paged() || !r.AcceptNoStepUp }

// Hash returns the SHA-256 of the rules in hex. Rules that say the same in
// another order, or spell a default out, have the same.
func (r Rules) Hash() string {
	text, err := json.Marshal(r.Normal())
	if err != nil {
		panic(err) // strings, numbers and maps of them: cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Normal returns the rules in the one form that [Rules.Hash] is of: lists
// sorted, with nothing twice or empty, and defaults filled in.
func (r Rules) Normal() Rules {
	r.Roles = normalRoles(r.Roles)
	r.Links = filled(r.Links)
	r.Addresses = filled(r.Addresses)
	r.Approvals = normalApprovals(r.Approvals)
	for _, list := range []*[]string{&r.Backups, &r.Protected, &r.Emergency, &r.Changes, &r.HeadTo, &r.Personal} {
		*list = normal(*list)
	}
	or(&r.Many, DefaultMany)
	or(&r.PerRequest, DefaultPerRequest)
	or(&r.PerHour, DefaultPerHour)
	or(&r.MinAdmins, DefaultMinAdmins)
	or(&r.StepUp, DefaultStepUp)
	or(&r.MinEmergency, min(2, len(r.Emergency)))
	return r
}

func or[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

func normal(list []string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
	slices.Sort(list)
	if list = slices.Compact(list); len(list) == 0 {
		return nil
	}
	return list
}

func filled(m map[string]string) map[string]string {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(_, v string) bool { return v == "" })
	if len(m) == 0 {
		return nil
	}
	return m
}

func normalRoles(roles map[string][]Holder) map[string][]Holder {
	out := map[string][]Holder{}
	for role, holders := range roles {
		holders = slices.DeleteFunc(slices.Clone(holders), func(h Holder) bool { return h == Holder{} })
		slices.SortFunc(holders, func(a, b Holder) int {
			return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Group, b.Group))
		})
		if holders = slices.Compact(holders); len(holders) > 0 {
			out[role] = holders
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func normalApprovals(approvals map[string]Approval) map[string]Approval {
	out := map[string]Approval{}
	for kind, a := range approvals {
		a.Approvers = normal(a.Approvers)
		if !a.zero() {
			out[kind] = a
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
