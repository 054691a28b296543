package simtenant

import (
	"net/http"
	"time"
)

// revokeSessions ends a user's sessions: those who hold tokens from before have
// to sign in again, some minutes later than the answer says so.
func revokeSessions(c *call) (*answer, error) {
	return c.changeUser(func(d *draft, i int, a *account, e Effect) (*answer, error) {
		was := a.prop(&d.view, validFromProperty)
		a.validFrom = e.At.Truncate(time.Second)
		d.put(i, a, validFromProperty)
		d.say(a, note{
			activity: "Update StsRefreshTokenValidFrom Timestamp", kind: "Update",
			property: "StsRefreshTokensValidFrom", old: jsonText([]any{plain(was)}), new: jsonText([]any{stamp(a.validFrom)}),
		})
		return &answer{status: http.StatusOK, body: document{"@odata.context": c.context("Edm.Boolean", nil), "value": true}}, nil
	})
}

const validFromProperty = "signInSessionsValidFromDateTime"
