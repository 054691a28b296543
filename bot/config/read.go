package config

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// reader takes a file apart and collects what is wrong with it.
type reader struct {
	file, folder string
	options      Options
	known        []string       // every key there is, with [] for a place in a list
	lines        map[string]int // where each key that was given stands
	mistakes     Mistakes
}

// shape is what may stand at one place of the file.
type shape interface {
	// read takes the value at key into where it belongs.
	read(r *reader, key string, n ast.Node)
	// keys names what may stand below it, prefix first.
	keys(prefix string) []string
	// fill puts what holds where the file says nothing.
	fill(r *reader)
	// schema describes it for editors, with what the guidebook says of key; nil
	// for what is known only to be refused.
	schema(key string, g *guidebook) form
}

// wrong notes a mistake.
func (r *reader) wrong(line int, key, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{File: r.file, Line: line, Key: key, Text: fmt.Sprintf(format, args...)})
}

// at notes a mistake about a key that was read, or about the nearest above it
// that was.
func (r *reader) at(key, format string, args ...any) {
	r.wrong(r.line(key), key, format, args...)
}

func (r *reader) line(key string) int {
	for {
		if line, ok := r.lines[key]; ok || key == "" {
			return line
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
}

// given reports whether the file says something at key.
func (r *reader) given(key string) bool {
	_, ok := r.lines[key]
	return ok
}

// sound reports whether nothing is wrong with the keys by themselves, so that
// they can be held against each other.
func (r *reader) sound(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return len(r.mistakes.Concern(key)) > 0 })
}

func (r *reader) err() error {
	if len(r.mistakes) == 0 {
		return nil
	}
	return r.mistakes.sorted()
}

// document reads a whole file. Where it is no YAML, that is the one mistake.
func (r *reader) document(text []byte, s shape) {
	r.lines, r.known = map[string]int{}, s.keys("")
	if len(text) > maxFile {
		r.wrong(0, "", "the file is larger than 256 KiB; name the right one")
		return
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // as editors on Windows begin a file
	if line := foreign(text); line > 0 {
		r.wrong(line, "", "this is no UTF-8 text; save the file as UTF-8")
		return
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		r.syntax(err)
		return
	}
	var docs []*ast.DocumentNode
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			docs = append(docs, d)
		}
	}
	switch len(docs) {
	case 0:
		r.wrong(0, "", "the file is empty; “twokey config example” prints what goes in")
	case 1:
		r.lines[""] = lineOf(docs[0].Body)
		s.read(r, "", docs[0].Body)
	default:
		r.wrong(lineOf(docs[1].Body), "", "a second document begins here; put everything into one")
	}
}

// foreign returns the first line that is no UTF-8 text, 0 if there is none. A
// NUL is in no text, but between the letters of UTF-16.
func foreign(text []byte) int {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return i + 1
		}
	}
	return 0
}

// syntax words what the YAML library says. What it could not read may be what
// should have been a secret, so nothing of the file is repeated but a key.
func (r *reader) syntax(err error) {
	line, text := 0, "see that the line and the one above are set in by spaces as their neighbours are"
	var e yaml.Error
	if errors.As(err, &e) {
		if t := e.GetToken(); t != nil && t.Position != nil {
			line = t.Position.Line
		}
		text = inWords(e.GetMessage())
	}
	r.wrong(line, "", "this is no YAML: %s", text)
}

var twice = regexp.MustCompile(`^mapping key (".*") already defined at \[(\d+):\d+\]`)

// slips are what the library says of the usual slips, and what to do.
var slips = []struct{ says, mean string }{
	{"found character '\t'", "a tab stands here; set lines in with spaces"},
	{"find end character", "a quotation mark is opened here and not closed; close it"},
	{"',' or '}'", "a { is opened and not closed; close it with }"},
	{"flow mapping", "a { is opened and not closed; close it with }"},
	{"sequence end token", "a [ is opened and not closed; close it with ]"},
	{"',' or ']'", "a [ is opened above and not closed; close it with ]"},
	{"map key-value is pre-defined", "something stands behind the value; put the whole value into double quotation marks"},
	{"mapping value is not allowed", "there is a colon too many, or a line is set in too far; put a value that holds a colon into quotation marks"},
	{"value is not allowed in this context", "this line begins in another column than its neighbours; set it in as they are"},
	{"reserved character", "the value begins with a sign that YAML keeps for itself; put it into quotation marks"},
	{"directive", "the value begins with a sign that YAML keeps for itself; put it into quotation marks"},
}

