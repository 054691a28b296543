package rules

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Difference is one thing that two sets of rules say differently. Was or Is is
// empty where one says nothing of it.
type Difference struct {
	What   string // "role approver", "wait of two", "link slack/T1/U1"
	Was    string
	Is     string
	Weaker bool    // it gives more rights, or takes a safeguard away, or it cannot be told that it does not
	AtOnce bool    // it is weaker and does not wait: the program that runs knows nothing else any more
	Of     Subject // what Was and Is are
}

// Subject says what the two sides of a difference are, so that they can be
// named to people, and kept out of where nobody may be named.
type Subject string

// The subjects.
const (
	Setting Subject = ""       // nothing that is about anybody
	People  Subject = "people" // object IDs of accounts, with commas between
	Words   Subject = "words"  // whatever the owner wrote, which may name people
)

// Compare lists what is different, in a fixed order; nothing if both mean the
// same.
func Compare(was, is Rules) []Difference {
	differences, _ := meet(was, is)
	return differences
}

// Effective returns what holds at now, if is replaced was at changed: is, but
// with everything that became weaker, and can wait, still as it was until [Late]
// after. Where
// only a part can be told to be weaker, as a person who was added to a list,
// that part waits and the rest does not.
func Effective(was, is Rules, changed, now time.Time) Rules {
	if !now.Before(changed.Add(Late)) {
		return is.Normal()
	}
	_, strict := meet(was, is)
	return strict
}

// Version is what the configuration said from a moment on.
type Version struct {
	Number int64 // from 1, one more each time
	Rules  Rules
	Since  time.Time
}

// At returns what holds at now, by all that the configuration has said, oldest
// first: a right holds if it was in the configuration through all of the last
// day. Changing the rules twice is therefore no way around the wait, and an
// unrelated change does not start it anew.
func At(history []Version, now time.Time) Rules {
	if len(history) == 0 {
		return Rules{}
	}
	first := 0
	for i, v := range history {
		if !v.Since.After(now.Add(-Late)) {
			first = i
		}
	}
	e := history[first].Rules.Normal()
	for _, v := range history[first+1:] {
		e = Effective(e, v.Rules, v.Since, now)
	}
	return e
}

// meet compares, and gives the rules that are as strict as both.
func meet(was, is Rules) ([]Difference, Rules) {
	was, is = was.Normal(), is.Normal()
	m := &meeting{}
	e := Rules{
		Tenant:          m.tenant(was.Tenant, is.Tenant),
		Roles:           m.roles(was.Roles, is.Roles),
		Links:           m.links(was.Links, is.Links),
		Backups:         m.either("backup approvers", People, was.Backups, is.Backups),
		Protected:       m.guards("protected accounts", People, was.Protected, is.Protected),
		Emergency:       m.exact("emergency accounts", People, was.Emergency, is.Emergency),
		Changes:         m.grants("changes switched on", Setting, was.Changes, is.Changes),
		Approvals:       m.approvals(was, is),
		Wait:            atLeast(m, "wait of two", was.Wait, is.Wait, time.Duration.String),
		Many:            atMost(m, "targets from which two must approve", was.Many, is.Many),
		PerRequest:      atMost(m, "most targets of a request", was.PerRequest, is.PerRequest),
		PerHour:         atMost(m, "most targets in an hour", was.PerHour, is.PerHour),
		Solo:            m.permits("solo", was.Solo, is.Solo),
		AcceptNoStepUp:  m.noStepUp(was, is),
		StepUp:          m.stepUp(was.StepUp, is.StepUp),
		Personal:        m.guards("platforms of personal accounts", Setting, was.Personal, is.Personal),
		Fallback:        m.permits("fallback", was.Fallback, is.Fallback),
		ManagerApproves: m.permits("managers approve", was.ManagerApproves, is.ManagerApproves),
		AdminsTwo:       m.permits("methods of the highest administrators", was.AdminsTwo, is.AdminsTwo),
		AcceptLockout:   m.permits("accept lock-out", was.AcceptLockout, is.AcceptLockout),
		MinAdmins:       atLeast(m, "administrators that must remain", was.MinAdmins, is.MinAdmins, strconv.Itoa),
		MinEmergency:    atLeast(m, "emergency accounts that must remain", was.MinEmergency, is.MinEmergency, strconv.Itoa),
		HeadTo:          m.heads(was.HeadTo, is.HeadTo),
		Contact:         m.contact("contact", was.Contact, is.Contact),
		SecurityContact: m.contact("security contact", was.SecurityContact, is.SecurityContact),
		Addresses:       m.addresses(was, is),
	}
	return m.differences, e.Normal()
}

