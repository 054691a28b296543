package rollout

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// counted is a stored week with so many registered of so many people.
func counted(week string, registered, of int) Week {
	day, err := monday(week)
	if err != nil {
		panic(err)
	}
	return Week{Week: week, AsOf: day.Add(6 * time.Hour), Road: MethodRoad, Sums: []Sum{
		{ID: InScope, Value: &of}, {ID: Registered, Value: &registered, Of: of},
	}}
}

// run is weeks in a row from 2026-W40 on, of 100 people each.
func run(registered ...int) []Week {
	var weeks []Week
	for i, n := range registered {
		weeks = append(weeks, counted(fmt.Sprintf("2026-W%02d", 40+i), n, 100))
	}
	return weeks
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestForecast(t *testing.T) {
	t.Parallel()
	all := Goal{Percent: 100}
	with := func(weeks []Week, i int, change func(*Week)) []Week {
		change(&weeks[i])
		return weeks
	}
	scope := func(of int) func(*Week) {
		return func(w *Week) { w.Sums[0].Value, w.Sums[1].Of = &of, of }
	}
	unread := func(w *Week) { w.Sums[1].Value, w.Sums[1].Reason = nil, SourceFailed }
	thin := func(w *Week) { w.Sums[1].Unknown = 6 }
	report := func(w *Week) { w.Road = ReportRoad }
	tests := []struct {
		name  string
		weeks []Week
		goal  Goal
		want  string
	}{
		{"steady", run(40, 50, 60, 70), all, "30 missing, 5 last; 10 10 10 of 3; 2026-W46 to 2026-W48"},
		{"quartiles", run(40, 44, 54, 60, 68), Goal{Percent: 75}, "7 missing, 0 last; 5.5 7 8.5 of 4; 2026-W45 to 2026-W47"},
		{"six changes at most", run(0, 40, 50, 60, 70, 80, 85, 90), all, "10 missing, 5 last; 6.3 10 10 of 6; 2026-W49 to 2026-W50"},
		{"only the goal", run(40, 50, 60, 70), Goal{Percent: 90}, "20 missing, 0 last; 10 10 10 of 3; 2026-W45 to 2026-W47"},
		{"the goal is rounded up", run(40, 50, 60, 70), Goal{Percent: 79.1}, "10 missing, 0 last; 10 10 10 of 3; 2026-W44 to 2026-W46"},
		{"of those who were read", with(run(40, 50, 60, 90), 3, func(w *Week) { w.Sums[1].Unknown = 5 }), all, "5 missing, 4 last; 10 10 20 of 3; 2026-W44 to 2026-W45"},
		{"two weeks brought nobody", run(40, 40, 40, 50, 60), all, "40 left: the last weeks say too little"},
		{"few, but evenly", []Week{
			counted("2026-W42", 113, 240), counted("2026-W43", 119, 240), counted("2026-W44", 125, 240), counted("2026-W45", 129, 240),
			counted("2026-W46", 135, 240), counted("2026-W47", 139, 240), counted("2026-W48", 145, 240),
		}, Goal{Percent: 70}, "23 missing, 0 last; 4.5 6 6 of 6; 2026-W52 to 2027-W03"},
		{"quicker and quicker", []Week{
			counted("2026-W40", 0, 300), counted("2026-W41", 1, 300), counted("2026-W42", 2, 300), counted("2026-W43", 12, 300), counted("2026-W44", 32, 300),
		}, all, "268 missing, 15 last; 1 5.5 12.5 of 4; 2027-W07 to 2027-W19"},
		{"over new year", []Week{counted("2026-W49", 400, 1000), counted("2026-W50", 500, 1000), counted("2026-W51", 600, 1000), counted("2026-W52", 700, 1000)}, all, "300 missing, 50 last; 100 100 100 of 3; 2027-W02 to 2027-W04"},
		{"a week missed is one change at its mean", slices.Delete(run(40, 50, 60, 70, 90), 3, 4), all, "10 missing, 5 last; 10 10 12.5 of 3; 2026-W45 to 2026-W46"},
		{"a week unread likewise", with(run(40, 50, 60, 70, 90), 3, unread), all, "10 missing, 5 last; 10 10 12.5 of 3; 2026-W45 to 2026-W46"},
		{"a thin week likewise", with(run(40, 50, 60, 99, 90), 3, thin), all, "10 missing, 5 last; 10 10 12.5 of 3; 2026-W45 to 2026-W46"},
		{"the same scope, nearly", with(run(40, 50, 60, 70), 0, scope(91)), all, "30 missing, 5 last; 10 10 10 of 3; 2026-W46 to 2026-W48"},
		{"enough since the scope changed", with(run(10, 50, 60, 70, 80), 0, scope(50)), all, "20 missing, 5 last; 10 10 10 of 3; 2026-W46 to 2026-W48"},

		{"no weeks", nil, all, "fewer than three weekly changes read"},
		{"two changes", run(40, 50, 60), all, "40 left: fewer than three weekly changes read"},
		{"weeks too long ago", append(run(40, 50, 60), counted("2026-W49", 70, 100)), all, "30 left: fewer than three weekly changes read"},
		{"scope grown", with(run(40, 50, 60, 70), 0, scope(90)), all, "30 left: scope changed by more than 10 %"},
		{"scope shrunk", with(run(40, 50, 60, 70), 2, scope(112)), all, "30 left: scope changed by more than 10 %"},
		{"another road", with(run(40, 50, 60, 70), 1, report), all, "30 left: people were read in another way before"},
		{"nobody any more", run(40, 50, 50, 50), all, "50 left: not reachable at this pace"},
		{"fewer and fewer", run(50, 48, 46, 44), all, "56 left: not reachable at this pace"},
		{"not in two years", []Week{counted("2026-W40", 0, 9000), counted("2026-W41", 1, 9000), counted("2026-W42", 2, 9000), counted("2026-W43", 3, 9000)}, all, "8997 left: not reachable at this pace"},
		{"not in two years, just", []Week{counted("2026-W40", 0, 108), counted("2026-W41", 1, 108), counted("2026-W42", 2, 108), counted("2026-W43", 3, 108)}, all, "105 left: not reachable at this pace"},
		{"met", run(40, 50, 60, 70), Goal{Percent: 70}, "goal already met"},
		{"met to the person", []Week{counted("2026-W40", 161, 1000)}, Goal{Percent: 16.1}, "goal already met"},
		{"no goal", run(40, 50, 60, 70), Goal{}, "no goal set"},
		{"no such goal", run(40, 50, 60, 70), Goal{Percent: 101}, "no goal set"},
		{"the newest not read", with(run(40, 50, 60, 70), 3, unread), all, "source failed"},
		{"the newest hardly read", with(run(40, 50, 60, 70), 3, thin), all, "too few people read"},
		{"the newest without its scope", with(run(40, 50, 60, 70), 3, func(w *Week) { w.Sums[0].Value = nil }), all, "30 left: too few people read"},
		{"nobody in scope", with(run(40, 50, 60, 0), 3, scope(0)), all, "nobody in scope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := NewForecast(tt.weeks, tt.goal)
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(f); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func shown(f Forecast) string {
	switch {
	case f.Why != "" && f.Missing > 0:
		return fmt.Sprintf("%d left: %s", f.Missing, f.Why)
	case f.Why != "":
		return string(f.Why)
	}
	p := f.Pace
	return fmt.Sprintf("%d missing, %d last; %v %v %v of %d; %s to %s", f.Missing, f.Last, p.Slow, p.Usual, p.Fast, p.Changes, f.Earliest, f.Latest)
}

func TestForecastAgainstItsDay(t *testing.T) {
	t.Parallel()
	weeks := run(40, 50, 60, 70) // the newest is of Monday, 19 October 2026
	tests := []struct {
		name    string
		weeks   []Week
		goal    Goal
		needed  float64
		behind  float64
		unknown bool
	}{
		{"on track", weeks, Goal{100, day("2026-11-16")}, 7.6, 0, false},
		{"just", weeks, Goal{100, day("2026-11-09").Add(6 * time.Hour)}, 10, 0, false},
		{"behind", weeks, Goal{100, day("2026-11-02").Add(6 * time.Hour)}, 15, 5, false},
		{"within the week", weeks, Goal{100, day("2026-10-20")}, 30, 20, false},
		{"too late", weeks, Goal{100, day("2026-10-01")}, 30, 20, false},
		{"no day", weeks, Goal{Percent: 100}, 0, 0, true},
		{"no pace yet", weeks[:2], Goal{100, day("2026-10-19").Add(6 * time.Hour)}, 25, 0, true},
		{"nobody any more", run(40, 50, 50, 50), Goal{100, day("2026-11-23").Add(6 * time.Hour)}, 10, 10, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := NewForecast(tt.weeks, tt.goal)
			if err != nil {
				t.Fatal(err)
			}
			behind, known := f.Behind()
			if f.Needed != tt.needed || behind != tt.behind || known == tt.unknown {
				t.Errorf("got %v needed and behind by %v, %v, want %v, %v and %v", f.Needed, behind, known, tt.needed, tt.behind, !tt.unknown)
			}
		})
	}
}

func TestForecastOfBadWeeks(t *testing.T) {
	t.Parallel()
	if _, err := NewForecast([]Week{{Week: "2026-W99"}}, Goal{Percent: 100}); err == nil {
		t.Error("got no error, want one for a week that is none")
	}
}

// TestForecastComesTrue lets people go on registering at a constant pace: the
// goal is then met within the range.
func TestForecastComesTrue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.IntRange(50, 3000).Draw(t, "people")
		each := rapid.IntRange(1, 60).Draw(t, "a week")
		begun := rapid.IntRange(0, of/2).Draw(t, "registered before")
		goal := Goal{Percent: float64(rapid.IntRange(1, 1000).Draw(t, "goal")) / 10}
		after := func(week int) Week {
			start := time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)
			return counted(ISOWeek(start.AddDate(0, 0, 7*week)), min(begun+each*week, of), of)
		}
		weeks := []Week{after(0), after(1), after(2), after(3)}
		f, err := NewForecast(weeks, goal)
		if err != nil {
			t.Fatal(err)
		}
		met := func(w Week) bool {
			share, _ := w.Figures().Get(Registered).Share().Value()
			n, _ := w.Figures().Get(Registered).Value()
			return n*1000 >= goal.Percent*10*float64(of)-1e-6 && share > 0
		}
		if f.Why == GoalMet != met(after(3)) {
			t.Fatalf("got %q, want whether the goal is met to be %v", f.Why, met(after(3)))
		}
		if f.Why != "" {
			return
		}
		week := 4
		for ; !met(after(week)); week++ {
		}
		if want := after(week).Week; f.Earliest > want || f.Latest < want {
			t.Fatalf("got %s to %s, want %s in it: %s", f.Earliest, f.Latest, want, shown(f))
		}
	})
}

