package simtenant_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// The demo's figures, its pictures and other packages' tests are made of these
// worlds. A change of theirs has to be meant: it moves every figure in the docs.
func TestWorldOfASeedStaysAsItIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg  simtenant.Config
		want string
	}{
		"600 people on P1":           {simtenant.Config{Licence: graph.P1, Seed: 3, People: 600}, "8197207efd018cf5"},
		"60 people a month earlier":  {simtenant.Config{Licence: graph.P2, Seed: 7, People: 60, Now: newClock(epoch.Add(-30 * 24 * time.Hour)).Now}, "2b4c100fea08a8e9"},
		"the demo's, six weeks late": {simtenant.Config{Licence: graph.P1, Now: newClock(epoch.Add(40 * 24 * time.Hour)).Now}, "2d3ad89dbc487b80"},
	} {
		h, sum := newTenant(t, tt.cfg), sha256.New()
		for _, path := range []string{
			"/v1.0/users?$select=" + everyUserProperty, "/v1.0/reports/authenticationMethods/userRegistrationDetails",
			"/v1.0/roleManagement/directory/roleAssignments?$expand=principal", "/v1.0/auditLogs/signIns?$top=200",
			"/beta/auditLogs/signIns?$top=200&$filter=" + url.QueryEscape("signInEventTypes/any(t:t eq 'nonInteractiveUser')"),
			"/v1.0/auditLogs/directoryAudits?$filter=" + url.QueryEscape("loggedByService eq 'Authentication Methods'"),
		} {
			sum.Write(ask(h, "GET", path, "").raw)
		}
		for _, u := range list(t, h, "/v1.0/users?$select=id&$top=999") {
			sum.Write(ask(h, "GET", "/v1.0/users/"+u["id"].(string)+"/authentication/methods", "").raw)
		}
		if got := hex.EncodeToString(sum.Sum(nil)[:8]); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
