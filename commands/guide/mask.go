package guide

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maskedLength bounds what is kept of a question, in letters.
const maskedLength = 160

// What tells of somebody whoever reads it, wherever it stands.
var (
	mailAddress   = regexp.MustCompile(`\S*@\S+`)
	numberRun     = regexp.MustCompile(`(^|[^\pL\p{Nd}-])(\+?\p{Nd}(?:[\s().\-/]{0,2}\p{Nd})+)`)
	signInError   = regexp.MustCompile(`(?i)^aadsts\p{Nd}{4,7}$`)
	streetAddress = regexp.MustCompile(`(?i)\b\p{Nd}+[a-z]? (?:\pL+ ){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|square|court)\b\.?|\b\pL*(?:stra(?:ß|ss)e|strasse|gasse|weg|allee) \p{Nd}+[a-z]?\b|\b(?:calle|rue|rua|avenida|avenue) (?:\pL+ ){1,4}\p{Nd}+\b`)
	givenAway     = regexp.MustCompile(`(?i)\b((?:pass ?word|pass ?code|pass ?phrase|pin|code|otp|token|pass|contraseña|mot de passe|passwort|kennwort|senha|mật khẩu)(?: (?:is|was|es|est|ist|é|là)|\s*[:=]))\s*(\S+)`)
	introduces    = []string{"for", "colleague", "boss", "manager", "assistant", "user", "mr", "mrs", "ms", "miss", "dr", "named", "called", "am", "im", "is", "from", "by", "to", "and", "ask", "asked", "with"}
)

// fewestDigits is how many digits together may tell of somebody: a phone, a
// badge, a code.
const fewestDigits = 4

// fewestMixed is how many letters and digits in one word may be a code.
const fewestMixed = 6

// Masked returns a question as it may be kept, with nothing in it that tells who
// asked or of whom: mail addresses and sign-in names, links, phone and other
// numbers, streets, what may be a code or a password, and names. Name reports
// whether a word, in small letters, is part of somebody's name in the directory.
// What the guide's own phrases have stays: error codes, makes, versions.
// Of a name that no directory has it knows only where names usually stand.
func (g *Guide) Masked(question string, name func(word string) bool) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(question, " ")), " ")
	text = mailAddress.ReplaceAllString(text, "[address]")
	text = webAddress.ReplaceAllStringFunc(text, func(found string) string {
		if official(found, OfficialHosts()) {
			return found
		}
		return "[link]"
	})
	text = givenAway.ReplaceAllStringFunc(text, func(found string) string {
		m := givenAway.FindStringSubmatch(found)
		if last := tokens(m[2]); len(last) == 1 && letters(last[0]) && g.words.known[last[0]] != "" {
			return found
		}
		return m[1] + " [secret]"
	})
	text = streetAddress.ReplaceAllString(text, "[address]")
	text = numberRun.ReplaceAllStringFunc(text, func(found string) string {
		m := numberRun.FindStringSubmatch(found)
		if digits(m[2]) < fewestDigits || g.words.known[m[2]] != "" {
			return found
		}
		return m[1] + "[number]"
	})
	kept := []rune(g.unnamed(text, name))
	if len(kept) > maskedLength {
		kept = append(kept[:maskedLength-1], '…')
	}
	return string(kept)
}

// unnamed masks word by word: names, and what may be a code.
func (g *Guide) unnamed(text string, name func(string) bool) string {
	fields := strings.Fields(text)
	out := slices.Clone(fields)
	for i, field := range fields {
		if strings.HasPrefix(field, "[") {
			continue
		}
		core := strings.TrimFunc(field, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		core = strings.TrimSuffix(strings.TrimSuffix(core, "'s"), "’s")
		if mask := g.mask(fields, i, core, name); mask != "" {
			out[i] = strings.Replace(field, core, mask, 1)
		}
	}
	return strings.Join(out, " ")
}

// mask returns what stands for a word, or "" if it may stay.
func (g *Guide) mask(fields []string, i int, word string, name func(string) bool) string {
	parts := tokens(word)
	switch {
	case len(parts) == 0:
		return ""
	case !letters(word) && digits(word) > 0:
		if g.knowsAll(parts) || signInError.MatchString(word) || len([]rune(word)) < fewestMixed && digits(word) < fewestDigits {
			return ""
		}
		return "[code]"
	case g.knowsAll(parts) && !(capital(word) && i > 0 && isName(parts, name)):
		return ""
	case isName(parts, name):
		return "[name]"
	case capital(word) && i > 0 && (slices.Contains(introduces, strings.ToLower(fields[i-1])) || g.strange(fields, i-1) || g.strange(fields, i+1)):
		return "[name]"
	}
	return ""
}

// strange reports whether a word begins with a capital and is none of the guide's.
func (g *Guide) strange(fields []string, i int) bool {
	return i >= 0 && i < len(fields) && capital(fields[i]) && !g.knowsAll(tokens(fields[i]))
}

func (g *Guide) knowsAll(words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return g.words.known[w] == "" })
}

func isName(words []string, name func(string) bool) bool {
	return name != nil && slices.ContainsFunc(words, name)
}

func digits(word string) (n int) {
	for _, c := range word {
		if unicode.IsDigit(c) {
			n++
		}
	}
	return n
}

func letters(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' && r != '\'' && r != '’' })
}

// capital reports whether a word is written as names are, and not all in capitals.
func capital(word string) bool {
	rs := []rune(word)
	return len(rs) > 1 && unicode.IsUpper(rs[0]) && slices.ContainsFunc(rs[1:], unicode.IsLower)
}
