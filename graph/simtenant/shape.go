package simtenant

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"twokey/graph"
)

// check says in a sentence what is wrong with a value in a request body, or "".
// The path names the value to the caller.
type check func(path string, v any) string

// shape is what an object in a request body may hold. Annotations are allowed
// everywhere, since Graph's clients send them.
type shape map[string]check

func (s shape) check(path string, v any) string {
	if v == nil {
		return ""
	}
	d, ok := v.(map[string]any)
	if !ok {
		if d, ok = v.(document); !ok {
			return fmt.Sprintf("Invalid value specified for property '%s': an object is expected.", path)
		}
	}
	for _, name := range sortedKeys(d) {
		if strings.Contains(name, "@odata.") {
			continue
		}
		inner, known := s[name]
		if !known {
			return fmt.Sprintf("The property '%s' does not exist. Make sure to only use property names that are defined by the type.", join(path, name))
		}
		if wrong := inner(join(path, name), d[name]); wrong != "" {
			return wrong
		}
	}
	return ""
}

func sortedKeys(d map[string]any) []string {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func text(path string, v any) string {
	if _, ok := v.(string); !ok && v != nil {
		return wrongType(path, v, "a string")
	}
	return ""
}

// flag is a boolean that may not be null.
func flag(path string, v any) string {
	if _, ok := v.(bool); !ok {
		return wrongType(path, v, "a boolean")
	}
	return ""
}

func anything(string, any) string { return "" }

// oneOf is a word of an enumeration.
func oneOf(allowed ...string) check {
	return func(path string, v any) string {
		if s, ok := v.(string); ok && slices.Contains(allowed, s) {
			return ""
		}
		return wrongType(path, v, "one of "+strings.Join(allowed, ", "))
	}
}

// between is a whole number from one bound to the other.
func between(least, most int) check {
	return func(path string, v any) string {
		n, ok := v.(float64)
		if ok && n == math.Trunc(n) && n >= float64(least) && n <= float64(most) {
			return ""
		}
		return wrongType(path, v, fmt.Sprintf("a whole number from %d to %d", least, most))
	}
}

// target is a group or a user whom a policy reaches, with the members that
// some have on top.
func target(extra shape) check {
	s := shape{"id": text, "targetType": oneOf("group", "user")}
	maps.Copy(s, extra)
	return func(path string, v any) string {
		d, ok := v.(map[string]any)
		if !ok {
			return wrongType(path, v, "an object")
		}
		if wrong := s.check(path, v); wrong != "" {
			return wrong
		}
		id, _ := d["id"].(string)
		switch {
		case d["targetType"] == nil:
			return fmt.Sprintf("The property '%s' is missing.", join(path, "targetType"))
		case id == graph.AllUsers && d["targetType"] == "group", isGUID(id):
			return ""
		default:
			return wrongType(join(path, "id"), d["id"], "an object id, or all_users among groups,")
		}
	}
}

// isGUID reports whether a text has the form of an object id.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		switch i {
		case 8, 13, 18, 23:
			if r != '-' {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
				return false
			}
		}
	}
	return true
}

// listOf is a list of like things; null stands for an empty one.
func listOf(inner check) check {
	return func(path string, v any) string {
		if v == nil {
			return ""
		}
		list, ok := v.([]any)
		if !ok {
			return wrongType(path, v, "a list")
		}
		for _, x := range list {
			if wrong := inner(path, x); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}

// jsonText is a value as the audit log writes it.
func jsonText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "" // documents are made of JSON's own types
	}
	return string(raw)
}

func wrongType(path string, v any, want string) string {
	got, err := json.Marshal(v)
	if err != nil || len(got) > 80 {
		got = []byte("…")
	}
	return fmt.Sprintf("Invalid value %s specified for property '%s': %s is expected.", got, path, want)
}
