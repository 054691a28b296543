package msgraph_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"twokey/graph/msgraph"
)

// TestEveryMemberWrong takes good answers and puts every wrong thing at every
// place in them, one at a time. See FuzzAnswer for what must hold.
func TestEveryMemberWrong(t *testing.T) {
	t.Parallel()
	answers := []string{
		`{"id":"d","isEnabled":false,"deletedDateTime":null}`,
		`{"value":[{"id":"a","userPrincipalName":"a@b","displayName":"A","mail":"a@b","department":"IT","userType":"Guest","accountEnabled":false,"onPremisesSyncEnabled":true,"assignedLicenses":[{"skuId":"41781fb2-bc02-4b7c-bd55-b576c07bb09d"}],"createdDateTime":"2026-01-01T00:00:00Z"}],"@odata.nextLink":null}`,
		`{"id":"a","userPrincipalName":"a@b","accountEnabled":false,"assignedLicenses":[]}`,
		`{"value":[{"id":"o","displayName":"O","verifiedDomains":[{"name":"a","isDefault":true,"isInitial":false}]}]}`,
		`{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"eec0eb4f-6444-4f95-aba0-50c24d67f998"}]}]}`,
		`{"value":[{"id":"p","displayName":"P","state":"enabled"}]}`,
		`{"value":[{"id":"r","isMfaRegistered":false,"isMfaCapable":false,"methodsRegistered":["fido2"],"userType":"member","lastUpdatedDateTime":"2026-01-01T00:00:00Z"}]}`,
		`{"value":[{"id":"s","createdDateTime":"2999-01-01T00:00:00Z","clientAppUsed":"IMAP4","isInteractive":false,"appDisplayName":"x","conditionalAccessStatus":"success","status":{"errorCode":0,"failureReason":"Other."}}]}`,
		`{"value":[{"id":"r","templateId":"t","roleDefinitionId":"r","principalId":"g","principal":{"@odata.type":"#microsoft.graph.group","id":"g"}}]}`,
		`{"responses":[{"id":"0","status":200,"headers":{"request-id":"x"},"body":{"value":[{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"p","phoneType":"mobile","createdDateTime":"2026-01-01T00:00:00Z"}]}}]}`,
		`{"responses":[{"id":"0","status":429,"headers":{"Retry-After":"1"},"body":{"error":{"code":"TooManyRequests","message":"x"}}}]}`,
		`{"error":{"code":"BadRequest","message":"x","innerError":{"request-id":"y"},"details":[{"code":"z"}]}}`,
	}
	n := 0
	for _, answer := range answers {
		var whole any
		if err := json.Unmarshal([]byte(answer), &whole); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range wrongs(whole) {
			body, err := json.Marshal(wrong)
			if err != nil {
				t.Fatal(err)
			}
			n++
			status := 200
			if strings.HasPrefix(answer, `{"error"`) {
				status = 403
			}
			synctest.Test(t, func(t *testing.T) {
				a := anyAnswer{status, http.Header{"Content-Type": {"application/json"}}, body}
				c, err := msgraph.New(msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Transport: a})
				if err != nil {
					t.Fatal(err)
				}
				checkAnswer(t, c, a)
			})
		}
	}
	if n < 1000 {
		t.Errorf("%d answers were tried; the places were not found", n)
	}
}

// wrongs returns copies of v with one thing changed or taken away in each.
func wrongs(v any) []any {
	all := []any{nil, true, false, "", "x", 0.0, -1.5, 1e300, []any{}, []any{nil}, map[string]any{}}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			less := maps.Clone(v)
			delete(less, name)
			all = append(all, less)
			for _, wrong := range wrongs(v[name]) {
				changed := maps.Clone(v)
				changed[name] = wrong
				all = append(all, changed)
			}
		}
	case []any:
		for i := range v {
			for _, wrong := range wrongs(v[i]) {
				changed := slices.Clone(v)
				changed[i] = wrong
				all = append(all, changed)
			}
		}
	}
	return all
}