func inWords(message string) string {
	if m := twice.FindStringSubmatch(message); m != nil {
		if key, err := strconv.Unquote(m[1]); err == nil {
			return fmt.Sprintf("the key %s stands in line %s too; put everything below one of them", quoted(key), m[2])
		}
	}
	for _, s := range slips {
		if strings.Contains(message, s.says) {
			return s.mean
		}
	}
	return shown(message) + "; see that the line and the one above are set in by spaces as their neighbours are"
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

const noReference = "write the value itself: anchors, aliases, merges and tags are not read"

// bare looks through what YAML wraps values in. Anchors, aliases and tags
// would let a value stand where nobody looks for it.
func (r *reader) bare(key string, n ast.Node) (ast.Node, bool) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		r.wrong(lineOf(n), key, "%s", noReference)
		return nil, false
	}
	return n, true
}

// field is one key of a section.
type field struct {
	name string
	like string // what to add where it is missing, if it must be given
	def  string // what holds without it, as one would write it; empty: there is no such value
	none string // what holds then, in words; empty: it is not used
	is   shape
}

// section is a group of keys.
type section []field

func (s section) keys(prefix string) []string {
	var all []string
	for _, f := range s {
		key := join(prefix, f.name)
		if _, hint := f.is.(inline); hint {
			continue // it is known only to be refused
		}
		all = append(append(all, key), f.is.keys(key)...)
	}
	return all
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func (s section) fill(r *reader) {
	for _, f := range s {
		f.is.fill(r)
		if v, ok := f.is.(value); ok && f.def != "" {
			if wrong := v.take(r, f.def); wrong != "" {
				panic("config: the default of " + f.name + " " + wrong) // a mistake in keys.go, which its tests find
			}
		}
	}
}

func (s section) read(r *reader, key string, n ast.Node) {
	s.fill(r)
	pairs, ok := r.pairs(key, n)
	if !ok {
		return
	}
	for _, p := range pairs {
		i := slices.IndexFunc(s, func(f field) bool { return f.name == p.name })
		if i < 0 {
			r.wrong(p.line, join(key, shown(p.name)), "%s", r.unknown(s, p.name))
			continue
		}
		below := join(key, p.name)
		r.lines[below] = p.line
		if value, ok := r.bare(below, p.value); ok {
			s[i].is.read(r, below, value)
		}
	}
	for _, f := range s {
		if f.like != "" && !r.given(join(key, f.name)) {
			r.at(join(key, f.name), "is missing; add %s", f.like)
		}
	}
}

// pair is one key with its value.
type pair struct {
	name  string
	line  int
	value ast.Node
}

// pairs returns what stands in a group of keys.
func (r *reader) pairs(key string, n ast.Node) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		return nil, true // a section with everything commented out
	default:
		r.wrong(lineOf(n), key, "want keys below it, one a line, each with a colon and a space behind it")
		return nil, false
	}
	var all []pair
	for _, v := range values {
		if v.Key.Type() == ast.MergeKeyType {
			r.wrong(lineOf(v), key, "%s", noReference)
			continue
		}
		// The parser refuses a key that stands twice.
		name, ok := text(v.Key)
		if !ok || v.Value == nil {
			r.wrong(lineOf(v), key, "want a plain name before the colon")
			continue
		}
		all = append(all, pair{name, lineOf(v.Key), v.Value})
	}
	return all, true
}

