package config

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// form is a part of a JSON Schema, as encoding/json writes it.
type form map[string]any

// texts is a text that one of some patterns matches.
func texts(patterns ...string) form {
	pattern := patterns[0]
	if len(patterns) > 1 {
		pattern = "(" + strings.Join(patterns, ")|(") + ")"
	}
	return form{"type": "string", "pattern": pattern}
}

// eitherCase is a pattern of hex digits in capitals too.
func eitherCase(p *regexp.Regexp) string { return strings.ReplaceAll(p.String(), "a-f", "a-fA-F") }

// Schema returns the JSON Schema (draft 2020-12) of a configuration, by which
// an editor completes keys, shows what each means and marks what is wrong while
// it is typed. It knows less than [Load]: what keys want of each other, of
// secrets and of the machine it cannot say. The words come from the annotated
// example.
func Schema(kinds []string, example []byte) ([]byte, error) {
	all := new(Config).shape(kinds).schema("", newGuidebook(example))
	all["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	all["title"] = "The configuration of Twokey"
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(text, '\n'), nil
}

func (s section) schema(key string, g *guidebook) form {
	properties, need := form{}, []string{}
	for _, f := range s {
		if f.is.schema(join(key, f.name), g) == nil {
			continue
		}
		properties[f.name] = f.schema(join(key, f.name), g)
		if f.like != "" {
			need = append(need, f.name)
		}
	}
	kind := any("object")
	if len(need) == 0 {
		kind = []string{"object", "null"} // everything below it is commented out
	}
	return form{"type": kind, "properties": properties, "required": need, "additionalProperties": false}
}

// schema is a copy of what may stand there, with what is said of this key.
func (f field) schema(key string, g *guidebook) form {
	said := form{}
	for k, v := range f.is.schema(key, g) {
		said[k] = v
	}
	if words := g.of(key); words != "" {
		said["description"] = words
	}
	if f.def != "" {
		said["default"] = literal(f.def, said["type"])
	}
	return said
}

// literal is a value in the type that the schema asks for.
func literal(text string, kind any) any {
	if kind == "boolean" || kind == "integer" {
		return json.RawMessage(text)
	}
	return text
}

func (l list[T]) schema(key string, g *guidebook) form {
	one := l.one(new(T)).schema(key, g)
	many := form{"type": []string{"array", "null"}, "items": one}
	if l.lone {
		return form{"anyOf": []form{one, many}}
	}
	return many
}

func (t table[T]) schema(key string, g *guidebook) form {
	properties := form{}
	for _, name := range t.names {
		said := t.one(new(T)).schema(join(key, name), g)
		if words := g.of(join(key, name)); words != "" {
			said["description"] = words
		}
		properties[name] = said
	}
	return form{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}

func (m maybe[T]) schema(key string, g *guidebook) form { return m.one(new(T)).schema(key, g) }

// guidebook is what the annotated example says of each key: the comment above
// it and the one behind it.
type guidebook struct{ words map[string]string }

var (
	keyLine   = regexp.MustCompile(`^( *)(- )?([a-z_-]+):(?: (.*))?$`)
	keyInNote = regexp.MustCompile(`^( *)# ([a-z_]+: \S.*)$`) // a key that stands in for another
	noteLine  = regexp.MustCompile(`^ *#( .*)?$`)
)

// newGuidebook reads the example line by line; the comments are the text here.
func newGuidebook(example []byte) *guidebook {
	g := &guidebook{words: map[string]string{}}
	type place struct {
		indent int
		name   string
	}
	var above []place
	var note []string
	for line := range strings.Lines(string(example)) {
		line = strings.TrimRight(line, "\r\n")
		if m := keyInNote.FindStringSubmatch(line); m != nil {
			line = m[1] + m[2]
		}
		if m := noteLine.FindStringSubmatch(line); m != nil {
			note = append(note, strings.TrimPrefix(m[1], " "))
			continue
		}
		m := keyLine.FindStringSubmatch(line)
		if m == nil {
			note = nil
			continue
		}
		indent := len(m[1]) + len(m[2])
		above = slices.DeleteFunc(above, func(p place) bool { return p.indent >= indent })
		above = append(above, place{indent, m[3]})
		names := make([]string, len(above))
		for i, p := range above {
			names[i] = p.name
		}
		if _, behind, ok := strings.Cut(" "+m[4], " # "); ok {
			note = append(note, behind)
		}
		if key := strings.Join(names, "."); g.words[key] == "" {
			g.words[key] = flow(note)
		}
		note = nil
	}
	return g
}

// flow joins lines; one that is set in begins anew.
func flow(lines []string) string {
	text := ""
	for _, l := range lines {
		switch {
		case text == "":
		case strings.HasPrefix(l, "  ") && !strings.HasPrefix(l, "    "):
			text += "\n"
		default:
			text += " "
		}
		text += strings.TrimSpace(l)
	}
	return text
}

// of returns what is said of a key. What signs in is one thing in two places, as
// are the policies of the kinds of change.
func (g *guidebook) of(key string) string {
	if words := g.words[key]; words != "" {
		return words
	}
	key = strings.ReplaceAll(key, ".write_auth.", ".auth.")
	key = policyOf.ReplaceAllString(key, "approvals.policies.defaults")
	key = roleOf.ReplaceAllString(key, "tenants.roles.viewer.")
	if words := g.words[key]; words != "" || !strings.HasSuffix(key, "_env") {
		return words
	}
	return "The same in an environment variable, whose name this is."
}

var (
	policyOf = regexp.MustCompile(`^approvals\.policies\.[a-z-]+`)
	roleOf   = regexp.MustCompile(`^tenants\.roles\.[a-z]+\.`)
)

// Reference returns a table in Markdown of every key, what holds without it, and
// what it is for.
func Reference(kinds []string, example []byte) string {
	var b strings.Builder
	b.WriteString("| key | without it | what it is |\n|---|---|---|\n")
	g := newGuidebook(example)
	listOf(new(Config).shape(kinds), "", g, &b)
	return b.String()
}

// lister is a shape with keys below it.
type lister interface {
	list(key string, g *guidebook, b *strings.Builder)
}

func listOf(s shape, key string, g *guidebook, b *strings.Builder) {
	if l, ok := s.(lister); ok {
		l.list(key, g, b)
	}
}

func (s section) list(key string, g *guidebook, b *strings.Builder) {
	for _, f := range s {
		if _, refused := f.is.(inline); refused {
			continue
		}
		below := join(key, f.name)
		if below == "tenants.graph.write_auth" {
			fmt.Fprintf(b, "| `%s` | %s | %s The keys below it are those of `auth`. |\n", below, f.without(), cell(g.of(below)))
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", below, f.without(), cell(g.of(below)))
		listOf(f.is, below, g, b)
	}
}

func (l list[T]) list(key string, g *guidebook, b *strings.Builder) {
	listOf(l.one(new(T)), key, g, b)
}

// list names the keys of one of them, for they are the same for all.
func (t table[T]) list(key string, g *guidebook, b *strings.Builder) {
	for _, name := range t.names {
		if words := g.words[join(key, name)]; words != "" {
			fmt.Fprintf(b, "| `%s` | not used | %s |\n", join(key, name), cell(words))
		}
	}
	var below strings.Builder
	listOf(t.one(new(T)), join(key, t.names[0]), g, &below)
	b.WriteString(strings.ReplaceAll(below.String(), "`"+join(key, t.names[0])+".", "`"+join(key, "…")+"."))
}

func (m maybe[T]) list(key string, g *guidebook, b *strings.Builder) {
	listOf(m.one(new(T)), key, g, b)
}

// without says what holds where a key is not given.
func (f field) without() string {
	switch {
	case f.like != "":
		return "**refused**"
	case f.def != "":
		return "`" + f.def + "`"
	case f.none != "":
		return f.none
	default:
		return "not used"
	}
}

// cell is a text as it may stand in a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", "; ")
}
