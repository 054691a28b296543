package graphtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"twokey/graph"
)

// deleteMethods takes all its methods from one user after another, until every
// kind that there is has been met: the default one last, and refused before.
func deleteMethods(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	met := map[graph.MethodKind]bool{}
	refused := 0
	for _, id := range sortedKeys(f.Truth.Methods) {
		order := graph.DeletionOrder(f.Truth.Methods[id], graph.SignInPreference{})
		if !slices.ContainsFunc(order, func(m graph.Method) bool { return !met[m.Kind] }) {
			continue
		}
		refused += deleteAll(t, f, id, order)
		for _, m := range order {
			met[m.Kind] = true
		}
		got, err := f.Reader.Methods(t.Context(), []string{id})
		if err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
		if left := graph.DeletionOrder(got[0].Methods, graph.SignInPreference{}); len(left) != 0 {
			t.Errorf("methods of %s: got %v after all were deleted", id, left)
		}
	}
	if len(met) < 5 {
		t.Errorf("the kinds %v were met: too few to prove anything", met)
	}
	if refused == 0 {
		t.Error("no default method was refused")
	}
}

// deleteAll deletes in order, and what is the default again at the end. It
// returns how often that was so.
func deleteAll(t *testing.T, f Fixture, id string, order []graph.Method) (refused int) {
	t.Helper()
	for len(order) > 0 {
		var again []graph.Method
		for _, m := range order {
			before := f.Applied()
			_, err := f.Writer.DeleteMethod(t.Context(), id, m)
			applied := f.Applied() - before
			switch {
			case errors.Is(err, graph.ErrDefaultMethod):
				failed(t, err, graph.KindRefused)
				again, refused = append(again, m), refused+1
				if applied != 0 {
					t.Errorf("a deletion that was refused was applied %d times", applied)
				}
			case err != nil:
				t.Fatalf("delete %s of %s: %v", m.Kind, id, err)
			case applied != 1:
				t.Errorf("delete %s of %s: applied %d times, want once", m.Kind, id, applied)
			}
		}
		if len(again) == len(order) {
			t.Fatalf("none of %v of %s can be deleted", order, id)
		}
		order = again
	}
	return refused
}

// deleteInOrder takes all their methods from some users in the order that knows
// which is the default: nothing is refused then.
func deleteInOrder(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	done := 0
	for _, id := range sortedKeys(f.Truth.Methods) {
		order := graph.DeletionOrder(f.Truth.Methods[id], f.Truth.Preferences[id])
		if len(order) < 2 || done == 12 {
			continue
		}
		done++
		for _, m := range order {
			if _, err := f.Writer.DeleteMethod(t.Context(), id, m); err != nil {
				t.Errorf("delete %s of %s, who prefers %+v, of %v: %v", m.Kind, id, f.Truth.Preferences[id], order, err)
			}
		}
	}
	if done == 0 {
		f.barren(t, "nobody has two methods")
	}
}

// setSignInPreference says both that somebody chooses and that the tenant does.
func setSignInPreference(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	i := slices.IndexFunc(sortedKeys(f.Truth.Methods), func(id string) bool {
		return slices.ContainsFunc(f.Truth.Methods[id], func(m graph.Method) bool { return m.Kind == graph.MethodAuthenticator })
	})
	id := sortedKeys(f.Truth.Methods)[i]
	for _, p := range []graph.SignInPreference{{Method: "push", System: false}, {Method: "push", System: true}, {Method: "push", System: false}} {
		f.once(t, "set sign-in preference", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			return w.SetSignInPreference(ctx, id, p)
		})
		got, err := f.Reader.SignInPreference(t.Context(), id)
		same(t, "sign-in preference", got, p, err)
	}
}

func methodThatIsNotThere(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was tried")
		return
	}
	before := f.Applied()
	for _, id := range []string{f.Truth.Users[0].ID, nobody} {
		_, err := f.Writer.DeleteMethod(t.Context(), id, graph.Method{ID: nobody, Kind: graph.MethodAuthenticator})
		failed(t, err, graph.KindNotFound)
	}
	if n := f.Applied() - before; n != 0 {
		t.Errorf("applied %d times, want never", n)
	}
}

// addPhones registers a mobile phone and an alternate one, and a second of
// either is refused.
func addPhones(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	id := f.userWithout(t, graph.MethodPhone)
	for _, p := range []graph.Phone{{Type: graph.PhoneMobile, Number: "+44 7700900123"}, {Type: graph.PhoneAlternate, Number: "+44 7700900124"}} {
		var made string
		f.once(t, "add phone", func(w graph.Writer, ctx context.Context) (receipt graph.Receipt, err error) {
			made, receipt, err = w.AddPhone(ctx, id, p)
			return receipt, err
		})
		m := f.method(t, id, made)
		if m.Kind != graph.MethodPhone || m.Phone() != p.Type {
			t.Errorf("phone: got %+v, want a phone of type %s", m, p.Type)
		}
		other := graph.Phone{Type: p.Type, Number: "+44 7700900125"}
		if is, err := f.Reader.HasPhone(t.Context(), id, p); err != nil || !is {
			t.Errorf("phone: it is not the one that was added: %v", err)
		}
		if is, err := f.Reader.HasPhone(t.Context(), id, other); err != nil || is {
			t.Errorf("phone: it is another: %t, %v", is, err)
		}
		_, _, err := f.Writer.AddPhone(t.Context(), id, p)
		failed(t, err, graph.KindRefused)
	}
}

