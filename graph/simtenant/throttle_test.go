package simtenant_test

import (
	"strconv"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

func TestThrottle(t *testing.T) {
	t.Parallel()
	const report = "/v1.0/reports/authenticationMethods/userRegistrationDetails?$top=1"
	tests := []struct {
		name       string
		path       string
		inARow     int           // how many pass before the first 429
		retryAfter string        // of that 429
		pause      time.Duration // after which another one passes
	}{
		{"reports", report, 5, "2", 2 * time.Second},
		{"sign-ins", "/v1.0/auditLogs/signIns?$top=1", 5, "2", 2 * time.Second},
		{"audits", "/v1.0/auditLogs/directoryAudits?$top=1", 5, "2", 2 * time.Second},
		{"Conditional Access says no time", policiesPath, 1, "", time.Second},
		{"methods", "/v1.0/users/olga@harbourvale.example/authentication/methods", 400, "1", time.Second},
		{"users cost two", "/v1.0/users", 2500, "1", time.Second},
		{"users with $select cost one", "/v1.0/users?$select=id", 5000, "1", time.Second},
		{"one user, small page and $select", "/v1.0/users?$select=id&$top=1", 5000, "1", time.Second},
		{"last sign-ins", "/v1.0/users?$select=id,signInActivity&$top=1", 10, "6", 6 * time.Second},
		{"usage reports", userDetail + "(period='D7')", 14, "43", 43 * time.Second},
		{"SKUs cost three", "/v1.0/subscribedSkus", 1666, "1", time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := newClock(epoch)
			h := newTenant(t, simtenant.Config{Licence: graph.P1, Throttle: true, Now: now.Now})
			for i := range tt.inARow {
				if r := ask(h, "GET", tt.path, ""); r.status >= 400 {
					t.Fatalf("request %d: got %d, want 200", i+1, r.status)
				}
			}
			r := ask(h, "GET", tt.path, "")
			if code, _ := refusal(t, r); r.status != 429 || code != "TooManyRequests" || r.header.Get("Retry-After") != tt.retryAfter {
				t.Fatalf("request %d: %d, Retry-After %q; want 429, %q", tt.inARow+1, r.status, r.header.Get("Retry-After"), tt.retryAfter)
			}
			now.Add(tt.pause)
			if r := ask(h, "GET", tt.path, ""); r.status >= 400 {
				t.Errorf("after %s: got %d, want 200", tt.pause, r.status)
			}
		})
	}
}

func TestThrottleCountsEachAppButForConditionalAccess(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Throttle: true})
	const audits = "/v1.0/auditLogs/directoryAudits?$top=1"
	for range 6 {
		ask(h, "GET", audits, "", "Authorization", "Bearer one")
	}
	if r := ask(h, "GET", audits, "", "Authorization", "Bearer two"); r.status != 200 {
		t.Errorf("another app's report: got %d, want 200", r.status)
	}
	ask(h, "GET", policiesPath, "", "Authorization", "Bearer one")
	if r := ask(h, "GET", policiesPath, "", "Authorization", "Bearer two"); r.status != 429 || r.header.Get("Retry-After") != "" {
		t.Errorf("another app's policies: got %d, want 429 without Retry-After", r.status)
	}
}

// Each usage report has budgets of its own, one for an app and one for all of
// the tenant's apps together.
func TestThrottleOfUsageReports(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Throttle: true})
	got := map[string]int{}
	for _, app := range []string{"one", "two", "three"} {
		for range 14 {
			if r := ask(h, "GET", userDetail+"(period='D7')", "", "Authorization", "Bearer "+app); r.status == 302 {
				got[app]++
			}
		}
	}
	if got["one"] != 14 || got["two"] != 14 || got["three"] != 12 {
		t.Errorf("passed: %v, want 14, 14 and what is left of 40", got)
	}
	if r := ask(h, "GET", appCounts+"(period='D7')", "", "Authorization", "Bearer one"); r.status != 302 {
		t.Errorf("another report: got %d, want 302", r.status)
	}
}

// A mailbox has a budget of its own, by whichever name it is called.
func TestThrottleOfMailboxes(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Throttle: true, Seed: 11})
	const empty = `{"message":{}}` // refused, and counted all the same
	for i := range 10_000 {
		if r := ask(h, "POST", samPath+"/sendMail", empty); r.status != 400 {
			t.Fatalf("message %d: got %d, want 400", i+1, r.status)
		}
	}
	r := ask(h, "POST", "/v1.0/users/"+simtenant.Cast(11)[5].ObjectID+"/sendMail", empty)
	if code, _ := refusal(t, r); r.status != 429 || code != "ApplicationThrottled" || r.header.Get("Retry-After") == "" {
		t.Errorf("one more: got %d %s", r.status, r.raw)
	}
	if r := ask(h, "POST", "/v1.0/users/info@harbourvale.example/sendMail", empty); r.status != 400 {
		t.Errorf("from another mailbox: got %d, want 400", r.status)
	}
}

// A question by POST is no write.
func TestThrottleOfQuestions(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Throttle: true, Now: now.Now})
	for i := range 4000 {
		now.Add(10 * time.Millisecond)
		if r := ask(h, "POST", samPath+"/checkMemberGroups", `{"groupIds":["x"]}`); r.status != 200 {
			t.Fatalf("question %d: got %d %s", i+1, r.status, r.raw)
		}
	}
}

func TestThrottledWriteIsNotApplied(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Throttle: true, Now: now.Now})
	applied := 0
	for i := range 3010 {
		r := ask(h, "PATCH", defaultsPath, `{"isEnabled":`+strconv.FormatBool(i%2 == 0)+`}`)
		if r.status == 204 {
			applied++
		}
	}
	if applied != 3000 || len(h.Ledger()) != applied {
		t.Errorf("writes: %d passed, %d in the ledger; want 3000 of each", applied, len(h.Ledger()))
	}
}

func TestThrottleIsOffUnlessAsked(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1})
	for i := range 20 {
		if r := ask(h, "GET", policiesPath, ""); r.status != 200 {
			t.Fatalf("request %d: got %d, want 200", i+1, r.status)
		}
	}
}

// The parts of a batch are throttled one by one, and each says when to come back.
func TestThrottledParts(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Throttle: true})
	var parts []string
	for i := range 7 {
		parts = append(parts, get(strconv.Itoa(i), "/auditLogs/directoryAudits?$top=1"))
	}
	passed := 0
	for _, r := range batch(t, h, append(parts, get("other", "/organization"))...) {
		switch {
		case r.Status == 200:
			passed++
		case r.Status != 429 || r.Headers["Retry-After"] != "2" || r.ID == "other":
			t.Errorf("part %s: %d, Retry-After %q", r.ID, r.Status, r.Headers["Retry-After"])
		}
	}
	if passed != 6 {
		t.Errorf("passed: got %d, want five of the log and the other one", passed)
	}
}
