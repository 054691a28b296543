package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// LegacyWindow is the time that one reading of legacy sign-ins covers: a week,
// so that weekly sums add up past the tenant's own retention.
const LegacyWindow = 7 * 24 * time.Hour

// The figures of legacy authentication, over the window of the reading.
const (
	LegacySucceeded ID = "legacy_succeeded" // sign-ins that got in
	LegacyBlocked   ID = "legacy_blocked"   // attempts that did not, mostly noise from outside
	LegacyAccounts  ID = "legacy_accounts"  // accounts that got in
	LegacyPeople    ID = "legacy_people"    // of them, people in scope
)

// Protocol is a way to sign in that cannot do MFA.
type Protocol string

// The protocols that are told apart, for each is left behind in its own way.
const (
	POP        Protocol = "POP"
	IMAP       Protocol = "IMAP"
	SMTPAuth   Protocol = "SMTP AUTH"
	ActiveSync Protocol = "ActiveSync"
	OldOffice  Protocol = "Old Office" // MAPI, RPC, Exchange Web Services, AutoDiscover, address book
	Other      Protocol = "Other"
)

var protocols = [...]Protocol{SMTPAuth, IMAP, POP, ActiveSync, OldOffice, Other}

// Protocols lists them in the order in which they are shown.
func Protocols() []Protocol { return slices.Clone(protocols[:]) }

// ProtocolOf returns the protocol of a sign-in's clientAppUsed, of which
// several spellings are in use, alone or behind "Other clients;".
func ProtocolOf(clientAppUsed string) Protocol {
	name := strings.ToLower(clientAppUsed)
	if _, after, ok := strings.Cut(name, ";"); ok {
		name = after
	}
	switch name = strings.TrimSpace(name); {
	case name == "pop", name == "pop3":
		return POP
	case name == "imap", name == "imap4":
		return IMAP
	case name == "smtp", name == "authenticated smtp":
		return SMTPAuth
	case strings.Contains(name, "activesync"):
		return ActiveSync
	case strings.HasPrefix(name, "mapi"), strings.HasPrefix(name, "outlook anywhere"),
		name == "exchange web services", name == "autodiscover", name == "offline address book":
		return OldOffice
	default:
		return Other
	}
}

// Legacy is the use of legacy authentication in one reading: from the sign-in
// log, and what the mail program report can say beside it or instead. Without
// a source its figures have the reason, and the lists are nil.
type Legacy struct {
	AsOf, Since time.Time // of the sign-in log
	Figures
	ByProtocol []ProtocolUse   // every protocol once, in the order shown
	ByApp      []NamedUse      // the most frequent first
	ByDevice   []NamedUse      // likewise
	Accounts   []LegacyAccount // that got in, the most frequent first
	Mail       MailUse
}

// ProtocolUse is the sign-ins by one protocol. It is kept in stored weeks.
type ProtocolUse struct {
	Protocol  Protocol `json:"protocol"`
	Succeeded int      `json:"succeeded"`
	Blocked   int      `json:"blocked"`
	Accounts  int      `json:"accounts"` // that got in
}

// NamedUse is the sign-ins from one app or device, as the log names it.
type NamedUse struct {
	Name               string // empty: the log has none
	Succeeded, Blocked int
	Accounts           int // that got in
}

// A LegacyAccount is one account that got in by legacy authentication, in
// scope or not: scanners and applications are what breaks first.
type LegacyAccount struct {
	UserID        string // object ID; may be empty for an account that the log does not name
	UPN           string
	Protocols     []Protocol
	Apps, Devices []string // that it got in with, as far as the log names them, by name
	Succeeded     int
	First, Last   time.Time // of what succeeded, in the window
}

// NewLegacy counts the legacy sign-ins of a reading.
func NewLegacy(f Facts, s Scope) Legacy {
	l := Legacy{AsOf: f.legacyUntil(), Since: f.LegacySince, Mail: newMailUse(f, s)}
	rows, ok := f.LegacyUse.Get()
	if !ok {
		l.Figures = missing(f.AsOf, f.LegacyUse.Reason(), LegacySucceeded, LegacyBlocked, LegacyAccounts, LegacyPeople)
		l.Figures = append(l.Figures, l.Mail.figures(f, s)...)
		return l
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(u LegacyUse) bool { return !u.within(f.LegacySince) })
	l.Accounts = accountsOf(rows)
	l.ByApp = named(rows, func(u LegacyUse) string { return u.App })
	l.ByDevice = named(rows, func(u LegacyUse) string { return u.Device })
	succeeded, blocked := 0, 0
	for _, p := range protocols {
		use := useBy(p, rows, l.Accounts)
		l.ByProtocol = append(l.ByProtocol, use)
		succeeded += use.Succeeded
		blocked += use.Blocked
	}
	l.Figures = Figures{
		Number(LegacySucceeded, l.AsOf, succeeded),
		Number(LegacyBlocked, l.AsOf, blocked),
		Number(LegacyAccounts, l.AsOf, len(l.Accounts)),
		legacyPeople(f, s, l.Accounts),
	}
	l.Figures = append(l.Figures, l.Mail.figures(f, s)...)
	return l
}

