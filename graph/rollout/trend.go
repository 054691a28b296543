package rollout

import (
	"fmt"
	"math"
	"time"
)

// A Point is one week of a series. A week of which nothing is stored is a gap:
// its figures have no value, and it has neither a time nor legacy use.
type Point struct {
	Week string
	AsOf time.Time // zero: a gap
	Road Road
	// Figures have their changes against the last week before in which people
	// could be read.
	Figures
	Legacy []ProtocolUse // nil: not measured
	// Rescoped reports that since that week the people in scope became more than
	// a tenth more or fewer, Rerouted that they were then read on another road:
	// what follows such a mark is not compared with what stands before it.
	Rescoped, Rerouted bool
}

// Trend puts stored weeks in their order, one point a week from the first to
// the last, so that a week that was missed is a gap and not a short cut. Of
// two readings of one week the later counts. It fails on a week whose name is
// not [ISOWeek]'s.
func Trend(weeks []Week) ([]Point, error) {
	byDay, first, last, err := byMonday(weeks)
	if err != nil {
		return nil, err
	}
	var points []Point
	var before *Week // the last in which people could be read
	for day := first; len(weeks) > 0 && !day.After(last); day = day.AddDate(0, 0, 7) {
		w, stored := byDay[day]
		if !stored {
			points = append(points, Point{Week: ISOWeek(day)})
			continue
		}
		points = append(points, point(w, before))
		if w.Road != NoRoad {
			before = &w
		}
	}
	return points, nil
}

func byMonday(weeks []Week) (byDay map[time.Time]Week, first, last time.Time, err error) {
	byDay = make(map[time.Time]Week, len(weeks))
	for _, w := range weeks {
		day, err := monday(w.Week)
		if err != nil {
			return nil, first, last, fmt.Errorf("order weeks: %w", err)
		}
		if had, ok := byDay[day]; !ok || !w.AsOf.Before(had.AsOf) {
			byDay[day] = w
		}
		if first.IsZero() || day.Before(first) {
			first = day
		}
		if day.After(last) {
			last = day
		}
	}
	return byDay, first, last, nil
}

func point(w Week, before *Week) Point {
	p := Point{Week: w.Week, AsOf: w.AsOf, Road: w.Road, Figures: Compare(w, before), Legacy: w.Legacy}
	if before != nil && w.Road != NoRoad {
		p.Rerouted = w.Road != before.Road
		p.Rescoped = rescoped(before.Figures().Get(InScope), p.Get(InScope))
	}
	return p
}

// rescoped reports whether a number of people is more than a tenth away from
// what it was; not if one of the two is not known.
func rescoped(then, now Figure) bool {
	was, knownThen := then.Value()
	is, knownNow := now.Value()
	return knownThen && knownNow && math.Abs(is-was)*10 > was
}

// Series is one figure week by week, with gaps as figures that were not read.
func Series(points []Point, id ID) []Figure {
	fs := make([]Figure, len(points))
	for i, p := range points {
		fs[i] = p.Get(id)
	}
	return fs
}
