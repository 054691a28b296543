package graphtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"twokey/graph"
)

// testUser changes what can be changed of one account, and puts it back as it
// was. It is all that is done to a real tenant.
func testUser(t *testing.T, f Fixture) {
	if f.Writer == nil {
		t.Log("read only: nothing was changed")
		return
	}
	id := f.TestUser
	if id == "" {
		id = f.userWithout(t, graph.MethodPhone)
	}
	testPerUserMFA(t, f, id)
	var phone, pass string
	f.once(t, "add phone", func(w graph.Writer, ctx context.Context) (receipt graph.Receipt, err error) {
		phone, receipt, err = w.AddPhone(ctx, id, graph.Phone{Type: graph.PhoneOffice, Number: "+44 2079460123"})
		return receipt, err
	})
	f.once(t, "create pass", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
		p, receipt, err := w.CreatePass(ctx, id, graph.PassOrder{})
		pass = p.ID
		return receipt, err
	})
	for _, m := range []graph.Method{{ID: phone, Kind: graph.MethodPhone}, {ID: pass, Kind: graph.MethodTemporaryPass}} {
		f.sees(t, "method "+m.Kind.String(), func() bool { return f.has(t, id, m.ID) })
		f.once(t, "delete method", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.DeleteMethod(ctx, id, m) })
		f.sees(t, "end of method "+m.Kind.String(), func() bool { return !f.has(t, id, m.ID) })
	}
	for _, enabled := range []bool{false, true} {
		f.once(t, "block or unblock", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			return w.SetAccountEnabled(ctx, id, enabled)
		})
		f.sees(t, "account's state", func() bool {
			u, err := f.Reader.User(t.Context(), id)
			return err == nil && u.Enabled == enabled
		})
	}
	f.once(t, "revoke sessions", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.RevokeSessions(ctx, id) })
}

func testPerUserMFA(t *testing.T, f Fixture, id string) {
	t.Helper()
	was, err := f.Reader.PerUserMFA(t.Context(), []string{id})
	if err != nil || was[0].Err != nil {
		t.Fatal(err, was)
	}
	for _, s := range []graph.PerUserMFA{graph.PerUserEnabled, was[0].State} {
		f.once(t, "set per-user MFA", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.SetPerUserMFA(ctx, id, s) })
		f.sees(t, "per-user MFA", func() bool {
			got, err := f.Reader.PerUserMFA(t.Context(), []string{id})
			return err == nil && got[0].State == s
		})
	}
}

// has reports whether a user has a method.
func (f Fixture) has(t *testing.T, userID, id string) bool {
	t.Helper()
	got, err := f.Reader.Methods(t.Context(), []string{userID})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	return slices.ContainsFunc(got[0].Methods, func(m graph.Method) bool { return m.ID == id })
}

// sees wants a change to be seen: at once, or in a real tenant within minutes.
func (f Fixture) sees(t *testing.T, what string, seen func() bool) {
	t.Helper()
	for range 60 {
		if seen() {
			return
		}
		if !f.Real {
			break
		}
		select {
		case <-time.After(3 * time.Second):
		case <-t.Context().Done():
		}
	}
	t.Errorf("%s: the change is not seen", what)
}
