package sync

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Read reads a whole tenant once and keeps nothing.
func Read(ctx context.Context, r Reader, now func() time.Time) rollout.Facts {
	s := New(Config{Tenant: "once", Reader: r, Store: &Memory{}, Now: now, Patience: time.Hour})
	_ = s.Pass(ctx) // what could not be read says so in the facts, here and below
	_ = s.SignIns(ctx)
	_ = s.RefreshAll(ctx)
	return s.Facts(ctx)
}

// Facts returns what is kept of the tenant together with what is read of it
// now. If the last pass is not fresh it runs one first, but not for longer than
// a person waits; what that does not bring is told as it was. It always returns:
// what is not known holds the error.
func (s *Syncer) Facts(ctx context.Context) rollout.Facts {
	changes, f := s.changed(), rollout.Facts{AsOf: s.cfg.Now()}
	var wave sync.WaitGroup
	wave.Go(func() { s.catchUp(ctx) })
	s.live(ctx, &f)
	wave.Wait()
	f.LegacySince = midnight(f.AsOf.Add(-rollout.LegacyWindow))
	began := time.Now()
	all, err := s.cfg.Store.LoadSync(ctx, s.cfg.Tenant, f.LegacySince)
	if err != nil {
		f.Users = rollout.From[[]graph.User](nil, err)
		return f
	}
	s.kept(all, &f)
	f = f.ForMany()
	s.mu.Lock()
	s.took = time.Since(began)
	s.mu.Unlock()
	if ctx.Err() == nil {
		s.tell(changes, f)
	}
	return f
}

// catchUp runs a pass if that is worth a person's patience. One that is under
// way is waited for, unless it has gone on for longer already.
func (s *Syncer) catchUp(ctx context.Context) {
	if s.fresh() || s.busy() {
		return
	}
	ctx, cancel := context.WithTimeout(graph.InBackground(ctx), s.cfg.Patience)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return
	}
	if s.fresh() {
		return
	}
	if err := s.pass(ctx); err != nil {
		s.cfg.Log.Debug("sync for a person", "tenant", s.cfg.Tenant, "error", logged(err))
	}
}

// fresh reports whether the last pass is young enough.
func (s *Syncer) fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.last.IsZero() && s.cfg.Now().Sub(s.last) < s.cfg.Fresh
}

// busy reports whether a pass is under way that takes long.
func (s *Syncer) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.begun.IsZero() && time.Since(s.begun) >= s.cfg.Patience
}

// live reads what takes a request or a few, each source for itself.
func (s *Syncer) live(ctx context.Context, f *rollout.Facts) {
	r := s.cfg.Reader
	var wave sync.WaitGroup
	wave.Go(func() { f.Organization = ask(ctx, r.Organization) })
	wave.Go(func() { f.Licence = ask(ctx, r.Licence) })
	wave.Go(func() { f.SecurityDefaults = ask(ctx, r.SecurityDefaults) })
	wave.Go(func() { f.Policies = ask(ctx, r.Policies) })
	wave.Go(func() { f.MethodsPolicy = ask(ctx, r.MethodsPolicy) })
	wave.Go(func() { f.RoleHolders = ask(ctx, r.RoleHolders) })
	wave.Wait()
	f.GroupMembers = s.groupMembers(ctx, namedGroups(*f))
}

// ask reads one source, unless it is too late to begin.
func ask[T any](ctx context.Context, read func(context.Context) (T, error)) rollout.Source[T] {
	if ctx.Err() != nil {
		return rollout.Source[T]{}
	}
	return rollout.From(read(ctx))
}

