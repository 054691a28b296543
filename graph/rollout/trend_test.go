package rollout

import (
	"reflect"
	"testing"
	"time"
)

func TestTrend(t *testing.T) {
	t.Parallel()
	again := reading("2026-W53", 2, 2)
	again.AsOf = monday47.Add(time.Hour)
	points, err := Trend([]Week{again, reading("2027-W02", 3, 1), reading("2026-W52", 1, 3), reading("2026-W53", 4, 0)})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		week, registered string
		legacy           bool
	}
	var got []row
	for _, p := range points {
		got = append(got, row{p.Week, p.Get(Registered).String(), p.Legacy != nil})
	}
	want := []row{{"2026-W52", "1", true}, {"2026-W53", "2", true}, {"2027-W01", "not read", false}, {"2027-W02", "3", true}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	wantChanges := []string{"", "+1", "", "+1"} // the last over the gap
	for i, p := range points {
		if got := p.Get(Registered).ChangeString(); got != wantChanges[i] {
			t.Errorf("%s: got change %q, want %q", p.Week, got, wantChanges[i])
		}
		if p.Rescoped || p.Rerouted || p.AsOf.IsZero() != (p.Week == "2027-W01") {
			t.Errorf("%s: got rescoped %v, rerouted %v, as of %v, want neither, and a time but in the gap", p.Week, p.Rescoped, p.Rerouted, p.AsOf)
		}
	}

	if points, err := Trend(nil); err != nil || points != nil {
		t.Errorf("no weeks: got %v, %v, want nothing", points, err)
	}
	if got := Series(points, Registered); len(got) != 4 || got[1].String() != "2" || got[2].String() != "not read" {
		t.Errorf("series: got %v, want 2 in its second week and nothing in the third", got)
	}
	for _, week := range []string{"", "2026", "2026-W54", "2026-W00", "2025-W53", "2026-W47x", "W47"} {
		if _, err := Trend([]Week{{Week: week}}); err == nil {
			t.Errorf("week %q: got no error, want one", week)
		}
	}
}

func TestTrendMarksWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	on := func(w Week, r Road) Week {
		w.Road = r
		return w
	}
	points, err := Trend([]Week{
		reading("2026-W40", 5, 5),
		reading("2026-W41", 5, 6),                 // a tenth more is no jump
		on(reading("2026-W42", 0, 0), NoRoad),     // nobody could be read
		reading("2026-W43", 5, 8),                 // two of eleven more
		on(reading("2026-W44", 5, 8), ReportRoad), // another road
		on(reading("2026-W45", 5, 6), ReportRoad), // two of thirteen fewer
	})
	if err != nil {
		t.Fatal(err)
	}
	var scope, road []string
	for _, p := range points {
		if p.Rescoped {
			scope = append(scope, p.Week)
		}
		if p.Rerouted {
			road = append(road, p.Week)
		}
	}
	if want := []string{"2026-W43", "2026-W45"}; !reflect.DeepEqual(scope, want) {
		t.Errorf("scope: got %q, want %q", scope, want)
	}
	if want := []string{"2026-W44"}; !reflect.DeepEqual(road, want) {
		t.Errorf("road: got %q, want %q", road, want)
	}
}