// unknown says that there is no such key, and which one may have been meant.
func (r *reader) unknown(s section, name string) string {
	switch {
	case strings.ContainsRune(name, ':'):
		return "there is no such key; a space is missing behind the colon"
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return "there is no such key; type the name and the spaces before it anew, as one of them is another sign"
	}
	var names []string
	best, distance := "", 3
	for _, f := range s {
		if _, hint := f.is.(inline); hint {
			continue
		}
		names = append(names, f.name)
		d := levenshtein.ComputeDistance(strings.ToLower(name), f.name)
		if d < distance && d <= (len(f.name)+1)/2 || strings.EqualFold(strings.ReplaceAll(name, "-", "_"), f.name) {
			best, distance = f.name, d
		}
	}
	if best != "" {
		return fmt.Sprintf("there is no such key; did you mean %q?", best)
	}
	for _, key := range r.known {
		if i := strings.LastIndex(key, "."); key[i+1:] == name {
			return fmt.Sprintf("there is no such key here; it belongs in %s", place(key, i))
		}
	}
	return "there is no such key; there are " + strings.Join(names, ", ")
}

// place names where a key stands, "tenants[].graph".
func place(key string, dot int) string {
	if dot < 0 {
		return "the first column"
	}
	return key[:dot]
}

// list is a list whose members are made one by one.
type list[T any] struct {
	into *[]T
	one  func(*T) shape
	lone bool // one member may be written without a list
}

func (l list[T]) keys(prefix string) []string {
	var t T
	return l.one(&t).keys(prefix + "[]")
}

func (l list[T]) read(r *reader, key string, n ast.Node) {
	var members []ast.Node
	switch n := n.(type) {
	case *ast.SequenceNode:
		members = n.Values
	case *ast.NullNode:
	default:
		if !l.lone {
			r.wrong(lineOf(n), key, "want a list, as [one, two] or with a dash before each")
			return
		}
		members = []ast.Node{n}
	}
	*l.into = make([]T, len(members)) // its places must not move while they are read
	for i, m := range members {
		place := fmt.Sprintf("%s[%d]", key, i)
		if m == nil {
			r.wrong(lineOf(n), place, "is empty; give a value or take the dash out")
			continue
		}
		r.lines[place] = lineOf(m)
		if m, ok := r.bare(place, m); ok {
			l.one(&(*l.into)[i]).read(r, place, m)
		}
	}
}

func (list[T]) fill(*reader) {}

// table is a group of keys that are names out of a set.
type table[T any] struct {
	into  *map[string]T
	names []string
	what  string // what the names are of
	one   func(*T) shape
}

func (t table[T]) keys(prefix string) []string {
	var all []string
	for _, name := range t.names {
		var v T
		all = append(append(all, join(prefix, name)), t.one(&v).keys(join(prefix, name))...)
	}
	return all
}

func (t table[T]) read(r *reader, key string, n ast.Node) {
	pairs, ok := r.pairs(key, n)
	if !ok {
		return
	}
	*t.into = map[string]T{}
	for _, p := range pairs {
		below := join(key, shown(p.name))
		r.lines[below] = p.line
		if !slices.Contains(t.names, p.name) {
			r.wrong(p.line, below, "is no %s; %s", t.what, among(t.names, p.name))
			continue
		}
		var v T
		if value, ok := r.bare(below, p.value); ok {
			t.one(&v).read(r, below, value)
			(*t.into)[p.name] = v
		}
	}
}

func (table[T]) fill(*reader) {}

// among says which of a set may have been meant, or what there is.
func among(set []string, name string) string {
	best, distance := "", 3
	for _, s := range set {
		if d := levenshtein.ComputeDistance(name, s); d < distance && d <= (len(s)+1)/2 {
			best, distance = s, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(set) == 0:
		return "there is none"
	default:
		return "want " + oneOf(set)
	}
}

func oneOf(set []string) string {
	if len(set) == 1 {
		return set[0]
	}
	return strings.Join(set[:len(set)-1], ", ") + " or " + set[len(set)-1]
}

// path makes a name that is relative start from the file's own folder.
func (r *reader) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.folder, name)
}

// maybe is a section that is nil where the file has none.
type maybe[T any] struct {
	into **T
	one  func(*T) shape
}

func optional[T any](into **T, one func(*T) shape) shape { return maybe[T]{into, one} }

func (maybe[T]) fill(*reader) {}

func (m maybe[T]) keys(prefix string) []string { return m.one(new(T)).keys(prefix) }

func (m maybe[T]) read(r *reader, key string, n ast.Node) {
	*m.into = new(T)
	m.one(*m.into).read(r, key, n)
}
