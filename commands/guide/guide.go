// Package guide is the staff guide: articles in plain words on setting up and
// using MFA, one file each, and the retrieval that finds the article for a
// question asked in somebody's own words.
//
// A question gets one of three things. An article answers it; or it is about
// signing in but no article covers it, or it asks for something to be done,
// and then it is handed over to a person; or it is about something else and
// the guide keeps out of it. The guide would rather hand over than give an
// answer that does not fit: elsewhere.en.yaml holds how people ask about what
// no article covers, and those subjects compete with the articles for every
// question.
//
// The articles, the words (words.en.yaml) and elsewhere.en.yaml are embedded.
// There is no network and no model but what the guide learns from its own
// phrases, once, at the first question: the same question always gets the same
// answer. A Guide does not change after Load and may be used by many
// goroutines at once.
package guide

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"
	"time"

	"twokey/chat/phrases"
)

//go:embed articles words.en.yaml elsewhere.en.yaml
var embedded embed.FS

const (
	articlesFolder = "articles" // in it a folder for each language
	wordsFile      = "words.en.yaml"
	elsewhereFile  = "elsewhere.en.yaml"
)

// The articles behind Setup.
const (
	setupArticle   = "add-work-account"
	noPhoneArticle = "no-smartphone"
)

// Device is what somebody signs in with. Where steps differ by device an
// article has a variant for it; "" is the common text.
type Device string

// The devices that an article may have a variant for.
const (
	AnyDevice Device = ""
	IPhone    Device = "iphone"
	Android   Device = "android"
	PhoneOnly Device = "phone-only" // a phone and no computer at hand
	Tablet    Device = "tablet"
	NoPhone   Device = "nophone" // no smartphone, or none for work
	Passkey   Device = "passkey"
	Key       Device = "key" // a FIDO2 security key
)

// Devices returns every device but AnyDevice, in the order in which they are
// offered.
func Devices() []Device {
	return []Device{IPhone, Android, PhoneOnly, Tablet, NoPhone, Passkey, Key}
}

// View is for whom and when an article is shown.
type View struct {
	Language phrases.Language // in which it is wanted
	Device   Device
	Now      time.Time // dated facts are those of its day, in its zone
	Facts    []Fact    // what is known of the tenant
}

// Article is one article as shown on a date and for a device. All text is
// plain; nothing in it is markup.
type Article struct {
	ID       string
	Language phrases.Language // in which it is, English if there is no other
	Title    string
	Lead     string   // the answer in one sentence
	Steps    []string // three to six, in order
	// Otherwise says what to do if the steps do not work.
	Otherwise string
	// Person completes the words "A person can help when".
	Person   string
	Links    []Link
	Reviewed time.Time // the day on which a person last checked the facts
	// Holding are the facts that hold and that a reader must know of beside the
	// text, such as that nobody may use what it is about.
	Holding []Fact
}

// Link is an official address that an article offers.
type Link struct {
	Label string
	URL   string
}

// Guide is the loaded articles and the index over them.
type Guide struct {
	articles map[string]article // by ID, in English
	others   map[phrases.Language]map[string]article
	topics   []string
	words    *words
	index    *index
	requests requests
	learned  func() lessons // learned when they are first needed: not every start asks
}

// Load reads the embedded articles. An error names the file, and the line or
// the key that is wrong.
func Load() (*Guide, error) { return load(embedded) }

func load(files fs.FS) (*Guide, error) { return loadWith(files, nil, nil) }

// loadWith is load with an organisation's own articles, if there are any.
func loadWith(files, own fs.FS, hosts []string) (*Guide, error) {
	g := &Guide{articles: make(map[string]article), others: make(map[phrases.Language]map[string]article)}
	if err := g.loadArticles(files); err != nil {
		return nil, err
	}
	if err := g.loadTranslations(files); err != nil {
		return nil, err
	}
	if own != nil {
		if err := g.loadOwn(own, hosts); err != nil {
			return nil, err
		}
	}
	config, err := loadWords(files)
	if err != nil {
		return nil, err
	}
	other, err := loadElsewhere(files, g.articles)
	if err != nil {
		return nil, err
	}
	return g, g.study(config, g.subjects(other))
}

// study prepares the retrieval of the subjects.
func (g *Guide) study(config wordsConfig, subjects []subject) (err error) {
	if g.words, err = newWords(config, subjects); err != nil {
		return err
	}
	g.requests = newRequests(config.Requests)
	g.index = newIndex(g.words, subjects)
	g.learned = sync.OnceValue(func() lessons {
		return lessons{subjects: learn(examples(g.words, subjects)), frames: learn(frameExamples(g.words, subjects))}
	})
	return nil
}

func (g *Guide) loadArticles(files fs.FS) error {
	names, err := fs.Glob(files, path.Join(articlesFolder, string(phrases.English), "*.md"))
	if err != nil {
		return fmt.Errorf("list articles: %w", err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read article: %w", err)
		}
		a, err := parseArticle(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if want := a.front.ID + ".md"; path.Base(name) != want {
			return fmt.Errorf("%s: key id: %q belongs in a file named %s", name, a.front.ID, want)
		}
		g.articles[a.front.ID] = a
		g.topics = append(g.topics, a.front.ID)
	}
	for _, id := range []string{setupArticle, noPhoneArticle} {
		if _, ok := g.articles[id]; !ok {
			return fmt.Errorf("articles: %s.md is missing", id)
		}
	}
	return nil
}

// Topics returns the IDs of all articles, sorted.
func (g *Guide) Topics() []string { return slices.Clone(g.topics) }

// Article returns the article as it stands on the day of v.Now, in that zone.
// Without a variant for the device the common text is returned, and without a
// translation of what it should say the English; ok is false if there is no such
// article.
func (g *Guide) Article(id string, v View) (a Article, ok bool) {
	e, ok := g.articles[id]
	if !ok {
		return Article{}, false
	}
	if t, ok := g.others[v.Language][id]; ok && t.says(e, v.Device) {
		a = t.at(v)
		a.Language = v.Language
		return a, true
	}
	a = e.at(v)
	a.Language = phrases.English
	return a, true
}

// Setup returns the article that leads through setting up MFA with a device.
// It is the same as the article that answers the question; without a
// smartphone it names the alternatives.
func (g *Guide) Setup(v View) Article {
	id := setupArticle
	if v.Device == NoPhone {
		id = noPhoneArticle
	}
	a, _ := g.Article(id, v)
	return a
}
