package chart

import (
	"math"
	"strconv"
	"strings"
)

// Alt says in words what the picture shows, with the same numbers and none
// shortened, for whoever the picture does not reach: up to about a hundred
// characters a week.
func (c Chart) Alt() string {
	parts := []string{c.Title}
	if !c.AsOf.IsZero() {
		parts = append(parts, c.asOf())
	}
	parts = append(parts, c.Adoption.alt(c.Weeks), c.Legacy.alt(c.Weeks))
	var b strings.Builder
	for _, part := range parts {
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(part)
		if !strings.HasSuffix(part, ".") {
			b.WriteByte('.')
		}
	}
	return b.String()
}

func (c Chart) asOf() string {
	return "As of " + c.AsOf.Format("Mon 2 Jan 2006 15:04 MST")
}

func (l Line) alt(weeks []string) string {
	if why := l.reason(); why != "" {
		return l.Title + ": " + why
	}
	list := make([]string, len(l.Values))
	for i, v := range l.Values {
		list[i] = weekLabel(weeks[i]) + " " + l.word(v)
		if i == l.last() && l.Note != "" {
			list[i] += " (" + l.Note + ")"
		}
	}
	text := l.Title + ": " + strings.Join(list, ", ")
	if l.Goal.Known {
		text += "; goal " + l.word(l.Goal)
	}
	for i, r := range l.Band {
		if i == 0 {
			text += "; at the pace of the last weeks "
		} else {
			text += ", "
		}
		text += weekLabel(weeks[len(l.Values)+i]) + " " + l.reachWord(r)
	}
	return text
}

// reachWord is a range as it is shown, one number where both ends read alike.
func (l Line) reachWord(r Reach) string {
	if decimal(r.Low) == decimal(r.High) {
		return l.word(Known(r.High))
	}
	return decimal(r.Low) + " to " + l.word(Known(r.High))
}

// word is a value of the line as it is shown.
func (l Line) word(v Value) string {
	switch {
	case !v.Known:
		return "not measured"
	case l.percent():
		return decimal(v.Number) + " %"
	default:
		return decimal(v.Number)
	}
}

func (b Bars) alt(weeks []string) string {
	if why := b.reason(); why != "" {
		return b.Title + ": " + why
	}
	list := make([]string, len(b.Stacks))
	for i, stack := range b.Stacks {
		list[i] = weekLabel(weeks[i]) + " " + b.word(stack)
	}
	return b.Title + ": " + strings.Join(list, "; ")
}

// word is a stack with its parts, those without any left out.
func (b Bars) word(stack []int) string {
	if stack == nil {
		return "not measured"
	}
	var parts []string
	for i, n := range stack {
		if n > 0 {
			parts = append(parts, b.Names[i]+" "+decimal(float64(n)))
		}
	}
	text := decimal(float64(total(stack)))
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text
}

// weekLabel shortens an ISO week to its number, "W47".
func weekLabel(week string) string {
	if _, number, ok := isoWeek(week); ok {
		return number
	}
	return week
}

func isoWeek(week string) (year, number string, ok bool) {
	year, number, ok = strings.Cut(week, "-W")
	if _, err := strconv.Atoi(year + number); err != nil || len(year) != 4 || len(number) != 2 {
		return "", "", false
	}
	return year, "W" + number, ok
}

// decimal is a number with at most one decimal and commas between thousands.
func decimal(v float64) string {
	text := strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	whole, rest, fraction := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction {
		return whole + "." + rest
	}
	return whole
}

// short is a number for where there is little room: from a hundred thousand on
// in thousands or millions, with three figures.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "bn"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= 1e5 && v >= 0.9995*unit.size { // what rounds up to it counts as it
			digits := strconv.FormatFloat(v/unit.size, 'g', 3, 64)
			return digits + unit.name
		}
	}
	return decimal(v)
}
