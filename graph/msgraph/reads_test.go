package msgraph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// policyWith is a methods policy with some of its members as given.
func policyWith(migration, campaign, config string) string {
	return `{"policyMigrationState":` + migration + `,"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":` + campaign + `},
		"authenticationMethodConfigurations":[` + config + `]}`
}

const (
	campaignJSON = `{"state":"enabled","snoozeDurationInDays":3,"includeTargets":[{"id":"all_users","targetType":"group","targetedAuthenticationMethod":"fido2"}],"excludeTargets":[]}`
	passJSON     = `{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","id":"TemporaryAccessPass","state":"enabled",
		"minimumLifetimeInMinutes":60,"maximumLifetimeInMinutes":480,"defaultLifetimeInMinutes":60,"defaultLength":8,"isUsableOnce":true}`
)

// TestMethodsPolicyOfBeta checks that only beta's own word counts for what v1.0
// does not have, and that its silence is no "no".
func TestMethodsPolicyOfBeta(t *testing.T) {
	t.Parallel()
	v1 := reply(200, policyWith(`"migrationComplete"`, campaignJSON, passJSON))
	withMember := strings.Replace(campaignJSON, `"state"`, `"enforceRegistrationAfterAllowedSnoozes":true,"state"`, 1)
	for name, tt := range map[string]struct {
		beta http.Handler
		want string // "true", "nil", or the kind of an error
	}{
		"says yes":          {reply(200, policyWith("null", withMember, "")), "true"},
		"says nothing":      {reply(200, policyWith("null", campaignJSON, "")), "nil"},
		"says null":         {reply(200, policyWith("null", strings.ReplaceAll(withMember, "true", "null"), "")), "nil"},
		"refuses":           {reply(400, graphError("BadRequest")), "nil"},
		"is not there":      {reply(404, graphError("ResourceNotFound")), "nil"},
		"has no campaign":   {reply(200, `{}`), graph.KindUnclear.String()},
		"gives no answer":   {reply(500, ""), graph.KindUnclear.String()},
		"lets us not in":    {reply(403, graphError("AccessDenied")), graph.KindNoPermission.String()},
		"says another type": {reply(200, policyWith("null", strings.ReplaceAll(withMember, "true", `"no"`), "")), graph.KindUnclear.String()},
	} {
		mux := http.NewServeMux()
		mux.Handle("/v1.0/policies/authenticationMethodsPolicy", v1)
		mux.Handle("/beta/policies/authenticationMethodsPolicy", tt.beta)
		p, err := serve(t, mux).MethodsPolicy(t.Context())
		got := "nil"
		if e, ok := err.(*graph.Error); ok {
			got = e.Kind.String()
		} else if p.Campaign.Enforced != nil {
			got = fmt.Sprint(*p.Campaign.Enforced)
		}
		if got != tt.want {
			t.Errorf("beta %s: got %s (%v), want %s", name, got, err, tt.want)
		}
	}
}

func TestMethodsPolicyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"a state of a new kind":   policyWith("null", campaignJSON, strings.Replace(passJSON, `"enabled"`, `"onTuesdays"`, 1)),
		"no state":                policyWith("null", campaignJSON, strings.Replace(passJSON, `"enabled"`, `null`, 1)),
		"no passes":               policyWith("null", campaignJSON, `{"id":"Sms","state":"enabled"}`),
		"passes without a length": policyWith("null", campaignJSON, strings.Replace(passJSON, `8`, `null`, 1)),
		"a target without a kind": policyWith("null", strings.Replace(campaignJSON, `"group"`, `null`, 1), passJSON),
		"a campaign without some": policyWith("null", strings.Replace(campaignJSON, `[]`, `null`, 1), passJSON),
		"no campaign":             policyWith("null", `null`, passJSON),
		"no methods":              `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":` + campaignJSON + `}}`,
	} {
		_, err := serve(t, reply(200, answer)).MethodsPolicy(t.Context())
		if e, ok := err.(*graph.Error); !ok || e.Kind != graph.KindUnclear {
			t.Errorf("%s: got error %v, want one that is unclear", name, err)
		}
	}
	p, err := serve(t, reply(200, policyWith("null", campaignJSON, passJSON))).MethodsPolicy(t.Context())
	if err != nil || p.Migrated || p.Methods[0].Include != nil {
		t.Errorf("got %+v and error %v, want one that was not migrated, whose targets were not said", p, err)
	}
}

