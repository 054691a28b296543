package guide

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// readingDays are days between which the dated facts change.
var readingDays = []time.Time{
	today,
	time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC),
}

// readings are all ways in which an article may read on a device: before and after
// the dated facts change, and by what is known of the tenant.
func readings(d Device) (all []View) {
	for _, now := range readingDays {
		for _, facts := range [][]Fact{nil, {Policies}, {NoTexts, NoPasses}, Facts()} {
			all = append(all, View{Device: d, Now: now, Facts: facts})
		}
	}
	return all
}

// everyReading calls check with each article as each device sees it, in all readings.
func everyReading(t *testing.T, check func(t *testing.T, a Article)) {
	t.Helper()
	g := mustLoad(t)
	for _, id := range g.Topics() {
		for _, d := range append([]Device{AnyDevice}, Devices()...) {
			for _, v := range readings(d) {
				t.Run(strings.Join([]string{id, string(d), v.Now.Format(time.DateOnly), fmt.Sprint(v.Facts)}, "/"), func(t *testing.T) {
					t.Parallel()
					a, ok := g.Article(id, v)
					if !ok {
						t.Fatal("no such article")
					}
					check(t, a)
				})
			}
		}
	}
}

func (a Article) firstScreen() string {
	return strings.Join(append([]string{a.Title + ".", a.Lead}, a.Steps...), "\n")
}

func (a Article) all() string {
	return strings.Join([]string{a.firstScreen(), a.Otherwise, a.Person}, "\n")
}

func TestArticlesAreBrief(t *testing.T) {
	t.Parallel()
	everyReading(t, func(t *testing.T, a Article) {
		if n := len(a.Steps); n < 3 || n > 6 {
			t.Errorf("%d steps, want 3 to 6", n)
		}
		if n := len(strings.Fields(a.firstScreen())); n > 120 {
			t.Errorf("%d words on the first screen, want at most 120", n)
		}
		if n := len(strings.Fields(a.all())); n > 170 {
			t.Errorf("%d words, want at most 170", n)
		}
		if n := len(strings.Fields(a.Lead)); n > 25 {
			t.Errorf("%d words in the lead, want at most 25", n)
		}
		if strings.Count(a.Lead, ". ") > 0 {
			t.Errorf("the lead is more than one sentence: %q", a.Lead)
		}
	})
}

func TestArticlesArePlain(t *testing.T) {
	t.Parallel()
	everyReading(t, func(t *testing.T, a Article) {
		for _, bad := range []string{"TODO", "FIXME", "XXX", "{{", "}}", "**", "](", "http://", "—", "`"} {
			if strings.Contains(a.all(), bad) {
				t.Errorf("text has %q:\n%s", bad, a.all())
			}
		}
		for _, part := range append([]string{a.Lead, a.Otherwise, a.Person}, a.Steps...) {
			if !strings.HasSuffix(part, ".") {
				t.Errorf("no full stop at the end of %q", part)
			}
		}
		if r := []rune(a.Person)[0]; !unicode.IsLower(r) {
			t.Errorf("Person %q does not go on after %q", a.Person, personHeading)
		}
	})
}

func TestArticlesReadAtGrade7(t *testing.T) {
	t.Parallel()
	everyReading(t, func(t *testing.T, a Article) {
		if g := grade(a.all()); g > 7 {
			t.Errorf("Flesch-Kincaid grade %.1f, want at most 7:\n%s", g, a.all())
		}
	})
}

func TestGrade(t *testing.T) {
	t.Parallel()
	easy := grade("The cat sat on the mat. It was a big cat.")
	hard := grade("Organisational authentication requirements necessitate immediate registration of supplementary verification methodologies.")
	if easy > 2 || hard < 15 {
		t.Errorf("grades of an easy and a hard text = %.1f, %.1f", easy, hard)
	}
	for word, want := range map[string]int{"tap": 1, "phone": 1, "number": 2, "computer": 3, "table": 2, "authenticator": 5, "signed": 1} {
		if got := syllables(word); got != want {
			t.Errorf("syllables(%q) = %d, want %d", word, got, want)
		}
	}
}

