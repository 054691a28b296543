package audit

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
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
	c := checker{hash: head, found: head == ""}
	return c.read(records)
}

// VerifyHeads is Verify against heads that were kept elsewhere: each of them
// must be in the chain, with its number.
func VerifyHeads(records iter.Seq2[Record, error], heads []Head) (*Record, error) {
	heads = slices.Clone(heads)
	slices.SortStableFunc(heads, func(a, b Head) int { return int(a.Number - b.Number) })
	c := checker{heads: heads, found: true}
	return c.read(records)
}

// VerifyPart is Verify for a part of a chain: it begins with any record, given
// with its text, and links may stand anywhere after it. It proves that these
// records are in the chain that has the given head.
func VerifyPart(records iter.Seq2[Record, error], head string) (*Record, error) {
	c := checker{hash: head, found: head == "", part: true}
	return c.read(records)
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
	c.found = c.found || r.Hash == c.hash
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
	c.through = max(c.through, facts.Through)
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