func useBy(p Protocol, rows []LegacyUse, accounts []LegacyAccount) ProtocolUse {
	use := ProtocolUse{Protocol: p}
	for _, row := range rows {
		if ProtocolOf(row.Client) == p {
			use.Succeeded += row.Succeeded
			use.Blocked += row.Blocked
		}
	}
	for _, a := range accounts {
		if slices.Contains(a.Protocols, p) {
			use.Accounts++
		}
	}
	return use
}

// named sums the rows up by a name that each has.
func named(rows []LegacyUse, name func(LegacyUse) string) []NamedUse {
	uses := make(map[string]*NamedUse)
	accounts := make(map[string]map[string]bool) // that got in, by name
	for _, row := range rows {
		n := name(row)
		if uses[n] == nil {
			uses[n], accounts[n] = &NamedUse{Name: n}, make(map[string]bool)
		}
		uses[n].Succeeded += row.Succeeded
		uses[n].Blocked += row.Blocked
		if row.Succeeded > 0 {
			accounts[n][row.account()] = true
		}
	}
	list := make([]NamedUse, 0, len(uses))
	for n, use := range uses {
		use.Accounts = len(accounts[n])
		list = append(list, *use)
	}
	slices.SortFunc(list, func(a, b NamedUse) int {
		return cmp.Or(cmp.Compare(b.Succeeded, a.Succeeded), cmp.Compare(b.Blocked, a.Blocked), strings.Compare(a.Name, b.Name))
	})
	return list
}

// accountsOf sums up what got in, account by account.
func accountsOf(rows []LegacyUse) []LegacyAccount {
	byAccount := make(map[string]*LegacyAccount)
	for _, row := range rows {
		if row.Succeeded == 0 {
			continue
		}
		a := byAccount[row.account()]
		if a == nil {
			a = &LegacyAccount{UserID: row.UserID, UPN: row.UPN, First: row.First, Last: row.Last}
			byAccount[row.account()] = a
		}
		a.add(row)
	}
	list := make([]LegacyAccount, 0, len(byAccount))
	for _, a := range byAccount {
		slices.SortFunc(a.Protocols, func(x, y Protocol) int {
			return cmp.Compare(slices.Index(protocols[:], x), slices.Index(protocols[:], y))
		})
		slices.Sort(a.Apps)
		slices.Sort(a.Devices)
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b LegacyAccount) int {
		return cmp.Or(cmp.Compare(b.Succeeded, a.Succeeded), strings.Compare(a.UserID, b.UserID), strings.Compare(a.UPN, b.UPN))
	})
	return list
}

func (a *LegacyAccount) add(row LegacyUse) {
	a.Succeeded += row.Succeeded
	a.Protocols = with(a.Protocols, ProtocolOf(row.Client))
	a.Apps, a.Devices = with(a.Apps, row.App), with(a.Devices, row.Device)
	if row.First.Before(a.First) {
		a.First = row.First
	}
	if !row.Last.Before(a.Last) { // the newest name, should it have changed
		a.Last, a.UPN = row.Last, row.UPN
	}
}

// with adds what is named and not in the list yet.
func with[T ~string](list []T, one T) []T {
	if one == "" || slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

// legacyPeople counts the accounts that belong to people in scope.
func legacyPeople(f Facts, s Scope, accounts []LegacyAccount) Figure {
	ids := make([]string, len(accounts))
	for i, a := range accounts {
		ids[i] = a.UserID
	}
	n, why := countPeople(f, s, ids)
	if why != "" {
		return Missing(LegacyPeople, Count, f.AsOf, why)
	}
	return Number(LegacyPeople, f.legacyUntil(), n)
}

// countPeople counts the IDs of people in scope.
func countPeople(f Facts, s Scope, ids []string) (int, Reason) {
	users, ok := f.Users.Get()
	if !ok {
		return 0, f.Users.Reason()
	}
	s = s.With(f.Declared)
	roles, _ := rolesByID(f)
	inScope := make(map[string]bool, len(users))
	for _, u := range users {
		inScope[u.ID] = s.excluded(u, roles[u.ID], f.AsOf) == ""
	}
	n := 0
	for _, id := range ids {
		if inScope[id] {
			n++
		}
	}
	return n, ""
}
