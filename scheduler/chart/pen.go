package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strings"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// A pen draws in pixels from the upper left corner, as the eye reads; gonum's
// canvas counts in points from the lower left one.
type pen struct {
	canvas *vgimg.Canvas
	fonts  *font.Cache
	height float64
}

// newPen makes the canvas at 72 dots an inch, where a point is a pixel. The
// fonts are embedded in the library, so the picture is the same on any host.
func newPen(width, height float64) *pen {
	return &pen{
		canvas: vgimg.NewWith(vgimg.UseWH(vg.Length(width), vg.Length(height)), vgimg.UseDPI(72)),
		fonts:  font.NewCache(liberation.Collection()),
		height: height,
	}
}

// png frames what was drawn as a card: its corners are round and let through what
// is behind them, and a line goes round it. On a dark page a square of white looks
// like a hole in it, and on a white one a picture without an edge runs into the
// text.
func (p *pen) png() ([]byte, error) {
	picture := p.canvas.Image()
	size := picture.Bounds()
	card := image.NewNRGBA(size)
	draw.Draw(card, size, picture, size.Min, draw.Src)
	for y := range size.Dy() {
		for x := 0; x < size.Dx(); x++ {
			if x == round && y >= round && y < size.Dy()-round { // no corner or edge is there
				x = size.Dx() - round
			}
			at := card.NRGBAAt(x, y)
			out := outside(x, y, size.Dx(), size.Dy())
			at.A = uint8(255 * (1 - min(1, max(0, out))))
			if edge := out + 2; edge > 0 && at.A > 0 {
				at.R, at.G, at.B = rule.R, rule.G, rule.B
			}
			card.SetNRGBA(x, y, at)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, card); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return b.Bytes(), nil
}

// round is the radius of the corners.
const round = 20

// outside is how far a pixel lies outside of the card, below 0 within it.
func outside(x, y, width, height int) float64 {
	dx := max(round-float64(x)-0.5, float64(x)+0.5-float64(width-round), 0)
	dy := max(round-float64(y)-0.5, float64(y)+0.5-float64(height-round), 0)
	if dx > 0 && dy > 0 {
		return math.Hypot(dx, dy) - round
	}
	return max(dx, dy) - round
}

// type style is a kind of lettering.
type style struct {
	size  float64
	bold  bool
	color color.Color
}

// A side says which end of a text stands at the given place.
type side float64

const (
	left   side = 0
	middle side = 0.5
	right  side = 1
)

func (p *pen) face(s style) font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if s.bold {
		f.Weight = stdfont.WeightBold
	}
	return p.fonts.Lookup(f, vg.Length(s.size))
}

func (p *pen) width(s style, text string) float64 {
	face := p.face(s)
	return face.Width(text).Points()
}

// text writes one line; y is its middle, of capital letters and digits.
func (p *pen) text(s style, x, y float64, at side, text string) {
	const capitals = 0.36 // half their height, as a part of the size
	x -= float64(at) * p.width(s, text)
	p.canvas.SetColor(s.color)
	p.canvas.FillString(p.face(s), p.point(x, y+capitals*s.size), text)
}

// fit shortens a text to a width, by whole characters and with an ellipsis.
func (p *pen) fit(s style, text string, width float64) string {
	text = strings.Join(strings.Fields(text), " ")
	if p.width(s, text) <= width {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && p.width(s, string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}

// wrap breaks a text into lines no wider than width.
func (p *pen) wrap(s style, text string, width float64) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		longer := strings.TrimLeft(line+" "+word, " ")
		if line != "" && p.width(s, longer) > width {
			lines = append(lines, line)
			longer = word
		}
		line = p.fit(s, longer, width)
	}
	return append(lines, line)
}

func (p *pen) point(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x), Y: vg.Length(p.height - y)}
}

type xy struct{ x, y float64 }

func (p *pen) path(points []xy) vg.Path {
	var path vg.Path
	for i, at := range points {
		if i == 0 {
			path.Move(p.point(at.x, at.y))
		} else {
			path.Line(p.point(at.x, at.y))
		}
	}
	return path
}

// line joins the points, dashed if dash is not 0.
func (p *pen) line(c color.Color, width, dash float64, points ...xy) {
	p.canvas.SetColor(c)
	p.canvas.SetLineWidth(vg.Length(width))
	p.canvas.SetLineDash(nil, 0)
	if dash > 0 {
		p.canvas.SetLineDash([]vg.Length{vg.Length(dash), vg.Length(dash * 0.8)}, 0)
	}
	p.canvas.Stroke(p.path(points))
}

func (p *pen) area(c color.Color, points ...xy) {
	path := p.path(points)
	path.Close()
	p.canvas.SetColor(c)
	p.canvas.Fill(path)
}

func (p *pen) box(c color.Color, x, y, width, height float64) {
	p.area(c, xy{x, y}, xy{x + width, y}, xy{x + width, y + height}, xy{x, y + height})
}

func (p *pen) dot(c color.Color, at xy, radius float64) {
	var path vg.Path
	center := p.point(at.x, at.y)
	path.Move(vg.Point{X: center.X + vg.Length(radius), Y: center.Y})
	path.Arc(center, vg.Length(radius), 0, 2*math.Pi)
	path.Close()
	p.canvas.SetColor(c)
	p.canvas.Fill(path)
}
