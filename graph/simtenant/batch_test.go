package simtenant_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// subReply is one part of a batch's answer.
type subReply struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batch sends parts and returns their answers in the order in which they came.
func batch(t testing.TB, h http.Handler, parts ...string) []subReply {
	t.Helper()
	r := ask(h, "POST", "/v1.0/$batch", `{"requests":[`+strings.Join(parts, ",")+`]}`, "Content-Type", "application/json")
	if r.status != http.StatusOK {
		t.Fatalf("batch: %d %s", r.status, r.raw)
	}
	return decode[struct{ Responses []subReply }](t, r).Responses
}

func get(id, url string) string { return fmt.Sprintf(`{"id":%q,"method":"GET","url":%q}`, id, url) }

func TestBatch(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	replies := batch(t, h,
		get("olga", "/users/olga@harbourvale.example/authentication/methods"),
		get("gone", "/users/nobody/authentication/methods"),
		get("report", "/reports/authenticationMethods/userRegistrationDetails"),
		get("page", "users?$top=1&$select=id"),
		`{"id":"count","method":"GET","url":"/users/$count","headers":{"ConsistencyLevel":"eventual"}}`,
		`{"id":"write","method":"PATCH","url":"/policies/identitySecurityDefaultsEnforcementPolicy","headers":{"Content-Type":"application/json"},"body":{"isEnabled":true}}`,
		`{"id":"untyped","method":"PATCH","url":"/policies/identitySecurityDefaultsEnforcementPolicy","body":{"isEnabled":false}}`,
		`{"id":"nested","method":"POST","url":"/$batch","headers":{"Content-Type":"application/json"},"body":{"requests":[]}}`,
		`{"id":"after","method":"GET","url":"/organization","dependsOn":["gone"]}`,
		`{"id":"then","method":"GET","url":"/organization","dependsOn":["olga"]}`,
		get("absolute", "https://graph.microsoft.com/v1.0/users"),
	)
	want := map[string]int{
		"olga": 200, "gone": 404, "report": 403, "page": 200, "count": 200, "write": 204, "untyped": 400, "nested": 400, "after": 424, "then": 200, "absolute": 404,
	}
	byID := map[string]subReply{}
	for _, r := range replies {
		byID[r.ID] = r
		if r.Status != want[r.ID] {
			t.Errorf("%s: got %d, want %d: %s", r.ID, r.Status, want[r.ID], r.Body)
		}
		if r.Headers["request-id"] == "" {
			t.Errorf("%s: no request-id", r.ID)
		}
		if r.Status >= 400 && !strings.Contains(string(r.Body), `"innerError"`) {
			t.Errorf("%s: no error envelope: %s", r.ID, r.Body)
		}
	}
	if len(byID) != len(want) {
		t.Errorf("answers: got %d, want %d", len(byID), len(want))
	}
	if next := string(byID["page"].Body); !strings.Contains(next, "http://tenant.test/v1.0/users?") {
		t.Errorf("link of a part: %s", next)
	}
	if got := string(byID["count"].Body); got != "265" {
		t.Errorf("count: got %s, want 265", got)
	}
	if !defaultsEnabled(t, h) || len(h.Ledger()) != 1 {
		t.Errorf("the write: enabled %v, ledger %v", defaultsEnabled(t, h), h.Ledger())
	}
}

func TestBatchAnswersAreUnordered(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	parts := make([]string, 20)
	for i := range parts {
		parts[i] = get(fmt.Sprintf("%02d", i), "/organization")
	}
	for range 20 {
		last := ""
		for _, r := range batch(t, h, parts...) {
			if r.ID < last {
				return
			}
			last = r.ID
		}
	}
	t.Error("twenty batches of twenty were answered in the order in which they were asked")
}

func TestBatchAsAWholeIsRefused(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat(get("x", "/organization")+",", 21), ",")
	for name, tt := range map[string]struct{ body, code string }{
		"more than twenty":      {`{"requests":[` + many + `]}`, "MaximumValueExceeded"},
		"ids that repeat":       {`{"requests":[` + get("1", "/users") + `,` + get("1", "/users") + `]}`, "BadRequest"},
		"no requests":           {`{}`, "BadRequest"},
		"no id":                 {`{"requests":[{"method":"GET","url":"/users"}]}`, "BadRequest"},
		"no JSON":               {`requests`, "BadRequest"},
		"depends on the future": {`{"requests":[{"id":"1","method":"GET","url":"/users","dependsOn":["2"]},` + get("2", "/users") + `]}`, "BadRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ask(newTenant(t, simtenant.Config{}), "POST", "/v1.0/$batch", tt.body)
			if code, _ := refusal(t, r); r.status != 400 || code != tt.code {
				t.Errorf("got %d %s, want 400 %s", r.status, r.raw, tt.code)
			}
		})
	}
}

func TestBatchPartsAreThrottledOneByOne(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Throttle: true})
	parts := make([]string, 8)
	for i := range parts {
		parts[i] = get(fmt.Sprint(i), "/reports/authenticationMethods/userRegistrationDetails?$top=1")
	}
	byStatus := map[int]int{}
	for _, r := range batch(t, h, parts...) {
		byStatus[r.Status]++
		if r.Status == 429 && r.Headers["Retry-After"] == "" {
			t.Errorf("part %s: throttled without Retry-After", r.ID)
		}
	}
	if byStatus[200] != 5 || byStatus[429] != 3 {
		t.Errorf("parts by status: got %v, want five 200 and three 429", byStatus)
	}
}
