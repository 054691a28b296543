package graphtest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"twokey/graph"
)

// createPolicies creates one policy of each kind and switches it off. A tenant
// without P1 refuses both.
func createPolicies(t *testing.T, f Fixture) {
	if f.Writer == nil {
		t.Log("read only: nothing was changed")
		return
	}
	for _, aim := range []graph.PolicyAim{graph.AimBlockLegacy, graph.AimRequireMFA} {
		draft := graph.PolicyDraft{Does: aim, Mark: "R-TEST22", ExcludeUsers: []string{f.Truth.Users[0].ID}}
		if f.Truth.Licence < graph.P1 {
			_, _, err := f.Writer.CreatePolicy(t.Context(), draft)
			failed(t, err, graph.KindNoLicence)
			continue
		}
		var id string
		f.once(t, "create policy", func(w graph.Writer, ctx context.Context) (receipt graph.Receipt, err error) {
			id, receipt, err = w.CreatePolicy(ctx, draft)
			return receipt, err
		})
		policyIs(t, f, id, draft.Name(), graph.PolicyReportOnly)
		f.once(t, "switch policy off", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			return w.SetPolicyState(ctx, id, graph.PolicyDisabled)
		})
		policyIs(t, f, id, draft.Name(), graph.PolicyDisabled)
	}
}

func policyIs(t *testing.T, f Fixture, id, name string, state graph.PolicyState) {
	t.Helper()
	all, err := f.Reader.Policies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p graph.Policy) bool { return strings.EqualFold(p.ID, id) })
	if i < 0 || all[i].Name != name || all[i].State != state {
		t.Errorf("policies: got %+v, want %s named %q and %s", all, id, name, state)
	}
}

func policyOfNobody(t *testing.T, f Fixture) {
	if f.Writer == nil || f.Truth.Licence < graph.P1 {
		t.Log("nothing was tried")
		return
	}
	before := f.Applied()
	_, err := f.Writer.SetPolicyState(t.Context(), nobody, graph.PolicyDisabled)
	failed(t, err, graph.KindNotFound)
	if n := f.Applied() - before; n != 0 {
		t.Errorf("applied %d times, want never", n)
	}
}
