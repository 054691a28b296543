package chart

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the pictures in testdata")

// isoWeeks are the n weeks up to 2026-W47.
func isoWeeks(n int) (weeks []string) {
	last := time.Date(2026, time.November, 16, 0, 0, 0, 0, time.UTC)
	for i := range n {
		year, week := last.AddDate(0, 0, 7*(i-n+1)).ISOWeek()
		weeks = append(weeks, fmt.Sprintf("%d-W%02d", year, week))
	}
	return weeks
}

// autumn is a chart of twelve weeks, of which the seventh was not measured.
func autumn() Chart {
	c := Chart{
		Title: "MFA rollout, Northwind Relief",
		AsOf:  time.Date(2026, time.November, 23, 6, 10, 0, 0, time.UTC),
		Weeks: isoWeeks(12),
		Adoption: Line{
			Title: "Registered, % of people in scope", Unit: "%", Note: "412 of 455", Goal: Known(98),
		},
		Legacy: Bars{
			Title: "Legacy sign-ins that succeeded", Unit: "per week",
			Names: []string{"SMTP AUTH", "IMAP", "POP", "ActiveSync", "Old Office", "Other"},
		},
	}
	for i, share := range []float64{41, 47.2, 52.6, 58.1, 61, 66.3, -1, 74.9, 79.4, 84, 88.1, 90.5} {
		if share < 0 {
			c.Adoption.Values = append(c.Adoption.Values, Value{})
			c.Legacy.Stacks = append(c.Legacy.Stacks, nil)
			continue
		}
		c.Adoption.Values = append(c.Adoption.Values, Known(share))
		c.Legacy.Stacks = append(c.Legacy.Stacks, []int{40 - 2*i, 30 - 2*i, 14 - i, max(0, 9-2*i), max(0, 12-i), max(0, 3-i)})
	}
	return c
}

// fill gives every week the same values.
func fill(c Chart, weeks int, value Value, stack []int) Chart {
	c.Weeks = isoWeeks(weeks)
	c.Adoption.Values, c.Legacy.Stacks = slices.Repeat([]Value{value}, weeks), slices.Repeat([][]int{stack}, weeks)
	return c
}

// charts are what the picture must bear, by name.
func charts() map[string]Chart {
	free := autumn()
	free.Legacy = Bars{Title: "Legacy sign-ins that succeeded", Reason: "Not measurable on this licence: the sign-in log needs Entra ID P1"}
	counts := fill(autumn(), 12, Known(1e6), []int{1e6, 250_000, 1, 1, 1, 999_999})
	counts.Adoption.Unit, counts.Adoption.Title, counts.Adoption.Note = "people", "Registered people", "1,000,000 of 1,200,000"
	counts.Adoption.Goal = Known(1e6)
	odd := counts
	odd.Adoption.Values = slices.Repeat([]Value{Known(99_999)}, 12)
	odd.Adoption.Goal = Value{}
	lastMissing := autumn()
	lastMissing.Adoption.Values[11], lastMissing.Legacy.Stacks[11] = Value{}, nil
	holes := autumn()
	for _, i := range []int{0, 1, 4, 5, 6, 8, 10, 11} { // at both ends, in a row, around one week alone
		holes.Adoption.Values[i], holes.Legacy.Stacks[i] = Value{}, nil
	}
	long := autumn()
	long.Title = strings.Repeat("A very long name of an organisation ", 5)
	long.Legacy.Names = []string{"An uncommonly long name of a protocol", "b", "c", "d", "e", "f"}
	long.Adoption.Note = strings.Repeat("note ", 12)
	long.Adoption.Title, long.Legacy.Title = long.Title, long.Title
	longReason := autumn()
	longReason.Adoption = Line{Title: "Registered", Reason: strings.Repeat("for many reasons ", 20)}
	ahead := autumn()
	ahead.Weeks, ahead.Ahead = append(isoWeeks(12), "2026-W48", "2026-W49", "2026-W50", "2026-W51"), 4
	ahead.Adoption.Band = []Reach{{92, 94}, {93.5, 97.5}, {95, 98}, {96.5, 98}}
	allAhead := fill(autumn(), MaxWeeks-8, Known(50), []int{9, 8, 7, 6, 5, 4})
	allAhead.Weeks, allAhead.Ahead = isoWeeks(MaxWeeks), 8
	allAhead.Adoption.Band = slices.Repeat([]Reach{{0, 100}}, 8)
	return map[string]Chart{
		"autumn":          autumn(),
		"forecast":        ahead,
		"years ahead":     allAhead,
		"free":            free,
		"one week":        fill(autumn(), 1, Known(62.5), []int{12, 7, 0, 3, 0, 0}),
		"a million":       counts,
		"many":            odd,
		"all zero":        fill(autumn(), 12, Known(0), make([]int, 6)),
		"all done":        fill(autumn(), 12, Known(100), []int{0, 0, 0, 0, 0, 1}),
		"two years":       fill(autumn(), MaxWeeks, Known(50), []int{9, 8, 7, 6, 5, 4}),
		"last missing":    lastMissing,
		"holes":           holes,
		"long words":      long,
		"long reason":     longReason,
		"not a week":      {Weeks: []string{"a week without any number"}, Adoption: Line{Values: []Value{Known(3)}}, Legacy: Bars{Stacks: [][]int{nil}}},
		"nothing yet":     {Title: "MFA rollout", Adoption: Line{Title: "Registered"}, Legacy: Bars{Title: "Legacy"}},
		"nothing at all":  {},
		"no known values": fill(autumn(), 5, Value{}, nil),
	}
}

