package graphtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"twokey/graph"
)

// sample is of how many users Learn reads one by one.
const sample = 20

// Learn reads a tenant of which nothing else is known. Wherever there are two
// roads to the same thing it takes the other one than the checks: lists by
// their pages, methods user by user. What the checks compare is then whether
// the roads agree.
func Learn(t *testing.T, r graph.Reader) Truth {
	t.Helper()
	l := learner{t: t, r: r}
	l.tenant()
	l.people()
	l.groups()
	l.logs()
	return l.Truth
}

type learner struct {
	Truth
	t *testing.T
	r graph.Reader
}

// read takes a value that has to be there.
func read[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatalf("learn the tenant: %v", err)
	}
	return v
}

func (l *learner) tenant() {
	ctx := l.t.Context()
	org, err := l.r.Organization(ctx)
	l.Organization = read(l.t, org, err)
	licence, err := l.r.Licence(ctx)
	l.Licence = read(l.t, licence, err)
	defaults, err := l.r.SecurityDefaults(ctx)
	l.SecurityDefaults = read(l.t, defaults, err)
	policy, err := l.r.MethodsPolicy(ctx)
	l.MethodsPolicy = read(l.t, policy, err)
	concealed, err := l.r.NamesConcealed(ctx)
	l.NamesConcealed = read(l.t, concealed, err)
	grants, err := l.r.Grants(ctx)
	if grants = read(l.t, grants, err); grants.AppID != "" {
		app, err := l.r.App(ctx, grants.AppID)
		l.App = read(l.t, app, err)
		grants.AsOf = time.Time{}
		l.Grants = &grants
	}
	if l.Licence >= graph.P1 {
		policies, err := l.r.Policies(ctx)
		l.Policies = read(l.t, policies, err)
	}
}

func (l *learner) people() {
	ctx := l.t.Context()
	users, err := allPages(l.t, l.r.UserPage)
	l.Users = read(l.t, users, err)
	holders, err := l.r.RoleHolders(ctx)
	l.RoleHolders = read(l.t, holders, err)
	near, err := l.r.RoleGroupPeople(ctx)
	l.RoleGroupPeople = read(l.t, near, err)
	l.Methods, l.Managers, l.PerUserMFA = map[string][]graph.Method{}, map[string]string{}, map[string]graph.PerUserMFA{}
	l.Preferences, l.Passes = map[string]graph.SignInPreference{}, map[string][]graph.Pass{}
	for i := 0; i < len(l.Users); i += max(1, len(l.Users)/sample) {
		l.person(l.Users[i].ID)
	}
}

// person reads one user as the only one of a list.
func (l *learner) person(id string) {
	l.t.Helper()
	ctx := l.t.Context()
	methods, err := l.r.Methods(ctx, []string{id})
	l.Methods[id] = read(l.t, read(l.t, methods, err)[0].Methods, methods[0].Err)
	state, err := l.r.PerUserMFA(ctx, []string{id})
	l.PerUserMFA[id] = read(l.t, read(l.t, state, err)[0].State, state[0].Err)
	preference, err := l.r.SignInPreference(ctx, id)
	l.Preferences[id] = read(l.t, preference, err)
	passes, err := l.r.Passes(ctx, id)
	l.Passes[id] = read(l.t, passes, err)
	manager, err := l.r.Manager(ctx, id)
	if e, ok := errors.AsType[*graph.Error](err); ok && e.Kind == graph.KindNotFound {
		err = nil
	}
	l.Managers[id] = read(l.t, manager, err).ID
}

// groups are those that the tenant's policies name.
func (l *learner) groups() {
	l.Members = map[string][]string{}
	var named []string
	for _, p := range l.Policies {
		named = slices.Concat(named, p.Users.IncludeGroups, p.Users.ExcludeGroups)
	}
	for _, t := range slices.Concat(l.MethodsPolicy.Pass.Include, l.MethodsPolicy.Pass.Exclude, l.MethodsPolicy.Campaign.Include, l.MethodsPolicy.Campaign.Exclude) {
		if t.Group && t.ID != graph.AllUsers {
			named = append(named, t.ID)
		}
	}
	slices.Sort(named)
	for _, id := range slices.Compact(named) {
		group, err := l.r.Group(l.t.Context(), id)
		l.Groups = append(l.Groups, read(l.t, group, err))
		members, err := l.r.GroupMembers(l.t.Context(), id)
		l.Members[id] = read(l.t, members, err)
	}
}

func (l *learner) logs() {
	ctx := l.t.Context()
	audits, err := l.r.Audits(ctx, graph.AuditQuery{})
	l.Audits = read(l.t, audits, err)
	use, err := l.r.EmailAppUse(ctx, graph.Days30)
	l.EmailAppUse = read(l.t, use, err)
	versions, err := l.r.OutlookVersions(ctx, graph.Days30)
	l.OutlookVersions = read(l.t, versions, err)
	l.Since = time.Now().Add(-24 * time.Hour)
	if l.Licence < graph.P1 {
		return
	}
	registrations, err := allPages(l.t, l.r.RegistrationPage)
	l.Registrations = read(l.t, registrations, err)
	seen, err := l.r.LastSignIns(ctx)
	l.LastSignIns = read(l.t, seen, err)
	err = l.r.EachLegacySignIn(ctx, l.Since, time.Time{}, func(s graph.SignIn) error {
		l.LegacySignIns = append(l.LegacySignIns, s)
		return nil
	})
	read(l.t, 0, err)
}
