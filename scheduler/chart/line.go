package chart

import (
	"slices"
	"strings"
)

func (l Line) draw(p *pen, weeks []string, y float64) {
	if l.percent() {
		heading(p, y, l.Title, "")
	} else {
		heading(p, y, l.Title, l.Unit)
	}
	if why := l.reason(); why != "" {
		words(p, y, why)
		return
	}
	const below = 8 // the heading
	at, s, unit := weekSlots(weeks), l.scale(y+headHeight+below, y+headHeight+plotHeight), ""
	if l.percent() {
		unit = " %"
	}
	for i, v := range l.Values {
		if !v.Known {
			gap(p, at, s, i)
		}
	}
	grid(p, at, s, unit)
	weekLabels(p, at, s.bottom, weeks)
	if l.Goal.Known {
		p.line(muted, 2, 7, xy{at.left, s.y(l.Goal.Number)}, xy{at.left + at.width, s.y(l.Goal.Number)})
	}
	l.drawBand(p, at, s)
	for _, run := range l.runs(at, s) {
		drawRun(p, run, s, at.each())
	}
	l.drawLabels(p, at, s, weeks)
}

func (l Line) scale(top, bottom float64) scale {
	if l.percent() {
		return percentScale(top, bottom)
	}
	highest := 0.0
	for _, v := range append([]Value{l.Goal}, l.Values...) {
		if v.Known {
			highest = max(highest, v.Number)
		}
	}
	for _, r := range l.Band {
		highest = max(highest, r.High)
	}
	return countScale(top, bottom, highest)
}

// drawBand fills the weeks to come between both ends of the forecast, from the
// last value on. Its edges are dashed: a line that is drawn through was measured.
func (l Line) drawBand(p *pen, at slots, s scale) {
	if len(l.Band) == 0 {
		return
	}
	start := xy{at.middle(l.last()), s.y(l.Values[l.last()].Number)}
	low, high := []xy{start}, []xy{start}
	for i, r := range l.Band {
		x := at.middle(len(l.Values) + i)
		low, high = append(low, xy{x, s.y(r.Low)}), append(high, xy{x, s.y(r.High)})
	}
	around := slices.Clone(high)
	for _, corner := range slices.Backward(low[1:]) {
		around = append(around, corner)
	}
	p.area(band, around...)
	p.line(blue, 2, 6, high...)
	p.line(blue, 2, 6, low...)
}

// runs are the stretches of weeks without a gap between them.
func (l Line) runs(at slots, s scale) [][]xy {
	var runs [][]xy
	open := false
	for i, v := range l.Values {
		if v.Known && !open {
			runs = append(runs, nil)
		}
		if open = v.Known; open {
			last := &runs[len(runs)-1]
			*last = append(*last, xy{at.middle(i), s.y(v.Number)})
		}
	}
	return runs
}

// drawRun draws the line with the ground below it washed, and a dot for each
// week as long as the dots stand apart. A single week is a dot in any case.
func drawRun(p *pen, run []xy, s scale, each float64) {
	first, last := run[0], run[len(run)-1]
	if len(run) > 1 {
		ground := append([]xy{{first.x, s.bottom}}, run...)
		p.area(wash, append(ground, xy{last.x, s.bottom})...)
		p.line(blue, 3.5, 0, run...)
	}
	if len(run) == 1 || each >= 16 {
		for _, at := range run {
			p.dot(white, at, 6.5)
			p.dot(blue, at, 4.5)
		}
	}
}

// drawLabels names the last value and the goal at the right, each at its height
// as far as they leave each other room.
func (l Line) drawLabels(p *pen, at slots, s scale, weeks []string) {
	const room = labels - 18
	big, small := style{size: 30, bold: true, color: blue}, smallStyle
	i := l.last()
	value := l.Values[i]
	lines := l.noteLines(p, weeks, room)
	below := 27 * float64(len(lines)) // of the value, for its note
	places := []float64{s.y(value.Number)}
	if l.Goal.Known {
		places = append(places, s.y(l.Goal.Number))
	}
	places = placeLabels(places, below, s)

	x := at.left + at.width + 18
	end := xy{at.middle(i), s.y(value.Number)}
	p.dot(white, end, 9)
	p.dot(blue, end, 7)
	p.text(big, x, places[0], left, p.fit(big, l.short(value), room))
	for n, line := range lines {
		p.text(small, x, places[0]+3+27*float64(n+1), left, line)
	}
	if l.Goal.Known {
		p.text(small, x, places[1], left, p.fit(small, "goal "+l.short(l.Goal), room))
	}
}

// noteLines is what stands below the last value: its week, unless that is the
// chart's last one, and the note.
func (l Line) noteLines(p *pen, weeks []string, room float64) []string {
	var note []string
	if i := l.last(); i < len(l.Values)-1 || len(weeks) > len(l.Values) {
		note = append(note, weekLabel(weeks[i]))
	}
	if l.Note != "" {
		note = append(note, l.Note)
	}
	if len(note) == 0 {
		return nil
	}
	lines := p.wrap(smallStyle, strings.Join(note, ": "), room)
	return lines[:min(3, len(lines))]
}

// placeLabels spreads the value's place and, if there is one, the goal's; the
// value carries a note of the given height below it.
func placeLabels(places []float64, note float64, s scale) []float64 {
	const apart = 33
	low, high := s.top+8, s.bottom-8
	switch {
	case len(places) == 1:
		return spread(places, 0, low, high-note)
	case places[1] <= places[0]: // the goal is above
		out := spread([]float64{places[1], places[0]}, apart, low, high-note)
		return []float64{out[1], out[0]}
	default:
		return spread(places, apart+note, low, high)
	}
}

// short is a value of the line where there is little room.
func (l Line) short(v Value) string {
	if l.percent() {
		return decimal(v.Number) + " %"
	}
	return short(v.Number)
}
