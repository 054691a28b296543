package simtenant

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxDepth bounds the nesting of a filter.
const maxDepth = 40

// parser reads a $filter from left to right.
type parser struct {
	set   *set
	words []string // tokens; literals keep their quotes
	depth int
	inNot bool
}

func badFilter(detail string) *refusal {
	return refuse(http.StatusBadRequest, "BadRequest", "Invalid filter clause: "+detail)
}

// parseFilter parses a $filter and checks it against what the set supports.
func parseFilter(s *set, src string) (*node, error) {
	tokens, err := tokenize(src)
	if err != nil {
		return nil, err
	}
	p := &parser{set: s, words: tokens}
	n, err := p.or()
	if err == nil && len(p.words) > 0 {
		err = badFilter("unexpected '" + p.words[0] + "'.")
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// tokenize splits at blanks, parentheses, commas and colons, outside literals.
func tokenize(src string) ([]string, error) {
	var tokens []string
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == ' ' || c == '\t':
			i++
		case strings.IndexByte("(),", c) >= 0:
			tokens = append(tokens, src[i:i+1])
			i++
		case c == '\'':
			end := closingQuote(src, i)
			if end < 0 {
				return nil, badFilter("there is an unterminated string literal.")
			}
			tokens = append(tokens, src[i:end+1])
			i = end + 1
		default:
			end := i
			for end < len(src) && strings.IndexByte(" \t(),'", src[end]) < 0 {
				end++
			}
			tokens = append(tokens, src[i:end])
			i = end
		}
	}
	return tokens, nil
}

// closingQuote finds the end of the literal that begins at i; ” stands for a quote.
func closingQuote(src string, i int) int {
	for j := i + 1; j < len(src); j++ {
		if src[j] != '\'' {
			continue
		}
		if j+1 < len(src) && src[j+1] == '\'' {
			j++
			continue
		}
		return j
	}
	return -1
}

func (p *parser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *parser) next() string {
	w := p.peek()
	if len(p.words) > 0 {
		p.words = p.words[1:]
	}
	return w
}

func (p *parser) expect(w string) error {
	if got := p.next(); got != w {
		return badFilter("expected '" + w + "' and got '" + got + "'.")
	}
	return nil
}

func (p *parser) or() (*node, error)  { return p.chain("or", p.and) }
func (p *parser) and() (*node, error) { return p.chain("and", p.negation) }

func (p *parser) chain(op string, operand func() (*node, error)) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, badFilter("it is nested too deeply.")
	}
	defer func() { p.depth-- }()
	left, err := operand()
	for err == nil && strings.EqualFold(p.peek(), op) {
		p.next()
		var right *node
		right, err = operand()
		left = &node{op: op, left: left, right: right}
	}
	return left, err
}

func (p *parser) negation() (*node, error) {
	switch {
	case strings.EqualFold(p.peek(), "not"):
		p.next()
		was := p.inNot
		p.inNot = true
		inner, err := p.primary()
		p.inNot = was
		return &node{op: "not", left: inner, used: negated}, err
	default:
		return p.primary()
	}
}

func (p *parser) primary() (*node, error) {
	if p.peek() == "(" {
		p.next()
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	}
	if len(p.words) > 1 && p.words[1] == "(" {
		return p.function()
	}
	return p.comparison()
}

