package guide

import (
	"slices"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []string
	}{
		{"Don't PANIC, it’s fine!", []string{"dont", "panic", "its", "fine"}},
		{"aka.ms/mfasetup", []string{"aka", "ms", "mfasetup"}},
		{"AADSTS50105: 2fa on iOS18", []string{"aadsts", "50105", "2fa", "on", "ios", "18"}},
		{"' ’ -- ", nil},
		{strings.Repeat("x", maxWordLength+1) + " y", []string{"y"}},
		{"größe ÄRGER", []string{"größe", "ärger"}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			if got := tokens(tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("tokens = %q, want %q", got, tt.want)
			}
		})
	}
	if n := len(tokens(strings.Repeat("a ", 2*maxWords))); n != maxWords {
		t.Errorf("%d tokens of a long text, want %d", n, maxWords)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
	}{
		{"word forms", "registering phones", "registered phone"},
		{"one meaning", "my smartphone was nicked", "cell phone stolen"},
		{"phrases", "two-step verification", "MFA"},
		{"letter wrong", "notificetion", "notification"},
		{"letter missing", "authenticatr", "authenticator"},
		{"letter too many", "scannning", "scanning"},
		{"letters exchanged", "regsiter", "register"},
		{"noise", "hi there, could you please tell me: lost phone", "lost phone"},
		{"apostrophe", "can't", "cant"},
	}
	w := mustLoad(t).words
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := w.terms(tt.a), w.terms(tt.b)
			if !slices.Equal(a, b) || len(a) == 0 {
				t.Errorf("terms of %q = %q, of %q = %q, want the same", tt.a, a, tt.b, b)
			}
		})
	}
}

func TestTermsTellApart(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, a, b string }{
		{"a deed and a wish", "i approved", "i approve"},
		{"a system and a window", "windows", "window"},
		{"words with another first letter", "catch", "match"},
		{"short words", "tap", "tab"},
	}
	w := mustLoad(t).words
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if a, b := w.terms(tt.a), w.terms(tt.b); slices.Equal(a, b) {
				t.Errorf("terms of %q and %q are both %q", tt.a, tt.b, a)
			}
		})
	}
}

func TestOneErrorApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want bool
	}{
		{"phone", "phone", false},
		{"phone", "phome", true},
		{"phone", "phne", true},
		{"phone", "phoone", true},
		{"phone", "phoen", true},
		{"phone", "hpone", true},
		{"phone", "phones", true},
		{"phone", "phonely", false},
		{"phone", "phmoe", false},
		{"phone", "enohp", false},
		{"", "a", true},
		{"", "", false},
		{"größe", "grösse", false},
		{"größe", "größ", true},
	}
	for _, tt := range tests {
		t.Run(tt.a+" "+tt.b, func(t *testing.T) {
			t.Parallel()
			if got := oneErrorApart(tt.a, tt.b); got != tt.want {
				t.Errorf("oneErrorApart = %v, want %v", got, tt.want)
			}
			if got := oneErrorApart(tt.b, tt.a); got != tt.want {
				t.Errorf("the other way round = %v, want %v", got, tt.want)
			}
		})
	}
}

// A term that is also a stop word would be dropped wherever it is meant.
func TestTermsAreNoStopWords(t *testing.T) {
	t.Parallel()
	w := mustLoad(t).words
	allowed := []string{"hello", "thanks"}
	for _, phrases := range []map[string]string{w.phrases, w.exact} {
		for phrase, term := range phrases {
			if w.stop[term] && !slices.Contains(allowed, term) {
				t.Errorf("the term %q for %q is a stop word", term, phrase)
			}
		}
	}
}
