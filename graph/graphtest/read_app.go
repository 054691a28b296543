package graphtest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
)

func app(t *testing.T, f Fixture) {
	got, err := f.Reader.App(t.Context(), f.Truth.App.ID)
	want := f.Truth.App
	for _, a := range []*graph.App{&got, &want} {
		slices.Sort(a.OwnerIDs)
		slices.SortFunc(a.Credentials, func(a, b graph.Credential) int { return strings.Compare(a.ID, b.ID) })
		slices.SortFunc(a.Permissions, func(a, b graph.AppGrant) int { return strings.Compare(a.ID, b.ID) })
	}
	same(t, "app", got, want, err)
}

func noApp(t *testing.T, f Fixture) {
	_, err := f.Reader.App(t.Context(), nobody)
	failed(t, err, graph.KindNotFound)
}

func grants(t *testing.T, f Fixture) {
	got, err := f.Reader.Grants(t.Context())
	if f.Truth.Grants == nil {
		failed(t, err, graph.KindNotSent)
		if _, ok := errors.AsType[graph.Mistake](err); !ok {
			t.Errorf("error: got %v, want a sentence for people", err)
		}
		return
	}
	if age := time.Since(got.AsOf); err == nil && (age < -time.Hour || age > 25*time.Hour) {
		t.Errorf("the token is from %v", got.AsOf)
	}
	got.AsOf = time.Time{}
	same(t, "own permissions", got, *f.Truth.Grants, err)
}
