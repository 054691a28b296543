package simtenant

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// token hands out tokens: to an app for itself, or for a person who has just
// signed in.
func (c *call) token() (*answer, error) {
	form, err := url.ParseQuery(string(c.body))
	if err != nil || !strings.HasPrefix(c.header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, aadsts(http.StatusBadRequest, "invalid_request", 900144, "The request body must be a form.")
	}
	for _, name := range []string{"grant_type", "client_id"} {
		if form.Get(name) == "" {
			return nil, aadsts(http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: '"+name+"'.")
		}
	}
	a, err := c.client(form)
	if err != nil {
		return nil, err
	}
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
		return c.appToken(a, form.Get("scope"))
	case "authorization_code":
		return c.redeem(a, form)
	default:
		return nil, aadsts(http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '"+grant+"'.")
	}
}

// appToken is the answer to an app that asks for itself.
func (c *call) appToken(a *application, scope string) (*answer, error) {
	// Microsoft's libraries ask for these too, though no person is there.
	wanted := slices.DeleteFunc(strings.Fields(scope), func(s string) bool {
		return slices.Contains([]string{"openid", "profile", "email", "offline_access"}, s)
	})
	resource, ok := strings.CutSuffix(strings.Join(wanted, " "), "/.default")
	switch {
	case !ok:
		return nil, aadsts(http.StatusBadRequest, "invalid_scope", 1002012, "The provided value for scope "+scope+" is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.")
	case !graphResource(resource):
		return nil, aadsts(http.StatusBadRequest, "invalid_resource", 500011, "The resource principal named "+resource+" was not found in the tenant.")
	}
	key, err := c.t.signingKey()
	if err != nil {
		return nil, err
	}
	text, err := c.accessToken(key, a, resource)
	if err != nil {
		return nil, err
	}
	seconds := int(accessLife.Seconds()) - 1
	return noStore(document{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": text}), nil
}

// noStore answers what nobody on the way may keep.
func noStore(d document) *answer {
	return &answer{status: http.StatusOK, header: map[string]string{"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}, body: d}
}

// redeem changes a code for an ID token of the person who signed in.
func (c *call) redeem(a *application, form url.Values) (*answer, error) {
	invalid := func(number int, message string) (*answer, error) {
		return nil, aadsts(http.StatusBadRequest, "invalid_grant", number, message)
	}
	code, ok := c.t.codes.take(form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case !ok:
		return invalid(54005, "OAuth2 Authorization code was already redeemed, or is none.")
	case c.view.now.After(code.until):
		return invalid(70008, "The provided authorization code has expired.")
	case !sameID(code.client, a.ClientID):
		return invalid(700005, "Provided Authorization Code is intended to use against other app.")
	case code.redirect != form.Get("redirect_uri"):
		return invalid(50011, "The redirect URI is not the one that the code was sent to.")
	case code.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		return invalid(501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	key, err := c.t.signingKey()
	if err != nil {
		return nil, err
	}
	id, err := signJWT(key, c.idClaims(a, &code))
	if err != nil {
		return nil, err
	}
	access := c.commonClaims("https://graph.microsoft.com")
	access["iss"], access["ver"], access["idtyp"], access["appid"], access["scp"], access["oid"] = c.v1Issuer(), "1.0", "user", a.ClientID, code.scope, code.user
	bearer, err := signJWT(key, access)
	if err != nil {
		return nil, err
	}
	return noStore(document{
		"token_type": "Bearer", "scope": code.scope, "expires_in": int(accessLife.Seconds()) - 1, "access_token": bearer, "id_token": id,
	}), nil
}

// idClaims say who signed in. As Entra's of version 2.0 they do not say how:
// there is no amr. When they did, they say only if the app has auth_time among
// its optional claims or asked for a max_age, and a second factor shows only by
// an authentication context that the app asked for.
func (c *call) idClaims(a *application, code *signedIn) document {
	d := c.commonClaims(a.ClientID)
	d["iss"], d["ver"], d["oid"] = c.issuer(), "2.0", code.user
	d["sub"] = base64.RawURLEncoding.EncodeToString(c.t.sign([]byte("subject " + a.ClientID + code.user)))
	if u, ok := c.person(code.user); ok {
		d["name"], d["preferred_username"] = u.name, u.upn
	}
	if code.timed {
		d["auth_time"] = code.at.Unix()
	}
	if len(code.contexts) > 0 {
		d["acrs"] = code.contexts
	}
	if code.nonce != "" {
		d["nonce"] = code.nonce
	}
	return d
}
