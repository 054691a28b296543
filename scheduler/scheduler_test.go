package scheduler

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph/rollout"
)

// bubble runs f in a bubble of its own, where time passes at once. A goroutine
// that outlives f fails the test.
func bubble(t *testing.T, f func(b *bench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(newBench(t)) })
}

// G30: once a week over thirty weeks, whenever the process is stopped and
// started, as long as it is never away for longer than a slot is made up for.
func TestG30OnceAWeek(t *testing.T) {
	bubble(t, func(b *bench) {
		const weeks = 30
		random := rand.New(rand.NewPCG(30, 2000))
		upTo := func(d time.Duration) { time.Sleep(time.Duration(random.Int64N(int64(d)))) }
		takes := rand.New(rand.NewPCG(30, 2001))
		busy := b.jobThat("busy", func(ctx context.Context, _ Slot) error {
			select { // often stopped in the middle of it
			case <-time.After(time.Duration(takes.Int64N(int64(30 * time.Minute)))):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		busy.Limit = 4 * time.Hour
		end := time.Now().AddDate(0, 0, 7*weeks)
		for time.Now().Before(end) {
			_, stop := b.start(b.job("quick"), busy)
			if random.IntN(2) == 0 {
				upTo(time.Hour)
			} else {
				upTo(5 * time.Hour)
			}
			stop()
			upTo(20 * time.Hour)
		}
		b.wantSkipped()
		for _, job := range []string{"quick", "busy"} {
			got := b.ran(job)
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], " late")
			}
			var want []string
			for i := range weeks {
				want = append(want, rollout.ISOWeek(time.Date(2000, time.January, 3+7*i, 9, 0, 0, 0, time.UTC)))
			}
			if len(got) > weeks { // the last stop may come after the end
				got = got[:weeks]
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s ran in %q, want %q", job, got, want)
			}
		}
	})
}

// A slot is done on the minute, and none but the planned moment is called it.
func TestOnTime(t *testing.T) {
	bubble(t, func(b *bench) {
		var at []time.Time
		_, stop := b.start(b.jobThat("job", func(_ context.Context, s Slot) error {
			at = append(at, time.Now())
			if want := time.Now().UTC(); !s.Planned.Equal(want) || s.Tenant != "the-tenant" || s.Job != "job" || s.Late {
				t.Errorf("slot %+v, want it planned at %v", s, want)
			}
			return nil
		}))
		until(12, 0, 0)
		stop()
		b.wantRan("job", "2000-W01", "2000-W02")
		if len(at) != 2 || at[0].UTC().Format(time.RFC3339Nano) != "2000-01-03T09:00:00Z" {
			t.Errorf("ran at %v, want Mondays at nine", at)
		}
	})
}

// O18 and its neighbours: a slot that was missed is made up for within 72 hours
// and marked late; an older one is skipped, and that is kept.
func TestO18Missed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		away         time.Duration // after Monday at nine
		ran, skipped []string
	}{
		{"a moment", time.Second, []string{"2000-W02"}, nil},
		{"within tolerance", 15 * time.Minute, []string{"2000-W02"}, nil},
		{"late", 15*time.Minute + time.Second, []string{"2000-W02 late"}, nil},
		{"until Tuesday", 24 * time.Hour, []string{"2000-W02 late"}, nil},
		{"to the last moment", 72 * time.Hour, []string{"2000-W02 late"}, nil},
		{"too late", 72*time.Hour + time.Second, nil, []string{"2000-W02"}},
		{"a whole week", 7 * 24 * time.Hour, []string{"2000-W03"}, []string{"2000-W02"}},
		{"three weeks", 21*24*time.Hour + time.Hour, []string{"2000-W05 late"}, []string{"2000-W02", "2000-W03", "2000-W04"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(b *bench) {
				_, stop := b.start(b.job("job"))
				until(9, 12, 0)
				stop()
				until(10, 9, 0)
				time.Sleep(tt.away)
				for range 2 { // and only once, whatever comes after
					_, stop = b.start(b.job("job"))
					time.Sleep(time.Hour)
					stop()
				}
				b.wantRan("job", append([]string{"2000-W01"}, tt.ran...)...)
				b.wantSkipped(tt.skipped...)
				if got := b.logs.count("skip slot"); got != len(tt.skipped) {
					t.Errorf("%d skipped slots were logged, want %d", got, len(tt.skipped))
				}
				_, stop = b.start(b.job("job"))
				time.Sleep(7 * 24 * time.Hour)
				stop()
				if got := b.ran("job"); len(got) != len(tt.ran)+2 || strings.HasSuffix(got[len(got)-1], "late") {
					t.Errorf("ran in %q, want one more, and that on time", got)
				}
			})
		})
	}
}

