package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"twokey/graph"
)

// perUser is the old setting of some users, the same for all.
func perUser(state graph.PerUserMFA, ids ...string) Source[[]graph.UserMFA] {
	rows := []graph.UserMFA{}
	for _, id := range ids {
		rows = append(rows, graph.UserMFA{UserID: id, State: state})
	}
	return From(rows, nil)
}

// demand is an enabled policy that demands MFA of everybody everywhere.
func demand(change ...func(*graph.Policy)) graph.Policy {
	p := graph.Policy{
		ID: "p", Name: "MFA for all", State: graph.PolicyEnabled, Controls: []string{graph.ControlMFA},
		Users: graph.PolicyUsers{IncludeUsers: []string{"All"}}, Apps: []string{"All"}, Clients: []string{graph.ClientsAll},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

// Whether a policy for browsers alone reaches somebody is not known; that it does
// not demand MFA everywhere, is.
func TestNotEnforcedInFull(t *testing.T) {
	t.Parallel()
	f := new(tenant).person("ann").onMethods()
	f.SecurityDefaults, f.PerUserMFA = From(graph.SecurityDefaults{}, nil), perUser(graph.PerUserDisabled, "ann")
	f.Policies = From([]graph.Policy{demand(func(p *graph.Policy) {
		p.Clients, p.Users = []string{"browser"}, graph.PolicyUsers{IncludeGroups: []string{"unread"}}
	})}, nil)
	expect(t, NewFunnel(f, Scope{}).Figures, map[ID]string{Enforced: "0", EnforcedPartly: "not read", EnforcedByPolicy: "not read"})
	if found, why := Who(f, Scope{}, WhoUnenforced); len(found) != 1 || why != "" {
		t.Errorf("got %v, %q, want ann", found, why)
	}
}

func TestEnforced(t *testing.T) {
	t.Parallel()
	policies := func(states ...graph.PolicyState) Source[[]graph.Policy] {
		list := []graph.Policy{}
		for _, s := range states {
			list = append(list, demand(func(p *graph.Policy) { p.State = s }))
		}
		return From(list, nil)
	}
	on, off := From(graph.SecurityDefaults{Enabled: true}, nil), From(graph.SecurityDefaults{}, nil)
	failed := errors.New("odd")
	unread := Source[[]graph.UserMFA]{}
	none := perUser(graph.PerUserDisabled, "a", "b")
	onFree := From[[]graph.Policy](nil, errLicence)
	tests := []struct {
		name     string
		defaults Source[graph.SecurityDefaults]
		policies Source[[]graph.Policy]
		perUser  Source[[]graph.UserMFA]
		want     map[ID]string
	}{
		{"defaults on", on, From[[]graph.Policy](nil, failed), unread, map[ID]string{
			Enforced: "2", EnforcedByDefaults: "2", EnforcedByPolicy: "source failed", EnforcedByPerUser: "not read", EnforcedPartly: "0",
		}},
		{"nothing", off, policies(), none, map[ID]string{
			Enforced: "0", EnforcedByDefaults: "0", EnforcedByPolicy: "0", EnforcedByPerUser: "0", EnforcedPartly: "0", PerUserLeftovers: "0",
		}},
		{"nothing on Free", off, onFree, none, map[ID]string{Enforced: "0", EnforcedByPolicy: "0"}},
		{"report-only is no demand", off, policies(graph.PolicyReportOnly, graph.PolicyDisabled), none, map[ID]string{Enforced: "0", EnforcedByPolicy: "0"}},
		{"a policy", off, policies(graph.PolicyReportOnly, graph.PolicyEnabled), unread, map[ID]string{Enforced: "2", EnforcedByPolicy: "2", EnforcedByDefaults: "0"}},
		{"per user", off, onFree, perUser(graph.PerUserEnforced, "a", "b"), map[ID]string{Enforced: "2", EnforcedByPerUser: "2", PerUserLeftovers: "2", EnforcedPartly: "0"}},
		{"per user, not yet enforced", off, onFree, perUser(graph.PerUserEnabled, "a", "b"), map[ID]string{
			Enforced: "0", EnforcedByPerUser: "0", EnforcedPartly: "2", PerUserLeftovers: "2",
		}},
		{"left over beside defaults", on, onFree, perUser(graph.PerUserEnforced, "a", "b"), map[ID]string{Enforced: "2", EnforcedByDefaults: "2", PerUserLeftovers: "2"}},
		{"per user unread is not nobody", off, onFree, unread, map[ID]string{Enforced: "not read", EnforcedByPerUser: "not read", EnforcedPartly: "not read"}},
		{"a missing row is not nobody", off, onFree, perUser(graph.PerUserDisabled, "a"), map[ID]string{Enforced: "not read", EnforcedByPolicy: "0"}},
		{"an unread row", off, onFree, From([]graph.UserMFA{
			{UserID: "a", Err: &graph.Error{Kind: graph.KindNoPermission, Permission: "X"}}, {UserID: "b", State: graph.PerUserDisabled},
		}, nil), map[ID]string{Enforced: "permission missing: X"}},
		{"a new state", off, onFree, perUser("sometimes", "a", "b"), map[ID]string{Enforced: "source failed", PerUserLeftovers: "source failed"}},
		{"policies failed", off, From[[]graph.Policy](nil, failed), none, map[ID]string{Enforced: "source failed", EnforcedByPerUser: "0"}},
		{"policies not asked", off, Source[[]graph.Policy]{}, none, map[ID]string{Enforced: "not read"}},
		{"defaults failed", From(graph.SecurityDefaults{}, failed), policies(), none, map[ID]string{Enforced: "source failed", EnforcedByPolicy: "0"}},
		{"what a policy says was not read", off, From([]graph.Policy{{State: graph.PolicyEnabled}}, nil), none, map[ID]string{Enforced: "not read", EnforcedByPolicy: "not read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := new(tenant).person("a").person("b", graph.MethodPasskey).onMethods()
			f.SecurityDefaults, f.Policies, f.PerUserMFA = tt.defaults, tt.policies, tt.perUser
			expect(t, NewFunnel(f, Scope{}).Figures, tt.want)
		})
	}
}

func TestWhomPoliciesReach(t *testing.T) {
	t.Parallel()
	users := func(u graph.PolicyUsers) func(*graph.Policy) { return func(p *graph.Policy) { p.Users = u } }
	all := graph.PolicyUsers{IncludeUsers: []string{"All"}}
	excluding := func(change func(*graph.PolicyUsers)) func(*graph.Policy) {
		u := all
		change(&u)
		return users(u)
	}
	clients := func(names ...string) func(*graph.Policy) { return func(p *graph.Policy) { p.Clients = names } }
	blocks := func(p *graph.Policy) { p.Name, p.Controls = "block", []string{graph.ControlBlock} }
	tests := []struct {
		name     string
		policies []graph.Policy
		want     Answer
		by       string
	}{
		{"everybody", []graph.Policy{demand()}, Yes, "MFA for all"},
		{"by name", []graph.Policy{demand(users(graph.PolicyUsers{IncludeUsers: []string{"ann"}}))}, Yes, "MFA for all"},
		{"by group", []graph.Policy{demand(users(graph.PolicyUsers{IncludeGroups: []string{"empty", "anns"}}))}, Yes, "MFA for all"},
		{"by role", []graph.Policy{demand(users(graph.PolicyUsers{IncludeRoles: []string{"reader"}}))}, Yes, "MFA for all"},
		{"somebody else", []graph.Policy{demand(users(graph.PolicyUsers{IncludeUsers: []string{"ben"}}))}, No, ""},
		{"nobody", []graph.Policy{demand(users(graph.PolicyUsers{IncludeUsers: []string{"None"}}))}, No, ""},
		{"guests only", []graph.Policy{demand(users(graph.PolicyUsers{IncludeUsers: []string{"GuestsOrExternalUsers"}, IncludesGuests: true}))}, No, ""},
		{"another group", []graph.Policy{demand(users(graph.PolicyUsers{IncludeGroups: []string{"empty"}}))}, No, ""},
		{"another role", []graph.Policy{demand(users(graph.PolicyUsers{IncludeRoles: []string{"owner"}}))}, No, ""},
		{"a group nobody read", []graph.Policy{demand(users(graph.PolicyUsers{IncludeGroups: []string{"unread"}}))}, Unknown, ""},
		{"in one group, another unread", []graph.Policy{demand(users(graph.PolicyUsers{IncludeGroups: []string{"unread", "anns"}}))}, Yes, "MFA for all"},
		{"excluded by name", []graph.Policy{demand(excluding(func(u *graph.PolicyUsers) { u.ExcludeUsers = []string{"ann"} }))}, No, ""},
		{"excluded by group", []graph.Policy{demand(excluding(func(u *graph.PolicyUsers) { u.ExcludeGroups = []string{"anns"} }))}, No, ""},
		{"excluded by role", []graph.Policy{demand(excluding(func(u *graph.PolicyUsers) { u.ExcludeRoles = []string{"reader"} }))}, No, ""},
		{"perhaps excluded", []graph.Policy{demand(excluding(func(u *graph.PolicyUsers) { u.ExcludeGroups = []string{"unread"} }))}, Unknown, ""},
		{"guests excluded", []graph.Policy{demand(excluding(func(u *graph.PolicyUsers) { u.ExcludesGuests = true }))}, Yes, "MFA for all"},
		{"perhaps excluded, but reached by another", []graph.Policy{
			demand(excluding(func(u *graph.PolicyUsers) { u.ExcludeGroups = []string{"unread"} })), demand(),
		}, Yes, "MFA for all"},
		{"some apps", []graph.Policy{demand(func(p *graph.Policy) { p.Apps = []string{"portal"} })}, Partly, "MFA for all"},
		{"some places", []graph.Policy{demand(func(p *graph.Policy) { p.Narrowed = true })}, Partly, "MFA for all"},
		{"some clients", []graph.Policy{demand(clients("browser"))}, Partly, "MFA for all"},
		{"clients unsaid", []graph.Policy{demand(clients())}, Partly, "MFA for all"},
		{"modern clients", []graph.Policy{demand(clients("browser", "mobileAppsAndDesktopClients"))}, Partly, "MFA for all"},
		{"modern clients, and legacy blocked", []graph.Policy{
			demand(clients("browser", "mobileAppsAndDesktopClients")), demand(blocks, clients(graph.ClientsActiveSync, graph.ClientsOther)),
		}, Yes, "MFA for all"},
		{"legacy blocked alone demands nothing", []graph.Policy{demand(blocks, clients(graph.ClientsActiveSync, graph.ClientsOther))}, No, ""},
		{"a choice", []graph.Policy{demand(func(p *graph.Policy) { p.Controls = []string{"mfa", "compliantDevice"} })}, No, ""},
		{"both of two", []graph.Policy{demand(func(p *graph.Policy) { p.Controls, p.All = []string{"mfa", "compliantDevice"}, true })}, Yes, "MFA for all"},
		{"a strength", []graph.Policy{demand(func(p *graph.Policy) { p.Controls = []string{graph.ControlStrength} })}, Yes, "MFA for all"},
		{"partly for sure, perhaps wholly", []graph.Policy{
			demand(clients("browser")), demand(users(graph.PolicyUsers{IncludeGroups: []string{"unread"}})),
		}, Unknown, "MFA for all"},
		{"partly, and perhaps partly", []graph.Policy{
			demand(clients("browser")), demand(users(graph.PolicyUsers{IncludeGroups: []string{"unread"}}), clients("other")),
		}, Partly, "MFA for all"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := new(tenant).person("ann").onMethods()
			f.SecurityDefaults, f.Policies = From(graph.SecurityDefaults{}, nil), From(tt.policies, nil)
			f.RoleHolders = From([]graph.RoleHolder{{UserID: "ann", Roles: []graph.Role{{TemplateID: "reader"}}}}, nil)
			f.GroupMembers = From(map[string][]string{"anns": {"ben", "ann"}, "empty": {}}, nil)
			people, _ := People(f, Scope{})
			e := people[0].Enforcement
			if got := strings.Join(e.By, ", "); e.Policies != tt.want || got != tt.by {
				t.Errorf("got %v by %q, want %v by %q", e.Policies, got, tt.want, tt.by)
			}
		})
	}
}

func TestEnforcedByNames(t *testing.T) {
	t.Parallel()
	f := new(tenant).person("ann").onMethods()
	f.SecurityDefaults, f.PerUserMFA = From(graph.SecurityDefaults{Enabled: true}, nil), perUser(graph.PerUserEnabled, "ann")
	f.Policies = From([]graph.Policy{demand(func(p *graph.Policy) { p.Name = "portal"; p.Apps = []string{"portal"} })}, nil)
	people, _ := People(f, Scope{})
	if got, want := people[0].Enforcement.By, []string{ByDefaults, "portal", ByPerUser}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEnforcementHoldsInEveryWorld guesses at every group that was not read: an
// answer that is given must be right whoever is in it, and where every group
// was read there must be an answer.
func TestEnforcementHoldsInEveryWorld(t *testing.T) {
	t.Parallel()
	groups := []string{"g1", "g2", "g3"}
	some := func(t *rapid.T, of []string, label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, 2, func(s string) string { return s }).Draw(t, label)
	}
	rapid.Check(t, func(t *rapid.T) {
		var policies []graph.Policy
		for i := range rapid.IntRange(0, 4).Draw(t, "policies") {
			policies = append(policies, graph.Policy{
				Name: fmt.Sprint(i), State: graph.PolicyEnabled, Narrowed: rapid.IntRange(0, 5).Draw(t, "narrowed") == 0,
				Users: graph.PolicyUsers{
					IncludeUsers:  []string{rapid.SampledFrom([]string{"All", "None", "ann"}).Draw(t, "include")},
					IncludeGroups: some(t, groups, "in"), ExcludeGroups: some(t, groups, "out"), ExcludeUsers: some(t, []string{"ann", "ben"}, "not"),
				},
				Apps:     []string{rapid.SampledFrom([]string{"All", "All", "portal"}).Draw(t, "app")},
				Clients:  some(t, []string{"all", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"}, "clients"),
				Controls: []string{rapid.SampledFrom([]string{"mfa", "mfa", "block"}).Draw(t, "control")},
			})
		}
		read := map[string][]string{}
		var unread []string
		for _, g := range groups {
			switch rapid.SampledFrom([]string{"in", "out", "unread"}).Draw(t, g) {
			case "in":
				read[g] = []string{"ann"}
			case "out":
				read[g] = nil
			default:
				unread = append(unread, g)
			}
		}
		f := new(tenant).person("ann").onMethods()
		f.Policies, f.GroupMembers = From(policies, nil), From(read, nil)
		people, _ := People(f, Scope{})
		got := people[0].Enforcement.Policies
		if got == Unknown && len(unread) == 0 {
			t.Fatalf("got no answer, though every group was read")
		}
		for world := range 1 << len(unread) {
			in := func(g string) bool {
				if i := slices.Index(unread, g); i >= 0 {
					return world>>i&1 == 1
				}
				return len(read[g]) > 0
			}
			if want := plainly(policies, "ann", in); got != Unknown && got != want {
				t.Fatalf("got %v, want %v where the groups are %b", got, want, world)
			}
		}
	})
}

// plainly tries every way to sign in against every policy.
func plainly(policies []graph.Policy, id string, in func(group string) bool) Answer {
	open, asked := 0, false
	for _, app := range []string{"mail", "portal"} {
		for _, client := range []string{"browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"} {
			for _, place := range []string{"here", "anywhere"} {
				modern := client == "browser" || strings.HasPrefix(client, "mobile")
				guarded := false
				for _, p := range policies {
					applies := (slices.Contains(p.Users.IncludeUsers, "All") || slices.Contains(p.Users.IncludeUsers, id) || slices.ContainsFunc(p.Users.IncludeGroups, in)) &&
						!slices.Contains(p.Users.ExcludeUsers, id) && !slices.ContainsFunc(p.Users.ExcludeGroups, in)
					asked = asked || applies && p.Controls[0] == "mfa"
					applies = applies && (slices.Contains(p.Clients, "all") || slices.Contains(p.Clients, client)) &&
						(slices.Contains(p.Apps, "All") || slices.Contains(p.Apps, app)) && (!p.Narrowed || place == "here")
					guarded = guarded || applies && (p.Controls[0] == "mfa" || !modern)
				}
				if !guarded {
					open++
				}
			}
		}
	}
	switch {
	case !asked:
		return No
	case open > 0:
		return Partly
	default:
		return Yes
	}
}
