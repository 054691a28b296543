package msgraph_test

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
)

const (
	someID   = "0d7e5a3c-1f2b-4c6d-8e9f-a1b2c3d4e5f6"
	otherID  = "1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
	createdA = `{"id":"` + someID + `"}`
)

// sending is one change and the request that it must become.
type sending struct {
	name string
	send func(context.Context, *msgraph.Client) error
	want string // "METHOD path", a line each of what goes out
	body string // JSON; empty: none
	says http.Handler
}

func checkSendings(t *testing.T, all []sending) {
	t.Helper()
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.says == nil {
				tt.says = reply(204, "")
			}
			tenant := &arrivals{next: tt.says}
			if err := tt.send(t.Context(), serve(t, tenant)); err != nil {
				t.Fatal(err)
			}
			sent := tenant.of("")
			if len(sent) != 1 || sent[0].Method+" "+sent[0].URI != tt.want {
				t.Fatalf("sent %+v, want %s", sent, tt.want)
			}
			if !sameJSON(t, sent[0].Body, tt.body) {
				t.Errorf("body: got %s, want %s", sent[0].Body, tt.body)
			}
		})
	}
}

func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	if got == "" || want == "" {
		return got == want
	}
	decode := func(text string) (v any) {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return v
	}
	return reflect.DeepEqual(decode(got), decode(want))
}

// TestPolicyChangesSendExactly compares what goes out with Graph's pages,
// member by member.
func TestPolicyChangesSendExactly(t *testing.T) {
	t.Parallel()
	yes := true
	everybody := []graph.Target{{ID: graph.AllUsers, Group: true}}
	policy := func(d graph.PolicyDraft) func(context.Context, *msgraph.Client) error {
		return func(ctx context.Context, c *msgraph.Client) error {
			id, _, err := c.CreatePolicy(ctx, d)
			if err == nil && id != someID {
				t.Errorf("ID: got %q, want %q", id, someID)
			}
			return err
		}
	}
	campaign := func(p graph.Campaign) func(context.Context, *msgraph.Client) error {
		return func(ctx context.Context, c *msgraph.Client) error { _, err := c.SetCampaign(ctx, p); return err }
	}
	passes := func(p graph.PassPolicy) func(context.Context, *msgraph.Client) error {
		return func(ctx context.Context, c *msgraph.Client) error { _, err := c.SetPassPolicy(ctx, p); return err }
	}
	checkSendings(t, []sending{
		{
			name: "block legacy authentication", says: reply(201, createdA), want: "POST /v1.0/identity/conditionalAccess/policies",
			send: policy(graph.PolicyDraft{Does: graph.AimBlockLegacy, Mark: "R-ABC234", ExcludeUsers: []string{someID}, ExcludeGroups: []string{otherID}}),
			body: `{"displayName":"Twokey: block legacy authentication (R-ABC234)","state":"enabledForReportingButNotEnforced",
				"conditions":{"clientAppTypes":["exchangeActiveSync","other"],"applications":{"includeApplications":["All"]},
				"users":{"includeUsers":["All"],"excludeUsers":["` + someID + `"],"excludeGroups":["` + otherID + `"]}},
				"grantControls":{"operator":"OR","builtInControls":["block"]}}`,
		},
		{
			name: "require MFA for all", says: reply(201, createdA), want: "POST /v1.0/identity/conditionalAccess/policies",
			send: policy(graph.PolicyDraft{Does: graph.AimRequireMFA, Mark: "R-ABC234", ExcludeUsers: []string{someID, otherID}}),
			body: `{"displayName":"Twokey: require MFA for all (R-ABC234)","state":"enabledForReportingButNotEnforced",
				"conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},
				"users":{"includeUsers":["All"],"excludeUsers":["` + someID + `","` + otherID + `"],"excludeRoles":["d29b2b05-8046-44ba-8758-1e26182fcf32","a92aed5d-d78a-4d16-b381-09adb37eb3b0"]}},
				"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`,
		},
		{
			name: "state of a policy", want: "PATCH /v1.0/identity/conditionalAccess/policies/" + someID, body: `{"state":"enabled"}`,
			send: func(ctx context.Context, c *msgraph.Client) error {
				_, err := c.SetPolicyState(ctx, someID, graph.PolicyEnabled)
				return err
			},
		},
		{
			name: "passes on", want: "PATCH /v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/temporaryAccessPass",
			send: passes(graph.PassPolicy{
				Enabled: true, MinLifetime: time.Hour, MaxLifetime: 8 * time.Hour, DefaultLifetime: 90 * time.Minute, Length: 12, OnceOnly: true,
				Include: []graph.Target{{ID: someID, Group: true}}, Exclude: []graph.Target{{ID: otherID}},
			}),
			body: `{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","state":"enabled",
				"minimumLifetimeInMinutes":60,"maximumLifetimeInMinutes":480,"defaultLifetimeInMinutes":90,"defaultLength":12,"isUsableOnce":true,
				"includeTargets":[{"id":"` + someID + `","targetType":"group","isRegistrationRequired":false}],
				"excludeTargets":[{"id":"` + otherID + `","targetType":"user"}]}`,
		},
		{
			name: "passes off", want: "PATCH /v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/temporaryAccessPass",
			send: passes(graph.PassPolicy{MinLifetime: time.Hour, MaxLifetime: time.Hour, DefaultLifetime: time.Hour, Length: 8}),
			body: `{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","state":"disabled",
				"minimumLifetimeInMinutes":60,"maximumLifetimeInMinutes":60,"defaultLifetimeInMinutes":60,"defaultLength":8,"isUsableOnce":false,
				"includeTargets":[],"excludeTargets":[]}`,
		},
		{
			name: "a campaign", want: "PATCH /v1.0/policies/authenticationMethodsPolicy",
			send: campaign(graph.Campaign{
				State: graph.CampaignOn, SnoozeDays: 0, Include: []graph.Target{{ID: someID, Group: true, Method: "fido2"}, {ID: otherID}}, Exclude: everybody,
			}),
			body: `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"enabled","snoozeDurationInDays":0,
				"includeTargets":[{"id":"` + someID + `","targetType":"group","targetedAuthenticationMethod":"fido2"},
				{"id":"` + otherID + `","targetType":"user","targetedAuthenticationMethod":"microsoftAuthenticator"}],
				"excludeTargets":[{"id":"all_users","targetType":"group"}]}}}`,
		},
		{
			name: "an enforced campaign for nobody in particular", want: "PATCH /beta/policies/authenticationMethodsPolicy",
			send: campaign(graph.Campaign{State: graph.CampaignManaged, SnoozeDays: 3, Enforced: &yes}),
			body: `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"default","snoozeDurationInDays":3,
				"includeTargets":[{"id":"all_users","targetType":"group","targetedAuthenticationMethod":"microsoftAuthenticator"}],
				"excludeTargets":[],"enforceRegistrationAfterAllowedSnoozes":true}}}`,
		},
	})
}

