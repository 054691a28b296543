package msgraph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
	"twokey/graph/sync"
)

// costFile is the document that is generated here.
var costFile = filepath.Join("..", "..", "docs", "digest-cost.md")

// counted counts what arrives at a tenant in this process: calls, and the reads in
// them, since a batch holds up to twenty.
type counted struct {
	tenant       http.Handler
	calls, reads atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
	reads, body := int64(1), []byte(nil)
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	if strings.HasSuffix(r.URL.Path, "/$batch") {
		var batch struct{ Requests []json.RawMessage }
		if err := json.Unmarshal(body, &batch); err != nil {
			return nil, err
		}
		reads = int64(len(batch.Requests))
	}
	c.reads.Add(reads)
	in.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	c.tenant.ServeHTTP(answer, in)
	res := answer.Result()
	res.Request = r
	return res, nil
}

func (c *counted) taken() string {
	calls, reads := c.calls.Swap(0), c.reads.Swap(0)
	if calls == reads {
		return fmt.Sprint(calls)
	}
	return fmt.Sprintf("%d (%d reads)", calls, reads)
}

// costRow reads a tenant for two digests, a week apart, and each day between.
func costRow(t *testing.T, people int, licence graph.Licence) string {
	t.Helper()
	at := noon().AddDate(0, 0, -7)
	now := func() time.Time { return at }
	sim, err := simtenant.New(simtenant.Config{People: people, Licence: licence, Epoch: noon(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	c := &counted{tenant: sim}
	reader := client(t, msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken("cost"), Unbudgeted: true, Transport: c, Now: now})
	s := sync.New(sync.Config{Tenant: "cost", Reader: reader, Store: &sync.Memory{}, Owner: "cost", Now: now, Patience: time.Hour})
	step := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%d people, %v: %s: %v", people, licence, what, err)
		}
	}
	step("pass", s.Pass(t.Context()))
	step("sign-ins", s.SignIns(t.Context()))
	step("refresh", s.RefreshAll(t.Context()))
	s.Facts(t.Context())
	first := c.taken()
	for range 7 {
		at = at.AddDate(0, 0, 1)
		step("later pass", s.Pass(t.Context()))
		step("later sign-ins", s.SignIns(t.Context()))
	}
	s.Facts(t.Context())
	return fmt.Sprintf("| %d | %v | %s | %s |\n", people, licence, first, c.taken())
}

// TestDigestCost holds docs/digest-cost.md to what the reading for a digest asks
// of Graph. The larger tenants are read only where the document is written anew.
func TestDigestCost(t *testing.T) {
	t.Parallel()
	sizes := []int{1000, 10_000, 100_000}
	var b strings.Builder
	want := ""
	if !*update {
		sizes = sizes[:1]
		text, err := os.ReadFile(costFile)
		if err != nil {
			t.Fatal(err)
		}
		want = string(text)
	}
	b.WriteString(costHead)
	for _, people := range sizes {
		for _, licence := range []graph.Licence{graph.Free, graph.P1} {
			row := costRow(t, people, licence)
			t.Log(row)
			b.WriteString(row)
			if !*update && !strings.Contains(want, row) {
				t.Errorf("%s does not say %q; look at why, and run with -update", costFile, row)
			}
		}
	}
	if *update {
		if err := os.WriteFile(costFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const costHead = `<!-- Made by TestDigestCost in graph/msgraph; go test ./graph/msgraph -run DigestCost -update writes it anew. -->
# What a weekly digest asks of Graph

Requests that reading a simulated tenant for one digest takes, through the real SDK: the first time, when nothing is known of anybody, and a week later. A batch counts as one request; the reads in
it, which is what Graph's quota counts, stand beside it. Legacy sign-ins are those of a simulated tenant of that size, 1,000 to a page.

For the second one a bot reads what has changed, here once on each of the seven days: accounts from Graph's stream of changes, methods of those whom the audit log names, sign-ins of the days that are
not whole yet. A bot that runs looks every five minutes, which takes a handful of requests each time, and reads everybody anew beside it, slowly and within the quota, because no log is complete; no
digest waits for either. A bot that stood still for a week on a Free tenant reads everybody at once, as the audit log there goes back no further.

| People | Licence | First digest | Second, with the week before it |
|---:|---|---:|---:|
`
