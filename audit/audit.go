// Package audit is the record of who asked, decided and did what: numbered
// records, each of which carries the hash of the one before, so that editing,
// removing, inserting or reordering any of them is found by [Verify], with its
// number.
//
// A record's text is hashed as it is stored. Nothing is parsed or put in order
// first: a byte that differs is a difference. The record's own hash is over
// that and the hash of the record before, so that a record whose text is not at
// hand still holds its place in the chain as a link: nothing but two hashes.
// Links stand for records that were pruned when their time was over, and for
// other people's records in the evidence about one request.
//
// Cutting off the end leaves a shorter chain that is whole in itself, and so
// does an older copy of the database. Both are found by comparing with a [Head]
// that was kept elsewhere, which [Watch] sees to.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Entry is what is to be recorded; the chain gives it a number and hashes.
type Entry struct {
	At      time.Time
	Tenant  string // tenant ID
	Kind    string // "request.submitted", "request.approved", …
	Actor   string // who did it: a pseudonym, or [Bot] or [Host]
	Request string // the request it belongs to, or ""
	Facts   any    // encoded as JSON; no names, no secrets
}

// Record is an entry in the chain. The JSON form is a line of an export. A link
// has nothing but Number, Body and Hash.
type Record struct {
	Number  int64  `json:"number"` // from 1, without gaps
	At      string `json:"at"`     // UTC, RFC 3339 with nanoseconds
	Tenant  string `json:"tenant"`
	Kind    string `json:"kind"`
	Actor   string `json:"actor"`
	Request string `json:"request"`
	Facts   string `json:"facts"` // JSON as it was hashed, kept as text
	Prev    string `json:"prev"`  // Hash of the record before; "" for the first
	Hash    string `json:"hash"`  // lower-case hex SHA-256 of Prev and the text's hash

	Body string `json:"body"` // a link's hash of the text that is not at hand; else ""
}

// Link returns the record without its text.
func (r Record) Link() Record {
	if r.Body != "" {
		return r
	}
	return Record{Number: r.Number, Body: r.body(), Hash: r.Hash}
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
	r.Hash = r.after(r.Prev)
	return r, nil
}

// body hashes the text: the columns as a JSON array, whose quoting keeps two
// columns from running into each other.
func (r Record) body() string {
	if r.Body != "" {
		return r.Body
	}
	text, err := json.Marshal([]any{r.Number, r.At, r.Tenant, r.Kind, r.Actor, r.Request, r.Facts})
	if err != nil {
		panic("audit: strings do not encode: " + err.Error()) // cannot happen: no type here can fail
	}
	return sum(text)
}

// after is the hash that the record has after one with the hash prev.
func (r Record) after(prev string) string { return sum([]byte(prev + "\n" + r.body())) }

func sum(text []byte) string {
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}
