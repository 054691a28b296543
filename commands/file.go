package commands

import (
	"bytes"
	"encoding/csv"
	"fmt"

	"twokey/audit"
	"twokey/chat"
)

// A sheet is rows to be kept as a file. Its columns are named as in JSON:
// "sign_in_name".
type sheet struct {
	columns []string
	rows    [][]string
}

// csv writes the sheet for a spreadsheet: no cell can become a formula. With a
// mark at its beginning a spreadsheet knows that it is UTF-8.
func (s sheet) csv(mark bool) ([]byte, error) {
	var b bytes.Buffer
	if mark {
		b.WriteString("\ufeff")
	}
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	for _, row := range append([][]string{s.columns}, s.rows...) {
		cells := make([]string, len(row))
		for i, text := range row {
			cells[i] = audit.Cell(text)
		}
		if err := w.Write(cells); err != nil {
			return nil, fmt.Errorf("write sheet: %w", err)
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// lines writes the sheet as JSON, an object on each line with its members in
// the order of the columns.
func (s sheet) lines() []byte {
	var b bytes.Buffer
	for _, row := range s.rows {
		for i, text := range row {
			b.WriteByte("{,"[min(i, 1)])
			b.WriteString(encode(s.columns[i]) + ":" + encode(text))
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

// file is the sheet as somebody keeps it.
func (s sheet) file(name, format string, mark bool) (*chat.File, error) {
	f := &chat.File{Name: name + ".jsonl", Media: "application/jsonl", Alt: plural(fmt.Sprint(len(s.rows)), "row")}
	if format == formatJSON {
		f.Data = s.lines()
		return f, nil
	}
	data, err := s.csv(mark)
	f.Name, f.Media, f.Data = name+".csv", "text/csv", data
	return f, err
}

// The formats of an export.
const (
	formatCSV  = "csv"
	formatJSON = "json"
)
