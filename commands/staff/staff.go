// Package staff is what the bot keeps about people for their own sake: a short
// [Note] of what they told it about themselves, and the [Case]s that they have
// with the help desk.
//
// A case is a row that only goes forward:
//
//	opened → proved (twice, by kind) → asked for → done → registered → confirmed → closed
//
// Of how somebody was recognised only the kind is kept and by whom, never what
// was said. A case gives no right: the pass or the reset that it leads to is an
// ordinary request, which another person approves.
package staff

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
)

// Note is what somebody told the bot about themselves, and what it last saw.
type Note struct {
	Person    string    // object ID
	Postponed time.Time // no reminder before then; zero: none
	NeedsKey  bool      // has no phone for this: needs a key or a token
	Seen      []string  // IDs of their methods as they last looked, sorted
	Looked    time.Time // when that was; zero: never
	// Hours are when they work, and may be written to; nil: as the others.
	Hours *chat.Hours
}

// Kind is what a case is about.
type Kind string

// The kinds of case.
const (
	Lost   Kind = "lost"   // a phone is gone, and with it the way to sign in
	Reset  Kind = "reset"  // methods were removed: who registers next is looked at
	Prompt Kind = "prompt" // a sign-in that the person did not start
	Person Kind = "person" // a question that a person should answer
)

// ForManager reports whether the manager of whom it is about is told: where
// somebody is let in anew. What people ask and report is their own.
func (k Kind) ForManager() bool { return k == Lost || k == Reset }

// ProofKind is how somebody was recognised.
type ProofKind string

// The proofs that count. Personal facts are none: whoever steals a phone may
// know them too.
const (
	CallBack ProofKind = "call-back"
	Video    ProofKind = "video"
	InPerson ProofKind = "in-person"
	Manager  ProofKind = "manager"
)

// DeskProofs are those that the help desk records. A manager's word is given by
// the manager.
func DeskProofs() []ProofKind { return []ProofKind{CallBack, Video, InPerson} }

// String says it for people.
func (k ProofKind) String() string {
	switch k {
	case CallBack:
		return "called back on the number in the directory"
	case Video:
		return "seen by video, with their manager there"
	case InPerson:
		return "seen in person"
	case Manager:
		return "confirmed by their manager, in the manager's own chat"
	default:
		return string(k)
	}
}

// Proof says that somebody was recognised: how, by whom and when. What was asked
// and answered is kept nowhere.
type Proof struct {
	Kind ProofKind `json:"kind"`
	By   string    `json:"by"` // object ID
	At   time.Time `json:"at"`
}

// Enough is how many proofs of different kinds a pass or a reset takes.
const Enough = 2

// ProofLife is how long a proof counts.
const ProofLife = 8 * time.Hour

// End is how a case was closed.
type End string

// The ends.
const (
	Done    End = "done"
	Stopped End = "stopped" // whom it is about did not want it
	Lapsed  End = "lapsed"  // nothing can come any more: the watch is over, or the account is gone
)

// Line is one message of a conversation, relayed.
type Line struct {
	Desk  bool      `json:"desk"` // said by the help desk
	By    string    `json:"by"`   // object ID, or empty for somebody who is not linked
	Words string    `json:"words"`
	At    time.Time `json:"at"`
	Held  bool      `json:"held,omitzero"` // was not passed on: it asked for a secret
}

// Case is what one person has with the help desk.
type Case struct {
	Ref     string // "C-" and six base32 characters
	Tenant  string
	Kind    Kind
	Person  string // object ID of whom it is about; of somebody who is not linked, their chat account
	Opener  string // the same, of who opened it
	Open    bool
	Version int // grows with every change; compare-and-set is on it
	Opened  time.Time
	Body
}

