package chat

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// Message is what the bot says, before any platform has a say in its looks.
// Every part is optional; they are shown in the order in which they are
// declared here.
type Message struct {
	// Notice is what a notification shows instead of the headline, for
	// messages whose headline names somebody who should not stand on a locked
	// screen.
	Notice   string   `json:"notice,omitempty"`
	Headline string   `json:"headline,omitempty"` // one sentence
	Text     string   `json:"text,omitempty"`     // paragraphs, parted by empty lines
	Steps    []string `json:"steps,omitempty"`    // numbered, one sentence or two each
	Fields   []Field  `json:"fields,omitempty"`
	Table    *Table   `json:"table,omitempty"`
	Details  []Field  `json:"details,omitempty"` // shown smaller or folded away
	Links    []Link   `json:"links,omitempty"`
	Image    *Image   `json:"image,omitempty"`
	File     *File    `json:"file,omitempty"`
	Footer   string   `json:"footer,omitempty"` // small print: as of when, who can see this
	Buttons  []Button `json:"buttons,omitempty"`
	Request  string   `json:"request,omitempty"` // the request it is about, "R-ABC234"
	// Secret says that it holds what one person alone may see, once: an adapter
	// shows it to them and never stores, logs or repeats it.
	Secret bool `json:"-"`
}

// Field is a labelled value. A quoted value is somebody's own words or a
// tenant's own name, shown so that it cannot be taken for the bot's.
type Field struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Quoted bool   `json:"quoted,omitempty"`
}

// Table is rows of cells under a header. Every row has as many cells as the header.
type Table struct {
	Header []string   `json:"header"`
	Rows   [][]string `json:"rows"`
}

// Link is an address of ours or of Microsoft that a person may follow.
type Link struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// Image is a picture with the words that carry the same facts.
type Image struct {
	Name string `json:"name"` // file name with its ending
	PNG  []byte `json:"png"`
	Alt  string `json:"alt"`
}

// File is something to keep, which an adapter offers for download to those who
// see the message.
type File struct {
	Name  string `json:"name"`  // with its ending
	Media string `json:"media"` // its media type, "text/csv"
	Data  []byte `json:"data"`
	Alt   string `json:"alt"` // what is in it, in a few words
}

// Style says how a button feels.
type Style int

// The styles. Danger is for what cannot be taken back.
const (
	Plain Style = iota
	Primary
	Danger
)

// Button is something to press. Value goes to the handler as it is and must
// not be trusted by it: it says which request is meant, not what is in it.
type Button struct {
	ID    string      `json:"id"`
	Label string      `json:"label"`
	Value string      `json:"value,omitempty"`
	Style Style       `json:"style,omitempty"`
	Form  []FormField `json:"form,omitempty"` // asked for before the press counts
}

// FormField is one line of a form.
type FormField struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	Required bool   `json:"required,omitempty"`
	MaxRunes int    `json:"max_runes,omitempty"`
}

// Notification returns the one line that a lock screen may show.
func (m Message) Notification() string {
	if m.Notice != "" {
		return m.Notice
	}
	if m.Headline != "" {
		return m.Headline
	}
	first, _, _ := strings.Cut(m.Text, "\n")
	return first
}

// Plain returns the whole message as plain text: the twin for screen readers,
// terminals and platforms that show nothing else. Buttons are named, because a
// reader must know that there is something to decide.
func (m Message) Plain() string {
	var b strings.Builder
	part := func(s string) {
		if s == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(s)
	}
	part(m.Headline)
	part(m.Text)
	part(numbered(m.Steps))
	part(labelled(m.Fields))
	part(m.Table.plain())
	part(labelled(m.Details))
	part(linked(m.Links))
	if m.Image != nil {
		part("[picture: " + m.Image.Alt + "]")
	}
	if m.File != nil {
		part("[file: " + m.File.Shown() + "]")
	}
	part(m.Footer)
	if m.Request != "" {
		part("Request " + m.Request)
	}
	part(buttons(m.Buttons))
	return b.String()
}

// Shown returns the name under which the file can be shown and kept anywhere:
// [Safe], within 120 runes, and in no folder.
func (f File) Shown() string {
	name := strings.TrimLeft(Safe(folders.Replace(f.Name), 0), ". ")
	if name == "" {
		return "file"
	}
	return shorten(name, maxFileName)
}

const maxFileName = 120

var folders = strings.NewReplacer("/", "_", `\`, "_", ":", "_")

// shorten cuts a file's name before its ending, so that it keeps its kind.
func shorten(name string, limit int) string {
	if utf8.RuneCountInString(name) <= limit {
		return name
	}
	ending := path.Ext(name)
	if utf8.RuneCountInString(ending) > 10 {
		ending = ""
	}
	keep := limit - utf8.RuneCountInString(ending) - 1
	return string([]rune(name)[:keep]) + "…" + ending
}

func numbered(steps []string) string {
	lines := make([]string, len(steps))
	for i, s := range steps {
		lines[i] = fmt.Sprintf("%d. %s", i+1, s)
	}
	return strings.Join(lines, "\n")
}

func labelled(fields []Field) string {
	lines := make([]string, len(fields))
	for i, f := range fields {
		lines[i] = f.Label + ": " + f.Shown()
		if shown := f.Shown(); strings.Contains(shown, "\n") { // a list: it begins on a line of its own
			lines[i] = f.Label + ":\n" + shown
		}
	}
	return strings.Join(lines, "\n")
}

// Shown returns the value as text: a quoted one stands between quotation marks
// on a single line, so that words inside it cannot pass for fields of ours.
func (f Field) Shown() string {
	if !f.Quoted {
		return f.Value
	}
	return "“" + quotable(f.Value) + "”"
}

// quotable returns somebody's words as they may stand between our quotation
// marks: [Safe], and without such a mark that would end the quotation early.
func quotable(s string) string {
	return innerQuotes.Replace(Safe(strings.Join(strings.Fields(s), " "), 0))
}

var innerQuotes = strings.NewReplacer("“", `"`, "”", `"`)

func linked(links []Link) string {
	lines := make([]string, len(links))
	for i, l := range links {
		lines[i] = l.Label + ": " + l.URL
	}
	return strings.Join(lines, "\n")
}

func buttons(bs []Button) string {
	labels := make([]string, len(bs))
	for i, b := range bs {
		labels[i] = "[" + b.Label + "]"
	}
	return strings.Join(labels, " ")
}

// Shown returns the table with every cell as it can be shown: [Safe]. A cell
// may hold a name that the tenant gave, and no name may begin a row of ours.
func (t *Table) Shown() *Table {
	if t == nil {
		return nil
	}
	safe := func(row []string) []string {
		out := make([]string, len(row))
		for i, cell := range row {
			out[i] = Safe(cell, 0)
		}
		return out
	}
	shown := &Table{Header: safe(t.Header), Rows: make([][]string, len(t.Rows))}
	for i, row := range t.Rows {
		shown.Rows[i] = safe(row)
	}
	return shown
}

// plain sets the table in columns of equal width, counted in runes.
func (t *Table) plain() string {
	if t == nil || len(t.Header) == 0 {
		return ""
	}
	t = t.Shown()
	width := make([]int, len(t.Header))
	rows := append([][]string{t.Header}, t.Rows...)
	for _, row := range rows {
		for i := range min(len(row), len(width)) {
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		if n > 0 {
			b.WriteByte('\n')
		}
		for i := range min(len(row), len(width)) {
			b.WriteString(row[i])
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(row[i])+2))
			}
		}
	}
	return b.String()
}
