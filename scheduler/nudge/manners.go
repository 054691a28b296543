package nudge

import (
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
)

// The manners.
const (
	// Most is how many messages anybody gets, whoever wants to send another.
	Most = 3
	// Apart is how many working days lie between two of them.
	Apart = 3
	// Memory is how long a message counts. Whoever has not done it half a year
	// later may be asked anew.
	Memory = 180 * 24 * time.Hour
)

// Standing is all of one person that says whether they are written to.
type Standing struct {
	Counted   bool           // is one of the people in scope
	Done      rollout.Answer // has done what they would be asked for
	NeedsKey  bool           // has no phone for this
	Reached   bool           // has a chat account that is linked to them, or is mailed
	Left      int            // messages that the wave still has for them
	Postponed time.Time      // not before then; zero: no wish
	Sent      []time.Time    // when they were written to, oldest first
	Hours     chat.Hours     // when they work, in their zone
}

// Decide returns why somebody is not written to now, "" if nothing speaks against
// it, and from when on it may be otherwise, if the clock alone decides that.
func (s Standing) Decide(now time.Time) (why rollout.Skip, until time.Time) {
	switch {
	case !s.Counted:
		return rollout.SkipAway, time.Time{}
	case s.Done == rollout.Yes:
		return rollout.SkipDone, time.Time{}
	case s.NeedsKey:
		return rollout.SkipNeedsKey, time.Time{}
	case s.Left < 1, s.lately(now) >= Most:
		return rollout.SkipEnough, time.Time{}
	case !s.Reached:
		return rollout.SkipNoChat, time.Time{}
	case s.Done == rollout.Unknown:
		return rollout.SkipUnread, time.Time{}
	case now.Before(s.Postponed):
		return rollout.SkipPostponed, s.Postponed
	}
	if n := len(s.Sent); n > 0 {
		if next := later(s.Hours, s.Sent[n-1]); now.Before(next) {
			return rollout.SkipSoon, next
		}
	}
	if !s.Hours.Within(now) {
		return rollout.SkipHours, s.Hours.Next(now)
	}
	return "", time.Time{}
}

// lately counts the messages that still count.
func (s Standing) lately(now time.Time) (n int) {
	for _, at := range s.Sent {
		if now.Sub(at) < Memory {
			n++
		}
	}
	return n
}

// later returns the same time of day, [Apart] working days later.
func later(h chat.Hours, last time.Time) time.Time {
	last = last.In(h.Zone)
	worked := 0
	for day := 1; day <= 10*Apart; day++ {
		if from, to := h.On(last, day); to.After(from) {
			worked++
		}
		if worked == Apart {
			return last.AddDate(0, 0, day)
		}
	}
	return last.AddDate(0, 0, 10*Apart) // who hardly ever works is hardly ever asked
}
