package simtenant

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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

func wrongType(path string, v any, want string) string {
	got, err := json.Marshal(v)
	if err != nil || len(got) > 80 {
		got = []byte("…")
	}
	return fmt.Sprintf("Invalid value %s specified for property '%s': %s is expected.", got, path, want)
}