// Body is all of a case that is never searched for.
type Body struct {
	Account string    `json:"account"`           // of the opener: where answers go, opaque
	Words   string    `json:"words,omitempty"`   // the opener's
	Proofs  []Proof   `json:"proofs,omitempty"`  // in the order in which they were recorded
	NoPass  string    `json:"no_pass,omitempty"` // why there can be no pass, as of the opening; then a reset is the way
	Had     []string  `json:"had,omitempty"`     // IDs of the methods that are not new
	New     []string  `json:"new,omitempty"`     // IDs of those that were registered since
	Theirs  bool      `json:"theirs,omitzero"`   // the help desk has confirmed that the new ones are theirs
	Request string    `json:"request,omitempty"` // of a reset that is looked after: its reference
	Said    string    `json:"said,omitempty"`    // of a prompt: whether it was approved, "yes" or "no"
	Lines   []Line    `json:"lines,omitempty"`
	Due     time.Time `json:"due,omitzero"` // when the help desk is reminded; zero: not
	// Alarmed is when those who look after security were alarmed, oldest first:
	// at most the last [AlarmsPerHour] times.
	Alarmed []time.Time `json:"alarmed,omitempty"`
	End     End         `json:"end,omitempty"`
	By      string      `json:"by,omitempty"` // who closed it
	Closed  time.Time   `json:"closed,omitzero"`
}

// NewRef returns a reference that no case has.
func NewRef() string { return "C-" + rand.Text()[:6] }

// Canonical forgives how a person spells a reference.
func Canonical(typed string) string {
	typed = strings.ToUpper(strings.Trim(typed, " .,“”\"'"))
	if !strings.HasPrefix(typed, "C-") && len(typed) == 6 {
		typed = "C-" + typed
	}
	return typed
}

// The refusals.
var (
	ErrNoCase  = no("no-case", "There is no such case, or it is not yours to see.")
	ErrClosed  = no("case-closed", "This case is closed. “/mfa lost” opens a new one for a lost phone, “/mfa person” one for a question.")
	ErrOwn     = no("case-own", "This case is about your own account, so somebody else has to look after it.")
	ErrProved  = no("case-proved", "This proof is recorded already. A second one must be of another kind.")
	ErrFacts   = no("case-facts", "That is no proof. What counts: a call back on the number in the directory, video with their manager there, in person, or their manager's own word. A birthday, an address or a staff number proves nothing: others may know them.")
	ErrTwice   = no("case-one-person", "You have recorded another proof here. A manager's word and the help desk's proof must come from two people.")
	ErrManager = no("case-manager", "Only their manager can give a manager's word, signed in to the chat as themselves.")
	ErrDesk    = no("case-desk", "Only the help desk can do this.")
	ErrTooFew  = no("case-unproved", "This is not enough yet. Two proofs of different kinds are needed before anything can be asked for.")
	ErrTooMany = no("case-too-many", "You have opened as many cases as you can have open at once. Please call the help desk.")
	ErrLines   = no("case-lines", "That was a lot within the hour, so this is not passed on. What you wrote before has arrived: please wait for an answer, or call.")
	ErrLost    = no("case-lost", "Somebody else was faster. Please look at the case again.")
)

func no(code, text string) *approval.Refusal { return &approval.Refusal{Code: code, Text: text} }

// OpenAtOnce is how many open cases one person may have opened.
const OpenAtOnce = 5

// Prove returns the case with one more proof. By whom a kind may be recorded
// beyond what the case itself says is the caller's to ask.
func (c Case) Prove(p Proof) (Case, error) {
	switch {
	case !c.Open:
		return c, ErrClosed
	case p.By == c.Person:
		return c, ErrOwn
	case p.Kind != Manager && !slices.Contains(DeskProofs(), p.Kind):
		return c, ErrFacts
	}
	for _, q := range c.Proved(p.At) {
		switch {
		case q.Kind == p.Kind:
			return c, ErrProved
		case q.By == p.By && (q.Kind == Manager || p.Kind == Manager):
			return c, ErrTwice
		}
	}
	c.Proofs = append(slices.Clone(c.Proofs), p)
	c.Due = time.Time{}
	return c, nil
}

// Proved returns the proofs that count at a moment.
func (c Case) Proved(now time.Time) []Proof {
	return slices.DeleteFunc(slices.Clone(c.Proofs), func(p Proof) bool { return now.Sub(p.At) >= ProofLife })
}

// AlarmsPerHour is how often one case alarms within an hour. Whoever reads of it
// so often knows; without a bound a stranger could bury the alarms that matter.
const AlarmsPerHour = 5

