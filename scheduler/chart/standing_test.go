package chart

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func standing() Standing {
	return Standing{
		Title: "Where MFA stands at Northwind Relief", AsOf: time.Date(2026, 11, 23, 6, 10, 0, 0, time.UTC),
		Panels: []Parts{
			{Title: "Of 455 people in scope", Rows: []Part{
				{"Registered", Known(90.5), "412"},
				{"With a backup method", Known(66.2), "301"},
				{"Phishing-resistant", Known(0), "0"},
				{"MFA enforced", Value{}, "permission missing: Policy.Read.All"},
			}},
			{Title: "Departments, registered", Rows: []Part{
				{"“Warehouse and everything that has a very long name”", Known(41.7), "25 of 60"}, {"“IT”", Known(100), "14 of 14"},
			}},
		},
	}
}

// The pictures are compared as pixels, as those of weeks are.
func TestStandingGolden(t *testing.T) {
	t.Parallel()
	b, err := DrawStanding(standing())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "standing.png")
	if *update {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := png.Decode(bytes.NewReader(b))
	want, err := png.Decode(bytes.NewReader(stored))
	if err != nil || got.Bounds() != want.Bounds() {
		t.Fatalf("size %v, want that of %s (%v)", got.Bounds(), file, err)
	}
	if n := differing(got, want); n > 50 {
		t.Errorf("got %d pixels unlike those of %s; look at the picture, then run with -update", n, file)
	}
	if again, err := DrawStanding(standing()); err != nil || !bytes.Equal(again, b) {
		t.Errorf("drawn again it has other bytes (%v)", err)
	}
}

func TestStandingSaysItsNumbers(t *testing.T) {
	t.Parallel()
	alt := standing().Alt()
	for _, want := range []string{"Registered 90.5 % (412)", "Phishing-resistant 0 % (0)", "MFA enforced: permission missing: Policy.Read.All", "“IT” 100 % (14 of 14)", "As of Mon 23 Nov 2026 06:10 UTC"} {
		if !strings.Contains(alt, want) {
			t.Errorf("the words do not say %q: %s", want, alt)
		}
	}
}

func TestStandingRefusesNonsense(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][]Part{
		"more than all": {{"x", Known(100.1), ""}}, "less than nothing": {{"x", Known(-1), ""}}, "too many": make([]Part, MaxParts+1),
	} {
		if _, err := DrawStanding(Standing{Panels: []Parts{{Title: "p", Rows: rows}}}); err == nil {
			t.Errorf("%s was drawn", name)
		}
	}
}
