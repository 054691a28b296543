package guide

import (
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat/phrases"
)

// mostAsked are the articles that every language has.
var mostAsked = []string{
	"add-backup-method", "add-work-account", "approve-sign-in", "first-sign-in", "forgot-or-broken-phone",
	"install-authenticator", "lost-stolen-phone", "mfa-what-why", "more-information-required", "new-phone",
	"no-notifications", "no-smartphone", "privacy-personal-phone", "sms-vs-app", "unexpected-prompt",
}

// everyTranslation calls check with each translation beside its English.
func everyTranslation(t *testing.T, check func(t *testing.T, l phrases.Language, english, other article)) {
	t.Helper()
	g := mustLoad(t)
	for _, l := range phrases.Languages()[1:] {
		for _, id := range mostAsked {
			t.Run(string(l)+"/"+id, func(t *testing.T) {
				t.Parallel()
				other, ok := g.others[l][id]
				if !ok {
					t.Fatal("not translated")
				}
				check(t, l, g.articles[id], other)
			})
		}
	}
}

func TestTranslationsSayWhatTheEnglishSays(t *testing.T) {
	t.Parallel()
	everyTranslation(t, func(t *testing.T, _ phrases.Language, english, other article) {
		for d := range english.variants {
			if !other.says(english, d) {
				// Shown in English then, which says so: only where two translations
				// of much the same would be kept for few.
				if d != Tablet {
					t.Errorf("nothing for %s", d)
				}
			}
		}
		compare(t, "the common text", english.common, other.common)
		for d, s := range other.variants {
			compare(t, string(d), english.variants[d], s)
			if s.title == "" {
				t.Errorf("%s has no title", d)
			}
		}
	})
}

// compare checks that two sections have the same steps, parts, dates, addresses
// and numbers to call.
func compare(t *testing.T, what string, english, other section) {
	t.Helper()
	if len(english.steps) != len(other.steps) {
		t.Errorf("%s: %d steps, in English %d", what, len(other.steps), len(english.steps))
		return
	}
	for i, part := range english.parts() {
		got := other.parts()[i]
		if (part == "") != (got == "") {
			t.Errorf("%s: %q, in English %q", what, got, part)
		}
		if want, has := days(part), days(got); !slices.Equal(want, has) {
			t.Errorf("%s: %q hangs on %v, in English on %v", what, got, has, want)
		}
		if part != "" && part == got {
			t.Errorf("%s: %q is still English", what, got)
		}
		for _, a := range address.FindAllString(part, -1) {
			if !strings.Contains(got, a) {
				t.Errorf("%s: %q does not name %s", what, got, a)
			}
		}
	}
}

func (s section) parts() []string {
	return append([]string{s.lead, s.otherwise, s.person}, s.steps...)
}

func days(text string) (all []string) {
	for _, m := range passage.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// wordsIn counts the words of a text. Vietnamese puts a
// space between syllables, of which a word has 1.4 or so.
func wordsIn(l phrases.Language, text string) float64 {
	n := float64(len(strings.Fields(text)))
	if l == phrases.Vietnamese {
		return n / 1.4
	}
	return n
}

func TestTranslationsAreBriefAndPlain(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	everyTranslation(t, func(t *testing.T, l phrases.Language, english, _ article) {
		for _, d := range append([]Device{AnyDevice}, Devices()...) {
			for _, v := range readings(d) {
				v.Language = l
				a, ok := g.Article(english.front.ID, v)
				if !ok || a.Language != l {
					continue
				}
				if n := wordsIn(l, a.firstScreen()); n > 120 {
					t.Errorf("%s: %.0f words on the first screen, want at most 120", d, n)
				}
				sentences := len(sentenceEnd.FindAllString(a.all(), -1))
				if mean := wordsIn(l, a.all()) / float64(sentences); mean > 15 {
					t.Errorf("%s: %.1f words in a sentence, want at most 15", d, mean)
				}
				for _, bad := range []string{"TODO", "{{", "}}", "**", "](", "http://", "`"} {
					if strings.Contains(a.all(), bad) {
						t.Errorf("%s: text has %q", d, bad)
					}
				}
			}
		}
	})
}

// On the day before and on the day itself each language says something else.
func TestTranslationsChangeOnTheDay(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	day := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, l := range phrases.Languages()[1:] {
		for _, id := range []string{"sms-vs-app", "add-backup-method", "no-smartphone", "forgot-or-broken-phone", "more-information-required"} {
			before, _ := g.Article(id, View{Language: l, Now: day.Add(-time.Second)})
			after, _ := g.Article(id, View{Language: l, Now: day})
			if before.Language != l || before.all() == after.all() {
				t.Errorf("%s, %s: the same before and after", l, id)
			}
		}
	}
}

func TestEnglishWhereThereIsNoTranslation(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	for _, row := range []struct {
		id     string
		device Device
		want   phrases.Language
	}{
		{"new-phone", AnyDevice, phrases.German},
		{"new-phone", IPhone, phrases.German},           // the common text does
		{"add-work-account", PhoneOnly, phrases.German}, // has a variant
		{"add-work-account", "fridge", phrases.German},  // the English has none either
		{"apple-watch", AnyDevice, phrases.English},     // not translated
	} {
		if a, ok := g.Article(row.id, View{Language: phrases.German, Device: row.device, Now: today}); !ok || a.Language != row.want {
			t.Errorf("%s for %q is in %q, want %q", row.id, row.device, a.Language, row.want)
		}
	}
	e, _ := g.Article("new-phone", View{Language: "tlh", Now: today})
	if e.Language != phrases.English {
		t.Errorf("in a language that nobody speaks: %q", e.Language)
	}
	partial := article{}
	if partial.says(article{variants: map[Device]section{Key: {}}}, Key) {
		t.Error("a translation without the variant says what the English has for it")
	}
}