// meeting collects differences.
type meeting struct{ differences []Difference }

func (m *meeting) note(what, was, is string, weaker bool) {
	m.noteOf(Setting, what, was, is, weaker)
}

func (m *meeting) noteOf(of Subject, what, was, is string, weaker bool) {
	m.differences = append(m.differences, Difference{What: what, Was: was, Is: is, Weaker: weaker, Of: of})
}

// grants compares lists of which each entry is a right: one more is weaker.
func (m *meeting) grants(what string, of Subject, was, is []string) []string {
	return m.list(what, of, was, is, true, false)
}

// guards compares lists of which each entry is a safeguard: one less is weaker.
func (m *meeting) guards(what string, of Subject, was, is []string) []string {
	return m.list(what, of, was, is, false, true)
}

// either compares lists that give and take nothing.
func (m *meeting) either(what string, of Subject, was, is []string) []string {
	return m.list(what, of, was, is, false, false)
}

// exact compares lists of which an entry is both. An emergency account is
// counted by the lock-out guard and left out of policies: one more is an
// exemption, one less is one that nobody looks after.
func (m *meeting) exact(what string, of Subject, was, is []string) []string {
	return m.list(what, of, was, is, true, true)
}

func (m *meeting) list(what string, of Subject, was, is []string, addedIsWeaker, removedIsWeaker bool) []string {
	var strict []string
	for _, s := range was {
		if kept := slices.Contains(is, s); !kept {
			m.noteOf(of, what, s, "", removedIsWeaker)
			if !removedIsWeaker {
				continue
			}
		}
		strict = append(strict, s)
	}
	for _, s := range is {
		if !slices.Contains(was, s) {
			m.noteOf(of, what, "", s, addedIsWeaker)
			if !addedIsWeaker {
				strict = append(strict, s)
			}
		}
	}
	return strict
}

func (m *meeting) permits(what string, was, is bool) bool {
	if was != is {
		m.note(what, onOff(was), onOff(is), is)
	}
	return was && is
}

// noStepUp compares whether powerful changes need no fresh proof. Where the owner
// accepts that, one is asked for all the same as long as there is a page for it:
// without the page nothing new is accepted, and yet less is asked.
func (m *meeting) noStepUp(was, is Rules) bool {
	both := m.permits("accept no step-up", was.AcceptNoStepUp, is.AcceptNoStepUp)
	if both && was.paged() && !is.paged() {
		m.note("accept no step-up", "on, beside a page that asks for a proof", "on", true)
		return false
	}
	return both
}

// proofs are what can be asked for, from the weakest on.
var proofs = []string{"password", "mfa", "passkey"}

