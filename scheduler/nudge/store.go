package nudge

import (
	"context"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/graph/rollout"
)

// Subject is what somebody is asked for.
type Subject string

// The subjects.
const (
	Register Subject = "register" // a second factor, whichever
	Lasting  Subject = "lasting"  // one that is no text and no call
)

// Nudge is one message to one person.
type Nudge struct {
	Tenant  string
	Object  string // the person's object ID
	Number  int    // of all that they ever got, from 1
	Wave    string // its reference
	Subject Subject
	Step    int       // which of their messages it is now: 1 to [Most]
	Planned time.Time // when it was owed
	Said    time.Time // when it went out; zero: not yet
	Done    time.Time // when they did it; zero: not that we know
}

// at is when it counts as sent.
func (n Nudge) at() time.Time {
	if n.Said.IsZero() {
		return n.Planned
	}
	return n.Said
}

// Wish is what somebody told the bot about being reminded.
type Wish struct {
	Postponed time.Time   // not before then; zero: as usual
	NeedsKey  bool        // not at all: they have no phone for this
	Hours     *chat.Hours // when they work; nil: they did not say
}

// Facts are what a message of ours is worded from. They name nobody but by ID.
type Facts struct {
	Tenant  string       `json:"tenant"`
	Wave    string       `json:"wave"`
	Object  string       `json:"object,omitempty"` // empty: the announcement of a wave
	Number  int          `json:"number,omitempty"`
	Account chat.Account `json:"account,omitzero"` // to whom it goes
}

// Store keeps waves and what was sent in them.
type Store interface {
	// Waves lists the waves of a tenant, oldest first.
	Waves(ctx context.Context, tenant string) ([]rollout.Wave, error)
	// Enlist stores whom a wave is for, and owes its announcement unless that is
	// empty. Of a wave that has people already nothing is stored.
	Enlist(ctx context.Context, w rollout.Wave, people []string, announce chat.Address) error
	// Enlisted lists whom a wave is for, by object ID.
	Enlisted(ctx context.Context, tenant, wave string) ([]string, error)
	// EndWave ends a wave and records it.
	EndWave(ctx context.Context, tenant, wave string) error

	// Nudges lists every message, by person and number.
	Nudges(ctx context.Context, tenant string) ([]Nudge, error)
	// Nudge returns one; false if there is none, or not any more.
	Nudge(ctx context.Context, tenant, object string, number int) (Nudge, bool, error)
	// Plan stores a message and owes it, at the database's time. It reports false,
	// and stores nothing, if the wave does not run any more or the person has got
	// another message meanwhile, as by another process.
	Plan(ctx context.Context, n Nudge, to chat.Account) (bool, error)
	// Say records that a message is going out now, once.
	Say(ctx context.Context, n Nudge) error
	// Withdraw takes back a message that has not gone out, and records why.
	Withdraw(ctx context.Context, n Nudge, why rollout.Skip) error
	// Thank stores since when somebody has done what they were asked for, and has
	// the messages about it worded anew.
	Thank(ctx context.Context, tenant, object string, s Subject, done time.Time) error

	// Wishes are what people told about being reminded, by object ID.
	Wishes(ctx context.Context, tenant string) (map[string]Wish, error)
	// NudgeText returns the words that a lead has given a template in a language,
	// "" for none.
	NudgeText(ctx context.Context, tenant, template string, l phrases.Language) (string, error)
}
