package rollout

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"twokey/graph"
)

// Sign is why an account looks like no one person, in a few words for people.
type Sign string

// The signs. The first two are enough alone; of the others it takes two, since
// each of them is true of many people too.
const (
	SignName      Sign = "named like a thing or a place"
	SignAddress   Sign = "an address like a team's"
	SignNoLicence Sign = "no licence"
	SignNeverSeen Sign = "never signed in"
	SignNotNamed  Sign = "not named like a person"
	SignOnlySMTP  Sign = "its mail goes by SMTP alone"
)

// A Suggestion is an account that somebody should look at: whether a person
// signs in with it is theirs to say. How many people's devices it is used on is
// not known, so an account that several people share may look like one person's.
type Suggestion struct {
	Person
	Signs []Sign
	Guess Purpose // what its name makes likely; empty if nothing
}

// SuggestScope returns the accounts in scope that look like no one person, those
// with the most signs first. It leaves nobody out by itself: accounts are
// declared. The reason says why the accounts could not be read, or, beside a
// list, why nobody's last sign-in was looked at.
func SuggestScope(f Facts, s Scope) ([]Suggestion, Reason) {
	users, ok := f.Users.Get()
	if !ok {
		return nil, f.Users.Reason()
	}
	whole := s.With(f.Declared)
	found := forScope(f.worked, whole, func(w *worked) **[]Suggestion { return &w.looks }, func() []Suggestion {
		return suggest(f, users, f.worked.population(f, whole).people)
	})
	return slices.Clip(found), f.LastSignIns.Reason()
}

func suggest(f Facts, users []graph.User, people []Person) []Suggestion {
	look := looker{
		licences: slices.ContainsFunc(users, func(u graph.User) bool { return u.Licensed }),
		onlySMTP: onlySMTP(f),
	}
	var found []Suggestion
	for _, p := range people {
		if one := look.at(p); one.enough() {
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(len(b.Signs), len(a.Signs)), strings.Compare(a.UPN, b.UPN))
	})
	return found
}

func (s Suggestion) enough() bool {
	return len(s.Signs) > 1 || slices.Contains(s.Signs, SignName) || slices.Contains(s.Signs, SignAddress)
}

// looker knows what must be known of a tenant to read the signs.
type looker struct {
	licences bool            // anybody has one: where nobody does, it says nothing
	onlySMTP map[string]bool // by UPN in lower case
}

func (l looker) at(p Person) Suggestion {
	one := Suggestion{Person: p}
	local, _, _ := strings.Cut(strings.ToLower(p.UPN), "@")
	guess, thing := thingIn(append(tokens(p.Name), tokens(local)...))
	if thing {
		one.Signs, one.Guess = append(one.Signs, SignName), guess
	}
	if teamAddresses[local] {
		one.Signs, one.Guess = append(one.Signs, SignAddress), cmp.Or(one.Guess, Shared)
	}
	for _, w := range []struct {
		sign Sign
		is   bool
	}{
		{SignNoLicence, l.licences && !p.Licensed},
		{SignNeverSeen, p.Stale == Yes && p.LastSeen.IsZero()},
		{SignNotNamed, !namedLikeAPerson(p.Name)},
		{SignOnlySMTP, l.onlySMTP[strings.ToLower(p.UPN)]},
	} {
		if w.is {
			one.Signs = append(one.Signs, w.sign)
		}
	}
	return one
}

// onlySMTP are the mailboxes that the mail program report saw with SMTP and no
// other program.
func onlySMTP(f Facts) map[string]bool {
	report, _ := f.EmailApps.Get()
	found := make(map[string]bool)
	for _, row := range report.Rows {
		if !report.Concealed && slices.Equal(row.Programs, []graph.EmailProgram{graph.ProgramSMTP}) {
			found[strings.ToLower(row.UPN)] = true
		}
	}
	return found
}

// tokens are the words of a name in lower case, digits apart from letters.
func tokens(name string) []string {
	var all []string
	last := ' '
	for _, r := range strings.ToLower(name) {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			r = ' '
		case last == ' ' || unicode.IsDigit(r) != unicode.IsDigit(last):
			all = append(all, string(r))
		default:
			all[len(all)-1] += string(r)
		}
		last = r
	}
	return all
}

// namedLikeAPerson is generous: two words without a digit.
func namedLikeAPerson(name string) bool {
	words := tokens(name)
	return len(words) > 1 && !strings.ContainsFunc(name, unicode.IsDigit) && !strings.ContainsAny(name, "()[]")
}

func thingIn(words []string) (guess Purpose, found bool) {
	for _, w := range words {
		if p, ok := things[w]; ok {
			return p, true
		}
	}
	return "", false
}

// things are words that stand in the names of machines, rooms and mailboxes and
// hardly in people's: no surname that is known to us is among them, which is why
// some that come to mind are not.
var things = wordsOf(map[Purpose]string{
	Service: `scanner scan2mail printer drucker imprimante impresora stampante copier kopierer mfp multifunction service svc
		serviceaccount connector automation automations script api backup monitoring alerts noreply donotreply crm erp kiosk terminal
		daemon relay webhook integration system`,
	Room: `room rooms meetingroom boardroom besprechungsraum konferenzraum meetingraum conference meeting auditorium`,
	Shared: `shared mailbox postfach sharedmailbox info infodesk helpdesk servicedesk reception empfang accounting buchhaltung
		invoices rechnungen newsletter`,
	Emergency: `emergency breakglass breakglas notfall notfallkonto`,
	Sync:      `sync synchronisation synchronization adsync aadconnect msol`,
})

func wordsOf(lists map[Purpose]string) map[string]Purpose {
	all := make(map[string]Purpose)
	for purpose, list := range lists {
		for w := range strings.FieldsSeq(list) {
			all[w] = purpose
		}
	}
	return all
}

// teamAddresses are local parts that are no person's, whole. Some of the words
// are surnames: beside a first name they would mean nobody.
var teamAddresses = func() map[string]bool {
	all := make(map[string]bool)
	for w := range strings.FieldsSeq(`info sales office contact kontakt support hello hallo mail post admin administrator accounts
		accounting billing buchhaltung invoice invoices rechnung rechnungen einkauf verkauf hr jobs career careers bewerbung marketing
		orders order bestellung service team press presse webmaster postmaster abuse security it finance ventas compras contabilidad
		facturas facturation comptabilite contact reception empfang noreply no-reply donotreply newsletter test`) {
		all[w] = true
	}
	return all
}()
