package rollout

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Goal is the share of people in scope who are to be registered.
type Goal struct {
	Percent float64   `json:"percent"`     // above 0, to 100; 0: no goal is set
	By      time.Time `json:"by,omitzero"` // the beginning of the day; zero: no day is set
}

// Reasons for there being no forecast, beside those of the figures.
const (
	NoGoal       Reason = "no goal set"
	GoalMet      Reason = "goal already met"
	TooFewWeeks  Reason = "fewer than three weekly changes read"
	TooFewRead   Reason = "too few people read"
	ScopeChanged Reason = "scope changed by more than 10 %"
	RoadChanged  Reason = "people were read in another way before"
	NoPace       Reason = "not reachable at this pace"
	TooVague     Reason = "the last weeks say too little"
)

// A forecast rests on the readings of the last seven weeks, which are at most
// six weekly changes, and on at least three. What is more than two years away
// is not in sight.
const (
	forecastWeeks = 7
	leastChanges  = 3
	horizon       = 104

	week     = 7 * 24 * time.Hour
	shortest = 6 * 24 * time.Hour
)

// A Forecast says when a goal is met if people go on registering as in the last
// weeks. It is a range of weeks and never a day, and there is none where it would
// be too wide to plan by. It goes by the net change of the people who are
// registered, so that joiners and leavers are in it.
type Forecast struct {
	Goal Goal
	Week string    // the newest one
	AsOf time.Time // of it
	// Missing is how many people are to be registered for the goal, 0 where that
	// is not known or it is met. Last is how many of them are in the last
	// twentieth of the people: those are better called by name than expected.
	Missing, Last int
	// Registered of Of people are, of those of whom it is known.
	Registered, Of int
	Pace           Pace // zero where it is not known
	// Earliest and Latest are the ISO weeks by whose reading the goal is met; empty
	// where there is no forecast.
	Earliest, Latest string
	Why              Reason  // why there is none, "" if there is one
	Needed           float64 // people a week to meet the goal in time; 0 without a day

	// Weeks from the newest one to Earliest and Latest, or what they would be if the
	// range were not too wide; beyond the horizon is one week more than it.
	first, last int
}

// Pace is how many people a week became registered: the lower quartile, the
// median and the upper quartile of the weekly changes.
type Pace struct {
	Slow, Usual, Fast float64
	Changes           int // that it is made from
}

// Behind returns by how many people a week the usual pace falls short of the
// goal's day, 0 if it does not; false where either is not known or not set.
func (f Forecast) Behind() (short float64, known bool) {
	if f.Pace.Changes == 0 || f.Needed == 0 {
		return 0, false
	}
	return max(0, tenth(f.Needed-f.Pace.Usual)), true
}

// NewForecast forecasts from stored weeks in any order. It fails like [Trend].
func NewForecast(weeks []Week, g Goal) (Forecast, error) {
	points, err := Trend(weeks)
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Goal: g}
	if len(points) == 0 {
		f.Why = TooFewWeeks
		return f, nil
	}
	newest := points[len(points)-1]
	f.Week, f.AsOf = newest.Week, newest.AsOf
	if f.Why = f.aim(newest.Get(Registered)); f.Why != "" {
		return f, nil
	}
	changes, why := weeklyChanges(points)
	if f.Why = why; why == "" {
		f.Pace = paceOf(changes)
		f.Why = f.arrive(changes)
	}
	return f, nil
}

// aim fills in what is left to do, or returns why that is not known or nothing.
func (f *Forecast) aim(registered Figure) Reason {
	n, known := registered.Value()
	asked := float64(registered.Of - registered.Unknown)
	switch {
	case f.Goal.Percent <= 0 || f.Goal.Percent > 100:
		return NoGoal
	case !known:
		return registered.Reason()
	case registered.Thin():
		return TooFewRead
	case asked == 0:
		return NobodyInScope
	}
	f.Registered, f.Of = int(n), int(asked)
	f.Missing = max(0, people(f.Goal.Percent, asked)-int(n))
	if f.Missing == 0 {
		return GoalMet
	}
	f.Last = f.Missing - max(0, min(f.Missing, people(min(f.Goal.Percent, 95), asked)-int(n)))
	if !f.Goal.By.IsZero() {
		left := float64(f.Goal.By.Sub(f.AsOf)) / float64(week)
		f.Needed = tenth(float64(f.Missing) / max(left, 1)) // within a week, or too late: all at once
	}
	return ""
}

