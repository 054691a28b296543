package rollout

import (
	"errors"
	"slices"
	"testing"
	"time"

	"twokey/graph"
)

func TestWho(t *testing.T) {
	t.Parallel()
	tn := new(tenant).
		person("none", graph.MethodPassword).
		person("phone", graph.MethodPhone).
		person("app", graph.MethodAuthenticator).
		person("boss", graph.MethodAuthenticator, graph.MethodSoftwareOATH).
		person("owner", graph.MethodPasskey, graph.MethodPasskey).
		person("new").
		person("guest", graph.MethodPhone).
		person("left", graph.MethodPasskey).
		person("left long ago").
		person("scanner")
	tn.users[6].Guest, tn.users[7].Enabled, tn.users[8].Enabled = true, false, false
	tn.users[5].Created = monday47.AddDate(0, 0, -7)
	role := []graph.Role{{TemplateID: graph.RoleGlobalAdministrator}}
	tn.holders = []graph.RoleHolder{{UserID: "boss", Roles: role}, {UserID: "owner", Roles: role}, {UserID: "none", Roles: role}}
	f := tn.onMethods()
	f.SecurityDefaults = From(graph.SecurityDefaults{}, nil)
	f.Policies = From([]graph.Policy{
		demand(func(p *graph.Policy) {
			p.Users = graph.PolicyUsers{IncludeRoles: []string{graph.RoleGlobalAdministrator}}
		}),
		demand(func(p *graph.Policy) {
			p.Users = graph.PolicyUsers{IncludeUsers: []string{"app"}}
			p.Apps = []string{"portal"}
		}),
	}, nil)
	f.PerUserMFA = perUser(graph.PerUserDisabled, "none", "phone", "app", "boss", "owner", "new")
	f.LastSignIns = From([]graph.LastSignIn{
		{UserID: "none", At: monday47.Add(-StaleAfter)},
		{UserID: "phone", At: monday47.Add(time.Minute - StaleAfter)},
		{UserID: "app", At: monday47},
		{UserID: "boss", At: monday47},
		{UserID: "owner", At: monday47.AddDate(-1, 0, 0)},
		{UserID: "new"},
	}, nil)
	scope := Scope{Declared: map[string]Purpose{"scanner": Service}}
	want := map[Question][]string{
		WhoMissing:     {"none", "new"},
		WhoSingle:      {"phone", "app"},
		WhoPhoneOnly:   {"phone"},
		WhoWeak:        {"boss"},
		WhoUnenforced:  {"phone", "app", "new"},
		WhoStale:       {"none", "owner"},
		WhoGuests:      {"guest"},
		WhoDisabledReg: {"left"},
	}
	if len(want) != len(Questions()) {
		t.Fatalf("got answers to %d questions, want to all %d", len(want), len(Questions()))
	}
	for _, q := range Questions() {
		people, why := Who(f, scope, q)
		if got := ids(people); !slices.Equal(got, want[q]) || why != "" {
			t.Errorf("%s: got %q and the reason %q, want %q and none", q, got, why, want[q])
		}
	}
	if people, why := Who(f, scope, "taller"); people != nil || why == "" {
		t.Errorf("no question: got %q and the reason %q, want a reason alone", ids(people), why)
	}
}

func ids(people []Person) []string {
	var all []string
	for _, p := range people {
		all = append(all, p.ID)
	}
	return all
}

// An empty list is only good news without a reason.
func TestWhoSaysWhyItDoesNotKnow(t *testing.T) {
	t.Parallel()
	refused := error(&graph.Error{Kind: graph.KindNoPermission, Permission: "X"})
	full := func() Facts {
		f := new(tenant).person("ann", graph.MethodPhone).person("ben", graph.MethodPasskey).onMethods()
		f.SecurityDefaults, f.LastSignIns = From(graph.SecurityDefaults{Enabled: true}, nil), From([]graph.LastSignIn{{UserID: "ann", At: monday47}, {UserID: "ben", At: monday47}}, nil)
		return f
	}
	tests := []struct {
		name   string
		q      Question
		change func(*Facts)
		want   []string
		why    Reason
	}{
		{"no accounts", WhoGuests, func(f *Facts) { f.Users = From[[]graph.User](nil, refused) }, nil, "permission missing: X"},
		{"no accounts in scope", WhoMissing, func(f *Facts) { f.Users = From[[]graph.User](nil, refused) }, nil, "permission missing: X"},
		{"one unread", WhoPhoneOnly, func(f *Facts) {
			f.Methods = From([]graph.UserMethods{{UserID: "ann", Methods: []graph.Method{{Kind: graph.MethodPhone}}}, {UserID: "ben", Err: refused}}, nil)
		}, []string{"ann"}, "permission missing: X"},
		{"nobody read", WhoMissing, func(f *Facts) { f.Methods = From([]graph.UserMethods{}, nil) }, nil, NotRead},
		{"stale on Free", WhoStale, func(f *Facts) { f.LastSignIns = From[[]graph.LastSignIn](nil, errLicence) }, nil, NeedsP1},
		{"stale, one row missing", WhoStale, func(f *Facts) { f.LastSignIns = From([]graph.LastSignIn{{UserID: "ann", At: monday47}}, nil) }, nil, NotRead},
		{"never seen, and made nobody knows when", WhoStale, func(f *Facts) { f.LastSignIns = From([]graph.LastSignIn{{UserID: "ann"}, {UserID: "ben"}}, nil) }, nil, NotRead},
		{"weak without the roles", WhoWeak, func(f *Facts) { f.RoleHolders = From[[]graph.RoleHolder](nil, refused) }, nil, "permission missing: X"},
		{"enforced by nobody knows what", WhoUnenforced, func(f *Facts) { f.SecurityDefaults = From(graph.SecurityDefaults{}, errors.New("odd")) }, nil, SourceFailed},
		{"disabled and never read", WhoDisabledReg, func(f *Facts) { f.Users = From([]graph.User{{ID: "left"}}, nil) }, nil, NotRead},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := full()
			tt.change(&f)
			people, why := Who(f, Scope{}, tt.q)
			if got := ids(people); !slices.Equal(got, tt.want) || why != tt.why {
				t.Errorf("got %q and the reason %q, want %q and %q", got, why, tt.want, tt.why)
			}
		})
	}
}
