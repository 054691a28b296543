// Package watch notices what is changed in a tenant, by whomever. A [Watcher]
// reads the directory's audit log again and again, tells the changes that are
// ours from those that are not (see [rollout.Trace]) and keeps each in a store,
// for as long as the audit record is kept.
//
// The log is late by some minutes and bears each line for 7 days on a Free
// tenant, 30 with P1. So each reading begins some hours before the last one, a
// line is known again by its ID, and where nobody read for longer than the log
// keeps its lines a gap is kept instead of them.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Reader is what a watch asks of the tenant, as [graph.Reader] promises it.
type Reader interface {
	Audits(ctx context.Context, q graph.AuditQuery) ([]graph.Audit, error)
	Licence(ctx context.Context) (graph.Licence, error)
	App(ctx context.Context, appID string) (graph.App, error)
	SignInsOf(ctx context.Context, userID string, since time.Time) ([]graph.SignIn, error)
}

// Store keeps what was changed. Every row is of one tenant.
type Store interface {
	// LeadWatch makes the owner, for the time, the only one who watches the tenant.
	LeadWatch(ctx context.Context, tenant, owner string, ttl time.Duration) (ok bool, err error)
	// Watched returns the time of which the log was read, apart from gaps; zero if
	// it never was.
	Watched(ctx context.Context, tenant string) (since, until time.Time, err error)
	// SentSteps returns our writes whose intent was stored at the moment or later.
	SentSteps(ctx context.Context, tenant string, from time.Time) ([]rollout.SentStep, error)
	// KeepChanges keeps changes, and that the log was read for a time, in one
	// transaction. A change whose AuditID is kept already stays as it is. The time
	// watched only ever grows.
	KeepChanges(ctx context.Context, tenant string, changes []rollout.LoggedChange, since, until time.Time) error
	// Changes returns the last n changes since a moment, see [rollout.ChangeLog].
	Changes(ctx context.Context, tenant string, since time.Time, n int) (rollout.ChangeLog, error)
	// Untold returns the changes that are [rollout.LoggedChange.Telling] and of
	// which nobody was told, oldest first, and whether any change of the tenant ever was proved to be ours.
	Untold(ctx context.Context, tenant string) (changes []rollout.LoggedChange, proved bool, err error)
	// Told keeps that somebody was told of the changes with these IDs.
	Told(ctx context.Context, tenant string, ids []string) error
	// SeenApp returns an app of ours as it was kept last; zero if it never was.
	SeenApp(ctx context.Context, tenant, appID string) (SeenApp, error)
	// KeepApp keeps an app in place of what was kept of it.
	KeepApp(ctx context.Context, tenant, appID string, seen SeenApp) error
}

// An Alarm is what somebody did with the credentials of our apps.
type Alarm struct {
	Tenant  string
	Changes []rollout.LoggedChange // all InOurName, oldest first
	// Proved reports that the log of this tenant has borne the ID of a change of
	// ours before. Until it has, it may be the log that leaves them out, so that
	// nothing may be stopped by the alarm.
	Proved bool
	// Apart reports that at the time of one of the changes at least no write of
	// ours was under way. Otherwise they may all be the traces of one, which the
	// log names in a way that nobody has seen yet, or of one whose answer was lost.
	Apart bool
}

// Sure reports whether the alarm is reason enough to stop all changes.
func (a Alarm) Sure() bool { return a.Proved && a.Apart }

// Config says what is watched.
type Config struct {
	Tenant string   // tenant ID, under which everything is kept
	Apps   []string // application IDs of ours: the one that reads and the one that writes
	Reader Reader
	Store  Store
	Owner  string // names this process among all that ever watch the tenant
	// Alarm is called at least once for everything that is done in our name. What
	// it could not be told of, because it failed, it is told of again.
	Alarm func(ctx context.Context, a Alarm) error
	// AppAlarm is called at least once for whatever becomes of our own app
	// registrations, see [Watcher.Look]. Nil: they are not looked at.
	AppAlarm func(ctx context.Context, a AppAlarm) error
	// Weakened is called at least once for whatever others do to what protects
	// every sign-in: security defaults that go off, a Conditional Access policy
	// that is made, changed or deleted. It also keeps that it was told, see
	// [Store.Told]. Nil: nobody is told.
	Weakened func(ctx context.Context, changes []rollout.LoggedChange) error
	// Used is called at least once for each day on which an emergency account
	// signed in. Nil: nobody is told. It takes a licence that has the sign-in log.
	Used      func(ctx context.Context, u Use) error
	Emergency []string         // object IDs of the emergency accounts
	Now       func() time.Time // time.Now if nil
	Log       *slog.Logger     // nil is silence

	Every time.Duration // between two readings of Run; 10 minutes if 0
	// Fresh is how old the last reading may be for Changes to be content with it,
	// and Patience how long a person may wait for a newer one.
	Fresh    time.Duration // a minute if 0
	Patience time.Duration // 5 seconds if 0
}

// Watcher watches one tenant. Its methods may be used concurrently.
type Watcher struct {
	cfg  Config
	turn chan struct{} // held by whoever reads
	wake chan struct{}

	mu   sync.Mutex
	last time.Time // when the last reading of this process began
}

// New returns a watcher. It reads nothing yet.
func New(cfg Config) *Watcher {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value   *time.Duration
		instead time.Duration
	}{{&cfg.Every, 10 * time.Minute}, {&cfg.Fresh, time.Minute}, {&cfg.Patience, 5 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.instead
		}
	}
	return &Watcher{cfg: cfg, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
}