// namedGroups are the groups that rules in force name.
func namedGroups(f rollout.Facts) []string {
	named := make(map[string]bool)
	policies, _ := f.Policies.Get()
	for _, p := range policies {
		if p.State == graph.PolicyEnabled {
			for _, id := range slices.Concat(p.Users.IncludeGroups, p.Users.ExcludeGroups) {
				named[id] = true
			}
		}
	}
	methods, _ := f.MethodsPolicy.Get()
	for _, m := range methods.Methods {
		for _, t := range slices.Concat(m.Include, m.Exclude) {
			if m.Enabled && t.Group && t.ID != graph.AllUsers {
				named[t.ID] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(named))
}

// groupsAtOnce is how many groups are read side by side.
const groupsAtOnce = 4

// groupMembers reads who is in the groups. One that cannot be read is missing in
// the answer, which has the error only if none could be.
func (s *Syncer) groupMembers(ctx context.Context, ids []string) rollout.Source[map[string][]string] {
	members := make(map[string][]string, len(ids))
	var failed error
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(groupsAtOnce)
	for _, id := range ids {
		group.Go(func() error {
			users, err := s.cfg.Reader.GroupMembers(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return nil
			}
			members[id] = users
			return nil
		})
	}
	_ = group.Wait() // one that failed is no reason to miss the others
	if len(members) > 0 {
		failed = nil
	}
	return rollout.From(members, failed)
}

// overdue is how long after its turn a source may still be told as it was read
// last, while it cannot be read again.
const overdue = 24 * time.Hour

// held reports whether a source that is read so often was read to its end lately
// enough to be told. Without it the reason is that of the last attempt.
func held(at Progress, every time.Duration, now time.Time) bool {
	return !at.Done.IsZero() && now.Sub(at.Done) <= every+overdue
}

// begun is the same, but for a first reading that is under way: its rows count
// as they come.
func begun(at Progress, every time.Duration, now time.Time) bool {
	if at.Done.IsZero() {
		at.Done = at.Began
	}
	return held(at, every, now)
}

// kept fills in what is stored. The licence that was read just now says which
// sources there can be. What is read of each person, methods before all, has its
// own time and stays.
func (s *Syncer) kept(all Stored, f *rollout.Facts) {
	var users []graph.User
	var rows []graph.Registration
	var methods []graph.UserMethods
	var perUser []graph.UserMFA
	var seen []graph.LastSignIn
	for _, p := range all.People {
		users = append(users, p.User)
		rows = appendKept(rows, p.Report)
		methods = appendKept(methods, s.methodsOf(p))
		perUser = appendKept(perUser, p.PerUser)
		seen = appendKept(seen, p.LastSignIn)
	}
	at := all.Progress
	f.Users = source(users, held(at[Accounts], 0, f.AsOf), s.failure(Accounts))
	f.UsersAsOf = at[Accounts].Done
	f.Methods = source(methods, len(methods) > 0, s.failure(Methods))
	f.PerUserMFA = source(perUser, len(perUser) > 0 && held(at[PerUser], perUserAge, f.AsOf), s.failure(PerUser))
	if all.MailApps != nil {
		f.EmailApps = rollout.From(*all.MailApps, nil)
	} else {
		f.EmailApps = source(graph.EmailAppUse{}, false, s.failure(MailApps))
	}
	if licence, _ := f.Licence.Get(); licence == graph.Free {
		f.Registrations = withoutLicence[[]graph.Registration]("read the registration report")
		f.LegacyUse = withoutLicence[[]rollout.LegacyUse]("read legacy sign-ins")
		f.LastSignIns = withoutLicence[[]graph.LastSignIn]("read last sign-ins")
		return
	}
	f.Registrations = source(rows, begun(at[Report], reportEvery, f.AsOf), s.failure(Report))
	f.LastSignIns = source(seen, held(at[LastSignIns], lastSignInsEvery, f.AsOf), s.failure(LastSignIns))
	f.LegacyUse = source(all.Legacy, held(at[SignIns], 0, f.AsOf), s.failure(SignIns))
	f.LegacyUntil = at[SignIns].Done
}

// methodsOf is what was last read of somebody's methods, or why nothing was.
func (s *Syncer) methodsOf(p Person) *graph.UserMethods {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.unread[p.ID]; p.Methods == nil && err != nil {
		return &graph.UserMethods{UserID: p.ID, Err: err}
	}
	return p.Methods
}

func appendKept[T any](list []T, row *T) []T {
	if row == nil {
		return list
	}
	return append(list, *row)
}

// source is what is known of a source, or else why it could not be read.
func source[T any](rows T, known bool, failed error) rollout.Source[T] {
	switch {
	case known:
		return rollout.From(rows, nil)
	case failed != nil:
		var none T
		return rollout.From(none, failed)
	default:
		return rollout.Source[T]{}
	}
}

// withoutLicence is the answer of a source that is known to need P1.
func withoutLicence[T any](op string) rollout.Source[T] {
	var none T
	return rollout.From(none, error(&graph.Error{Kind: graph.KindNoLicence, Op: op}))
}
