package graph_test

import (
	"slices"
	"testing"
	"time"

	"twokey/graph"
)

func TestDeletionOrder(t *testing.T) {
	t.Parallel()
	const mobile, alternate, office = "3179e48a-750b-4051-897c-87b9720928f7", "B6332EC1-7057-4ABE-9331-3D72FEDDFE41", "e37fc753-ff3b-4958-9484-eaa9425c82bc"
	methods := []graph.Method{
		{ID: mobile, Kind: graph.MethodPhone},
		{ID: "password", Kind: graph.MethodPassword},
		{ID: "key", Kind: graph.MethodPasskey},
		{ID: "app 1", Kind: graph.MethodAuthenticator},
		{ID: alternate, Kind: graph.MethodPhone},
		{ID: "codes", Kind: graph.MethodSoftwareOATH},
		{ID: "mail", Kind: graph.MethodEmail},
		{ID: office, Kind: graph.MethodPhone},
		{ID: "app 2", Kind: graph.MethodAuthenticator, Created: time.Unix(1, 0)},
	}
	given := slices.Clone(methods)
	for _, tt := range []struct {
		prefers string
		want    []string
	}{
		{"", []string{"codes", "app 1", "app 2", "mail", "key", office, alternate, mobile}},
		{"push", []string{"codes", "mail", "key", office, alternate, mobile, "app 2", "app 1"}},
		{"oath", []string{"mail", "key", office, alternate, mobile, "app 2", "app 1", "codes"}},
		{"sms", []string{"codes", "app 1", "app 2", "mail", "key", office, alternate, mobile}},
		{"voiceMobile", []string{"codes", "app 1", "app 2", "mail", "key", office, alternate, mobile}},
		{"voiceAlternateMobile", []string{"codes", "app 1", "app 2", "mail", "key", office, mobile, alternate}},
		{"voiceOffice", []string{"codes", "app 1", "app 2", "mail", "key", alternate, mobile, office}},
		{"something new", []string{"codes", "app 1", "app 2", "mail", "key", office, alternate, mobile}},
	} {
		t.Run("prefers "+tt.prefers, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, m := range graph.DeletionOrder(methods, graph.SignInPreference{Method: tt.prefers}) {
				got = append(got, m.ID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if !slices.Equal(methods, given) {
				t.Error("the caller's list was changed")
			}
		})
	}
}
