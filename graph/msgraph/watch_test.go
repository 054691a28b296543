package msgraph_test

import (
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
)

// TestU08WhatTheLogSaysOfUs changes a tenant once with a mark that we know and
// once without, in the name of the same app, and looks at the audit log.
func TestU08WhatTheLogSaysOfUs(t *testing.T) {
	t.Parallel()
	sim, err := simtenant.New(simtenant.Config{People: 10, Epoch: noon(), Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	const app, ours = "app-of-ours", "6f0e8c3a-0000-4000-8000-000000000001"
	c := client(t, msgraph.Config{BaseURL: newServer(t, sim) + "/v1.0", Credential: msgraph.StaticToken(app), Now: noon, Unbudgeted: true})
	if _, err := c.SetSecurityDefaults(graph.WithClientRequestID(t.Context(), ours), true); err != nil {
		t.Fatal(err)
	}
	sim.Advance(time.Hour)
	if _, err := c.SetSecurityDefaults(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	audits, err := c.Audits(t.Context(), graph.AuditQuery{Since: noon().Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	var defaults []rollout.TenantChange
	for _, change := range rollout.Changes(audits) {
		if change.Kind == rollout.ChangeDefaults {
			defaults = append(defaults, change)
		}
	}
	if len(defaults) != 2 || defaults[0].Correlation != ours || defaults[0].ByAppID != app || defaults[0].New != "true" || defaults[1].New != "false" {
		t.Fatalf("got %+v, want security defaults on by us, and then off", defaults)
	}
	odd := rollout.Unexplained(audits, app, func(id string) bool { return id == ours })
	if len(odd) != 1 || odd[0].ID != defaults[1].AuditID {
		t.Errorf("got %+v, want the second change alone", odd)
	}
}