var (
	sentenceEnd = regexp.MustCompile(`[.?!]["')]*(\s|$)`)
	address     = regexp.MustCompile(`\S+\.(ms|com)(/\S*\w)?`)
	vowels      = regexp.MustCompile(`[aeiouy]+`)
)

// grade is the Flesch-Kincaid grade level. An address on the web counts as one
// short word: it is copied, not read.
func grade(text string) float64 {
	text = address.ReplaceAllString(text, "page")
	sentences := len(sentenceEnd.FindAllString(text, -1))
	words, parts := 0, 0
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		words++
		parts += syllables(word)
	}
	return 0.39*float64(words)/float64(max(sentences, 1)) + 11.8*float64(parts)/float64(max(words, 1)) - 15.59
}

// syllables counts groups of vowels, less the silent e at the end.
func syllables(word string) int {
	n := len(vowels.FindAllString(word, -1))
	silent := strings.HasSuffix(word, "e") && !strings.HasSuffix(word, "le") || strings.HasSuffix(word, "ed") && !strings.HasSuffix(word, "ted") && !strings.HasSuffix(word, "ded")
	if silent && n > 1 {
		n--
	}
	return max(n, 1)
}

func checkOfficial(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	switch {
	case err != nil:
		t.Errorf("address %q: %v", address, err)
	case u.Scheme != "https" || !slices.Contains(OfficialHosts(), u.Host) || u.User != nil:
		t.Errorf("address %q is not https on one of %v", address, OfficialHosts())
	}
}

func TestArticlesLinkToOfficialPages(t *testing.T) {
	t.Parallel()
	everyReading(t, func(t *testing.T, a Article) {
		if len(a.Links) == 0 || len(a.Links) > 4 {
			t.Errorf("%d links, want 1 to 4", len(a.Links))
		}
		for _, l := range a.Links {
			checkOfficial(t, l.URL)
			if l.Label == "" {
				t.Errorf("link %s has no label", l.URL)
			}
		}
		// An address in the text is one that a link offers too, or a page of
		// Microsoft's that the reader should recognise.
		for _, found := range address.FindAllString(a.all(), -1) {
			if !strings.HasPrefix(found, "aka.ms/") && !strings.HasSuffix(found, ".microsoft.com") && found != "login.microsoftonline.com" {
				t.Errorf("address %q in the text", found)
			}
		}
	})
}

func TestFrontMatter(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	asked := make(map[string]string)
	for _, id := range g.Topics() {
		f := g.articles[id].front
		if f.reviewed.After(today) {
			t.Errorf("%s: reviewed on %s, after %s", id, f.Reviewed, today)
		}
		if !f.nextReview.After(today) || f.nextReview.After(f.reviewed.AddDate(1, 0, 0)) {
			t.Errorf("%s: next review on %s, want a day after %s and within a year", id, f.NextReview, today)
		}
		for _, s := range f.Sources {
			checkOfficial(t, s)
		}
		if n := len(f.Asks); n < 20 || n > 150 {
			t.Errorf("%s: %d ways to ask, want 20 to 150", id, n)
		}
		for _, ask := range f.Asks {
			ask = strings.ToLower(ask)
			if other, twice := asked[ask]; twice {
				t.Errorf("%s: %q stands in %s too", id, ask, other)
			}
			asked[ask] = id
		}
	}
}

// A dated fact must be looked at again by the day on which it changes.
func TestDatedArticlesAreReviewedInTime(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	dated := 0
	for _, id := range g.Topics() {
		a := g.articles[id]
		for _, text := range append([]string{a.common.lead, a.common.otherwise, a.common.person}, a.common.steps...) {
			for _, m := range passage.FindAllStringSubmatch(text, -1) {
				all, err := conditions(m[1])
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range all {
					if c.word != "before" && c.word != "from" {
						continue
					}
					dated++
					if next := a.front.NextReview; next > c.about {
						t.Errorf("%s: next review on %s, but its text changes on %s", id, next, c.about)
					}
				}
			}
		}
	}
	if dated == 0 {
		t.Error("no dated passage found")
	}
}
