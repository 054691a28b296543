package quota

import "time"

// Bounds of what a limiter learns, in units a window.
const (
	leastLearned = 5
	mostLearned  = 1000
)

// relearn is how long after a refusal a limiter begins to hope for more.
const relearn = 5 * time.Minute

// learning is what a limiter knows of a limit that Graph has not published. It
// grows by a tenth after each window that was used, and falls to half at a
// refusal. From then on it stays beneath nine tenths of what Graph had let
// through, until a while has passed.
type learning struct {
	ceiling int
	most    int       // that was spent of a window since the limit changed
	changed time.Time // when the limit was changed or found large enough
	refused time.Time // when Graph was last found to allow no more
}

// grow raises the limit a step if three quarters of it were used.
func (l *Limiter) grow(now time.Time) {
	if !l.limit.Learns {
		return
	}
	k := &l.learned
	if k.changed.IsZero() {
		k.changed = now
	}
	if now.Sub(k.changed) < l.limit.Window {
		l.forget(now)
		k.most = max(k.most, l.total)
		return
	}
	if l.limit.Units >= k.ceiling && now.Sub(k.refused) >= relearn {
		k.ceiling = min(mostLearned, k.ceiling+max(1, k.ceiling/4))
		k.refused = now
	}
	if k.most*4 >= l.limit.Units*3 {
		l.limit.Units = min(k.ceiling, l.limit.Units+max(1, l.limit.Units/10))
	}
	k.changed, k.most = now, 0
}

// shrink lowers the limit when something that was sent at a moment was refused.
// What was sent before the last refusal proves nothing new. Nor does what has
// no answer yet count as let through.
func (l *Limiter) shrink(sent, now time.Time) {
	k := &l.learned
	if !l.limit.Learns || !sent.After(k.refused) {
		return
	}
	l.forget(now)
	passed := 0
	for _, g := range l.spent {
		if g.settled {
			passed += g.cost
		}
	}
	was := l.limit.Units
	l.limit.Units = max(leastLearned, was/2)
	k.ceiling = max(l.limit.Units, min(was, passed)*9/10)
	k.changed, k.refused, k.most = now, now, 0
}