// TestForecastKeepsItsPromises draws weeks at random.
func TestForecastKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var weeks []Week
		for i := range rapid.IntRange(0, 9).Draw(t, "weeks") {
			if rapid.IntRange(0, 5).Draw(t, "missed") == 0 {
				continue
			}
			of := rapid.SampledFrom([]int{100, 100, 100, 105, 130}).Draw(t, "of")
			w := counted(fmt.Sprintf("2026-W%02d", 30+i), rapid.IntRange(0, of).Draw(t, "registered"), of)
			w.Sums[1].Unknown = rapid.SampledFrom([]int{0, 0, 0, 3, 20}).Draw(t, "unknown")
			w.Road = rapid.SampledFrom([]Road{MethodRoad, MethodRoad, MethodRoad, ReportRoad}).Draw(t, "road")
			weeks = append(weeks, w)
		}
		goal := Goal{Percent: float64(rapid.IntRange(1, 100).Draw(t, "goal")), By: day("2026-12-31")}
		f, err := NewForecast(weeks, goal)
		if err != nil {
			t.Fatal(err)
		}
		if (f.Why == "") != (f.Earliest != "") || f.Earliest == "" && f.Latest != "" {
			t.Fatalf("got %+v, want either a reason or a range", f)
		}
		shuffled, err := NewForecast(rapid.Permutation(weeks).Draw(t, "order"), goal)
		if err != nil || shuffled != f {
			t.Fatalf("got %+v in another order, %v, want %+v", shuffled, err, f)
		}
		if f.Why != "" {
			return
		}
		if p := f.Pace; p.Changes < 3 || p.Changes > 6 || p.Slow > p.Usual || p.Usual > p.Fast || p.Usual <= 0 {
			t.Fatalf("got the pace %+v, want 3 to 6 changes in their order, half of them for the better", p)
		}
		if newest := weeks[len(weeks)-1].Week; f.Earliest <= newest || f.Latest != "" && f.Latest < f.Earliest {
			t.Fatalf("got %s to %s after %s, want them in this order", f.Earliest, f.Latest, newest)
		}
		if f.Last > f.Missing || f.Last < 0 {
			t.Fatalf("got %d of %d missing, want no more than all", f.Last, f.Missing)
		}
		more, _ := NewForecast(weeks, Goal{Percent: 100})
		if more.Missing < f.Missing || more.Why == "" && more.Earliest < f.Earliest {
			t.Fatalf("got %s for everybody and %s for %v %%, want no earlier", shown(more), shown(f), goal.Percent)
		}
	})
}

