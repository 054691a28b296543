package approval_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"twokey/commands/approval"
)

// TestDiagram holds that the arrows between states in docs/approvals.md are those
// that requests can take, all of them, and that its beginning is the only one.
func TestDiagram(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/approvals.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(?m)^    (\S+) --> (\S+)`).FindAllStringSubmatch(string(page), -1) {
		drawn[arrow[1]+" → "+arrow[2]] = true
	}
	taken := map[string]bool{"[*] → " + string(approval.Pending): true}
	for _, from := range allStates {
		for _, to := range reached(t, from) {
			if to != from { // a vote of several, or an end that is as unknown as before
				taken[string(from)+" → "+string(to)] = true
			}
		}
	}
	for _, arrow := range slices.Sorted(maps.Keys(taken)) {
		if !drawn[arrow] {
			t.Errorf("docs/approvals.md has no arrow %s", arrow)
		}
	}
	for _, arrow := range slices.Sorted(maps.Keys(drawn)) {
		if !taken[arrow] {
			t.Errorf("docs/approvals.md has the arrow %s, which no request takes", arrow)
		}
	}
}

// reached are the states to which something leads a request that is in one.
func reached(t *testing.T, from approval.State) (all []approval.State) {
	t.Helper()
	r := inState(t, from, 1)
	add := func(c approval.Change, err error) {
		if err == nil {
			all = append(all, c.To)
		}
	}
	for _, tr := range transitions {
		add(tr.ask(r, moment.Add(time.Second)))
	}
	if c, ok := approval.Expire(r, moment.Add(2*time.Hour)); ok {
		all = append(all, c.To)
	}
	calls := []approval.Call{{What: "one"}, {What: "two"}}
	for _, classes := range [][]approval.Class{
		{approval.Applied, approval.Applied},
		{approval.Refused, approval.NotDone},
		{approval.Applied, approval.Refused},
		{approval.Applied, approval.Unclear},
	} {
		var steps []approval.Step
		for i, class := range classes {
			steps = append(steps, approval.Step{Number: i + 1, Try: 1, Class: class})
		}
		add(approval.Finish(r, steps, approval.Ending{Calls: calls}, moment.Add(time.Second)))
	}
	return all
}
