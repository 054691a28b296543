package graphtest

import (
	"context"
	"reflect"
	"testing"

	"twokey/graph"
)

func userPages(t *testing.T, f Fixture) {
	got, err := allPages(t, f.Reader.UserPage)
	sameList(t, f, got, f.Truth.Users, err, func(u graph.User) string { return u.ID })
}

func registrationPages(t *testing.T, f Fixture) {
	got, err := allPages(t, f.Reader.RegistrationPage)
	if f.Truth.Licence < graph.P1 {
		failed(t, err, graph.KindNoLicence)
		return
	}
	sameList(t, f, got, f.Truth.Registrations, err, func(r graph.Registration) string { return r.UserID })
}

// allPages goes through a list page by page, and reads each page twice: a
// cursor is not used up.
func allPages[T any](t *testing.T, page func(context.Context, graph.Cursor) ([]T, graph.Cursor, error)) ([]T, error) {
	t.Helper()
	var all []T
	for at := graph.Cursor(""); ; {
		rows, next, err := page(t.Context(), at)
		if err != nil {
			return nil, err
		}
		again, same, err := page(t.Context(), at)
		if err != nil || same != next || !reflect.DeepEqual(again, rows) {
			t.Errorf("at %q: got %d rows and %q, and then %d and %q with error %v; want the same", at, len(rows), next, len(again), same, err)
		}
		all = append(all, rows...)
		if next == "" {
			return all, nil
		}
		at = next
	}
}

// noCursor asks for places that the tenant did not name.
func noCursor(t *testing.T, f Fixture) {
	for _, at := range []graph.Cursor{"p2", "https://elsewhere.invalid/v1.0/users?$skiptoken=x", "@elsewhere.invalid/"} {
		_, _, err := f.Reader.UserPage(t.Context(), at)
		failed(t, err, graph.KindRefused)
	}
}

// userChanges reads from now on: nothing changes meanwhile.
func userChanges(t *testing.T, f Fixture) {
	begin, err := f.Reader.UserChanges(t.Context(), "")
	if err != nil || begin.Next == "" || begin.Expired || len(begin.Changed)+len(begin.Removed) > 0 {
		t.Fatalf("from now on: got %+v and error %v, want a token alone", begin, err)
	}
	after, err := f.Reader.UserChanges(t.Context(), begin.Next)
	if err != nil || after.Next == "" || after.Expired || len(after.Changed)+len(after.Removed) > 0 {
		t.Errorf("a moment later: got %+v and error %v, want a token alone", after, err)
	}
}
