package guide

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"twokey/chat/phrases"
)

// An organisation's own articles stand in a folder: English ones in it, others in
// a folder of their language's code. One of a name that the guide has takes the
// place of ours, in every language. They are held to the rules of ours.

// OfficialHosts are those that an article may link to, beside the owner's.
func OfficialHosts() []string {
	return []string{
		"aka.ms", "mysignins.microsoft.com", "www.microsoft.com", "learn.microsoft.com", "support.microsoft.com", "apps.apple.com", "play.google.com",
		"myaccount.microsoft.com", "login.microsoftonline.com",
	}
}

// LoadWith reads the embedded articles and an organisation's own, which may link to
// hosts of its own as well. An error names the file, and the line or the key that
// is wrong; then nothing is loaded.
func LoadWith(own fs.FS, hosts []string) (*Guide, error) { return loadWith(embedded, own, hosts) }

// fewestAsks is how many ways of asking an article needs to be found by its own.
const fewestAsks = 5

func (g *Guide) loadOwn(own fs.FS, hosts []string) error {
	allowed := append(OfficialHosts(), hosts...)
	names, err := fs.Glob(own, "*.md")
	if err != nil {
		return fmt.Errorf("list own articles: %w", err)
	}
	for _, name := range names {
		a, err := ownArticle(own, name, allowed)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		ours, there := g.articles[a.front.ID]
		if there { // who asks for ours asks for theirs
			a.front.Asks = append(a.front.Asks, ours.front.Asks...)
		} else {
			g.topics = append(g.topics, a.front.ID)
		}
		g.articles[a.front.ID] = a
		for _, others := range g.others {
			delete(others, a.front.ID)
		}
	}
	slices.Sort(g.topics)
	return g.loadOwnTranslations(own, allowed)
}

func ownArticle(own fs.FS, name string, allowed []string) (article, error) {
	raw, err := fs.ReadFile(own, name)
	if err != nil {
		return article{}, err
	}
	a, err := parseArticle(raw)
	switch {
	case err != nil:
		return a, err
	case a.front.ID+".md" != name:
		return a, fmt.Errorf("key id: %q belongs in a file named %s.md", a.front.ID, a.front.ID)
	case len(a.front.Asks) < fewestAsks:
		return a, fmt.Errorf("key asks: %d ways to ask, want %d at least", len(a.front.Asks), fewestAsks)
	case !a.front.nextReview.After(a.front.reviewed), a.front.nextReview.After(a.front.reviewed.AddDate(1, 0, 0)):
		return a, fmt.Errorf("key next-review: %s is not within a year after reviewed, %s", a.front.NextReview, a.front.Reviewed)
	}
	return a, a.checkAddresses(raw, allowed)
}

// webAddress is whatever a reader may take for an address, or a chat make a link
// of.
var webAddress = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^\s<>"”)\]]+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b(?:/[^\s<>"”)\]]*)?`)

// checkAddresses refuses whatever leads people to where they do not belong: in the
// links, the sources and the text. The error has the line.
func (a article) checkAddresses(raw []byte, allowed []string) error {
	for i, line := range strings.Split(string(raw), "\n") {
		for _, found := range webAddress.FindAllString(line, -1) {
			if strings.HasSuffix(strings.ToLower(found), ".md") {
				continue
			}
			if !official(found, allowed) {
				return fmt.Errorf("line %d: %q is not https on one of: %s", i+1, found, strings.Join(allowed, ", "))
			}
		}
	}
	for i, l := range a.front.Links {
		if !strings.Contains(l.URL, "://") {
			return fmt.Errorf("key links[%d].url: %q is no address", i, l.URL)
		}
	}
	return nil
}

func official(address string, allowed []string) bool {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(strings.TrimRight(address, ".,;:!?'"))
	return err == nil && u.Scheme == "https" && u.User == nil && slices.Contains(allowed, strings.ToLower(u.Host))
}

func (g *Guide) loadOwnTranslations(own fs.FS, allowed []string) error {
	for _, l := range phrases.Languages()[1:] {
		names, err := fs.Glob(own, path.Join(string(l), "*.md"))
		if err != nil {
			return fmt.Errorf("list own articles: %w", err)
		}
		if len(names) == 0 {
			continue
		}
		labels, err := ownLabels(own, l)
		if err != nil {
			return err
		}
		if g.others[l] == nil {
			g.others[l] = map[string]article{}
		}
		for _, name := range names {
			a, err := g.translated(own, name, labels)
			if err == nil {
				raw, _ := fs.ReadFile(own, name) // which has just been read
				err = a.checkAddresses(raw, allowed)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			g.others[l][a.front.ID] = a
		}
	}
	return nil
}

// ownLabels are the labels of links in a language: ours, and over them the
// organisation's.
func ownLabels(own fs.FS, l phrases.Language) (map[string]string, error) {
	labels, more := map[string]string{}, map[string]string{}
	if err := read(embedded, path.Join(articlesFolder, string(l), labelsFile), &labels); err != nil {
		return nil, err
	}
	raw, err := fs.ReadFile(own, path.Join(string(l), labelsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return labels, nil
	}
	if err == nil {
		err = decode(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), &more)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join(string(l), labelsFile), err)
	}
	maps.Copy(labels, more)
	return labels, nil
}
