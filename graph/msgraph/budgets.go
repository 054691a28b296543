package msgraph

import (
	"time"

	"twokey/graph/msgraph/quota"
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
	usageVersionsBudget               // getEmailAppUsageVersionsUserCounts
	methodsBudget                     // /users/{id}/authentication/…, read and changed, each part of a batch for itself
	mailBudget                        // sendMail
	budgets             int    = iota
)

// limits are those of one app in one tenant, from Graph's throttling page. The
// identity budget is the one of the smallest tenants (3,500 units), less a
// margin for changes, which spend it too, and for other callers with our app
// ID. The budget of changes is 3,000 in 150 seconds, evenly. Usage reports have
// 14 in ten minutes each; mail is Exchange's, for one mailbox.
var limits = [budgets]quota.Limit{
	identityBudget:      {Units: 3000, Window: 10 * time.Second},
	writesBudget:        {Units: 200, Window: 10 * time.Second},
	accessBudget:        {Units: 1, Window: time.Second},
	reportsBudget:       {Units: 5, Window: 10 * time.Second},
	lastSignInsBudget:   {Units: 10, Window: time.Minute},
	usageDetailBudget:   {Units: 14, Window: 10 * time.Minute},
	usageVersionsBudget: {Units: 14, Window: 10 * time.Minute},
	methodsBudget:       {Units: 200, Window: 10 * time.Second, Learns: true},
	mailBudget:          {Units: 30, Window: time.Minute, AtOnce: 4},
}

func newBudgets(unbudgeted bool) (all [budgets]*quota.Limiter) {
	for b, limit := range limits {
		if unbudgeted {
			limit = quota.Unlimited
		}
		all[b] = quota.New(limit)
	}
	return all
}
