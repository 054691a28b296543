// Package quota keeps what is sent to Graph within its throttle limits, and
// people before the background.
//
// A [Limiter] holds one budget. Who wants to send asks it for a [Grant], sends,
// and settles the grant when the answer is there; who was refused says so with
// [Limiter.Throttled]. limiter.go has the promises, forecast.go how long
// somebody has to wait, learn.go how a limit is found that nobody knows.
package quota

import (
	"math"
	"time"
)

// A Limit is what a budget holds.
type Limit struct {
	Units  int           // in any window of time
	Window time.Duration // none: no limit but Graph's own word
	AtOnce int           // requests under way, 0: any number
	Learns bool          // nobody knows the units: these are where to start
}

// Unlimited leaves it to Graph to say when it is too much.
var Unlimited = Limit{Units: math.MaxInt}

// forBackground is what the background may fill of a window: it leaves a slot
// free for a person, or a tenth where a window holds many.
func (l Limit) forBackground() int { return max(1, l.Units-max(1, l.Units/10)) }

// open returns what of a window is open to a caller.
func (l Limit) open(background bool) int {
	if background {
		return l.forBackground()
	}
	return l.Units
}

// apart is how long after a spending of cost the next one comes, if a window's
// units are spread evenly over it.
func (l Limit) apart(cost, units int) time.Duration {
	return time.Duration(min(cost, units)) * l.Window / time.Duration(units)
}
