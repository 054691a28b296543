package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// log is a directory audit log: a line can be read once it is no longer late,
// and for as long as the licence keeps it.
type log struct {
	licence graph.Licence
	lines   []graph.Audit
	late    map[string]time.Duration
	err     error
	reads   int

	app    graph.App
	appErr error

	signIns    []graph.SignIn // newest first
	signInsErr error
}

func (l *log) SignInsOf(_ context.Context, userID string, since time.Time) (all []graph.SignIn, err error) {
	for _, s := range l.signIns {
		if s.UserID == userID && !s.At.Before(since) {
			all = append(all, s)
		}
	}
	return all, l.signInsErr
}

func (l *log) Audits(_ context.Context, q graph.AuditQuery) ([]graph.Audit, error) {
	l.reads++
	kept := keptFree
	if l.licence >= graph.P1 {
		kept = keptP1
	}
	var all []graph.Audit
	for _, a := range l.lines {
		if age := time.Since(a.At); age >= l.late[a.ID] && age <= kept && !a.At.Before(q.Since) {
			all = append(all, a)
		}
	}
	return all, l.err
}

func (l *log) Licence(context.Context) (graph.Licence, error) { return l.licence, l.err }

func (l *log) App(context.Context, string) (graph.App, error) { return l.app, l.appErr }

// blocked adds a line: an app blocked an account just now.
func (l *log) blocked(id, app string) {
	l.lines = append(l.lines, graph.Audit{
		ID: id, At: time.Now(), Activity: "Disable account", Category: "UserManagement", Succeeded: true, ByAppID: app,
		Targets: []graph.AuditTarget{{ID: "bob", Name: "Bob"}},
	})
}

// memory is a store of one tenant.
type memory struct {
	follower     bool
	since, until time.Time
	steps        []rollout.SentStep
	changes      []rollout.LoggedChange
	told         []string
	seen         SeenApp
}

func (m *memory) SeenApp(context.Context, string, string) (SeenApp, error) { return m.seen, nil }

func (m *memory) KeepApp(_ context.Context, _, _ string, seen SeenApp) error {
	m.seen = seen
	return nil
}

func (m *memory) LeadWatch(context.Context, string, string, time.Duration) (bool, error) {
	return !m.follower, nil
}

func (m *memory) Watched(context.Context, string) (since, until time.Time, err error) {
	return m.since, m.until, nil
}

func (m *memory) SentSteps(context.Context, string, time.Time) ([]rollout.SentStep, error) {
	return m.steps, nil
}

func (m *memory) KeepChanges(_ context.Context, _ string, changes []rollout.LoggedChange, since, until time.Time) error {
	for _, c := range changes {
		if !slices.Contains(m.ids(), c.AuditID) {
			m.changes = append(m.changes, c)
		}
	}
	m.since, m.until = since, until
	return nil
}

func (m *memory) Changes(context.Context, string, time.Time, int) (rollout.ChangeLog, error) {
	return rollout.ChangeLog{Changes: m.changes, WatchedSince: m.since, WatchedUntil: m.until}, nil
}

func (m *memory) Untold(context.Context, string) (all []rollout.LoggedChange, proved bool, err error) {
	for _, c := range m.changes {
		if c.Telling() && !slices.Contains(m.told, c.AuditID) {
			all = append(all, c)
		}
		proved = proved || c.Proved
	}
	return all, proved, nil
}

func (m *memory) Told(_ context.Context, _ string, ids []string) error {
	m.told = append(m.told, ids...)
	return nil
}

func (m *memory) ids() (ids []string) {
	for _, c := range m.changes {
		ids = append(ids, c.AuditID)
	}
	return ids
}

// desk is a watched tenant.
type desk struct {
	*Watcher
	log     *log
	store   *memory
	alarms  []string
	raised  []Alarm
	refused error // what the alarm answers
}

func newDesk() *desk {
	d := &desk{log: &log{late: map[string]time.Duration{}}, store: &memory{}}
	d.Watcher = New(Config{
		Tenant: "tenant", Apps: []string{"ours"}, Reader: d.log, Store: d.store, Owner: "one",
		Alarm: func(_ context.Context, a Alarm) error {
			d.raised = append(d.raised, a)
			for _, c := range a.Changes {
				d.alarms = append(d.alarms, fmt.Sprintf("%s %t", c.AuditID, a.Proved))
			}
			return d.refused
		},
	})
	return d
}

func (d *desk) pass(t *testing.T) {
	t.Helper()
	if err := d.Pass(t.Context()); err != nil {
		t.Errorf("Pass: %v", err)
	}
}

func (d *desk) want(t *testing.T, what string, ids ...string) {
	t.Helper()
	if got := d.store.ids(); !slices.Equal(got, ids) {
		t.Errorf("%s: kept %q, want %q", what, got, ids)
	}
}

// A line that comes an hour late is found by the overlap, and is kept once.
func TestU23LateLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.log.blocked("early", "other")
		d.log.late["late"] = time.Hour
		d.log.blocked("late", "other")
		d.pass(t)
		d.want(t, "at first", "early")
		for range 12 {
			time.Sleep(10 * time.Minute)
			d.pass(t)
		}
		d.want(t, "two hours later", "early", "late")
	})
}

