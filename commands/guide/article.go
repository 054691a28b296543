package guide

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// article is one file. Its body is a strict subset of Markdown, read line by
// line: a Markdown library would hand back a tree of everything that Markdown
// can say, only to be flattened into these four parts again.
type article struct {
	front    front
	common   section
	variants map[Device]section
	alike    []Device // of a translation: devices for which the common text does
}

// front is what stands between the two lines of dashes.
type front struct {
	ID         string      `yaml:"id"`
	Title      string      `yaml:"title"`
	Audience   string      `yaml:"audience"` // for maintainers
	Reviewed   string      `yaml:"reviewed"` // a day, as is next-review
	NextReview string      `yaml:"next-review"`
	Sources    []string    `yaml:"sources"` // where the facts come from; not shown
	Links      []frontLink `yaml:"links"`   // shown
	Asks       []string    `yaml:"asks"`    // how people ask for it
	Depends    []Fact      `yaml:"depends"` // facts that readers must know of beside it

	reviewed, nextReview time.Time
}

type frontLink struct {
	Label string   `yaml:"label"`
	URL   string   `yaml:"url"`
	Not   []Device `yaml:"not"` // variants that do not show it
}

// section is the text for one device. A variant leaves empty what it takes
// from the common section.
type section struct {
	title, lead       string
	steps             []string
	otherwise, person string
}

const fence = "---\n"

// The headings that a body may have.
const (
	otherwiseHeading = "If that does not work"
	personHeading    = "A person can help when"
)

func parseArticle(raw []byte) (article, error) {
	head, body, above, err := parts(raw)
	if err != nil {
		return article{}, err
	}
	var a article
	if err := decode(head, &a.front); err != nil {
		return article{}, err
	}
	if err := a.front.check(); err != nil {
		return article{}, err
	}
	if err := a.parseBody(string(body), above); err != nil {
		return article{}, err
	}
	return a, a.check()
}

// parts splits a file into the front matter and the body, before which it has
// so many lines. The first fence stays in front, so that the lines in errors
// are the file's.
func parts(raw []byte) (head, body []byte, above int, err error) {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	head, ok := bytes.CutPrefix(raw, []byte(fence))
	if !ok {
		return nil, nil, 0, errors.New("line 1: want ---")
	}
	head, body, ok = bytes.Cut(head, []byte("\n"+fence))
	if !ok {
		return nil, nil, 0, errors.New("the front matter has no end: want a line ---")
	}
	above = bytes.Count(head, []byte("\n")) + 3 // both fences and the last line of the head
	return append([]byte(fence), head...), body, above, nil
}