// TestMistakesAreNotSent: what makes no sense ends with a sentence for people
// and without a request.
func TestMistakesAreNotSent(t *testing.T) {
	t.Parallel()
	good := graph.PolicyDraft{Does: graph.AimRequireMFA, Mark: "R-ABC234", ExcludeUsers: []string{someID}}
	draft := func(alter func(*graph.PolicyDraft)) func(context.Context, *msgraph.Client) error {
		return func(ctx context.Context, c *msgraph.Client) error {
			d := good
			alter(&d)
			_, _, err := c.CreatePolicy(ctx, d)
			return err
		}
	}
	state := func(id string, s graph.PolicyState) func(context.Context, *msgraph.Client) error {
		return func(ctx context.Context, c *msgraph.Client) error { _, err := c.SetPolicyState(ctx, id, s); return err }
	}
	for name, send := range map[string]func(context.Context, *msgraph.Client) error{
		"policy without an aim":               draft(func(d *graph.PolicyDraft) { d.Does = "turn everything off" }),
		"policy without a mark":               draft(func(d *graph.PolicyDraft) { d.Mark = "" }),
		"policy that excludes nobody":         draft(func(d *graph.PolicyDraft) { d.ExcludeUsers = nil }),
		"policy that excludes a name":         draft(func(d *graph.PolicyDraft) { d.ExcludeUsers = []string{"olga@contoso.example"} }),
		"policy that excludes a group's name": draft(func(d *graph.PolicyDraft) { d.ExcludeGroups = []string{someID, "Exceptions"} }),
		"policy of no ID":                     state("", graph.PolicyDisabled),
		"policy elsewhere":                    state("../../users", graph.PolicyDisabled),
		"policy by a name as long as an ID":   state(strings.Repeat("x", 36), graph.PolicyDisabled),
		"state that there is not":             state(someID, "on"),
		"passes for nobody": func(ctx context.Context, c *msgraph.Client) error {
			_, err := c.SetPassPolicy(ctx, graph.PassPolicy{Enabled: true})
			return err
		},
		"passes for half a minute": func(ctx context.Context, c *msgraph.Client) error {
			_, err := c.SetPassPolicy(ctx, graph.PassPolicy{MinLifetime: 90 * time.Second})
			return err
		},
		"campaign put off for longer": func(ctx context.Context, c *msgraph.Client) error {
			_, err := c.SetCampaign(ctx, graph.Campaign{State: graph.CampaignOn, SnoozeDays: 15})
			return err
		},
		"campaign put off for less than nothing": func(ctx context.Context, c *msgraph.Client) error {
			_, err := c.SetCampaign(ctx, graph.Campaign{State: graph.CampaignOn, SnoozeDays: -1})
			return err
		},
		"campaign without a state": func(ctx context.Context, c *msgraph.Client) error {
			_, err := c.SetCampaign(ctx, graph.Campaign{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantMistake(t, send)
		})
	}
}

func wantMistake(t *testing.T, send func(context.Context, *msgraph.Client) error) {
	t.Helper()
	tenant := &arrivals{next: reply(204, "")}
	err := send(t.Context(), serve(t, tenant))
	e := wantError(t, err, graph.KindNotSent)
	if why, ok := e.Err.(graph.Mistake); !ok || e.Say() != string(why) || e.Op == "" || !e.NotApplied() {
		t.Errorf("got %+v, want a mistake that names its operation", e)
	}
	if n := len(tenant.of("")); n != 0 {
		t.Errorf("%d requests went out, want none", n)
	}
}

// TestCreatedWithoutAnID: a success that does not say what was created is
// unclear: something may be there.
func TestCreatedWithoutAnID(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no ID": `{"displayName":"x"}`, "empty ID": `{"id":""}`, "ID of another type": `{"id":7}`, "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, receipt, err := serve(t, reply(201, body)).CreatePolicy(t.Context(), graph.PolicyDraft{Does: graph.AimRequireMFA, Mark: "R-ABC234", ExcludeUsers: []string{someID}})
			if e := wantError(t, err, graph.KindUnclear); e.Status != 201 || e.RequestID != "the-request-id" {
				t.Errorf("got %+v, want the answer's status and request-id", e)
			}
			if id != "" || receipt.RequestID != "the-request-id" {
				t.Errorf("got ID %q and receipt %+v, want no ID and the receipt", id, receipt)
			}
		})
	}
}