// What was lost because nobody read for longer than the log keeps its lines is
// kept as a gap, on either licence, and only that.
func TestU23Gaps(t *testing.T) {
	t.Parallel()
	const days = 24 * time.Hour
	for _, tt := range []struct {
		name    string
		licence graph.Licence
		away    time.Duration
		gap     time.Duration // 0: none
	}{
		{"a week on Free", graph.Free, 7 * days, 0},
		{"ten days on Free", graph.Free, 10 * days, 3 * days},
		{"ten days with P1", graph.P1, 10 * days, 0},
		{"forty days with P1", graph.P1, 40 * days, 10 * days},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				d.log.licence = tt.licence
				d.pass(t)
				began := time.Now()
				d.log.blocked("lost", "other")
				time.Sleep(tt.away)
				d.log.blocked("seen", "other")
				d.pass(t)
				time.Sleep(time.Hour)
				d.pass(t)
				var gaps []rollout.LoggedChange
				for _, c := range d.store.changes {
					if c.Origin == rollout.Gap {
						gaps = append(gaps, c)
					}
				}
				if tt.gap == 0 {
					if len(gaps) != 0 || !slices.Contains(d.store.ids(), "lost") {
						t.Errorf("kept %q, want no gap and the line", d.store.ids())
					}
					return
				}
				if len(gaps) != 1 || !gaps[0].At.Equal(began) || gaps[0].Until.Sub(began) != tt.gap {
					t.Errorf("gaps: got %+v, want one of %v", gaps, tt.gap)
				}
			})
		})
	}
}

// A log that cannot be read leaves the time unwatched: the next reading begins
// where the last one that succeeded ended.
func TestU23FailedReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.pass(t)
		d.log.blocked("meanwhile", "other")
		d.log.err = errors.New("no")
		for range 4 {
			time.Sleep(time.Hour)
			if err := d.Pass(t.Context()); err == nil {
				t.Error("Pass gave no error while the log cannot be read")
			}
		}
		d.log.err = nil
		d.pass(t)
		d.want(t, "afterwards", "meanwhile")
	})
}

// What is done in our name is told of until it was heard, and then no more.
func TestU08AlarmUntilHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.log.blocked("by another", "other")
		d.log.blocked("in our name", "ours")
		d.refused = errors.New("the database is away")
		if err := d.Pass(t.Context()); !errors.Is(err, d.refused) {
			t.Errorf("Pass = %v, want the alarm's error", err)
		}
		d.refused = nil
		d.store.steps = []rollout.SentStep{{Request: "R-1", ClientID: "client", URL: "/users/carl", Intent: time.Now()}}
		d.log.blocked("proved", "ours")
		d.log.lines[2].CorrelationID = "client"
		d.pass(t)
		d.pass(t)
		if want := []string{"in our name false", "in our name true"}; !slices.Equal(d.alarms, want) {
			t.Errorf("alarms: got %q, want %q", d.alarms, want)
		}
	})
}

// Nothing is stopped by what may be the trace of a write of ours: one that waits
// for its answer or lost it, or whose line the log bears late. How it ended may be
// found out days later, and covers no more time than the write itself.
func TestU08AmidAWriteOfOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after, late time.Duration // from the intent to the line, and from that until it can be read
		found       time.Duration // from the intent until its answer was stored, 0: not yet
		sure        bool
	}{
		"nobody knows what became of it":  {after: time.Minute},
		"before, by another clock":        {after: -time.Minute},
		"its line comes late":             {after: time.Minute, late: 90 * time.Minute},
		"answered, by a line of no kind":  {after: time.Second, found: time.Second},
		"long after it":                   {after: 30 * time.Minute, sure: true},
		"long after it, found out a week": {after: 30 * time.Minute, found: 7 * 24 * time.Hour, sure: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				d.store.changes = []rollout.LoggedChange{{TenantChange: rollout.TenantChange{AuditID: "one of ours"}, Origin: rollout.ByTwokey, Proved: true}}
				step := rollout.SentStep{Request: "R-1", ClientID: "client", URL: "/identity/conditionalAccess/policies", Intent: time.Now().Add(-c.after)}
				if c.found > 0 {
					step.Finished = step.Intent.Add(c.found)
				}
				d.store.steps = []rollout.SentStep{step}
				d.log.late["line"] = c.late
				d.log.blocked("line", "ours")
				for range 13 {
					d.pass(t)
					time.Sleep(10 * time.Minute)
				}
				if len(d.raised) != 1 || d.raised[0].Sure() != c.sure {
					t.Errorf("raised %+v, want one alarm that is sure: %t", d.raised, c.sure)
				}
			})
		})
	}
}

// Of many replicas one reads, and whoever asks is content with a fresh reading.
func TestU23WhoReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		time.Sleep(time.Hour)
		for range 3 {
			if _, err := d.Changes(t.Context(), time.Time{}, 10); err != nil {
				t.Error(err)
			}
		}
		if d.log.reads != 1 {
			t.Errorf("read %d times within a moment, want once", d.log.reads)
		}
		d.store.follower = true
		d.pass(t)
		if d.log.reads != 1 {
			t.Error("a follower read the log")
		}
		d.store.follower = false
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx) }()
		time.Sleep(time.Hour + time.Minute)
		d.Wake()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil || d.log.reads != 1+7+1 {
			t.Errorf("Run = %v after %d readings; want one every ten minutes, and one when woken", err, d.log.reads-1)
		}
	})
}
