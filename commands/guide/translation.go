package guide

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"twokey/chat/phrases"
)

// labelsFile is in the folder of each other language and holds the labels of
// links by their English, as most articles share a few.
const labelsFile = "labels.yaml"

// translation is the front matter of an article in another language. What is
// not about words is the English article's.
type translation struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	Of    string `yaml:"of"` // the day on which the English that it says was reviewed
	// Common names the devices for which the English has a variant of its own and
	// the common text does here.
	Common []Device `yaml:"common"`
}

func (g *Guide) loadTranslations(files fs.FS) error {
	for _, l := range phrases.Languages()[1:] {
		dir := path.Join(articlesFolder, string(l))
		names, err := fs.Glob(files, path.Join(dir, "*.md"))
		if err != nil {
			return fmt.Errorf("list articles: %w", err)
		}
		if len(names) == 0 {
			continue
		}
		labels := make(map[string]string)
		if err := read(files, path.Join(dir, labelsFile), &labels); err != nil {
			return err
		}
		g.others[l] = make(map[string]article)
		for _, name := range names {
			a, err := g.translated(files, name, labels)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			g.others[l][a.front.ID] = a
		}
	}
	return nil
}

// translated reads an article in another language.
func (g *Guide) translated(files fs.FS, name string, labels map[string]string) (article, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return article{}, err
	}
	head, body, above, err := parts(raw)
	if err != nil {
		return article{}, err
	}
	var t translation
	if err := decode(head, &t); err != nil {
		return article{}, err
	}
	english, ok := g.articles[t.ID]
	switch {
	case !ok || path.Base(name) != t.ID+".md":
		return article{}, fmt.Errorf("key id: no English article %q of this name", t.ID)
	case t.Title == "":
		return article{}, fmt.Errorf("key title: missing")
	case t.Of != english.front.Reviewed:
		return article{}, fmt.Errorf("key of: %q, but the English is that of %s: compare the two", t.Of, english.front.Reviewed)
	}
	a := article{front: english.front}
	a.front.Title, a.front.Asks, a.front.Links = t.Title, nil, nil
	a.alike = t.Common
	for _, l := range english.front.Links {
		label, ok := labels[l.Label]
		if !ok {
			return article{}, fmt.Errorf("%s has no label for %q", labelsFile, l.Label)
		}
		l.Label = label
		a.front.Links = append(a.front.Links, l)
	}
	if err := a.parseBody(string(body), above); err != nil {
		return article{}, err
	}
	return a, a.check()
}

// read decodes a YAML file.
func read(files fs.FS, name string, into any) error {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read guide: %w", err)
	}
	if err := decode(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// says reports whether a translation has what the English says for a device.
func (a article) says(english article, d Device) bool {
	_, own := english.variants[d]
	_, translated := a.variants[d]
	return !own || translated || slices.Contains(a.alike, d)
}
