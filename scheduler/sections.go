package scheduler

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"twokey/graph/rollout"
)

// Decided is what became of the requests of seven days.
type Decided struct {
	Asked   int `json:"asked"`
	Done    int `json:"done"`
	Denied  int `json:"denied"`  // or cancelled
	Expired int `json:"expired"` // nobody decided, or what was approved was outdated
	Failed  int `json:"failed"`  // or partly done
	Unknown int `json:"unknown"` // nobody knows how they ended
	Open    int `json:"open"`
}

// sections fills in what the digest says beside its figures. Each part fails on
// its own: the digest then says so, and goes out with the rest.
func (d *Digester) sections(ctx context.Context, digest *Digest, facts rollout.Facts) {
	since := d.Now().AddDate(0, 0, -7)
	part := func(name string, wanted bool, fill func() error) {
		if !wanted {
			return
		}
		if err := guarded(fill); err != nil {
			digest.Failed = append(digest.Failed, name)
			if d.Log != nil {
				d.Log.ErrorContext(ctx, "digest without a section", "section", name, "error", err)
			}
		}
	}
	part("the changes made outside Twokey", d.Changes != nil, func() error {
		count, err := d.Changes(ctx, since)
		if err == nil {
			digest.Changes = &count
		}
		return err
	})
	part("what became of the requests", d.Decided != nil, func() error {
		decided, err := d.Decided(ctx, since)
		if err == nil {
			digest.Decided = &decided
		}
		return err
	})
	part("the goal", d.Goal != nil, func() (err error) {
		digest.Goal, err = d.Goal(ctx)
		return err
	})
	part("the head of the audit record", d.Head != nil, func() error {
		if h, ok := d.Head(ctx); ok {
			digest.Head = &h
		}
		return nil
	})
	part("by which rules fewer decide than usual", d.Notices != nil, func() error {
		digest.Notices = d.Notices()
		return nil
	})
	part("legacy authentication", true, func() error {
		digest.Legacy = legacyWords(rollout.JudgeLegacy(facts, d.Scope))
		return nil
	})
	part("the dated changes", true, func() error {
		digest.Dates = dates(rollout.Deadlines(rollout.NewFunnel(facts, d.Scope), rollout.NewLegacy(facts, d.Scope)), facts.AsOf.In(d.Due.Zone))
		return nil
	})
	part("the accounts that look like no person", len(digest.Weeks) < 2, func() error {
		found, _ := rollout.SuggestScope(facts, d.Scope)
		digest.Suggested = len(found)
		return nil
	})
}

// guarded makes a panic an error like any other.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// legacyWords say what is known of old protocols where that is not the sign-in
// log, "" where it is: then the figures say it. Nobody is named: that is for
// whoever asks.
func legacyWords(v rollout.LegacyVerdict) string {
	if v.Source == rollout.SignInLog {
		return ""
	}
	s := "who uses old protocols cannot be seen (" + string(v.Why) + ")"
	if v.Source == rollout.MailReport {
		s = fmt.Sprintf("nothing seen in %d days up to %s", v.Days, v.AsOf.Format("2 Jan"))
		if len(v.Seen) > 0 {
			by := make([]string, len(v.Seen))
			for i, p := range v.Seen {
				by[i] = string(p.Protocol) + " by " + count(p.Accounts, "account", "accounts")
			}
			s = fmt.Sprintf("seen in %d days up to %s: %s", v.Days, v.AsOf.Format("2 Jan"), strings.Join(by, ", "))
		}
	}
	s += "; unknown devices cannot be excluded"
	if len(v.Ask) > 0 {
		who := "“/mfa preflight defaults” names them"
		if len(v.Seen) > 0 && !slices.Contains(v.Blind, rollout.BlindNames) {
			who = "“/mfa legacy --by user” names those seen"
		}
		s += "; ask the people behind " + count(len(v.Ask), "account", "accounts") + " (" + who + ")"
	}
	if slices.Contains(v.Blind, rollout.BlindNames) {
		s += "; names are concealed in this tenant's reports, which its owner can change in the " + rollout.ShowNames
	}
	if slices.Contains(v.Blind, rollout.BlindEmergency) {
		s += "; sign-ins of the emergency accounts are not watched"
	}
	return s
}

// dates are the changes by Microsoft that come within reach, each with its source.
func dates(all []rollout.Deadline, now time.Time) []string {
	var lines []string
	for _, d := range all {
		days, announced := d.DaysLeft(now)
		if n, known := d.Affected.Value(); !announced || days < 0 || days > soon || known && n == 0 && d.Affected.Unknown == 0 {
			continue
		}
		hits := "it is not known how many it hits (" + d.Affected.String() + ")"
		if _, known := d.Affected.Value(); known {
			hits = "hits " + some(d.Affected, "account", "accounts")
		}
		if len(lines) == datesShown {
			return append(lines, "more within "+number(soon)+" days: “/mfa deadlines” lists all")
		}
		lines = append(lines, fmt.Sprintf("%s, for %s: %s; %s. Source: %s, looked up on %s",
			d.When, populations[d.For], d.What, hits, d.Source, d.Checked.Format("2 Jan 2006")))
	}
	return lines
}

// datesShown is how many dated changes the digest names.
const datesShown = 3

var populations = map[rollout.Population]string{
	rollout.ForMembers: "members", rollout.ForAdmins: "administrators",
	rollout.ForGuests: "guests", rollout.ForEmergency: "emergency accounts",
}

