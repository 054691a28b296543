package chart

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestCountScale(t *testing.T) {
	t.Parallel()
	tests := []struct{ highest, max, step float64 }{
		{0, 1, 1},
		{1, 1, 1},
		{3, 3, 1},
		{5, 5, 1},
		{37, 40, 10},
		{108, 150, 50},
		{455, 500, 100},
		{1e6, 1e6, 200_000},
	}
	for _, tt := range tests {
		if got := countScale(0, 100, tt.highest); got.max != tt.max || got.step != tt.step {
			t.Errorf("%v: got 0 to %v by %v, want 0 to %v by %v", tt.highest, got.max, got.step, tt.max, tt.step)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		highest := float64(rapid.IntRange(0, 1_000_000_000).Draw(t, "highest"))
		s := countScale(0, 100, highest)
		lines := s.max / s.step
		if s.max < highest || s.step != math.Trunc(s.step) || lines != math.Trunc(lines) || lines > 5 || highest > 4 && lines < 2 {
			t.Fatalf("%v: got 0 to %v by %v, want 2 to 5 whole steps that hold it", highest, s.max, s.step)
		}
	})
}

func TestSpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.SliceOfN(rapid.Float64Range(-50, 350), 1, 6).Draw(t, "places")
		const gap, low, high = 47.0, 10.0, 290.0
		out := spread(places, gap, low, high)
		for i, y := range out {
			if y < low-1e-9 || y > high+1e-9 {
				t.Fatalf("got %v, want all from %v to %v", out, low, high)
			}
			if i > 0 && y-out[i-1] < gap-1e-9 {
				t.Fatalf("got %v, want them %v apart", out, gap)
			}
		}
	})
	if got := spread([]float64{50, 200}, 47, 0, 300); got[0] != 50 || got[1] != 200 {
		t.Errorf("got %v, want what has room to stay", got)
	}
	if got := spread([]float64{5, 5, 5}, 47, 0, 40); got[0] != 0 || got[1] != 20 || got[2] != 40 {
		t.Errorf("got %v, want the little room shared", got)
	}
}

// Numbers stay in the column that is theirs, and week labels apart.
func TestLabelsHaveRoom(t *testing.T) {
	t.Parallel()
	p := newPen(width, 10)
	for highest := 1.0; highest < 1e9; highest *= 1.7 {
		s := countScale(0, 100, math.Trunc(highest))
		for v := 0.0; v <= s.max; v += s.step {
			if w := p.width(smallStyle, short(v)); w > numbers-10 {
				t.Errorf("%q takes %.0f pixels, more than its column", short(v), w)
			}
		}
	}
	for n := 1; n <= MaxWeeks; n++ {
		weeks := isoWeeks(n)
		at := weekSlots(weeks)
		apart := float64(labelEvery(p, at, weeks)) * at.each()
		if w := p.width(smallStyle, "W47"); n > 1 && apart < w+10 {
			t.Errorf("%d weeks: labels stand %.0f pixels apart, want more than their %.0f", n, apart, w)
		}
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0", 90.5: "90.5", 1204: "1,204", 99_999: "99,999", 100_000: "100k", 123_456: "123k", 999_499: "999k",
		999_500: "1M", 1e6: "1M", 1_250_000: "1.25M", 123_456_789: "123M", 2_000_000_000: "2bn",
	} {
		if got := short(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}

func TestFitAndWrap(t *testing.T) {
	t.Parallel()
	p := newPen(width, 10)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 60, -1).Draw(t, "text")
		const room = 150
		if got := p.fit(noteStyle, text, room); p.width(noteStyle, got) > room {
			t.Fatalf("got %q, want it no wider than %d", got, room)
		}
		for _, line := range p.wrap(noteStyle, text, room) {
			if p.width(noteStyle, line) > room {
				t.Fatalf("got line %q, want it no wider than %d", line, room)
			}
		}
	})
	if got := p.fit(titleStyle, "Übergroß Ünal", 120); got != "Über…" {
		t.Errorf("got %q, want whole characters and an ellipsis", got)
	}
}
