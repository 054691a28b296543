package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
)

// headlineFigures are the four that the first screen shows, with what they are
// called there.
var headlineFigures = []struct {
	id    rollout.ID
	label string
	share bool
}{
	{rollout.Registered, "Registered", false},
	{rollout.Backup, "With a backup method", true},
	{rollout.Enforced, "MFA enforced", true},
	{rollout.LegacySucceeded, "Legacy sign-ins that succeeded", false},
}

// departmentsShown keeps the digest of a large tenant readable: those furthest
// behind are shown, the others counted.
const departmentsShown = 10

// nameRunes is how much is shown of a name from the tenant.
const nameRunes = 60

// Message words a digest for the team: counts only, no names.
func Message(d Digest) (chat.Message, error) {
	picture, err := digestPicture(d)
	if err != nil {
		return chat.Message{}, fmt.Errorf("draw digest: %w", err)
	}
	return words(d, picture), nil
}

// words words a digest around its picture.
func words(d Digest, picture *chat.Image) chat.Message {
	figures := rollout.Compare(d.This, d.Last)
	if quiet(d, figures) {
		return quietWords(d, figures)
	}
	m := chat.Message{
		Headline: headline(d, figures),
		Details:  append(legacyDetails(d.This), departmentDetails(d.This)...),
		Image:    picture,
		Footer:   footer(d, figures),
	}
	for _, h := range headlineFigures {
		m.Fields = append(m.Fields, chat.Field{Label: h.label, Value: worded(figures, h.id, h.share)})
	}
	m.Details = append(sectionDetails(d), m.Details...)
	m.Text = paragraphs(thanks(d), strings.TrimSpace(outlook(d)+" "+moved(d)), rescoped(d), returned(d), notices(d), failedWords(d))
	m.Fields = append(m.Fields, todoField(d.Todo))
	m.Buttons = drills(figures)
	return m
}

// drills lead from a figure to the people behind it. Whoever presses is asked
// whether they may, and answered in private. A figure without a value has nobody
// behind it; old protocols are told from the mail programs' report too.
func drills(figures rollout.Figures) (bs []chat.Button) {
	_, mailSeen := figures.Get(rollout.MailSeen).Value()
	for _, drill := range []struct {
		id           rollout.ID
		label, value string
		told         bool
	}{
		{id: rollout.Registered, label: "Who is not registered", value: "who missing"},
		{id: rollout.Backup, label: "Who has one method", value: "who single"},
		{id: rollout.Enforced, label: "For whom MFA is not enforced", value: "who unenforced"},
		{id: rollout.LegacySucceeded, label: "Who uses old protocols", value: "legacy", told: mailSeen},
		{id: rollout.InScope, label: "Week by week", value: "trend"},
	} {
		if _, known := figures.Get(drill.id).Value(); known || drill.told {
			bs = append(bs, chat.Button{ID: "run", Label: drill.label, Value: drill.value})
		}
	}
	return bs
}

// quietWords are two lines, for a week in which nothing has moved.
func quietWords(d Digest, figures rollout.Figures) chat.Message {
	registered := figures.Get(rollout.Registered)
	m := chat.Message{
		Headline: fmt.Sprintf("MFA %s: nothing has moved; %s of %s people in scope are registered%s.",
			weekWords(d.Week), counted(registered), figures.Get(rollout.InScope), bracketed(part(figures.Get(registered.Share().ID)))),
		Text:   "Nothing is pressing.",
		Footer: footer(d, figures),
	}
	if len(d.Todo) > 0 {
		m.Text = "First to do: " + d.Todo[0]
	}
	return m
}

// sectionDetails are the lines beside the figures.
func sectionDetails(d Digest) (fs []chat.Field) {
	if d.Changes != nil {
		fs = append(fs, chat.Field{Label: "Changed outside Twokey", Value: changesWords(*d.Changes)})
	}
	if d.Decided != nil {
		fs = append(fs, chat.Field{Label: "Requests", Value: decidedWords(*d.Decided)})
	}
	if d.Legacy != "" {
		fs = append(fs, chat.Field{Label: "Old protocols", Value: d.Legacy})
	}
	for _, s := range d.Dates {
		fs = append(fs, chat.Field{Label: "Dated change", Value: s})
	}
	return fs
}

// outlook says when the goal will be met, "" if there is none.
func outlook(d Digest) string {
	f, err := d.forecast()
	if err != nil || f.Goal.Percent == 0 {
		return ""
	}
	return f.Sentence(zone(d))
}

