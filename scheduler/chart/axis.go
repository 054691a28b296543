package chart

import "math"

// A scale maps values to heights: 0 at bottom, max at top, in pixels from above.
type scale struct {
	top, bottom float64
	max, step   float64
}

func (s scale) y(v float64) float64 {
	return s.bottom - (s.bottom-s.top)*v/s.max
}

// percentScale runs from 0 to 100, whatever the values: a part of the axis
// would make little changes look large.
func percentScale(top, bottom float64) scale {
	return scale{top: top, bottom: bottom, max: 100, step: 25}
}

// countScale runs from 0 to a round number at or above the highest value, in
// at most five whole steps of 1, 2 or 5.
func countScale(top, bottom, highest float64) scale {
	step := 1.0
	if highest > 4 {
		power := math.Pow(10, math.Floor(math.Log10(highest/4)))
		for _, m := range []float64{1, 2, 5, 10} {
			if step = m * power; step*5 >= highest {
				break
			}
		}
		step = max(1, step)
	}
	return scale{top: top, bottom: bottom, max: max(1, math.Ceil(highest/step)) * step, step: step}
}

// slots divides a width among the weeks.
type slots struct {
	left, width float64 // of all
	n           int
}

func (s slots) each() float64 { return s.width / float64(s.n) }

func (s slots) middle(i int) float64 { return s.left + (float64(i)+0.5)*s.each() }

// spread moves places apart that stand closer than gap, keeping their order and
// all within the bounds, as near to where they were as a pass down and one up
// will leave them. Where there is no room for all they share it evenly.
func spread(places []float64, gap, low, high float64) []float64 {
	n := len(places)
	out := make([]float64, n)
	if n > 1 {
		gap = min(gap, (high-low)/float64(n-1))
	}
	at := low
	for i, want := range places {
		out[i] = max(want, at)
		at = out[i] + gap
	}
	at = high
	for i := n - 1; i >= 0; i-- {
		out[i] = min(out[i], at)
		at = out[i] - gap
	}
	return out
}
