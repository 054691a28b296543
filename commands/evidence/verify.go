package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"

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

// Verify proves a file by itself and, if head is not empty, that it belongs to
// the chain which has that head. The error is an [*AlteredError] where the text
// is not as it was written, with its place; a [*ProofError] where somebody has
// made it look whole and the chain does not prove it; or an
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
	last, err := audit.VerifyPart(f.records(), head)
	if err != nil {
		return err
	}
	if last == nil || (Head{last.Number, last.Hash}) != f.Head {
		return &ProofError{"head", "is not the last of the records"}
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

// Meets checks the file against heads that were kept elsewhere: of those that
// are of records in it there must be one, and each must be theirs.
func (f *File) Meets(heads []audit.Head) error {
	first, met := f.Records[0].Number, 0
	for _, h := range heads {
		if h.Number < first || h.Number > f.Head.Number {
			continue
		}
		if f.Records[h.Number-first].Hash != h.Hash {
			return &audit.BrokenError{Number: h.Number, Why: "is not the one whose head was kept elsewhere"}
		}
		met++
	}
	if met == 0 {
		return &ProofError{"records", fmt.Sprintf("go from %d to %d, and none of the heads is of one of them", first, f.Head.Number)}
	}
	return nil
}
