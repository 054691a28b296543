package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe returns text from outside (a name in the tenant, somebody's reason) so
// that it can be shown inside ours: on one line, in the order in which it is
// stored, with nothing invisible in it. Characters that change direction, hide
// or stack are written out as <U+202E>; more than two combining marks in a row
// are dropped; invalid UTF-8 becomes U+FFFD. A limit of 0 cuts nothing.
func Safe(s string, limit int) string {
	var b strings.Builder
	marks := 0
	for _, r := range s {
		if ' ' <= r && r <= '~' { // most text is nothing else, and the tables take their time
			marks = 0
			b.WriteByte(byte(r))
			continue
		}
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			if marks++; marks > 2 {
				continue
			}
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError:
			b.WriteRune(unicode.ReplacementChar)
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return Cut(strings.TrimSpace(b.String()), limit)
}

// Hidden reports whether s holds characters that [Safe] writes out. Whoever
// types such a thing into a reason is asked to type it again.
func Hidden(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return hidden(r) && r != '\n' && r != '\r' && r != '\t' })
}

func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
		return true
	case unicode.Is(unicode.Zs, r) && r != ' ' && r != '\u00a0' && r != '\u202f':
		return true
	case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), r == '\u2800':
		return true // letters and marks that look like nothing
	case unicode.Is(unicode.Variation_Selector, r):
		return r != '\ufe0f' // which only colours an emoji
	}
	return false
}

// MixedScripts reports whether a word of s mixes letters of several scripts that
// are told apart by the eye alone, as "Αdmin" with a Greek first letter does.
func MixedScripts(s string) bool {
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		seen := ""
		for _, r := range word {
			switch script := lookalike(r); {
			case script == "":
			case seen == "":
				seen = script
			case seen != script:
				return true
			}
		}
	}
	return false
}

func lookalike(r rune) string {
	switch {
	case unicode.Is(unicode.Latin, r):
		return "Latin"
	case unicode.Is(unicode.Greek, r):
		return "Greek"
	case unicode.Is(unicode.Cyrillic, r):
		return "Cyrillic"
	case unicode.Is(unicode.Armenian, r):
		return "Armenian"
	case unicode.Is(unicode.Cherokee, r):
		return "Cherokee"
	}
	return ""
}