// moved says how far the forecast has moved since the week before, as it would
// have been made then for the goal of now.
func moved(d Digest) string {
	is, err := d.forecast()
	if err != nil || len(d.Weeks) == 0 {
		return ""
	}
	was, err := rollout.NewForecast(d.Weeks[:len(d.Weeks)-1], d.Goal)
	if err != nil {
		return ""
	}
	return is.MovedSince(was)
}

func notices(d Digest) string {
	if len(d.Notices) == 0 {
		return ""
	}
	return "Take care: " + strings.Join(d.Notices, " ")
}

// paragraphs parts those that are not empty by empty lines.
func paragraphs(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), "\n\n")
}

// changesWords counts what others changed in the tenant, in one line.
func changesWords(c rollout.ChangeCount) string {
	s := "nothing in seven days"
	if c.Outside > 0 {
		s = count(c.Outside, "change", "changes") + " in seven days"
	}
	if c.InOurName > 0 {
		s += ", " + number(c.InOurName) + " of them with Twokey's own credentials"
	}
	if c.Gaps > 0 {
		s += "; for " + count(c.Gaps, "stretch", "stretches") + " of time nothing is known, because the audit log was not read"
	}
	if c.Outside > 0 || c.Gaps > 0 {
		s += " (“/mfa changes” lists them)"
	}
	return s
}

// todoField lists what to do, below the figures: first the news, then the work.
func todoField(todo []string) chat.Field {
	if len(todo) == 0 {
		return chat.Field{Label: "To do", Value: "Nothing is pressing this week."}
	}
	lines := make([]string, len(todo))
	for i, s := range todo {
		lines[i] = fmt.Sprintf("%d. %s", i+1, s)
	}
	return chat.Field{Label: "To do", Value: strings.Join(lines, "\n")}
}

func headline(d Digest, figures rollout.Figures) string {
	start := "MFA " + weekWords(d.Week) + ": "
	registered := figures.Get(rollout.Registered)
	if _, ok := registered.Value(); !ok {
		return start + "how many people are registered is not known (" + registered.String() + ")."
	}
	if registered.Of == 0 {
		return start + "nobody is in scope."
	}
	share := figures.Get(registered.Share().ID)
	return fmt.Sprintf("%s%s of %s people in scope are registered%s.",
		start, counted(registered), figures.Get(rollout.InScope), bracketed(part(share), change(share)))
}

// weekWords names an ISO week as people do, "week 48".
func weekWords(week string) string {
	_, number, _ := strings.Cut(week, "-W")
	return "week " + strings.TrimLeft(number, "0")
}

// worded is a figure with its share and change: "301 (66 %, +9)".
func worded(figures rollout.Figures, id rollout.ID, share bool) string {
	f := figures.Get(id)
	n, ok := f.Value()
	if !ok {
		return f.String()
	}
	percent := ""
	if share && n > 0 {
		percent = part(figures.Get(f.Share().ID))
	}
	return counted(f) + bracketed(percent, change(f))
}

// counted is a count as it has to be taken: where some people could not be
// read it is a lower bound.
func counted(f rollout.Figure) string {
	if f.Unknown > 0 {
		return "at least " + f.String()
	}
	return f.String()
}

// part is a share as it has to be taken: it is of the people who were read.
func part(share rollout.Figure) string {
	if _, ok := share.Value(); ok && share.Unknown > 0 {
		return share.String() + " of those read"
	}
	return share.String()
}

func change(f rollout.Figure) string {
	if v, ok := f.Change(); ok && v == 0 {
		return "unchanged"
	}
	return f.ChangeString()
}

