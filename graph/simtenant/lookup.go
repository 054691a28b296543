package simtenant

import (
	"iter"
	"slices"
	"strings"
)

// candidates returns the only accounts for which a filter can hold, in their
// order, where it asks for an identifier or an address: a look-up costs the
// same in every tenant. For other filters everybody has to be looked at.
func (v *view) candidates(n *node) ([]int, bool) {
	if n == nil {
		return nil, false
	}
	switch n.op {
	case "and":
		if list, ok := v.candidates(n.left); ok {
			return list, true
		}
		return v.candidates(n.right)
	case "or":
		a, okA := v.candidates(n.left)
		b, okB := v.candidates(n.right)
		return unite(a, b), okA && okB
	case "eq", "in":
		if !slices.Contains([]string{"id", "userPrincipalName", "mail"}, n.path) {
			return nil, false
		}
		if n.op == "in" {
			return v.bearers(n.values)
		}
		return v.bearers([]any{n.value})
	case "any":
		if n.path != "proxyAddresses" && n.path != "otherMails" {
			return nil, false
		}
		return v.bearers([]any{n.left.value})
	default:
		return nil, false
	}
}

// bearers are the accounts that some identifiers or addresses lead to. Null
// leads to nobody in particular.
func (v *view) bearers(names []any) (list []int, ok bool) {
	for _, value := range names {
		name, isText := value.(string)
		if !isText {
			return nil, false
		}
		name = strings.ToLower(name)
		for _, key := range []string{name, strings.TrimPrefix(name, "smtp:")} {
			if i, found := v.find(key); found {
				list = append(list, i)
			}
			if i, found := v.byMail(key); found {
				list = append(list, i)
			}
			list = append(list, v.t.roster.named(key)...)
		}
	}
	return unite(list, nil), true
}

func unite(a, b []int) []int {
	list := slices.Concat(a, b)
	slices.Sort(list)
	return slices.Compact(list)
}

// users walks the users that a filter can hold for, from the cursor on.
func (c *call) users(filter *node) func(from cursor) iter.Seq2[cursor, entity] {
	some, ok := c.view.candidates(filter)
	if !ok {
		return c.everybody
	}
	return func(from cursor) iter.Seq2[cursor, entity] {
		return func(yield func(cursor, entity) bool) {
			for _, i := range some {
				a, there := c.view.account(i)
				if there && i >= int(from.at) && !yield(cursor{at: int64(i)}, a) {
					return
				}
			}
		}
	}
}
