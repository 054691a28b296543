package guide

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fact is something about the tenant that changes what an article says.
type Fact string

// The facts. One that is not known does not hold: articles then say what is so
// in most organisations.
const (
	Policies   Fact = "policies"    // Conditional Access asks for MFA, and not the security defaults
	NotAsked   Fact = "not-asked"   // nothing asks everybody for MFA: neither the security defaults nor policies
	NoTexts    Fact = "no-texts"    // texts and calls are allowed to nobody
	NoPasskeys Fact = "no-passkeys" // nor passkeys and security keys
	NoCodes    Fact = "no-codes"    // nor the codes of other apps
	NoPasses   Fact = "no-passes"   // nor Temporary Access Passes
	OwnTexts   Fact = "own-texts"   // texts come from a provider of the organisation's own, and do not end with Microsoft's
)

// Facts returns all of them, in the order in which they are told.
func Facts() []Fact {
	return []Fact{Policies, NotAsked, NoTexts, NoPasskeys, NoCodes, NoPasses, OwnTexts}
}

// passage is text that holds under conditions, within a line: {{before DAY}},
// {{from DAY}}, {{if FACT}}, {{unless FACT}}, or several of them one after the other
// within the braces, then the text and {{end}}.
var passage = regexp.MustCompile(`\{\{([^{}]*)\}\}(.*?)\{\{end\}\}`)

// condition is one of those under which a passage holds.
type condition struct{ word, about string }

var errPassage = errors.New("a passage is not {{before DAY}}…{{end}}, {{from DAY}}…{{end}}, {{if FACT}}…{{end}} or {{unless FACT}}…{{end}}")

// conditions reads what stands between the first braces of a passage.
func conditions(head string) ([]condition, error) {
	words := strings.Fields(head)
	if len(words) == 0 || len(words)%2 != 0 {
		return nil, errPassage
	}
	var all []condition
	for c := range slices.Chunk(words, 2) {
		switch c[0] {
		case "before", "from":
			if _, err := time.Parse(time.DateOnly, c[1]); err != nil {
				return nil, fmt.Errorf("dated passage: %w", err)
			}
		case "if", "unless":
			if !slices.Contains(Facts(), Fact(c[1])) {
				return nil, fmt.Errorf("passage: no fact %q", c[1])
			}
		default:
			return nil, errPassage
		}
		all = append(all, condition{c[0], c[1]})
	}
	return all, nil
}

func (c condition) holds(v View) bool {
	switch c.word {
	case "before":
		return v.Now.Format(time.DateOnly) < c.about
	case "from":
		return v.Now.Format(time.DateOnly) >= c.about
	case "if":
		return slices.Contains(v.Facts, Fact(c.about))
	default:
		return !slices.Contains(v.Facts, Fact(c.about))
	}
}

// checkPassages returns an error if a line has a passage that cannot be read.
func checkPassages(line string) error {
	for _, m := range passage.FindAllStringSubmatch(line, -1) {
		if _, err := conditions(m[1]); err != nil {
			return err
		}
		if strings.Contains(m[2], "{{") {
			return errors.New("a passage within another")
		}
	}
	if strings.Contains(passage.ReplaceAllString(line, ""), "{{") {
		return errPassage
	}
	return nil
}

// reads returns a text that checkPassages found right as it reads in a view.
func reads(text string, v View) string {
	return strings.TrimSpace(passage.ReplaceAllStringFunc(text, func(p string) string {
		m := passage.FindStringSubmatch(p)
		all, err := conditions(m[1])
		if err != nil || slices.ContainsFunc(all, func(c condition) bool { return !c.holds(v) }) {
			return ""
		}
		return m[2]
	}))
}
