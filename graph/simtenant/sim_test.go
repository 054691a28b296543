package simtenant_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"net/http/httptest"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

func TestControlAnswersOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	for remote, want := range map[string]int{
		"127.0.0.1:5": 200, "[::1]:5": 200, "[::ffff:127.0.0.1]:5": 200, "192.0.2.1:5": 403, "[2001:db8::1]:5": 403, "nonsense": 403,
	} {
		for _, path := range []string{"/_sim/ledger", "/_sim/requests"} {
			r := httptest.NewRequest("GET", path, nil)
			r.RemoteAddr = remote
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s from %s: got %d, want %d", path, remote, w.Code, want)
			}
		}
	}
	if r := ask(h, "GET", "/_sim/secrets", ""); r.status != 404 {
		t.Errorf("unknown address: got %d, want 404", r.status)
	}
}

func TestLedgerOverHTTP(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1})
	if r := ask(h, "GET", "/_sim/ledger", ""); string(bytes.TrimSpace(r.raw)) != "[]" {
		t.Errorf("empty ledger: %s", r.raw)
	}
	first := ask(h, "PATCH", defaultsPath, "{\n \"isEnabled\": true }", "Authorization", "Bearer twokey", "client-request-id", "mine")
	ask(h, "GET", defaultsPath, "")
	ask(h, "PATCH", defaultsPath, `{}`) // asks for nothing, so nothing happens
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	id := postPolicy(t, h, graph.PolicyReportOnly)
	ask(h, "DELETE", policiesPath+"/"+id, "")

	ledger := decode[[]object](t, ask(h, "GET", "/_sim/ledger", ""))
	if len(ledger) != 4 {
		t.Fatalf("ledger: got %d effects, want 4: %v", len(ledger), ledger)
	}
	for i, want := range []object{
		{"method": "PATCH", "path": defaultsPath, "app": "twokey", "client_request_id": "mine", "request_id": first.header.Get("request-id")},
		{"method": "PATCH", "path": defaultsPath, "app": "anonymous"},
		{"method": "POST", "path": policiesPath},
		{"method": "DELETE", "path": policiesPath + "/" + id, "body": nil},
	} {
		if ledger[i]["n"] != float64(i+1) {
			t.Errorf("effect %d: n is %v", i+1, ledger[i]["n"])
		}
		for key, value := range want {
			if ledger[i][key] != value {
				t.Errorf("effect %d: %s is %v, want %v", i+1, key, ledger[i][key], value)
			}
		}
	}
	if body := ledger[0]["body"].(object); body["isEnabled"] != true {
		t.Errorf("body of the first effect: %v", body)
	}
}

