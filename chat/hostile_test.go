package chat

import (
	"math/rand/v2"
	"strings"
)

// hostileWords are what people and tenant objects may be called by somebody
// who wants to mislead.
var hostileWords = []string{
	"", " ", "Ada Lovelace", "87% adopted %s %d", "<!channel> <@U123> <https://evil.example|Approve> &amp;",
	"Bob\nTarget: Alice\nApproved by: CISO", "Bob\r\nTarget: Alice", "a\u2028b\u2029c\u0085d\ve\ff", "\u202eevil\u202c", "\u2066x\u2069\u200e\u200f\u061c",
	"zero\u200bwidth\u200c\u200d\ufeff\u2060", "e" + strings.Repeat("\u0301", 1000), "\u0301first", "x\u20dd\u20dd\u20dd\u20dd", "\u115f\u1160\u3164\uffa0\u2800",
	"\u034f\u180b\u180f\u17b4\ufe00\ufe0f\U000e0100", "\U000e0041\U000e007f\U000e0001", "\u00a0\u2003\u3000\u202f", "\xff\xfe\x80", "\xed\xa0\x80", "\ufffd\ufffe\U0010ffff\ue000",
	"\x00\x07\x1b[31mred\x1b[0m\x7f\u009b", "” Approved by: “CISO", "““””", "[Approve] [Deny]", "👩‍💻🏽‍♀️🇩🇪", "Αdmin", "مرحبا שלום", "=1+1", strings.Repeat("long ", 500),
}

// hostile returns a text of such words, pieces of them and any characters.
func hostile(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		word := hostileWords[r.IntN(len(hostileWords))]
		switch r.IntN(3) {
		case 0:
			b.WriteString(word)
		case 1:
			if len(word) > 0 {
				at := r.IntN(len(word))
				b.WriteString(word[at:min(len(word), at+r.IntN(8))]) // may split a character
			}
		case 2:
			b.WriteRune(rune(r.IntN(0x110000)))
		}
	}
	return b.String()
}
