package msgraph_test

import (
	"testing"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// besides are the permissions to read that some changes need on top of their own.
var besides = map[string][]graph.Permission{
	"SetSecurityDefaults": {"Policy.Read.All"},
	"CreatePolicy":        {"Policy.Read.All", "Application.Read.All"},
	"SetPolicyState":      {"Policy.Read.All", "Application.Read.All"},
	"SetAccountEnabled":   {"User.Read.All"},
}

// TestNarrowestPermission: an app without the permission that a change asks for
// is told which one it lacks, and with that one, it can.
func TestNarrowestPermission(t *testing.T) {
	t.Parallel()
	for _, w := range writes {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			try := func(permissions ...graph.Permission) (*matrix, error) {
				m := &matrix{t: t}
				root := newServer(t, m.open(graph.P1, simtenant.App{ClientID: ourApp, Permissions: permissions}))
				c := client(t, msgraph.Config{BaseURL: root + "/v1.0", Credential: msgraph.StaticToken(ourApp)})
				return m, w.send(t.Context(), c, m)
			}
			m, err := try(besides[w.name]...)
			lacking := wantError(t, err, graph.KindNoPermission).Permission
			if n := len(m.tenant.Ledger()); n != 0 || lacking == "" {
				t.Errorf("without it: got %d changes and the permission %q, want none and its name", n, lacking)
			}
			m, err = try(append([]graph.Permission{graph.Permission(lacking)}, besides[w.name]...)...)
			if n := len(m.tenant.Ledger()); err != nil || n != 1 {
				t.Errorf("with %s: got error %v and %d changes, want one", lacking, err, n)
			}
		})
	}
}
