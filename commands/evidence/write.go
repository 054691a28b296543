package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"twokey/audit"
)

// checkLen is how many hex digits of its hash check one line.
const checkLen = 16

// Write writes a file: one JSON object, a member or a record a line. The last
// two members are there to find where a file was altered: the beginnings of the
// hashes of all lines before, and the hash of all of them together.
func (f *File) Write(w io.Writer) error {
	text, err := f.text()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	return nil
}

func (f *File) text() ([]byte, error) {
	text, err := encode(f)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(bytes.TrimSuffix(text, []byte("\n}\n")))
	b.WriteString(",\n  \"records\": [")
	for i, r := range f.Records {
		line, err := audit.Line(r)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		b.Write(line)
	}
	b.WriteString("\n  ],\n")
	checks, sum := checksOf(b.Bytes())
	fmt.Fprintf(b, "  \"lines\": %q,\n  \"sum\": %q\n}\n", strings.Join(checks, ""), sum)
	return b.Bytes(), nil
}

// encode writes v as indented JSON with a line break at the end.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(v); err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	return b.Bytes(), nil
}

// checksOf returns the check of each line, its line break included, and the
// hash of all.
func checksOf(body []byte) (checks []string, sum string) {
	for line := range bytes.Lines(body) {
		checks = append(checks, check(line))
	}
	return checks, hash(body)
}

func check(line []byte) string { return hash(line)[:checkLen] }

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Is reports whether a file that begins like this is evidence, even with a byte
// altered, and not an export of the whole chain, whose lines are objects.
func Is(beginning []byte) bool {
	line, _, _ := bytes.Cut(beginning, []byte("\n"))
	return !bytes.HasPrefix(line, []byte(`{"number":`)) && bytes.Contains(beginning, []byte(`"request":`)) || len(line) < 4
}

var errForm = errors.New("not evidence of a form that this version knows")

// Parse reads a file strictly: what it gives is written as the same bytes.
func Parse(data []byte) (*File, error) {
	var read struct {
		File
		Records []json.RawMessage `json:"records"`
		Lines   string            `json:"lines"`
		Sum     string            `json:"sum"`
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	in.UseNumber()
	if err := in.Decode(&read); err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	f := &read.File
	if f.Version != 1 || len(read.Records) == 0 {
		return nil, errForm
	}
	for i, line := range read.Records {
		r, err := audit.Parse(line)
		if err != nil {
			return nil, fmt.Errorf("read evidence: record %d of the file: %w", i+1, err)
		}
		f.Records = append(f.Records, r)
	}
	again, err := f.text()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, errors.New("read evidence: it is not spelled as it was written")
	}
	return f, nil
}
