package simtenant

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// pageBody is a page of a list, with its rows written as they came: a tenant
// spends most of its time on them. It reads as encoding/json would write it.
type pageBody struct {
	head document // without "value"
	rows []byte   // separated by commas
}

// spareRows are buffers for rows that are in nobody's hands.
var spareRows = sync.Pool{New: func() any { return new([]byte) }}

func newPage(head document) pageBody {
	return pageBody{head, (*spareRows.Get().(*[]byte))[:0]}
}

// add writes one more row.
func (p *pageBody) add(v *view, shown columns, e entity) {
	if len(p.rows) > 0 {
		p.rows = append(p.rows, ',')
	}
	if d, ok := e.(document); ok && shown.open {
		p.rows = appendJSON(p.rows, d)
		return
	}
	p.rows = append(p.rows, '{')
	first := true
	for _, name := range shown.names {
		value := e.prop(v, name)
		if value == (absent{}) {
			continue
		}
		if !first {
			p.rows = append(p.rows, ',')
		}
		first = false
		p.rows = append(p.rows, '"')
		p.rows = append(p.rows, name...)
		p.rows = append(p.rows, '"', ':')
		p.rows = appendJSON(p.rows, value)
	}
	p.rows = append(p.rows, '}')
}

// absent is the value of what is left out of an answer, and not said to be null.
type absent struct{}

// beginning is the page up to its rows. Its members are sorted, and "value"
// comes last: all others begin with an @.
func (p *pageBody) beginning() []byte {
	b := appendJSON(make([]byte, 0, 600), p.head)
	return append(b[:len(b)-1], `,"value":[`...)
}

// send writes the page, which is used up by it.
func (p *pageBody) send(w io.Writer) {
	for _, part := range [][]byte{p.beginning(), p.rows, []byte("]}\n")} {
		_, _ = w.Write(part) // the peer may be gone; nobody is left to tell
	}
	spareRows.Put(&p.rows)
}

// MarshalJSON is for pages within a batch.
func (p pageBody) MarshalJSON() ([]byte, error) {
	return append(append(p.beginning(), p.rows...), ']', '}'), nil
}

// appendJSON writes a value as it goes out.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case string:
		return appendText(b, v)
	case time.Time:
		if v.IsZero() {
			return append(b, "null"...)
		}
		b = append(b, '"')
		return append(v.UTC().AppendFormat(b, fineFormat), '"')
	case document:
		return appendObject(b, v)
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, x)
		}
		return append(b, ']')
	case []string:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, x)
		}
		return append(b, ']')
	default:
		return appendOther(b, v)
	}
}

func appendObject(b []byte, d document) []byte {
	names := make([]string, 0, 16)
	for name := range d {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		b = appendJSON(b, d[name])
	}
	return append(b, '}')
}

// appendText writes a string. Most hold nothing that has to be escaped.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == 0xe2 || c >= utf8.RuneSelf && !utf8.ValidString(s) {
			return appendOther(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendOther(b []byte, v any) []byte {
	var buffer bytes.Buffer
	enc := json.NewEncoder(&buffer)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return append(b, "null"...) // values are made of JSON's own types
	}
	return append(b, bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))...)
}
