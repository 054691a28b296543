package msgraph_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// checkReads gives an answer to the readers whose values are not compared
// member by member in checkAnswer. Wherever a "no", a none or a nobody comes
// out, it must have been said.
func checkReads(t *testing.T, c *msgraph.Client, a anyAnswer, said map[string]any, asError func(string, error) bool) {
	ctx := t.Context()
	claim := func(call string, err error, holds func() bool) {
		if !asError(call, err) && !holds() {
			t.Errorf("%s: the answer %.300q does not say what came out", call, a.body)
		}
	}
	at := func(path ...string) any { return inside(said, path...) }
	isList := func() bool { _, ok := said["value"].([]any); return ok }

	rows, _, err := c.UserPage(ctx, "")
	claim("UserPage", err, func() bool { return len(rows) == len(items(said)) && isList() })
	_, _, err = c.RegistrationPage(ctx, "")
	claim("RegistrationPage", err, isList)
	n, err := c.CountUsers(ctx)
	claim("CountUsers", err, func() bool { return at("@odata.count") == float64(n) })
	found, err := c.FindUsers(ctx, "pat@x")
	claim("FindUsers", err, func() bool { return len(found) == len(items(said)) && isList() })
	m, err := c.Manager(ctx, "u")
	claim("Manager", err, func() bool { return at("id") == m.ID && at("accountEnabled") == m.Enabled })
	above, err := c.Managers(ctx)
	claim("Managers", err, func() bool { return isList() && len(above) <= len(items(said)) })
	from, err := c.SessionsFrom(ctx, "u")
	claim("SessionsFrom", err, func() bool { _, ok := at("signInSessionsValidFromDateTime").(string); return ok && !from.IsZero() })
	seen, err := c.LastSignIns(ctx)
	claim("LastSignIns", err, func() bool { return isList() && len(seen) == len(items(said)) })
	changes, err := c.UserChanges(ctx, "/v1.0/users/delta?$deltatoken=x")
	claim("UserChanges", err, func() bool { return changes.Expired || isList() && changes.Next != "" })
	audits, err := c.Audits(ctx, graph.AuditQuery{})
	claim("Audits", err, func() bool {
		for i, a := range audits {
			result, _ := inside(item(said, i), "result").(string)
			if result == "" || a.Succeeded != strings.EqualFold(result, "success") {
				return false
			}
		}
		return isList()
	})
	g, err := c.Group(ctx, "g")
	claim("Group", err, func() bool { return at("id") == g.ID && (!g.RoleAssignable || at("isAssignableToRole") == true) })
	_, err = c.GroupMembers(ctx, "g")
	claim("GroupMembers", err, isList)
	_, err = c.MemberOf(ctx, "u", []string{"g"})
	claim("MemberOf", err, isList)
	preference, err := c.SignInPreference(ctx, "u")
	claim("SignInPreference", err, func() bool { return at("isSystemPreferredAuthenticationMethodEnabled") == preference.System })
	mfa, err := c.PerUserMFA(ctx, []string{"u"})
	claim("PerUserMFA", err, func() bool { return asError("PerUserMFA of u", mfa[0].Err) || mfa[0].State != "" })
	passes, err := c.Passes(ctx, "u")
	claim("Passes", err, func() bool {
		for i, p := range passes {
			if inside(item(said, i), "isUsable") != p.Usable || inside(item(said, i), "isUsableOnce") != p.Once {
				return false
			}
		}
		return isList()
	})
	_, err = c.HasPhone(ctx, "u", graph.Phone{})
	claim("HasPhone", err, isList)
	policy, err := c.MethodsPolicy(ctx)
	claim("MethodsPolicy", err, func() bool {
		for i, m := range policy.Methods {
			state, _ := inside(listItem(said["authenticationMethodConfigurations"], i), "state").(string)
			if m.Enabled != strings.EqualFold(state, "enabled") || state == "" {
				return false
			}
		}
		days := at("registrationEnforcement", "authenticationMethodsRegistrationCampaign", "snoozeDurationInDays")
		return len(policy.Methods) > 0 && days == float64(policy.Campaign.SnoozeDays)
	})
	concealed, err := c.NamesConcealed(ctx)
	claim("NamesConcealed", err, func() bool { return at("displayConcealedNames") == concealed })
	use, err := c.EmailAppUse(ctx, graph.Days7)
	claim("EmailAppUse", err, func() bool {
		return len(use.Rows) == 0 || strings.Contains(string(a.body), "IMAP4 App") && strings.Contains(string(a.body), "Is Deleted")
	})
	versions, err := c.OutlookVersions(ctx, graph.Days7)
	claim("OutlookVersions", err, func() bool { return versions.Users != nil && !versions.Refreshed.IsZero() })
}