// What was due before a job was first seen is neither made up for nor skipped.
func TestNothingBeforeFirstSeen(t *testing.T) {
	bubble(t, func(b *bench) {
		until(3, 9, 0)
		time.Sleep(time.Second)
		_, stop := b.start(b.job("old"))
		until(4, 0, 0)
		stop()
		_, stop = b.start(b.job("old"), b.job("new")) // joins a day later
		until(17, 12, 0)
		stop()
		b.wantRan("old", "2000-W02", "2000-W03")
		b.wantRan("new", "2000-W02", "2000-W03")
		b.wantSkipped()
	})
}

// O20: a panic in week 3 ends neither the process nor the other job nor the
// next week, is reported, and the week is made up for once it can be.
func TestO20Panic(t *testing.T) {
	bubble(t, func(b *bench) {
		var mended atomic.Bool
		broken := b.jobThat("broken", func(_ context.Context, s Slot) error {
			if s.Week == "2000-W03" && !mended.Load() {
				panic("what a week")
			}
			return nil
		})
		_, stop := b.start(broken, b.job("other"))
		until(17, 9, 5)
		if n := b.logs.count("what a week"); n < 2 {
			t.Errorf("the panic was reported %d times, want once a try", n)
		}
		if b.logs.count("scheduler_test.go") == 0 {
			t.Error("the report does not say where the panic was")
		}
		b.wantRan("broken", "2000-W01", "2000-W02")
		b.wantRan("other", "2000-W01", "2000-W02", "2000-W03")
		until(17, 12, 0)
		mended.Store(true)
		until(25, 0, 0)
		stop()
		b.wantRan("broken", "2000-W01", "2000-W02", "2000-W03 late", "2000-W04")
		b.wantRan("other", "2000-W01", "2000-W02", "2000-W03", "2000-W04")
	})
}

// A week that goes wrong for good is skipped in the end, and does not take the
// next with it.
func TestFailingForGood(t *testing.T) {
	bubble(t, func(b *bench) {
		broken := b.jobThat("broken", func(_ context.Context, s Slot) error {
			if s.Week == "2000-W02" {
				return errors.New("no such week")
			}
			return nil
		})
		_, stop := b.start(broken)
		until(18, 0, 0)
		stop()
		b.wantRan("broken", "2000-W01", "2000-W03")
		b.wantSkipped("2000-W02")
	})
}

// O21: a job that hangs ends at its limit and is reported; it never overlaps
// itself, holds up no other job, and its next week is done.
func TestO21Hanging(t *testing.T) {
	bubble(t, func(b *bench) {
		const limit = 25 * time.Minute
		running, tries := 0, 0
		hangs := b.jobThat("hangs", func(ctx context.Context, s Slot) error {
			if running++; running > 1 {
				t.Error("it overlaps itself")
			}
			defer func() { running-- }()
			if s.Week != "2000-W01" {
				return nil
			}
			tries++
			began := time.Now()
			<-ctx.Done()
			if took := time.Since(began); took != limit {
				t.Errorf("it was stopped after %v, want %v", took, limit)
			}
			return fmt.Errorf("read tenant: %w", ctx.Err())
		})
		hangs.Limit = limit
		_, stop := b.start(hangs, b.job("other"))
		until(3, 9, 1)
		b.wantRan("other", "2000-W01")
		until(17, 12, 0)
		stop()
		b.wantRan("hangs", "2000-W02", "2000-W03")
		b.wantRan("other", "2000-W01", "2000-W02", "2000-W03")
		b.wantSkipped("2000-W01")
		if n := b.logs.count("too long: read tenant"); n != tries || n < 100 {
			t.Errorf("%d of %d tries were reported as too long", n, tries)
		}
	})
}

