package msgraph_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// contract is all that is known of how Graph's operations look: two files that
// were generated from Microsoft's descriptions, and two written by hand for
// what these lack. Each of their operations says of itself which it is.
type contract struct{ v1, beta, apps, byHand *openapi3.T }

func loadContracts(t *testing.T) contract {
	t.Helper()
	load := func(name string) *openapi3.T {
		loader := openapi3.NewLoader()
		loader.IsExternalRefsAllowed = true
		doc, err := loader.LoadFromFile("../simtenant/testdata/" + name)
		if err != nil {
			t.Fatalf("load %s: %v", name, err)
		}
		return doc
	}
	return contract{load("graph-v1.0.openapi.json"), load("graph-beta-extras.openapi.json"), load("graph-apps.openapi.json"), load("hand-written.openapi.json")}
}

// find returns the operation of a request, and its name: "GET /users" or "beta
// GET /users/{user-id}/authentication/requirements". A batch is described once,
// for either version.
func (c contract) find(e exchange) (name string, op *openapi3.Operation, params openapi3.Parameters) {
	version, path, _ := strings.Cut(strings.TrimPrefix(e.path, "/"), "/")
	docs, prefix := []*openapi3.T{c.v1, c.apps, c.byHand}, ""
	if version == "beta" && path != "$batch" {
		docs, prefix = []*openapi3.T{c.beta, c.byHand}, "beta "
	}
	name = prefix + e.method + " /" + path
	fewest := math.MaxInt // of variables: /users/delta is no /users/{user-id}
	for _, doc := range docs {
		for template, item := range doc.Paths.Map() {
			found, variables := item.GetOperation(e.method), strings.Count(template, "{")
			if found != nil && variables < fewest && fits(template, "/"+path) {
				fewest, name, op, params = variables, prefix+e.method+" "+template, found, slices.Concat(item.Parameters, found.Parameters)
			}
		}
	}
	return name, op, params
}

// fits reports whether a path is one of a template's.
func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		before, rest, variable := strings.Cut(want[i], "{")
		_, after, _ := strings.Cut(rest, "}")
		if !variable && want[i] != got[i] {
			return false
		}
		if variable && (len(got[i]) <= len(before)+len(after) || !strings.HasPrefix(got[i], before) || !strings.HasSuffix(got[i], after)) {
			return false
		}
		if variable && strings.HasPrefix(got[i], "$") {
			return false
		}
	}
	return true
}

// leastOperations is how many operations the drivers have to reach.
const leastOperations = 40

// TestContract drives every method of Reader and Writer against the simulated
// tenant, and holds every request that goes out and every answer that comes
// back to the description of its operation, a subtest each.
func TestContract(t *testing.T) {
	t.Parallel()
	contracts := loadContracts(t)
	wire := drive(t)
	byOperation := map[string][]exchange{}
	for _, e := range wire {
		if strings.HasPrefix(e.path, "/v1.0/") || strings.HasPrefix(e.path, "/beta/") {
			name, _, _ := contracts.find(e)
			byOperation[name] = append(byOperation[name], e)
			continue
		}
		if e.header.Get("Authorization") != "" {
			t.Errorf("the token went to %s", e.path) // a report's file is elsewhere
		}
	}
	if n := len(byOperation); n < leastOperations {
		t.Errorf("%d operations were reached, want %d at least", n, leastOperations)
	}
	t.Logf("%d exchanges of %d operations", len(wire), len(byOperation))
	for _, name := range slices.Sorted(maps.Keys(byOperation)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := 0
			for _, e := range byOperation[name] {
				_, op, params := contracts.find(e)
				if op == nil {
					t.Fatalf("no contract knows it")
				}
				if err := e.wrong(op, params); err != nil {
					t.Errorf("%s: %v", e.path, err)
				}
				if e.status < 400 {
					good++
				}
			}
			if good == 0 {
				t.Errorf("none of %d requests succeeded", len(byOperation[name]))
			}
		})
	}
}

// wrong compares an exchange with its operation.
func (e exchange) wrong(op *openapi3.Operation, params openapi3.Parameters) error {
	return errors.Join(e.wrongQuery(params), e.wrongRequest(op), e.wrongAnswer(op))
}

// wrongQuery wants every query option, and the one header that stands for an
// option, among those that the operation has. An address that the tenant gave
// is followed as it is.
func (e exchange) wrongQuery(params openapi3.Parameters) (all error) {
	if e.handed {
		return nil
	}
	for name, values := range e.query {
		p := params.GetByInAndName(openapi3.ParameterInQuery, name)
		if p == nil {
			all = errors.Join(all, fmt.Errorf("the operation has no query option %s", name))
		} else if err := p.Schema.Value.VisitJSON(queryValue(p.Schema.Value, values[0])); err != nil {
			all = errors.Join(all, fmt.Errorf("%s=%s: %w", name, values[0], err))
		}
	}
	if level := e.header.Get("ConsistencyLevel"); level != "" {
		if p := params.GetByInAndName(openapi3.ParameterInHeader, "ConsistencyLevel"); p == nil || p.Schema.Value.VisitJSON(level) != nil {
			all = errors.Join(all, fmt.Errorf("the operation has no ConsistencyLevel %s", level))
		}
	}
	return all
}