// inside walks into an answer by the names of its members.
func inside(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

func listItem(list any, i int) any {
	items, _ := list.([]any)
	if i < len(items) {
		return items[i]
	}
	return nil
}

// TestOversizedAnswers checks that neither an answer without an end nor one
// that is nested without an end takes us down.
func TestOversizedAnswers(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":[`, 1<<16)
	for name, body := range map[string]func() io.Reader{
		"endless":          func() io.Reader { return io.MultiReader(strings.NewReader(`{"value":[`), endless{}) },
		"deep":             func() io.Reader { return strings.NewReader(`{"a":` + deep) },
		"deep in a row":    func() io.Reader { return strings.NewReader(`{"value":[{"id":"u","a":` + deep) },
		"a member of 4 MB": func() io.Reader { return strings.NewReader(`{"value":[{"id":"` + strings.Repeat("x", 4<<20) + `"}]}`) },
		"a number of 1 MB": func() io.Reader {
			return strings.NewReader(`{"@odata.count":` + strings.Repeat("9", 1<<20) + `,"isEnabled":1}`)
		},
		"a million empty rows": func() io.Reader { return strings.NewReader(`{"value":[` + strings.Repeat("{},", 1<<20) + `{}]}`) },
	} {
		t.Run(name, func(t *testing.T) {
			c, err := msgraph.New(msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Transport: roundTrip(func(r *http.Request) *http.Response {
				res := answered(r, 200, http.Header{"Content-Type": {"application/json"}}, "")
				res.Body, res.ContentLength = io.NopCloser(body()), -1
				return res
			})})
			if err != nil {
				t.Fatal(err)
			}
			for call, read := range map[string]func() error{
				"Users":            func() error { _, err := c.Users(t.Context()); return err },
				"SecurityDefaults": func() error { _, err := c.SecurityDefaults(t.Context()); return err },
			} {
				if e, ok := read().(*graph.Error); !ok || e.Kind != graph.KindUnclear {
					t.Errorf("%s: got error %v, want one that is unclear", call, e)
				}
			}
		})
	}
}

// endless is a reader of zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// TestRowsInAnyOrder checks that the order of members, what stands between them
// and how texts are written do not matter, and that nothing of one row comes
// out in another.
func TestRowsInAnyOrder(t *testing.T) {
	t.Parallel()
	const answer = `{ "@odata.nextLink" : null , "value":[
		{"assignedLicenses":[{"skuId":"x","disabledPlans":[]}],"createdDateTime":"2026-01-02T03:04:05.123Z","accountEnabled":false,"userType":"Guest",
		 "new":{"deep":[1,-2.5e3,"]",null,{"id":"not this"}]},"department":"R\u0026D","onPremisesSyncEnabled":true,"mail":"a@x","displayName":"Zo\u00eb \ud83d\ude00 \"Q\" \\ \/",
		 "userPrincipalName":"a@x","id":"a"},
		{"id":"b","userPrincipalName":"b@x","accountEnabled":true,"assignedLicenses":[]}
	],"@odata.context":"x"}`
	want := []graph.User{
		{
			ID: "a", Name: "Zoë 😀 \"Q\" \\ /", UPN: "a@x", Mail: "a@x", Department: "R&D", Guest: true, Synced: true, Licensed: true,
			Created: time.Date(2026, 1, 2, 3, 4, 5, 123e6, time.UTC),
		},
		{ID: "b", UPN: "b@x", Enabled: true},
	}
	got, err := serve(t, reply(200, answer)).Users(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v and error %v, want %+v", got, err, want)
	}
}
