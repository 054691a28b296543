// Package phrases says the bot's sentences in the language of the person who
// reads them.
//
// A sentence is written in English where it is said, and that English is its
// key, so that code can be read without a second file:
//
//	v.Say("You have %d methods.", n)
//
// A package that says anything in more than one language keeps one file for
// each language beside its code, say phrases/de.yaml, embeds them and hands
// them to [Load]:
//
//	"You have %d methods.": "Sie haben %d Methoden."
//
// Placeholders are those of package fmt. Where another language wants another
// order it numbers them: "%[2]s: %[1]d". A sentence that a file lacks is said
// in English. Nobody has to remember the files: phrasetest.Check reads the
// source, and fails for what is said and not translated, for what is translated
// and not said any more, and for placeholders that differ.
//
// A sentence that is not said where it is written, as one of a table, is marked
// there with [Mark] and said by Say(variable). What comes from people or from
// the tenant is an argument, never the sentence.
package phrases

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml"
)

// Language is a language by its ISO 639-1 code. The zero value is English.
type Language string

// The languages that the bot speaks.
const (
	English    Language = "en"
	Spanish    Language = "es"
	French     Language = "fr"
	German     Language = "de"
	Portuguese Language = "pt"
	Vietnamese Language = "vi"
)

// Languages returns every language, English first, in the order in which they
// are offered.
func Languages() []Language {
	return []Language{English, Spanish, French, German, Portuguese, Vietnamese}
}

// names are how the languages call themselves.
var names = map[Language]string{
	English: "English", Spanish: "Español", French: "Français", German: "Deutsch", Portuguese: "Português", Vietnamese: "Tiếng Việt",
}

// Name returns the language's name in the language itself.
func (l Language) Name() string { return names[l.known()] }

func (l Language) known() Language {
	if _, ok := names[l]; !ok {
		return English
	}
	return l
}

// Match returns the language that a locale like "pt-BR", "de_AT" or "es"
// is of, or that is called so. The second value is false if the bot does not
// speak it.
func Match(locale string) (Language, bool) {
	locale = strings.ToLower(strings.TrimSpace(locale))
	base, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	for _, l := range Languages() {
		if base == string(l) || locale == strings.ToLower(names[l]) {
			return l, true
		}
	}
	return English, false
}

// Book holds the translations of the sentences of one package.
type Book struct {
	pages map[Language]map[string]string // by the English sentence
}

// Load reads the file of each language but English from a folder. The error
// names the file, and the line that is wrong.
func Load(files fs.FS, dir string) (*Book, error) {
	b := &Book{pages: make(map[Language]map[string]string)}
	for _, l := range Languages()[1:] {
		name := path.Join(dir, string(l)+".yaml")
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read phrases: %w", err)
		}
		page := make(map[string]string)
		if err := yaml.Unmarshal(raw, &page); err != nil {
			return nil, fmt.Errorf("%s: %w", name, errors.New(strings.TrimSpace(yaml.FormatError(err, false, false))))
		}
		b.pages[l] = page
	}
	return b, nil
}

// Page returns the translations into a language by the English sentence. It
// must not be changed.
func (b *Book) Page(l Language) map[string]string { return b.pages[l] }

// In returns the voice that speaks a language. A nil book speaks English.
func (b *Book) In(l Language) Voice { return Voice{l.known(), b} }

// Voice speaks one language. The zero value speaks English.
type Voice struct {
	language Language
	book     *Book
}

// Language returns what the voice speaks.
func (v Voice) Language() Language { return v.language.known() }

// Say returns the sentence in the voice's language with the arguments in their
// places, as fmt.Sprintf has them. Without arguments a percent sign is one.
func (v Voice) Say(english string, args ...any) string {
	text := english
	if v.book != nil {
		if s, ok := v.book.pages[v.language][english]; ok {
			text = s
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Mark returns the sentence as it is. It tells phrasetest.Check that it is said
// somewhere else.
func Mark(english string) string { return english }
