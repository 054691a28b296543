package graphtest

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
)

// nobody is an object ID that no tenant gives out.
const nobody = "00000000-0000-4000-8000-00000000dead"

func organization(t *testing.T, f Fixture) {
	got, err := f.Reader.Organization(t.Context())
	same(t, "organization", got, f.Truth.Organization, err)
}

func licence(t *testing.T, f Fixture) {
	got, err := f.Reader.Licence(t.Context())
	same(t, "licence", got, f.Truth.Licence, err)
}

func securityDefaults(t *testing.T, f Fixture) {
	got, err := f.Reader.SecurityDefaults(t.Context())
	same(t, "security defaults", got, f.Truth.SecurityDefaults, err)
}

func policies(t *testing.T, f Fixture) {
	got, err := f.Reader.Policies(t.Context())
	if f.Truth.Licence < graph.P1 {
		failed(t, err, graph.KindNoLicence)
		return
	}
	sameList(t, f, got, f.Truth.Policies, err, func(p graph.Policy) string { return p.ID })
}

func users(t *testing.T, f Fixture) {
	got, err := f.Reader.Users(t.Context())
	sameList(t, f, got, f.Truth.Users, err, func(u graph.User) string { return u.ID })
}

// user reads one member and one guest, whose UPN holds signs that an address
// has to escape.
func user(t *testing.T, f Fixture) {
	for _, guest := range []bool{false, true} {
		i := slices.IndexFunc(f.Truth.Users, func(u graph.User) bool { return u.Guest == guest })
		if i < 0 {
			continue
		}
		want := f.Truth.Users[i]
		for _, key := range []string{want.ID, want.UPN, strings.ToUpper(want.UPN)} {
			got, err := f.Reader.User(t.Context(), key)
			same(t, "user "+key, got, want, err)
		}
	}
}

func noUser(t *testing.T, f Fixture) {
	for _, key := range []string{nobody, "nobody.at.all@" + f.Truth.Organization.DefaultDomain, "", ".", ".."} {
		_, err := f.Reader.User(t.Context(), key)
		failed(t, err, graph.KindNotFound)
	}
}

func roleHolders(t *testing.T, f Fixture) {
	got, err := f.Reader.RoleHolders(t.Context())
	for _, list := range [][]graph.RoleHolder{got, f.Truth.RoleHolders} {
		for _, h := range list {
			slices.SortFunc(h.Roles, func(a, b graph.Role) int { return strings.Compare(a.TemplateID, b.TemplateID) })
		}
	}
	sameList(t, f, got, f.Truth.RoleHolders, err, func(h graph.RoleHolder) string { return h.UserID })
}

func roleGroupPeople(t *testing.T, f Fixture) {
	got, err := f.Reader.RoleGroupPeople(t.Context())
	sameList(t, f, got, f.Truth.RoleGroupPeople, err, func(h graph.RoleHolder) string { return h.UserID })
}

func registrations(t *testing.T, f Fixture) {
	got, err := f.Reader.Registrations(t.Context())
	if f.Truth.Licence < graph.P1 {
		failed(t, err, graph.KindNoLicence)
		return
	}
	sameList(t, f, got, f.Truth.Registrations, err, func(r graph.Registration) string { return r.UserID })
}

func methods(t *testing.T, f Fixture) {
	var ids []string
	for id := range f.Truth.Methods {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	slices.Reverse(ids) // an order that is nobody's own
	got, err := f.Reader.Methods(t.Context(), ids)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("methods: got %d entries and error %v, want %d", len(got), err, len(ids))
	}
	for i, id := range ids {
		if got[i].UserID != id {
			t.Fatalf("methods: entry %d is of %s, want %s", i, got[i].UserID, id)
		}
		same(t, "methods of "+id, got[i].Methods, f.Truth.Methods[id], got[i].Err)
	}
}

// methodsOfNobody asks for one user who does not exist between others.
func methodsOfNobody(t *testing.T, f Fixture) {
	ids := []string{f.Truth.Users[0].ID, nobody, f.Truth.Users[1].ID}
	got, err := f.Reader.Methods(t.Context(), ids)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("methods: got %d entries and error %v, want %d", len(got), err, len(ids))
	}
	failed(t, got[1].Err, graph.KindNotFound)
	if got[1].Methods != nil {
		t.Errorf("methods of nobody: got %v, want none beside the error", got[1].Methods)
	}
	for _, i := range []int{0, 2} {
		if got[i].Err != nil || got[i].UserID != ids[i] {
			t.Errorf("entry %d: got %s with error %v, want %s without", i, got[i].UserID, got[i].Err, ids[i])
		}
	}
}

func methodsOfNone(t *testing.T, f Fixture) {
	got, err := f.Reader.Methods(t.Context(), nil)
	if err != nil || len(got) != 0 {
		t.Errorf("methods of no users: got %v and error %v, want nothing", got, err)
	}
}

