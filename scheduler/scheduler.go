// Package scheduler does what is due by the clock: once a week it posts the
// digest. A [Job] has a due rule, and each of its due moments is a slot that
// is done once, over restarts and catch-ups, because closing the slot and
// whatever was done for it are one transaction in the store.
//
// The cron library drives it: it sleeps until the next due moment. When that
// is, is decided by our own rule, see [Weekly], and whether it was done
// already by the database: a moment that was missed is made up for within
// [CatchUp], and marked late.
package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"twokey/graph/rollout"
)

// CatchUp is how long after its moment a missed slot is still made up for.
const CatchUp = 72 * time.Hour

// tolerance is how late a slot may be done without being called late.
const tolerance = 15 * time.Minute

// Slot is one due moment of one job.
type Slot struct {
	Tenant  string
	Job     string
	Week    string    // ISO week of the date in the job's zone, "2026-W48"
	Planned time.Time // the moment itself
	Late    bool
}

// Job is something that is due once a week.
type Job struct {
	Name string
	Due  Weekly
	// Run does the job for one slot. It closes the slot, with whatever it
	// stores, in one transaction; a slot that is closed already is not an
	// error. It must end when ctx does.
	Run func(ctx context.Context, s Slot) error
	// Limit bounds one run; 10 minutes if zero.
	Limit time.Duration
}

const defaultLimit = 10 * time.Minute

// Slots keeps what has been done.
type Slots interface {
	// Since returns when the job was first seen: now, if it never was. What
	// was due before that is not made up for.
	Since(ctx context.Context, tenant, job string) (time.Time, error)
	// Done reports whether the slot is closed.
	Done(ctx context.Context, s Slot) (bool, error)
	// Skip closes a slot that is too old to be made up for, and records it. A
	// slot that is closed already stays as it is.
	Skip(ctx context.Context, s Slot) error
}

// Scheduler runs jobs when they are due.
type Scheduler struct {
	tenant string
	jobs   []Job
	slots  Slots
	now    func() time.Time
	log    *slog.Logger
	wake   chan struct{}
	turns  []turn         // one a job: it never overlaps itself
	looks  sync.WaitGroup // those that cron does not wait for
}

// New returns a scheduler for one tenant, or an error that names the job whose
// rule is wrong.
func New(tenant string, jobs []Job, slots Slots, now func() time.Time, log *slog.Logger) (*Scheduler, error) {
	for _, j := range jobs {
		if err := j.Due.Validate(); err != nil {
			return nil, fmt.Errorf("schedule %s: %w", j.Name, err)
		}
	}
	return &Scheduler{
		tenant: tenant, jobs: jobs, slots: slots, now: now, log: log,
		wake: make(chan struct{}, 1), turns: make([]turn, len(jobs)),
	}, nil
}

// Register stores since when each job is known, if it never was: from here on
// a missed moment is made up for. Run does so too, but only once it runs, and
// a moment may pass between.
func (s *Scheduler) Register(ctx context.Context) error {
	for _, j := range s.jobs {
		if _, err := s.slots.Since(ctx, s.tenant, j.Name); err != nil {
			return fmt.Errorf("register job %s: %w", j.Name, err)
		}
	}
	return nil
}

// Wake makes the scheduler look at its clock again, after it was moved. It
// never blocks.
func (s *Scheduler) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// look is how often a moment is looked for that the timer missed: a machine
// that slept, or a database that was away.
const look = time.Minute

// Run works until ctx ends, and waits for jobs that run.
func (s *Scheduler) Run(ctx context.Context) error {
	c := cron.New(cron.WithLocation(time.UTC))
	c.Schedule(cron.Every(look), cron.FuncJob(func() { s.lookAll(ctx) }))
	entries := s.plan(ctx, c, nil)
	c.Start()
	defer s.looks.Wait()
	defer func() { <-c.Stop().Done() }()
	s.lookAll(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
			entries = s.plan(ctx, c, entries)
			s.lookAll(ctx)
		}
	}
}

// plan gives every job its place in cron's timetable, anew after the clock was
// moved.
func (s *Scheduler) plan(ctx context.Context, c *cron.Cron, old []cron.EntryID) []cron.EntryID {
	for _, id := range old {
		c.Remove(id)
	}
	entries := make([]cron.EntryID, len(s.jobs))
	for i, j := range s.jobs {
		entries[i] = c.Schedule(byClock{j.Due, s.now}, cron.FuncJob(func() { s.lookAt(ctx, i) }))
	}
	return entries
}

