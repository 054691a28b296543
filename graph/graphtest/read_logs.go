package graphtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"twokey/graph"
)

func methodsPolicy(t *testing.T, f Fixture) {
	got, err := f.Reader.MethodsPolicy(t.Context())
	same(t, "methods policy", got, f.Truth.MethodsPolicy, err)
}

func audits(t *testing.T, f Fixture) {
	got, err := f.Reader.Audits(t.Context(), graph.AuditQuery{})
	sameList(t, f, f.known(got), f.Truth.Audits, err, auditID)
	if !slices.IsSortedFunc(got, func(a, b graph.Audit) int { return b.At.Compare(a.At) }) {
		t.Error("the newest do not come first")
	}
}

func auditID(a graph.Audit) string { return a.ID }

// known leaves out what a real tenant's log has taken in since it was learned.
func (f Fixture) known(got []graph.Audit) []graph.Audit {
	if !f.Real {
		return got
	}
	return slices.DeleteFunc(slices.Clone(got), func(a graph.Audit) bool {
		return !slices.ContainsFunc(f.Truth.Audits, func(known graph.Audit) bool { return known.ID == a.ID })
	})
}

// someAudits narrows the log in every way, around a line that it holds.
func someAudits(t *testing.T, f Fixture) {
	all := f.Truth.Audits
	if len(all) < 3 || len(all[len(all)/2].Targets) == 0 {
		f.barren(t, "the tenant's log is too short")
		return
	}
	one := all[len(all)/2]
	for _, q := range []graph.AuditQuery{
		{Since: one.At},
		{Until: one.At},
		{Since: one.At, Until: one.At.Add(time.Minute)},
		{Service: one.Service},
		{Category: one.Category},
		{TargetID: one.Targets[0].ID},
		{Since: one.At.Add(-time.Minute), Service: one.Service, Category: one.Category, TargetID: one.Targets[0].ID},
	} {
		var want []graph.Audit
		for _, a := range all {
			if matches(q, a) {
				want = append(want, a)
			}
		}
		got, err := f.Reader.Audits(t.Context(), q)
		sameList(t, f, f.known(got), want, err, auditID)
	}
}

func matches(q graph.AuditQuery, a graph.Audit) bool {
	return !a.At.Before(q.Since) && (q.Until.IsZero() || !a.At.After(q.Until)) &&
		(q.Service == "" || a.Service == q.Service) && (q.Category == "" || a.Category == q.Category) &&
		(q.TargetID == "" || slices.ContainsFunc(a.Targets, func(t graph.AuditTarget) bool { return t.ID == q.TargetID }))
}

func legacySignIns(t *testing.T, f Fixture) {
	var got []graph.SignIn
	err := f.Reader.EachLegacySignIn(t.Context(), f.Truth.Since, time.Time{}, func(s graph.SignIn) error {
		got = append(got, s)
		return nil
	})
	if f.Truth.Licence < graph.P1 {
		failed(t, err, graph.KindNoLicence)
		return
	}
	key := func(s graph.SignIn) string {
		return s.At.Format("2006-01-02T15:04:05.000000000") + s.UserID + s.Client + s.App
	}
	sameList(t, f, got, f.Truth.LegacySignIns, err, key)
}

// signInsOf finds in the whole log of a few people what the log of legacy clients
// has of them.
func signInsOf(t *testing.T, f Fixture) {
	if f.Truth.Licence < graph.P1 {
		_, err := f.Reader.SignInsOf(t.Context(), "nobody", f.Truth.Since)
		failed(t, err, graph.KindNoLicence)
		return
	}
	legacy := map[string][]graph.SignIn{}
	for _, s := range f.Truth.LegacySignIns {
		if len(legacy) < 3 || legacy[s.UserID] != nil {
			legacy[s.UserID] = append(legacy[s.UserID], s)
		}
	}
	for id, want := range legacy {
		all, err := f.Reader.SignInsOf(t.Context(), id, f.Truth.Since)
		var got []graph.SignIn
		for i, s := range all {
			if s.UserID != id || s.At.Before(f.Truth.Since) || i > 0 && s.At.After(all[i-1].At) {
				t.Errorf("of %s since %v, newest first: got %+v", id, f.Truth.Since, s)
			}
			if graph.LegacyClient(s.Client) {
				got = append(got, s)
			}
		}
		sameList(t, f, got, want, err, func(s graph.SignIn) string { return s.At.Format(time.RFC3339Nano) + s.Client + s.App })
	}
}

// enoughSignIns ends the reading from inside.
func enoughSignIns(t *testing.T, f Fixture) {
	if f.Truth.Licence < graph.P1 || len(f.Truth.LegacySignIns) == 0 && f.Real {
		return
	}
	enough := errors.New("enough")
	n := 0
	err := f.Reader.EachLegacySignIn(t.Context(), f.Truth.Since, time.Time{}, func(graph.SignIn) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("got error %v after %d sign-ins, want the error of the first", err, n)
	}
}

func emailAppUse(t *testing.T, f Fixture) {
	got, err := f.Reader.EmailAppUse(t.Context(), f.Truth.EmailAppUse.Period)
	if err != nil {
		t.Fatal(err)
	}
	want := f.Truth.EmailAppUse
	sameList(t, f, got.Rows, want.Rows, nil, func(r graph.EmailAppRow) string { return r.UPN })
	got.Rows, want.Rows = nil, nil
	same(t, "report without its rows", got, want, nil)
	_, err = f.Reader.EmailAppUse(t.Context(), 8)
	failed(t, err, graph.KindNotSent)
}

func outlookVersions(t *testing.T, f Fixture) {
	got, err := f.Reader.OutlookVersions(t.Context(), f.Truth.EmailAppUse.Period)
	same(t, "Outlook versions", got, f.Truth.OutlookVersions, err)
	if len(f.Truth.OutlookVersions.Users) == 0 {
		f.barren(t, "the tenant counts none")
	}
}

func namesConcealed(t *testing.T, f Fixture) {
	got, err := f.Reader.NamesConcealed(t.Context())
	same(t, "names concealed", got, f.Truth.NamesConcealed, err)
	if f.Truth.EmailAppUse.Concealed != f.Truth.NamesConcealed {
		t.Log("the reports do not follow the setting yet")
	}
}
