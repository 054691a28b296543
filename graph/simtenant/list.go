package simtenant

import (
	"encoding/base64"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entity is one thing that Graph lists.
type entity interface {
	// prop returns a property by its name, or by its path, "status/errorCode";
	// nil if it has no value. Values are string, bool, int, time.Time or made of
	// documents and lists.
	prop(v *view, path string) any
}

// document is an entity that stands there as JSON.
type document map[string]any

func (d document) prop(_ *view, path string) any {
	head, rest, deeper := strings.Cut(path, "/")
	value := d[head]
	if !deeper {
		return value
	}
	if inner, ok := value.(document); ok {
		return inner.prop(nil, rest)
	}
	return nil
}

// set says what may be asked of one collection, and of one of its entities.
type set struct {
	typ      string   // "microsoft.graph.user"
	known    []string // all properties, for $select
	standard []string // those that come without $select; all if empty
	filters  map[string]ops
	// directory objects tell basic from advanced queries, which need the header
	// ConsistencyLevel and $count, and compare words without regard to case
	directory   bool
	typed       bool // its entities say their type, also under $select
	expand      []string
	most        int             // how large a page may be with something expanded; 0: as large as else
	orderBy     string          // the one property that $orderby may name, newest first
	all         func(*view) int // how many there are without a filter, if it need not be counted
	heavy       map[string]int  // properties that make pages smaller, and how large they may be then
	top, maxTop int             // size of a page: usual, largest; 0 for no pages
}

// options are the query options of one call, checked against its set.
type options struct {
	selected []string
	filter   *node
	expanded []string
	inner    []string // what was selected of the one thing that is expanded; all that is usual if empty
	top      int
	from     cursor
	count    bool
	oldFirst bool
}

// cursor is a place in a list: its meaning is the list's own.
type cursor struct {
	at  int64
	sub uint64
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", c.at, c.sub))
}

func parseCursor(token string) (cursor, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	at, sub, ok := strings.Cut(string(raw), ".")
	var c cursor
	if err == nil && ok {
		if c.at, err = strconv.ParseInt(at, 10, 64); err == nil {
			c.sub, err = strconv.ParseUint(sub, 10, 64)
		}
	}
	if err != nil || !ok {
		return c, refuse(http.StatusBadRequest, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
	}
	return c, nil
}

// through walks a list that is held by index, from the cursor on.
func (c cursor) through(n int, at func(int) entity) iter.Seq2[cursor, entity] {
	return func(yield func(cursor, entity) bool) {
		for i := max(int(c.at), 0); i < n; i++ {
			if !yield(cursor{at: int64(i)}, at(i)) {
				return
			}
		}
	}
}

// options reads the query options. One that Graph would not honour here is
// refused rather than ignored: a client must not believe in it.
func (c *call) options(s *set) (options, error) {
	o := options{top: s.top}
	for key, values := range c.query {
		if !strings.HasPrefix(key, "$") {
			continue
		}
		if len(values) != 1 {
			return o, badRequest("Query option '" + key + "' was specified more than once.")
		}
		if err := o.set(c, s, strings.ToLower(key), values[0]); err != nil {
			return o, err
		}
	}
	for _, name := range o.selected {
		if most, ok := s.heavy[name]; ok {
			o.top = min(o.top, most)
		}
	}
	if s.most > 0 && len(o.expanded) > 0 {
		o.top = min(o.top, s.most)
	}
	return o, c.advanced(s, &o)
}

func (o *options) set(c *call, s *set, key, value string) (err error) {
	switch {
	case key == "$select":
		o.selected, err = names(s, s.known, value)
	case key == "$expand" && len(s.expand) > 0:
		value, inner, nested := strings.Cut(value, "($select=")
		if o.expanded, err = names(s, s.expand, value); err == nil && nested {
			if !strings.HasSuffix(inner, ")") {
				return badRequest("Parsing OData Select and Expand failed: " + value + "($select=" + inner)
			}
			o.inner, err = names(userSet, userSet.known, strings.TrimSuffix(inner, ")"))
		}
	case key == "$filter" && len(s.filters) > 0:
		o.filter, err = parseFilter(s, value)
	case key == "$top" && s.maxTop > 0:
		o.top, err = strconv.Atoi(value)
		if err != nil || o.top < 1 || o.top > s.maxTop {
			err = refuse(http.StatusBadRequest, "Request_BadRequest",
				fmt.Sprintf("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", value, s.maxTop))
		}
	case key == "$count" && s.maxTop > 0:
		if o.count, err = strconv.ParseBool(value); err != nil {
			err = badRequest("Invalid value '" + value + "' for $count query option.")
		}
	case key == "$skiptoken" && s.maxTop > 0:
		o.from, err = parseCursor(value)
	case key == "$orderby" && s.orderBy != "":
		property, direction, _ := strings.Cut(value, " ")
		o.oldFirst = direction != "desc"
		if property != s.orderBy || direction != "" && direction != "asc" && direction != "desc" {
			err = unsupportedQuery("Sorting by '" + value + "' is not supported.")
		}
	case key == "$format" && value == "json":
	default:
		err = unsupportedQuery("The query option '" + key + "' is not supported for " + s.typ + ".")
	}
	return err
}

// names splits a list of properties and checks that the type has them.
func names(s *set, known []string, value string) ([]string, error) {
	list := strings.Split(value, ",")
	for i, n := range list {
		n = strings.TrimSpace(n)
		at := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, n) })
		if at < 0 {
			return nil, badRequest("Parsing OData Select and Expand failed: Could not find a property named '" + n + "' on type '" + s.typ + "'.")
		}
		list[i] = known[at]
	}
	return list, nil
}