// Alarm returns the case with one more alarm, and whether that is to be raised.
// It is for a case that is closed as well: whoever closes one silences nobody.
func (c Case) Alarm(now time.Time) (_ Case, raised bool) {
	if n := len(c.Alarmed) - AlarmsPerHour; n >= 0 && now.Sub(c.Alarmed[n]) < time.Hour {
		return c, false
	}
	c.Alarmed = append(slices.Clone(c.Alarmed), now)
	c.Alarmed = c.Alarmed[max(0, len(c.Alarmed)-AlarmsPerHour):]
	return c, true
}

// Quiet returns since when nothing more was said or reported in the case.
func (c Case) Quiet() time.Time {
	last := c.Opened
	if n := len(c.Alarmed); n > 0 && c.Alarmed[n-1].After(last) {
		last = c.Alarmed[n-1]
	}
	if n := len(c.Lines); n > 0 && c.Lines[n-1].At.After(last) {
		last = c.Lines[n-1].At
	}
	return last
}

// Close returns the case as it ends.
func (c Case) Close(end End, by string, now time.Time) (Case, error) {
	if !c.Open {
		return c, ErrClosed
	}
	c.Open, c.End, c.By, c.Closed, c.Due = false, end, by, now, time.Time{}
	return c, nil
}

// LinesPerHour is how much either side may write in one case within an hour: of
// the person's, each line goes to everybody at the help desk.
const LinesPerHour = 20

// Say returns the case with one more line, and until when it is to be answered
// if the person said it.
func (c Case) Say(l Line, due time.Time) (Case, error) {
	if !c.Open {
		return c, ErrClosed
	}
	lately := 0
	for _, said := range c.Lines {
		if said.Desk == l.Desk && l.At.Sub(said.At) < time.Hour {
			lately++
		}
	}
	if lately >= LinesPerHour {
		return c, ErrLines
	}
	c.Lines = append(slices.Clone(c.Lines), l)
	c.Due = time.Time{}
	if !l.Desk {
		c.Due = due
	}
	return c, nil
}

// Store keeps notes and cases.
type Store interface {
	// StaffNote returns what is kept about somebody; of nobody known, a note of
	// nothing.
	StaffNote(ctx context.Context, tenant, object string) (Note, error)
	// StaffNotes lists what is kept about anybody, by object ID.
	StaffNotes(ctx context.Context, tenant string) ([]Note, error)
	// KeepStaffNote stores what change makes of a note, and in the same
	// transaction what tell stores.
	KeepStaffNote(ctx context.Context, tenant, object string, change func(*Note), tell func(approval.Tx) error) error

	// OpenCase stores a new case at the database's time, and what tell stores for
	// it. If one of the kind is open about the person already, that one comes back
	// and nothing is stored; whoever has [OpenAtOnce] open is refused. Cases of
	// kind [Reset], which the bot opens, are neither refused nor counted.
	OpenCase(ctx context.Context, c Case, tell func(approval.Tx, Case) error) (_ Case, opened bool, err error)
	// Case returns the case of a reference, or [ErrNoCase].
	Case(ctx context.Context, tenant, ref string) (Case, error)
	// OpenCases lists those that are open, oldest first; only those about the
	// person unless that is empty.
	OpenCases(ctx context.Context, tenant, person string) ([]Case, error)
	// CasesOf lists every case that somebody opened or that is about them, oldest
	// first.
	CasesOf(ctx context.Context, tenant, object string) ([]Case, error)
	// ChangeCase stores what change makes of the case, and what tell stores for
	// it, in one transaction. An error of either comes back as it is, and nothing
	// is stored then.
	ChangeCase(ctx context.Context, tenant, ref string, change func(Case, time.Time) (Case, error), tell func(approval.Tx, Case) error) (Case, error)

	// KeepGap counts that the guide could not do something, in the week that it is
	// by the database. The gap's own week and times are not looked at. Where
	// [GapWords] are kept of that week already it is counted without its words.
	KeepGap(ctx context.Context, tenant string, g Gap) error
	// Gaps lists what is kept of [GapLife], by week.
	Gaps(ctx context.Context, tenant string) ([]Gap, error)

	// Stored counts the rows of each table in which somebody stands, by their object
	// ID or one of the names as a whole, not as a part of another.
	Stored(ctx context.Context, tenant, object string, names ...string) ([]Stored, error)
}

// Stored is how many rows of a table hold something about somebody.
type Stored struct {
	Table string
	Rows  int
}
