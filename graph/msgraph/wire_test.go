package msgraph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// An exchange is one request of ours and its answer, as they went over the
// wire. The parts of a batch are exchanges too.
type exchange struct {
	method  string
	path    string // with version
	query   url.Values
	handed  bool // the address came from the tenant, as the next page's does
	header  http.Header
	body    []byte
	status  int
	media   string // of the answer
	answer  []byte
	inBatch bool
}

// recorder sends requests on and keeps what went over the wire.
type recorder struct {
	next   http.RoundTripper
	mu     sync.Mutex
	list   []exchange
	handed map[string]bool // addresses in answers
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchange{method: req.Method, path: req.URL.Path, query: req.URL.Query(), header: req.Header.Clone()}
	if req.Body != nil {
		var err error
		if e.body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(e.body))
	}
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	e.answer, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(e.answer))
	e.status = res.StatusCode
	e.media, _, _ = strings.Cut(res.Header.Get("Content-Type"), ";")
	r.keep(req.URL.String(), e)
	return res, err
}

func (r *recorder) keep(address string, e exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.handed = r.handed[address]
	r.list = append(r.list, e)
	var said struct {
		Next  string `json:"@odata.nextLink"`
		Delta string `json:"@odata.deltaLink"`
	}
	if json.Unmarshal(e.answer, &said) == nil {
		r.handed[said.Next], r.handed[said.Delta] = true, true
	}
}

// parts takes a batch apart.
func (e exchange) parts(t *testing.T) (all []exchange) {
	t.Helper()
	var sent struct {
		Requests []struct {
			ID, Method, URL string
			Body            json.RawMessage
		}
	}
	var got struct {
		Responses []struct {
			ID     string
			Status int
			Body   json.RawMessage
		}
	}
	if err := errors.Join(json.Unmarshal(e.body, &sent), json.Unmarshal(e.answer, &got)); err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(e.path, "/"), "/")
	for _, part := range sent.Requests {
		u, err := url.Parse("/" + version + part.URL)
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range got.Responses {
			if answer.ID == part.ID {
				all = append(all, exchange{
					method: part.Method, path: u.Path, query: u.Query(), header: http.Header{}, body: part.Body,
					status: answer.Status, media: "application/json", answer: answer.Body, inBatch: true,
				})
			}
		}
	}
	return all
}
