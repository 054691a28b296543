package slack

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Limits of a table block: 100 rows with the header and 20 columns, one in a
// message, by Slack's own types; and how much of a message one may take.
const (
	tableRows    = 99
	tableColumns = 20
	tableSize    = 8000 // as JSON
	tablePages   = 5    // messages that a long table may take
)

func cleanedTable(t *chat.Table) *chat.Table {
	if t == nil || len(t.Header) == 0 {
		return nil
	}
	width := min(len(t.Header), tableColumns)
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

// paged cuts a table into the messages that hold it, and says in the last row
// what is left out.
func paged(t *chat.Table, o options, size int) []*chat.Table {
	most := tablePages
	if o.update {
		most = 1
	}
	if o.simple {
		size = min(size, maxText) // it is one text then
	}
	var pages []*chat.Table
	for left := t.Rows; len(pages) == 0 || len(left) > 0; {
		n := holds(t.Header, left, o, size)
		page := &chat.Table{Header: t.Header, Rows: left[:n:n]}
		left = left[n:]
		pages = append(pages, page)
		if len(pages) == most && len(left) > 0 {
			page.Rows[n-1] = remainder(len(t.Header), len(left)+1)
			break
		}
	}
	return pages
}

// remainder is the last row of a table that was cut.
func remainder(width, rows int) []string {
	row := make([]string, width)
	row[0] = fmt.Sprintf("… and %d more", rows)
	return row
}

// holds returns how many of rows one message can hold, at least one where there
// is one.
func holds(header []string, rows [][]string, o options, size int) int {
	n, used := 0, costs(header, o)
	for n < min(len(rows), tableRows) {
		if used += costs(rows[n], o); used > size && n > 0 {
			break
		}
		n++
	}
	return n
}

// costs is what a row takes of the room for a table.
func costs(row []string, o options) int {
	const cell, column = len(`{"type":"raw_text","text":""},`), 2
	n := 2
	for _, c := range row {
		n += utf8.RuneCountInString(c)
		if o.simple {
			n += column
		} else {
			n += cell + strings.Count(c, `"`) + strings.Count(c, `\`)
		}
	}
	return n
}

// tabled returns a page of a table.
func tabled(t *chat.Table, o options) []slack.Block {
	if o.simple {
		text := chat.Cut(chat.Message{Table: t}.Plain(), maxText)
		return []slack.Block{rich(&slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{literal(filled(text))}})}
	}
	b := slack.NewTableBlock("").AddRow(cells(t.Header)...)
	for _, row := range t.Rows {
		b.AddRow(cells(row)...)
	}
	for i := range t.Header {
		b.ColumnSettings = append(b.ColumnSettings, slack.ColumnSetting{Align: aligned(t, i), IsWrapped: true})
	}
	return []slack.Block{b}
}

func cells(row []string) []slack.TableCell {
	out := make([]slack.TableCell, len(row))
	for i, c := range row {
		out[i] = slack.NewTableRawTextCell(filled(c))
	}
	return out
}

// aligned puts columns of numbers to the right.
func aligned(t *chat.Table, column int) slack.ColumnAlignment {
	numbers := false
	for _, row := range t.Rows {
		switch c := row[column]; {
		case c == "":
		case number.MatchString(c):
			numbers = true
		default:
			return slack.ColumnAlignmentLeft
		}
	}
	if numbers {
		return slack.ColumnAlignmentRight
	}
	return slack.ColumnAlignmentLeft
}

var number = regexp.MustCompile(`^[+\-−–]?\d[\d., \x{202f}\x{a0}]*\s?(%|pp)?$`)
