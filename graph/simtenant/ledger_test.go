package simtenant_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// Whatever order the writers come in, the ledger holds what was applied: as
// many effects as answers that said so, numbered without gaps, and the state
// follows from it.
func TestLedgerUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tenant.journal")
	h := newTenant(t, simtenant.Config{Licence: graph.P1, Journal: file})
	plan(t, h, `[{"method":"PATCH","path":"`+defaultsRule+`","times":15,"status":503}]`)
	var mu sync.Mutex
	applied := map[string]bool{} // by request id
	record := func(r reply) {
		mu.Lock()
		defer mu.Unlock()
		if r.status < 300 {
			applied[r.header.Get("request-id")] = true
		}
	}
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 20 {
				record(ask(h, "PATCH", defaultsPath, fmt.Sprintf(`{"isEnabled":%v}`, (w+i)%3 == 0)))
				record(ask(h, "POST", policiesPath, policyJSON(graph.PolicyEnabled))) // refused while defaults are on
				ask(h, "GET", policiesPath, "")
				ask(h, "GET", "/v1.0/auditLogs/directoryAudits?$top=5", "")
			}
		})
	}
	writers.Wait()

	ledger := h.Ledger()
	if len(ledger) != len(applied) || len(ledger) < 8 {
		t.Fatalf("ledger: %d effects, %d answers said so", len(ledger), len(applied))
	}
	enabled, policies := false, 0
	for i, e := range ledger {
		if e.N != i+1 || !applied[e.RequestID] {
			t.Fatalf("effect %d: number %d, told to its caller: %v", i+1, e.N, applied[e.RequestID])
		}
		switch e.Method {
		case "POST":
			policies++
			if enabled {
				t.Fatalf("effect %d enables a policy while security defaults are on", e.N)
			}
		case "PATCH":
			enabled = string(e.Body) == `{"isEnabled":true}`
			if enabled && policies > 0 {
				t.Fatalf("effect %d enables security defaults beside %d enabled policies", e.N, policies)
			}
		}
	}
	if got := defaultsEnabled(t, h); got != enabled {
		t.Errorf("security defaults: got %v, the ledger says %v", got, enabled)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, newTenant(t, simtenant.Config{Journal: file}).Ledger(), ledger)
}
