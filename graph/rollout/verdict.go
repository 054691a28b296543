package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// LegacyLevel is how a tenant stands with legacy authentication.
type LegacyLevel int

// The levels. LegacyUnknown is the zero value: what was not looked at is not
// clear. Only LegacyClear is good news without more, and only the sign-in log
// can give it.
const (
	LegacyUnknown   LegacyLevel = iota
	LegacyUsed                  // sign-ins succeeded
	LegacySuspected             // the mail program report shows a protocol that old programs use
	LegacyNotSeen               // nothing was seen, but not everything could have been
	LegacyClear                 // the log is whole for the window, and none succeeded
)

// LegacySource is what a verdict rests on.
type LegacySource string

// The sources. The log tells every sign-in; the mail report tells which
// mailboxes used a protocol in a time, a day or two late.
const (
	NoLegacySource LegacySource = ""
	SignInLog      LegacySource = "sign-in log"
	MailReport     LegacySource = "mail program report"
)

// BlindSpot is what a verdict cannot exclude, and has to say.
type BlindSpot string

// The blind spots. Words for people are made from these.
const (
	// BlindDevices: scanners, programs and phones that nobody told of. Security
	// defaults stop them the moment they are switched on.
	BlindDevices BlindSpot = "unknown devices"
	// BlindProtocols: the report knows POP, IMAP and SMTP. Old Office and
	// ActiveSync do not show.
	BlindProtocols BlindSpot = "other protocols"
	// BlindManner: a protocol with a modern sign-in shows alike.
	BlindManner BlindSpot = "manner of sign-in"
	// BlindNames: the tenant conceals names in reports, see [ShowNames].
	BlindNames BlindSpot = "names"
	// BlindEmergency: sign-ins of emergency access accounts are not watched.
	BlindEmergency BlindSpot = "emergency accounts"
	// BlindWindow: the log has been kept for less than [LegacyWindow].
	BlindWindow BlindSpot = "short window"
)

// ShowNames is where a tenant's owner switches concealed names off. We never do:
// it is a choice about everybody's privacy, in all reports.
const ShowNames = "Microsoft 365 admin centre, Settings, Org settings, Reports: clear “Display concealed user, group, and site names in all reports”, and wait some minutes"

// A LegacyVerdict is what can be said of legacy authentication before it is
// stopped, and what cannot. Without the sign-in log it is never green.
type LegacyVerdict struct {
	Level  LegacyLevel
	Source LegacySource
	AsOf   time.Time // of the source: for the mail report its day, midnight UTC
	Days   int       // that the source looks back
	// Seen are the accounts by protocol, without those that nobody used. They are
	// known where names are concealed too.
	Seen []MailProtocol
	// Ask is who can tell more: the accounts that were seen, and those declared
	// to be run by machines. Nil where names are concealed and none is declared.
	Ask   []AskOf
	Blind []BlindSpot
	Why   Reason // why there is no log, "" if there is one
}

// AskOf is one account whose people are to be asked.
type AskOf struct {
	UserID    string // object ID; may be empty
	UPN, Name string
	Protocols []Protocol // that were seen; none for one that is only declared
	Purpose   Purpose    // declared, empty for people
}

// Green reports whether stopping legacy authentication is known to hit nobody.
func (v LegacyVerdict) Green() bool { return v.Level == LegacyClear && v.Source == SignInLog }

// JudgeLegacy gives the verdict on a reading.
func JudgeLegacy(f Facts, s Scope) LegacyVerdict {
	l := NewLegacy(f, s)
	var v LegacyVerdict
	if _, ok := f.LegacyUse.Get(); ok {
		v = judgeLog(l)
	} else if _, ok := f.EmailApps.Get(); ok {
		v = judgeMail(l.Mail)
		v.Why = f.LegacyUse.Reason()
	} else {
		v = LegacyVerdict{AsOf: f.AsOf, Blind: []BlindSpot{BlindDevices}, Why: whyUnseen(f)}
	}
	v.Ask = askOf(f, s, l)
	if _, why := EmergencySignIns(f, s); why != "" {
		v.Blind = append(v.Blind, BlindEmergency)
	}
	return v
}

