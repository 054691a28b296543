package simtenant

import (
	"net/http"
	"time"
)

// concealLag is how long usage reports go on as before after the tenant began
// or ceased to conceal names.
const concealLag = 5 * time.Minute

var reportSettingsSet = &set{typ: "microsoft.graph.adminReportSettings", known: words("id displayConcealedNames")}

func getReportSettings(c *call) (*answer, error) {
	a, err := c.one(reportSettingsSet, "admin/reportSettings", document{"displayConcealedNames": c.view.state.concealed})
	if err != nil {
		return nil, err
	}
	delete(a.body.(document), "id") // it is one of a kind and has none
	return a, nil
}

// patchReportSettings says whether usage reports hide names.
func patchReportSettings(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := (shape{"id": text, "displayConcealedNames": flag}).check("", d); wrong != "" {
		return nil, badRequest(wrong)
	}
	conceal, asked := d["displayConcealedNames"].(bool)
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		done := &answer{status: http.StatusNoContent}
		if !asked {
			return nil, note{}, done, nil
		}
		next := *old
		next.concealed = conceal
		return &next, note{
			activity: "Update tenant settings", kind: "Update", category: "DirectoryManagement", target: "Report settings",
			property: "displayConcealedNames", old: boolWord(old.concealed), new: boolWord(conceal),
		}, done, nil
	})
}
