package chat

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"twokey/chat/hostile"
)

func TestSafe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, in string
		limit    int
		want     string
	}{
		{"ordinary", "Zoë O'Neill-İnce 王 87%", 0, "Zoë O'Neill-İnce 王 87%"},
		{"lines become one", "a\nb\r\nc\td\u2028e\u2029f", 0, "a b  c d e f"},
		{"rarer line breaks", "a\vb\fc\u0085d", 0, "a<U+000B>b<U+000C>c<U+0085>d"},
		{"direction", "x\u202ecod.exe", 0, "x<U+202E>cod.exe"},
		{"zero width", "a\u200bb\ufeff", 0, "a<U+200B>b<U+FEFF>"},
		{"tags", "a\U000e0041", 0, "a<U+E0041>"},
		{"invisible letters", "a\u3164\u2800", 0, "a<U+3164><U+2800>"},
		{"invisible marks", "a\u034fb\u180bc\U000e0100", 0, "a<U+034F>b<U+180B>c<U+E0100>"},
		{"unassigned and ignorable", "a\u2065b\U000e0fff", 0, "a<U+2065>b<U+E0FFF>"},
		{"private use", "\ue000x", 0, "<U+E000>x"},
		{"wide spaces", "a\u3000b", 0, "a<U+3000>b"},
		{"two marks stay", "e\u0301\u0302", 0, "e\u0301\u0302"},
		{"more marks go", "e" + strings.Repeat("\u0301", 1000) + "f\u0301", 0, "e\u0301\u0301f\u0301"},
		{"an emoji's colour stays", "❤\ufe0f", 0, "❤\ufe0f"},
		{"terminal escape", "\x1b[31m", 0, "<U+001B>[31m"},
		{"not UTF-8", "a\xffb", 0, "a\ufffdb"},
		{"ends are trimmed", " \n a \t ", 0, "a"},
		{"cut", "0123456789abcdef", 10, "012… (cut)"},
		{"cut after it was made safe", strings.Repeat("\u200b", 10), 12, "<U+20… (cut)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := Safe(row.in, row.limit); got != row.want {
				t.Errorf("Safe(%+q, %d) = %+q, want %+q", row.in, row.limit, got, row.want)
			}
		})
	}
}

// checkSafe holds for the safe form of every text.
func checkSafe(t *testing.T, in string, limit int) {
	t.Helper()
	got := Safe(in, limit)
	if why := hostile.Hides(got); why != "" {
		t.Errorf("Safe(%+q) holds %s: %+q", in, why, got)
	}
	if n := utf8.RuneCountInString(got); limit > 0 && n > limit {
		t.Errorf("Safe(%+q, %d) has %d runes", in, limit, n)
	}
	if again := Safe(got, limit); again != got {
		t.Errorf("Safe(%+q) = %+q, and made safe again %+q", in, got, again)
	}
}

// G21: what is shown of hostile text hides nothing and turns nothing round.
func TestG21SafeText(t *testing.T) {
	t.Parallel()
	const texts = 100_000
	r := rand.New(rand.NewPCG(21, 1))
	for range texts {
		checkSafe(t, hostile.Text(r), r.IntN(40))
		if t.Failed() {
			return
		}
	}
}

// Every single character is either shown or written out.
func TestSafeOfEveryCharacter(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune + 1) {
		checkSafe(t, "a"+string(r)+"b", 0)
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range hostile.Words {
		f.Add(s, 0)
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) { checkSafe(t, s, limit) })
}

func TestHidden(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"please, two\nlines\tand more\r\n": false, "Zoë 王 ❤\ufe0f": false, "\u202e": true, "a\u200bb": true, "\x1b": true, "\U000e0041": true, "": false,
	} {
		if got := Hidden(s); got != want {
			t.Errorf("Hidden(%+q) = %t, want %t", s, got, want)
		}
	}
}

func TestMixedScripts(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"Αdmin": true, "Admin": false, "Аdmin": true, "Αθήνα Athens": false, "王Admin": false, "admin-Ωmega": true, "admin-Ω": false, "Адмін": false, "": false, "a1Α": false,
	} {
		if got := MixedScripts(s); got != want {
			t.Errorf("MixedScripts(%+q) = %t, want %t", s, got, want)
		}
	}
}
