package rules

import (
	"slices"
	"sync"
	"time"
)

// Keeper answers which rules hold now. It is safe for use by several
// goroutines.
type Keeper struct {
	now func() time.Time

	mu      sync.Mutex
	history []Version
	held    Rules
	from    time.Time // held was worked out at this moment
	until   time.Time // and holds until this one; zero: for good
}

// NewKeeper returns a keeper of all that the configuration has said, oldest
// first.
func NewKeeper(history []Version, now func() time.Time) *Keeper {
	k := &Keeper{now: now}
	k.Set(history)
	return k
}

// Fixed returns a keeper of rules that hold, and never change.
func Fixed(r Rules) *Keeper {
	return NewKeeper([]Version{{Rules: r}}, func() time.Time { return time.Time{}.Add(Late) })
}

// Set replaces the history, after the configuration was read anew.
func (k *Keeper) Set(history []Version) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.history = slices.Clone(history)
	k.work(k.now())
}

// work works out what holds at now, and until when.
func (k *Keeper) work(now time.Time) {
	k.held, k.from, k.until = At(k.history, now), now, time.Time{}
	for _, v := range k.history {
		if due := v.Since.Add(Late); due.After(now) && (k.until.IsZero() || due.Before(k.until)) {
			k.until = due
		}
	}
}

// Now returns the rules that hold. They are shared: change nothing in them.
func (k *Keeper) Now() Rules {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); now.Before(k.from) || !k.until.IsZero() && !now.Before(k.until) {
		k.work(now)
	}
	return k.held
}

// Written returns the rules as the configuration says them, those that do not
// hold yet included.
func (k *Keeper) Written() Rules {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.history) == 0 {
		return Rules{}
	}
	return k.history[len(k.history)-1].Rules.Normal()
}

// Waiting lists what the configuration says and does not hold yet.
func (k *Keeper) Waiting() []Difference { return Compare(k.Now(), k.Written()) }