// people is how many make a share of so many, rounded up.
func people(percent, of float64) int { return int(math.Ceil(percent*of/100 - 1e-9)) }

// weeklyChanges measures the weekly changes, oldest first, or returns why they cannot be.
// It goes back
// from the newest week as far as the readings can be compared with it. Each change
// is what a week brought in the mean between two readings: over weeks that were
// not read, and over more than a week where one was read a day early or late. Two
// that are nearer than shortest are one: what a day brought is no pace.
func weeklyChanges(points []Point) ([]float64, Reason) {
	points = points[max(0, len(points)-forecastWeeks):]
	newest := points[len(points)-1]
	if !newest.countable() {
		return nil, TooFewRead
	}
	var changes []float64
	var cut Reason
	later := newest
	for i := len(points) - 2; i >= 0 && cut == ""; i-- {
		p := points[i]
		switch between := later.AsOf.Sub(p.AsOf); {
		case !p.countable(), between < shortest:
		case p.Road != newest.Road:
			cut = RoadChanged
		case rescoped(p.Get(InScope), newest.Get(InScope)):
			cut = ScopeChanged
		default:
			changes = append(changes, (later.registered()-p.registered())*float64(week)/float64(between))
			later = p
		}
	}
	if len(changes) < leastChanges {
		return nil, cmp.Or(cut, TooFewWeeks)
	}
	slices.Reverse(changes)
	return changes, ""
}

func paceOf(changes []float64) Pace {
	sorted := slices.Sorted(slices.Values(changes))
	return Pace{
		Slow: tenth(between(sorted, 0.25)), Usual: tenth(between(sorted, 0.5)), Fast: tenth(between(sorted, 0.75)), Changes: len(changes),
	}
}

// countable reports whether a week's registrations can be compared with others.
func (p Point) countable() bool {
	_, scoped := p.Get(InScope).Value()
	registered := p.Get(Registered)
	_, known := registered.Value()
	return scoped && known && !registered.Thin()
}

func (p Point) registered() float64 {
	n, _ := p.Get(Registered).Value()
	return n
}

// between returns a quantile of numbers in their order, between two of them in
// proportion.
func between(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// arrive fills in the range of weeks, or returns why there is none: more often
// than not the last weeks brought nobody, or they say too little.
func (f *Forecast) arrive(changes []float64) Reason {
	day, err := monday(f.Week)
	a, paced := arrivalOf(changes, float64(f.Missing))
	switch {
	case err != nil, !paced, f.Pace.Usual <= 0, a.middle > horizon:
		return NoPace
	}
	f.first, f.last = int(math.Ceil(a.first-1e-9)), int(math.Ceil(min(a.last, horizon+1)-1e-9))
	if a.last > horizon || a.vague() {
		return TooVague
	}
	f.Earliest, f.Latest = ISOWeek(day.AddDate(0, 0, 7*f.first)), ISOWeek(day.AddDate(0, 0, 7*f.last))
	return ""
}

// Reach is which share of the people is registered in a week to come, in percent
// with one decimal: on an even road to the goal in Latest, and in Earliest.
type Reach struct {
	Week      string
	Low, High float64
}

// Ahead returns the n weeks after the newest one, up to the goal; none where there
// is no forecast.
func (f Forecast) Ahead(n int) []Reach {
	newest, err := monday(f.Week)
	if f.Why != "" || err != nil {
		return nil
	}
	share := func(i, of int) float64 {
		return tenth(100 * (float64(f.Registered) + float64(f.Missing)*min(1, float64(i)/float64(of))) / float64(f.Of))
	}
	ahead := make([]Reach, n)
	for i := range ahead {
		ahead[i] = Reach{ISOWeek(newest.AddDate(0, 0, 7*(i+1))), share(i+1, f.last), share(i+1, f.first)}
	}
	return ahead
}
