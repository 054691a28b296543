package discord

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"twokey/chat/intake"
)

// patience is how long what somebody waits for may wait for its turn.
const patience = 20 * time.Second

// limits know when Discord takes the next call. It says so itself, in the
// headers of its answers, for each bucket of calls; what it does not say is how
// many wrong calls it takes before it bans the address. The zero value is ready.
// https://discord.com/developers/docs/topics/rate-limits
type limits struct {
	mu      sync.Mutex
	names   map[string]string  // what Discord calls the bucket of a route
	buckets map[string]*bucket // by that, and by what the route is about
	all     time.Time          // nothing before
	own     time.Time          // no call before that the bot makes of itself
	spent   time.Time          // when the next call would be on time, at perSecond
	wrong   []time.Time        // answers that count towards a ban, oldest first
}

// bucket is how many calls may follow until when.
type bucket struct {
	left  int
	until time.Time
}

// perSecond is how many calls a bot makes at most, and burst how many of them at
// once; Discord takes 50 in a second. Answers to interactions do not count.
const (
	perSecond = 44
	burst     = 5
)

// Ten thousand answers of 401, 403 or 429 within ten minutes ban the address,
// for every bot behind it. We stop for as long as a tenth of that was reached.
const (
	wrongWindow = 10 * time.Minute
	wrongLimit  = 1000
)

// route is what decides on a call's limits.
type route struct {
	name  string // "POST /channels/{}/messages"
	about string // its channel, server or interaction
	free  bool   // it is bound by its bucket only, not by what Discord takes from the bot in all
}

// turn returns how long a call has to wait, and takes its place if that is
// nothing.
func (l *limits) turn(r route, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.all.Sub(now)
	if !r.free {
		wait = max(wait, l.own.Sub(now))
	}
	if over := l.over(now); over > 0 {
		wait = max(wait, over)
	}
	b := l.buckets[l.names[r.name]+"/"+r.about]
	if b != nil && b.left <= 0 {
		wait = max(wait, b.until.Sub(now))
	}
	if !r.free {
		wait = max(wait, l.spent.Add(-(burst-1)*time.Second/perSecond).Sub(now))
	}
	if wait > 0 {
		return wait
	}
	if b != nil {
		b.left--
	}
	if !r.free {
		if l.spent.Before(now) {
			l.spent = now
		}
		l.spent = l.spent.Add(time.Second / perSecond)
	}
	return 0
}

// over returns for how long too many answers were wrong. The caller holds l.mu.
func (l *limits) over(now time.Time) time.Duration {
	for len(l.wrong) > 0 && now.Sub(l.wrong[0]) >= wrongWindow {
		l.wrong = l.wrong[1:]
	}
	if len(l.wrong) < wrongLimit {
		return 0
	}
	return l.wrong[len(l.wrong)-wrongLimit].Add(wrongWindow).Sub(now)
}

// learn takes in what Discord's answer says.
func (l *limits) learn(r route, status int, h http.Header, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names == nil {
		l.names, l.buckets = map[string]string{}, map[string]*bucket{}
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		l.wrong = append(l.wrong, now)
	case http.StatusTooManyRequests:
		if h.Get("X-RateLimit-Scope") != "shared" { // somebody else's doing
			l.wrong = append(l.wrong, now)
		}
	}
	name := h.Get("X-RateLimit-Bucket")
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after, ok := seconds(h.Get("X-RateLimit-Reset-After"))
	if name == "" || err != nil || !ok {
		return
	}
	l.forget(now)
	l.names[r.name] = name
	at := name + "/" + r.about
	if b := l.buckets[at]; b != nil && now.Before(b.until) {
		left = min(left, b.left) // answers overtake each other
	}
	l.buckets[at] = &bucket{left, now.Add(after)}
}

// extent is how much a pause is about.
type extent int

const (
	ofBucket  extent = iota // the calls of one bucket
	ofBot                   // whatever the bot does of itself; answers to interactions are free
	ofAddress               // all that comes from where the bot runs
)

// pause keeps calls from being made.
func (l *limits) pause(r route, e extent, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e {
	case ofAddress:
		l.all = later(l.all, until)
	case ofBot:
		l.own = later(l.own, until)
	default:
		if l.names == nil {
			l.names, l.buckets = map[string]string{}, map[string]*bucket{}
		}
		l.buckets[l.names[r.name]+"/"+r.about] = &bucket{0, until}
	}
}

// later returns the later of two moments.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// forget drops buckets that are full again, once there are many: each
// interaction has one of its own. The caller holds l.mu.
func (l *limits) forget(now time.Time) {
	if len(l.buckets) < intake.MaxKnown/10 {
		return
	}
	for at, b := range l.buckets {
		if !now.Before(b.until) {
			delete(l.buckets, at)
		}
	}
}

// seconds reads a duration as Discord writes it.
func seconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1e6 {
		return 0, false
	}
	return time.Duration(f * float64(time.Second)), true
}
