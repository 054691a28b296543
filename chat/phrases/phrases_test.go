package phrases_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"twokey/chat/phrases"
	"twokey/chat/phrasetest"
)

func book(t *testing.T, german string) *phrases.Book {
	t.Helper()
	files := fstest.MapFS{}
	for _, l := range phrases.Languages()[1:] {
		files["p/"+string(l)+".yaml"] = &fstest.MapFile{Data: []byte(german)}
	}
	b, err := phrases.Load(files, "p")
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return b
}

func TestSay(t *testing.T) {
	t.Parallel()
	b := book(t, `"%d phones of %s": "%[2]s hat %[1]d Telefone"
"100% done": "100% fertig"
`)
	for _, row := range []struct {
		name, got, want string
	}{
		{"in another order", b.In(phrases.German).Say("%d phones of %s", 2, "Ann %d"), "Ann %d hat 2 Telefone"},
		{"English", b.In(phrases.English).Say("%d phones of %s", 2, "Ann"), "2 phones of Ann"},
		{"a percent sign", b.In(phrases.German).Say("100% done"), "100% fertig"},
		{"what is not translated", b.In(phrases.German).Say("%s is new", "It"), "It is new"},
		{"a language that nobody speaks", b.In("tlh").Say("%d phones of %s", 1, "Ann"), "1 phones of Ann"},
		{"no book", (*phrases.Book)(nil).In(phrases.German).Say("100% done"), "100% done"},
		{"no voice", phrases.Voice{}.Say("%s is new", "It"), "It is new"},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, row.got, row.want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]phrases.Language{
		"en-GB": phrases.English, "pt-BR": phrases.Portuguese, "de_AT": phrases.German, "ES": phrases.Spanish,
		" fr ": phrases.French, "vi-VN": phrases.Vietnamese, "tiếng việt": phrases.Vietnamese, "Français": phrases.French, "es-419": phrases.Spanish,
	} {
		if got, ok := phrases.Match(locale); got != want || !ok {
			t.Errorf("Match(%q) = %q, %t; want %q", locale, got, ok, want)
		}
	}
	for _, locale := range []string{"", "nl", "den", "e", "-"} {
		if got, ok := phrases.Match(locale); got != phrases.English || ok {
			t.Errorf("Match(%q) = %q, %t; want English and false", locale, got, ok)
		}
	}
	for _, l := range phrases.Languages() {
		if l.Name() == "" {
			t.Errorf("%s has no name", l)
		}
	}
}

func TestLoadNamesTheFault(t *testing.T) {
	t.Parallel()
	if _, err := phrases.Load(fstest.MapFS{}, "p"); err == nil || !strings.Contains(err.Error(), "p/es.yaml") {
		t.Errorf("without files: %v, want the name of the first", err)
	}
	for _, wrong := range []string{"\"a\": [b]\n", "\"a\": b\n\"a\": c\n", "a\n"} {
		files := fstest.MapFS{"p/es.yaml": &fstest.MapFile{Data: []byte(wrong)}}
		if _, err := phrases.Load(files, "p"); err == nil || !strings.Contains(err.Error(), "p/es.yaml") {
			t.Errorf("of %q: %v, want an error that names the file", wrong, err)
		}
	}
}

// The check finds each kind of mistake, and nothing in what is right.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	const page = "\"%d phones of %s, ask /mfa me\": \"%[2]s, %[1]d, /mfa me\"\n"
	const said = "\nfunc f(v V) { v.Say(\"%d phones of %s, ask /mfa me\", 1, x) }\n"
	for _, row := range []struct{ name, source, page, want string }{
		{"nothing", said, page, ""},
		{"not translated", said + `var a = v.Say("I am new here")`, page, `"I am new here" is not translated`},
		{"marked and not translated", said + `var a = phrases.Mark("I am new here")`, page, `"I am new here" is not translated`},
		{"loose", said + `var a = M{Text: "I am new here"}`, page, `"I am new here" is not said by a voice`},
		{"an error for the log", said + `var a = fmt.Errorf("read the file: %w", err)`, page, ""},
		{"a summary for help", said + `var a = C{Summary: "What it is for"}`, page, ""},
		{"put together", said + `var a = v.Say("I am " + name)`, page, "not one piece of text"},
		{"still English", said, "\"%d phones of %s, ask /mfa me\": \"%d phones of %s, ask /mfa me\"\n", "still English"},
		{"a placeholder less", said, "\"%d phones of %s, ask /mfa me\": \"%d, /mfa me\"\n", "placeholders"},
		{"placeholders in another order", said, "\"%d phones of %s, ask /mfa me\": \"%s, %d, /mfa me\"\n", "placeholders"},
		{"another command", said, "\"%d phones of %s, ask /mfa me\": \"%d, %s, /mfa yo\"\n", "names"},
		{"said no more", said, page + "\"Old news\": \"Alt\"\n", "nobody says it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			problems := phrasetest.Problems(book(t, row.page), phrasetest.Parse(t, "package p\n"+row.source))
			if row.want == "" && len(problems) > 0 || row.want != "" && !strings.Contains(strings.Join(problems, "\n"), row.want) {
				t.Errorf("problems = %q, want %q", problems, row.want)
			}
		})
	}
}
