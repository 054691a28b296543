package msgraph_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// bodies is a transport that throttles, then fails and then answers each batch,
// answers every change, and keeps what it was sent.
type bodies struct {
	batches, changes []string
	wrong            []string
}

func (b *bodies) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.ContentLength != int64(len(body)) || req.Header.Get("Content-Encoding") != "" || req.Header.Get("Content-Type") != "application/json" {
		b.wrong = append(b.wrong, req.Method+" "+req.URL.Path)
	}
	w := httptest.NewRecorder()
	answer := reply(204, "")
	switch {
	case req.URL.Path != "/v1.0/$batch":
		b.changes = append(b.changes, string(body))
		if req.Method == http.MethodPost {
			answer = reply(201, passBody)
		}
	case len(b.batches) == 0:
		b.batches = append(b.batches, string(body))
		answer = reply(429, graphError("TooManyRequests"), "Retry-After", "3")
	case len(b.batches) == 1:
		b.batches = append(b.batches, string(body))
		answer = reply(503, "<html>busy</html>")
	default:
		b.batches = append(b.batches, string(body))
		answer = reply(200, `{"responses":[{"id":"0","status":200,"headers":{},"body":`+phoneBody+`}]}`)
	}
	answer.ServeHTTP(w, req)
	return w.Result(), nil
}

// TestNoCorruptBody sends from a thousand fresh clients: the SDK's own pipeline
// has an order that changes from one to the next, and in most of them loses the
// body of a repeated request.
func TestNoCorruptBody(t *testing.T) {
	t.Parallel()
	const clients = 1000
	const wantBatch = `{"requests":[{"id":"0","method":"GET","url":"/users/u/authentication/methods"}]}`
	wantChanges := []string{`{"isEnabled":true}`, `{"state":"disabled"}`, `{"isUsableOnce":true}`}
	synctest.Test(t, func(t *testing.T) {
		for i := range clients {
			b := &bodies{}
			c, err := msgraph.New(msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken("test"), Transport: b})
			if err != nil {
				t.Fatal(err)
			}
			_, one := c.SetSecurityDefaults(t.Context(), true)
			_, two := c.SetPolicyState(t.Context(), someID, graph.PolicyDisabled)
			_, _, three := c.CreatePass(t.Context(), someID, graph.PassOrder{})
			got, four := c.Methods(t.Context(), []string{"u"})
			if one != nil || two != nil || three != nil || four != nil || got[0].Err != nil {
				t.Fatalf("client %d: %v %v %v %v %+v", i, one, two, three, four, got)
			}
			if len(b.wrong) > 0 || len(b.batches) != 3 || len(b.changes) != 3 {
				t.Fatalf("client %d: got %d batches and %d changes, want 3 and 3; of another length or type are %q", i, len(b.batches), len(b.changes), b.wrong)
			}
			for n := range 3 {
				if b.batches[n] != wantBatch || !sameJSON(t, b.changes[n], wantChanges[n]) {
					t.Fatalf("client %d: got batch %q and change %q, want %q and %q", i, b.batches[n], b.changes[n], wantBatch, wantChanges[n])
				}
			}
		}
	})
}
