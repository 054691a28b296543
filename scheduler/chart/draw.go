package chart

import "image/color"

// Sizes in pixels. The picture is shown at half of them on a phone, so no
// lettering is smaller than 22.
const (
	width      = 720.0
	margin     = 32.0
	numbers    = 82.0  // the column at the left, with room for "20,000" and "100 %"
	labels     = 180.0 // the column at the right that names what it stands beside
	plotHeight = 220.0
	labelApart = 48.0 // between the parts' names beside the bars
	wordHeight = 84.0 // a panel that has words for its figures
)

// Colours of ink, and Okabe and Ito's palette, which the common kinds of
// colour blindness tell apart; its order keeps light beside dark.
var (
	ink   = color.NRGBA{0x1b, 0x1f, 0x24, 0xff}
	muted = color.NRGBA{0x57, 0x60, 0x6a, 0xff}
	rule  = color.NRGBA{0xd8, 0xde, 0xe4, 0xff}
	edge  = color.NRGBA{0x8c, 0x95, 0x9f, 0xff} // of what is empty: 3 to 1 against white
	blank = color.NRGBA{0xf0, 0xf2, 0xf5, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	blue  = color.NRGBA{0x00, 0x5f, 0x9e, 0xff}
	wash  = color.NRGBA{0x00, 0x72, 0xb2, 0x24}
	band  = color.NRGBA{0x00, 0x72, 0xb2, 0x40}

	palette = [...]color.NRGBA{
		{0xd5, 0x5e, 0x00, 0xff}, // vermilion
		{0x56, 0xb4, 0xe9, 0xff}, // sky blue
		{0x00, 0x72, 0xb2, 0xff}, // blue
		{0xf0, 0xc4, 0x1b, 0xff}, // yellow
		{0x00, 0x7a, 0x5a, 0xff}, // bluish green
		{0xcc, 0x79, 0xa7, 0xff}, // reddish purple
	}
)

// Letterings.
var (
	titleStyle = style{size: 31, bold: true, color: ink}
	headStyle  = style{size: 23, bold: true, color: ink}
	smallStyle = style{size: 22, color: muted}
	noteStyle  = style{size: 22, color: muted}
	wordStyle  = style{size: 23, color: muted}
)

// draw lays the panels out from above. Panels with words for figures are low,
// so the height depends on what there is to show.
func (c Chart) draw() ([]byte, error) {
	adoption, legacy := panelHeight(c.Adoption.reason(), plotHeight), panelHeight(c.Legacy.reason(), c.Legacy.height())
	p := newPen(width, headerHeight+adoption+legacy+footer(len(c.legend()) > 0))
	c.header(p)
	c.Adoption.draw(p, c.Weeks, headerHeight)
	c.Legacy.draw(p, c.Weeks, headerHeight+adoption)
	x, y := margin, p.height-margin-4
	for _, sign := range c.legend() {
		p.box(sign.fill, x, y-11, 22, 22)
		p.line(sign.edge, 1, sign.dash, xy{x, y - 11}, xy{x + 22, y - 11}, xy{x + 22, y + 11}, xy{x, y + 11}, xy{x, y - 11})
		p.text(noteStyle, x+32, y, left, sign.words)
		x += 32 + p.width(noteStyle, sign.words) + 32
	}
	return p.png()
}

// sign is a mark in the picture whose meaning is said below it.
type sign struct {
	fill, edge color.NRGBA
	dash       float64
	words      string
}

func (c Chart) legend() (signs []sign) {
	if c.gaps() {
		signs = append(signs, sign{blank, rule, 0, "week not measured"})
	}
	if c.Adoption.reason() == "" && len(c.Adoption.Band) > 0 {
		signs = append(signs, sign{band, blue, 4, "at the pace of the last weeks"})
	}
	return signs
}

const (
	headerHeight = 116.0
	headHeight   = 58.0 // a panel's heading
	axisHeight   = 70.0 // week labels and the space below
)

func panelHeight(reason string, plot float64) float64 {
	if reason != "" {
		return headHeight + wordHeight
	}
	return headHeight + plot + axisHeight
}

func footer(legend bool) float64 {
	if legend {
		return margin + 26
	}
	return margin - 12
}

func (c Chart) header(p *pen) {
	p.text(titleStyle, margin, 50, left, p.fit(titleStyle, c.Title, width-2*margin))
	if !c.AsOf.IsZero() {
		p.text(smallStyle, margin, 88, left, p.fit(smallStyle, c.asOf(), width-2*margin))
	}
}

// gaps reports whether a drawn panel has a week that was not measured.
func (c Chart) gaps() bool {
	if c.Adoption.reason() == "" {
		for _, v := range c.Adoption.Values {
			if !v.Known {
				return true
			}
		}
	}
	if c.Legacy.reason() == "" {
		for _, stack := range c.Legacy.Stacks {
			if stack == nil {
				return true
			}
		}
	}
	return false
}

// heading writes a panel's title and, if there is room, its unit behind it.
func heading(p *pen, y float64, title, unit string) {
	p.line(rule, 1, 0, xy{margin, y}, xy{width - margin, y})
	title = p.fit(headStyle, title, width-2*margin)
	p.text(headStyle, margin, y+30, left, title)
	if room := width - 2*margin - p.width(headStyle, title) - 12; unit != "" && room > p.width(smallStyle, unit) {
		p.text(smallStyle, width-margin, y+30, right, unit)
	}
}

// words fills a panel that has no figures.
func words(p *pen, y float64, text string) {
	const room = width - 2*margin - 40
	lines := p.wrap(wordStyle, text, room)
	if len(lines) > 2 {
		lines = []string{lines[0], p.fit(wordStyle, lines[1]+" "+lines[2], room)}
	} else if len(lines) == 2 { // of about one length, so that no word stands alone
		for w := room; len(lines) == 2; w -= 10 {
			even := p.wrap(wordStyle, text, w)
			if len(even) > 2 {
				break
			}
			lines = even
		}
	}
	p.box(blank, margin, y+headHeight-2, width-2*margin, wordHeight-18)
	middleY := y + headHeight + (wordHeight-22)/2
	for i, line := range lines {
		p.text(wordStyle, width/2, middleY+28*(float64(i)-float64(len(lines)-1)/2), middle, line)
	}
}

// weekSlots are the same in both panels, so that a week stands below itself.
func weekSlots(weeks []string) slots {
	return slots{left: margin + numbers, width: width - 2*margin - numbers - labels, n: len(weeks)}
}

// grid draws the lines and numbers of the values.
func grid(p *pen, at slots, s scale, unit string) {
	for v := 0.0; v <= s.max*1.0001; v += s.step {
		shade := rule
		if v == 0 {
			shade = muted
		}
		p.line(shade, 1.5, 0, xy{at.left, s.y(v)}, xy{at.left + at.width, s.y(v)})
		p.text(smallStyle, at.left-10, s.y(v), right, short(v)+unit)
	}
}

// weekLabels names as many weeks as fit, always the last, with the year below
// the first and wherever it changes.
func weekLabels(p *pen, at slots, bottom float64, weeks []string) {
	every := labelEvery(p, at, weeks)
	shown := ""
	for i, w := range weeks {
		if (len(weeks)-1-i)%every != 0 {
			continue
		}
		p.text(smallStyle, at.middle(i), bottom+21, middle, weekLabel(w))
		if year, _, ok := isoWeek(w); ok && year != shown {
			p.text(noteStyle, at.middle(i), bottom+46, middle, year)
			shown = year
		}
	}
}

// labelEvery is the least distance in weeks at which their labels stay apart.
func labelEvery(p *pen, at slots, weeks []string) int {
	widest := 0.0
	for _, w := range weeks {
		widest = max(widest, p.width(smallStyle, weekLabel(w)))
	}
	every := 1
	for float64(every)*at.each() < widest+14 && every < len(weeks) {
		every++
	}
	return every
}

// gap marks a week that was not measured.
func gap(p *pen, at slots, s scale, i int) {
	p.box(blank, at.middle(i)-at.each()/2, s.top, at.each(), s.bottom-s.top)
}