// endSoon is how many days ahead of its end an exception is something to do.
const endSoon = 14

// exceptionsEnding asks to look at exceptions before they end: whoever has one is
// counted among the people again then.
func exceptionsEnding(s rollout.Scope, now time.Time) string {
	n, first := 0, time.Time{}
	for _, until := range s.Exceptions {
		if until.IsZero() || until.Before(now) || until.After(now.AddDate(0, 0, endSoon)) {
			continue
		}
		n++
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	if n == 0 {
		return ""
	}
	on := first.In(now.Location()).Format("Mon 2 Jan")
	if n == 1 {
		return "1 exception ends on " + on + ": renew it, or help the person to register (“/mfa exceptions”)."
	}
	return number(n) + " exceptions end within two weeks, the first on " + on + ": renew them, or help the people to register (“/mfa exceptions”)."
}

// confirmScope asks, in the first digest, to say which accounts are no people.
func confirmScope(n int) string {
	if n == 0 {
		return ""
	}
	return "Confirm " + count(n, "account that looks", "accounts that look") + " like no person: “/mfa scope suggest” names them, with reasons. Until then they count as people."
}

// thanks are for departments in which the last one has registered since the week
// that is compared with.
func thanks(d Digest) string {
	if d.Last == nil || d.This.Road != d.Last.Road {
		return ""
	}
	before := map[string]bool{}
	for _, row := range d.Last.Departments {
		before[row.Name] = whole(row)
	}
	var done []string
	for _, row := range d.This.Departments {
		if was, known := before[row.Name]; known && !was && whole(row) && row.Name != rollout.NoDepartment && row.Name != rollout.SmallerDepartments {
			done = append(done, departmentWords(row.Name))
		}
	}
	if len(done) == 0 {
		return ""
	}
	return "Everybody in " + listed(done) + " is registered now. Thank you!"
}

// whole reports whether everybody of a department is registered.
func whole(d rollout.DepartmentSum) bool {
	return d.Registered.Value != nil && d.Registered.Unknown == 0 && d.Registered.Of > 0 && *d.Registered.Value == d.Registered.Of
}

// listed joins names for people.
func listed(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}

// rescoped says that shares stand for other people than before.
func rescoped(d Digest) string {
	if d.Last == nil {
		return ""
	}
	points, err := rollout.Trend([]rollout.Week{*d.Last, d.This})
	if err != nil || !points[len(points)-1].Rescoped {
		return ""
	}
	return fmt.Sprintf("The people in scope went from %s to %s, more than a tenth: the shares are of other people than before.",
		points[0].Get(rollout.InScope), points[len(points)-1].Get(rollout.InScope))
}

// returned names protocols that had gone and are back.
func returned(d Digest) string {
	if d.Last == nil || d.Last.Legacy == nil {
		return ""
	}
	before := map[rollout.Protocol]int{}
	for _, use := range d.Last.Legacy {
		before[use.Protocol] = use.Succeeded
	}
	var back []string
	for _, use := range d.This.Legacy {
		if use.Succeeded > 0 && before[use.Protocol] == 0 {
			back = append(back, string(use.Protocol)+" ("+count(use.Succeeded, "sign-in", "sign-ins")+")")
		}
	}
	if len(back) == 0 {
		return ""
	}
	return "Old protocols that were not used in " + weekWords(d.Last.Week) + " are used again: " + listed(back) + "."
}

func failedWords(d Digest) string {
	if len(d.Failed) == 0 {
		return ""
	}
	return "Missing here, because it could not be found out: " + listed(d.Failed) + "."
}

// decidedWords count what became of the requests, in one line.
func decidedWords(c Decided) string {
	if c == (Decided{}) {
		return "none in seven days"
	}
	s := number(c.Asked) + " asked in seven days"
	for _, part := range []struct {
		n     int
		words string
	}{{c.Done, "done"}, {c.Denied, "denied or cancelled"}, {c.Expired, "expired or outdated"}, {c.Failed, "failed or partly done"}, {c.Open, "open"}} {
		if part.n > 0 {
			s += ", " + number(part.n) + " " + part.words
		}
	}
	if c.Unknown > 0 {
		s += "; of " + number(c.Unknown) + " it is not known how they ended (“/mfa requests”)"
	}
	return s
}

// quiet reports whether nothing is to be told: no figure of the first screen has
// moved since the week before, and nobody has done anything.
func quiet(d Digest, figures rollout.Figures) bool {
	if d.Last == nil || len(d.Failed)+len(d.Notices) > 0 || !d.Late.IsZero() || d.This.Road != d.Last.Road || compared(d) != "" {
		return false
	}
	if d.Changes != nil && *d.Changes != (rollout.ChangeCount{}) || d.Decided != nil && *d.Decided != (Decided{}) {
		return false
	}
	if thanks(d)+rescoped(d)+returned(d) != "" {
		return false
	}
	last := d.Last.Figures()
	for _, id := range append([]rollout.ID{rollout.InScope}, headlines()...) {
		_, known := figures.Get(id).Value()
		_, was := last.Get(id).Value()
		moved, comparable := figures.Get(id).Change()
		if known != was || known && (!comparable || moved != 0) {
			return false
		}
	}
	_, known := figures.Get(rollout.Registered).Value()
	return known
}

func headlines() (ids []rollout.ID) {
	for _, h := range headlineFigures {
		ids = append(ids, h.id)
	}
	return ids
}
