package rollout

import (
	"fmt"
	"time"
)

// A Point is one week of a series. A week of which nothing is stored has
// figures without a value, and no legacy use.
type Point struct {
	Week string
	Figures
	Legacy []ProtocolUse // nil: not measured
}

// Trend puts stored weeks in their order, one point a week from the first to
// the last, so that a week that was missed is a gap and not a short cut. Of
// two readings of one week the later counts. It fails on a week whose name is
// not [ISOWeek]'s.
func Trend(weeks []Week) ([]Point, error) {
	byDay := make(map[time.Time]Week, len(weeks))
	var first, last time.Time
	for _, w := range weeks {
		day, err := monday(w.Week)
		if err != nil {
			return nil, fmt.Errorf("order weeks: %w", err)
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
	var points []Point
	for day := first; len(weeks) > 0 && !day.After(last); day = day.AddDate(0, 0, 7) {
		w := byDay[day]
		points = append(points, Point{ISOWeek(day), w.Figures(), w.Legacy})
	}
	return points, nil
}
