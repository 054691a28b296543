package simtenant

import "net/http"

// defaultsID is the id of the security defaults policy in every tenant.
const defaultsID = "00000000-0000-0000-0000-000000000005"

var defaultsSet = &set{
	typ:   "microsoft.graph.identitySecurityDefaultsEnforcementPolicy",
	known: words("id deletedDateTime displayName description isEnabled"),
}

func getDefaults(c *call) (*answer, error) {
	return c.one(defaultsSet, "policies/identitySecurityDefaultsEnforcementPolicy", document{
		"id": defaultsID, "deletedDateTime": nil, "displayName": "Security Defaults",
		"description": "A set of basic identity security mechanisms, recommended by Microsoft and enforced for everybody in the organization.",
		"isEnabled":   c.view.state.defaults,
	})
}

var defaultsBody = shape{"id": text, "displayName": text, "description": text, "deletedDateTime": text, "isEnabled": flag}

// patchDefaults switches security defaults. That enabled Conditional Access
// policies forbid it is known of the portal; what the API answers then is not,
// so the sentence is ours.
func patchDefaults(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := defaultsBody.check("", d); wrong != "" {
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
	}
	enable, asked := d["isEnabled"].(bool)
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		done := &answer{status: http.StatusNoContent}
		if !asked {
			return nil, note{}, done, nil
		}
		if enable && old.enforces() {
			return nil, note{}, nil, badRequest("Conditional Access policies are enabled in the tenant. You must disable them before enabling Security Defaults.")
		}
		next := *old
		next.defaults = enable
		return &next, note{
			activity: "Update security defaults", kind: "Update", targetID: defaultsID, target: "Security Defaults",
			property: "isEnabled", old: boolWord(old.defaults), new: boolWord(enable),
		}, done, nil
	})
}

func boolWord(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