// advanced refuses what needs the header ConsistencyLevel and $count, unless
// both are there.
func (c *call) advanced(s *set, o *options) error {
	if !s.directory {
		return nil
	}
	eventual := strings.EqualFold(c.header.Get("ConsistencyLevel"), "eventual")
	if !eventual {
		o.count = false // Graph ignores $count=true without the header
	}
	if o.filter.needsAdvanced() && !(eventual && o.count) {
		return unsupportedQuery("Unsupported Query. It needs the header ConsistencyLevel: eventual and $count=true.")
	}
	return nil
}

// expands reports whether the call asks for a related thing to be included.
func (c *call) expands(name string) bool {
	return slices.ContainsFunc(strings.Split(c.query.Get("$expand"), ","), func(s string) bool {
		return strings.EqualFold(strings.TrimSpace(s), name)
	})
}

// list answers a collection: filtered, cut to a page, with a link to the next.
// The rows have to start at the cursor that they are given.
func (c *call) list(s *set, context string, rows func(from cursor) iter.Seq2[cursor, entity]) (*answer, error) {
	o, err := c.options(s)
	if err != nil {
		return nil, err
	}
	return c.page(s, o, context, rows), nil
}

// page is list for options that were read already.
func (c *call) page(s *set, o options, context string, rows func(from cursor) iter.Seq2[cursor, entity]) *answer {
	body, next := newPage(document{"@odata.context": c.context(context, o.selected)}), ""
	columns := s.columns(&o)
	n := 0
	for at, e := range rows(o.from) {
		if !o.filter.holds(s, &c.view, e) {
			continue
		}
		if o.top > 0 && n == o.top {
			next = c.nextLink(at)
			break
		}
		body.add(&c.view, columns, e)
		n++
	}
	if o.count && o.from == (cursor{}) {
		body.head["@odata.count"] = countRows(s, &c.view, o.filter, rows(cursor{}))
	}
	if next != "" {
		body.head["@odata.nextLink"] = next
	}
	return &answer{status: http.StatusOK, body: body}
}

func countRows(s *set, v *view, filter *node, rows iter.Seq2[cursor, entity]) int {
	if filter == nil && s.all != nil {
		return s.all(v)
	}
	n := 0
	for _, e := range rows {
		if filter.holds(s, v, e) {
			n++
		}
	}
	return n
}

// nextLink is the address of the next page, on the host that was asked and
// with the same options.
func (c *call) nextLink(from cursor) string {
	q := url.Values{}
	for k, v := range c.query {
		q[k] = v
	}
	for k := range q {
		if strings.EqualFold(k, "$skiptoken") {
			q.Del(k)
		}
	}
	q.Set("$skiptoken", from.String())
	link := strings.NewReplacer("%24", "$", "+", "%20").Replace(q.Encode())
	return c.base + "/" + c.version + (&url.URL{Path: c.path}).EscapedPath() + "?" + link
}

// one answers a single entity.
func (c *call) one(s *set, context string, e entity) (*answer, error) {
	o, err := c.options(&set{
		typ: s.typ, known: s.known, standard: s.standard, directory: s.directory, typed: s.typed, expand: s.expand,
	})
	if err != nil {
		return nil, err
	}
	body := c.shown(s, o, e)
	body["@odata.context"] = c.context(context, o.selected) + "/$entity"
	return &answer{status: http.StatusOK, body: body}, nil
}

func (c *call) context(of string, selected []string) string {
	s := c.base + "/" + c.version + "/$metadata#" + of
	if len(selected) > 0 {
		s += "(" + strings.Join(selected, ",") + ")"
	}
	return s
}

// shown is an entity as it goes out: the selected properties, or the usual ones.
func (c *call) shown(s *set, o options, e entity) document {
	columns := s.columns(&o)
	if d, ok := e.(document); ok && columns.open {
		out := make(document, len(d)+1)
		for k, v := range d {
			out[k] = plain(v)
		}
		return out
	}
	out := make(document, len(columns.names)+1)
	for _, name := range columns.names {
		if value := e.prop(&c.view, name); value != (absent{}) {
			out[name] = plain(value)
		}
	}
	return out
}

// columns are the properties that the entities of a list are shown with.
type columns struct {
	names []string // sorted
	open  bool     // documents show all that they hold instead
}

func (s *set) columns(o *options) columns {
	list, open := o.selected, false
	if len(list) == 0 {
		list = s.standard
	}
	if len(list) == 0 {
		list, open = s.known, true
	}
	list = slices.Concat(list, o.expanded)
	if s.typed {
		list = append(list, "@odata.type")
	}
	slices.Sort(list)
	return columns{slices.Compact(list), open}
}

func plain(v any) any {
	if t, ok := v.(time.Time); ok {
		if t.IsZero() {
			return nil
		}
		return stampFine(t)
	}
	return v
}
