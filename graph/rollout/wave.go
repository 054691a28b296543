package rollout

import (
	"crypto/rand"
	"time"
)

// WaveState says where a wave stands.
type WaveState string

// The states. A wave goes from a draft to running, to and fro between that and
// paused, and is over by itself.
const (
	WaveDraft   WaveState = "draft" // nobody has heard of it
	WaveRunning WaveState = "running"
	WavePaused  WaveState = "paused"
	WaveOver    WaveState = "over"
)

// Wave is some people to whom the bot writes that they have something left to
// do, because a lead wants it. It is the bot's own, and changes nothing in the
// tenant. A nudge is a wave without a name, of one message.
type Wave struct {
	Ref      string // "W-" and six base32 characters
	Name     string // as leads call it; empty: a nudge
	Whom     Whom
	State    WaveState
	Messages int       // that each of them gets at most
	By       time.Time // the day by which they are to have done it, as it begins
	Then     string    // what happens then, in a lead's words; empty: what is true of most tenants
	Author   string    // object ID of who answers for it
	Request  string    // the reference of the request that began it, or empty
	Since    time.Time // when it was made
	Began    time.Time // zero: it has not
}

// NewWaveRef returns a reference that no wave has.
func NewWaveRef() string { return "W-" + rand.Text()[:6] }

// WhomKind says how the people of a wave are chosen.
type WhomKind string

// The kinds. Of a group those are meant who are missing.
const (
	WhomUser      WhomKind = "user"
	WhomGroup     WhomKind = "group"
	WhomMissing   WhomKind = "missing"
	WhomPhoneOnly WhomKind = "phone-only"
)

// Whom chooses people. They are looked up when the wave begins, and stay the
// same from then on.
type Whom struct {
	Kind WhomKind `json:"kind"`
	ID   string   `json:"id,omitempty"`   // object ID of the user or the group
	Name string   `json:"name,omitempty"` // of it as of then, for people
}

// Skip is why somebody is not written to, at all or for now, in a few words.
type Skip string

// The reasons. The first five are for good.
const (
	SkipDone      Skip = "done already"
	SkipAway      Skip = "not counted any more: they left, or were excepted"
	SkipNoChat    Skip = "no chat account that is linked to them, and no mail"
	SkipNeedsKey  Skip = "no phone for it: they need a key or a token"
	SkipEnough    Skip = "had all the messages that anybody gets"
	SkipPostponed Skip = "asked for time"
	SkipUnread    Skip = "could not be looked up"
	SkipSoon      Skip = "had a message less than three working days ago"
	SkipHours     Skip = "not at work now"
)

// Skips lists the reasons in the order in which they are shown.
func Skips() []Skip {
	return []Skip{SkipDone, SkipAway, SkipNoChat, SkipNeedsKey, SkipEnough, SkipPostponed, SkipUnread, SkipSoon, SkipHours}
}

// Final reports whether somebody who is skipped for this reason will not be
// written to later either.
func (s Skip) Final() bool {
	switch s {
	case SkipDone, SkipAway, SkipNoChat, SkipNeedsKey, SkipEnough:
		return true
	default:
		return false
	}
}

// EffectWithin is how long after a message a registration is counted beside it.
// That it came of the message is not said: nobody knows.
const EffectWithin = 7 * 24 * time.Hour

// Outreach is whom a wave reaches and what has become of it.
type Outreach struct {
	People  int          // who were chosen
	Next    int          // of them: whom nothing keeps from being written to now
	Mailed  int          // of those: who get it by mail
	Skipped map[Skip]int // the others, for the first reason that holds
	Held    string       // why nobody is written to for now, a sentence; empty: they are

	Messages int // that were sent
	Written  int // people who had at least one
	Within   int // of them: registered within [EffectWithin] after one
	Done     int // of them: have done it by now, whenever
}

// NudgeTemplates lists the messages whose words leads can change, in the order in
// which people see them.
func NudgeTemplates() []string { return []string{"announcement", "first", "second", "last", "thanks"} }

// NudgeSetting is the name of the setting that holds the words that a lead has
// given a template in a language, by its ISO 639-1 code.
func NudgeSetting(template, language string) string {
	return "nudge.text/" + template + "/" + language
}
