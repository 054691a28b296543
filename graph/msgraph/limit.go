package msgraph

import (
	"context"
	"math"
	"sync"
	"time"

	"twokey/graph"
)

// A budget is one of Graph's throttle budgets. They differ by four orders of
// magnitude, so that one limiter for all would be far too slow or no limit.
type budget int

const (
	identityBudget      budget = iota // users, groups, roles, organization, licences, policies, applications
	writesBudget                      // changes to the directory: users, groups, policies
	accessBudget                      // Conditional Access, read and changed
	reportsBudget                     // registration report, sign-in log, directory audits
	lastSignInsBudget                 // users with signInActivity
	usageDetailBudget                 // getEmailAppUsageUserDetail
	usageCountsBudget                 // getEmailAppUsageAppsUserCounts
	usageVersionsBudget               // getEmailAppUsageVersionsUserCounts
	methodsBudget                     // /users/{id}/authentication/…, read and changed, each part of a batch for itself
	mailBudget                        // sendMail
	budgets             int    = iota
)

// newBudgets returns the limits for one app in one tenant, from Graph's
// throttling page. The identity budget is the one of the smallest tenants
// (3,500 units), less a margin for changes, which spend it too, and for other
// callers with our app ID; the budget of changes is 3,000 in 150 seconds,
// evenly. That of the methods is not published. Unbudgeted, only what Graph
// itself says holds calls back.
func newBudgets(now func() time.Time, unbudgeted bool) (all [budgets]*limiter) {
	for b, limit := range [budgets]struct {
		units  int
		window time.Duration
	}{
		identityBudget:      {3000, 10 * time.Second},
		writesBudget:        {200, 10 * time.Second},
		accessBudget:        {1, time.Second},
		reportsBudget:       {5, 10 * time.Second},
		lastSignInsBudget:   {10, time.Minute},
		usageDetailBudget:   {14, 10 * time.Minute},
		usageCountsBudget:   {14, 10 * time.Minute},
		usageVersionsBudget: {14, 10 * time.Minute},
		methodsBudget:       {200, 10 * time.Second},
		mailBudget:          {30, time.Minute},
	} {
		if unbudgeted {
			limit.units, limit.window = math.MaxInt, 0
		}
		all[b] = &limiter{units: limit.units, window: limit.window, now: now}
	}
	return all
}

// A limiter keeps what is spent within any window of time to a number of
// units. It remembers the window rather than filling a bucket: a full bucket
// lets through twice the units in its first window, and Graph counts.
type limiter struct {
	units  int
	window time.Duration
	now    func() time.Time

	mu     sync.Mutex
	spent  []spending // in order of time; the last ones may lie ahead
	closed time.Time  // nothing before then: Graph said so
}

type spending struct {
	at   time.Time
	cost int
}

// reserve spends cost at the first moment that the budget allows, and returns
// how long that is from now. If it is longer than patience, nothing is spent.
func (l *limiter) reserve(cost int, patience time.Duration) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	at := l.earliest(now, cost)
	wait = at.Sub(now)
	if wait > patience {
		return wait, false
	}
	l.spent = append(l.spent, spending{at, cost})
	return wait, true
}

// earliest returns the first moment for cost, and forgets what is over.
func (l *limiter) earliest(now time.Time, cost int) time.Time {
	at := now
	if l.closed.After(at) {
		at = l.closed
	}
	total := 0
	kept := l.spent[:0]
	for _, s := range l.spent {
		if s.at.Add(l.window).After(now) {
			kept = append(kept, s)
			total += s.cost
		}
	}
	l.spent = kept
	for _, s := range kept {
		if end := s.at.Add(l.window); end.After(at) {
			if total+cost <= l.units {
				break
			}
			at = end
		}
		total -= s.cost
	}
	return at
}

// close spends nothing before until.
func (l *limiter) close(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.closed) {
		l.closed = until
	}
}

// wait spends the call's cost and waits for its moment. Where the context ends
// sooner, it says at once when to come again.
func (l *limiter) wait(ctx context.Context, op operation) error {
	wait, ok := l.reserve(op.cost, patience(ctx))
	if !ok {
		return &graph.Error{Kind: graph.KindThrottled, Op: op.name, RetryAfter: l.now().Add(wait)}
	}
	if err := sleep(ctx, wait); err != nil {
		return &graph.Error{Kind: graph.KindNotSent, Op: op.name, Err: err}
	}
	return nil
}

// patience is how long the context lets a call wait. A deadline is a moment of
// the machine's clock, which need not be the client's.
func patience(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Hour
	}
	return time.Until(deadline)
}

// sleep waits for d or for the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
