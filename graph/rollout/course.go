package rollout

import (
	"cmp"
	"math"
	"slices"
)

// A course is one way in which it may go on. A rollout keeps its pace, or it
// fades; and holidays come between, behind us or ahead. Which of it holds is not
// known, so each course counts for as much as it explains the last weeks, and
// what they say together is a range. The note in docs/decisions says what the
// quartiles of the weeks alone make of rollouts that fade.
type course struct {
	half   float64 // weeks in which the pace halves; 0: it stays
	behind bool    // weeks of a holiday are no sign of the pace
	ahead  bool    // there will be another
	belief float64 // before anything is seen; all of them are 1
}

var courses = []course{
	{belief: 0.4},
	{behind: true, belief: 0.2},
	{behind: true, ahead: true, belief: 0.2},
	{half: 8, belief: 0.04},
	{half: 6.7, belief: 0.04},
	{half: 5.7, belief: 0.04},
	{half: 4.8, belief: 0.04},
	{half: 4, belief: 0.04},
}

const (
	// A week below this share of the median is one of a holiday, if there are no
	// more than so many of them.
	holidayShare = 0.45
	holidayWeeks = 3
	// What a holiday to come costs: a sixth of the weeks, and a week at least.
	holidayStretch, holidayCost = 1.2, 1

	tail = 0.15 // of what may happen is outside the range at either end
	// A range that is wider than this share of its middle, and than so many
	// weeks, is none to plan by. Where the weeks are as even as chance lets them be
	// it may be wider: then it is open only whether the pace stays.
	widest, widestEven, alwaysGood = 0.6, 0.9, 3
)

// normal are thirteen numbers that stand for a normal distribution: the middles
// of as many parts of equal weight.
var normal = [...]float64{-1.64, -1.15, -0.84, -0.6, -0.39, -0.19, 0, 0.19, 0.39, 0.6, 0.84, 1.15, 1.64}

// followed is a course as the last weeks show it.
type followed struct {
	course
	pace   float64 // of the newest week
	seen   float64 // people on whom it rests
	misfit float64 // the sum of the squared differences, each over what was expected
}

// follow fits a course to weekly changes, oldest first; false if there is no pace
// by it.
func (c course) follow(changes []float64) (followed, bool) {
	f := followed{course: c}
	weights := 0.0
	used := make([]bool, len(changes))
	for i, n := range changes {
		if used[i] = !c.behind || !holiday(n, changes); used[i] {
			weights += c.earlier(len(changes) - 1 - i)
			f.seen += n
		}
	}
	f.pace = f.seen / weights
	if !(f.pace > 0) {
		return f, false
	}
	for i, n := range changes {
		if !used[i] {
			f.misfit++ // as much as a week that is just unlike the others
			continue
		}
		expected := f.pace * c.earlier(len(changes)-1-i)
		f.misfit += (n - expected) * (n - expected) / expected
	}
	return f, true
}

// earlier is how much higher the pace was so many weeks before the newest one.
func (c course) earlier(weeks int) float64 {
	if c.half == 0 {
		return 1
	}
	return math.Exp2(float64(weeks) / c.half)
}

func holiday(n float64, changes []float64) bool {
	sorted := slices.Sorted(slices.Values(changes))
	low := holidayShare * between(sorted, 0.5)
	few := 0
	for _, other := range sorted {
		if other < low {
			few++
		}
	}
	return n < low && few <= holidayWeeks
}

// weeks is how long a course takes for the people missing at the newest week's
// pace; without end if it fades before.
func (c course) weeks(missing, pace float64) float64 {
	need := missing / pace
	switch {
	case c.ahead:
		return holidayStretch*need + holidayCost
	case c.half == 0:
		return need
	}
	rate := math.Ln2 / c.half
	fades := need * (math.Exp(rate) - 1)
	if fades >= 1 {
		return math.Inf(1)
	}
	return -math.Log(1-fades) / rate
}

// arrival is when the missing are there, in weeks from the newest: the range, and
// its middle.
type arrival struct {
	first, middle, last float64
	even                bool // the weeks differ by no more than chance makes them
}

// arrivalOf weighs the courses by the weekly changes, oldest first; false if none
// of them shows a pace.
func arrivalOf(changes []float64, missing float64) (arrival, bool) {
	var all []followed
	least, plain := math.Inf(1), math.Inf(1) // misfits; the second where no week is excused
	for _, c := range courses {
		if f, ok := c.follow(changes); ok {
			all, least = append(all, f), min(least, f.misfit)
			if !c.behind {
				plain = min(plain, f.misfit)
			}
		}
	}
	if len(all) == 0 {
		return arrival{}, false
	}
	// People do not come evenly: by chance alone a week of n differs by the root of
	// n, and here by so much more.
	scatter := max(1, least/float64(len(changes)-1))
	type moment struct{ weeks, weight float64 }
	var moments []moment
	total := 0.0
	for _, f := range all {
		weight := f.belief * math.Exp((least-f.misfit)/(2*scatter))
		spread := math.Sqrt(scatter/f.seen + scatter/max(missing, 1))
		for _, z := range normal {
			moments = append(moments, moment{f.weeks(missing*math.Exp(z*spread), f.pace), weight})
			total += weight
		}
	}
	slices.SortFunc(moments, func(a, b moment) int { return cmp.Compare(a.weeks, b.weeks) })
	at := func(share float64) float64 {
		sum := 0.0
		for _, m := range moments {
			if sum += m.weight; sum >= share*total {
				return m.weeks
			}
		}
		return moments[len(moments)-1].weeks
	}
	return arrival{at(tail), at(0.5), at(1 - tail), plain <= float64(len(changes)-1)}, true
}

// vague reports whether the range is too wide to plan by.
func (a arrival) vague() bool {
	width, share := a.last-a.first, widest
	if a.even {
		share = widestEven
	}
	return width > alwaysGood && width > share*(a.first+a.last)/2
}
