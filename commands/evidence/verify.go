package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"twokey/audit"
)

// ProofError says which part of a file is not proved by the chain.
type ProofError struct {
	Part string // as a path in the file, "asked", "words[2]"
	Why  string
}

func (e *ProofError) Error() string { return e.Part + ": " + e.Why }

// Say is the sentence for people.
func (e *ProofError) Say() string {
	return fmt.Sprintf("The evidence was changed: %s %s.", e.Part, e.Why)
}

// UnprovedError says from where on the request's own records are later than all
// heads that were kept elsewhere: whoever has the file can have written them.
type UnprovedError struct {
	Number int64 // the first such record
	Head   int64 // the last that is proved
}

func (e *UnprovedError) Error() string {
	return fmt.Sprintf("record %d is after the head of record %d", e.Number, e.Head)
}

// Say is the sentence for people.
func (e *UnprovedError) Say() string {
	return fmt.Sprintf("Record %d of this request is later than the head of record %d, so nothing proves it. Please give a head that was kept after it.", e.Number, e.Head)
}

// Verify proves a file by itself and, if head is not empty, that all it says of
// the request was in the chain when it had that head. The error is an
// [*AlteredError] where the text is not as it was written, with its place; a
// [*ProofError] where somebody has made it look whole and the chain does not
// prove it; an [*UnprovedError] where the head is too old to prove it; or an
// [*audit.BrokenError] where the chain itself is broken.
func Verify(data []byte, head string) (*File, error) {
	if err := intact(data); err != nil {
		return nil, err
	}
	f, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if err := f.prove(head); err != nil {
		return nil, err
	}
	return f, nil
}

// Prove checks everything that the chain covers, for a file that was just
// collected.
func (f *File) Prove() error { return f.prove("") }

// prove checks everything that the chain covers.
func (f *File) prove(head string) error {
	p, err := audit.Prove(f.records(), audit.Against{Hash: head, Part: true})
	if err != nil {
		return err
	}
	if p.Last == nil || (Head{p.Last.Number, p.Last.Hash}) != f.Head {
		return &ProofError{"head", "is not the last of the records"}
	}
	if head != "" {
		if err := f.reached(p.Met); err != nil {
			return err
		}
	}
	for i, p := range f.People {
		if !p.proved() {
			return &ProofError{fmt.Sprintf("people[%d]", i), "is not who the pseudonym means"}
		}
	}
	for i, w := range f.Words {
		if !provedWords(w) {
			return &ProofError{fmt.Sprintf("words[%d]", i), "are not the words that the mark stands for"}
		}
	}
	if err := f.proveAsked(); err != nil {
		return err
	}
	return f.proveAnswers()
}

func (f *File) records() iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range f.Records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// proveAsked checks that the request is what the first record has the digest of.
func (f *File) proveAsked() error {
	first := f.Records[0]
	if first.Request != f.Request || first.Kind != "request.submitted" {
		return &ProofError{"records[0]", "is not the one of asking this request"}
	}
	if f.Asked == nil {
		return nil
	}
	var facts struct{ Digest string }
	if err := json.Unmarshal([]byte(first.Facts), &facts); err != nil {
		return &ProofError{"records[0]", "is not understood"}
	}
	sum, err := f.Asked.sum()
	if err != nil {
		return err
	}
	if sum != f.Asked.Digest || sum != facts.Digest {
		return &ProofError{"asked", "is not what the digest in the chain is of"}
	}
	return nil
}

// proveAnswers makes the answers again.
func (f *File) proveAnswers() error {
	again, err := answer(f)
	if err != nil {
		return err
	}
	is, err := encode(f.Answers)
	if err != nil {
		return err
	}
	want, err := encode(again)
	if err != nil {
		return err
	}
	if !bytes.Equal(is, want) {
		return &ProofError{"answers", "do not follow from the rest of the file"}
	}
	if len(f.Lookup) != len(again.Steps) {
		return &ProofError{"directory_audit", "does not go through the steps"}
	}
	for i, s := range again.Steps {
		if f.Lookup[i].ClientRequestID != s.ClientRequestID {
			return &ProofError{fmt.Sprintf("directory_audit[%d]", i), "is of another call"}
		}
	}
	return nil
}

// reached checks that no record of the request is later than the given one.
func (f *File) reached(number int64) error {
	for _, r := range f.Records {
		if r.Number > number && r.Request == f.Request {
			return &UnprovedError{Number: r.Number, Head: number}
		}
	}
	return nil
}

// Meets checks the file against heads that were kept elsewhere: each that is of
// a record in it must be theirs, one must be as late as the last record of the
// request, and none may show that the file was cut off before it was exported.
func (f *File) Meets(heads []audit.Head) error {
	exported, err := time.Parse(time.RFC3339, f.Exported)
	if err != nil {
		return &ProofError{"exported", "is no time"}
	}
	first, met := f.Records[0].Number, int64(0)
	for _, h := range heads {
		switch {
		case h.Number > f.Head.Number && !h.At.IsZero() && h.At.Before(exported.Add(-apart)):
			return &ProofError{"records", fmt.Sprintf("end with %d, and before they were exported there were %d", f.Head.Number, h.Number)}
		case h.Number < first || h.Number > f.Head.Number:
			continue
		case f.Records[h.Number-first].Hash != h.Hash:
			return &audit.BrokenError{Number: h.Number, Why: "is not the one whose head was kept elsewhere"}
		}
		met = max(met, h.Number)
	}
	if met == 0 {
		return &ProofError{"records", fmt.Sprintf("go from %d to %d, and none of the heads is of one of them", first, f.Head.Number)}
	}
	return f.reached(met)
}

// apart is how far the clock of who exports may be ahead of the bot's.
const apart = 5 * time.Minute
