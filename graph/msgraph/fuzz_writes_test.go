package msgraph_test

import (
	"testing"

	"twokey/graph"
	"twokey/graph/msgraph"
)

// checkWrites makes the changes whose answers are read, and one whose is not.
// A success has to be one, and what was created has to have been said.
func checkWrites(t *testing.T, c *msgraph.Client, a anyAnswer, said map[string]any, asError func(string, error) bool) {
	t.Helper()
	good := a.status >= 200 && a.status <= 299
	id, _, err := c.CreatePolicy(t.Context(), graph.PolicyDraft{Does: graph.AimRequireMFA, Mark: "R-ABC234", ExcludeUsers: []string{someID}})
	if !asError("CreatePolicy", err) && (!good || id == "" || said["id"] != id) {
		t.Errorf("CreatePolicy: got %q for %d %s", id, a.status, a.body)
	}
	id, _, err = c.AddPhone(t.Context(), someID, graph.Phone{Type: graph.PhoneMobile, Number: "+44 7700900123"})
	if !asError("AddPhone", err) && (!good || id == "" || said["id"] != id) {
		t.Errorf("AddPhone: got %q for %d %s", id, a.status, a.body)
	}
	pass, _, err := c.CreatePass(t.Context(), someID, graph.PassOrder{})
	if !asError("CreatePass", err) && (!good || said["temporaryAccessPass"] != pass.Code.Reveal() || said["isUsableOnce"] != pass.Once || pass.Code.Reveal() == "") {
		t.Errorf("CreatePass: got %+v for %d %s", pass, a.status, a.body)
	}
	_, err = c.RevokeSessions(t.Context(), someID)
	if !asError("RevokeSessions", err) && (!good || len(a.body) > 0 && said == nil) {
		t.Errorf("RevokeSessions: got success for %d %q", a.status, a.body)
	}
	app, err := c.App(t.Context(), someID)
	if !asError("App", err) && (said["accountEnabled"] != app.Enabled || app.Credentials == nil) {
		t.Errorf("App: got %+v for %s", app, a.body)
	}
}