// stepUp compares what must be proved at least.
func (m *meeting) stepUp(was, is string) string {
	was, is = cmp.Or(was, DefaultStepUp), cmp.Or(is, DefaultStepUp)
	before, after := slices.Index(proofs, was), slices.Index(proofs, is)
	if was != is {
		m.note("what a fresh proof must be at least", was, is, after < before)
	}
	if after > before {
		return is
	}
	return was
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (m *meeting) tenant(was, is string) string {
	if was != is {
		m.note("tenant", was, is, true)
	}
	return was
}

// contact compares whom people call or who is alerted. A first one is better
// than none; another than before may be somebody's who wants the calls.
func (m *meeting) contact(what, was, is string) string {
	if was == is {
		return is
	}
	m.noteOf(Words, what, was, is, was != "")
	return cmp.Or(was, is)
}

func atLeast[T int | time.Duration](m *meeting, what string, was, is T, text func(T) string) T {
	if was != is {
		m.note(what, text(was), text(is), is < was)
	}
	return max(was, is)
}

func atMost(m *meeting, what string, was, is int) int {
	if was != is {
		m.note(what, strconv.Itoa(was), strconv.Itoa(is), is > was)
	}
	return min(was, is)
}

func (m *meeting) roles(was, is map[string][]Holder) map[string][]Holder {
	strict := map[string][]Holder{}
	for _, role := range keys(was, is) {
		for _, h := range is[role] {
			if slices.Contains(was[role], h) {
				strict[role] = append(strict[role], h)
			} else {
				of, name := h.subject()
				m.noteOf(of, "role "+role, "", name, true)
			}
		}
		for _, h := range was[role] {
			if !slices.Contains(is[role], h) {
				of, name := h.subject()
				m.noteOf(of, "role "+role, name, "", false)
			}
		}
	}
	return strict
}

// links compares pins. An account that is now somebody else's is two
// differences: it ceases at once to be the one's, and is the other's only late.
func (m *meeting) links(was, is map[string]string) map[string]string {
	strict := map[string]string{}
	for _, account := range keys(was, is) {
		before, after := was[account], is[account]
		if before == after {
			strict[account] = after
			continue
		}
		if before != "" {
			m.noteOf(People, "link "+account, before, "", false)
		}
		if after != "" {
			m.noteOf(People, "link "+account, "", after, true)
		}
	}
	return strict
}

// addresses compares where we send to. Whether another address is a worse one
// cannot be told. One that is gone is no longer sent to, which is weaker where it
// ends fresh proofs. None of it waits: the program was started with the new ones.
func (m *meeting) addresses(was, is Rules) map[string]string {
	first := len(m.differences)
	for _, key := range keys(was.Addresses, is.Addresses) {
		before, after := was.Addresses[key], is.Addresses[key]
		if before != after {
			m.note("address "+key, before, after, after != "" || slices.Contains(page, key) && was.proves() && !is.proves())
		}
	}
	m.atOnce(first)
	return is.Addresses
}

// heads compares where heads of the audit record go. The program knows none but
// those of now.
func (m *meeting) heads(was, is []string) []string {
	first := len(m.differences)
	m.guards("audit heads go to", Words, was, is)
	m.atOnce(first)
	return is
}

// atOnce says of what became weaker, from the first difference on, that it does
// not wait.
func (m *meeting) atOnce(first int) {
	for i, d := range m.differences[first:] {
		m.differences[first+i].AtOnce = d.Weaker
	}
}

func (m *meeting) approvals(was, is Rules) map[string]Approval {
	strict := map[string]Approval{}
	for _, kind := range keys(was.Approvals, is.Approvals) {
		before, after := was.Approvals[kind], is.Approvals[kind]
		name := "approval of " + kind + ": "
		e := before
		if before.Policy != after.Policy {
			weaker := !atLeastAsStrict(before.Policy, after.Policy)
			m.note(name+"policy", builtIn(before.Policy), builtIn(after.Policy), weaker)
			if !weaker {
				e.Policy = after.Policy
			}
		}
		if before.Wait != after.Wait {
			_, longest := waits(before, was.Wait)
			shortest, _ := waits(after, is.Wait)
			weaker := shortest < longest
			m.note(name+"wait", builtInWait(before.Wait), builtInWait(after.Wait), weaker)
			if !weaker {
				e.Wait = after.Wait
			}
		}
		if !slices.Equal(before.Approvers, after.Approvers) {
			weaker := !narrower(before.Approvers, after.Approvers)
			m.noteOf(People, name+"approvers", strings.Join(before.Approvers, ", "), strings.Join(after.Approvers, ", "), weaker)
			if !weaker {
				e.Approvers = after.Approvers
			}
		}
		strict[kind] = e
	}
	return strict
}

// atLeastAsStrict reports whether a policy is surely no weaker than another.
// The built-in one can be any of them.
func atLeastAsStrict(was, is string) bool {
	rank := map[string]int{"confirm": 1, "one": 2, "two": 3}
	switch {
	case rank[was] > 0 && rank[is] > 0:
		return rank[is] >= rank[was]
	case was == "":
		return is == "two"
	default:
		return was == "confirm" && is == ""
	}
}

// waits says between what the wait of an approval lies: it is the one of two
// or none where nothing is written, by the policy.
func waits(a Approval, ofTwo time.Duration) (shortest, longest time.Duration) {
	switch {
	case a.Wait != 0:
		return a.Wait, a.Wait
	case a.Policy == "two":
		return ofTwo, ofTwo
	case a.Policy == "":
		return 0, ofTwo
	default:
		return 0, 0
	}
}

// narrower reports whether nobody may decide who might not before. An empty
// list is everybody.
func narrower(was, is []string) bool {
	if len(was) == 0 {
		return true
	}
	return len(is) > 0 && !slices.ContainsFunc(is, func(s string) bool { return !slices.Contains(was, s) })
}

func builtIn(policy string) string {
	if policy == "" {
		return "built-in"
	}
	return policy
}

func builtInWait(d time.Duration) string {
	if d == 0 {
		return "built-in"
	}
	return d.String()
}

// keys returns the keys of both maps, sorted.
func keys[V any](a, b map[string]V) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}
