package simtenant

import (
	"slices"
	"strings"
	"time"
)

// ops are the comparisons that a property may be filtered by.
type ops uint

const (
	eq ops = 1 << iota
	ne
	in
	order // ge, gt, le, lt
	starts
	ends
	negated // inside not(…)
	anyOf   // property/any(x:x eq 'value')
	size    // property/$count eq n

	// What the property is compared with; a string if none of them is set.
	boolean
	moment
	number
)

var opNames = map[string]ops{
	"eq": eq, "ne": ne, "in": in, "ge": order, "gt": order, "le": order, "lt": order, "startswith": starts, "endswith": ends,
}

// advancedOps are those that directory objects allow only in advanced queries.
const advancedOps = ne | ends | negated | size

// node is one step of a parsed $filter. The nil node holds for everything.
type node struct {
	op          string // "and", "or", "not", a comparison, "any", "count"
	left, right *node
	path        string
	value       any // string, bool, float64, time.Time or nil
	values      []any
	used        ops // by this node alone
}

func (n *node) needsAdvanced() bool {
	if n == nil {
		return false
	}
	return n.used&advancedOps != 0 || n.left.needsAdvanced() || n.right.needsAdvanced()
}

// since returns the latest moment before which nothing can hold, judging by
// the comparisons of a property with ge, gt or eq that are joined with "and".
func (n *node) since(path string) (at time.Time) {
	switch {
	case n == nil:
	case n.op == "and":
		at = n.left.since(path)
		if b := n.right.since(path); b.After(at) {
			at = b
		}
	case n.path == path && (n.op == "ge" || n.op == "gt" || n.op == "eq"):
		at, _ = n.value.(time.Time)
	}
	return at
}

// until is the twin of since for le, lt and eq; zero for no bound.
func (n *node) until(path string) (at time.Time) {
	switch {
	case n == nil:
	case n.op == "and":
		at = n.left.until(path)
		if b := n.right.until(path); at.IsZero() || !b.IsZero() && b.Before(at) {
			at = b
		}
	case n.path == path && (n.op == "le" || n.op == "lt" || n.op == "eq"):
		at, _ = n.value.(time.Time)
	}
	return at
}

// holds reports whether the filter lets an entity through.
func (n *node) holds(s *set, v *view, e entity) bool {
	if n == nil {
		return true
	}
	switch n.op {
	case "and":
		return n.left.holds(s, v, e) && n.right.holds(s, v, e)
	case "or":
		return n.left.holds(s, v, e) || n.right.holds(s, v, e)
	case "not":
		return !n.left.holds(s, v, e)
	case "any":
		return slices.ContainsFunc(elements(e.prop(v, n.path)), func(x any) bool { return n.anyHolds(v, x) })
	case "count":
		return compare(n.left.op, len(elements(e.prop(v, n.path))), n.left.value, false)
	case "in":
		have := e.prop(v, n.path)
		return slices.ContainsFunc(n.values, func(want any) bool { return compare("eq", have, want, s.directory) })
	default:
		return compare(n.op, e.prop(v, n.path), n.value, s.directory)
	}
}

// anyHolds looks at one member of a collection. Equality with members has been
// case-sensitive, other than with plain properties.
func (n *node) anyHolds(v *view, x any) bool {
	have := x
	if n.left.path != "" {
		d, ok := x.(document)
		if !ok {
			return false
		}
		have = d.prop(v, n.left.path)
	}
	return compare(n.left.op, have, n.left.value, false)
}

func elements(x any) []any {
	switch list := x.(type) {
	case []any:
		return list
	case []string:
		out := make([]any, len(list))
		for i, s := range list {
			out[i] = s
		}
		return out
	default:
		return nil
	}
}

func compare(op string, have, want any, fold bool) bool {
	switch want := want.(type) {
	case nil:
		return (have == nil) == (op == "eq")
	case bool:
		b, ok := have.(bool)
		return (ok && b == want) == (op == "eq")
	case float64:
		n, ok := have.(int)
		return ok && ordered(op, float64(n)-want)
	case time.Time:
		t, ok := have.(time.Time)
		return ok && ordered(op, float64(t.Compare(want)))
	case string:
		s, _ := have.(string)
		if fold {
			s, want = strings.ToLower(s), strings.ToLower(want)
		}
		switch op {
		case "startswith":
			return strings.HasPrefix(s, want)
		case "endswith":
			return strings.HasSuffix(s, want)
		default:
			return ordered(op, float64(strings.Compare(s, want)))
		}
	}
	return false
}

func ordered(op string, d float64) bool {
	switch op {
	case "eq":
		return d == 0
	case "ne":
		return d != 0
	case "ge":
		return d >= 0
	case "gt":
		return d > 0
	case "le":
		return d <= 0
	default:
		return d < 0
	}
}