// decode reads YAML and refuses unknown keys, with the line in the error. That
// line is why a library reads it: people edit these files by hand.
func decode(raw []byte, into any) error {
	if err := yaml.UnmarshalWithOptions(raw, into, yaml.Strict()); err != nil {
		return errors.New(strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	return nil
}

// check returns an error that names the first key that is missing or wrong,
// and reads the days.
func (f *front) check() error {
	for _, need := range []struct {
		key   string
		given bool
	}{
		{"id", f.ID != ""},
		{"title", f.Title != ""},
		{"audience", f.Audience != ""},
		{"sources", len(f.Sources) > 0},
		{"links", len(f.Links) > 0},
		{"asks", len(f.Asks) > 0},
	} {
		if !need.given {
			return fmt.Errorf("key %s: missing", need.key)
		}
	}
	var err error
	if f.reviewed, err = time.Parse(time.DateOnly, f.Reviewed); err != nil {
		return fmt.Errorf("key reviewed: %w", err)
	}
	if f.nextReview, err = time.Parse(time.DateOnly, f.NextReview); err != nil {
		return fmt.Errorf("key next-review: %w", err)
	}
	for i, d := range f.Depends {
		if !slices.Contains(Facts(), d) {
			return fmt.Errorf("key depends[%d]: no fact %q", i, d)
		}
	}
	for i, l := range f.Links {
		for _, d := range l.Not {
			if !slices.Contains(Devices(), d) {
				return fmt.Errorf("key links[%d].not: no device %q", i, d)
			}
		}
	}
	return nil
}

var (
	stepLine    = regexp.MustCompile(`^(\d+)\. (.+)$`)
	variantLine = regexp.MustCompile(`^# ([a-z-]+)(?:: (.+))?$`)
)

// parseBody reads the common section and the variants; above is the number of
// lines in the file before the body.
func (a *article) parseBody(body string, above int) error {
	a.variants = make(map[Device]section)
	r := bodyReader{article: a}
	r.part = &r.section.lead
	for i, line := range strings.Split(body, "\n") {
		err := r.read(line)
		if err == nil {
			err = checkPassages(line)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", above+1+i, err)
		}
	}
	r.keep()
	return nil
}

// bodyReader reads a body line by line into the section of one device.
type bodyReader struct {
	article *article
	device  Device
	section section
	part    *string // what plain text belongs to
}

func (r *bodyReader) read(line string) error {
	steps := len(r.section.steps)
	switch {
	case strings.TrimSpace(line) == "":
	case line == "## "+otherwiseHeading:
		r.part = &r.section.otherwise
	case line == "## "+personHeading:
		r.part = &r.section.person
	case strings.HasPrefix(line, "#"):
		return r.begin(line)
	case stepLine.MatchString(line):
		m := stepLine.FindStringSubmatch(line)
		if r.part != &r.section.lead || m[1] != strconv.Itoa(steps+1) {
			return fmt.Errorf("step %s out of place", m[1])
		}
		r.section.steps = append(r.section.steps, m[2])
	case r.part == &r.section.lead && steps > 0:
		return errors.New("text after the steps")
	default:
		*r.part = strings.TrimSpace(*r.part + " " + line)
	}
	return nil
}

// begin ends the section and begins the variant that the heading names.
func (r *bodyReader) begin(heading string) error {
	m := variantLine.FindStringSubmatch(heading)
	if m == nil || !slices.Contains(Devices(), Device(m[1])) {
		return fmt.Errorf("unknown heading %q", heading)
	}
	r.keep()
	if _, twice := r.article.variants[Device(m[1])]; twice {
		return fmt.Errorf("second variant %q", m[1])
	}
	r.device, r.section = Device(m[1]), section{title: m[2]}
	r.part = &r.section.lead
	return nil
}

func (r *bodyReader) keep() {
	if r.device == AnyDevice {
		r.article.common = r.section
		return
	}
	r.article.variants[r.device] = r.section
}

func (a article) check() error {
	c := a.common
	switch {
	case c.lead == "":
		return errors.New("body: no answer before the steps")
	case len(c.steps) == 0:
		return errors.New("body: no steps")
	case c.otherwise == "":
		return fmt.Errorf("body: no part %q", otherwiseHeading)
	case c.person == "":
		return fmt.Errorf("body: no part %q", personHeading)
	}
	return nil
}

// at returns the article for a device on the day of the view.
func (a article) at(view View) Article {
	d := view.Device
	s, v := a.common, a.variants[d]
	s.title = first(v.title, a.front.Title)
	if len(v.steps) > 0 {
		s.steps = v.steps
	}
	out := Article{
		ID:        a.front.ID,
		Title:     s.title,
		Lead:      reads(first(v.lead, s.lead), view),
		Otherwise: reads(first(v.otherwise, s.otherwise), view),
		Person:    reads(first(v.person, s.person), view),
		Reviewed:  a.front.reviewed,
		Holding:   a.holding(view),
	}
	for _, step := range s.steps {
		if text := reads(step, view); text != "" {
			out.Steps = append(out.Steps, text)
		}
	}
	for _, l := range a.front.Links {
		if !slices.Contains(l.Not, d) {
			out.Links = append(out.Links, Link{Label: l.Label, URL: l.URL})
		}
	}
	return out
}

// holding returns the facts that hold and on which the article, or what it says for
// the device, hangs.
func (a article) holding(v View) (all []Fact) {
	for _, f := range Facts() {
		hangs := slices.Contains(a.front.Depends, f) || f == NoPasskeys && (v.Device == Passkey || v.Device == Key)
		if hangs && slices.Contains(v.Facts, f) {
			all = append(all, f)
		}
	}
	return all
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
