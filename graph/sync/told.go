package sync

import (
	"context"
	"errors"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// told are facts that were made for somebody and are told again to others.
type told struct {
	facts rollout.Facts
	until time.Time // how long they may be told
}

// Kept returns the facts as they were made last, which say when that was, if it
// is not longer ago than the configuration allows: nothing of the tenant is read
// for them. Else it returns what Facts does. They are for people who look at
// figures. What decides about a change reads [Syncer.Facts].
func (s *Syncer) Kept(ctx context.Context) rollout.Facts {
	s.mu.Lock()
	last := s.told
	s.mu.Unlock()
	now := s.cfg.Now()
	if last != nil && now.Before(last.until) && !now.Before(last.facts.AsOf) { // a clock may be set back
		return last.facts
	}
	return s.Facts(ctx)
}

// Last returns the facts as they were made last, however long ago that is, and
// whether there are any yet. It neither reads nor waits: it is for what has to be
// answered while the tenant is away.
func (s *Syncer) Last() (rollout.Facts, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		return rollout.Facts{}, false
	}
	return *s.made, true
}

// Outdate makes the next Kept read the tenant again: something there was changed.
// It never blocks.
func (s *Syncer) Outdate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = nil
	s.changes++
}

// changed counts how often something was changed: facts that are being made
// meanwhile may be those of before.
func (s *Syncer) changed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}

// tell keeps facts to be told, unless something was changed since they were begun.
func (s *Syncer) tell(changes int, f rollout.Facts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil || !s.made.AsOf.After(f.AsOf) {
		s.made = &f
	}
	if changes == s.changes && (s.told == nil || !s.told.facts.AsOf.After(f.AsOf)) {
		s.told = &told{facts: f, until: f.AsOf.Add(s.tellFor(f))}
	}
}

// dear is how long it may take to make the facts of a tenant for them to be made
// before anybody asks.
const dear = time.Second

// ready makes the facts anew after a pass, so that nobody waits for them, unless
// the tenant is so large that they are dear.
func (s *Syncer) ready(ctx context.Context) {
	s.mu.Lock()
	took := s.took
	s.mu.Unlock()
	if took < dear && ctx.Err() == nil {
		s.Facts(ctx)
	}
}

// tellFor is for how long facts may be told. What could not be read may be there
// the next moment, unless the licence or a permission is missing.
func (s *Syncer) tellFor(f rollout.Facts) time.Duration {
	for _, err := range []error{
		f.Organization.Err(), f.Licence.Err(), f.SecurityDefaults.Err(), f.Policies.Err(), f.MethodsPolicy.Err(), f.RoleHolders.Err(), f.GroupMembers.Err(),
	} {
		var refused *graph.Error
		if err != nil && !(errors.As(err, &refused) && (refused.Kind == graph.KindNoLicence || refused.Kind == graph.KindNoPermission)) {
			return min(s.cfg.Fresh, s.cfg.Kept)
		}
	}
	return s.cfg.Kept
}
