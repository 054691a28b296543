package simtenant

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/graph"
)

// signedIn is somebody who signed in, until the app comes for the ID token.
type signedIn struct {
	session
	client, redirect, challenge, nonce, scope string
	timed                                     bool     // the app asked when they signed in
	contexts                                  []string // of those asked for, which they satisfied
	until                                     time.Time
}

// session is what a browser's cookie stands for: somebody signed in there.
type session struct {
	user string // object id
	at   time.Time
	mfa  bool // a second factor was asked for, and given
}

// codeLife is how long a code waits for its app.
const codeLife = 10 * time.Minute

// sessionCookie is named as Microsoft's is.
const sessionCookie = "ESTSAUTH"

// wish is what an app asks of a sign-in, beside the addresses.
type wish struct {
	prompt   string
	maxAge   time.Duration // negative: any
	contexts []string      // authentication contexts
}

// authorize signs a person in, by the form of the sign-in service or by the
// session that their browser has already, and sends them back to the app with a
// code.
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
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return c.back("error", "invalid_request", "error_description", "AADSTS700055: only the response mode query is to be had here.")
	case q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256":
		return c.back("error", "invalid_request", "error_description", "AADSTS501491: a code_challenge by S256 is wanted here.")
	}
	w, wrong := readWish(q)
	if wrong != "" {
		return c.back("error", "invalid_request", "error_description", wrong)
	}
	if c.method == http.MethodPost {
		return c.submitted(a, w)
	}
	s, ok := c.session()
	switch {
	case ok && w.takes(s, c.view.now) && (s.mfa || !c.demandsMFA(w, s.user)):
		return c.admit(a, w, s)
	case w.prompt == "none":
		return c.back("error", "login_required", "error_description", "AADSTS50058: A silent sign-in request was sent but no user is signed in.")
	default:
		return c.signInForm("", q.Get("login_hint"))
	}
}

func readWish(q url.Values) (w wish, wrong string) {
	w.prompt, w.maxAge = q.Get("prompt"), -1
	if !slices.Contains([]string{"", "login", "none", "select_account", "consent"}, w.prompt) {
		return w, "AADSTS90023: Unsupported 'prompt' value."
	}
	if age := q.Get("max_age"); age != "" {
		seconds, err := strconv.ParseUint(age, 10, 31)
		if err != nil {
			return w, "AADSTS900144: max_age is no number of seconds."
		}
		w.maxAge = time.Duration(seconds) * time.Second
	}
	if text := q.Get("claims"); text != "" {
		var asked struct {
			IDToken struct {
				ACRS struct {
					Value  string   `json:"value"`
					Values []string `json:"values"`
				} `json:"acrs"`
			} `json:"id_token"`
		}
		if json.Unmarshal([]byte(text), &asked) != nil {
			return w, "AADSTS50137: Claims parameter is not valid JSON."
		}
		w.contexts = slices.DeleteFunc(append(asked.IDToken.ACRS.Values, asked.IDToken.ACRS.Value), func(s string) bool { return s == "" })
	}
	return w, ""
}

// takes reports whether a session will do.
func (w wish) takes(s session, now time.Time) bool {
	fresh := w.maxAge < 0 || now.Sub(s.at) < w.maxAge
	return fresh && w.prompt != "login" && w.prompt != "select_account"
}

// session is the one of the browser that calls, as long as its account is there
// and its sessions were not ended.
func (c *call) session() (session, bool) {
	cookie, err := (&http.Request{Header: c.header}).Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	s, ok := c.t.sessions.look(cookie.Value)
	u, there := c.person(s.user)
	return s, ok && there && u.enabled() && !u.validFrom.After(s.at)
}

func (c *call) person(idOrUPN string) (*account, bool) {
	i, ok := c.view.find(idOrUPN)
	if !ok {
		return nil, false
	}
	return c.view.account(i)
}

// demandsMFA reports whether the tenant wants a second factor: for an
// authentication context, or because of security defaults, which leave those
// alone who have none yet.
func (c *call) demandsMFA(w wish, user string) bool {
	u, ok := c.person(user)
	return ok && (len(c.satisfiable(w)) > 0 || c.view.state.defaults && len(u.factors(c.view.now)) > 0)
}

// satisfiable are the contexts that the app asked for and the tenant knows. They are
// a part of Conditional Access, so that there are none without P1.
func (c *call) satisfiable(w wish) (known []string) {
	if c.t.cfg.Licence < graph.P1 {
		return nil
	}
	for _, context := range w.contexts {
		if slices.Contains(c.t.cfg.Contexts, context) {
			known = append(known, context)
		}
	}
	return known
}

// factors are the methods that can be a second factor.
func (a *account) factors(now time.Time) (list []method) {
	for _, m := range a.visible(now) {
		if m.kind.Strength() > graph.NotMFA && m.kind != graph.MethodTemporaryPass {
			list = append(list, m)
		}
	}
	return list
}

// admit sends the browser back with a code, and with its session.
func (c *call) admit(a *application, w wish, s session) (*answer, error) {
	q := c.query
	code := signedIn{
		session: s, client: a.ClientID, redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), scope: q.Get("scope"),
		timed: w.maxAge >= 0 || slices.Contains(a.IDClaims, "auth_time"), until: c.view.now.Add(codeLife),
	}
	if s.mfa {
		code.contexts = c.satisfiable(w)
	}
	out, err := c.back("code", c.t.codes.keep(code), "session_state", newID())
	if err != nil {
		return nil, err
	}
	cookie := http.Cookie{Name: sessionCookie, Value: c.t.sessions.keep(s), Path: "/", HttpOnly: true, Secure: strings.HasPrefix(c.base, "https:"), SameSite: http.SameSiteLaxMode}
	out.header["Set-Cookie"] = cookie.String()
	return out, nil
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
