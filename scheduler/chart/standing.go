package chart

import (
	"fmt"
	"image/color"
	"strings"
	"time"
)

// MaxParts is how many bars of a panel can still be read.
const MaxParts = 14

// Standing is a picture of where things stand now: panels of bars that lie on
// their side, one below the other.
type Standing struct {
	Title  string
	AsOf   time.Time // shown in its own zone; zero: not shown
	Panels []Parts
}

// Parts is a panel: shares of the same whole, or of one each.
type Parts struct {
	Title string
	Rows  []Part
}

// Part is one bar. A share that is not known has no bar, never an empty one.
type Part struct {
	Name  string
	Share Value  // in percent
	Note  string // behind the share, "301 of 455"; without a share: why there is none
}

// DrawStanding returns the picture as a PNG, 720 pixels wide. The same picture
// gives the same bytes. It fails on one that contradicts itself.
func DrawStanding(s Standing) ([]byte, error) {
	for _, panel := range s.Panels {
		if len(panel.Rows) > MaxParts {
			return nil, fmt.Errorf("draw standing: %s: %d bars, at most %d can be read", panel.Title, len(panel.Rows), MaxParts)
		}
		for _, r := range panel.Rows {
			if r.Share.Known && !(r.Share.Number >= 0 && r.Share.Number <= 100) {
				return nil, fmt.Errorf("draw standing: %s: %v is no share", r.Name, r.Share.Number)
			}
		}
	}
	return s.draw()
}

const (
	partHeight = 54.0
	partNames  = 246.0 // the column of names
	partNotes  = 150.0 // and that of numbers
)

func (s Standing) draw() ([]byte, error) {
	height := headerHeight + margin - 12
	for _, panel := range s.Panels {
		height += panel.height()
	}
	p := newPen(width, height)
	Chart{Title: s.Title, AsOf: s.AsOf}.header(p)
	y := headerHeight
	for _, panel := range s.Panels {
		panel.draw(p, y)
		y += panel.height()
	}
	return p.png()
}

func (s Parts) height() float64 { return headHeight + partHeight*float64(len(s.Rows)) + 14 }

func (s Parts) draw(p *pen, y float64) {
	heading(p, y, s.Title, "")
	const left0, room = margin + partNames, width - 2*margin - partNames - partNotes
	name := style{size: 22, color: ink}
	for i, r := range s.Rows {
		at := y + headHeight + partHeight*float64(i) + partHeight/2
		p.text(name, margin, at, left, p.fit(name, r.Name, partNames-14))
		x := left0 + room + 14
		if !r.Share.Known {
			p.text(noteStyle, left0, at, left, p.fit(noteStyle, r.Note, room+partNotes))
			continue
		}
		p.box(blank, left0, at-12, room, 24)
		p.line(edge, 1.5, 0, xy{left0, at - 12}, xy{left0 + room, at - 12}, xy{left0 + room, at + 12}, xy{left0, at + 12}, xy{left0, at - 12})
		if r.Share.Number > 0 {
			p.box(shade(r), left0, at-12, max(room*r.Share.Number/100, 2), 24)
		}
		p.text(style{size: 23, bold: true, color: ink}, x, at-12, left, decimal(r.Share.Number)+" %")
		p.text(noteStyle, x, at+13, left, p.fit(noteStyle, r.Note, partNotes-14))
	}
}

// shade is that of a bar: one that is whole looks whole by more than its length.
func shade(r Part) color.NRGBA {
	if r.Share.Number == 100 {
		return palette[4]
	}
	return palette[2]
}

// Alt says in words what the picture shows, with the same numbers.
func (s Standing) Alt() string {
	parts := []string{s.Title}
	if !s.AsOf.IsZero() {
		parts = append(parts, Chart{AsOf: s.AsOf}.asOf())
	}
	for _, panel := range s.Panels {
		rows := make([]string, len(panel.Rows))
		for i, r := range panel.Rows {
			rows[i] = r.Name + ": " + r.Note
			if r.Share.Known {
				rows[i] = fmt.Sprintf("%s %s %% (%s)", r.Name, decimal(r.Share.Number), r.Note)
			}
		}
		parts = append(parts, panel.Title+": "+strings.Join(rows, ", "))
	}
	return strings.Join(parts, ". ") + "."
}
