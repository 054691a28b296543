package simtenant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// mailPrograms are the columns of the e-mail app reports, in their order.
var mailPrograms = []graph.EmailProgram{
	graph.MailForMac, graph.OutlookForMac, graph.OutlookForWindows, graph.OutlookForMobile, graph.OtherForMobile,
	graph.OutlookForWeb, graph.ProgramPOP3, graph.ProgramIMAP4, graph.ProgramSMTP,
}

// programOf is the column in which a legacy client of the sign-in log shows;
// empty where the report has none.
func programOf(client string) graph.EmailProgram {
	switch client {
	case "IMAP4", "IMAP", "Other clients; IMAP":
		return graph.ProgramIMAP4
	case "POP3", "POP":
		return graph.ProgramPOP3
	case "Authenticated SMTP", "SMTP":
		return graph.ProgramSMTP
	case "Exchange ActiveSync":
		return graph.OtherForMobile
	case "MAPI Over HTTP", "Outlook Anywhere (RPC over HTTP)", "Offline Address Book":
		return graph.OutlookForWindows
	case "Exchange Web Services":
		return graph.MailForMac
	default:
		return ""
	}
}

// mailUse is what one mailbox was used with.
type mailUse struct {
	*account
	last     time.Time // day; zero if never
	programs map[graph.EmailProgram]bool
}

// mailUses returns every mailbox with its use between two days.
func (v *view) mailUses(first, last time.Time) []mailUse {
	legacy := v.legacyMail(first, last)
	var list []mailUse
	for i, a := range v.accounts(0) {
		if (a.mail == "" || !a.licensed) && legacy[i] == nil {
			continue // no mailbox
		}
		u := mailUse{account: a, programs: map[graph.EmailProgram]bool{}}
		if a.kind == person {
			u.modern(v.t.world.seed, first, last)
		}
		for program, at := range legacy[i] {
			u.saw(program, at)
		}
		list = append(list, u)
	}
	return list
}

// saw notes that a program was used on a day.
func (u *mailUse) saw(program graph.EmailProgram, at time.Time) {
	u.programs[program] = true
	if at = at.Truncate(day); at.After(u.last) {
		u.last = at
	}
}

// modern adds what a person reads mail with that no list of old clients knows.
// One in a hundred uses IMAP with a modern sign-in, which the report cannot
// tell from the old way.
func (u *mailUse) modern(seed uint64, first, last time.Time) {
	r := stream(seed, "mail programs", u.number)
	if r.Float64() < 0.04 {
		return // does not read mail
	}
	habits := []weighted[graph.EmailProgram]{
		{graph.OutlookForWindows, 0.62},
		{graph.OutlookForWeb, 0.55},
		{graph.OutlookForMobile, 0.5},
		{graph.OutlookForMac, 0.07},
		{graph.OtherForMobile, 0.08},
		{graph.MailForMac, 0.03},
		{graph.ProgramIMAP4, 0.01},
	}
	idle := time.Duration(r.ExpFloat64() * 1.5 * float64(day))
	for _, h := range habits {
		if at := last.Add(-idle); r.Float64() < h.share && !at.Before(first) {
			u.saw(h.value, at)
		}
	}
}

// legacyMail collects the old clients that got in between two days: the same
// sign-ins that the log of a licensed tenant shows, by account and program.
func (v *view) legacyMail(first, last time.Time) map[int]map[graph.EmailProgram]time.Time {
	w, used := v.t.world, map[int]map[graph.EmailProgram]time.Time{}
	for d := maxTime(first, w.epoch.Add(-history).Truncate(day)); !d.After(last); d = d.Add(day) {
		r, busy := w.dayStream(d)
		for _, e := range w.legacyDay(r, d, busy) {
			program := programOf(e.client)
			if program == "" {
				continue
			}
			if a, there := v.accountAt(e.who, e.at); !there || v.outcome(&e, a) != 0 {
				continue
			}
			if used[e.who] == nil {
				used[e.who] = map[graph.EmailProgram]time.Time{}
			}
			used[e.who][program] = e.at
		}
	}
	return used
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func userDetailRows(v *view, q usageQuery) [][]string {
	first, last := q.covers(v.now)
	concealed := v.stateAt(v.now.Add(-concealLag)).concealed
	rows := [][]string{append(append([]string{
		"Report Refresh Date", "User Principal Name", "Display Name", "Is Deleted", "Deleted Date", "Last Activity Date",
	}, programNames()...), "Report Period")}
	for _, u := range v.mailUses(first, last) {
		upn, name := u.upn, u.name
		if concealed {
			upn, name = concealedName(v.t.world.seed, u.id, "upn"), concealedName(v.t.world.seed, u.id, "name")
		}
		row := []string{last.Format(time.DateOnly), upn, name, "False", "", dateOrNone(u.last)}
		for _, p := range mailPrograms {
			row = append(row, yesNo(u.programs[p]))
		}
		rows = append(rows, append(row, itoa(q.days)))
	}
	slices.SortFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	return rows
}

func appCountRows(v *view, q usageQuery) [][]string {
	first, last := q.covers(v.now)
	users := map[graph.EmailProgram]int{}
	for _, u := range v.mailUses(first, last) {
		for p := range u.programs {
			users[p]++
		}
	}
	row := []string{last.Format(time.DateOnly)}
	for _, p := range mailPrograms {
		row = append(row, itoa(users[p]))
	}
	return [][]string{
		append(append([]string{"Report Refresh Date"}, programNames()...), "Report Period"),
		append(row, itoa(q.days)),
	}
}

// outlooks are the versions in the report, in its order, with their share
// among people who use Outlook for Windows.
var outlooks = []weighted[string]{
	{"Outlook 2016", 9},
	{"Outlook 2013", 2},
	{"Outlook 2010", 0.7},
	{"Outlook 2007", 0.2},
	{"Undetermined", 3},
	{"Outlook M365", 75},
	{"Outlook 2019", 10},
}

func versionCountRows(v *view, q usageQuery) [][]string {
	first, last := q.covers(v.now)
	users := map[string]int{}
	for _, u := range v.mailUses(first, last) {
		if u.programs[graph.OutlookForWindows] {
			users[pickWeighted(stream(v.t.world.seed, "outlook", u.number), outlooks)]++
		}
	}
	// The period stands in the middle: who reads by place is punished here.
	rows := [][]string{{"Report Refresh Date"}, {last.Format(time.DateOnly)}}
	for i, o := range outlooks {
		if i == 5 {
			rows[0], rows[1] = append(rows[0], "Report Period"), append(rows[1], itoa(q.days))
		}
		rows[0], rows[1] = append(rows[0], o.value), append(rows[1], itoa(users[o.value]))
	}
	return rows
}

func programNames() []string {
	names := make([]string, len(mailPrograms))
	for i, p := range mailPrograms {
		names[i] = string(p)
	}
	return names
}

// concealedName stands for a name where the tenant hides them: the same in
// every report, and nobody's to tell.
func concealedName(seed uint64, id, what string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", seed, what, id))
	return strings.ToUpper(hex.EncodeToString(sum[:16]))
}

func dateOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func yesNo(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}
