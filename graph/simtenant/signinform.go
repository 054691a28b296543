package simtenant

import (
	"bytes"
	"crypto/subtle"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"twokey/graph"
)

// Password is everybody's in the simulated tenant.
const Password = "harbour-and-vale"

// halfway is somebody whose password was right, before their second factor.
type halfway struct {
	user  string
	at    time.Time
	until time.Time
}

// halfwayLife is how long the service waits for a second factor.
const halfwayLife = 5 * time.Minute

// signInPages are as few as can be. What is refused is said on the page, with
// Microsoft's number for it.
var signInPages = template.Must(template.New("").Parse(`
{{define "form"}}<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in</title>
<h1>Sign in</h1><p>This is a simulated tenant. Everybody's password is <code>{{.Password}}</code>, or a Temporary Access Pass.</p>
{{with .Wrong}}<p id="error" role="alert">{{.}}</p>{{end}}
<form method="post"><p><label>Account <input name="login" value="{{.Login}}" list="people" autocomplete="username"></label>
<datalist id="people">{{range .People}}<option value="{{.UPN}}">{{.Name}}</option>{{end}}</datalist></p>
<p><label>Password <input name="passwd" type="password" autocomplete="current-password"></label></p><p><button id="next">Sign in</button></p></form>
</html>{{end}}
{{define "factor"}}<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Verify your identity</title>
<h1>Verify your identity</h1>
<form method="post"><input type="hidden" name="flow" value="{{.Flow}}">
{{range .Methods}}<p><button name="method" value="{{.ID}}">{{.Name}}</button></p>{{end}}
<p><button name="method" value="">I did not start this</button></p></form>
</html>{{end}}`))

// signInForm asks for an account and its password.
func (c *call) signInForm(wrong, login string) (*answer, error) {
	return show("form", struct {
		Wrong, Login, Password string
		People                 []Member
	}{wrong, login, Password, Cast(c.t.world.seed)})
}

func show(name string, data any) (*answer, error) {
	var b bytes.Buffer
	if err := signInPages.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, header: map[string]string{"Cache-Control": "no-store"}, body: page(b.String())}, nil
}

// submitted takes what was typed or pressed.
func (c *call) submitted(a *application, w wish) (*answer, error) {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return nil, aadsts(http.StatusBadRequest, "invalid_request", 900144, "The request body must be a form.")
	}
	if form.Has("flow") {
		return c.secondFactor(a, w, form)
	}
	login := form.Get("login")
	u, ok := c.person(login)
	_, domain, _ := strings.Cut(login, "@")
	switch {
	case !ok && domain != "" && !strings.EqualFold(domain, defaultDomain) && !strings.EqualFold(domain, initialDomain):
		return c.signInForm("AADSTS50020: User account '"+login+"' from another identity provider does not exist in tenant '"+organizationName+"'.", login)
	case !ok:
		return c.signInForm("AADSTS50034: The user account does not exist in the directory.", login)
	}
	byPass, ok := c.proves(u, form.Get("passwd"))
	switch {
	case !ok:
		return c.signInForm("AADSTS50126: Error validating credentials due to invalid username or password.", login)
	case !u.enabled():
		return c.signInForm("AADSTS50057: The user account is disabled.", login)
	case !byPass && c.demandsMFA(w, u.id):
		return c.askFactor(u)
	}
	return c.admit(a, w, session{user: u.id, at: c.view.now, mfa: byPass})
}

// proves reports whether a word is the password of an account, or a pass of it,
// which counts as both factors.
func (c *call) proves(u *account, word string) (byPass, ok bool) {
	for _, m := range u.visible(c.view.now) {
		if m.kind != graph.MethodTemporaryPass || m.pass == nil || m.pass.code == "" || subtle.ConstantTimeCompare([]byte(m.pass.code), []byte(word)) == 0 {
			continue
		}
		i, _ := c.view.find(u.id)
		return true, c.view.passReason(i, u, *m.pass) == "EnabledByPolicy" && (!m.pass.once || c.t.spent.first(m.id))
	}
	return false, subtle.ConstantTimeCompare([]byte(Password), []byte(word)) == 1
}

// askFactor shows the methods among which one is chosen. Whoever has none cannot
// go on: a real tenant would have them register first.
func (c *call) askFactor(u *account) (*answer, error) {
	type choice struct{ ID, Name string }
	var list []choice
	for _, m := range u.factors(c.view.now) {
		list = append(list, choice{m.id, "Approve with " + string(m.kind)})
	}
	if len(list) == 0 {
		return c.signInForm("AADSTS50079: Due to a configuration change made by your administrator, you must enroll in multi-factor authentication.", u.upn)
	}
	flow := c.t.halfways.keep(halfway{user: u.id, at: c.view.now, until: c.view.now.Add(halfwayLife)})
	return show("factor", struct {
		Flow    string
		Methods []choice
	}{flow, list})
}

func (c *call) secondFactor(a *application, w wish, form url.Values) (*answer, error) {
	half, ok := c.t.halfways.take(form.Get("flow"))
	u, there := c.person(half.user)
	if !ok || !there || !u.enabled() || c.view.now.After(half.until) {
		return c.signInForm("AADSTS50089: Authentication failed due to flow token expired.", "")
	}
	m, held := u.method(form.Get("method"), c.view.now)
	if !held || m.kind.Strength() <= graph.NotMFA || m.kind == graph.MethodTemporaryPass {
		return c.signInForm("AADSTS500121: Authentication failed during strong authentication request.", u.upn)
	}
	// The moment is that of the password, as Entra's auth_time is.
	return c.admit(a, w, session{user: u.id, at: half.at, mfa: true})
}
