// Package chart draws the week's picture: how many people are registered, and
// below it the legacy sign-ins that still succeed, week by week. It is sized
// for a phone and never says a thing by colour alone; [Chart.Alt] says the same
// numbers in words.
//
// The drawing is our own on gonum's canvas and fonts. Its ready-made plots
// join a line over missing weeks, put ticks at half a sign-in and labels into
// a legend far from what they name.
package chart

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// MaxWeeks is the longest time that is still readable at this size.
const MaxWeeks = 104

// A Chart is what is drawn. A week that was not measured is a gap, never a zero.
type Chart struct {
	Title    string
	AsOf     time.Time // shown in its own zone; zero: not shown
	Weeks    []string  // ISO weeks, oldest first, "2026-W47"; another text is shown as it is
	Ahead    int       // so many of Weeks, the last ones, are still to come
	Adoption Line
	Legacy   Bars
}

// Line is the upper panel: one value a week.
type Line struct {
	Title  string  // "Registered people"
	Unit   string  // "%" gives an axis from 0 to 100; else what is counted, "people"
	Values []Value // one for each week of the chart that is not still to come
	Band   []Reach // for each week still to come how far the line may get; empty: not drawn
	Note   string  // beside the last value, "412 of 455"; may be empty
	Goal   Value
	Reason string // why there is no line at all; nothing else is then drawn
}

// Reach is between which numbers a week to come will be.
type Reach struct{ Low, High float64 }

// Value is a number, or, as the zero Value, the lack of one.
type Value struct {
	Number float64
	Known  bool
}

// Known returns a value that was measured.
func Known(n float64) Value { return Value{n, true} }

// Bars is the lower panel: one stack of counts a week.
type Bars struct {
	Title  string
	Unit   string   // "sign-ins"
	Names  []string // of the parts, from the bottom up; at most 6
	Stacks [][]int  // for each week that is not still to come a count for each name, or nil if not measured
	Reason string   // why there are no bars at all; nothing else is then drawn
}

// Draw returns the chart as a PNG, 720 pixels wide. The same chart gives the
// same bytes. It fails on a chart that contradicts itself, and names the field.
func Draw(c Chart) ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("draw chart: %w", err)
	}
	return c.draw()
}

func (c Chart) validate() error {
	if len(c.Weeks) > MaxWeeks {
		return fmt.Errorf("weeks: %d, at most %d can be read", len(c.Weeks), MaxWeeks)
	}
	if c.Ahead < 0 || c.Ahead > len(c.Weeks) {
		return fmt.Errorf("ahead: %d of %d weeks", c.Ahead, len(c.Weeks))
	}
	past := len(c.Weeks) - c.Ahead
	return errors.Join(c.Adoption.validate(past), c.Adoption.validateBand(c.Ahead), c.Legacy.validate(past))
}

func (l Line) validateBand(weeks int) error {
	if l.Reason != "" || len(l.Band) == 0 {
		return nil
	}
	if len(l.Band) != weeks {
		return fmt.Errorf("adoption: a band of %d weeks for %d", len(l.Band), weeks)
	}
	for _, r := range l.Band {
		if !(r.Low >= 0) || !(r.High >= r.Low) || math.IsInf(r.High, 0) || l.percent() && r.High > 100 {
			return fmt.Errorf("adoption: a band from %v to %v", r.Low, r.High)
		}
	}
	return nil
}

func (l Line) validate(weeks int) error {
	if l.Reason != "" {
		return nil
	}
	if len(l.Values) != weeks {
		return fmt.Errorf("adoption: %d values for %d weeks", len(l.Values), weeks)
	}
	for _, v := range append([]Value{l.Goal}, l.Values...) {
		switch {
		case !v.Known:
		case !(v.Number >= 0) || math.IsInf(v.Number, 0):
			return fmt.Errorf("adoption: %v is no measured number", v.Number)
		case l.percent() && v.Number > 100:
			return fmt.Errorf("adoption: %v is more than 100 %%", v.Number)
		}
	}
	return nil
}

func (b Bars) validate(weeks int) error {
	switch {
	case b.Reason != "":
		return nil
	case len(b.Stacks) != weeks:
		return fmt.Errorf("legacy: %d stacks for %d weeks", len(b.Stacks), weeks)
	case len(b.Names) > len(palette):
		return fmt.Errorf("legacy: %d names, at most %d can be told apart", len(b.Names), len(palette))
	}
	for _, stack := range b.Stacks {
		if stack != nil && len(stack) != len(b.Names) {
			return fmt.Errorf("legacy: %d counts for %d names", len(stack), len(b.Names))
		}
		for _, n := range stack {
			if n < 0 {
				return fmt.Errorf("legacy: a count of %d", n)
			}
		}
	}
	return nil
}

func (l Line) percent() bool { return l.Unit == "%" }

// reason says why there is nothing to draw, "" if there is something.
func (l Line) reason() string {
	if l.Reason != "" {
		return l.Reason
	}
	if l.last() < 0 {
		return nothingYet
	}
	return ""
}

// last is the index of the last value that is known, -1 for none.
func (l Line) last() int {
	for i := len(l.Values) - 1; i >= 0; i-- {
		if l.Values[i].Known {
			return i
		}
	}
	return -1
}

func (b Bars) reason() string {
	if b.Reason != "" {
		return b.Reason
	}
	for _, stack := range b.Stacks {
		if stack != nil {
			return ""
		}
	}
	return nothingYet
}

const nothingYet = "not measured yet"

func total(stack []int) (sum int) {
	for _, n := range stack {
		sum += n
	}
	return sum
}
