package graphtest

import (
	"context"
	"slices"
	"testing"

	"twokey/graph"
)

func testUser(t *testing.T, f Fixture) {
	if f.Writer == nil {
		t.Log("read only: nothing was changed")
		return
	}
	if f.TestUser == "" {
		f.TestUser = f.ordinary(t)
	}
	ChangeTestUser(t, f)
}

// ChangeTestUser changes what can be changed of one account, and puts each
// change back before it makes the next; where the test ends in between, its
// cleanup does. It is all that is done to a real tenant. What cannot be put back
// are the account's sessions, which end, and the lines in the tenant's logs.
//
// It refuses an account that is blocked, a guest's or holds a role, and leaves
// out what would take the place of something that the account has.
func ChangeTestUser(t testing.TB, f Fixture) {
	t.Helper()
	a := f.account(t)
	f.thereAndBack(t, a.perUserMFA(t))
	if a.has(func(m graph.Method) bool { return m.Phone() == graph.PhoneOffice }) {
		f.barren(t, "the test user has an office phone, which stays as it is")
	} else {
		f.thereAndBack(t, a.phone())
	}
	switch policy, err := f.Reader.MethodsPolicy(t.Context()); {
	case err != nil:
		t.Fatal(err)
	case !policy.Pass.Enabled:
		f.barren(t, "the tenant's policy allows no passes")
	case a.has(func(m graph.Method) bool { return m.Kind == graph.MethodTemporaryPass }):
		f.barren(t, "the test user has a pass, which stays as it is")
	default:
		f.thereAndBack(t, a.pass())
	}
	f.thereAndBack(t, a.block())
	f.once(t, "revoke sessions", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.RevokeSessions(ctx, a.id) })
}

// account is the test user as it is before anything is changed.
type account struct {
	Fixture
	id      string
	methods []graph.Method
}

// account reads the test user, and refuses one that is more than a test user.
func (f Fixture) account(t testing.TB) account {
	t.Helper()
	u, err := f.Reader.User(t.Context(), f.TestUser)
	if err != nil {
		t.Fatal(err)
	}
	holders, err := f.Reader.RoleHolders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(holders, func(h graph.RoleHolder) bool { return h.UserID == u.ID }) || u.Guest || !u.Enabled {
		t.Fatalf("the test user %s has to be an enabled member who holds no role", u.ID)
	}
	a := account{Fixture: f, id: u.ID}
	if a.methods, err = a.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// read returns the methods as they are now.
func (a account) read(ctx context.Context) ([]graph.Method, error) {
	got, err := a.Reader.Methods(ctx, []string{a.id})
	if err != nil {
		return nil, err
	}
	return got[0].Methods, got[0].Err
}

// has reports whether the account had such a method before.
func (a account) has(is func(graph.Method) bool) bool { return slices.ContainsFunc(a.methods, is) }

func (a account) perUserMFA(t testing.TB) change {
	t.Helper()
	read := func(ctx context.Context) (graph.PerUserMFA, error) {
		got, err := a.Reader.PerUserMFA(ctx, []string{a.id})
		if err != nil {
			return "", err
		}
		return got[0].State, got[0].Err
	}
	was, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := graph.PerUserEnabled
	if was == other {
		other = graph.PerUserDisabled
	}
	set := func(s graph.PerUserMFA) step {
		return func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.SetPerUserMFA(ctx, a.id, s) }
	}
	return change{
		what: "per-user MFA", change: set(other), undo: set(was),
		changed: func(ctx context.Context) (bool, error) { s, err := read(ctx); return s == other, err },
		undone:  func(ctx context.Context) (bool, error) { s, err := read(ctx); return s == was, err },
	}
}

func (a account) phone() change {
	return a.adding("phone", graph.MethodPhone, func(w graph.Writer, ctx context.Context) (string, graph.Receipt, error) {
		return w.AddPhone(ctx, a.id, graph.Phone{Type: graph.PhoneOffice, Number: "+44 2079460123"})
	})
}

func (a account) pass() change {
	return a.adding("pass", graph.MethodTemporaryPass, func(w graph.Writer, ctx context.Context) (string, graph.Receipt, error) {
		p, receipt, err := w.CreatePass(ctx, a.id, graph.PassOrder{})
		return p.ID, receipt, err
	})
}

// adding is a change that adds a method. It is told from those before by its
// ID, which is not in every answer.
func (a account) adding(what string, kind graph.MethodKind, add func(graph.Writer, context.Context) (string, graph.Receipt, error)) change {
	var made graph.Method
	find := func(ctx context.Context) (bool, error) {
		list, err := a.read(ctx)
		i := slices.IndexFunc(list, func(m graph.Method) bool {
			return m.Kind == kind && (made.ID == "" || m.ID == made.ID) && !a.has(func(old graph.Method) bool { return old.ID == m.ID })
		})
		if i >= 0 {
			made = list[i]
		}
		return i >= 0, err
	}
	return change{
		what: what,
		change: func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			id, receipt, err := add(w, ctx)
			made = graph.Method{ID: id, Kind: kind}
			return receipt, err
		},
		changed: find,
		undo: func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			return w.DeleteMethod(ctx, a.id, made)
		},
		undone: func(ctx context.Context) (bool, error) { found, err := find(ctx); return !found && err == nil, err },
		mayBe:  func() bool { return made.ID == "" },
	}
}

func (a account) block() change {
	set := func(enabled bool) step {
		return func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			return w.SetAccountEnabled(ctx, a.id, enabled)
		}
	}
	is := func(enabled bool) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			u, err := a.Reader.User(ctx, a.id)
			return err == nil && u.Enabled == enabled, err
		}
	}
	return change{what: "block", change: set(false), changed: is(false), undo: set(true), undone: is(true)}
}

// ordinary returns somebody to whom all of it can be done.
func (f Fixture) ordinary(t testing.TB) string {
	t.Helper()
	for _, u := range f.Truth.Users {
		list, known := f.Truth.Methods[u.ID]
		role := slices.ContainsFunc(f.Truth.RoleHolders, func(h graph.RoleHolder) bool { return h.UserID == u.ID })
		has := slices.ContainsFunc(list, func(m graph.Method) bool {
			return m.Phone() == graph.PhoneOffice || m.Kind == graph.MethodTemporaryPass
		})
		if known && u.Enabled && !u.Guest && !role && !has {
			return u.ID
		}
	}
	t.Fatal("nobody can be a test user")
	return ""
}