// TestMemberOfAsksTwentyAtATime checks the size of the questions and the order
// of the answer.
func TestMemberOfAsksTwentyAtATime(t *testing.T) {
	t.Parallel()
	tenant := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ GroupIDs []string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		var in []string
		for i := len(asked.GroupIDs) - 1; i >= 0; i -= 2 { // from behind, and in another case
			in = append(in, `"`+strings.ToUpper(asked.GroupIDs[i])+`"`)
		}
		reply(200, `{"value":[`+strings.Join(in, ",")+`]}`).ServeHTTP(w, r)
	})}
	groups := make([]string, 45)
	for i := range groups {
		groups[i] = fmt.Sprintf("g%02d", i)
	}
	got, err := serve(t, tenant).MemberOf(t.Context(), "u", groups)
	if err != nil || len(tenant.of("POST")) != 3 || len(got) != 23 || got[0] != "g01" || got[22] != "g44" {
		t.Errorf("got %v and error %v after %d requests, want every second group after 3", got, err, len(tenant.of("POST")))
	}
	if got, err := serve(t, cut).MemberOf(t.Context(), "u", nil); err != nil || len(got) != 0 {
		t.Errorf("no groups: got %v and error %v, want none, and nothing asked", got, err)
	}
}

func TestPreferenceOfNone(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{`null`: "", `"none"`: "", `"push"`: "push", `"newWay"`: "newWay"} {
		answer := `{"isSystemPreferredAuthenticationMethodEnabled":true,"userPreferredMethodForSecondaryAuthentication":` + method + `}`
		got, err := serve(t, reply(200, answer)).SignInPreference(t.Context(), "u")
		if err != nil || got != (graph.SignInPreference{Method: want, System: true}) {
			t.Errorf("%s: got %+v and error %v, want %q", method, got, err, want)
		}
	}
	_, err := serve(t, reply(200, `{"userPreferredMethodForSecondaryAuthentication":"push"}`)).SignInPreference(t.Context(), "u")
	wantError(t, err, graph.KindUnclear)
}

// TestPageThatWasCut checks that a page whose end is missing is read again, and
// that what came of it is not in the list twice.
func TestPageThatWasCut(t *testing.T) {
	t.Parallel()
	half := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write([]byte(`{"value":[` + person("c") + `,`))
	})
	all := pages(ownHost, person("a")+","+person("b"), person("c")+","+person("d"))
	bubble(t, script(all, half, half, all), func(t *testing.T, c *msgraph.Client) {
		users, err := c.Users(t.Context())
		ids := ""
		for _, u := range users {
			ids += u.ID
		}
		if err != nil || ids != "abcd" {
			t.Errorf("got %q and error %v, want abcd", ids, err)
		}
	})
}

// TestReadingsDoNotMix reads several lists at once, again and again: their
// pages are held in the same buffers.
func TestReadingsDoNotMix(t *testing.T) {
	t.Parallel()
	tenant := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		group := strings.Split(r.URL.Path, "/")[3]
		rows := strings.Repeat(`{"id":"`+group+`"},`, 500+len(group)*100)
		reply(200, `{"value":[`+strings.TrimSuffix(rows, ",")+`]}`).ServeHTTP(w, r)
	})
	c := client(t, msgraph.Config{BaseURL: newServer(t, tenant) + "/v1.0", Unbudgeted: true})
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			group := strings.Repeat(fmt.Sprint(i), i+1)
			for range 20 {
				ids, err := c.GroupMembers(t.Context(), group)
				if err != nil || len(ids) != 500+len(group)*100 {
					t.Errorf("%s: got %d IDs and error %v", group, len(ids), err)
				}
				for _, id := range ids {
					if id != group {
						t.Errorf("got %q among the members of %s", id, group)
						return
					}
				}
			}
		})
	}
	readers.Wait()
}
