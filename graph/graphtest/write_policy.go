package graphtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
)

// createPolicies creates one policy of each kind and switches it off. A tenant
// without P1 refuses both.
func createPolicies(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
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
	if !f.free() || f.Truth.Licence < graph.P1 {
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

// setPassPolicy changes every part of the configuration and puts it back.
func setPassPolicy(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	was := f.Truth.MethodsPolicy.Pass
	other := graph.PassPolicy{
		Enabled: !was.Enabled, MinLifetime: 20 * time.Minute, MaxLifetime: 10 * time.Hour, DefaultLifetime: 90 * time.Minute,
		Length: 14, OnceOnly: !was.OnceOnly, Include: []graph.Target{{ID: graph.AllUsers, Group: true}},
		Exclude: []graph.Target{{ID: someKey(f.Truth.Members), Group: true}},
	}
	for _, p := range []graph.PassPolicy{other, was} {
		f.once(t, "set policy of passes", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.SetPassPolicy(ctx, p) })
		got, err := f.Reader.MethodsPolicy(t.Context())
		same(t, "policy of passes", got.Pass, p, err)
	}
}

// setCampaign changes the campaign, with and without the member that only beta
// knows, and puts it back.
func setCampaign(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	yes, no := true, false
	group := graph.Target{ID: someKey(f.Truth.Members), Group: true, Method: "microsoftAuthenticator"}
	for _, c := range []graph.Campaign{
		{State: graph.CampaignOn, SnoozeDays: 0, Enforced: &no, Include: []graph.Target{group}, Exclude: []graph.Target{}},
		{State: graph.CampaignOff, SnoozeDays: 14, Enforced: &yes, Include: []graph.Target{group}, Exclude: []graph.Target{{ID: group.ID, Group: true}}},
		f.Truth.MethodsPolicy.Campaign,
	} {
		f.once(t, "set registration campaign", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.SetCampaign(ctx, c) })
		got, err := f.Reader.MethodsPolicy(t.Context())
		same(t, "registration campaign", got.Campaign, c, err)
	}
	f.once(t, "set a campaign for nobody in particular", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
		return w.SetCampaign(ctx, graph.Campaign{State: graph.CampaignOn})
	})
	got, err := f.Reader.MethodsPolicy(t.Context())
	if err != nil || len(got.Campaign.Include) != 1 || got.Campaign.Include[0].ID != graph.AllUsers {
		t.Errorf("campaign for nobody in particular: got %+v and error %v, want it for everybody", got.Campaign, err)
	}
}

// someKey returns the first key of a map, in order.
func someKey[V any](m map[string]V) string { return sortedKeys(m)[0] }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