// function parses startswith(a,'b'), endswith(a,'b') and a/any(x:…).
func (p *parser) function() (*node, error) {
	name := p.next()
	if path, isAny := strings.CutSuffix(name, "/any"); isAny {
		return p.any(path)
	}
	used, ok := opNames[strings.ToLower(name)]
	if !ok || used&(starts|ends) == 0 {
		return nil, unsupportedQuery("The function '" + name + "' is not supported.")
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	path := p.next()
	if err := p.expect(","); err != nil {
		return nil, err
	}
	value, err := literal(p.next())
	if err != nil {
		return nil, err
	}
	if _, isText := value.(string); !isText {
		return nil, badFilter("'" + name + "' needs a string.")
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	n := &node{op: strings.ToLower(name), value: value, used: used}
	return n, p.bind(n, path)
}

// any parses the inside of a lambda: one comparison of its variable.
func (p *parser) any(path string) (*node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	// "x:x" is one token, "x: x" or "x :x" are two, "x : x" three.
	var head string
	for len(p.words) > 0 && !isOperator(p.peek()) && p.peek() != ")" && p.peek() != "(" {
		head += p.next()
	}
	variable, subject, ok := strings.Cut(head, ":")
	if !ok || variable == "" || subject != variable && !strings.HasPrefix(subject, variable+"/") {
		return nil, badFilter("the lambda expression '" + head + "' is not understood.")
	}
	op := strings.ToLower(p.next())
	value, err := literal(p.next())
	if err != nil {
		return nil, err
	}
	if op != "eq" {
		return nil, unsupportedQuery("Only eq is supported inside any().")
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	inner := &node{op: op, value: value, path: strings.TrimPrefix(strings.TrimPrefix(subject, variable), "/")}
	n := &node{op: "any", left: inner, used: anyOf}
	if inner.path != "" {
		return n, p.bind(n, path+"/"+inner.path)
	}
	return n, p.bind(n, path)
}

func isOperator(w string) bool { return opNames[strings.ToLower(w)]&(eq|ne|order) != 0 }

// comparison parses a path, an operator and a literal, or a list of them.
func (p *parser) comparison() (*node, error) {
	path := p.next()
	op := strings.ToLower(p.next())
	used, ok := opNames[op]
	if path == "" || !ok || used&(starts|ends) != 0 {
		return nil, badFilter("an operator is missing after '" + path + "'.")
	}
	n := &node{op: op, used: used}
	var err error
	if used == in {
		n.values, err = p.literals()
	} else {
		n.value, err = literal(p.next())
	}
	if err != nil {
		return nil, err
	}
	if collection, isCount := strings.CutSuffix(path, "/$count"); isCount {
		if _, isNumber := n.value.(float64); !isNumber {
			return nil, badFilter("'" + path + "' is compared with a number only.")
		}
		n = &node{op: "count", left: n, used: size}
		path = collection
	}
	return n, p.bind(n, path)
}

func (p *parser) literals() ([]any, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var list []any
	for {
		v, err := literal(p.next())
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch w := p.next(); w {
		case ",":
		case ")":
			return list, nil
		default:
			return nil, badFilter("expected ',' or ')' and got '" + w + "'.")
		}
	}
}

// bind checks that a property may be filtered this way, and gives it its own
// spelling.
func (p *parser) bind(n *node, path string) error {
	for known, allowed := range p.set.filters {
		if !strings.EqualFold(known, path) {
			continue
		}
		n.path = known
		if n.op == "any" && n.left.path != "" {
			n.path = strings.TrimSuffix(known, "/"+n.left.path)
		}
		if n.used&^allowed != 0 || p.inNot && allowed&negated == 0 {
			break
		}
		return n.fits(allowed)
	}
	if i := slices.IndexFunc(p.set.known, func(k string) bool {
		head, _, _ := strings.Cut(path, "/")
		return strings.EqualFold(k, head)
	}); i < 0 {
		return badRequest("Could not find a property named '" + path + "' on type '" + p.set.typ + "'.")
	}
	return unsupportedQuery("Unsupported or invalid query filter clause specified for property '" + path + "' of resource '" + p.set.typ + "'.")
}

// fits checks that the literals of a comparison are of the property's kind.
func (n *node) fits(allowed ops) error {
	literals := n.values
	switch n.op {
	case "count":
		return nil
	case "any":
		literals = []any{n.left.value}
	case "in":
	default:
		literals = []any{n.value}
	}
	for _, v := range literals {
		ok := v == nil
		switch v.(type) {
		case bool:
			ok = allowed&boolean != 0
		case time.Time:
			ok = allowed&moment != 0
		case float64:
			ok = allowed&number != 0
		case string:
			ok = allowed&(boolean|moment|number) == 0
		}
		if !ok {
			return badFilter("a literal is of another type than property '" + n.path + "'.")
		}
	}
	return nil
}

// literal reads 'text', true, false, null, a number or a moment.
func literal(w string) (any, error) {
	switch {
	case len(w) >= 2 && w[0] == '\'':
		return strings.ReplaceAll(w[1:len(w)-1], "''", "'"), nil
	case w == "true", w == "false":
		return w == "true", nil
	case w == "null":
		return nil, nil
	case w == "" || !unicode.IsDigit(rune(w[0])) && w[0] != '-':
		return nil, badFilter("'" + w + "' is no literal.")
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, w); err == nil {
			return t, nil
		}
	}
	if f, err := strconv.ParseFloat(w, 64); err == nil {
		return f, nil
	}
	return nil, badFilter("'" + w + "' is no literal.")
}
