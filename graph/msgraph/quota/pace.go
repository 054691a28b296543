package quota

import "time"

// A pace is what holds calls back beside the units.
type pace struct {
	closed     time.Time // nothing before then: Graph said so
	gentle     time.Time // until then units are spread evenly: others spend them too
	next       time.Time // while gentle, the moment of the next call
	background time.Time // the moment of the next one that nobody waits for
	strikes    int       // refusals without a success between
	struck     time.Time // the last of them
}

// earliest returns the first moment from at on that the pace allows.
func (p *pace) earliest(background bool, at time.Time) time.Time {
	at = later(at, p.closed)
	if at.Before(p.gentle) {
		at = later(at, p.next)
	}
	if background {
		at = later(at, p.background)
	}
	return at
}

// spend moves the pace on.
func (p *pace) spend(l Limit, w *waiter, at time.Time) {
	p.next = at.Add(l.apart(w.cost, l.Units))
	if w.background {
		p.background = at.Add(l.apart(w.cost, l.forBackground()))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
