package rollout

import (
	"testing"
	"time"

	"twokey/graph"
)

// A change made outside is told from one of ours, and ours from one that
// somebody else made with our credentials.
func TestU23Trace(t *testing.T) {
	t.Parallel()
	const ourApp, user = "Our-App", "user-7"
	step := SentStep{
		Request: "R-ABC234", ClientID: "client-1", URL: "/v1.0/users/" + user + "/authentication/temporaryAccessPassMethods",
		Intent: monday47, Finished: monday47.Add(2 * time.Second),
	}
	defaults := SentStep{
		Request: "R-DEF234", ClientID: "client-2", URL: "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy",
		Targets: []string{"the tenant"}, Intent: monday47, // its answer never came
	}
	pass := func(change func(*graph.Audit)) graph.Audit {
		a := audited("Create temporary access pass method for user", "UserManagement", graph.ServiceMethods)
		a.At, a.ByAppID, a.CorrelationID, a.Targets[0].ID = monday47.Add(time.Second), "our-app", "CLIENT-1", user
		change(&a)
		return a
	}
	type want struct {
		origin  Origin
		request string
		proved  bool
		failed  bool
	}
	ours := want{ByTwokey, "R-ABC234", true, false}
	tests := []struct {
		name   string
		line   graph.Audit
		apps   []string
		want   want
		ignore bool
	}{
		{name: "our app, our ID", line: pass(func(*graph.Audit) {}), want: ours},
		{name: "another app", line: pass(func(a *graph.Audit) { a.ByAppID, a.CorrelationID = "other", "other" }), want: want{origin: Outside}},
		{name: "another app that copied our ID", line: pass(func(a *graph.Audit) { a.ByAppID = "other" }), want: want{origin: Outside}},
		{name: "a person", line: pass(func(a *graph.Audit) { a.ByAppID, a.ByUserID, a.CorrelationID = "", "ann", "" }), want: want{origin: Outside}},
		{name: "our app, our ID a day later", line: pass(func(a *graph.Audit) { a.At = a.At.AddDate(0, 0, 1) }), want: want{origin: InOurName}},
		{name: "our app, no ID, the target of the step", line: pass(func(a *graph.Audit) { a.CorrelationID = "" }), want: want{ByTwokey, "R-ABC234", false, false}},
		{name: "our app, no ID, another target", line: pass(func(a *graph.Audit) { a.CorrelationID, a.Targets[0].ID = "", "user-8" }), want: want{origin: InOurName}},
		{name: "our app, no ID, no target", line: pass(func(a *graph.Audit) { a.CorrelationID, a.Targets = "", nil }), want: want{origin: InOurName}},
		{name: "our app, no ID, ten minutes later", line: pass(func(a *graph.Audit) { a.CorrelationID, a.At = "", a.At.Add(10*time.Minute) }), want: want{origin: InOurName}},
		{name: "our app, no ID, ten minutes before", line: pass(func(a *graph.Audit) { a.CorrelationID, a.At = "", a.At.Add(-10*time.Minute) }), want: want{origin: InOurName}},
		{name: "our app, tried without us and refused", line: pass(func(a *graph.Audit) { a.CorrelationID, a.Succeeded, a.Targets[0].ID = "x", false, "y" }), want: want{InOurName, "", false, true}},
		{name: "our app, ours and refused", line: pass(func(a *graph.Audit) { a.Succeeded = false }), ignore: true},
		{name: "another app, refused", line: pass(func(a *graph.Audit) { a.Succeeded, a.ByAppID = false, "other" }), ignore: true},
		{name: "our app, of no kind that matters", line: pass(func(a *graph.Audit) {
			a.Activity, a.Service, a.CorrelationID, a.Targets[0].ID = "Add group", "", "x", "g"
		}), want: want{origin: InOurName}},
		{name: "another app, of no kind that matters", line: pass(func(a *graph.Audit) { a.Activity, a.Service, a.ByAppID = "Add group", "", "other" }), ignore: true},
		{name: "signed in as a person, our ID", line: pass(func(a *graph.Audit) { a.ByAppID, a.ByUserID = "", "ada" }), apps: []string{}, want: ours},
		{name: "signed in as a person, no ID", line: pass(func(a *graph.Audit) { a.ByAppID, a.ByUserID, a.CorrelationID = "", "ada", "" }), apps: []string{}, want: want{origin: Outside}},
		{
			name: "security defaults without an ID",
			line: pass(func(a *graph.Audit) {
				a.Activity, a.Category, a.CorrelationID = "Update security defaults", "Policy", ""
				a.Targets[0] = graph.AuditTarget{ID: defaultsPolicyID}
			}),
			want: want{ByTwokey, "R-DEF234", false, false},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			apps := tt.apps
			if apps == nil {
				apps = []string{"", ourApp}
			}
			got := Trace([]graph.Audit{tt.line}, []SentStep{step, defaults}, apps)
			if tt.ignore {
				if len(got) != 0 {
					t.Errorf("got %+v, want nothing", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("got %+v, want one change", got)
			}
			if c := got[0]; (want{c.Origin, c.Request, c.Proved, c.Failed}) != tt.want || (c.ClientID != "") != (c.Request != "") {
				t.Errorf("got %+v, want %+v", c, tt.want)
			}
		})
	}
}