// byClock is a due rule for cron, whose timer runs by the machine's clock,
// while what is due is decided by ours.
type byClock struct {
	due Weekly
	now func() time.Time
}

// Next implements cron.Schedule.
func (b byClock) Next(machine time.Time) time.Time {
	now := b.now()
	return machine.Add(b.due.Next(now).Sub(now))
}

// lookAll looks at every job apart: one that takes long holds up no other.
func (s *Scheduler) lookAll(ctx context.Context) {
	for i := range s.jobs {
		s.looks.Go(func() { s.lookAt(ctx, i) })
	}
}

// lookAt does what is open of one job. A failure is reported, and the next look
// tries again while the slot can be made up for.
func (s *Scheduler) lookAt(ctx context.Context, i int) {
	if !s.turns[i].take() {
		return
	}
	for more := true; more; more = s.turns[i].again() {
		if ctx.Err() != nil {
			continue
		}
		if err := s.run(ctx, s.jobs[i]); err != nil && ctx.Err() == nil {
			s.log.Error("run job", "job", s.jobs[i].Name, "error", err)
		}
	}
}

// A turn is held by whoever looks at a job. A look that comes meanwhile is not
// lost: the clock may have been moved since the holder read it, so the holder
// looks once more.
type turn struct {
	mu           sync.Mutex
	held, wanted bool
}

// take returns false if somebody else looks, and will look again.
func (t *turn) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held {
		t.wanted = true
		return false
	}
	t.held = true
	return true
}

// again reports whether the holder has to look once more; if not, the turn is over.
func (t *turn) again() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	more := t.wanted
	t.held, t.wanted = more, false
	return more
}

// run does the job's last slot if that is still to be done, and skips older
// ones that nobody did. A panic is an error like any other: it ends neither the
// process nor the other jobs.
func (s *Scheduler) run(ctx context.Context, j Job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	now := s.now()
	slots, err := s.open(ctx, j, now)
	if err != nil {
		return err
	}
	for _, slot := range slots {
		if now.Sub(slot.Planned) <= CatchUp {
			return do(ctx, j, slot) // the newest: slots are further apart
		}
		s.log.Warn("skip slot", "job", j.Name, "week", slot.Week, "planned", slot.Planned)
		if err := s.slots.Skip(ctx, slot); err != nil {
			return fmt.Errorf("skip week %s: %w", slot.Week, err)
		}
	}
	return nil
}

// open returns the job's slots that are not closed, oldest first: those since
// the last closed one, or since the job was first seen.
func (s *Scheduler) open(ctx context.Context, j Job, now time.Time) ([]Slot, error) {
	since, err := s.slots.Since(ctx, s.tenant, j.Name)
	if err != nil {
		return nil, fmt.Errorf("read first run: %w", err)
	}
	var open []Slot
	for at := now; ; {
		slot := SlotAt(s.tenant, j.Name, j.Due, at)
		if slot.Planned.Before(since) {
			break
		}
		done, err := s.slots.Done(ctx, slot)
		if err != nil {
			return nil, fmt.Errorf("read week %s: %w", slot.Week, err)
		}
		if done {
			break
		}
		open = append(open, slot)
		at = slot.Planned.Add(-time.Nanosecond)
	}
	slices.Reverse(open)
	return open, nil
}

var errLimit = errors.New("the job took too long")

// do runs the job within its limit.
func do(ctx context.Context, j Job, slot Slot) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(j.Limit, defaultLimit), errLimit)
	defer cancel()
	err := j.Run(ctx, slot)
	if err != nil && errors.Is(context.Cause(ctx), errLimit) {
		return fmt.Errorf("%w: %w", errLimit, err)
	}
	return err
}

// SlotAt returns the slot whose moment was the last one at or before now. Its
// week is that of the date which the rule means, so that each week has one
// slot, even where the clocks skip that date.
func SlotAt(tenant, job string, due Weekly, now time.Time) Slot {
	date, planned := due.last(now)
	return Slot{
		Tenant: tenant, Job: job, Planned: planned,
		Week: rollout.ISOWeek(date), Late: now.Sub(planned) > tolerance,
	}
}
