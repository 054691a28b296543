package chat

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Caps are a platform's limits as data. A zero limit means none.
type Caps struct {
	Headline    int // runes
	Text        int // runes
	Value       int // runes of a field's value
	Fields      int // fields and details together
	Rows        int // rows of a table
	Buttons     int
	ButtonLabel int // runes
	Images      bool
}

// Fit returns m within caps. What is cut says so: a reader is never left to
// believe that the rest was not there. Steps count as text. Buttons beyond the
// limit are a mistake in our own code, not data, and are dropped from the end.
func Fit(m Message, caps Caps) Message {
	m.Headline = Cut(m.Headline, caps.Headline)
	m.Text, m.Steps = fitText(m.Text, m.Steps, caps.Text)
	m.Fields, m.Details = fitFields(m.Fields, m.Details, caps)
	m.Table = fitTable(m.Table, caps.Rows)
	if caps.Buttons > 0 && len(m.Buttons) > caps.Buttons {
		m.Buttons = m.Buttons[:caps.Buttons]
	}
	m.Buttons = fitLabels(m.Buttons, caps.ButtonLabel)
	if m.Image != nil && !caps.Images {
		m.Footer = join(m.Footer, m.Image.Alt)
		m.Image = nil
	}
	return m
}

// Cut returns s within limit runes, ending in "… (cut)" if it was longer, or in
// "…" where there is no room for that. A limit of 0 cuts nothing.
func Cut(s string, limit int) string {
	if limit <= 0 || utf8.RuneCountInString(s) <= limit {
		return s
	}
	mark := "… (cut)"
	keep := limit - utf8.RuneCountInString(mark)
	if keep <= 0 {
		mark, keep = "…", limit-1
	}
	return string([]rune(s)[:keep]) + mark
}

// fitText drops steps from the end until they and the text are within limit
// runes. Where no step fits, what is left of them is cut like text.
func fitText(text string, steps []string, limit int) (string, []string) {
	if limit <= 0 || len(steps) == 0 {
		return Cut(text, limit), steps
	}
	whole := func(steps []string) string { return strings.TrimPrefix(text+"\n\n"+numbered(steps), "\n\n") }
	fewer := steps
	for keep := len(steps) - 1; utf8.RuneCountInString(whole(fewer)) > limit; keep-- {
		if keep == 0 {
			return Cut(whole(steps), limit), nil
		}
		fewer = append(steps[:keep:keep], fmt.Sprintf("… and %d more", len(steps)-keep))
	}
	return text, fewer
}

func fitFields(fields, details []Field, caps Caps) (_, _ []Field) {
	cut := func(fs []Field) []Field {
		out := make([]Field, len(fs))
		for i, f := range fs {
			out[i] = fitValue(f, caps.Value)
		}
		return out
	}
	fields, details = cut(fields), cut(details)
	if caps.Fields <= 0 || len(fields)+len(details) <= caps.Fields {
		return fields, details
	}
	left := len(fields) + len(details) - caps.Fields + 1
	more := Field{Label: "Not shown", Value: fmt.Sprintf("%d more", left)}
	if len(details) >= left {
		return fields, append(details[:len(details)-left:len(details)-left], more)
	}
	keep := caps.Fields - 1
	return append(fields[:keep:keep], more), nil
}

// fitValue cuts the value so that it is within limit runes as it is shown,
// quotation marks included.
func fitValue(f Field, limit int) Field {
	if !f.Quoted {
		f.Value = Cut(f.Value, limit)
	} else if limit > 0 {
		f.Value = Cut(quotable(f.Value), max(limit-2, 1))
	}
	return f
}

func fitTable(t *Table, rows int) *Table {
	if t == nil || rows <= 0 || len(t.Rows) <= rows {
		return t
	}
	keep := rows - 1
	last := make([]string, max(len(t.Header), 1))
	last[0] = fmt.Sprintf("… and %d more", len(t.Rows)-keep)
	return &Table{Header: t.Header, Rows: append(t.Rows[:keep:keep], last)}
}

func fitLabels(bs []Button, limit int) []Button {
	out := make([]Button, len(bs))
	for i, b := range bs {
		b.Label = Cut(b.Label, limit)
		out[i] = b
	}
	return out
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}