func TestAppOfABearer(t *testing.T) {
	t.Parallel()
	jwt := func(claims string) string {
		return "Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	h := newTenant(t, simtenant.Config{})
	tests := []struct{ authorization, want string }{
		{"", "anonymous"},
		{"Bearer somebody", "somebody"},
		{"bearer somebody", "somebody"},
		{"Basic c29tZWJvZHk=", "anonymous"},
		{jwt(`{"appid":"11111111-2222-4333-8444-555555555555"}`), "11111111-2222-4333-8444-555555555555"},
		{jwt(`{"azp":"2-0-token"}`), "2-0-token"},
		{"Bearer two words", "anonymous"},
		{"Bearer " + string(bytes.Repeat([]byte("x"), 65)), "anonymous"},
		{"Bearer a.b.c", "a.b.c"},
	}
	for _, tt := range tests {
		ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`, "Authorization", tt.authorization)
		ledger := h.Ledger()
		if got := ledger[len(ledger)-1].App; got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.authorization, got, tt.want)
		}
	}
}

func TestRequestsAreRemembered(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	ask(h, "GET", "/v1.0/organization", "", "Authorization", "Bearer twokey")
	batch(t, h, get("1", "/organization"), get("2", "/nope"))
	ask(h, "GET", "/_sim/ledger", "")
	requests := decode[[]object](t, ask(h, "GET", "/_sim/requests", ""))
	want := []object{
		{"n": 1.0, "method": "GET", "path": "/v1.0/organization", "status": 200.0, "app": "twokey", "part": nil},
		{"n": 2.0, "method": "POST", "path": "/v1.0/$batch", "status": 200.0, "part": nil},
		{"n": 3.0, "method": "GET", "path": "/v1.0/organization", "status": 200.0, "part": true},
		{"n": 4.0, "method": "GET", "path": "/v1.0/nope", "status": 404.0, "part": true},
	}
	if len(requests) != len(want) {
		t.Fatalf("got %d requests, want %d: %v", len(requests), len(want), requests)
	}
	for i := range want {
		for key, value := range want[i] {
			if requests[i][key] != value {
				t.Errorf("request %d: %s is %v, want %v", i+1, key, requests[i][key], value)
			}
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	r := ask(h, "POST", "/_sim/clock", `{"advance":"8h"}`)
	if got := decode[struct{ Now time.Time }](t, r).Now; !got.Equal(epoch.Add(8 * time.Hour)) {
		t.Errorf("after 8h: %s", got)
	}
	now.Add(time.Hour)
	if got := decode[struct{ Now time.Time }](t, ask(h, "GET", "/_sim/clock", "")).Now; !got.Equal(epoch.Add(9 * time.Hour)) {
		t.Errorf("an hour later: %s", got)
	}
	if got := ask(h, "GET", "/v1.0/organization", "").header.Get("Date"); got != "Mon, 23 Nov 2026 18:00:00 GMT" {
		t.Errorf("Date: %s", got)
	}
	for _, body := range []string{`{"advance":"-1h"}`, `{"advance":"soon"}`, `{"advance":8}`, `{}`, ``} {
		if r := ask(h, "POST", "/_sim/clock", body); r.status != 400 {
			t.Errorf("%s: got %d, want 400", body, r.status)
		}
	}
}

// A clock that is set back must not hide what its caller was told.
func TestChangesStayVisibleWhenTheClockStepsBack(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	now.Add(-time.Hour)
	if !defaultsEnabled(t, h) {
		t.Error("the change cannot be seen")
	}
	ask(h, "PATCH", defaultsPath, `{"isEnabled":false}`)
	if defaultsEnabled(t, h) {
		t.Error("the second change cannot be seen")
	}
	if got := h.Ledger(); got[1].At.Before(got[0].At) {
		t.Errorf("the ledger goes back in time: %s, then %s", got[0].At, got[1].At)
	}
}

func TestAnswersCarryTheirIDs(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	a := ask(h, "GET", "/v1.0/organization", "", "client-request-id", "abc")
	b := ask(h, "GET", "/v1.0/nope", "")
	if a.header.Get("client-request-id") != "abc" || a.header.Get("request-id") == "" || a.header.Get("request-id") == b.header.Get("request-id") {
		t.Errorf("headers: %v, %v", a.header, b.header)
	}
	inner := decode[struct {
		Error struct {
			InnerError map[string]string
		}
	}](t, b).Error.InnerError
	if inner["request-id"] != b.header.Get("request-id") || inner["date"] != "2026-11-23T09:00:00" {
		t.Errorf("inner error: %v", inner)
	}
}

func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	pack := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"packed":               {pack(`{"isEnabled":true}`), 204},
		"plain under a header": {`{"isEnabled":true}`, 400},
		"cut off":              {pack(`{"isEnabled":true}`)[:15], 400},
		"far too much inside":  {pack(string(bytes.Repeat([]byte(" "), 5<<20))), 413},
	} {
		if r := ask(h, "PATCH", defaultsPath, tt.body, "Content-Encoding", "gzip"); r.status != tt.want {
			t.Errorf("%s: got %d, want %d", name, r.status, tt.want)
		}
	}
}
