package msgraph

import (
	"math"
	"time"
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

// A limit is what a budget holds.
type limit struct {
	units  int           // in any window of time
	window time.Duration // none: no limit but Graph's own word
	atOnce int           // requests under way, 0: any number
	learns bool          // nobody knows the units: these are where to start
}

// limits are those of one app in one tenant, from Graph's throttling page. The
// identity budget is the one of the smallest tenants (3,500 units), less a
// margin for changes, which spend it too, and for other callers with our app
// ID. The budget of changes is 3,000 in 150 seconds, evenly. Usage reports have
// 14 in ten minutes each; mail is Exchange's, for one mailbox.
var limits = [budgets]limit{
	identityBudget:      {units: 3000, window: 10 * time.Second},
	writesBudget:        {units: 200, window: 10 * time.Second},
	accessBudget:        {units: 1, window: time.Second},
	reportsBudget:       {units: 5, window: 10 * time.Second},
	lastSignInsBudget:   {units: 10, window: time.Minute},
	usageDetailBudget:   {units: 14, window: 10 * time.Minute},
	usageCountsBudget:   {units: 14, window: 10 * time.Minute},
	usageVersionsBudget: {units: 14, window: 10 * time.Minute},
	methodsBudget:       {units: 200, window: 10 * time.Second, learns: true},
	mailBudget:          {units: 30, window: time.Minute, atOnce: 4},
}

// unlimited leaves it to Graph to say when it is too much.
var unlimited = limit{units: math.MaxInt}

func newBudgets(unbudgeted bool) (all [budgets]*limiter) {
	for b, limit := range limits {
		if unbudgeted {
			limit = unlimited
		}
		all[b] = newLimiter(limit)
	}
	return all
}

// forBackground is what the background may fill of a window: it leaves a slot
// free for a person, or a tenth where a window holds many.
func (l limit) forBackground() int { return max(1, l.units-max(1, l.units/10)) }

// open returns what of a window is open to a caller.
func (l limit) open(background bool) int {
	if background {
		return l.forBackground()
	}
	return l.units
}

// apart is how long after a spending of cost the next one comes, if a window's
// units are spread evenly over it.
func (l limit) apart(cost, units int) time.Duration {
	return time.Duration(min(cost, units)) * l.window / time.Duration(units)
}
