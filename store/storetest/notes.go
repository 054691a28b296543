package storetest

import (
	"fmt"
	"testing"
	"time"
)

var notes = map[string]func(*testing.T, *bench){
	"a note is kept, replaced, and ends": keepNotes,
}

func keepNotes(t *testing.T, b *bench) {
	keep := func(name, text string, life time.Duration) {
		t.Helper()
		if err := b.Keep(t.Context(), name, text, life); err != nil {
			t.Fatalf("Keep(%q): %v", name, err)
		}
	}
	want := func(name, want string) {
		t.Helper()
		if got, err := b.Kept(t.Context(), name); got != want || err != nil {
			t.Errorf("Kept(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	want("button", "")
	keep("button", "approve", time.Hour)
	keep("other", hostile, 3*time.Hour)
	want("button", "approve")
	want("Button", "")
	b.reopen(t)
	want("other", hostile)
	b.clock.advance(50 * time.Minute)
	keep("button", "deny", time.Hour) // it counts from anew
	b.clock.advance(50 * time.Minute)
	want("button", "deny")
	b.clock.advance(20 * time.Minute)
	want("button", "")
	for i := range 30 { // what is over goes, and nothing else does
		keep(fmt.Sprint("note ", i), "x", time.Minute)
	}
	b.clock.advance(2 * time.Minute)
	for i := range 5 {
		keep(fmt.Sprint("later ", i), "x", time.Minute)
	}
	want("other", hostile)
	want("later 0", "x")
	want("note 0", "")
}
