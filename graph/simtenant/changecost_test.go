package simtenant_test

import (
	"fmt"
	"testing"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// A change, the look-up before it and the reading of what changed cost the same
// in every tenant: who walks through everybody allocates for each.
func TestChangesCostTheSameInEveryTenant(t *testing.T) { // alone, since allocations of all tests are counted
	cost := func(people int) float64 {
		h := newTenant(t, simtenant.Config{People: people, Licence: graph.P1})
		_, delta := changes(t, h, "/v1.0/users/delta?$deltatoken=latest&$select=accountEnabled")
		n := 0
		return testing.AllocsPerRun(50, func() {
			n++
			do(t, h, "PATCH", samPath, fmt.Sprintf(`{"accountEnabled":%t}`, n%2 == 0), 204)
			do(t, h, "POST", passesPath, `{}`, 201)
			do(t, h, "GET", filtered("proxyAddresses/any(p:p eq 'SMTP:sam@harbourvale.example')"), "", 200)
			do(t, h, "GET", samPath+"/manager", "", 404)
			do(t, h, "GET", samPath+"/transitiveMemberOf", "", 200)
			_, delta = changes(t, h, delta)
		})
	}
	small, large := cost(300), cost(100_000)
	if large > small*1.05 {
		t.Errorf("got %.0f allocations in a tenant of 100000 and %.0f in one of 300", large, small)
	}
}
