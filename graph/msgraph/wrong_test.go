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

// goodAnswers are answers that some call can read.
var goodAnswers = []string{
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
	`{"value":[],"@odata.count":0}`,
	`{"value":[{"id":"u","signInActivity":{"lastSignInDateTime":"2026-01-01T00:00:00Z","lastNonInteractiveSignInDateTime":null}}]}`,
	`{"value":[{"id":"u","@removed":{"reason":"changed"}},{"id":"v","accountEnabled":false}],"@odata.deltaLink":"http://127.0.0.1/v1.0/users/delta?$deltatoken=x"}`,
	`{"value":[{"id":"a","activityDateTime":"2026-01-01T00:00:00Z","activityDisplayName":"x","result":"failure","initiatedBy":{"user":null,"app":{"appId":"x"}},"targetResources":[{"id":"t","modifiedProperties":[{"displayName":"p","oldValue":"1","newValue":null}]}]}]}`,
	`{"id":"g","displayName":"G","isAssignableToRole":false}`,
	`{"value":["g","h"]}`,
	`{"isSystemPreferredAuthenticationMethodEnabled":false,"userPreferredMethodForSecondaryAuthentication":"new"}`,
	`{"responses":[{"id":"0","status":200,"body":{"perUserMfaState":"disabled"}}]}`,
	`{"value":[{"id":"p","startDateTime":"2026-01-01T00:00:00Z","lifetimeInMinutes":60,"isUsableOnce":false,"isUsable":false,"methodUsabilityReason":"New"}]}`,
	`{"displayConcealedNames":false}`,
	passBody,
	`{"id":"a","displayName":"A","accountEnabled":false,"keyCredentials":[{"keyId":"k","displayName":null,"startDateTime":"2026-01-01T00:00:00Z","endDateTime":"2027-01-01T00:00:00Z"}],"passwordCredentials":[]}`,
	`{"value":[{"id":"g","appRoleId":"df021288-bdef-4463-88db-98f22de89214","resourceDisplayName":"Microsoft Graph","createdDateTime":"2026-01-01T00:00:00Z"}]}`,
	`{"value":[{"id":"p","state":"enabled","conditions":{"users":{"includeUsers":["All"],"excludeGroups":[]},"applications":{"includeApplications":["All"]},"clientAppTypes":["all"],"locations":{"includeLocations":["All"]}},"grantControls":{"operator":"OR","builtInControls":["mfa","new"],"authenticationStrength":{"requirementsSatisfied":"mfa"}}}]}`,
	`{"policyMigrationState":"new","registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"state":"new","snoozeDurationInDays":0,"enforceRegistrationAfterAllowedSnoozes":false,"includeTargets":[{"id":"all_users","targetType":"group"}],"excludeTargets":[]}},"authenticationMethodConfigurations":[{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","id":"TemporaryAccessPass","state":"disabled","minimumLifetimeInMinutes":60,"maximumLifetimeInMinutes":480,"defaultLifetimeInMinutes":60,"defaultLength":8,"isUsableOnce":false,"includeTargets":[],"excludeTargets":[]}]}`,
}

// goodFiles are files that some call can read.
var goodFiles = []string{
	usageHeader + "2026-11-22,ann@x,Ann,False,,2026-11-20,No,No,Yes,No,No,No,No,No,No,7\n",
	"Report Refresh Date,Outlook 2010,Report Period\n2026-11-22,0,7\n",
}

// TestEveryMemberWrong takes good answers and puts every wrong thing at every
// place in them, one at a time. See FuzzAnswer for what must hold.
func TestEveryMemberWrong(t *testing.T) {
	t.Parallel()
	n := 0
	for _, answer := range goodAnswers {
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
			tryAnswer(t, anyAnswer{status, http.Header{"Content-Type": {"application/json"}}, body})
		}
	}
	if n < 1000 {
		t.Errorf("%d answers were tried; the places were not found", n)
	}
}

// TestEveryCellWrong does the same to files.
func TestEveryCellWrong(t *testing.T) {
	t.Parallel()
	n := 0
	for _, file := range goodFiles {
		cells := strings.Split(file, ",")
		for i := range cells {
			for _, wrong := range []string{"", " ", "x", "-1", "\"", "\n", "\x00\xff", "a,b", "2026-13-01", "Yes"} {
				changed := slices.Clone(cells)
				changed[i] = wrong
				n++
				tryAnswer(t, anyAnswer{200, http.Header{"Content-Type": {"text/csv"}}, []byte(strings.Join(changed, ","))})
			}
		}
	}
	if n < 300 {
		t.Errorf("%d files were tried; the cells were not found", n)
	}
}

// tryAnswer gives an answer to every call.
func tryAnswer(t *testing.T, a anyAnswer) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, err := msgraph.New(msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Transport: a})
		if err != nil {
			t.Fatal(err)
		}
		checkAnswer(t, c, a)
	})
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
