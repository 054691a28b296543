package simtenant

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"twokey/graph"
)

// signedIn is somebody who signed in, until the app comes for the ID token.
type signedIn struct {
	client, redirect, challenge, nonce, scope string
	user                                      string // object id
	at, until                                 time.Time
}

// codes are the authorization codes that nobody has come with yet.
type codes struct {
	mu   sync.Mutex
	list map[string]signedIn
}

// codeLife is how long a code waits, and maxCodes how many of them may.
const (
	codeLife = 10 * time.Minute
	maxCodes = 10000
)

func (c *codes) keep(s signedIn) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.list == nil || len(c.list) >= maxCodes {
		c.list = map[string]signedIn{}
	}
	code := newID() + newID()
	c.list[code] = s
	return code
}

// take returns what a code stands for. Each is good once.
func (c *codes) take(code string) (signedIn, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.list[code]
	delete(c.list, code)
	return s, ok
}

// authorize signs a person in without asking for anything: whom login_hint
// names, or whom one picks from the page that comes without it. Then it sends
// the browser back to the app with a code.
func (c *call) authorize() (*answer, error) {
	q := c.query
	a, ok := c.view.state.app(q.Get("client_id"))
	switch {
	case !ok:
		return nil, aadsts(http.StatusBadRequest, "unauthorized_client", 700016, "Application with identifier '"+q.Get("client_id")+"' was not found in the directory.")
	case !slices.Contains(a.Redirects, q.Get("redirect_uri")):
		return nil, aadsts(http.StatusBadRequest, "invalid_request", 50011, "The redirect URI specified in the request does not match the redirect URIs configured for the application.")
	case q.Get("response_type") != "code":
		return c.back("error", "unsupported_response_type", "error_description", "AADSTS70007: only a code can be had here.")
	case q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256":
		return c.back("error", "invalid_request", "error_description", "AADSTS501491: a code_challenge by S256 is wanted here.")
	case q.Get("login_hint") == "":
		return c.pickAccount()
	}
	i, ok := c.view.find(q.Get("login_hint"))
	if !ok {
		return nil, aadsts(http.StatusBadRequest, "invalid_grant", 50034, "The user account "+q.Get("login_hint")+" does not exist in the directory.")
	}
	u, _ := c.view.account(i)
	if !u.enabled() {
		return nil, aadsts(http.StatusBadRequest, "invalid_grant", 50057, "The user account is disabled.")
	}
	code := c.t.codes.keep(signedIn{
		client: a.ClientID, redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), scope: q.Get("scope"),
		user: u.id, at: c.view.now, until: c.view.now.Add(codeLife),
	})
	return c.back("code", code)
}

// back sends the browser to the app's address, with the state that it gave.
func (c *call) back(pairs ...string) (*answer, error) {
	to, err := url.Parse(c.query.Get("redirect_uri"))
	if err != nil {
		return nil, aadsts(http.StatusBadRequest, "invalid_request", 50011, "The redirect URI is not an address.")
	}
	q := to.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if state := c.query.Get("state"); state != "" {
		q.Set("state", state)
	}
	to.RawQuery = q.Encode()
	return &answer{status: http.StatusFound, header: map[string]string{"Location": to.String()}}, nil
}

var accountsPage = template.Must(template.New("accounts").Parse(`<!doctype html><meta charset="utf-8"><title>Pick an account</title>
<h1>Pick an account</h1><p>This is a simulated tenant: no password is asked for.</p>
<ul>{{range .}}<li><a href="{{.Address}}">{{.Name}}</a> {{.UPN}}</li>
{{end}}</ul>
`))

// pickAccount shows the people of the demo, each as a link to here.
func (c *call) pickAccount() (*answer, error) {
	type choice struct {
		Member
		Address string
	}
	var list []choice
	for _, m := range Cast(c.t.world.seed) {
		q := url.Values{}
		for k, v := range c.query {
			q[k] = v
		}
		q.Set("login_hint", m.UPN)
		list = append(list, choice{m, "?" + q.Encode()})
	}
	var b bytes.Buffer
	if err := accountsPage.Execute(&b, list); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: page(b.String())}, nil
}

// strongest is the best strength of the methods that an account holds.
func (a *account) strongest(now time.Time) graph.Strength {
	best := graph.NotMFA
	for _, m := range a.visible(now) {
		best = max(best, m.kind.Strength())
	}
	return best
}
