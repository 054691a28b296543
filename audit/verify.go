package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"
)

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

// Verify reads a whole chain in the order of its numbers and returns the last
// record, nil if there are none. Links stand only at the beginning, as far as a
// later record of kind [KindPruned] says. If head is not empty it must be the
// hash of one of the records: a head that is not found means that the end was
// cut off or that the whole chain was replaced. The error is a [*BrokenError]
// where the chain is broken, or the reader's own.
func Verify(records iter.Seq2[Record, error], head string) (*Record, error) {
	p, err := Prove(records, Against{Hash: head})
	return p.Last, err
}

// VerifyHeads is Verify against heads that were kept elsewhere: each of them
// must be in the chain, with its number.
func VerifyHeads(records iter.Seq2[Record, error], heads []Head) (*Record, error) {
	p, err := Prove(records, Against{Heads: heads})
	return p.Last, err
}

// Against is what was kept elsewhere, and a chain is held against.
type Against struct {
	Hash  string // of one of the records; "" for none
	Heads []Head // each must be in the chain, with its number
	// Part says that it is a part of a chain: it begins with any record, given
	// with its text, and links may stand anywhere after it.
	Part bool
}

// Proof is what was found of a chain.
type Proof struct {
	Last *Record // nil: there are no records
	// Met is the last record whose head was kept elsewhere, 0 for none. What
	// follows it is proved by nothing: whoever has the database can write it.
	Met    int64
	Pruned int64 // how many of the first records have no text any more
}

// Prove is Verify against all of that. After an error the proof is of what was
// read until then.
func Prove(records iter.Seq2[Record, error], a Against) (Proof, error) {
	heads := slices.Clone(a.Heads)
	slices.SortStableFunc(heads, func(a, b Head) int { return cmp.Compare(a.Number, b.Number) })
	c := checker{hash: a.Hash, found: a.Hash == "", heads: heads, times: heads, part: a.Part}
	last, err := c.read(records)
	return Proof{Last: last, Met: c.kept, Pruned: c.links}, err
}

// VerifyAfter verifies records that follow a known one, of which the number and
// the hash are enough; 0 and "" for the beginning.
func VerifyAfter(prev Record, records iter.Seq2[Record, error]) error {
	c := checker{found: true, last: &prev}
	_, err := c.read(records)
	return err
}

// KindPruned is the kind of the record that says which records were pruned:
// those up to "through" are links from then on.
const KindPruned = "audit.pruned"

// checker reads a chain from one end to the other.
type checker struct {
	hash  string // the head that must be met
	found bool   // whether it was
	heads []Head // further heads that must be met, in the order of their numbers
	times []Head // when the chain had come to which number: what comes after is of later
	young Head   // the latest of those that were looked at already
	part  bool   // begins anywhere, with links anywhere

	last    *Record
	links   int64 // how many of the first records are links
	through int64 // how many of them may be
	kept    int64 // the number of the last head that was met
}

func (c *checker) read(records iter.Seq2[Record, error]) (*Record, error) {
	for r, err := range records {
		if err != nil {
			return c.last, fmt.Errorf("read audit: %w", err)
		}
		if err := c.add(r); err != nil {
			return c.last, err
		}
	}
	return c.last, c.end()
}

func (c *checker) add(r Record) error {
	prev := ""
	switch {
	case c.last != nil:
		prev = c.last.Hash
	case c.part:
		prev = r.Prev
	}
	if err := c.follows(r, prev); err != nil {
		return err
	}
	if err := c.met(r); err != nil {
		return err
	}
	if r.Hash == c.hash {
		c.found, c.kept = true, r.Number
	}
	c.last = &r
	return nil
}

