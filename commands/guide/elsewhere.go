package guide

import (
	"fmt"
	"io/fs"
	"slices"
)

// elsewhere is what people ask that no article answers.
type elsewhere struct {
	Handover []struct {
		ID   string   `yaml:"id"`
		Near []string `yaml:"near"`
		Deed bool     `yaml:"deed"` // asks for any deed: whoever asks how does not mean it
		Asks []string `yaml:"asks"`
	} `yaml:"handover"`
	Foreign []string `yaml:"foreign"`
}

func loadElsewhere(files fs.FS, articles map[string]article) (elsewhere, error) {
	var e elsewhere
	raw, err := fs.ReadFile(files, elsewhereFile)
	if err != nil {
		return e, fmt.Errorf("read other subjects: %w", err)
	}
	if err := decode(raw, &e); err != nil {
		return e, fmt.Errorf("%s: %w", elsewhereFile, err)
	}
	for i, h := range e.Handover {
		if _, ok := articles[h.ID]; ok {
			return e, fmt.Errorf("%s: key handover[%d].id: %q has an article", elsewhereFile, i, h.ID)
		}
		for _, id := range h.Near {
			if _, ok := articles[id]; !ok {
				return e, fmt.Errorf("%s: key handover[%d].near: no article %q", elsewhereFile, i, id)
			}
		}
	}
	return e, nil
}

// subject is one thing that a question can be about.
type subject struct {
	id     string
	expect Expect
	near   []string // articles to name; for an article, itself
	title  string
	asks   []string
	body   string
	deed   bool
}

// subjects returns the articles and everything else in one list, in a fixed
// order.
func (g *Guide) subjects(e elsewhere) []subject {
	var out []subject
	for _, id := range g.topics {
		a := g.articles[id]
		out = append(out, subject{
			id: id, expect: ExpectAnswer, near: []string{id},
			title: a.front.Title, asks: a.front.Asks, body: a.common.text(),
		})
	}
	for _, h := range e.Handover {
		out = append(out, subject{id: h.ID, expect: ExpectHandover, near: h.Near, asks: h.Asks, deed: h.Deed})
	}
	// Other subjects have nothing in common but that they are not ours, so each
	// phrase stands alone.
	for _, ask := range e.Foreign {
		out = append(out, subject{expect: ExpectNone, asks: []string{ask}})
	}
	return slices.Clip(out)
}

func (s section) text() string {
	out := s.lead
	for _, step := range s.steps {
		out += " " + passage.ReplaceAllString(step, "$2")
	}
	return out
}