// TestLicenceOfAChange: Conditional Access says no to a tenant without P1 in
// the words of a missing permission, and to one with P1 at times in those of a
// missing licence. Neither sends the change again.
func TestLicenceOfAChange(t *testing.T) {
	t.Parallel()
	free := `{"value":[]}`
	p1 := `{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"41781fb2-bc02-4b7c-bd55-b576c07bb09d"}]}]}`
	for _, tt := range []struct {
		name, code string
		skus       http.Handler
		want       graph.Kind
	}{
		{"no permission, on Free", "AccessDenied", reply(200, free), graph.KindNoLicence},
		{"no permission, on P1", "AccessDenied", reply(200, p1), graph.KindNoPermission},
		{"no licence, on Free", licenceError, reply(200, free), graph.KindNoLicence},
		{"no licence, on P1", licenceError, reply(200, p1), graph.KindRefused},
		{"no licence, which cannot be read", licenceError, reply(403, graphError("AccessDenied")), graph.KindNoLicence},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.Handle("PATCH /", reply(403, graphError(tt.code)))
			mux.Handle("GET /v1.0/subscribedSkus", tt.skus)
			tenant := &arrivals{next: mux}
			_, err := serve(t, tenant).SetPolicyState(t.Context(), someID, graph.PolicyEnabled)
			wantError(t, err, tt.want)
			if n := len(tenant.of("PATCH")); n != 1 {
				t.Errorf("the change arrived %d times, want once", n)
			}
		})
	}
}
