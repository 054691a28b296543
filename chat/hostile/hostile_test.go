package hostile

import (
	"math/rand/v2"
	"testing"
)

// The judge must condemn what it is there for, and nothing else.
func TestHides(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "Zoë O'Neill 王 87 %", "ש", "e\u0301\u0302", "❤\ufe0f", "<b>", "<U+202E>", "“x”", "\u00a0"} {
		if why := Hides(s); why != "" {
			t.Errorf("%+q is said to hold %s", s, why)
		}
	}
	for _, s := range []string{
		"a\nb", "a\r", "\t", "\x1b[0m", "\u0085", "\u2028", "\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u00ad", "\u2060", "\ufeff", "\u3164", "\u2800",
		"\U000e0041", "\ufe00", "\ue000", "e\u0301\u0302\u0303", "\u20dd\u20dd\u20dd", "\xff", "a\xc3",
	} {
		if Hides(s) == "" {
			t.Errorf("%+q is said to hide nothing", s)
		}
	}
}

// Of what a renderer must withstand, the texts hold each kind.
func TestTextHoldsEveryWord(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	seen, hiding := map[string]bool{}, 0
	for range 10_000 {
		s := Text(r)
		seen[s] = true
		if Hides(s) != "" {
			hiding++
		}
	}
	whole := 0
	for _, w := range Words {
		if seen[w] {
			whole++
		}
	}
	if whole < len(Words)*9/10 || len(seen) < 8000 || hiding < 5000 || hiding > 9500 {
		t.Errorf("of 10,000 texts %d differ and %d hide something; %d of %d words come alone", len(seen), hiding, whole, len(Words))
	}
}
