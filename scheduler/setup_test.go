package scheduler

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"twokey/graph/rollout"
)

// memory keeps digests as the store does, for one tenant.
type memory struct {
	now func() time.Time

	mu        sync.Mutex
	away      bool // every call fails
	since     map[string]time.Time
	closed    map[string]Slot // by job and week
	skipped   []Slot
	passed    []string // why
	weeks     map[string]rollout.Week
	published map[string]Publication // by job and week
	revised   int
}

var (
	_ Digests = (*memory)(nil)

	errAway = errors.New("the database is away")
)

func newMemory(now func() time.Time) *memory {
	return &memory{
		now: now, since: map[string]time.Time{}, closed: map[string]Slot{},
		weeks: map[string]rollout.Week{}, published: map[string]Publication{},
	}
}

// locked runs f alone, unless the database is away.
func (m *memory) locked(f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errAway
	}
	f()
	return nil
}

func (m *memory) setAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

func key(s Slot) string { return s.Job + "/" + s.Week }

func (m *memory) Since(_ context.Context, _, job string) (since time.Time, err error) {
	err = m.locked(func() {
		if m.since[job].IsZero() {
			m.since[job] = m.now()
		}
		since = m.since[job]
	})
	return since, err
}

func (m *memory) Done(_ context.Context, s Slot) (done bool, err error) {
	err = m.locked(func() { _, done = m.closed[key(s)] })
	return done, err
}

func (m *memory) Skip(_ context.Context, s Slot) error {
	return m.locked(func() {
		if m.close(s) {
			m.skipped = append(m.skipped, s)
		}
	})
}

// close returns false if the slot is closed already.
func (m *memory) close(s Slot) bool {
	if _, there := m.closed[key(s)]; there {
		return false
	}
	m.closed[key(s)] = s
	return true
}

func (m *memory) Publish(_ context.Context, p Publication) (published bool, err error) {
	err = m.locked(func() {
		if _, there := m.published[key(p.Slot)]; there {
			return
		}
		m.close(p.Slot)
		m.weeks[p.Slot.Week], m.published[key(p.Slot)] = p.Digest.This, p
		published = true
	})
	return published, err
}

func (m *memory) Pass(_ context.Context, s Slot, w *rollout.Week, why string) error {
	return m.locked(func() {
		if !m.close(s) {
			return
		}
		if w != nil {
			m.weeks[w.Week] = *w
		}
		m.passed = append(m.passed, why)
	})
}

func (m *memory) Revise(_ context.Context, p Publication) error {
	return m.locked(func() {
		m.weeks[p.Slot.Week], m.published[key(p.Slot)] = p.Digest.This, p
		m.revised++
	})
}

func (m *memory) Weeks(_ context.Context, _, before string, n int) (weeks []rollout.Week, err error) {
	err = m.locked(func() {
		for _, name := range slices.Sorted(maps.Keys(m.weeks)) {
			if name < before {
				weeks = append(weeks, m.weeks[name])
			}
		}
	})
	return weeks[max(0, len(weeks)-n):], err
}

// clock is time.Now with an offset that grows.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// bench is a scheduler's world. It lives in a bubble, whose time begins on
// Saturday, 1 January 2000.
type bench struct {
	clock
	*memory
	t    *testing.T
	logs logs
	runs []Slot // of the jobs that close their slot, in their order
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t}
	b.memory = newMemory(b.Now)
	return b
}

func (b *bench) Now() time.Time { return b.clock.Now() }

// monday is when the jobs of these tests are due.
var monday = Weekly{Day: time.Monday, Hour: 9, Zone: time.UTC}

// job returns a job that closes its slot and is noted in runs.
func (b *bench) job(name string) Job {
	return b.jobThat(name, func(context.Context, Slot) error { return nil })
}

// jobThat does something first, and closes its slot only if that succeeds.
func (b *bench) jobThat(name string, first func(context.Context, Slot) error) Job {
	return Job{Name: name, Due: monday, Run: func(ctx context.Context, s Slot) error {
		if err := first(ctx, s); err != nil {
			return err
		}
		return b.locked(func() {
			if !b.close(s) {
				b.t.Errorf("%s ran again in %s", s.Job, s.Week)
			}
			b.runs = append(b.runs, s)
		})
	}}
}

// start runs a scheduler and returns it with the function that stops it, which
// waits for its end.
func (b *bench) start(jobs ...Job) (*Scheduler, func()) {
	b.t.Helper()
	s, err := New("the-tenant", jobs, b, b.Now, slog.New(slog.NewTextHandler(&b.logs, nil)))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	return s, func() {
		b.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			b.t.Errorf("Run = %v, want nil", err)
		}
	}
}

// ran lists the weeks in which a job ran, those that were late with a mark.
func (b *bench) ran(job string) (weeks []string) {
	_ = b.locked(func() {
		for _, s := range b.runs {
			if s.Job == job {
				weeks = append(weeks, s.Week+map[bool]string{true: " late"}[s.Late])
			}
		}
	})
	return weeks
}

func (b *bench) wantRan(job string, want ...string) {
	b.t.Helper()
	if got := b.ran(job); !slices.Equal(got, want) {
		b.t.Errorf("%s ran in %q, want %q", job, got, want)
	}
}

func (b *bench) wantSkipped(want ...string) {
	b.t.Helper()
	var got []string
	_ = b.locked(func() {
		for _, s := range b.skipped {
			if got = append(got, s.Week); !s.Late {
				b.t.Errorf("%s was skipped and is not late", s.Week)
			}
		}
	})
	if !slices.Equal(got, want) {
		b.t.Errorf("skipped %q, want %q", got, want)
	}
}

// until sleeps until the given time of January 2000.
func until(day, hour, minute int) {
	time.Sleep(time.Until(time.Date(2000, time.January, day, hour, minute, 0, 0, time.UTC)))
}

// logs is what was logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// count returns how many lines hold the text.
func (l *logs) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.text.Bytes()) {
		if bytes.Contains(line, []byte(text)) {
			n++
		}
	}
	return n
}

// must is for what a fixture is made from.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
