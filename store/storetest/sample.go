package storetest

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// day is a moment as the database keeps it: UTC, whole microseconds.
var day = time.Date(2026, 11, 23, 9, 0, 0, 123456000, time.UTC)

const tenant = "72f9-tenant"

// hostile is text as the world outside writes it.
const hostile = "O'Brien “x”; DROP TABLE request;-- \\ % ? \" \t\n\r é \u0301 👩‍💻 \u202e \U000e0041"

// sample returns a request in which every field is set, the same for the same
// name. Its JSON is spelled as no encoder would spell it.
func sample(name string) approval.Request {
	return approval.Request{
		ID: "id-" + name, Ref: "R-" + name, Key: "key-" + name,
		Tenant: tenant, TenantName: "Contoso " + hostile,
		Kind: "defaults", KindVersion: 3,
		Args:     json.RawMessage(`{ "on":true,  "a":"\u00e9 é <>&", "n":1.50 }`),
		Targets:  []approval.Target{{ID: "target-" + name, Name: hostile}, {ID: "other", Name: ""}},
		Snapshot: json.RawMessage("{\"was\":\n\tfalse}"),
		Words: approval.Words{
			Headline: "Turn it on " + hostile, Now: "off", Then: "on", Radius: "all", Risk: "some", Undo: "turn it off",
			Call: "Ada", Findings: []string{"one", hostile}, History: []string{"R-OLD222 was denied"},
		},
		Reason:      hostile,
		Requester:   approval.Principal{Tenant: tenant, Object: "ada"},
		Warrant:     warrant,
		Subscribers: []approval.Subscriber{{Address: `{"platform":"p","user":"ada"}`, Requester: true, Concerned: true, Who: "ada"}, {Address: `{"platform":"p","channel":"c"}`}},
		Policy: approval.Policy{
			Name: "two", Quorum: 2, Wait: 15 * time.Minute, Collect: time.Hour, CollectUntil: day.Add(24 * time.Hour), Life: 4 * time.Hour,
			Only: []string{"bea", hostile}, Voters: []string{"voter"}, Barred: []string{"prover"}, Manager: true, Because: []string{"It is night.", hostile}, Version: 7,
		},
		ConfigHash: "c0f1",
		Digest:     "digest-" + name,
		Created:    day, Expires: day.Add(8*time.Hour + time.Microsecond),
		State: approval.Approved, Version: 4,
		NotBefore: day.Add(time.Minute), StartBy: day.Add(6 * time.Minute),
		Outcome: approval.Outcome{
			By: approval.Principal{Tenant: tenant, Object: "bea"}, Why: hostile, Findings: []string{"this differs"},
			Done:    []approval.StepReport{{Number: 1, What: "turn it on", Class: approval.Applied, RequestID: "g-1", Target: "t-1", Seen: hostile}},
			Planned: 1,
			At:      day.Add(time.Hour),
		},
	}
}

var warrant = approval.Warrant{Name: "Ada " + hostile, UPN: "ada@example.test", Role: "lead", Via: "group g-1", Proof: "pinned in the configuration", Fresh: approval.Fresh{Proof: "passkey", At: day}}

// vote returns an approval of r by the person.
func vote(r approval.Request, object string) approval.Decision {
	return approval.Decision{
		Request: r.ID, By: approval.Principal{Tenant: r.Tenant, Object: object}, Account: "slack/T1/" + object, Warrant: warrant,
		Approve: true, Digest: r.Digest, Why: hostile, At: day.Add(time.Second),
	}
}

// attempt returns an open attempt of r.
func attempt(r approval.Request, fence int64) approval.Attempt {
	return approval.Attempt{Request: r.ID, Fence: fence, Owner: "process-1", Started: day, Deadline: day.Add(2 * time.Minute), Before: json.RawMessage(`{"on": false}`)}
}

// step returns the intent of one try of a step.
func step(r approval.Request, number, try int, fence int64) approval.Step {
	return approval.Step{
		Request: r.ID, Number: number, Try: try, Fence: fence, Method: "PATCH", URL: "/policies/defaults", BodyHash: "b0d1",
		Intent: day.Add(time.Duration(10*number+try) * time.Second), Class: approval.Open, Facts: hostile, RequestID: "g-0",
		ClientID: "c-1", What: "turn it on", Object: "o-0",
	}
}

// notice returns a message that is owed about a topic.
func notice(key, topic string) approval.Notice {
	return approval.Notice{Key: key, Kind: approval.NoticePrompt, Topic: topic, Address: `{"platform":"p","workspace":"w","channel":"c"}`, Facts: []byte(`{ "request":"` + topic + `" }`)}
}

// entry returns something to record.
func entry(request string) audit.Entry {
	return audit.Entry{At: day, Tenant: tenant, Kind: "request.test", Actor: "ada", Request: request, Facts: map[string]any{"words": hostile}}
}

// wantSame fails with each part of got that is not as in want.
func wantSame(t *testing.T, what string, got, want any) {
	t.Helper()
	same(t, what, reflect.ValueOf(got), reflect.ValueOf(want))
}

func same(t *testing.T, what string, got, want reflect.Value) {
	t.Helper()
	if reflect.DeepEqual(got.Interface(), want.Interface()) {
		return
	}
	parts := got.Kind() == reflect.Struct && got.Type() != reflect.TypeFor[time.Time]()
	for i := 0; parts && i < got.NumField(); i++ {
		same(t, what+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i))
	}
	if !parts {
		t.Errorf("%s = %+v, want %+v", what, got, want)
	}
}
