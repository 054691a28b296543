package audit

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Export writes records as JSON lines, which Import reads.
func Export(w io.Writer, records iter.Seq2[Record, error]) error {
	for r, err := range records {
		if err != nil {
			return fmt.Errorf("read audit: %w", err)
		}
		line, err := Line(r)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("write audit export: %w", err)
		}
	}
	return nil
}

// Line returns the JSON form of a record or link in the one spelling that
// Import takes, without a line break.
func Line(r Record) ([]byte, error) {
	type text struct {
		Record
		Body string `json:"body,omitempty"`
	}
	var v any = text{Record: r}
	if r.Body != "" {
		v = struct {
			Number int64  `json:"number"`
			Body   string `json:"body"`
			Hash   string `json:"hash"`
		}{r.Number, r.Body, r.Hash}
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return nil, fmt.Errorf("encode audit record: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// longestLine is more than the longest record has.
const longestLine = 16 << 20

// Import reads what Export wrote. A line that is not a record, or has a member
// that a record has not, is an error: nothing in a file is skipped unseen.
func Import(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, longestLine)
		for n := 1; lines.Scan(); n++ {
			rec, err := Parse(lines.Bytes())
			if err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Record{}, err)
		}
	}
}

var errTrailing = errors.New("more than one value on the line")

// Parse reads one line strictly and insists that it is spelled as Line spells
// it: an export with a changed byte must not pass because the change means the
// same.
func Parse(line []byte) (Record, error) {
	var r Record
	in := json.NewDecoder(bytes.NewReader(line))
	in.DisallowUnknownFields()
	if err := in.Decode(&r); err != nil {
		return Record{}, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return Record{}, errTrailing
	}
	again, err := Line(r)
	if err != nil {
		return Record{}, err
	}
	if !bytes.Equal(again, line) {
		return Record{}, errors.New("not spelled as it was exported")
	}
	return r, nil
}

// ExportCSV writes records for a spreadsheet: a row of headings, and the actor
// also by the name that the function knows, if any. A text that a spreadsheet
// would take for a formula has an apostrophe before it; the exact text is what
// Export writes.
func ExportCSV(w io.Writer, records iter.Seq2[Record, error], name func(pseudonym string) (string, error)) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write([]string{"number", "at", "tenant", "kind", "actor", "name", "request", "facts", "prev", "hash"}); err != nil {
		return fmt.Errorf("write audit export: %w", err)
	}
	for r, err := range records {
		if err != nil {
			return fmt.Errorf("read audit: %w", err)
		}
		who, err := name(r.Actor)
		if err != nil {
			return fmt.Errorf("read names: %w", err)
		}
		row := []string{strconv.FormatInt(r.Number, 10), r.At, r.Tenant, r.Kind, r.Actor, who, r.Request, r.Facts, r.Prev, r.Hash}
		for i := range row {
			row[i] = Cell(row[i])
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write audit export: %w", err)
		}
	}
	out.Flush()
	return out.Error()
}

var oneLine = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ", "\x00", "")

// Cell makes text that is harmless in a spreadsheet. What is looked at is the
// first character that is no space, because some programs skip those, and line
// breaks become spaces: a cell must not look like a row.
func Cell(s string) string {
	s = oneLine.Replace(s)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \u00a0\u3000\ufeff"))
	if strings.ContainsRune("=+-@|%＝＋－＠−", first) {
		return "'" + s
	}
	return s
}
