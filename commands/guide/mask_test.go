package guide

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"twokey/chat/hostile"
)

func TestMasked(t *testing.T) {
	t.Parallel()
	directory := map[string]bool{"sam": true, "rivera": true, "mark": true, "may": true, "nguyen": true, "key": true}
	name := func(w string) bool { return directory[w] }
	tests := []struct{ q, want string }{
		{"how do I use the frobnicator", "how do I use the frobnicator"},
		{"reset it for sam.rivera@vale.example, please", "reset it for [address] please"},
		{"my UPN is sam@vale.onmicrosoft.com", "my UPN is [address]"},
		{"<@U012AB3CD> knows it", "[address] knows it"},
		{"call me on +34 600 000 000 or 030-1234567", "call me on [number] or [number]"},
		{"call (030) 12 34 56", "call ([number]"},
		{"my code is 482913", "my code is [secret]"},
		{"the code 482913 does not work", "the code [number] does not work"},
		{"my password is Summer!2027x and it fails", "my password is [secret] and it fails"},
		{"password: hunter", "password: [secret]"},
		{"my password is wrong", "my password is wrong"},
		{"error AADSTS50076 and AADSTS99999", "error AADSTS50076 and AADSTS99999"},
		{"I get 500121", "I get 500121"},
		{"the serial is X7Q9ZK11", "the serial is [code]"},
		{"device 3f2504e0-4f89-11d3-9a0c-0305e82c3301 is gone", "device [code] is gone"},
		{"see intranet.vale.example/mfa and aka.ms/sspr", "see [link] and aka.ms/sspr"},
		{"I am Sam Rivera and I lost it", "I am [name] [name] and I lost it"},
		{"sam's phone is gone", "[name]'s phone is gone"},
		{"can I mark it as done", "can I [name] it as done"},
		{"my colleague Oleander cannot sign in", "my colleague [name] cannot sign in"},
		{"Yesterday Jorun Halvorsdottir could not sign in", "Yesterday [name] [name] could not sign in"},
		{"I live at 12 Baker Street and have no signal", "I live at [address] and have no signal"},
		{"ich wohne Lindenstraße 5", "ich wohne [address]"},
		{"", ""},
	}
	g := mustLoad(t)
	for _, tt := range tests {
		if got := g.Masked(tt.q, name); got != tt.want {
			t.Errorf("Masked(%q) = %q, want %q", tt.q, got, tt.want)
		}
	}
	if got := g.Masked(strings.Repeat("ä", 500), nil); utf8.RuneCountInString(got) > maskedLength {
		t.Errorf("%d letters are kept", utf8.RuneCountInString(got))
	}
}

// Whatever is asked, no address and no long number is kept.
func TestMaskedHoldsNothing(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	address, number := regexp.MustCompile(`[^\s\[]@\S`), regexp.MustCompile(`\p{Nd}[\s().\-/]{0,2}\p{Nd}[\s().\-/]{0,2}\p{Nd}[\s().\-/]{0,2}\p{Nd}`)
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := hostile.Text(r) + " sam@vale.example 0301234567 " + hostile.Text(r)
		got := g.Masked(text, nil)
		if address.MatchString(got) || strings.Contains(got, "0301234567") || !utf8.ValidString(got) {
			t.Fatalf("Masked(%q) = %q", text, got)
		}
		for _, n := range number.FindAllString(got, -1) {
			if g.words.known[n] == "" {
				t.Fatalf("Masked(%q) = %q holds %q", text, got, n)
			}
		}
	}
}
