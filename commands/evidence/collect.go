package evidence

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// Source is where evidence is collected from.
type Source interface {
	// View runs f in one read transaction.
	View(ctx context.Context, f func(approval.Tx) error) error
	// LastRecords returns the newest n records of a request, newest first.
	LastRecords(ctx context.Context, request string, n int) ([]audit.Record, error)
	// AuditFrom reads the audit record from the given number on.
	AuditFrom(ctx context.Context, number int64) iter.Seq2[audit.Record, error]
	// Who returns who is meant by each pseudonym, as far as it is known.
	Who(ctx context.Context, pseudonyms ...string) (map[string]audit.Person, error)
	// Asides returns the words that are kept beside a request's records.
	Asides(ctx context.Context, request string) ([]audit.Aside, error)
	// MatchedChange returns the ID of the line in the tenant's directory audit
	// log that bears a call of ours, false if none was found by now.
	MatchedChange(ctx context.Context, clientRequestID string) (lineID string, ok bool, err error)
}

// ErrNoRecords says that nothing is on record about a request.
var ErrNoRecords = &approval.Refusal{Code: "no-records", Text: "There are no audit records of this request."}

// allRecords is more than any request has.
const allRecords = 1_000_000

// Collect makes the file about a request from what is stored, at the given
// time by the given version of the program. It does not verify on the way:
// evidence of what was tampered with must be collected too.
func Collect(ctx context.Context, src Source, ref string, now time.Time, program string) (*File, error) {
	own, err := src.LastRecords(ctx, ref, allRecords)
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	if ref == "" || len(own) == 0 {
		return nil, ErrNoRecords
	}
	f := &File{Version: 1, Request: ref, Exported: now.UTC().Format(time.RFC3339), Program: program}
	for r, err := range src.AuditFrom(ctx, own[len(own)-1].Number) {
		if err != nil {
			return nil, fmt.Errorf("read audit: %w", err)
		}
		if r.Request != ref {
			r = r.Link()
		}
		f.Records = append(f.Records, r)
		f.Head = Head{Number: r.Number, Hash: r.Hash}
	}
	if err := f.addAsked(ctx, src); err != nil {
		return nil, err
	}
	if err := f.addPeople(ctx, src); err != nil {
		return nil, err
	}
	if err := f.addWords(ctx, src); err != nil {
		return nil, err
	}
	if f.Answers, err = answer(f); err != nil {
		return nil, err
	}
	return f, f.addLookup(ctx, src)
}

// addAsked adds the request, unless people were erased from it: then what is
// left is not what was asked.
func (f *File) addAsked(ctx context.Context, src Source) error {
	var r approval.Request
	err := src.View(ctx, func(tx approval.Tx) (err error) {
		r, err = tx.Request(f.Request)
		return err
	})
	if errors.Is(err, approval.ErrNotFound) || err == nil && (r.Digest == "" || pseudonymForm.MatchString(r.Requester.Object)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	f.Asked = askedOf(r)
	return nil
}

// addPeople adds whoever the request's records name.
func (f *File) addPeople(ctx context.Context, src Source) error {
	people, err := src.Who(ctx, f.named(pseudonymForm)...)
	if err != nil {
		return fmt.Errorf("read people: %w", err)
	}
	f.People = []Person{}
	for _, p := range people {
		f.People = append(f.People, Person{Pseudonym: p.Pseudonym, Secret: p.Secret, Tenant: p.Tenant, Object: p.Object})
	}
	slices.SortFunc(f.People, func(a, b Person) int { return strings.Compare(a.Pseudonym, b.Pseudonym) })
	return nil
}

var anyMark = regexp.MustCompile(`t-[0-9a-f]{32}`)

// addWords adds what the marks in the request's records stand for.
func (f *File) addWords(ctx context.Context, src Source) error {
	words, err := src.Asides(ctx, f.Request)
	if err != nil {
		return fmt.Errorf("read words: %w", err)
	}
	marks := f.named(anyMark)
	f.Words = []audit.Aside{}
	for _, w := range words {
		if slices.Contains(marks, w.Mark) {
			f.Words = append(f.Words, w)
		}
	}
	slices.SortFunc(f.Words, func(a, b audit.Aside) int { return strings.Compare(a.Mark, b.Mark) })
	return nil
}

// named lists what of a form stands in the request's records, each once, in order.
func (f *File) named(form *regexp.Regexp) []string {
	var all []string
	for _, r := range f.Records {
		if r.Body == "" {
			all = append(all, form.FindAllString(r.Actor+" "+r.Facts, -1)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// addLookup adds what the tenant's own log is known to have by now.
func (f *File) addLookup(ctx context.Context, src Source) error {
	f.Lookup = []Lookup{}
	for _, s := range f.Answers.Steps {
		id, found, err := src.MatchedChange(ctx, s.ClientRequestID)
		if err != nil {
			return fmt.Errorf("look up directory audit: %w", err)
		}
		l := Lookup{ClientRequestID: s.ClientRequestID, ID: id}
		if !found {
			l.Note = "not found yet: Microsoft's log may be hours late, and keeps its lines for 7 to 30 days"
		}
		f.Lookup = append(f.Lookup, l)
	}
	return nil
}
