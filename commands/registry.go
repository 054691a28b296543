package commands

import (
	"slices"

	"twokey/chat"
)

// Commands that belong to changes although they plan none, or to those who decide
// about them.
var beside = []string{"away", "collect", "freeze", "resolve", "legacy declare", "legacy import"}

// Registry lists all commands, each with its audience, for a platform on which
// commands have to be registered before anybody can type them. It says nothing
// of who may run one.
func (m *Mux) Registry() []chat.CommandSpec {
	specs := make([]chat.CommandSpec, len(m.all))
	for i, c := range m.all {
		specs[i] = c.CommandSpec
		specs[i].Audience = c.audience()
	}
	return specs
}

func (c Command) audience() chat.Audience {
	switch {
	case c.Plan != nil, slices.Contains(beside, c.Name):
		return chat.ForChangers
	case c.Access.everybody, c.Access.linked:
		return chat.ForEverybody
	}
	return chat.ForReaders
}
