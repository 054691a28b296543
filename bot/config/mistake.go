package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong with a configuration.
type Mistake struct {
	File string
	Line int    // from 1; 0 if it is about the whole file
	Key  string // "tenants[0].graph.auth.method"; empty if it is about the whole file
	Text string // one sentence
}

// Error says where it is and what.
func (m Mistake) Error() string {
	where := m.File
	if m.Line > 0 {
		where = fmt.Sprintf("%s:%d", m.File, m.Line)
	}
	if m.Key != "" {
		where += ": " + m.Key
	}
	return where + ": " + m.Text
}

// Mistakes are all that is wrong with a configuration, in the order of the
// file.
type Mistakes []Mistake

// Error says them all, one a line.
func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "\n")
}

// Concern returns those about a key or what is below it.
func (ms Mistakes) Concern(key string) Mistakes {
	var found Mistakes
	for _, m := range ms {
		if m.Key == "" || m.Key == key || strings.HasPrefix(m.Key, key+".") || strings.HasPrefix(m.Key, key+"[") {
			found = append(found, m)
		}
	}
	return found
}

// sorted returns them in the order of the file.
func (ms Mistakes) sorted() Mistakes {
	slices.SortStableFunc(ms, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return ms
}
