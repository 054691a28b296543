package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSelfCheck has one of two approvers leave. Before a lead has begun to write to
// anybody nobody is told (U14); after that it is told on the next Monday
// what could not be decided, and what to do.
func TestSelfCheck(t *testing.T) {
	t.Parallel()
	const headline = "These could not be decided today: "
	d := startDemo(t)
	monday := func() {
		t.Helper()
		before := len(d.told("sue", "MFA week"))
		var about struct{ Now, Monday time.Time }
		d.must(http.StatusOK, http.MethodGet, d.console+"/api/about", nil, &about)
		// In one move, and not further: what is long past is not made up for.
		d.advance((about.Monday.Sub(about.Now) + time.Minute).String())
		until(t, longEnough, "the week's digest", func() bool { return len(d.told("sue", "MFA week")) > before })
	}
	d.writeAs("portal", http.MethodPatch, "/v1.0/users/bea@harbourvale.example", `{"accountEnabled":false}`)
	monday()
	if got := d.told("vic", headline); len(got) > 0 {
		t.Errorf("vic is told before anything has begun: %+v", got)
	}
	d.say("ada", "/mfa digest now")
	d.await("ada", "that it is there", from("digest"))
	monday()
	told := d.await("vic", "what could not be decided", from(headline))
	if !strings.Contains(told.Text, "defaults") || !strings.Contains(told.Text, "Appoint 1 more approver") || !strings.Contains(told.Text, "/mfa doctor") {
		t.Errorf("vic is told\n%s", told.Text)
	}
}
