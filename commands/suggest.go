package commands

import (
	"context"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph"
)

var _ chat.Completer = (*Mux)(nil)

// How much of a name has to be typed before accounts are suggested, and how many
// are: it is for finding somebody, and not for leafing through the directory.
const (
	leastTyped      = 3
	mostSuggestions = 10
)

// Suggest implements chat.Completer. Accounts come from what was last read of
// the tenant, and only for those who may look people up.
func (m *Mux) Suggest(ctx context.Context, from chat.Account, command, option, typed string) ([]chat.Suggestion, error) {
	c, of := m.optionOf(command, option)
	if of == chat.OfAnything {
		return nil, nil
	}
	who, ok := m.met.remember(from, m.env.Now(), m.env.Rules.Now().Hash())
	if !ok {
		var err error
		if who, err = m.env.People.Who(ctx, from); err != nil {
			return nil, err
		}
	}
	switch {
	case !c.Access.Allows(who):
		return nil, nil
	case of == chat.OfRequests:
		return m.suggestRequests(ctx, who, typed)
	case c.audience() == chat.ForEverybody:
		return nil, nil
	default:
		return m.suggestAccounts(ctx, typed), nil
	}
}

// optionOf returns a command and what an option of it is a name of.
func (m *Mux) optionOf(command, option string) (Command, chat.Names) {
	for _, c := range m.all {
		for _, o := range c.Options {
			if c.Name == command && o.Name == option {
				return c, o.Of
			}
		}
	}
	return Command{}, chat.OfAnything
}

// suggestRequests suggests those that are open, the newest first.
func (m *Mux) suggestRequests(ctx context.Context, who identity.Speaker, typed string) ([]chat.Suggestion, error) {
	all, err := visible(ctx, m.env, who)
	var found []chat.Suggestion
	for _, r := range slices.Backward(all) {
		label := r.Ref + " " + r.Words.Headline
		if !r.State.Final() && len(found) < mostSuggestions && strings.Contains(folded(label), folded(typed)) {
			found = append(found, chat.Suggestion{Label: chat.Safe(label, maxLabel), Value: r.Ref})
		}
	}
	return found, err
}

// maxLabel is how many characters of a suggestion are shown.
const maxLabel = 90

// suggestAccounts suggests whose name, or a part of it, begins with what was
// typed.
func (m *Mux) suggestAccounts(ctx context.Context, typed string) (found []chat.Suggestion) {
	want := folded(typed)
	if len([]rune(want)) < leastTyped {
		return nil
	}
	facts, _ := m.env.last(ctx) // nothing is known yet: nobody is suggested
	users, _ := facts.Users.Get()
	for _, u := range users {
		if !hasNameFrom(u, want) {
			continue
		}
		label := u.Name + ", " + u.UPN
		if chat.MixedScripts(u.Name) || chat.MixedScripts(u.UPN) {
			label = "(mixed scripts) " + label
		}
		found = append(found, chat.Suggestion{Label: chat.Safe(label, maxLabel), Value: u.UPN})
	}
	slices.SortFunc(found, func(a, b chat.Suggestion) int { return strings.Compare(a.Label, b.Label) })
	return found[:min(len(found), mostSuggestions)]
}

// hasNameFrom reports whether one of somebody's names, or a word of it, begins so.
func hasNameFrom(u graph.User, want string) bool {
	for _, name := range []string{u.UPN, u.Mail, u.Name} {
		name = folded(name)
		if strings.HasPrefix(name, want) || strings.Contains(name, " "+want) {
			return true
		}
	}
	return false
}

// folded is text without the difference of case, and without spaces around it.
func folded(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
