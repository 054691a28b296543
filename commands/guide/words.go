package guide

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kljensen/snowball/english"
)

const (
	// maxWords bounds the work for one question; nobody's question needs more.
	maxWords = 200
	// maxWordLength is longer than any word that we know.
	maxWordLength = 32
	// typoLength is the shortest word in which a wrong letter is looked for:
	// among shorter ones too many others are one letter away.
	typoLength = 5
	// seenOften is how often a word must stand in the phrases to be preferred to
	// one that stands there.
	seenOften = 20
)

// wordsConfig is words.en.yaml.
type wordsConfig struct {
	Stop       []string            `yaml:"stop"`
	Same       map[string][]string `yaml:"same"`
	Exact      map[string][]string `yaml:"exact"`
	Devices    map[string][]string `yaml:"devices"`
	NotDevices map[string][]string `yaml:"not-devices"`
	Ours       []string            `yaml:"ours"`
	Kin        []string            `yaml:"kin"`
	Framing    []string            `yaml:"framing"`
	Requests   requestsConfig      `yaml:"requests"`
}

func loadWords(files fs.FS) (wordsConfig, error) {
	var c wordsConfig
	raw, err := fs.ReadFile(files, wordsFile)
	if err != nil {
		return c, fmt.Errorf("read words: %w", err)
	}
	if err := decode(raw, &c); err != nil {
		return c, fmt.Errorf("%s: %w", wordsFile, err)
	}
	for name := range c.Devices {
		if !slices.Contains(Devices(), Device(name)) {
			return c, fmt.Errorf("%s: key devices: no device %q", wordsFile, name)
		}
	}
	return c, nil
}

// words reads text as terms: what is left of words after their forms, typing
// errors and synonyms are taken off.
type words struct {
	stop    map[string]bool      // stems
	phrases map[string]string    // stems joined by a space, to the term that they mean
	exact   map[string]string    // words joined by a space, to the term that they mean
	longest int                  // words in the longest phrase
	known   map[string]string    // every known word, to its stem
	often   map[string]int       // how often a word stands in the phrases
	stems   map[string]bool      // the stems of the known words
	near    map[nearKey][]string // known words by their first letter and length, sorted
	ours    map[string]bool      // terms that have to do with signing in
	kin     map[string]bool      // terms that have to do with phones and apps
	framing map[string]bool      // terms and words that tell how a question is put
	deeds   map[string]bool      // words for what may be asked for to be done
}

// devicePrefix marks the terms that are devices.
const devicePrefix = "device:"

func newWords(c wordsConfig, subjects []subject) (*words, error) {
	w := &words{
		stop: make(map[string]bool), phrases: make(map[string]string), exact: make(map[string]string),
		known: make(map[string]string), often: make(map[string]int), stems: make(map[string]bool), near: make(map[nearKey][]string),
	}
	w.deeds, w.framing = setOf(c.Requests.Commands, c.Requests.Deeds), setOf(c.Framing, c.Requests.Unless)
	for _, s := range c.Stop {
		for _, t := range w.learn(s) {
			w.stop[w.stem(t)] = true
		}
	}
	if err := w.learnPhrases(c); err != nil {
		return nil, err
	}
	for _, s := range subjects {
		w.learn(s.title)
		w.learn(s.body)
		for _, a := range s.asks {
			w.learn(a)
		}
	}
	w.index()
	w.ours, w.kin = w.termSet(c.Ours), w.termSet(c.Kin)
	return w, nil
}

// learn makes the words of a text known and returns them.
func (w *words) learn(text string) []string {
	ts := tokens(text)
	for _, t := range ts {
		w.known[t] = w.stem(t)
		w.stems[w.known[t]] = true
		w.often[t]++
	}
	return ts
}

// learnPhrases refuses a phrase that would have two meanings: which of them
// it got would be chance.
func (w *words) learnPhrases(c wordsConfig) error {
	for _, group := range []struct {
		key, prefix string
		terms       map[string][]string
		into        map[string]string
		form        func([]string) []string
	}{
		{"exact", "", c.Exact, w.exact, slices.Clone[[]string]},
		{"same", "", c.Same, w.phrases, w.stemAll},
		{"devices", devicePrefix, c.Devices, w.phrases, w.stemAll},
		{"not-devices", "", c.NotDevices, w.phrases, w.stemAll},
	} {
		for term, phrases := range group.terms {
			for _, p := range phrases {
				ts := w.learn(p)
				key := strings.Join(group.form(ts), " ")
				if other, ok := group.into[key]; ok && other != group.prefix+term {
					return fmt.Errorf("%s: key %s.%s: %q reads like a phrase for %q", wordsFile, group.key, term, p, other)
				}
				group.into[key] = group.prefix + term
				w.longest = max(w.longest, len(ts))
			}
		}
	}
	return nil
}

// nearKey is what two words that one typing error separates share, but for one
// more or less in the length.
type nearKey struct {
	letter byte
	runes  int
}

func keyOf(word string) nearKey { return nearKey{word[0], utf8.RuneCountInString(word)} }

