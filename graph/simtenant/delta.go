package simtenant

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// deltaLife is how long a token of a delta query is good: after it the tenant
// wants a full reading again.
const deltaLife = 7 * day

// deltaToken is a place in a reading of changed users. A reading is of the
// accounts as they are, or of what changed since another reading; both go page
// by page, and what was asked at the beginning holds until the end.
type deltaToken struct {
	Tenant string    `json:"t"`
	Begun  time.Time `json:"b"`           // when the reading was
	Seen   int       `json:"n"`           // so many changes are in the reading before
	Until  int       `json:"u"`           // and so many after this one
	Next   int       `json:"k"`           // where the page begins: a change, or an account
	Full   bool      `json:"f,omitempty"` // of the accounts as they are
	Top    int       `json:"p"`
	Select []string  `json:"s,omitempty"`
}

func (t deltaToken) String() string {
	raw, err := json.Marshal(t)
	if err != nil {
		return "" // a token is made of plain values
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseDeltaToken(token string) (t deltaToken, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return t, false
	}
	return t, t.Top >= 1 && t.Top <= userSet.maxTop && t.Seen >= 0 && t.Next >= 0 && (t.Full || t.Until == 0 || t.Next >= t.Seen)
}

// listChangedUsers answers users/delta.
func listChangedUsers(c *call) (*answer, error) {
	t, err := c.deltaToken()
	if err != nil {
		return nil, err
	}
	turn := c.changesPage
	if t.Full {
		turn = c.fullPage
	}
	rows, more := turn(&t)
	body := document{"@odata.context": c.context("users", t.Select), "value": rows}
	if more {
		body["@odata.nextLink"] = c.deltaLink("$skiptoken", t)
	} else {
		body["@odata.deltaLink"] = c.deltaLink("$deltatoken", deltaToken{Tenant: t.Tenant, Begun: t.Begun, Seen: t.Until, Top: t.Top, Select: t.Select})
	}
	return &answer{status: http.StatusOK, body: body}, nil
}

func (c *call) deltaLink(option string, t deltaToken) string {
	return c.base + "/" + c.version + "/users/delta?" + option + "=" + t.String()
}

// fullPage are the accounts that are there from a place on, with what they
// have: a property that was never set does not come.
func (c *call) fullPage(t *deltaToken) (rows []any, more bool) {
	rows = []any{}
	for i, a := range c.view.accounts(t.Next) {
		if len(rows) == t.Top {
			t.Next = i
			return rows, true
		}
		rows = append(rows, c.changedUser(t, a, nil))
	}
	return rows, false
}

// changesPage are the accounts that changed, each once and as it became. One of
// which nothing changed that was asked for does not come.
func (c *call) changesPage(t *deltaToken) (rows []any, more bool) {
	rows = []any{}
	for k := t.Next; k < t.Until; k++ {
		e, touched, newest := c.t.roster.change(k, t.Seen, t.Until)
		if !newest || !e.gone && !t.asks(touched) {
			continue
		}
		if len(rows) == t.Top {
			t.Next = k
			return rows, true
		}
		if e.gone { // not for good: an administrator could bring it back for 30 days
			rows = append(rows, document{"id": e.account.id, "@removed": document{"reason": "changed"}})
		} else {
			rows = append(rows, c.changedUser(t, e.account, touched))
		}
	}
	return rows, false
}

func (t *deltaToken) properties() []string {
	if len(t.Select) == 0 {
		return userSet.standard
	}
	return t.Select
}

func (t *deltaToken) asks(touched []string) bool {
	return slices.ContainsFunc(touched, func(p string) bool { return p == existence || slices.Contains(t.properties(), p) })
}

func (c *call) changedUser(t *deltaToken, a *account, touched []string) document {
	row := document{"id": a.id}
	for _, p := range t.properties() {
		if v := plain(a.prop(&c.view, p)); v != nil || slices.Contains(touched, p) {
			row[p] = v
		}
	}
	return row
}

// deltaToken reads where a call wants to go on, or begins a reading.
func (c *call) deltaToken() (deltaToken, error) {
	fresh := deltaToken{Tenant: c.t.world.tenantID, Begun: c.view.now, Until: c.view.changes, Full: true, Top: userSet.top}
	for key, values := range c.query {
		key = strings.ToLower(key)
		switch token := values[0]; {
		case !strings.HasPrefix(key, "$"), key == "$deltatoken" && token == "":
		case key == "$deltatoken" && token == "latest": // of nothing, to know what comes after
			fresh.Full, fresh.Seen, fresh.Next = false, fresh.Until, fresh.Until
		case key == "$skiptoken" || key == "$deltatoken":
			if len(c.query) > 1 {
				return fresh, badRequest("The options of a delta query are in its token and cannot be given again.")
			}
			return c.resumed(token, key == "$deltatoken")
		default:
			if err := c.deltaOption(&fresh, key, token); err != nil {
				return fresh, err
			}
		}
	}
	return fresh, nil
}

// deltaOption sets an option at the beginning of a reading. What lies outside
// the directory is not tracked; the words of that refusal are ours.
func (c *call) deltaOption(t *deltaToken, key, value string) (err error) {
	switch key {
	case "$select":
		t.Select, err = names(userSet, userSet.known, value)
		if err == nil && slices.Contains(t.Select, "signInActivity") {
			err = unsupportedQuery("Change tracking is not supported for property 'signInActivity'.")
		}
	case "$top":
		if t.Top, err = strconv.Atoi(value); err != nil || t.Top < 1 || t.Top > userSet.maxTop {
			err = refuse(http.StatusBadRequest, "Request_BadRequest", "Invalid page size specified: '"+value+"'. Must be between 1 and 999 inclusive.")
		}
	default:
		err = unsupportedQuery("The query option '" + key + "' is not supported for a delta query of " + userSet.typ + ".")
	}
	return err
}

// resumed reads a token: of a page, or of an earlier reading, which begins one
// of what changed since. A caller who comes to a place that lags finds nothing
// new rather than the past.
func (c *call) resumed(token string, anew bool) (deltaToken, error) {
	t, ok := parseDeltaToken(token)
	if !ok {
		return t, badRequest("The token of the delta query is not valid.")
	}
	if t.Tenant != c.t.world.tenantID || c.view.now.Sub(t.Begun) > deltaLife || max(t.Seen, t.Until) > c.t.roster.length() {
		return t, c.expired()
	}
	if anew {
		t.Begun, t.Full, t.Next, t.Until = c.view.now, false, t.Seen, max(t.Seen, c.view.changes)
	}
	return t, nil
}

// expired refuses a token that grew old. Microsoft describes two ways: 410 with
// the address of a new beginning, and 400; a tenant keeps to one of them.
func (c *call) expired() error {
	r := refuse(http.StatusGone, "syncStateNotFound", "The sync state generation is not found. The delta token is expired and data must be synchronized again.")
	if c.t.world.seed%2 == 0 {
		r.status = http.StatusBadRequest
		return r
	}
	r.location = c.base + "/" + c.version + "/users/delta?$deltatoken="
	return r
}
