package evidence

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// AlteredError says where a file is not as it was written.
type AlteredError struct {
	Line   int // from 1
	Offset int // of the altered byte from the beginning of the file; of the line's first if it cannot be told
	Exact  bool
	Is     byte // the altered byte, if Exact
	Was    byte // what it was, if Exact

	text  []byte // of the line
	check string // of the line as it was written
}

func (e *AlteredError) Error() string {
	if e.Exact {
		return fmt.Sprintf("line %d, byte %d is %q and was %q", e.Line, e.Offset, e.Is, e.Was)
	}
	return fmt.Sprintf("line %d, from byte %d on, is not as it was written", e.Line, e.Offset)
}

// Say is the sentence for people.
func (e *AlteredError) Say() string { return "The evidence was changed: " + e.Error() + "." }

// trailer begins the members that find where a file was altered.
const trailer = "  \"lines\": \""

// intact compares a file with its own checks.
func intact(data []byte) error {
	at := bytes.LastIndex(data, []byte("\n"+trailer)) + 1
	if at == 0 {
		return lastLines(data)
	}
	body, tail := data[:at], string(data[at:])
	checks, sum := checksOf(body)
	want := fmt.Sprintf("%s%s\",\n  \"sum\": %q\n}\n", trailer, strings.Join(checks, ""), sum)
	if tail == want {
		return nil
	}
	if strings.Contains(tail, sum) { // all lines are right: the altered byte is behind them
		return difference(data, at, tail, want)
	}
	stored, _, _ := strings.Cut(strings.TrimPrefix(tail, trailer), "\"")
	offset, n := 0, 0
	for line := range bytes.Lines(body) {
		was := ""
		if end := (n + 1) * checkLen; end <= len(stored) {
			was = stored[n*checkLen : end]
		}
		if check(line) != was {
			return &AlteredError{Line: n + 1, Offset: offset, text: line, check: was}
		}
		offset += len(line)
		n++
	}
	return difference(data, at, tail, want)
}

// lastLines names the place where the trailer should begin and does not.
func lastLines(data []byte) error {
	lines := bytes.SplitAfter(data, []byte("\n"))
	n := max(0, len(lines)-4) // the trailer is three lines, and nothing is behind the last
	offset := 0
	for _, line := range lines[:n] {
		offset += len(line)
	}
	if n < len(lines) {
		return &AlteredError{Line: n + 1, Offset: offset}
	}
	return &AlteredError{Line: 1}
}

// difference names the first byte of the trailer that is not as it must be.
func difference(data []byte, at int, is, want string) error {
	i := 0
	for i < len(is) && i < len(want) && is[i] == want[i] {
		i++
	}
	e := &AlteredError{Line: 1 + bytes.Count(data[:at+i], []byte("\n")), Offset: at + i}
	if len(is) == len(want) && is[i+1:] == want[i+1:] {
		e.Exact, e.Is, e.Was = true, is[i], want[i]
	}
	return e
}

// searched bounds the length of a line in which the altered byte is searched.
const searched = 8 << 10

// Find looks for the one byte of the line that makes it the line which was
// written, and if there is one, e says which. It can take a second.
func (e *AlteredError) Find() {
	if e.Exact || e.check == "" || len(e.text) > searched {
		return
	}
	line := slices.Clone(e.text)
	for i, is := range e.text {
		for b := range 256 {
			line[i] = byte(b)
			if line[i] != is && check(line) == e.check {
				e.Exact, e.Is, e.Was, e.Offset = true, is, line[i], e.Offset+i
				return
			}
		}
		line[i] = is
	}
}
