package quota

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"twokey/graph"
)

// visit is one call to a limiter: what it wants, and what became of it.
type visit struct {
	comes      time.Duration // after the start
	cost       int
	background bool
	patience   time.Duration // 0: it waits as long as it takes
	cancelled  time.Duration // after its coming, 0: never
	answer     time.Duration // how long its request takes
	refused    bool          // by Graph, with Retry-After
	retryAfter time.Duration

	went, answered, left time.Duration
	granted              bool
	told                 time.Duration // to come again, where it was not granted
}

func (v visit) String() string {
	return fmt.Sprintf("{comes %v cost %d background %v patience %v cancelled %v answer %v refused %v: granted %v went %v answered %v left %v}",
		v.comes, v.cost, v.background, v.patience, v.cancelled, v.answer, v.refused, v.granted, v.went, v.answered, v.left)
}

// counted is until when Graph may come to count the request.
func (v visit) counted() time.Duration { return min(v.answered, v.went+late) }

var visits = rapid.Custom(func(t *rapid.T) visit {
	ms := func(most int, label string) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Millisecond
	}
	v := visit{
		comes:      ms(60_000, "comes"),
		cost:       rapid.IntRange(1, 6).Draw(t, "cost"),
		background: rapid.Bool().Draw(t, "background"),
		answer:     ms(9000, "answer"),
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		v.patience = ms(20_000, "patience") + 1
	case 1:
		v.cancelled = ms(20_000, "cancelled") + 1
	case 2:
		v.refused, v.retryAfter = true, ms(15_000, "retry after")
	}
	return v
})

var someLimits = rapid.Custom(func(t *rapid.T) Limit {
	return Limit{
		Units:  rapid.SampledFrom([]int{1, 2, 5, 10}).Draw(t, "units"),
		Window: rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second}).Draw(t, "window"),
		AtOnce: rapid.SampledFrom([]int{0, 0, 0, 2}).Draw(t, "at once"),
		Learns: rapid.SampledFrom([]bool{false, false, true}).Draw(t, "learns"),
	}
})

// visited lets the visitors come in simulated time and returns what became of
// each. Nobody may be left behind: the bubble would never end.
func visited(t *testing.T, limit Limit, plan []visit) (all []visit, idle bool) {
	all = slices.Clone(plan)
	slices.SortStableFunc(all, func(a, b visit) int { return int(a.comes - b.comes) })
	synctest.Test(t, func(t *testing.T) {
		l := New(limit)
		start := time.Now()
		var wg sync.WaitGroup
		for i := range all {
			v := &all[i]
			// Two that come in the same moment come in the order of the list.
			time.Sleep(v.comes - time.Since(start))
			wg.Go(func() { v.visit(t.Context(), l, start) })
			synctest.Wait()
		}
		wg.Wait()
		synctest.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		idle = l.running == 0 && len(l.people)+len(l.others) == 0
	})
	return all, idle
}

func (v *visit) visit(ctx context.Context, l *Limiter, start time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if v.patience > 0 {
		ctx, cancel = context.WithTimeout(ctx, v.patience)
		defer cancel()
	}
	if v.cancelled > 0 {
		defer time.AfterFunc(v.cancelled, cancel).Stop()
	}
	if v.background {
		ctx = graph.InBackground(ctx)
	}
	g, told := l.Acquire(ctx, v.cost)
	v.left, v.told = time.Since(start), told
	if g == nil {
		return
	}
	v.granted, v.went = true, v.left
	time.Sleep(v.answer)
	v.answered = time.Since(start)
	if v.refused {
		l.Throttled(g.At, v.retryAfter)
	}
	g.Settle(!v.refused)
}

// TestLimiterHoldsWhateverComes checks the limiter's promises over random
// visitors, from what they saw.
func TestLimiterHoldsWhateverComes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limit := someLimits.Draw(rt, "limit")
		all, idle := visited(t, limit, rapid.SliceOfN(visits, 1, 40).Draw(rt, "visits"))
		if !idle {
			rt.Error("somebody is still in the limiter")
		}
		granted := slices.DeleteFunc(slices.Clone(all), func(v visit) bool { return !v.granted })
		slices.SortStableFunc(granted, func(a, b visit) int { return int(a.went - b.went) })
		var wrong []string
		wrong = append(wrong, windowsKept(limit, granted)...)
		wrong = append(wrong, bucketKept(limit, granted)...)
		wrong = append(wrong, refusalsObeyed(granted)...)
		wrong = append(wrong, firstComeFirstServed(all)...)
		wrong = append(wrong, nobodyLeftForNothing(all)...)
		if len(wrong) > 0 {
			rt.Errorf("limit %+v:\n%s", limit, strings.Join(wrong, "\n"))
		}
	})
}

