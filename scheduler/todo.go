package scheduler

import (
	"fmt"
	"slices"
	"time"

	"twokey/graph/rollout"
)

// most is how many things to do a digest names: more are not done.
const most = 3

// soon is how many days ahead of a dated change it becomes something to do.
const soon = 120

// todo chooses what the team should do this week, the most pressing first. It
// names no one. Now is in the tenant's zone.
func todo(fn rollout.Funnel, l rollout.Legacy, facts rollout.Facts, scope rollout.Scope, suggested int, now time.Time) []string {
	all := []string{unread(fn), adminsWithout(fn), confirmScope(suggested), exceptionsEnding(scope, now)}
	for _, d := range rollout.Deadlines(fn, l) {
		all = append(all, dated(d, now))
	}
	all = append(all, adminsWithOne(fn), notEnforced(fn, facts), furthestBehind(fn))
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	return all[:min(len(all), most)]
}

func unread(fn rollout.Funnel) string {
	registered := fn.Get(rollout.Registered)
	if _, ok := registered.Value(); ok {
		return ""
	}
	return "Find out why registrations could not be read (" + registered.String() + "); then “/mfa digest now” brings this up to date."
}

func adminsWithout(fn rollout.Funnel) string {
	who := some(fn.Get(rollout.AdminsNoMethod), "has", "have")
	if who == "" {
		return ""
	}
	return "Start with the administrators: " + who + " no second factor at all."
}

func adminsWithOne(fn rollout.Funnel) string {
	who := some(fn.Get(rollout.AdminsOneMethod), "has", "have")
	if who == "" {
		return ""
	}
	return "Give every administrator a second method: " + who + " only one, and a broken phone would lock them out."
}

// dated is a change by Microsoft, while it is near and known to hit somebody.
func dated(d rollout.Deadline, now time.Time) string {
	days, announced := d.DaysLeft(now)
	accounts := some(d.Affected, "account", "accounts")
	if accounts == "" || !announced || days > soon {
		return ""
	}
	when := inDays(days, d.When)
	switch {
	case d.Affected.ID == rollout.SMTPAuthAccounts:
		return "Move " + accounts + " off SMTP AUTH: " + when + " it is off by default."
	case d.Affected.ID == rollout.MailSeenSMTP:
		return "Ask who runs " + accounts + " seen with SMTP: " + when + " a password is no longer enough for it by default."
	case d.Affected.ID == rollout.PhoneOnly && d.ID == "phone_methods_end":
		return "Help " + some(d.Affected, "person", "people") + " add an app or a passkey: " + when + " codes by text and call are gone."
	case d.Affected.ID == rollout.PhoneOnly, d.For == rollout.ForAdmins, days < 0:
		return "" // the same people again, or nothing to get ready for
	default:
		return "Look after " + accounts + ": " + when + " this changes: " + d.What + "."
	}
}

// inDays says when, so that it stands before what is then so.
func inDays(days int, when string) string {
	switch {
	case days > 1:
		return fmt.Sprintf("in %d days (%s)", days, when)
	case days == 1:
		return "tomorrow (" + when + ")"
	case days == 0:
		return "from today (" + when + ")"
	default:
		return "since " + when
	}
}

// notEnforced is for tenants that security defaults would help: with an enabled
// Conditional Access policy it is not known that nobody is reached.
func notEnforced(fn rollout.Funnel, facts rollout.Facts) string {
	n, ok := fn.Get(rollout.Enforced).Value()
	if d, read := facts.SecurityDefaults.Get(); !ok || n > 0 || !read || d.Enabled || fn.Get(rollout.Enforced).Of == 0 {
		return ""
	}
	return "MFA is not enforced for anybody yet: “/mfa preflight defaults” shows what is left before security defaults can be turned on."
}

// behind is how many points under the whole a department is clearly behind.
const behind = 10

// furthestBehind names the department with the lowest share, if it is clearly
// behind. Small ones have no row of their own; one of which too little is known
// is not named.
func furthestBehind(fn rollout.Funnel) string {
	whole, ok := fn.Get(rollout.Registered).Share().Value()
	if !ok {
		return ""
	}
	var last rollout.Department
	lowest := whole - behind
	for _, d := range fn.Departments {
		share, ok := d.Registered.Share().Value()
		if ok && share < lowest && !d.Registered.Thin() && d.Name != rollout.NoDepartment && d.Name != rollout.SmallerDepartments {
			last, lowest = d, share
		}
	}
	if last.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s is furthest behind, with %s registered: a word from their manager helps most.",
		departmentWords(last.Name), last.Registered.Share())
}

// some words a count of which it is known that it is not none, or is "".
func some(f rollout.Figure, one, many string) string {
	n, ok := f.Value()
	if !ok || n == 0 {
		return ""
	}
	words := count(int(n), one, many)
	if f.Unknown > 0 {
		return "at least " + words
	}
	return words
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}
