package commands

import (
	"embed"
	"slices"
	"sync"

	"twokey/chat"
	"twokey/chat/phrases"
)

//go:embed summaries/*.yaml
var summaryFiles embed.FS

// summaries are what the commands for everybody are for, in other languages.
// Names of commands are the same in each: people tell them to one another, and
// every answer that names one would have to know who reads it.
var summaries = sync.OnceValues(func() (*phrases.Book, error) { return phrases.Load(summaryFiles, "summaries") })

// Commands that belong to changes although they plan none, or to those who decide
// about them.
var beside = []string{"away", "collect", "freeze", "requests ask", "requests confirm", "requests pause", "requests resume", "resolve", "legacy declare", "legacy import"}

// Commands that belong to the figures although they plan a change: it is one of
// ours, and none of the tenant.
var ofFigures = []string{"goal"}

// Registry lists all commands, each with its audience, for a platform on which
// commands have to be registered before anybody can type them. It says nothing
// of who may run one.
func (m *Mux) Registry() []chat.CommandSpec {
	specs := make([]chat.CommandSpec, len(m.all))
	book, err := summaries()
	for i, c := range m.all {
		specs[i] = c.CommandSpec
		specs[i].Audience = c.audience()
		if err == nil { // they are part of the program
			specs[i].Summaries = translated(book, c.Summary)
		}
	}
	return specs
}

// translated returns a summary in the languages in which there is one.
func translated(book *phrases.Book, summary string) map[string]string {
	all := map[string]string{}
	for _, l := range phrases.Languages()[1:] {
		if text, ok := book.Page(l)[summary]; ok {
			all[string(l)] = text
		}
	}
	return all
}

func (c Command) audience() chat.Audience {
	switch {
	case slices.Contains(ofFigures, c.Name):
		return chat.ForReaders
	case c.Plan != nil, slices.Contains(beside, c.Name):
		return chat.ForChangers
	case c.Access.everybody, c.Access.linked:
		return chat.ForEverybody
	}
	return chat.ForReaders
}
