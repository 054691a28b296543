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

// Legacy is the use of legacy authentication in one reading. Without a source
// its figures have the reason, and the lists are nil.
type Legacy struct {
	AsOf, Since time.Time
	Figures
	ByProtocol []ProtocolUse   // every protocol once, in the order shown
	Accounts   []LegacyAccount // that got in, the most frequent first
}

// ProtocolUse is the sign-ins by one protocol. It is kept in stored weeks.
type ProtocolUse struct {
	Protocol  Protocol `json:"protocol"`
	Succeeded int      `json:"succeeded"`
	Blocked   int      `json:"blocked"`
	Accounts  int      `json:"accounts"` // that got in
}

// A LegacyAccount is one account that got in by legacy authentication, in
// scope or not: scanners and applications are what breaks first.
type LegacyAccount struct {
	UserID      string // object ID; may be empty for an account that the log does not name
	UPN         string
	Protocols   []Protocol
	Succeeded   int
	First, Last time.Time // of what succeeded, in the window
}

// NewLegacy counts the legacy sign-ins of a reading.
func NewLegacy(f Facts, s Scope) Legacy {
	l := Legacy{AsOf: f.AsOf, Since: f.LegacySince}
	rows, ok := f.LegacyUse.Get()
	if !ok {
		l.Figures = missing(f.AsOf, f.LegacyUse.Reason(), LegacySucceeded, LegacyBlocked, LegacyAccounts, LegacyPeople)
		return l
	}
	uses := newProtocolUses()
	byAccount := make(map[string]*LegacyAccount)
	for _, row := range rows {
		if row.within(f.LegacySince) {
			countUse(row, uses, byAccount)
		}
	}
	l.Accounts = sorted(byAccount)
	for _, a := range l.Accounts {
		for _, p := range a.Protocols {
			uses[p].Accounts++
		}
	}
	succeeded, blocked := 0, 0
	for _, p := range protocols {
		l.ByProtocol = append(l.ByProtocol, *uses[p])
		succeeded += uses[p].Succeeded
		blocked += uses[p].Blocked
	}
	l.Figures = Figures{
		Number(LegacySucceeded, f.AsOf, succeeded),
		Number(LegacyBlocked, f.AsOf, blocked),
		Number(LegacyAccounts, f.AsOf, len(l.Accounts)),
		legacyPeople(f, s, l.Accounts),
	}
	return l
}

func newProtocolUses() map[Protocol]*ProtocolUse {
	uses := make(map[Protocol]*ProtocolUse, len(protocols))
	for _, p := range protocols {
		uses[p] = &ProtocolUse{Protocol: p}
	}
	return uses
}

func countUse(row LegacyUse, uses map[Protocol]*ProtocolUse, byAccount map[string]*LegacyAccount) {
	p := ProtocolOf(row.Client)
	uses[p].Succeeded += row.Succeeded
	uses[p].Blocked += row.Blocked
	if row.Succeeded == 0 {
		return
	}
	a := byAccount[row.account()]
	if a == nil {
		a = &LegacyAccount{UserID: row.UserID, UPN: row.UPN, First: row.First, Last: row.Last}
		byAccount[row.account()] = a
	}
	a.Succeeded += row.Succeeded
	if !slices.Contains(a.Protocols, p) {
		a.Protocols = append(a.Protocols, p)
	}
	if row.First.Before(a.First) {
		a.First = row.First
	}
	if !row.Last.Before(a.Last) { // the newest name, should it have changed
		a.Last, a.UPN = row.Last, row.UPN
	}
}

func sorted(byAccount map[string]*LegacyAccount) []LegacyAccount {
	list := make([]LegacyAccount, 0, len(byAccount))
	for _, a := range byAccount {
		slices.SortFunc(a.Protocols, func(x, y Protocol) int {
			return cmp.Compare(slices.Index(protocols[:], x), slices.Index(protocols[:], y))
		})
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b LegacyAccount) int {
		return cmp.Or(cmp.Compare(b.Succeeded, a.Succeeded), strings.Compare(a.UserID, b.UserID), strings.Compare(a.UPN, b.UPN))
	})
	return list
}

// legacyPeople counts the accounts that belong to people in scope.
func legacyPeople(f Facts, s Scope, accounts []LegacyAccount) Figure {
	people, why := People(f, s)
	if why != "" {
		return Missing(LegacyPeople, Count, f.AsOf, why)
	}
	inScope := make(map[string]bool, len(people))
	for _, p := range people {
		inScope[p.ID] = true
	}
	n := 0
	for _, a := range accounts {
		if inScope[a.UserID] {
			n++
		}
	}
	return Number(LegacyPeople, f.AsOf, n)
}