func (c *checker) follows(r Record, prev string) error {
	want, bare := c.next(), r.Body != ""
	if c.last == nil && c.part {
		want = r.Number
	}
	switch {
	case bare && c.last == nil && c.part && len(c.heads) > 0 && c.heads[0].is(r):
		return nil // what was known before needs no proof
	case r.Number > want:
		return &BrokenError{Number: want, Why: "is missing"}
	case r.Number < want:
		return &BrokenError{Number: r.Number, Why: "is out of order"}
	case !bare && r.Prev != prev && r.Hash == r.after(r.Prev):
		return &BrokenError{Number: r.Number, Why: "does not follow the record before it"}
	case r.Hash != r.after(prev) || !bare && r.Prev != prev:
		return &BrokenError{Number: r.Number, Why: "does not match its own hash"}
	case bare && c.part && c.last == nil, bare && !c.part && c.links != r.Number-1:
		return &BrokenError{Number: r.Number, Why: "has lost its text"}
	case bare && !c.part:
		c.links = r.Number
	case r.Kind == KindPruned:
		return c.pruned(r)
	}
	return nil
}

func (c *checker) pruned(r Record) error {
	var facts Pruned
	if err := json.Unmarshal([]byte(r.Facts), &facts); err != nil {
		return &BrokenError{Number: r.Number, Why: "does not say what was pruned"}
	}
	if facts.Through > c.through {
		if err := c.old(r, facts); err != nil {
			return err
		}
	}
	c.through = max(c.through, facts.Through)
	return nil
}

// LeastKept is for how long at least a record keeps its text.
const LeastKept = 30 * 24 * time.Hour

// skew is how far the clocks of a database and of its programs may be apart.
const skew = 24 * time.Hour

// old holds what a record says was pruned against what is known of times.
// Otherwise whoever has the database could take the text of everything, and say
// that it was pruned.
func (c *checker) old(r Record, facts Pruned) error {
	before, err := time.Parse(time.RFC3339, facts.Before)
	at, err2 := time.Parse(time.RFC3339Nano, r.At)
	if err != nil || err2 != nil {
		return &BrokenError{Number: r.Number, Why: "does not say what was pruned"}
	}
	if before.After(at.Add(skew - LeastKept)) {
		return &BrokenError{Number: r.Number, Why: fmt.Sprintf("says that records up to %d were pruned sooner than any are", facts.Through)}
	}
	for ; len(c.times) > 0 && c.times[0].Number < facts.Through; c.times = c.times[1:] {
		if h := c.times[0]; h.At.After(c.young.At) {
			c.young = h
		}
	}
	if c.young.At.After(before.Add(skew)) {
		return &BrokenError{Number: c.young.Number + 1, Why: fmt.Sprintf("has lost its text, and it was not so old as record %d says", r.Number)}
	}
	return nil
}

func (h Head) is(r Record) bool { return h.Number == r.Number && h.Hash == r.Hash }

// met compares with the heads of this number.
func (c *checker) met(r Record) error {
	for len(c.heads) > 0 && c.heads[0].Number <= r.Number {
		if h := c.heads[0]; !h.is(r) {
			return &BrokenError{Number: r.Number, Why: fmt.Sprintf("is not the one whose head was kept elsewhere: after record %d the chain was replaced", c.kept)}
		}
		c.kept = r.Number
		c.heads = c.heads[1:]
	}
	return nil
}

func (c *checker) end() error {
	switch {
	case !c.part && c.links > c.through:
		return &BrokenError{Number: c.through + 1, Why: "has lost its text, and no record says that it was pruned"}
	case len(c.heads) > 0 && c.part && c.last == nil:
		return &BrokenError{Number: c.heads[0].Number, Why: "is missing: it was there before"}
	case len(c.heads) > 0:
		return &BrokenError{Number: c.next(), Why: fmt.Sprintf("is missing: a head kept elsewhere goes up to record %d", c.heads[len(c.heads)-1].Number)}
	case !c.found:
		return &BrokenError{Number: c.next(), Why: "is missing: the head kept elsewhere is not in the chain"}
	}
	return nil
}

// next is the number that must come.
func (c *checker) next() int64 {
	if c.last == nil {
		return 1
	}
	return c.last.Number + 1
}

// Pruned are the facts of a record of kind [KindPruned].
type Pruned struct {
	Through int64  `json:"through"` // the last record that lost its text
	Before  string `json:"before"`  // what is older than this was to go, RFC 3339
}
