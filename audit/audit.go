// Package audit is the record of who asked, decided and did what: numbered
// records, each of which carries the hash of the one before, so that editing,
// removing, inserting or reordering any of them is found by [Verify], with its
// number.
//
// A record is hashed over the exact text of its columns as they are stored.
// Nothing is parsed or put in order first: a byte that differs is a difference.
// Cutting off the end leaves a shorter chain that is whole in itself; it is
// found by comparing with a head that was kept elsewhere.
package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"
)

// Entry is what is to be recorded; the chain gives it a number and hashes.
type Entry struct {
	At      time.Time
	Tenant  string // tenant ID
	Kind    string // "request.submitted", "request.approved", …
	Actor   string // who did it: a directory user's object ID, or "twokey" for the bot itself
	Request string // the request it belongs to, or ""
	Facts   any    // encoded as JSON; no names, no secrets
}

// Record is an entry in the chain. The JSON form is a line of an export.
type Record struct {
	Number  int64  `json:"number"` // from 1, without gaps
	At      string `json:"at"`     // UTC, RFC 3339 with nanoseconds
	Tenant  string `json:"tenant"`
	Kind    string `json:"kind"`
	Actor   string `json:"actor"`
	Request string `json:"request"`
	Facts   string `json:"facts"` // JSON as it was hashed, kept as text
	Prev    string `json:"prev"`  // Hash of the record before; "" for the first
	Hash    string `json:"hash"`  // lower-case hex SHA-256
}

// Chain returns the record that e becomes after prev, the last record so far
// (nil for the first).
func Chain(prev *Record, e Entry) (Record, error) {
	facts, err := json.Marshal(e.Facts)
	if err != nil {
		return Record{}, fmt.Errorf("encode audit facts: %w", err)
	}
	r := Record{
		Number:  1,
		At:      e.At.UTC().Format(time.RFC3339Nano),
		Tenant:  e.Tenant,
		Kind:    e.Kind,
		Actor:   e.Actor,
		Request: e.Request,
		Facts:   string(facts),
	}
	if prev != nil {
		r.Number, r.Prev = prev.Number+1, prev.Hash
	}
	r.Hash = r.sum()
	return r, nil
}

// sum hashes the columns as a JSON array: its quoting keeps two columns from
// running into each other.
func (r Record) sum() string {
	text, err := json.Marshal([]any{r.Number, r.At, r.Tenant, r.Kind, r.Actor, r.Request, r.Facts, r.Prev})
	if err != nil {
		panic("audit: strings do not encode: " + err.Error()) // cannot happen: no type here can fail
	}
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

// BrokenError says where a chain stops being one.
type BrokenError struct {
	Number int64 // the first record that is wrong or missing
	Why    string
}

// Error names the record.
func (e *BrokenError) Error() string { return fmt.Sprintf("record %d: %s", e.Number, e.Why) }

// Say is the sentence for people.
func (e *BrokenError) Say() string {
	return fmt.Sprintf("The audit record was changed: record %d %s.", e.Number, e.Why)
}

// Verify reads records in the order of their numbers and returns the last
// one, nil if there are none. If head is not empty it must be the hash of one
// of them: a head that is not found means that the end was cut off or that the
// whole chain was replaced. The error is a [*BrokenError] where the chain is
// broken, or the reader's own.
func Verify(records iter.Seq2[Record, error], head string) (*Record, error) {
	var last *Record
	found := head == ""
	for r, err := range records {
		if err != nil {
			return last, fmt.Errorf("read audit: %w", err)
		}
		if err := follows(last, r); err != nil {
			return last, err
		}
		found = found || r.Hash == head
		last = &r
	}
	if !found {
		return last, &BrokenError{Number: next(last), Why: "is missing: the head kept elsewhere is not in the chain"}
	}
	return last, nil
}

func next(last *Record) int64 {
	if last == nil {
		return 1
	}
	return last.Number + 1
}

func follows(last *Record, r Record) error {
	prev := ""
	if last != nil {
		prev = last.Hash
	}
	switch {
	case r.Number > next(last):
		return &BrokenError{Number: next(last), Why: "is missing"}
	case r.Number < next(last):
		return &BrokenError{Number: r.Number, Why: "is out of order"}
	case r.Hash != r.sum():
		return &BrokenError{Number: r.Number, Why: "does not match its own hash"}
	case r.Prev != prev:
		return &BrokenError{Number: r.Number, Why: "does not follow the record before it"}
	}
	return nil
}

// Export writes records as JSON lines.
func Export(w io.Writer, records iter.Seq2[Record, error]) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for r, err := range records {
		if err != nil {
			return fmt.Errorf("read audit: %w", err)
		}
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("write audit export: %w", err)
		}
	}
	return nil
}

// Import reads what Export wrote. A line that is not a record, or has a member
// that a record has not, is an error: nothing in a file is skipped unseen.
func Import(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			rec, err := parse(lines.Bytes())
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