// queryValue is a query option in the type that it should have, or as it is.
func queryValue(schema *openapi3.Schema, text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil && schema.Type.Is("integer") {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil && schema.Type.Is("boolean") {
		return b
	}
	return text
}

func (e exchange) wrongRequest(op *openapi3.Operation) error {
	media := e.header.Get("Content-Type")
	switch {
	case op.RequestBody == nil && len(e.body) > 0:
		return errors.New("the operation takes no body")
	case op.RequestBody == nil:
		return nil
	case len(e.body) == 0:
		return errors.New("the operation wants a body")
	case media != "application/json" && !e.inBatch:
		return fmt.Errorf("the body's type is %q", media)
	}
	return fit(op.RequestBody.Value.Content.Get("application/json"), e.body, openapi3.VisitAsRequest())
}

func (e exchange) wrongAnswer(op *openapi3.Operation) error {
	want := op.Responses.Status(e.status)
	if want == nil && e.status >= 400 {
		want = op.Responses.Default()
	}
	switch {
	case want == nil:
		return fmt.Errorf("the contract knows no status %d", e.status)
	case len(want.Value.Content) == 0 && len(e.answer) > 0:
		return fmt.Errorf("the contract wants no answer: %.200s", e.answer)
	case len(want.Value.Content) == 0:
		return nil
	case want.Value.Content.Get(e.media) == nil:
		return fmt.Errorf("the answer's type is %q", e.media)
	case e.media == "application/json":
		return fit(want.Value.Content.Get(e.media), e.answer, openapi3.VisitAsResponse())
	}
	return nil // a file
}

func fit(media *openapi3.MediaType, raw []byte, as openapi3.SchemaValidationOption) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	if err := media.Schema.Value.VisitJSON(v, openapi3.MultiErrors(), as); err != nil {
		return fmt.Errorf("%.600s\n%w", raw, err)
	}
	return nil
}

// TestContractBites: what is wrong has to be found.
func TestContractBites(t *testing.T) {
	t.Parallel()
	contracts := loadContracts(t)
	good := exchange{method: "PATCH", path: "/v1.0/users/" + someID, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{"accountEnabled":false}`), status: 204}
	list := exchange{method: "GET", path: "/v1.0/users", query: url.Values{"$top": {"999"}}, status: 200, media: "application/json", answer: []byte(`{"value":[{"id":"x","accountEnabled":true}]}`)}
	for _, tt := range []struct {
		name  string
		from  exchange
		alter func(*exchange)
		want  string // in the error; empty: none
	}{
		{"a change", good, func(*exchange) {}, ""},
		{"a list", list, func(*exchange) {}, ""},
		{"path", good, func(e *exchange) { e.path = "/v1.0/people/x" }, "no contract"},
		{"version", good, func(e *exchange) { e.path = "/beta/users/x" }, "no contract"},
		{"method", good, func(e *exchange) { e.method = "PUT" }, "no contract"},
		{"option", list, func(e *exchange) { e.query = url.Values{"$skip": {"1"}} }, "no query option $skip"},
		{"option of another type", list, func(e *exchange) { e.query = url.Values{"$top": {"all"}} }, "$top=all"},
		{"header", list, func(e *exchange) { e.header = http.Header{"Consistencylevel": {"strong"}} }, "ConsistencyLevel"},
		{"body of another type", good, func(e *exchange) { e.body = []byte(`{"accountEnabled":"no"}`) }, "accountEnabled"},
		{"no body", good, func(e *exchange) { e.body = nil }, "wants a body"},
		{"form", good, func(e *exchange) { e.header = http.Header{"Content-Type": {"text/plain"}} }, "text/plain"},
		{"body of a read", list, func(e *exchange) { e.body = []byte(`{}`) }, "takes no body"},
		{"status", good, func(e *exchange) { e.status = 202 }, "no status 202"},
		{"answer to a change", good, func(e *exchange) { e.answer = []byte(`{}`) }, "wants no answer"},
		{"answer of another type", list, func(e *exchange) { e.answer = []byte(`{"value":[{"accountEnabled":1}]}`) }, "accountEnabled"},
		{"answer without its list", list, func(e *exchange) { e.answer = []byte(`{}`) }, "value"},
		{"page of a proxy", list, func(e *exchange) { e.media = "text/html" }, "text/html"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := tt.from
			tt.alter(&e)
			_, op, params := contracts.find(e)
			err := errors.New("no contract")
			if op != nil {
				err = e.wrong(op, params)
			}
			if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}
