package msgraph_test

import (
	"reflect"
	"testing"

	"twokey/graph"
)

func TestPolicyConditions(t *testing.T) {
	t.Parallel()
	const users = `"users":{"includeUsers":["All"]}`
	const apps = `"applications":{"includeApplications":["All"],"excludeApplications":[]}`
	everyone := graph.PolicyUsers{IncludeUsers: []string{"All"}}
	all := []string{"All"}
	for _, tt := range []struct {
		name, conditions, grant string
		want                    graph.Policy
	}{
		{
			"nothing more", users + `,` + apps + `,"clientAppTypes":["all"],"locations":null,"platforms":null,"devices":null,"userRiskLevels":[],"signInRiskLevels":[]`,
			`{"operator":"OR","builtInControls":["mfa"]}`,
			graph.Policy{Users: everyone, Apps: all, Clients: []string{"all"}, Controls: []string{"mfa"}},
		},
		{
			"whom", `"users":{"includeUsers":["u1"],"excludeUsers":["u2"],"includeGroups":["g1"],"excludeGroups":["g2"],"includeRoles":["r1"],"excludeRoles":["r2"],
			"includeGuestsOrExternalUsers":{"guestOrExternalUserTypes":"b2bCollaborationGuest"},"excludeGuestsOrExternalUsers":null}`, `null`,
			graph.Policy{Users: graph.PolicyUsers{
				IncludeUsers: []string{"u1"}, ExcludeUsers: []string{"u2"}, IncludeGroups: []string{"g1"}, ExcludeGroups: []string{"g2"},
				IncludeRoles: []string{"r1"}, ExcludeRoles: []string{"r2"}, IncludesGuests: true,
			}},
		},
		{"everywhere", `"locations":{"includeLocations":["All"],"excludeLocations":[]},"platforms":{"includePlatforms":["all"],"excludePlatforms":null}`, `null`, graph.Policy{}},
		{"not from the office", `"locations":{"includeLocations":["All"],"excludeLocations":["AllTrusted"]}`, `null`, graph.Policy{Narrowed: true}},
		{"from some places", `"locations":{"includeLocations":["x"]}`, `null`, graph.Policy{Narrowed: true}},
		{"on phones", `"platforms":{"includePlatforms":["iOS","android"]}`, `null`, graph.Policy{Narrowed: true}},
		{"on some devices", `"devices":{"includeDevices":[],"deviceFilter":{"mode":"include","rule":"x"}}`, `null`, graph.Policy{Narrowed: true}},
		{"at a risk", `"signInRiskLevels":["high"]`, `null`, graph.Policy{Narrowed: true}},
		{"in a new way", `"moonPhases":{"include":["full"]}`, `null`, graph.Policy{Narrowed: true}},
		{"but some apps", `"applications":{"includeApplications":["All"],"excludeApplications":["a"]}`, `null`, graph.Policy{Apps: all, Narrowed: true}},
		{"for registering", `"applications":{"includeApplications":[],"includeUserActions":["urn:user:registersecurityinfo"]}`, `null`, graph.Policy{Apps: []string{}, Narrowed: true}},
		{
			"a strength", ``, `{"operator":"OR","builtInControls":[],"authenticationStrength":{"id":"s","requirementsSatisfied":"mfa"}}`,
			graph.Policy{Controls: []string{graph.ControlStrength}},
		},
		{
			"a weak strength", ``, `{"operator":"OR","authenticationStrength":{"id":"s","requirementsSatisfied":"none"}}`,
			graph.Policy{Controls: []string{graph.ControlStrength + " (none)"}},
		},
		{
			"all of several", ``, `{"operator":"AND","builtInControls":["mfa","compliantDevice"],"customAuthenticationFactors":["x"],"termsOfUse":["y"]}`,
			graph.Policy{Controls: []string{"mfa", "compliantDevice", "x", "y"}, All: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.ID, tt.want.State = "p", graph.PolicyEnabled
			row := `{"id":"p","state":"enabled","conditions":{` + tt.conditions + `},"grantControls":` + tt.grant + `}`
			got, err := serve(t, reply(200, `{"value":[`+row+`]}`)).Policies(t.Context())
			if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], tt.want) {
				t.Errorf("got %+v and error %v, want %+v", got, err, tt.want)
			}
		})
	}
}

// TestPolicyThatCannotBeJudged checks that one of several controls is not taken
// for all of them, nor a list that is none for an empty one.
func TestPolicyThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	for _, rest := range []string{
		`"grantControls":{"operator":null,"builtInControls":["mfa","compliantDevice"]}`,
		`"grantControls":{"operator":"XOR","builtInControls":["mfa","compliantDevice"]}`,
		`"grantControls":{"operator":"OR","builtInControls":"mfa"}`,
		`"conditions":{"users":["All"]}`,
		`"conditions":{"clientAppTypes":"all"}`,
		`"conditions":[]`,
	} {
		_, err := serve(t, reply(200, `{"value":[{"id":"p","state":"enabled",`+rest+`}]}`)).Policies(t.Context())
		wantError(t, err, graph.KindUnclear)
	}
}