// A job without a limit has ten minutes.
func TestDefaultLimit(t *testing.T) {
	bubble(t, func(b *bench) {
		_, stop := b.start(b.jobThat("job", func(ctx context.Context, _ Slot) error {
			began := time.Now()
			<-ctx.Done()
			if took := time.Since(began); took != 10*time.Minute {
				t.Errorf("it was stopped after %v, want 10 min", took)
			}
			return nil
		}))
		until(3, 10, 0)
		stop()
		b.wantRan("job", "2000-W01")
	})
}

// The scheduler follows its own clock when that is moved, forward and back,
// while another job hangs.
func TestWake(t *testing.T) {
	bubble(t, func(b *bench) {
		hanging := b.jobThat("hangs", func(ctx context.Context, _ Slot) error {
			<-ctx.Done()
			return ctx.Err()
		})
		hanging.Limit = time.Hour
		s, stop := b.start(hanging, b.job("job"))
		jump := func(d time.Duration) {
			synctest.Wait()
			b.jump(d)
			s.Wake()
			s.Wake() // never blocks
			synctest.Wait()
		}
		jump(57 * time.Hour) // to Monday at nine, on the second
		b.wantRan("job", "2000-W01")
		jump(24 * time.Hour)
		b.wantRan("job", "2000-W01")
		jump(6*24*time.Hour + 2*time.Hour)
		b.wantRan("job", "2000-W01", "2000-W02 late")
		jump(-7 * 24 * time.Hour)
		b.wantRan("job", "2000-W01", "2000-W02 late")
		jump(3 * 7 * 24 * time.Hour)
		b.wantRan("job", "2000-W01", "2000-W02 late", "2000-W04 late")

		// The timer follows too: it is on the second, between two looks.
		jump(7*24*time.Hour - 2*time.Hour - 10*time.Second)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		b.wantRan("job", "2000-W01", "2000-W02 late", "2000-W04 late")
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantRan("job", "2000-W01", "2000-W02 late", "2000-W04 late", "2000-W05")
		stop()
		s.Wake()
	})
}

// A clock that was moved without a word, as when the machine slept, is found
// within a minute.
func TestAJumpThatNobodyTold(t *testing.T) {
	bubble(t, func(b *bench) {
		_, stop := b.start(b.job("job"))
		time.Sleep(time.Second)
		b.jump(57 * time.Hour)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.wantRan("job", "2000-W01")
		stop()
	})
}

// A database that is away costs no week.
func TestDatabaseAway(t *testing.T) {
	bubble(t, func(b *bench) {
		_, stop := b.start(b.job("job"))
		until(3, 8, 0)
		b.setAway(true)
		until(3, 9, 10)
		b.setAway(false)
		until(3, 10, 0)
		stop()
		b.wantRan("job", "2000-W01")
		if n := b.logs.count(errAway.Error()); n < 60 {
			t.Errorf("%d failures were reported, want one a minute", n)
		}
	})
}

// Stopping waits for the job that runs, which is told to end, and a job that
// was stopped is no failure.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"on time": 0, "made up for at the start": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(b *bench) {
				_, stop := b.start(b.job("job"))
				until(9, 0, 0)
				stop()
				ended := false
				slow := b.jobThat("job", func(ctx context.Context, _ Slot) error {
					<-ctx.Done()
					time.Sleep(5 * time.Second)
					ended = true
					return ctx.Err()
				})
				until(10, 9, 0)
				time.Sleep(at - time.Second)
				_, stop = b.start(slow)
				time.Sleep(2 * time.Second)
				stop()
				if !ended {
					t.Error("the scheduler ended before its job")
				}
				b.wantRan("job", "2000-W01")
				if n := b.logs.count("run job"); n != 0 {
					t.Errorf("%d failures were reported, want none", n)
				}
			})
		})
	}
}

// TestTurn holds that a look which comes while another is under way, and may
// have read the clock already, is neither lost nor done beside it.
func TestTurn(t *testing.T) {
	t.Parallel()
	var tn turn
	if !tn.take() {
		t.Fatal("the first look does not get its turn")
	}
	if tn.take() {
		t.Fatal("two looks at once")
	}
	if !tn.again() || tn.again() {
		t.Error("a look that came meanwhile is lost, or repeated for ever")
	}
	if !tn.take() {
		t.Error("the turn is never given back")
	}
}
