package graphtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"twokey/graph"
)

func countUsers(t *testing.T, f Fixture) {
	got, err := f.Reader.CountUsers(t.Context())
	same(t, "count of users", got, len(f.Truth.Users), err)
}

// findUsers looks some users up by all that they are called.
func findUsers(t *testing.T, f Fixture) {
	all := f.Truth.Users
	for i := 0; i < len(all); i += max(1, len(all)/20) {
		u := all[i]
		for _, typed := range []string{u.ID, u.UPN, strings.ToUpper(u.UPN), u.Mail, u.Name, " " + u.Name + " "} {
			f.find(t, typed)
		}
	}
	for typed := range f.Truth.Aliases {
		f.find(t, typed)
	}
}

// find looks up what somebody typed, and compares with the first kind of name
// that fits anybody.
func (f Fixture) find(t *testing.T, typed string) {
	t.Helper()
	got, err := f.Reader.FindUsers(t.Context(), typed)
	word := strings.TrimSpace(typed)
	for _, fits := range []func(graph.User) bool{
		func(u graph.User) bool { return u.ID == word },
		func(u graph.User) bool { return strings.EqualFold(u.UPN, word) },
		func(u graph.User) bool { return strings.EqualFold(u.Mail, word) },
		func(u graph.User) bool { return slices.Contains(f.Truth.Aliases[word], u.ID) },
		func(u graph.User) bool { return strings.EqualFold(u.Name, word) },
	} {
		var want []graph.User
		for _, u := range f.Truth.Users {
			if fits(u) {
				want = append(want, u)
			}
		}
		if len(want) > 0 && word != "" {
			sameList(t, f, got, want, err, func(u graph.User) string { return u.ID })
			return
		}
	}
	if err != nil || len(got) != 0 {
		t.Errorf("%q: got %d users and error %v, want none", typed, len(got), err)
	}
}

func findNobody(t *testing.T, f Fixture) {
	for _, typed := range []string{"", " ", nobody, "nobody.at.all@" + f.Truth.Organization.DefaultDomain, "No'body At \"All\"", "a@b or 'x' eq 'x", "%", "*"} {
		got, err := f.Reader.FindUsers(t.Context(), typed)
		if err != nil || got == nil || len(got) != 0 {
			t.Errorf("%q: got %v and error %v, want an empty list", typed, got, err)
		}
	}
}

func managers(t *testing.T, f Fixture) {
	byID := map[string]graph.User{}
	for _, u := range f.Truth.Users {
		byID[u.ID] = u
	}
	none := 0
	for id, above := range f.Truth.Managers {
		got, err := f.Reader.Manager(t.Context(), id)
		if above == "" {
			failed(t, err, graph.KindNotFound)
			none++
			continue
		}
		same(t, "manager of "+id, got, byID[above], err)
	}
	if none == 0 || none == len(f.Truth.Managers) {
		f.barren(t, fmt.Sprintf("%d of %d have no manager", none, len(f.Truth.Managers)))
	}
	_, err := f.Reader.Manager(t.Context(), nobody)
	failed(t, err, graph.KindNotFound)
}

// allManagers compares the list with what was read one by one, and holds that
// it names nobody whom there is not.
func allManagers(t *testing.T, f Fixture) {
	all, err := f.Reader.Managers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, above := range f.Truth.Managers {
		if all[id] != above {
			t.Errorf("manager of %s: got %q, want %q", id, all[id], above)
		}
	}
	known := map[string]bool{}
	for _, u := range f.Truth.Users {
		known[u.ID] = true
	}
	for id, above := range all {
		if !known[id] || !known[above] {
			t.Errorf("manager of %q: got %q, of whom one is no user", id, above)
		}
	}
}

func lastSignIns(t *testing.T, f Fixture) {
	got, err := f.Reader.LastSignIns(t.Context())
	if f.Truth.Licence < graph.P1 {
		failed(t, err, graph.KindNoLicence)
		return
	}
	sameList(t, f, got, f.Truth.LastSignIns, err, func(l graph.LastSignIn) string { return l.UserID })
}

func groups(t *testing.T, f Fixture) {
	if len(f.Truth.Groups) == 0 {
		f.barren(t, "the tenant holds no group")
	}
	for _, want := range f.Truth.Groups {
		got, err := f.Reader.Group(t.Context(), want.ID)
		same(t, "group", got, want, err)
	}
}

func groupMembers(t *testing.T, f Fixture) {
	if len(f.Truth.Members) == 0 {
		f.barren(t, "the tenant holds no group")
	}
	for id, members := range f.Truth.Members {
		got, err := f.Reader.GroupMembers(t.Context(), id)
		same(t, "members of "+id, slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(members)), err)
	}
}

func noGroup(t *testing.T, f Fixture) {
	for _, id := range []string{nobody, "", "."} {
		_, err := f.Reader.GroupMembers(t.Context(), id)
		failed(t, err, graph.KindNotFound)
		_, err = f.Reader.Group(t.Context(), id)
		failed(t, err, graph.KindNotFound)
	}
}

// memberOf asks a member, and somebody else, about more groups than one
// request may name.
func memberOf(t *testing.T, f Fixture) {
	asked := slices.Sorted(maps.Keys(f.Truth.Members))
	for len(asked) < 45 {
		asked = append(asked, nobody)
	}
	users := []string{f.Truth.Users[0].ID}
	for _, members := range f.Truth.Members {
		users = append(users, members...)
	}
	for _, id := range users {
		want := []string{}
		for _, g := range asked {
			if slices.Contains(f.Truth.Members[g], id) {
				want = append(want, g)
			}
		}
		got, err := f.Reader.MemberOf(t.Context(), id, asked)
		same(t, "groups of "+id, got, want, err)
	}
	_, err := f.Reader.MemberOf(t.Context(), nobody, asked)
	failed(t, err, graph.KindNotFound)
}

func preferences(t *testing.T, f Fixture) {
	for id, want := range f.Truth.Preferences {
		got, err := f.Reader.SignInPreference(t.Context(), id)
		same(t, "preference of "+id, got, want, err)
	}
	_, err := f.Reader.SignInPreference(t.Context(), nobody)
	failed(t, err, graph.KindNotFound)
}

func passes(t *testing.T, f Fixture) {
	found := 0
	for id, want := range f.Truth.Passes {
		got, err := f.Reader.Passes(t.Context(), id)
		same(t, "passes of "+id, got, want, err)
		found += len(want)
	}
	if found == 0 {
		f.barren(t, "nobody has a pass")
	}
	_, err := f.Reader.Passes(t.Context(), nobody)
	failed(t, err, graph.KindNotFound)
}

func perUserMFA(t *testing.T, f Fixture) {
	ids := slices.Sorted(maps.Keys(f.Truth.PerUserMFA))
	got, err := f.Reader.PerUserMFA(t.Context(), ids)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("got %d entries and error %v, want %d", len(got), err, len(ids))
	}
	for i, id := range ids {
		same(t, "per-user MFA of "+id, got[i], graph.UserMFA{UserID: id, State: f.Truth.PerUserMFA[id]}, got[i].Err)
	}
}

func perUserMFAOfNobody(t *testing.T, f Fixture) {
	got, err := f.Reader.PerUserMFA(t.Context(), []string{nobody, f.Truth.Users[0].ID})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %d entries and error %v, want 2", len(got), err)
	}
	failed(t, got[0].Err, graph.KindNotFound)
	if got[0].State != "" || got[1].State == "" || got[1].Err != nil {
		t.Errorf("got %+v, want no state of nobody, and one of the other", got)
	}
}
