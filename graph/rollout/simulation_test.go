package rollout

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the table in the note on forecasts")

// A family is a kind of rollout: how many people are to register, and how many do
// in each of its weeks.
type family struct {
	name string
	draw func(r *rand.Rand, people, need int) []int
}

const simulated = 150 // weeks

var families = []family{
	{"constant", func(r *rand.Rand, _, need int) []int {
		each := float64(need) / uniform(r, 10, 40)
		return weekly(r, func(int) float64 { return each })
	}},
	{"halving every 4 to 8 weeks", func(r *rand.Rand, _, need int) []int {
		half := uniform(r, 4, 8)
		until := half * uniform(r, 1.5, 3.5)
		first := float64(need) * (1 - math.Exp2(-1/half)) / (1 - math.Exp2(-until/half))
		return weekly(r, func(i int) float64 { return first * math.Exp2(-float64(i)/half) })
	}},
	{"waves", func(r *rand.Rand, people, _ int) []int {
		every, waves, share := 2+r.IntN(3), 4+r.IntN(9), uniform(r, 0.35, 0.6)
		sum := make([]float64, simulated)
		for w := range waves { // of whom so many are left, and so many of those register
			left := float64(people) / float64(waves) * uniform(r, 0.7, 1.3)
			for i := w * every; i < simulated; i++ {
				sum[i] += left * share
				left *= 1 - share
			}
		}
		return weekly(r, func(i int) float64 { return sum[i] })
	}},
	{"holidays", func(r *rand.Rand, _, need int) []int {
		each := float64(need) / uniform(r, 10, 40)
		low, until := make([]float64, simulated), r.IntN(10)
		for i := range low {
			low[i] = 1
		}
		for until < simulated {
			share := uniform(r, 0.1, 0.3)
			for range 2 + r.IntN(2) {
				if until < simulated {
					low[until] = share
				}
				until++
			}
			until += 8 + r.IntN(7)
		}
		return weekly(r, func(i int) float64 { return each * low[i] })
	}},
}

func uniform(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// weekly draws how many come in each week, by chance round what is expected.
func weekly(r *rand.Rand, expected func(week int) float64) []int {
	counts := make([]int, simulated)
	for i := range counts {
		mean := expected(i)
		if mean > 50 { // close enough to a normal distribution, whose draw takes one step
			counts[i] = max(0, int(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
			continue
		}
		for left := r.ExpFloat64(); left < mean; left += r.ExpFloat64() {
			counts[i]++
		}
	}
	return counts
}

// outcome is how forecasts of one family came out.
type outcome struct {
	asked, held int
	widths      []float64 // of the ranges, each as a share of the weeks that were left
}

func (o *outcome) add(first, last, truth int) {
	if first <= truth && truth <= last {
		o.held++
	}
	o.widths = append(o.widths, float64(last-first)/float64(truth))
}

func (o *outcome) hold() float64 { return float64(o.held) / float64(len(o.widths)) }

func (o *outcome) width() float64 {
	slices.Sort(o.widths)
	return o.widths[len(o.widths)/2]
}

func (o *outcome) abstained() float64 { return 1 - float64(len(o.widths))/float64(o.asked) }

func (o *outcome) String() string {
	return fmt.Sprintf("%.0f %% | %.2f | %.0f %%", 100*o.hold(), o.width(), 100*o.abstained())
}

// drawnRollout is a rollout up to a moment at which somebody asks, from the fifth
// week on and three weeks before its end or earlier.
type drawnRollout struct {
	weeks []Week
	goal  Goal
	left  int // weeks until the goal is met
}

func drawRollout(r *rand.Rand, f family) drawnRollout {
	for {
		people := int(math.Exp(uniform(r, math.Log(100), math.Log(3000))))
		need := int(float64(people) * uniform(r, 0.85, 0.98))
		counts := f.draw(r, people, need)
		sum, end := 0, -1
		for i, n := range counts {
			if sum += n; sum >= need {
				end = i + 1
				break
			}
		}
		if end < 8 {
			continue // over before anybody could ask, or never
		}
		now := 4 + r.IntN(end-6)
		d := drawnRollout{left: end - now, goal: Goal{Percent: 100 * float64(need) / float64(people)}}
		start, registered := time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC), 0
		d.weeks = append(d.weeks, counted(ISOWeek(start), 0, people))
		for i := range now {
			registered += counts[i]
			d.weeks = append(d.weeks, counted(ISOWeek(start.AddDate(0, 0, 7*(i+1))), registered, people))
		}
		return d
	}
}

// byQuartiles is what a forecast would be that goes by the quartiles of the last
// six weeks alone.
func byQuartiles(d drawnRollout, missing int) (first, last int, ok bool) {
	points, err := Trend(d.weeks)
	if err != nil {
		return 0, 0, false
	}
	changes, why := weeklyChanges(points)
	sorted := slices.Sorted(slices.Values(changes))
	if why != "" || between(sorted, 0.25) <= 0 {
		return 0, 0, false
	}
	return int(math.Ceil(float64(missing) / between(sorted, 0.75))), int(math.Ceil(float64(missing) / between(sorted, 0.25))), true
}

// TestForecastOfSimulatedRollouts lets 500 rollouts of each family go on after a
// forecast, and holds the range against what then happened. The numbers are those
// of the note.
func TestForecastOfSimulatedRollouts(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| Rollouts | range holds the week | median width, of the weeks left | no forecast | quartiles alone: holds | width | none |\n|---|---|---|---|---|---|---|\n")
	for i, f := range families {
		r := rand.New(rand.NewPCG(2026, uint64(i)))
		ours, quartiles := &outcome{}, &outcome{}
		for range 500 {
			d := drawRollout(r, f)
			ours.asked, quartiles.asked = ours.asked+1, quartiles.asked+1
			got, err := NewForecast(d.weeks, d.goal)
			if err != nil {
				t.Fatal(err)
			}
			if got.Why == "" {
				ours.add(got.first, got.last, d.left)
			}
			if first, last, ok := byQuartiles(d, got.Missing); ok {
				quartiles.add(first, last, d.left)
			}
		}
		fmt.Fprintf(&table, "| %s | %v | %v |\n", f.name, ours, quartiles)
		if ours.hold() < 0.7 || ours.width() > 0.5 {
			t.Errorf("%s: %v", f.name, ours)
		}
	}
	noted(t, table.String())
}

// noted compares the table with the one in the note.
func noted(t *testing.T, table string) {
	t.Helper()
	const file, begin, end = "../../docs/decisions/2026-11-28-forecast-by-courses.md", "<!-- table -->\n", "<!-- end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), begin)
	was, tail, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s has no table", file)
	}
	if was == table {
		return
	}
	if !*update {
		t.Fatalf("the table is now\n%s\nLook at it, then run with -update.", table)
	}
	if err := os.WriteFile(file, []byte(head+begin+table+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