// index prepares the search for typing errors.
func (w *words) index() {
	for _, k := range slices.Sorted(maps.Keys(w.known)) {
		if utf8.RuneCountInString(k) >= typoLength-1 {
			w.near[keyOf(k)] = append(w.near[keyOf(k)], k)
		}
	}
}

// correct returns the known word that begins with the same letter and is one
// typing error away: a letter wrong, missing, too many, or two exchanged.
// Otherwise it returns the word. Of several the one that is seen most is taken,
// and of those the alphabet's first, so that the choice is fixed. People seldom
// get the first letter wrong, while words that differ in it are mostly two
// words: catch, match. A word that is seen once, beside one seen often, is
// taken for an error too: people's own phrases have them.
func (w *words) correct(word string) string {
	if utf8.RuneCountInString(word) < typoLength || w.often[word] > 1 || w.often[word] == 0 && w.stems[w.stem(word)] {
		return word
	}
	best, most := "", 0
	if w.often[word] == 1 {
		most = seenOften
	}
	key := keyOf(word)
	for _, runes := range []int{key.runes - 1, key.runes, key.runes + 1} {
		for _, k := range w.near[nearKey{key.letter, runes}] {
			if w.often[k] < most || !oneErrorApart(word, k) || w.stem(k) == w.stem(word) {
				continue
			}
			if n := w.often[k]; n > most || n == most && best != "" && k < best {
				best, most = k, n
			}
		}
	}
	if best == "" {
		return word
	}
	return best
}

// oneErrorApart reports whether two different words differ by one letter
// changed, added or left out, or by two neighbours exchanged.
func oneErrorApart(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) < len(y) {
		return slices.Equal(x[i:], y[i+1:])
	}
	if i == len(x) {
		return false
	}
	if slices.Equal(x[i+1:], y[i+1:]) {
		return true
	}
	return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && slices.Equal(x[i+2:], y[i+2:])
}

// reading is what a text is about.
type reading struct {
	terms   []string // in order
	unknown int      // terms that no phrase has
	devices []mention
	ours    bool     // something in it has to do with signing in
	kin     bool     // or at least with phones and apps
	roles   []string // of every word and phrase, for the frame
}

// mention is a device that is named, and the word before it.
type mention struct {
	device Device
	after  string
}

func (w *words) read(text string) reading {
	var r reading
	ts := tokens(text)
	for i, t := range ts {
		ts[i] = w.correct(t)
	}
	stems := w.stemAll(ts)
	for i := 0; i < len(stems); {
		term, n := w.phrase(ts[i:], stems[i:])
		if n == 0 {
			term, n = stems[i], 1
		}
		if d, ok := isDevice(term); ok {
			m := mention{device: d}
			if i > 0 {
				m.after = ts[i-1]
			}
			r.devices = append(r.devices, m)
		}
		r.ours = r.ours || w.ours[term]
		r.kin = r.kin || r.ours || w.kin[term]
		known := n > 1 || w.stems[term] || w.phrases[stems[i]] != "" || w.exact[ts[i]] != ""
		r.roles = append(r.roles, w.role(term, ts[i], known))
		if !w.stop[term] {
			r.terms = append(r.terms, term)
			if !known {
				r.unknown++
			}
		}
		i += n
	}
	return r
}

func (w *words) terms(text string) []string { return w.read(text).terms }

func setOf(lists ...[]string) map[string]bool {
	set := make(map[string]bool)
	for _, word := range slices.Concat(lists...) {
		set[word] = true
	}
	return set
}

func (w *words) termSet(texts []string) map[string]bool {
	set := make(map[string]bool)
	for _, text := range texts {
		for _, t := range w.terms(text) {
			set[t] = true
		}
	}
	return set
}

// phrase returns the meaning of the longest phrase at the start of the text
// and its length in words, or 0.
func (w *words) phrase(tokens, stems []string) (string, int) {
	for n := min(w.longest, len(stems)); n > 0; n-- {
		if term, ok := w.exact[strings.Join(tokens[:n], " ")]; ok {
			return term, n
		}
		if term, ok := w.phrases[strings.Join(stems[:n], " ")]; ok {
			return term, n
		}
	}
	return "", 0
}

// tokens splits a text into lower-case words and numbers. Apostrophes vanish,
// so that "don't" and "dont" are one word, and a number after letters stands
// alone, so that "AADSTS50105" is known by its beginning.
func tokens(text string) []string {
	var out []string
	keep := func(t string) {
		if t != "" && len(t) <= maxWordLength && len(out) < maxWords {
			out = append(out, t)
		}
	}
	for field := range strings.FieldsFuncSeq(text, separates) {
		field = strings.ToLower(apostrophes.Replace(field))
		start, letters := 0, false
		for i, r := range field {
			if letters && unicode.IsDigit(r) {
				keep(field[start:i])
				start = i
			}
			letters = unicode.IsLetter(r)
		}
		keep(field[start:])
		if len(out) == maxWords {
			break
		}
	}
	return out
}

var apostrophes = strings.NewReplacer("'", "", "’", "")

func separates(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’'
}

func (w *words) stem(word string) string {
	if s, ok := w.known[word]; ok {
		return s
	}
	return english.Stem(word, true)
}

func (w *words) stemAll(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = w.stem(t)
	}
	return out
}
