package discord

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"twokey/chat"
)

// cleaned returns m with every text as it can be shown, whoever made it: no
// character that hides, stacks or changes the order, and nothing longer than
// its place. Line breaks stay where a part may have several lines.
func cleaned(m chat.Message) chat.Message {
	m.Notice, m.Headline = chat.Safe(m.Notice, maxNotice), chat.Safe(m.Headline, 0)
	m.Text, m.Steps = lines(m.Text), cleanedSteps(m.Steps)
	m.Fields, m.Details = cleanedFields(m.Fields), cleanedFields(m.Details)
	m.Table = cleanedTable(m.Table)
	m.Links = cleanedLinks(m.Links)
	if m.Image != nil {
		image := *m.Image
		image.Alt = filled(lines(image.Alt))
		m.Image = &image
	}
	if m.File != nil {
		file := *m.File
		file.Name, file.Alt = file.Shown(), chat.Safe(file.Alt, maxLabel)
		m.File = &file
	}
	m.Footer, m.Request = chat.Cut(lines(m.Footer), maxSmall), chat.Safe(m.Request, maxLabel)
	m.Buttons = cleanedButtons(m.Buttons)
	return m
}

// lines returns text of several lines with each of them safe.
func lines(s string) string {
	all := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range all {
		all[i] = chat.Safe(line, 0)
	}
	return strings.TrimSpace(strings.Join(all, "\n"))
}

func cleanedSteps(steps []string) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = chat.Safe(s, 0)
	}
	return out
}

func cleanedFields(fields []chat.Field) []chat.Field {
	out := make([]chat.Field, len(fields))
	for i, f := range fields {
		f.Label = filled(chat.Safe(f.Label, maxLabel))
		if !f.Quoted { // a quotation is made safe where it is shown
			f.Value = lines(f.Value)
		}
		out[i] = f
	}
	return out
}

func cleanedTable(t *chat.Table) *chat.Table {
	if t == nil || len(t.Header) == 0 {
		return nil
	}
	width := min(len(t.Header), maxColumns)
	row := func(cells []string) []string {
		out := make([]string, width)
		for i := range out {
			if i < len(cells) {
				out[i] = chat.Safe(cells[i], maxCell)
			}
		}
		return out
	}
	clean := &chat.Table{Header: row(t.Header), Rows: make([][]string, len(t.Rows))}
	for i, cells := range t.Rows {
		clean.Rows[i] = row(cells)
	}
	return clean
}

func cleanedLinks(links []chat.Link) []chat.Link {
	out := make([]chat.Link, len(links))
	for i, l := range links {
		out[i] = chat.Link{Label: filled(chat.Safe(l.Label, maxLabel)), URL: chat.Safe(l.URL, 0)}
	}
	return out
}

func cleanedButtons(buttons []chat.Button) []chat.Button {
	out := make([]chat.Button, len(buttons))
	for i, b := range buttons[:min(len(buttons), maxButtons)] {
		b.Label = filled(chat.Safe(b.Label, maxButtonLabel))
		out[i] = b
	}
	return out[:min(len(buttons), maxButtons)]
}

// filled returns what stands for a text that is empty, which Discord refuses.
func filled(s string) string {
	if strings.TrimSpace(s) == "" {
		return "–"
	}
	return s
}

// maxAddress is how long a link may be.
const maxAddress = 512

// followed reports whether a link is one that we make: https, whole, and not too
// long.
func followed(l chat.Link) bool {
	u, err := url.Parse(l.URL)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && utf8.RuneCountInString(l.URL) <= maxAddress
}

// addressOf returns the address of a link as it can stand in Discord's markup,
// in which it holds nothing that would end it early. The angle brackets keep
// Discord from showing what is there.
func addressOf(l chat.Link) string {
	return "<" + strings.NewReplacer("<", "%3C", ">", "%3E", "(", "%28", ")", "%29", " ", "%20", `\`, "%5C").Replace(l.URL) + ">"
}

// fileName returns a name that Discord takes as it is, which is what an embed
// has to call its picture by.
func fileName(name string) string {
	name = strings.Trim(notInNames.ReplaceAllString(name, "_"), ".")
	if len(name) > 80 {
		name = name[len(name)-80:]
	}
	if name == "" {
		return "file"
	}
	return name
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// inert returns text in which Discord finds nothing to follow, to ping, to draw
// or to format: before every character that could begin such a thing stands a
// backslash, which is not shown. Colon and slash are among them, so that there
// are neither addresses nor invitations to other servers.
func inert(s string) string {
	var b strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		line = special.ReplaceAllString(line, `\$0`)
		line = lineBegin.ReplaceAllString(line, `$1\$2`)
		b.WriteString(listBegin.ReplaceAllString(line, `$1\$2`))
	}
	return b.String()
}

// What means something at the beginning of a line alone: headings, quotations,
// small print and lists.
var (
	lineBegin = regexp.MustCompile(`^(\s*)([#>+-])`)
	listBegin = regexp.MustCompile(`^(\s*\d+)([.)])`)
)

// special is what means something anywhere.
var special = regexp.MustCompile("[\\\\*_~`|\\[\\]<@:/]")