// createPasses creates a pass and a second one, which takes the first one's
// place.
func createPasses(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	id := f.userWithout(t, graph.MethodTemporaryPass)
	var passes []graph.Pass
	for _, o := range []graph.PassOrder{{}, {Lifetime: 2 * time.Hour, Multi: true}} {
		f.once(t, "create pass", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			p, receipt, err := w.CreatePass(ctx, id, o)
			passes = append(passes, p)
			return receipt, err
		})
	}
	if passes[0].Code.Reveal() == "" || passes[0].Code == passes[1].Code || passes[0].ID == passes[1].ID {
		t.Errorf("passes: got %+v, want two different ones with a code each", passes)
	}
	if p := passes[1]; p.Lifetime != 2*time.Hour || p.Once || !passes[0].Once || p.Start.IsZero() {
		t.Errorf("passes: got %+v, want what was ordered", passes)
	}
	f.method(t, id, passes[1].ID)
	got, err := f.Reader.Methods(t.Context(), []string{id})
	if err != nil || slices.ContainsFunc(got[0].Methods, func(m graph.Method) bool { return m.ID == passes[0].ID }) {
		t.Errorf("methods: got %+v and error %v, want the first pass gone", got, err)
	}
}

func setPerUserMFA(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	id := f.Truth.Users[0].ID
	for _, s := range []graph.PerUserMFA{graph.PerUserEnforced, graph.PerUserEnabled, graph.PerUserDisabled} {
		f.once(t, "set per-user MFA", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.SetPerUserMFA(ctx, id, s) })
		got, err := f.Reader.PerUserMFA(t.Context(), []string{id})
		same(t, "per-user MFA", got, []graph.UserMFA{{UserID: id, State: s}}, err)
	}
}

func blockAndUnblock(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	id := f.userWithout(t, graph.MethodTemporaryPass)
	for _, enabled := range []bool{false, true} {
		f.once(t, "block or unblock", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
			return w.SetAccountEnabled(ctx, id, enabled)
		})
		got, err := f.Reader.User(t.Context(), id)
		if err != nil || got.Enabled != enabled {
			t.Errorf("user: got %+v and error %v, want enabled: %v", got, err, enabled)
		}
	}
}

// revoke moves the moment since when a user's sessions count.
func revoke(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was changed")
		return
	}
	id := f.Truth.Users[0].ID
	was, err := f.Reader.SessionsFrom(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	f.once(t, "revoke sessions", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) {
		return w.RevokeSessions(ctx, id)
	})
	f.sees(t, "revoke sessions", func(ctx context.Context) (bool, error) {
		is, err := f.Reader.SessionsFrom(ctx, id)
		return is.After(was), err
	})
	_, err = f.Reader.SessionsFrom(t.Context(), nobody)
	failed(t, err, graph.KindNotFound)
	before := f.Applied()
	_, err = f.Writer.RevokeSessions(t.Context(), nobody)
	failed(t, err, graph.KindNotFound)
	if n := f.Applied() - before; n != 0 {
		t.Errorf("applied %d times, want never", n)
	}
}

// mail goes from one mailbox to another, and from nobody's nowhere.
func mail(t *testing.T, f Fixture) {
	if !f.free() {
		t.Log("not the whole tenant: nothing was sent")
		return
	}
	from := f.Truth.Users[slices.IndexFunc(f.Truth.Users, func(u graph.User) bool { return u.Mail != "" && !u.Guest && u.Enabled })]
	m := graph.Mail{From: from.ID, To: from.Mail, Subject: "A test", HTML: "<p>A test.</p>", Ref: "N-TEST22"}
	f.once(t, "send mail", func(w graph.Writer, ctx context.Context) (graph.Receipt, error) { return w.SendMail(ctx, m) })
	m.From = nobody
	before := f.Applied()
	_, err := f.Writer.SendMail(t.Context(), m)
	failed(t, err, graph.KindNotFound)
	if n := f.Applied() - before; n != 0 {
		t.Errorf("applied %d times, want never", n)
	}
}

// userWithout returns an enabled member who has no method of a kind.
func (f Fixture) userWithout(t *testing.T, kind graph.MethodKind) string {
	t.Helper()
	for _, u := range f.Truth.Users {
		list, known := f.Truth.Methods[u.ID]
		if known && u.Enabled && !u.Guest && !slices.ContainsFunc(list, func(m graph.Method) bool { return m.Kind == kind }) {
			return u.ID
		}
	}
	t.Fatalf("everybody has a method of the kind %s", kind)
	return ""
}

// method returns a user's method by its ID.
func (f Fixture) method(t *testing.T, userID, id string) graph.Method {
	t.Helper()
	got, err := f.Reader.Methods(t.Context(), []string{userID})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	i := slices.IndexFunc(got[0].Methods, func(m graph.Method) bool { return m.ID == id })
	if i < 0 {
		t.Fatalf("methods of %s: got %v, want %s among them", userID, got[0].Methods, id)
	}
	return got[0].Methods[i]
}