func drawn(t *testing.T, c Chart) ([]byte, image.Image) {
	t.Helper()
	b, err := Draw(c)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return b, picture
}

// Whatever is drawn stays inside: within its frame the rim of the picture is white,
// and outside of it there is nothing.
func TestDrawStaysOnTheCanvas(t *testing.T) {
	t.Parallel()
	for name, c := range charts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, picture := drawn(t, c)
			size := picture.Bounds().Size()
			if size.X != width || size.Y < 300 || size.Y > 960 {
				t.Errorf("size: got %v, want 720 wide and 300 to 960 high", size)
			}
			const rim = 10
			for y := range size.Y {
				for x := 0; x < size.X; x++ {
					if x == rim && y >= rim && y < size.Y-rim {
						x = size.X - rim // over what may be drawn on
					}
					r, g, b, a := picture.At(x, y).RGBA()
					switch out := outside(x, y, size.X, size.Y); {
					case out >= 1 && a != 0:
						t.Fatalf("ink at %d,%d, outside of the frame", x, y)
					case out < -3 && r&g&b != 0xffff:
						t.Fatalf("ink at %d,%d, want a white rim", x, y)
					}
				}
			}
		})
	}
}

func TestDrawTwiceIsTheSame(t *testing.T) {
	t.Parallel()
	first, _ := drawn(t, autumn())
	second, _ := drawn(t, autumn())
	if !bytes.Equal(first, second) {
		t.Error("got other bytes for the same chart")
	}
}

// The pictures are compared as pixels: an encoder may pack them otherwise, and
// another processor may round an edge otherwise.
func TestDrawGolden(t *testing.T) {
	t.Parallel()
	all := charts()
	for _, name := range []string{"autumn", "forecast", "free", "one week"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, got := drawn(t, all[name])
			file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".png")
			if *update {
				if err := os.WriteFile(file, b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			stored, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := png.Decode(bytes.NewReader(stored))
			if err != nil {
				t.Fatal(err)
			}
			if got.Bounds() != want.Bounds() {
				t.Fatalf("size: got %v, want %v", got.Bounds(), want.Bounds())
			}
			if n := differing(got, want); n > 50 {
				t.Errorf("got %d pixels unlike those of %s; look at the picture, then run with -update", n, file)
			}
		})
	}
}

// differing counts the pixels that an eye could tell apart.
func differing(a, b image.Image) (n int) {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			for _, d := range []float64{float64(r1) - float64(r2), float64(g1) - float64(g2), float64(b1) - float64(b2)} {
				if math.Abs(d) > 16*257 {
					n++
					break
				}
			}
		}
	}
	return n
}

