package audit

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"
)

// start is when the records of the tests begin.
var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func chain(t testing.TB, n int) []Record {
	t.Helper()
	var all []Record
	var prev *Record
	for i := range n {
		r, err := Chain(prev, Entry{
			At: start.Add(time.Duration(i) * time.Minute), Tenant: "t-1", Kind: "request.submitted",
			Actor: fmt.Sprintf("user-%d", i), Request: "R-ABC234", Facts: map[string]any{"n": i, "words": `a "b" <c>`},
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		prev = &all[i]
	}
	return all
}

func seq(rs []Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestVerifyWhole(t *testing.T) {
	t.Parallel()
	all := chain(t, 5)
	for _, head := range []string{"", all[2].Hash, all[4].Hash} {
		last, err := Verify(seq(all), head)
		if err != nil || last.Number != 5 {
			t.Errorf("Verify(head %.8q) = %v, %v; want the fifth", head, last, err)
		}
	}
	if last, err := Verify(seq(nil), ""); last != nil || err != nil {
		t.Errorf("Verify(empty) = %v, %v", last, err)
	}
}

func TestVerifyFindsEveryChangedField(t *testing.T) {
	t.Parallel()
	fields := map[string]func(*Record){
		"at":      func(r *Record) { r.At = flip(r.At) },
		"tenant":  func(r *Record) { r.Tenant = flip(r.Tenant) },
		"kind":    func(r *Record) { r.Kind = flip(r.Kind) },
		"actor":   func(r *Record) { r.Actor = flip(r.Actor) },
		"request": func(r *Record) { r.Request = flip(r.Request) },
		"facts":   func(r *Record) { r.Facts += " " },
		"prev":    func(r *Record) { r.Prev += "0" },
		"hash":    func(r *Record) { r.Hash = strings.ToUpper(r.Hash) },
	}
	for name, change := range fields {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range 5 {
				all := chain(t, 5)
				change(&all[i])
				wantBroken(t, all, "", int64(i+1))
			}
		})
	}
}

func flip(s string) string { return string(s[0]^1) + s[1:] }

func wantBroken(t *testing.T, rs []Record, head string, number int64) {
	t.Helper()
	_, err := Verify(seq(rs), head)
	var broken *BrokenError
	if !errors.As(err, &broken) || broken.Number != number {
		t.Errorf("Verify = %v, want broken at %d", err, number)
	}
}

func TestVerifyFindsWhatWasMoved(t *testing.T) {
	t.Parallel()
	all := chain(t, 6)
	wantBroken(t, slices.Delete(slices.Clone(all), 2, 3), "", 3)
	wantBroken(t, slices.Insert(slices.Clone(all), 2, all[1]), "", 2)
	swapped := slices.Clone(all)
	swapped[2], swapped[3] = swapped[3], swapped[2]
	wantBroken(t, swapped, "", 3)
	renumbered := slices.Clone(all)
	renumbered[2].Number, renumbered[3].Number = 4, 3
	wantBroken(t, renumbered, "", 3)
	wantBroken(t, all[:3], all[5].Hash, 4)
	wantBroken(t, nil, all[5].Hash, 1)
}

func TestExportImport(t *testing.T) {
	t.Parallel()
	all := chain(t, 4)
	var file bytes.Buffer
	if err := Export(&file, seq(all)); err != nil {
		t.Fatal(err)
	}
	last, err := Verify(Import(bytes.NewReader(file.Bytes())), all[3].Hash)
	if err != nil || last.Number != 4 {
		t.Fatalf("Verify(Import(Export)) = %v, %v", last, err)
	}
	for i := range file.Len() {
		bad := slices.Clone(file.Bytes())
		bad[i] ^= 1
		if _, err := Verify(Import(bytes.NewReader(bad)), all[3].Hash); err == nil {
			t.Fatalf("byte %d changed and not found: %s", i, bad)
		}
	}
}

func FuzzImport(f *testing.F) {
	var file bytes.Buffer
	if err := Export(&file, seq(chain(f, 3))); err != nil {
		f.Fatal(err)
	}
	whole := file.Bytes()
	f.Add(whole)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		last, err := Verify(Import(bytes.NewReader(data)), "")
		if err == nil && last != nil && last.Hash != last.after(last.Prev) {
			t.Errorf("passed with a wrong hash: %+v", last)
		}
	})
}
