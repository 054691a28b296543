package msgraph_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// anyAnswer is a transport that gives every request the same answer.
type anyAnswer struct {
	status int
	header http.Header
	body   []byte
}

func (a anyAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: -1, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// FuzzAnswer gives every call an answer that may be anything. Nothing may
// panic; an error is a *graph.Error that names its call; and wherever a "no"
// comes out, a "no" was in the answer.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `{"value":[]}`, `{"value":[null]}`, `{"value":[{}]}`, `{"value":[[]]}`, `{"value":{"a":1}}`, "<html>", "\x00\xff",
		`{"error":{"code":"x"}}`, `{"error":{"message":1,"code":{}}}`, `{"error":null}`, `{"error":"x"}`,
		`{"isEnabled":false}`, `{"isEnabled":null}`, `{"isEnabled":1}`,
		`{"value":[` + person("a") + `],"@odata.nextLink":"http://127.0.0.1/v1.0/users"}`,
		`{"value":[` + person("a") + `],"@odata.nextLink":7}`,
		`{"value":[{"id":"a","userPrincipalName":"a","accountEnabled":false,"assignedLicenses":[null],"createdDateTime":"2026-01-01T00:00:00"}]}`,
		`{"value":[{"id":"a","displayName":null,"state":"disabled"}]}`,
		`{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"41781fb2-bc02-4b7c-bd55-b576c07bb09d"}]}]}`,
		`{"value":[{"id":"a","verifiedDomains":[null,{"isDefault":true}]}]}`,
		`{"value":[{"id":"a","isMfaRegistered":false,"isMfaCapable":false,"methodsRegistered":[null,"x"],"userPreferredMethodForSecondaryAuthentication":"new"}]}`,
		`{"value":[{"id":"s","createdDateTime":"2999-01-01T00:00:00Z","clientAppUsed":"IMAP4","status":{"errorCode":0},"riskState":"new"}]}`,
		`{"value":[{"id":"r","roleDefinitionId":"r","principalId":"g","principal":{"@odata.type":"#microsoft.graph.group"}}]}`,
		`{"responses":[{"id":"0","status":200,"headers":{"a":null},"body":` + phoneBody + `}]}`,
		`{"responses":[{"id":"0","status":429,"headers":{"Retry-After":1e99},"body":null},null]}`,
	} {
		f.Add(200, "application/json", "", []byte(body))
		f.Add(403, "application/json", "", []byte(body))
	}
	for _, body := range goodAnswers {
		f.Add(200, "application/json", "", []byte(body))
	}
	for _, body := range goodFiles {
		f.Add(200, "text/csv", "", []byte(body))
		f.Add(200, "application/json", "", []byte(body))
	}
	f.Add(302, "", "http://localhost/file", []byte{})
	f.Add(410, "application/json", "", []byte(graphError("syncStateNotFound")))
	f.Add(200, "text/html", "", []byte(`{"isEnabled":true}`))
	f.Add(204, "", "", []byte{})
	f.Add(302, "", "/v1.0/elsewhere", []byte{})
	f.Add(429, "text/plain", "99", []byte("slow"))
	f.Add(429, "", "Tue, 24 Nov 2026 09:02:00 GMT", []byte{})
	f.Add(502, "text/html", "x", []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, contentType, header string, body []byte) {
		if status < 100 || status > 999 || status == http.StatusNoContent && len(body) > 0 {
			return // no such answer can be received
		}
		synctest.Test(t, func(t *testing.T) {
			a := anyAnswer{status, http.Header{}, body}
			for name, value := range map[string]string{"Content-Type": contentType, "Retry-After": header, "Location": header, "WWW-Authenticate": header} {
				a.header.Set(name, value)
			}
			c, err := msgraph.New(msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Transport: a})
			if err != nil {
				t.Fatal(err)
			}
			checkAnswer(t, c, a)
		})
	})
}

func checkAnswer(t *testing.T, c *msgraph.Client, a anyAnswer) {
	var said map[string]any
	_ = json.Unmarshal(a.body, &said)
	asError := func(call string, err error) bool {
		if e, ok := err.(*graph.Error); err != nil && (!ok || e.Op == "") {
			t.Errorf("%s: got the error %v, want a *graph.Error that names its call", call, err)
		}
		return err != nil
	}
	says := func(call, member string, i int, want any, path ...string) {
		v := item(said, i)
		for _, p := range append(path, member) {
			m, _ := v.(map[string]any)
			v = m[p]
		}
		if v != want {
			t.Errorf("%s: got %s = %v for entry %d of %s, which says %v", call, member, want, i, a.body, v)
		}
	}
	if d, err := c.SecurityDefaults(t.Context()); !asError("SecurityDefaults", err) && said["isEnabled"] != d.Enabled {
		t.Errorf("SecurityDefaults: got %v for %s", d.Enabled, a.body)
	}
	if users, err := c.Users(t.Context()); !asError("Users", err) {
		for i, u := range users {
			says("Users", "id", i, u.ID)
			says("Users", "accountEnabled", i, u.Enabled)
		}
	}
	if rows, err := c.Registrations(t.Context()); !asError("Registrations", err) && len(rows) == len(items(said)) {
		for i, r := range rows {
			says("Registrations", "isMfaRegistered", i, r.Registered)
			says("Registrations", "isMfaCapable", i, r.Capable)
		}
	}
	if signIns, err := legacySignIns(t, c, now()); !asError("EachLegacySignIn", err) && len(signIns) == len(items(said)) {
		for i, s := range signIns {
			says("EachLegacySignIn", "errorCode", i, float64(s.ErrorCode), "status")
		}
	}
	if policies, err := c.Policies(t.Context()); !asError("Policies", err) {
		for _, p := range policies {
			if p.ID == "" || p.State == "" {
				t.Errorf("Policies: got %+v for %s", p, a.body)
			}
		}
	}
	if methods, err := c.Methods(t.Context(), []string{"u"}); !asError("Methods", err) && !asError("Methods", methods[0].Err) && methods[0].Methods == nil {
		t.Errorf("Methods: got neither methods nor an error for %s", a.body)
	}
	if l, err := c.Licence(t.Context()); !asError("Licence", err) && l == graph.LicenceUnknown {
		t.Errorf("Licence: got none for %s", a.body)
	}
	if o, err := c.Organization(t.Context()); !asError("Organization", err) && o.ID == "" {
		t.Errorf("Organization: got %+v for %s", o, a.body)
	}
	if u, err := c.User(t.Context(), "u"); !asError("User", err) && said["accountEnabled"] != u.Enabled {
		t.Errorf("User: got %+v for %s", u, a.body)
	}
	_, err := c.RoleHolders(t.Context())
	asError("RoleHolders", err)
	checkReads(t, c, a, said, asError)
	checkWrites(t, c, a, said, asError)
	if _, err := c.SetSecurityDefaults(t.Context(), true); !asError("SetSecurityDefaults", err) && (a.status < 200 || a.status > 299 || len(a.body) > 0 && said == nil) {
		t.Errorf("SetSecurityDefaults: got success for %d %q", a.status, a.body)
	}
}

// items are the entries of an answer's list.
func items(said map[string]any) []any {
	list, _ := said["value"].([]any)
	return list
}

func item(said map[string]any, i int) any {
	if list := items(said); i < len(list) {
		return list[i]
	}
	return nil
}
