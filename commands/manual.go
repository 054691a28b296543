package commands

import (
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
)

// Manual is docs/commands.md: the grammar of every command, with who may run it
// and who decides a change, one line each.
func Manual() string {
	var b strings.Builder
	b.WriteString(manualHead)
	for _, c := range all(Env{}, func(identity.Speaker) []chat.CommandSpec { return nil }) {
		fmt.Fprintf(&b, "- `%s`: %s *%s*\n", grammar(c.CommandSpec), c.Summary, strings.Join(c.conditions(), "; "))
	}
	return b.String()
}

const manualHead = `# Commands

Generated from the list of commands in the code; ` + "`go test ./docs -run TestCommands -update`" + ` writes it anew, and the same test fails
where it is not true any more.

A ` + "`<word>`" + ` is needed, a ` + "`[word]`" + ` can be left out, and ` + "`a|b`" + ` is one or the other. What begins with two hyphens can stand anywhere in
the line. Upper and lower case are the same. Names of several words stand between quotation marks. After a change's words comes the reason,
which the approvers read; without one the bot asks for it. Answers are private, but for those marked *aloud*, which are posted
where they were asked if that is the administrators' channel.

Whoever a command is for is shown in italics, and behind that, of a change, how it is decided where nothing lifts or lowers that:
*confirm* is the requester's own word on a preview, *one* an approver, *two* two approvers and a wait. A change of that kind has to be
switched on by the owner.

What each answers, on every platform and licence, is in [answers.md](answers.md).

`

// conditions say who may run a command, and how a change is decided.
func (c Command) conditions() []string {
	said := []string{c.Access.words()}
	if policy := kindNamed(c.family()).policy; c.Plan != nil && policy != "" {
		said = append(said, policy)
	}
	if c.Aloud {
		said = append(said, "aloud")
	}
	return said
}

// family is the first word of a command's name; of a change it names the kind.
func (c Command) family() string {
	first, _, _ := strings.Cut(c.Name, " ")
	return first
}

// words say whom an access lets in.
func (a Access) words() string {
	switch {
	case a.everybody:
		return "everybody"
	case a.linked:
		return "whoever is linked"
	case len(a.roles) == 0:
		return "nobody"
	}
	all := make([]string, len(a.roles))
	for i, r := range a.roles {
		all[i] = string(r)
	}
	if len(all) == 1 && all[0] == string(identity.Viewer) {
		return "viewer and every other role"
	}
	return strings.Join(all, ", ")
}

// grammar is how a command is typed, with all choices.
func grammar(s chat.CommandSpec) string {
	var b strings.Builder
	b.WriteString("/mfa " + s.Name)
	for _, o := range s.Options {
		word := o.Name
		if len(o.Choices) > 0 {
			word = strings.Join(o.Choices, "|")
		}
		switch {
		case o.Flag && o.Bare:
			word = "--" + o.Name
		case o.Flag && len(o.Choices) == 0:
			word = "--" + o.Name + " …"
		case o.Flag:
			word = "--" + o.Name + " " + word
		}
		if o.Required {
			b.WriteString(" <" + word + ">")
		} else {
			b.WriteString(" [" + word + "]")
		}
	}
	return b.String()
}
