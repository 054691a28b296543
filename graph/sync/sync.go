// Package sync keeps what is known of everybody in a tenant in a store, and
// makes the facts for the figures from it.
//
// What takes a read of every person is kept: accounts, how each can sign in,
// when each was last seen, the use of legacy authentication. A [Syncer] reads
// it once in full and then what has changed: accounts by the tenant's stream of
// changes, methods by its audit log, which names whose methods changed. Slowly,
// as far as the quota allows, it reads the rest again ([Syncer.Refresh]), for no
// log is complete. What takes a request is read when it is asked for.
//
// The licence chooses the road to people's methods. With P1 it is the tenant's
// own registration report, and the methods of those whom it does not list or of
// whom the audit log says more. Without it they are read person by person.
//
// A page of rows and the progress that it is are stored in one transaction, so
// that a reading which is cut off anywhere goes on where it was.
package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Reader is what a sync asks of the tenant, as [graph.Reader] promises it.
type Reader interface {
	Organization(ctx context.Context) (graph.Organization, error)
	Licence(ctx context.Context) (graph.Licence, error)
	SecurityDefaults(ctx context.Context) (graph.SecurityDefaults, error)
	Policies(ctx context.Context) ([]graph.Policy, error)
	MethodsPolicy(ctx context.Context) (graph.MethodsPolicy, error)
	RoleHolders(ctx context.Context) ([]graph.RoleHolder, error)
	GroupMembers(ctx context.Context, id string) ([]string, error)

	UserPage(ctx context.Context, from graph.Cursor) ([]graph.User, graph.Cursor, error)
	UserChanges(ctx context.Context, since graph.DeltaToken) (graph.UserChanges, error)
	RegistrationPage(ctx context.Context, from graph.Cursor) ([]graph.Registration, graph.Cursor, error)
	Audits(ctx context.Context, q graph.AuditQuery) ([]graph.Audit, error)
	Methods(ctx context.Context, userIDs []string) ([]graph.UserMethods, error)
	PerUserMFA(ctx context.Context, userIDs []string) ([]graph.UserMFA, error)
	LastSignIns(ctx context.Context) ([]graph.LastSignIn, error)
	EachLegacySignIn(ctx context.Context, since, until time.Time, each func(graph.SignIn) error) error
	EmailAppUse(ctx context.Context, period graph.EmailAppPeriod) (graph.EmailAppUse, error)
}

// Config says what is kept in step with what.
type Config struct {
	Tenant string // tenant ID, under which everything is kept
	Reader Reader
	Store  Store
	Owner  string           // names this process among all that ever sync the tenant
	Now    func() time.Time // the clock of ages and of “as of”; time.Now if nil
	Log    *slog.Logger     // nil is silence

	// Every is the time between two passes of Run, and Quick between two rounds
	// of its slow reading while there is something to read.
	Every time.Duration // 5 minutes if 0
	Quick time.Duration // 15 seconds if 0

	// Fresh is how old the last pass may be for Facts to be content with it, and
	// Patience how long a person may wait for a newer one.
	Fresh    time.Duration // a minute if 0
	Patience time.Duration // 5 seconds if 0

	// Kept is how old what Kept returns may be. By default it is as long as the
	// passes of Run take to come round, so that nobody waits for the tenant.
	Kept time.Duration // Every and Fresh together if 0
}

func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value   *time.Duration
		instead time.Duration
	}{
		{&cfg.Every, 5 * time.Minute},
		{&cfg.Quick, 15 * time.Second},
		{&cfg.Fresh, time.Minute},
		{&cfg.Patience, 5 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.instead
		}
	}
	if cfg.Kept == 0 {
		cfg.Kept = cfg.Every + cfg.Fresh
	}
	return cfg
}

// Syncer keeps one tenant. Its methods may be used concurrently.
type Syncer struct {
	cfg    Config
	turn   chan struct{} // held by whoever runs a pass
	wake   chan struct{} // a bell for the next pass
	passed chan struct{} // a bell for the slow reading: a pass is over
	looked chan struct{} // a bell for the sign-ins: a pass has asked for the licence

	mu      sync.Mutex
	begun   time.Time        // when the pass under way began, by the machine's clock
	last    time.Time        // when the last pass that came to its end began, by ours
	licence graph.Licence    // as of the last pass
	asked   bool             // a pass has asked for the licence
	failed  map[Source]error // why a source could not be read at the last attempt
	unread  map[string]error // why a person's methods could not be, by ID
	told    *told            // the last facts, nil if they are to be made anew
	made    *rollout.Facts   // the last facts, nil before the first
	changes int              // how often they were outdated
	took    time.Duration    // how long it took to make them from what is stored
}

// New returns a syncer. It reads nothing yet.
func New(cfg Config) *Syncer {
	return &Syncer{
		cfg: cfg.withDefaults(), failed: make(map[Source]error), unread: make(map[string]error),
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), passed: make(chan struct{}, 1), looked: make(chan struct{}, 1),
	}
}

// leaseTime is how long a process that went silent keeps others from syncing.
const leaseTime = time.Minute

// errFollowing says that another process syncs the tenant.
var errFollowing = errors.New("another process syncs this tenant")

// lead runs f while this process leads the sync. The lease is renewed
// meanwhile, and f's context ends if it is lost.
func (s *Syncer) lead(ctx context.Context, f func(context.Context, Lease) error) error {
	l, ok, err := s.cfg.Store.LeadSync(ctx, s.cfg.Tenant, s.cfg.Owner, leaseTime)
	switch {
	case err != nil:
		return fmt.Errorf("lead the sync: %w", err)
	case !ok:
		return errFollowing
	}
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { s.renew(ctx, cancel) })
	defer renewing.Wait()
	defer cancel()
	return f(ctx, l)
}

// renew keeps the lease until ctx ends, and ends it if the lease is lost. A
// database that does not answer is no loss: it judges every batch itself.
func (s *Syncer) renew(ctx context.Context, lost func()) {
	tick := time.NewTicker(leaseTime / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, ok, err := s.cfg.Store.LeadSync(ctx, s.cfg.Tenant, s.cfg.Owner, leaseTime); err == nil && !ok {
			lost()
			return
		}
	}
}

// note remembers how an attempt at a source ended, and gives the error the
// source's name. What was cut off by ctx did not fail.
func (s *Syncer) note(ctx context.Context, source Source, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed[source] = err
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	return nil
}

// failure is why the last attempt at a source failed, nil if it did not.
func (s *Syncer) failure(source Source) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed[source]
}