// windowsKept checks that no window can hold more than the limit, whenever
// Graph counts each request between its sending and its answer, and that the
// background leaves a slot. One request that costs more has a window alone.
func windowsKept(limit Limit, granted []visit) (wrong []string) {
	if limit.Learns {
		limit.Units = mostLearned
	}
	for k, v := range granted {
		total, running := v.cost, 1
		for _, before := range granted[:k] {
			if before.counted()+limit.Window > v.went {
				total += before.cost
			}
			if before.answered > v.went {
				running++
			}
		}
		open := limit.Units
		if v.background {
			open = max(1, open-1)
		}
		if total > max(open, v.cost) || v.cost > open && total > v.cost {
			wrong = append(wrong, fmt.Sprintf("%d units in a window with %v", total, v))
		}
		// What took no time frees its place for another in the same moment, and of
		// two in one moment the list does not say which was first.
		if limit.AtOnce > 0 && running > limit.AtOnce && v.answered > v.went {
			wrong = append(wrong, fmt.Sprintf("%d at once with %v", running, v))
		}
	}
	return wrong
}

// bucketKept counts as a bucket does that fills evenly.
func bucketKept(limit Limit, granted []visit) (wrong []string) {
	if limit.Learns || slices.ContainsFunc(granted, func(v visit) bool { return v.cost > limit.Units }) {
		return nil
	}
	left, at := float64(limit.Units), time.Duration(0)
	for _, v := range granted {
		left = min(float64(limit.Units), left+float64(limit.Units)*float64(v.went-at)/float64(limit.Window))
		at = v.went
		if left -= float64(v.cost); left < -1e-6 {
			wrong = append(wrong, fmt.Sprintf("the bucket is short of %v units at %v", -left, v))
		}
	}
	return wrong
}

// refusalsObeyed checks that nobody goes before Graph's Retry-After.
func refusalsObeyed(granted []visit) (wrong []string) {
	for _, r := range granted {
		for _, v := range granted {
			if r.refused && v.went > r.answered && v.went < r.answered+r.retryAfter {
				wrong = append(wrong, fmt.Sprintf("%v went within the Retry-After of %v", v, r))
			}
		}
	}
	return wrong
}

// firstComeFirstServed checks the order within each queue.
func firstComeFirstServed(all []visit) (wrong []string) {
	for i, v := range all {
		for _, after := range all[i+1:] {
			if v.granted && after.granted && v.background == after.background && after.went < v.went {
				wrong = append(wrong, fmt.Sprintf("%v went before %v", after, v))
			}
		}
	}
	return wrong
}

// nobodyLeftForNothing checks that who was not granted had a reason: it gave
// up, and at once; or it could not have waited so long.
func nobodyLeftForNothing(all []visit) (wrong []string) {
	for _, v := range all {
		if v.granted {
			continue
		}
		waited := v.left - v.comes
		switch {
		case v.cancelled > 0 && waited == v.cancelled:
		case v.patience > 0 && waited == v.patience:
		case v.patience > 0 && waited < v.patience && waited+v.told > v.patience:
		case v.patience == 0 && waited+v.told > mostPatience:
		default:
			wrong = append(wrong, fmt.Sprintf("%v left, told to come again in %v", v, v.told))
		}
	}
	return wrong
}

// TestPeopleWaitOnlyForWhatIsSpent checks that a person who had to wait goes in
// the very moment in which there is room, whatever the background has queued.
func TestPeopleWaitOnlyForWhatIsSpent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limit := someLimits.Draw(rt, "limit")
		limit.Learns, limit.AtOnce = false, 0
		plan := rapid.SliceOfN(visits, 1, 40).Draw(rt, "visits")
		for i := range plan {
			plan[i].refused = false
		}
		all, _ := visited(t, limit, plan)
		for i, v := range all {
			if v.background || !v.granted || v.went == v.comes {
				continue
			}
			spent, behind := 0, false
			for j, other := range all {
				if other.granted && other.went < v.went && other.counted()+limit.Window >= v.went {
					spent += other.cost
				}
				behind = behind || j < i && !other.background && other.left == v.went
			}
			if !behind && spent <= limit.Units-min(v.cost, limit.Units) {
				rt.Errorf("limit %+v: %v waited while only %d units were spent", limit, v, spent)
			}
		}
	})
}