const (
	// overlap is how much of what was read is read again: a line may come so late.
	overlap = 2 * time.Hour
	// firstLook is how far back the first reading goes. Every tenant keeps as much.
	firstLook = 7 * 24 * time.Hour
	keptFree  = 7 * 24 * time.Hour
	keptP1    = 30 * 24 * time.Hour
)

// Pass reads the log since the last reading and keeps what it tells. While
// another process leads it does nothing.
func (w *Watcher) Pass(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	leads, err := w.cfg.Store.LeadWatch(ctx, w.cfg.Tenant, w.cfg.Owner, 2*w.cfg.Every)
	if err != nil || !leads {
		return err
	}
	now := w.cfg.Now()
	since, until, err := w.cfg.Store.Watched(ctx, w.cfg.Tenant)
	if err != nil {
		return err
	}
	from := until.Add(-overlap)
	if until.IsZero() {
		from, since = now.Add(-firstLook), now.Add(-firstLook)
	}
	changes, err := w.read(ctx, from)
	if err != nil {
		return err
	}
	for i := range changes { // of what was so when the bot came nobody is told
		changes[i].Quiet = until.IsZero() && changes[i].Origin == rollout.Outside
	}
	if !until.IsZero() {
		changes = append(changes, w.gap(ctx, until, now)...)
	}
	if err := w.cfg.Store.KeepChanges(ctx, w.cfg.Tenant, changes, since, now); err != nil {
		return fmt.Errorf("keep changes: %w", err)
	}
	w.mu.Lock()
	w.last = now
	w.mu.Unlock()
	return w.alarm(ctx)
}

// read returns the changes that the log bears from a moment on.
func (w *Watcher) read(ctx context.Context, from time.Time) ([]rollout.LoggedChange, error) {
	lines, err := w.cfg.Reader.Audits(ctx, graph.AuditQuery{Since: from})
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	// A step is stored before its effect can be in the log: whoever reads the log
	// first misses none.
	steps, err := w.cfg.Store.SentSteps(ctx, w.cfg.Tenant, from.Add(-overlap))
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	return rollout.Trace(lines, steps, w.cfg.Apps), nil
}

// gap returns what the log has lost between two readings, if anything.
func (w *Watcher) gap(ctx context.Context, until, now time.Time) []rollout.LoggedChange {
	if now.Sub(until) <= keptFree {
		return nil
	}
	kept := keptFree
	if l, err := w.cfg.Reader.Licence(ctx); err == nil && l >= graph.P1 {
		kept = keptP1
	}
	end := now.Add(-kept)
	if !until.Before(end) {
		return nil
	}
	lost := rollout.TenantChange{AuditID: fmt.Sprintf("gap/%d", until.UnixMicro()), At: until}
	return []rollout.LoggedChange{{TenantChange: lost, Origin: rollout.Gap, Until: end}}
}

// alarm tells of what nobody was told of, earlier failures included.
func (w *Watcher) alarm(ctx context.Context) error {
	untold, proved, err := w.cfg.Store.Untold(ctx, w.cfg.Tenant)
	if err != nil {
		return err
	}
	var changes, weakening []rollout.LoggedChange
	for _, c := range untold {
		if c.Origin == rollout.InOurName {
			changes = append(changes, c)
		} else {
			weakening = append(weakening, c)
		}
	}
	return errors.Join(w.weakened(ctx, weakening), w.inOurName(ctx, changes, proved))
}

func (w *Watcher) weakened(ctx context.Context, changes []rollout.LoggedChange) error {
	if len(changes) == 0 || w.cfg.Weakened == nil {
		return nil
	}
	if err := w.cfg.Weakened(ctx, changes); err != nil {
		return fmt.Errorf("tell what others changed: %w", err)
	}
	return nil
}

func (w *Watcher) inOurName(ctx context.Context, changes []rollout.LoggedChange, proved bool) error {
	if len(changes) == 0 {
		return nil
	}
	steps, err := w.cfg.Store.SentSteps(ctx, w.cfg.Tenant, changes[0].At.Add(-overlap))
	if err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	apart := slices.ContainsFunc(changes, func(c rollout.LoggedChange) bool {
		return !slices.ContainsFunc(steps, func(s rollout.SentStep) bool { return s.UnderWay(c.At) })
	})
	if err := w.cfg.Alarm(ctx, Alarm{Tenant: w.cfg.Tenant, Changes: changes, Proved: proved, Apart: apart}); err != nil {
		return fmt.Errorf("raise alarm: %w", err)
	}
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.AuditID
	}
	return w.cfg.Store.Told(ctx, w.cfg.Tenant, ids)
}

// Changes returns the last n changes since a moment, as of now if the tenant
// answers in time, and else as of the last reading.
func (w *Watcher) Changes(ctx context.Context, since time.Time, n int) (rollout.ChangeLog, error) {
	w.mu.Lock()
	old := w.cfg.Now().Sub(w.last) > w.cfg.Fresh
	w.mu.Unlock()
	if old {
		waiting, cancel := context.WithTimeout(ctx, w.cfg.Patience)
		if err := w.Pass(waiting); err != nil {
			w.complain(err)
		}
		cancel()
	}
	return w.cfg.Store.Changes(ctx, w.cfg.Tenant, since, n)
}

// Wake makes Run read at once. It never blocks.
func (w *Watcher) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends. A reading that fails is made good by the next one.
func (w *Watcher) Run(ctx context.Context) error {
	ctx = graph.InBackground(ctx)
	for {
		if err := errors.Join(w.Pass(ctx), w.Look(ctx), w.Guard(ctx)); err != nil && ctx.Err() == nil {
			w.complain(err)
		}
		timer := time.NewTimer(w.cfg.Every)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

func (w *Watcher) complain(err error) {
	w.cfg.Log.Warn("watch", "tenant", w.cfg.Tenant, "error", err)
}