// cancelled calls every reader with a context that is over.
func cancelled(t *testing.T, f Fixture) {
	r := f.Reader
	ids := []string{f.Truth.Users[0].ID}
	calls := map[string]func(context.Context) error{
		"Organization":     func(ctx context.Context) error { _, err := r.Organization(ctx); return err },
		"Licence":          func(ctx context.Context) error { _, err := r.Licence(ctx); return err },
		"SecurityDefaults": func(ctx context.Context) error { _, err := r.SecurityDefaults(ctx); return err },
		"Policies":         func(ctx context.Context) error { _, err := r.Policies(ctx); return err },
		"Users":            func(ctx context.Context) error { _, err := r.Users(ctx); return err },
		"User":             func(ctx context.Context) error { _, err := r.User(ctx, ids[0]); return err },
		"RoleHolders":      func(ctx context.Context) error { _, err := r.RoleHolders(ctx); return err },
		"RoleGroupPeople":  func(ctx context.Context) error { _, err := r.RoleGroupPeople(ctx); return err },
		"App":              func(ctx context.Context) error { _, err := r.App(ctx, f.Truth.App.ID); return err },
		"Registrations":    func(ctx context.Context) error { _, err := r.Registrations(ctx); return err },
		"Methods":          func(ctx context.Context) error { _, err := r.Methods(ctx, ids); return err },
		"UserPage":         func(ctx context.Context) error { _, _, err := r.UserPage(ctx, ""); return err },
		"RegistrationPage": func(ctx context.Context) error { _, _, err := r.RegistrationPage(ctx, ""); return err },
		"CountUsers":       func(ctx context.Context) error { _, err := r.CountUsers(ctx); return err },
		"FindUsers":        func(ctx context.Context) error { _, err := r.FindUsers(ctx, "x"); return err },
		"Manager":          func(ctx context.Context) error { _, err := r.Manager(ctx, ids[0]); return err },
		"Managers":         func(ctx context.Context) error { _, err := r.Managers(ctx); return err },
		"SessionsFrom":     func(ctx context.Context) error { _, err := r.SessionsFrom(ctx, ids[0]); return err },
		"LastSignIns":      func(ctx context.Context) error { _, err := r.LastSignIns(ctx); return err },
		"Group":            func(ctx context.Context) error { _, err := r.Group(ctx, nobody); return err },
		"MemberOf":         func(ctx context.Context) error { _, err := r.MemberOf(ctx, ids[0], ids); return err },
		"SignInPreference": func(ctx context.Context) error { _, err := r.SignInPreference(ctx, ids[0]); return err },
		"HasPhone":         func(ctx context.Context) error { _, err := r.HasPhone(ctx, ids[0], graph.Phone{}); return err },
		"Passes":           func(ctx context.Context) error { _, err := r.Passes(ctx, ids[0]); return err },
		"EmailAppUse":      func(ctx context.Context) error { _, err := r.EmailAppUse(ctx, graph.Days7); return err },
		"OutlookVersions":  func(ctx context.Context) error { _, err := r.OutlookVersions(ctx, graph.Days7); return err },
		"NamesConcealed":   func(ctx context.Context) error { _, err := r.NamesConcealed(ctx); return err },
		"UserChanges":      func(ctx context.Context) error { _, err := r.UserChanges(ctx, ""); return err },
		"GroupMembers":     func(ctx context.Context) error { _, err := r.GroupMembers(ctx, nobody); return err },
		"PerUserMFA":       func(ctx context.Context) error { _, err := r.PerUserMFA(ctx, ids); return err },
		"MethodsPolicy":    func(ctx context.Context) error { _, err := r.MethodsPolicy(ctx); return err },
		"Audits":           func(ctx context.Context) error { _, err := r.Audits(ctx, graph.AuditQuery{}); return err },
		"SignInsOf":        func(ctx context.Context) error { _, err := r.SignInsOf(ctx, ids[0], f.Truth.Since); return err },
		"EachLegacySignIn": func(ctx context.Context) error {
			return r.EachLegacySignIn(ctx, f.Truth.Since, time.Time{}, func(graph.SignIn) error { return nil })
		},
	}
	for name, call := range calls {
		if err := call(ended(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", name, err)
		}
	}
}

// same compares one value that must have been read.
func same[T any](t *testing.T, what string, got, want T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

// sameList compares two lists by key, which no two entries of a list share
// unless they are the same.
func sameList[T any](t *testing.T, f Fixture, got, want []T, err error, key func(T) string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	byKey := func(a, b T) int { return cmp.Compare(key(a), key(b)) }
	got, want = slices.SortedFunc(slices.Values(got), byKey), slices.SortedFunc(slices.Values(want), byKey)
	if len(got) != len(want) {
		t.Fatalf("got %d entries, want %d", len(got), len(want))
	}
	if len(want) == 0 {
		f.barren(t, "the tenant holds nothing of this")
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("entry %q: got %+v, want %+v", key(want[i]), got[i], want[i])
		}
	}
}