// What a forecast says beside its range is how far that has moved.
func TestForecastMoved(t *testing.T) {
	t.Parallel()
	ranging := func(first, last string) Forecast {
		return Forecast{Goal: Goal{Percent: 98}, Week: "2026-W46", Earliest: first, Latest: last}
	}
	was := ranging("2026-W51", "2027-W02")
	none := Forecast{Goal: was.Goal, Week: "2026-W47", Why: NoPace}
	other := ranging("2026-W51", "2027-W02")
	other.Goal.Percent = 95
	for _, tt := range []struct {
		is, was Forecast
		want    string
	}{
		{was, was, "The range has not moved since week 46."},
		{ranging("2026-W53", "2027-W04"), was, "The range is 2 weeks later than in week 46."},
		{ranging("2026-W51", "2027-W01"), was, "The range ends 1 week earlier than in week 46."},
		{ranging("2027-W01", "2027-W02"), was, "The range begins 3 weeks later than in week 46."},
		{ranging("2026-W50", "2027-W04"), was, "The range begins 1 week earlier and ends 2 weeks later than in week 46."},
		{none, was, ""},
		{was, none, ""},
		{other, was, ""},
	} {
		if got := tt.is.MovedSince(tt.was); got != tt.want {
			t.Errorf("%s to %s after %s to %s: got %q, want %q", tt.is.Earliest, tt.is.Latest, tt.was.Earliest, tt.was.Latest, got, tt.want)
		}
	}
}

// Where there is no forecast the sentence says why, and what would make one.
func TestNoForecastSaysWhatIsNeeded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		weeks []Week
		goal  Goal
		want  string
	}{
		{run(40, 40, 40, 50, 60), Goal{Percent: 100}, "There is no forecast for 100 %: the last weeks leave it open whether it takes 4 weeks or 7; a few more even weeks, or a nearer goal, would narrow it to something to plan by."},
		{run(0, 3, 3, 4, 4), Goal{Percent: 95}, "There is no forecast for 95 %: the last weeks leave it open whether it takes 34 weeks or more than two years; a few more even weeks, or a nearer goal, would narrow it to something to plan by."},
		{run(40, 50, 60), Goal{Percent: 100}, "There is no forecast for 100 %: there are fewer than three weekly changes to go by, and each weekly reading adds one."},
		{run(40, 50, 50, 50), Goal{Percent: 100}, "There is no forecast for 100 %: at the pace of the last weeks it is not reached."},
	} {
		f, err := NewForecast(tt.weeks, tt.goal)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Sentence(time.UTC); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
