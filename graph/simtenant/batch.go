package simtenant

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// maxBatch is the number of parts that a batch may have.
const maxBatch = 20

// part is one request of a batch.
type part struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

func (c *call) isBatch() bool { return len(c.parts) == 1 && strings.EqualFold(c.parts[0], "$batch") }

// batch runs the parts of a batch. The answers come in no particular order and
// each with a status of its own: the whole is 200 even if every part failed.
func (c *call) batch() (*answer, error) {
	if c.method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	}
	parts, err := c.batchParts()
	if err != nil {
		return nil, err
	}
	status := make(map[string]int, len(parts))
	responses := make([]any, 0, len(parts))
	for _, p := range parts {
		sub := c.part(p)
		a := sub.runPart(p, c.version, status)
		status[p.ID] = a.status
		headers := sub.headers(a)
		r := document{"id": p.ID, "status": a.status, "headers": headers}
		switch body := a.body.(type) {
		case nil:
		case string:
			headers["Content-Type"] = "text/plain"
			r["body"] = json.RawMessage(body) // a count: a bare number
		default:
			headers["Content-Type"] = "application/json"
			r["body"] = body
		}
		responses = append(responses, r)
	}
	shuffle := stream(c.t.world.seed, "batch "+c.requestID, 0)
	shuffle.Shuffle(len(responses), func(i, j int) { responses[i], responses[j] = responses[j], responses[i] })
	return &answer{status: http.StatusOK, body: document{"responses": responses}}, nil
}

// batchParts decodes a batch. Anything wrong with its shape refuses the whole.
func (c *call) batchParts() ([]part, error) {
	var body struct {
		Requests []part `json:"requests"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return nil, badRequest("Invalid batch payload format.")
	}
	if len(body.Requests) == 0 {
		return nil, badRequest("Invalid batch payload format: it holds no requests.")
	}
	if len(body.Requests) > maxBatch {
		return nil, refuse(http.StatusBadRequest, "MaximumValueExceeded", "Number of batch request steps exceeds the maximum value of 20.")
	}
	var seen []string
	for _, p := range body.Requests {
		if p.ID == "" || p.Method == "" || p.URL == "" {
			return nil, badRequest("Invalid batch payload format: id, method and url are required.")
		}
		if slices.Contains(seen, p.ID) {
			return nil, badRequest("Invalid batch payload format: the id '" + p.ID + "' is not unique.")
		}
		for _, before := range p.DependsOn {
			if !slices.Contains(seen, before) {
				return nil, badRequest("Invalid batch payload format: '" + p.ID + "' depends on '" + before + "', which does not come before it.")
			}
		}
		seen = append(seen, p.ID)
	}
	return body.Requests, nil
}

// part makes a call of its own out of a part of a batch.
func (c *call) part(p part) *call {
	sub := &call{
		t: c.t, ctx: c.ctx, method: strings.ToUpper(p.Method), header: http.Header{}, base: c.base, app: c.app, caller: c.caller, body: p.Body,
		requestID: newID(), clientRequestID: c.clientRequestID, view: c.view,
	}
	if string(p.Body) == "null" {
		sub.body = nil
	}
	for k, v := range p.Headers {
		sub.header.Set(k, v)
	}
	if id := sub.header.Get("client-request-id"); id != "" {
		sub.clientRequestID = id
	}
	return sub
}

// runPart answers one part. Its path belongs to the version of the batch.
func (c *call) runPart(p part, version string, before map[string]int) *answer {
	path, query, _ := strings.Cut(p.URL, "?")
	err := c.locate("/"+version+"/"+strings.TrimPrefix(path, "/"), query)
	n := c.t.seen.begin(c, true)
	var a *answer
	switch {
	case err != nil:
	case slices.ContainsFunc(p.DependsOn, func(id string) bool { return before[id] >= 400 }):
		err = refuse(http.StatusFailedDependency, "FailedDependency", "A request that this one depends on has failed.")
	case len(c.body) > 0 && c.header.Get("Content-Type") == "":
		err = badRequest("Write request id : " + p.ID + " does not contain Content-Type header or body.")
	case c.isBatch():
		err = badRequest("A batch cannot hold another batch.")
	default:
		c.fault = c.t.faults.take(c.method, c.path, fault.fitsPart)
		a, err = c.answer()
	}
	a = c.answerTo(a, err)
	c.t.seen.end(n, a.status)
	return a
}
