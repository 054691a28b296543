package msgraph_test

import (
	"net/url"
	"testing"
	"time"

	"twokey/graph"
)

func TestAuditQuery(t *testing.T) {
	t.Parallel()
	tenant := &arrivals{next: reply(200, `{"value":[]}`)}
	at := time.Date(2026, 11, 24, 9, 0, 0, 500, time.UTC)
	_, err := serve(t, tenant).Audits(t.Context(), graph.AuditQuery{
		Since: at, Until: at.Add(time.Hour), Service: "Core Directory", Category: "Policy", TargetID: "it's", AppID: "app",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := url.ParseRequestURI(tenant.of("")[0].URI)
	if err != nil {
		t.Fatal(err)
	}
	const want = "activityDateTime ge 2026-11-24T09:00:00Z and activityDateTime le 2026-11-24T10:00:01Z and loggedByService eq 'Core Directory'" +
		" and category eq 'Policy' and targetResources/any(t:t/id eq 'it''s') and initiatedBy/app/appId eq 'app'"
	if filter := got.Query().Get("$filter"); filter != want {
		t.Errorf("got filter %q, want %q", filter, want)
	}
}

// TestAuditSaysHowItEnded checks that what the log leaves out is not taken for
// an answer.
func TestAuditSaysHowItEnded(t *testing.T) {
	t.Parallel()
	const whole = `"id":"a","activityDateTime":"2026-11-24T09:00:00Z"`
	for _, tt := range []struct {
		row       string
		succeeded bool
		broken    bool
	}{
		{whole + `,"result":"success","targetResources":[]`, true, false},
		{whole + `,"result":"timeout","targetResources":[{"id":null,"modifiedProperties":null}],"initiatedBy":{"user":null,"app":null}`, false, false},
		{whole + `,"result":null,"targetResources":[]`, false, true},
		{whole + `,"targetResources":[]`, false, true},
		{whole + `,"result":"success","targetResources":null`, false, true},
		{whole + `,"result":"success","targetResources":[null]`, false, true},
		{`"id":"a","result":"success","targetResources":[]`, false, true},
	} {
		got, err := serve(t, reply(200, `{"value":[{`+tt.row+`}]}`)).Audits(t.Context(), graph.AuditQuery{})
		switch {
		case tt.broken && err == nil:
			t.Errorf("%s: got %+v, want an error", tt.row, got)
		case !tt.broken && (err != nil || len(got) != 1 || got[0].Succeeded != tt.succeeded):
			t.Errorf("%s: got %+v and error %v, want succeeded %v", tt.row, got, err, tt.succeeded)
		}
	}
}