// bracketed puts the words that are not empty behind a number.
func bracketed(words ...string) string {
	words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// number writes a count as figures are written, "1,204".
func number(n int) string { return rollout.Number("", time.Time{}, n).String() }

func legacyDetails(w rollout.Week) []chat.Field {
	var fs []chat.Field
	for _, use := range w.Legacy {
		var parts []string
		if use.Succeeded > 0 {
			parts = append(parts, count(use.Succeeded, "sign-in", "sign-ins")+" by "+count(use.Accounts, "account", "accounts"))
		}
		if use.Blocked > 0 {
			parts = append(parts, count(use.Blocked, "attempt", "attempts")+" blocked")
		}
		if len(parts) > 0 {
			fs = append(fs, chat.Field{Label: "Legacy, " + string(use.Protocol), Value: strings.Join(parts, "; ")})
		}
	}
	return fs
}

// departmentDetails lists the departments, the lowest share first and what is
// not known last. Where nothing is known of anybody the headline has said so.
func departmentDetails(w rollout.Week) []chat.Field {
	if _, ok := w.Figures().Get(rollout.Registered).Value(); !ok {
		return nil
	}
	rows := byShare(w.Departments)
	var fs []chat.Field
	for _, row := range rows[:min(len(rows), departmentsShown)] {
		fs = append(fs, chat.Field{Label: departmentWords(row.Name), Value: registeredWords(row.Registered)})
	}
	if more := len(rows) - departmentsShown; more > 0 {
		fs = append(fs, chat.Field{Label: "Not shown", Value: count(more, "more department", "more departments")})
	}
	return fs
}

// byShare sorts departments, the lowest share first and what is not known last.
func byShare(rows []rollout.DepartmentSum) []rollout.DepartmentSum {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b rollout.DepartmentSum) int { return cmp.Compare(rank(a), rank(b)) })
	return rows
}

func rank(d rollout.DepartmentSum) float64 {
	if share, ok := registeredShare(d.Registered).Value(); ok {
		return share
	}
	return 101
}

// departmentWords quotes a name that the tenant gave, so that it cannot be
// taken for words of ours.
func departmentWords(name string) string {
	if name == rollout.NoDepartment || name == rollout.SmallerDepartments {
		return name
	}
	return chat.Field{Value: chat.Safe(name, nameRunes), Quoted: true}.Shown()
}

// registeredShare has no value where too few of the department were read.
func registeredShare(s rollout.Sum) rollout.Figure {
	if s.Value == nil {
		return rollout.Figure{}
	}
	f := rollout.Number(s.ID, time.Time{}, *s.Value)
	f.Of, f.Unknown = s.Of, s.Unknown
	if f.Thin() {
		return rollout.Figure{}
	}
	return f.Share()
}

func registeredWords(s rollout.Sum) string {
	if s.Value == nil {
		return string(s.Reason)
	}
	words := fmt.Sprintf("%s of %s registered", number(*s.Value), number(s.Of))
	if s.Unknown > 0 {
		words = "at least " + words
	}
	if share := registeredShare(s); share.ID != "" {
		words += bracketed(part(share))
	}
	return words
}

func footer(d Digest, figures rollout.Figures) string {
	s := "Data as of " + d.AsOf.In(zone(d)).Format("Mon 2 Jan 2006, 15:04 MST") + "."
	read := figures.Get(rollout.Read)
	if n, ok := read.Value(); ok && int(n) < read.Of {
		s += fmt.Sprintf(" Read for %s of %s people in scope.", read, number(read.Of))
	} else if ok && read.Of > 0 {
		s += " Everybody in scope was read."
	}
	if why := figures.Get(rollout.Admins).Reason(); why != "" && read.Of > 0 {
		s += " Who holds a directory role is not known (" + string(why) + "): accounts of the directory synchronization may be counted as people."
	}
	enforced := figures.Get(rollout.Enforced)
	if _, ok := enforced.Value(); ok && enforced.Unknown > 0 {
		s += fmt.Sprintf(" Of %s it is not known yet whether MFA is enforced.", count(enforced.Unknown, "person", "people"))
	}
	s += compared(d)
	s += lateWords(d)
	if h := d.Head; h != nil {
		s += fmt.Sprintf(" The audit record had %s and the head %s.", count(int(h.Number), "record", "records"), h.Hash)
	}
	return s
}

func lateWords(d Digest) string {
	if d.Late.IsZero() {
		return ""
	}
	return " Posted late: it was due on " + d.Late.In(zone(d)).Format("Mon 2 Jan, 15:04") + "."
}

// compared says what the changes are against, where that is not simply the
// week before.
func compared(d Digest) string {
	switch {
	case d.Last == nil:
		return " There is no earlier week to compare with yet."
	case d.This.Road == rollout.NoRoad:
		return ""
	case d.This.Road != d.Last.Road:
		return " In " + weekWords(d.Last.Week) + " people were read in another way, so their figures are not compared."
	}
	if between, err := rollout.Trend([]rollout.Week{*d.Last, d.This}); err == nil && len(between) > 2 {
		return " Changes are since " + weekWords(d.Last.Week) + ", the last one that was read."
	}
	return ""
}
