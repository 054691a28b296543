package simtenant

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// bucket is one of Graph's request budgets.
type bucket int

const (
	identity bucket = iota // users, groups, roles, organization, policies
	reports                // logs and registration reports
	access                 // Conditional Access, for all apps together
	methods                // methods of single users
	writes                 // writes to the directory
	activity               // users with signInActivity
	usage                  // files of usage reports, each report for itself
	allUsage               // the same, for all apps together
	outlook                // a mailbox, by one app
)

// budget is a token bucket: so many units, filled again over a time.
type budget struct {
	units float64
	over  time.Duration
}

// budgetOf returns the size of a bucket. That of the per-user methods is not
// published; ours is a guess that makes a sweep of a large tenant wait.
func (t *Tenant) budgetOf(b bucket) budget {
	switch b {
	case reports:
		return budget{5, 10 * time.Second}
	case access:
		return budget{1, time.Second}
	case methods:
		return budget{400, 10 * time.Second}
	case usage:
		return budget{14, 10 * time.Minute}
	case allUsage:
		return budget{40, 10 * time.Minute}
	case activity:
		return budget{10, time.Minute}
	case outlook:
		return budget{10000, 10 * time.Minute}
	case writes:
		return budget{3000, 150 * time.Second}
	default:
		switch n := t.world.people.size(); {
		case n < 50:
			return budget{3500, 10 * time.Second}
		case n <= 500:
			return budget{5000, 10 * time.Second}
		default:
			return budget{8000, 10 * time.Second}
		}
	}
}

// limits is what is left of the budgets.
type limits struct {
	mu   sync.Mutex
	left map[limitKey]level
}

type limitKey struct {
	app    string // empty for budgets that all apps share
	bucket bucket
	one    string // a usage report or a mailbox, which each have a budget
}

type level struct {
	units float64
	at    time.Time
}

// cost is what the route takes from its bucket, by Graph's rules for options.
func (c *call) cost() float64 {
	n := c.route.cost
	if c.query.Has("$select") {
		n--
	}
	if c.query.Has("$expand") {
		n++
	}
	if top, err := strconv.Atoi(c.query.Get("$top")); err == nil && top < 20 {
		n--
	}
	return float64(max(n, 1))
}

// spend takes the call's cost from its budget or refuses it as throttled.
// Conditional Access does not say when to come back.
func (c *call) spend() error {
	if !c.t.cfg.Throttle || c.replay != nil {
		return nil
	}
	key := limitKey{app: c.app, bucket: c.route.bucket}
	switch key.bucket {
	case access:
		key.app = ""
	case usage:
		key.one = c.function()
	case outlook:
		i, _ := c.view.find(c.vars[0])
		key.one = itoa(i)
	}
	wait := c.t.limits.take(key, c.t.budgetOf(key.bucket), c.cost(), c.t.Now())
	if wait == 0 && key.bucket == usage {
		wait = c.t.limits.take(limitKey{bucket: allUsage, one: key.one}, c.t.budgetOf(allUsage), 1, c.t.Now())
	}
	if wait == 0 && c.asksActivity() {
		wait = c.t.limits.take(limitKey{app: c.app, bucket: activity}, c.t.budgetOf(activity), 1, c.t.Now())
	}
	if wait == 0 && c.method != http.MethodGet && !c.route.asks && key.bucket == identity {
		wait = c.t.limits.take(limitKey{app: c.app, bucket: writes}, c.t.budgetOf(writes), 1, c.t.Now())
	}
	if wait == 0 {
		return nil
	}
	code, message := codeOf(http.StatusTooManyRequests)
	if key.bucket == outlook {
		code = "ApplicationThrottled"
	}
	r := refuse(http.StatusTooManyRequests, code, message)
	if key.bucket != access {
		r.retryAfter = int(math.Ceil(wait.Seconds()))
	}
	return r
}

// asksActivity reports whether a call is for the users' last sign-ins, which
// come from another store than the rest of them.
func (c *call) asksActivity() bool {
	return c.parts[0] == "users" && strings.Contains(strings.ToLower(c.query.Get("$select")), "signinactivity")
}

// take takes units out of a bucket; otherwise it returns how long to wait
// until they are there, and takes nothing.
func (l *limits) take(key limitKey, b budget, units float64, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == nil {
		l.left = make(map[limitKey]level)
	}
	was, ok := l.left[key]
	if !ok {
		was = level{b.units, now}
	}
	perSecond := b.units / b.over.Seconds()
	have := min(b.units, was.units+max(0, now.Sub(was.at).Seconds())*perSecond)
	if have < units {
		return max(time.Duration((units-have)/perSecond*float64(time.Second)), time.Millisecond)
	}
	l.left[key] = level{have - units, now}
	return 0
}
