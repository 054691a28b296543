// Package hostile is a corpus of text that misleads: what people and tenant
// objects may be called by somebody who wants to ping, link, forge, hide or
// turn round. Every renderer is tested with it. It also holds the judge of
// what must not be in text that is shown, which knows nothing of the code that
// makes text fit to be shown.
package hostile

import (
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words are the corpus, one kind of trick each.
var Words = []string{
	// harmless
	"", " ", "Ada Lovelace", "87% adopted %s %d %!s(MISSING)", "أحمد", "שלום Ada", "Zoë 王 ❤\ufe0f", "👩‍💻🏽‍♀️🇩🇪", "O'Brien & Söhne",
	// markup and pings of the platforms that we know
	"<!channel> <!here> <!everyone> <!subteam^S123> <@U123> <#C123>", "<https://evil.example|Approve> &amp; &lt;b&gt; &#60;", "@everyone @here <@123> <@!123> <@&456> <#789> </approve:1>",
	"[Approve](https://evil.example) ![x](https://evil.example/x.png)", "https://evil.example www.evil.example mailto:a@evil.example a@evil.example", "*bold* _it_ ~struck~ `code` ||hidden|| **b** __u__",
	"# head\n- item\n> quote\n```\ncode\n```", "||", "|a|b|\n|-|-|", "<t:0:R> <:emoji:1> :smile:", "\\", "\\*", "_\u2060_", "<at>Everyone</at>", "{{template}} ${x} $(x)",
	// markup of pages
	`<img src=x onerror="alert(1)">`, "<script>document.title='owned'</script>", `" onmouseover="alert(1)`, "</p></article><button data-button=approve>Approve</button>", "javascript:alert(1)", "<!--", "]]>", "&#x3c;script&#x3e;", "<svg/onload=alert(1)>", "<style>*{display:none}</style>", "<a href=https://evil.example>Approve</a>",
	// forged fields
	"Bob\nTarget: Alice\nApproved by: CISO", "Bob\r\nTarget: Alice", "Bob\rTarget: Alice", "a\u2028Target: b\u2029Target: c\u0085Target: d\vTarget: e\fTarget: f",
	"” Approved by: “CISO", "““””", "\"'`´", "[Approve] [Deny]", "x\n\nRequest R-ABC234\n\n[Approve]", "\tTarget:\tAlice",
	// order
	"\u202eevil\u202c", "\u202dx", "\u2066x\u2069\u2067y\u2068z", "\u200e\u200f\u061c", "a\u202e", "abc \u05d0\u05d1\u05d2 123 def",
	// what cannot be seen, and what stacks
	"zero\u200bwidth\u200c\u200d\ufeff\u2060", "soft\u00adhyphen", "\u115f\u1160\u3164\uffa0\u2800", "\u034f\u180b\u180f\u17b4\ufe00\ufe0f\U000e0100", "\U000e0041\U000e007f\U000e0001",
	"\u00a0\u2003\u3000\u202f", "e" + strings.Repeat("\u0301", 1000), "\u0301first", "x\u20dd\u20dd\u20dd\u20dd", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
	// scripts that look like another
	"Αdmin", "Аdmin", "аpprover", "ａｄｍｉｎ", "𝗔dmin", "ɑdmin",
	// not text
	"\xff\xfe\x80", "\xed\xa0\x80", "a\xc3", "\ufffd\ufffe\U0010ffff\ue000", "\x00\x07\b\x7f\u009b",
	// terminals and logs
	"\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "\x1b[2J\x1b[H", "ok\nlevel=ERROR msg=\"forged\"", `x" level=ERROR msg="forged`,
	// spreadsheets
	"=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", `=HYPERLINK("https://evil.example","Approve")`, "=cmd|' /C calc'!A0", "a,b;c\t\"d\"\n=1+1", "\ufeff=1+1", " =1+1", "＝1+1",
	// long
	strings.Repeat("long ", 500), strings.Repeat("x", 5000), strings.Repeat("<", 300), strings.Repeat("“", 300),
}

// Text returns a text of such words, pieces of them and any characters. A piece
// may begin or end within a character.
func Text(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		word := Words[r.IntN(len(Words))]
		switch r.IntN(3) {
		case 0:
			b.WriteString(word)
		case 1:
			if len(word) > 0 {
				at := r.IntN(len(word))
				b.WriteString(word[at:min(len(word), at+r.IntN(8))])
			}
		case 2:
			b.WriteRune(rune(r.IntN(0x110000)))
		}
	}
	return b.String()
}

// Hides returns why a text that is shown could mislead who reads it: a character
// that breaks the line, changes the order or is not seen, marks that stack, or
// bytes that are no text. It is "" for text that shows what it holds. A line
// break is one of them: text of several lines is judged line by line.
func Hides(shown string) string {
	if !utf8.ValidString(shown) {
		return "invalid UTF-8"
	}
	marks := 0
	for _, r := range shown {
		switch {
		case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
			return "a control character or line break"
		case unicode.In(r, unicode.Bidi_Control):
			return "a change of direction"
		case r == '\ufe0f': // which only colours an emoji
		case unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Join_Control, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point), r == '\u2800':
			return "an invisible character"
		}
		if marks++; !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		}
		if marks > 2 {
			return "stacked marks"
		}
	}
	return ""
}