// column is the picture's ink above the ground line in the middle of a week.
func column(picture image.Image, at slots, i int, s scale) map[uint32]bool {
	seen := make(map[uint32]bool)
	for y := int(s.top); y < int(s.bottom)-6; y++ {
		r, g, b, _ := picture.At(int(at.middle(i)), y).RGBA()
		seen[r>>8<<16|g>>8<<8|b>>8] = true
	}
	return seen
}

func TestAGapIsNoZero(t *testing.T) {
	t.Parallel()
	c := autumn()
	_, picture := drawn(t, c)
	at := weekSlots(c.Weeks)
	// The upper panel's plot, and the lower one's.
	upper := scale{top: headerHeight + headHeight + 8, bottom: headerHeight + headHeight + plotHeight}
	y := headerHeight + panelHeight("", plotHeight) + headHeight
	lower := scale{top: y + 18, bottom: y + c.Legacy.height()}
	const band, line, bar = 0xf0f2f5, 0x005f9e, 0xd55e00
	for name, tt := range map[string]struct {
		s    scale
		mark uint32
	}{"line": {upper, line}, "bars": {lower, bar}} {
		for i := range c.Weeks {
			seen := column(picture, at, i, tt.s)
			if gap := i == 6; seen[band] != gap || seen[tt.mark] == gap {
				t.Errorf("%s, week %d: got band %v and mark %v, want a band only in a gap", name, i, seen[band], seen[tt.mark])
			}
		}
	}
}

func TestDrawRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Chart)
		want   string
	}{
		{"too few values", func(c *Chart) { c.Adoption.Values = c.Adoption.Values[1:] }, "adoption: 11 values for 12 weeks"},
		{"too few stacks", func(c *Chart) { c.Legacy.Stacks = c.Legacy.Stacks[1:] }, "legacy: 11 stacks for 12 weeks"},
		{"a negative value", func(c *Chart) { c.Adoption.Values[0] = Known(-1) }, "no measured number"},
		{"not a number", func(c *Chart) { c.Adoption.Goal = Known(math.NaN()) }, "no measured number"},
		{"without end", func(c *Chart) { c.Adoption.Values[0] = Known(math.Inf(1)) }, "no measured number"},
		{"more than all", func(c *Chart) { c.Adoption.Values[0] = Known(100.1) }, "more than 100 %"},
		{"a negative count", func(c *Chart) { c.Legacy.Stacks[0][2] = -1 }, "a count of -1"},
		{"a short stack", func(c *Chart) { c.Legacy.Stacks[0] = []int{1} }, "1 counts for 6 names"},
		{"too many names", func(c *Chart) { c.Legacy.Names = make([]string, 7) }, "at most 6"},
		{"a band too short", func(c *Chart) { c.Adoption.Band = make([]Reach, 1) }, "a band of 1 weeks for 0"},
		{"more ahead than there is", func(c *Chart) { c.Ahead = 13 }, "ahead: 13 of 12 weeks"},
		{"a band upside down", func(c *Chart) { ahead(c, Reach{60, 50}) }, "a band from 60 to 50"},
		{"a band of more than all", func(c *Chart) { ahead(c, Reach{60, 101}) }, "a band from 60 to 101"},
		{"a band of nothing", func(c *Chart) { ahead(c, Reach{math.NaN(), 50}) }, "a band from NaN to 50"},
		{"too many weeks", func(c *Chart) { *c = fill(*c, MaxWeeks+1, Known(1), nil) }, "at most 104"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := autumn()
			tt.change(&c)
			if _, err := Draw(c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q in it", err, tt.want)
			}
		})
	}
}

// ahead adds a week to come.
func ahead(c *Chart, r Reach) {
	c.Weeks, c.Ahead, c.Adoption.Band = append(c.Weeks, "2026-W48"), 1, []Reach{r}
}

