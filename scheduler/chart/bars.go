package chart

func (b Bars) draw(p *pen, weeks []string, y float64) {
	heading(p, y, b.Title, b.Unit)
	if why := b.reason(); why != "" {
		words(p, y, why)
		return
	}
	const totals = 18 // above the highest bar
	highest := 0
	for _, stack := range b.Stacks {
		highest = max(highest, total(stack))
	}
	at, s := weekSlots(weeks), countScale(y+headHeight+totals, y+headHeight+b.height(), float64(highest))
	for i, stack := range b.Stacks {
		if stack == nil {
			gap(p, at, s, i)
		}
	}
	if highest == 0 {
		s.step = 2 * s.max // no line but the lowest
		p.text(wordStyle, at.left+at.width/2, (s.top+s.bottom)/2, middle, "none in the weeks measured")
	}
	grid(p, at, s, "")
	weekLabels(p, at, s.bottom, weeks)
	for i, stack := range b.Stacks {
		drawStack(p, at, s, i, stack)
	}
	b.drawTotals(p, at, s)
	b.drawLabels(p, at, s)
}

// height is that of the plot: names that stand beside it need their room.
func (b Bars) height() float64 {
	n := 0
	for part := range b.Names {
		if b.seen(part) {
			n++
		}
	}
	return max(plotHeight, labelApart*float64(n)+12)
}

// segments are the heights at which the parts of a stack end, from the bottom
// up. A part that is there is seen, however small.
func segments(s scale, stack []int) []float64 {
	const least = 3
	ends := make([]float64, len(stack))
	sum, end := 0, s.bottom
	for i, n := range stack {
		sum += n
		if n > 0 {
			end = min(s.y(float64(sum)), end-least)
		}
		ends[i] = end
	}
	return ends
}

func barWidth(at slots) float64 { return min(0.7*at.each(), 48) }

func drawStack(p *pen, at slots, s scale, i int, stack []int) {
	w := barWidth(at)
	x, below := at.middle(i)-w/2, s.bottom
	for part, end := range segments(s, stack) {
		if stack[part] > 0 {
			p.box(palette[part], x, end, w, below-end)
			p.line(white, 1.5, 0, xy{x, end}, xy{x + w, end})
		}
		below = end
	}
}

// drawTotals writes each week's sum on its bar, a measured zero too, or only
// the last one's where they would touch.
func (b Bars) drawTotals(p *pen, at slots, s scale) {
	st := style{size: 22, bold: true, color: ink}
	widest := 0.0
	for _, stack := range b.Stacks {
		widest = max(widest, p.width(st, short(float64(total(stack)))))
	}
	narrow := widest+8 > at.each()
	for i, stack := range b.Stacks {
		if stack == nil || narrow && i < len(b.Stacks)-1 {
			continue
		}
		top := s.bottom
		if ends := segments(s, stack); len(ends) > 0 {
			top = ends[len(ends)-1]
		}
		x, align := at.middle(i), middle
		if narrow { // clear of the lines to the names
			x, align = x+barWidth(at)/2, right
		}
		p.text(st, x, top-14, align, short(float64(total(stack))))
	}
}

// drawLabels names the parts at the right, in the order of the stack, and joins
// each to its part of the last bar.
func (b Bars) drawLabels(p *pen, at slots, s scale) {
	last := b.Stacks[len(b.Stacks)-1]
	ends := segments(s, last)
	var parts []int // from above
	var places []float64
	for part := len(b.Names) - 1; part >= 0; part-- {
		if !b.seen(part) {
			continue
		}
		place := s.bottom
		if last != nil {
			below := s.bottom
			if part > 0 {
				below = ends[part-1]
			}
			place = (ends[part] + below) / 2
		}
		parts, places = append(parts, part), append(places, place)
	}
	edge := at.middle(len(b.Stacks)-1) + barWidth(at)/2
	for i, y := range spread(places, labelApart, s.top+6, s.bottom-12) {
		part, n := parts[i], -1
		if last != nil {
			n = last[part]
		}
		if n > 0 {
			p.line(muted, 1.2, 0, xy{edge + 3, places[i]}, xy{at.left + at.width + 14, y})
		}
		b.drawLabel(p, at.left+at.width+18, y, part, n)
	}
}

// drawLabel writes a part's name with its count of the last week, -1 for none.
func (b Bars) drawLabel(p *pen, x, y float64, part, n int) {
	const room = labels - 18 - 24
	number := style{size: 23, bold: true, color: ink}
	if n == 0 {
		number = style{size: 23, color: muted}
	}
	p.box(palette[part], x, y-8, 16, 16)
	x += 24
	name := p.fit(noteStyle, b.Names[part], room)
	if n < 0 {
		p.text(noteStyle, x, y, left, name)
		return
	}
	p.text(number, x, y-11, left, short(float64(n)))
	p.text(noteStyle, x, y+11, left, name)
}

// seen reports whether a part is there in any week.
func (b Bars) seen(part int) bool {
	for _, stack := range b.Stacks {
		if stack != nil && stack[part] > 0 {
			return true
		}
	}
	return false
}
