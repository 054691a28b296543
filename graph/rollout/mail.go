package rollout

import (
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// The figures of the mail program report: accounts seen with a protocol that
// old programs use, over the report's period and as of its day. It tells the
// protocol and not how it signed in, so these are suspicions.
const (
	MailSeen       ID = "mail_seen"        // by any of the protocols
	MailSeenPeople ID = "mail_seen_people" // of them, people in scope
	MailSeenPOP    ID = "mail_seen_pop"
	MailSeenIMAP   ID = "mail_seen_imap"
	MailSeenSMTP   ID = "mail_seen_smtp"
)

// mailPrograms are the report's columns that are protocols.
var mailPrograms = [...]struct {
	program  graph.EmailProgram
	protocol Protocol
	id       ID
}{
	{graph.ProgramSMTP, SMTPAuth, MailSeenSMTP},
	{graph.ProgramIMAP4, IMAP, MailSeenIMAP},
	{graph.ProgramPOP3, POP, MailSeenPOP},
}

// MailUse is what the mail program report shows of old protocols. Without the
// report it is the zero value.
type MailUse struct {
	Day  time.Time // the report's own, midnight UTC
	Days int       // that it covers
	// Concealed: the tenant hides names in reports, so Accounts is nil and the
	// counts are all there is.
	Concealed bool
	Seen      int            // accounts, by any of the protocols
	ByProgram []MailProtocol // every protocol of the report once, in the order shown
	Accounts  []MailAccount  // by UPN
}

// MailProtocol is how many accounts were seen with a protocol.
type MailProtocol struct {
	Protocol Protocol
	Accounts int
}

// A MailAccount is one mailbox that was seen with an old protocol: a suspicion.
type MailAccount struct {
	UserID    string // object ID, empty if no account has that UPN any more
	UPN, Name string
	Protocols []Protocol
	// Last is the mailbox's last activity by any program, midnight UTC; the
	// report does not say when the protocol was used.
	Last    time.Time
	Purpose Purpose // declared, empty for people
}

func newMailUse(f Facts, s Scope) MailUse {
	report, ok := f.EmailApps.Get()
	if !ok {
		return MailUse{}
	}
	m := MailUse{Day: report.Refreshed, Days: int(report.Period), Concealed: report.Concealed}
	counts := make(map[Protocol]int)
	idByUPN := upns(f)
	for _, row := range report.Rows {
		used := oldProtocols(row)
		if len(used) == 0 || row.Deleted {
			continue
		}
		m.Seen++
		for _, p := range used {
			counts[p]++
		}
		if report.Concealed {
			continue
		}
		id := idByUPN[strings.ToLower(row.UPN)]
		m.Accounts = append(m.Accounts, MailAccount{
			UserID: id, UPN: row.UPN, Name: row.Name, Protocols: used, Last: row.Last, Purpose: s.Declared[id],
		})
	}
	for _, c := range mailPrograms {
		m.ByProgram = append(m.ByProgram, MailProtocol{c.protocol, counts[c.protocol]})
	}
	slices.SortFunc(m.Accounts, func(a, b MailAccount) int { return strings.Compare(a.UPN, b.UPN) })
	return m
}

func oldProtocols(row graph.EmailAppRow) []Protocol {
	var used []Protocol
	for _, c := range mailPrograms {
		if slices.Contains(row.Programs, c.program) {
			used = append(used, c.protocol)
		}
	}
	return used
}

// upns are the object IDs by UPN in lower case: the report has no IDs.
func upns(f Facts) map[string]string {
	users, _ := f.Users.Get()
	ids := make(map[string]string, len(users))
	for _, u := range users {
		ids[strings.ToLower(u.UPN)] = u.ID
	}
	return ids
}

// figures are the report's counts as of its own day.
func (m MailUse) figures(f Facts, s Scope) Figures {
	if m.ByProgram == nil {
		return missing(f.AsOf, f.EmailApps.Reason(), MailSeen, MailSeenPeople, MailSeenPOP, MailSeenIMAP, MailSeenSMTP)
	}
	fs := Figures{Number(MailSeen, m.Day, m.Seen), m.people(f, s)}
	for i, c := range mailPrograms {
		fs = append(fs, Number(c.id, m.Day, m.ByProgram[i].Accounts))
	}
	return fs
}

func (m MailUse) people(f Facts, s Scope) Figure {
	if m.Concealed {
		return Missing(MailSeenPeople, Count, m.Day, NamesConcealed)
	}
	ids := make([]string, len(m.Accounts))
	for i, a := range m.Accounts {
		ids[i] = a.UserID
	}
	n, why := countPeople(f, s, ids)
	if why != "" {
		return Missing(MailSeenPeople, Count, m.Day, why)
	}
	return Number(MailSeenPeople, m.Day, n)
}