// whyUnseen is the reason of the road that this tenant would have.
func whyUnseen(f Facts) Reason {
	if why := f.LegacyUse.Reason(); why != NeedsP1 {
		return why
	}
	return f.EmailApps.Reason()
}

func judgeLog(l Legacy) LegacyVerdict {
	window := l.AsOf.Sub(l.Since)
	v := LegacyVerdict{Level: LegacyClear, Source: SignInLog, AsOf: l.AsOf, Days: int(window / (24 * time.Hour))}
	if window < LegacyWindow {
		v.Level, v.Blind = LegacyNotSeen, []BlindSpot{BlindWindow}
	}
	if len(l.Accounts) > 0 {
		v.Level = LegacyUsed
	}
	for _, use := range l.ByProtocol {
		if use.Accounts > 0 {
			v.Seen = append(v.Seen, MailProtocol{use.Protocol, use.Accounts})
		}
	}
	return v
}

func judgeMail(m MailUse) LegacyVerdict {
	v := LegacyVerdict{
		Level: LegacyNotSeen, Source: MailReport, AsOf: m.Day, Days: m.Days,
		Blind: []BlindSpot{BlindDevices, BlindProtocols},
	}
	if m.Seen > 0 {
		v.Level = LegacySuspected
		v.Blind = append(v.Blind, BlindManner)
	}
	if m.Concealed {
		v.Blind = append(v.Blind, BlindNames)
	}
	v.Seen = slices.DeleteFunc(slices.Clone(m.ByProgram), func(p MailProtocol) bool { return p.Accounts == 0 })
	return v
}

// askOf lists the accounts that were seen, and then the declared ones that
// nobody uses in person: whoever runs those knows of devices that show nowhere.
func askOf(f Facts, s Scope, l Legacy) []AskOf {
	s = s.With(f.Declared)
	var all []AskOf
	asked := make(map[string]bool)
	add := func(a AskOf) {
		a.Purpose = s.Declared[a.UserID]
		if a.UserID == "" || !asked[a.UserID] {
			all = append(all, a)
		}
		asked[a.UserID] = true
	}
	for _, a := range l.Accounts {
		add(AskOf{UserID: a.UserID, UPN: a.UPN, Protocols: a.Protocols})
	}
	for _, a := range l.Mail.Accounts {
		add(AskOf{UserID: a.UserID, UPN: a.UPN, Name: a.Name, Protocols: a.Protocols})
	}
	users, _ := f.Users.Get()
	users = slices.Clone(users)
	slices.SortFunc(users, func(a, b graph.User) int {
		return cmp.Or(strings.Compare(a.UPN, b.UPN), strings.Compare(a.ID, b.ID))
	})
	for _, u := range users {
		if u.Enabled && runByMachine(s.Declared[u.ID]) {
			add(AskOf{UserID: u.ID, UPN: u.UPN, Name: u.Name})
		}
	}
	return all
}

func runByMachine(p Purpose) bool { return p == Service || p == Shared || p == Room }

// EmergencyUse is when a declared emergency access account was last seen.
type EmergencyUse struct {
	graph.User
	Last time.Time // zero: never
}

// EmergencySignIns returns the declared emergency access accounts with their
// last sign-ins, or why nobody watches them: [NotWatched] on a licence that
// keeps no such times, which has to be said wherever the accounts are named.
func EmergencySignIns(f Facts, s Scope) ([]EmergencyUse, Reason) {
	rows, ok := f.LastSignIns.Get()
	licence, licenceRead := f.Licence.Get()
	switch why := f.LastSignIns.Reason(); {
	case !ok && (why == NeedsP1 || licenceRead && licence == graph.Free):
		return nil, NotWatched
	case !ok:
		return nil, why
	}
	users, ok := f.Users.Get()
	if !ok {
		return nil, f.Users.Reason()
	}
	last := make(map[string]time.Time, len(rows))
	for _, row := range rows {
		last[row.UserID] = row.At
	}
	var all []EmergencyUse
	for _, u := range users {
		if s.Declared[u.ID] != Emergency {
			continue
		}
		at, known := last[u.ID]
		if !known {
			return nil, NotRead
		}
		all = append(all, EmergencyUse{u, at})
	}
	return all, ""
}