func TestAlt(t *testing.T) {
	t.Parallel()
	short := autumn()
	short.Weeks, short.Adoption.Values, short.Legacy.Stacks = short.Weeks[5:8], short.Adoption.Values[5:8], short.Legacy.Stacks[5:8]
	free := charts()["free"]
	free.Weeks, free.Adoption.Values = free.Weeks[11:], free.Adoption.Values[11:]
	zero := fill(autumn(), 1, Known(0), make([]int, 6))
	zero.Adoption.Unit, zero.Adoption.Note, zero.Adoption.Goal = "people", "", Known(1204)
	forecast := fill(autumn(), 1, Known(90.5), make([]int, 6))
	forecast.Weeks, forecast.Ahead = append(forecast.Weeks, "2026-W48", "2026-W49"), 2
	forecast.Adoption.Band = []Reach{{92, 94.5}, {95, 95}}
	tests := []struct {
		name, want string
		chart      Chart
	}{
		{
			name: "with a gap", chart: short,
			want: "MFA rollout, Northwind Relief. As of Mon 23 Nov 2026 06:10 UTC. " +
				"Registered, % of people in scope: W41 66.3 %, W42 not measured, W43 74.9 % (412 of 455); goal 98 %. " +
				"Legacy sign-ins that succeeded: W41 66 (SMTP AUTH 30, IMAP 20, POP 9, Old Office 7); W42 not measured; W43 54 (SMTP AUTH 26, IMAP 16, POP 7, Old Office 5).",
		},
		{
			name: "a panel of words", chart: free,
			want: "MFA rollout, Northwind Relief. As of Mon 23 Nov 2026 06:10 UTC. Registered, % of people in scope: W47 90.5 % (412 of 455); goal 98 %. " +
				"Legacy sign-ins that succeeded: Not measurable on this licence: the sign-in log needs Entra ID P1.",
		},
		{
			name: "zeros", chart: zero,
			want: "MFA rollout, Northwind Relief. As of Mon 23 Nov 2026 06:10 UTC. Registered, % of people in scope: W47 0; goal 1,204. Legacy sign-ins that succeeded: W47 0.",
		},
		{
			name: "a forecast", chart: forecast,
			want: "MFA rollout, Northwind Relief. As of Mon 23 Nov 2026 06:10 UTC. " +
				"Registered, % of people in scope: W47 90.5 % (412 of 455); goal 98 %; at the pace of the last weeks W48 92 to 94.5 %, W49 95 %. " +
				"Legacy sign-ins that succeeded: W47 0.",
		},
		{name: "nothing yet", chart: charts()["nothing yet"], want: "MFA rollout. Registered: not measured yet. Legacy: not measured yet."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.chart.Alt(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Every number of the chart is in its words.
func TestAltCarriesEveryNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "weeks")
		c := Chart{Weeks: isoWeeks(n), Adoption: Line{Title: "A"}, Legacy: Bars{Title: "L", Names: []string{"x", "y"}}}
		for range n {
			v, stack := Value{}, []int(nil)
			if rapid.Bool().Draw(t, "measured") {
				v = Known(float64(rapid.IntRange(0, 1_000_000).Draw(t, "value")))
				stack = []int{rapid.IntRange(0, 1_000_000).Draw(t, "x"), rapid.IntRange(0, 9).Draw(t, "y")}
			}
			c.Adoption.Values, c.Legacy.Stacks = append(c.Adoption.Values, v), append(c.Legacy.Stacks, stack)
		}
		adoption, legacy, _ := strings.Cut(strings.ReplaceAll(c.Alt(), ",", ""), "L: ")
		for i, week := range c.Weeks {
			label, v := weekLabel(week), c.Adoption.Values[i]
			if want := fmt.Sprintf("%s %.0f", label, v.Number); v.Known && !strings.Contains(adoption, want) {
				t.Fatalf("got %q, want %q in it", adoption, want)
			}
			s := c.Legacy.Stacks[i]
			if s == nil {
				continue
			}
			want := []string{fmt.Sprintf("%s %d", label, s[0]+s[1])}
			for part, n := range s {
				if n > 0 {
					want = append(want, fmt.Sprintf("%s %d", c.Legacy.Names[part], n))
				}
			}
			words := strings.FieldsFunc(legacy[strings.Index(legacy, label):], func(r rune) bool { return r == ';' || r == '.' })[0]
			for _, number := range want {
				if !strings.Contains(words+")", number+")") && !strings.Contains(words+" ", number+" ") {
					t.Fatalf("got %q, want %q in it", words, number)
				}
			}
		}
	})
}
