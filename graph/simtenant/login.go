package simtenant

import (
	"cmp"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// login is the version under which calls of the sign-in service are kept and
// faults match them: a real one stands on another host.
const login = "login"

// The addresses of the sign-in service, below the tenant's name.
const (
	discoveryPath = "/v2.0/.well-known/openid-configuration"
	authorizePath = "/oauth2/v2.0/authorize"
	tokenPath     = "/oauth2/v2.0/token"
	keysPath      = "/discovery/v2.0/keys"
	instancePath  = "/discovery/instance"
)

// loginCall takes the address of the sign-in service apart: the tenant's name,
// and what of it is asked.
func loginCall(path string) (tenant, rest string, ok bool) {
	tenant, rest, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch rest = "/" + rest; rest {
	case discoveryPath, authorizePath, tokenPath, keysPath, instancePath:
		return tenant, rest, true
	default:
		return "", "", false
	}
}

// signIn answers a call of the sign-in service.
func (t *Tenant) signIn(w http.ResponseWriter, r *http.Request, name, rest string) {
	c := &call{
		t: t, ctx: r.Context(), method: r.Method, version: login, path: rest, header: r.Header, app: anonymous,
		requestID: newID(), clientRequestID: r.Header.Get("client-request-id"), view: t.viewBack(0),
	}
	c.setBase(r)
	c.clientRequestID = cmp.Or(c.clientRequestID, c.requestID)
	n, status := t.seen.begin(c, false), 0
	defer func() { t.seen.end(n, status) }()
	err := c.readBody(w, r)
	c.fault = t.faults.take(c.method, c.path, fault.any)
	if !c.fault.wait(c.ctx) || c.fault.Cut != "" && c.fault.Status == 0 {
		cutOff(w)
		return
	}
	var a *answer
	switch {
	case err != nil:
	case c.fault.Status != 0:
		err = c.refused()
	default:
		c.query = r.URL.Query()
		a, err = c.signInAnswer(name)
	}
	a = c.fault.garble(c.signInError(a, err))
	status = a.status
	c.write(w, a)
}

func (c *call) signInAnswer(name string) (*answer, error) {
	if c.path == instancePath {
		return c.instance()
	}
	if !c.t.knows(name) {
		return nil, aadsts(http.StatusBadRequest, "invalid_tenant", 90002, "Tenant '"+name+"' not found.")
	}
	if !slices.Contains(methodsAt(c.path), c.method) {
		return nil, aadsts(http.StatusBadRequest, "invalid_request", 900561, "The endpoint does not take "+c.method+" requests.")
	}
	switch c.path {
	case discoveryPath:
		return c.discovery(name), nil
	case keysPath:
		return c.keys()
	case authorizePath:
		return c.authorize()
	default:
		return c.token()
	}
}

// methodsAt are those that an address of the sign-in service takes.
func methodsAt(path string) []string {
	switch path {
	case tokenPath:
		return []string{http.MethodPost}
	case authorizePath:
		return []string{http.MethodGet, http.MethodPost}
	default:
		return []string{http.MethodGet}
	}
}

// knows reports whether a name of a tenant is this one's.
func (t *Tenant) knows(name string) bool {
	for _, own := range []string{t.world.tenantID, defaultDomain, initialDomain, "common", "organizations"} {
		if strings.EqualFold(name, own) {
			return true
		}
	}
	return false
}

// signInRefusal is an error in the sign-in service's own words.
type signInRefusal struct {
	status  int
	code    string // OAuth's word, "invalid_client"
	number  int    // Microsoft's, AADSTS…
	message string
}

func (r *signInRefusal) Error() string { return "AADSTS" + itoa(r.number) + ": " + r.message }

func aadsts(status int, code string, number int, message string) error {
	return &signInRefusal{status, code, number, message}
}

// signInError words an error as the sign-in service does.
func (c *call) signInError(a *answer, err error) *answer {
	var r *signInRefusal
	if !errors.As(err, &r) {
		return c.answerTo(a, err)
	}
	now := c.t.Now().Format("2006-01-02 15:04:05Z")
	return &answer{status: r.status, body: document{
		"error": r.code, "error_codes": []any{r.number}, "timestamp": now, "trace_id": c.requestID, "correlation_id": c.clientRequestID,
		"error_description": r.Error() + " Trace ID: " + c.requestID + " Correlation ID: " + c.clientRequestID + " Timestamp: " + now,
	}}
}

// instance tells whether a host is a sign-in service. Microsoft's libraries ask
// for hosts that they do not know, at login.microsoftonline.com.
func (c *call) instance() (*answer, error) {
	asked, err := url.Parse(c.query.Get("authorization_endpoint"))
	if err != nil || asked.Scheme != "https" || asked.Host == "" {
		return nil, aadsts(http.StatusBadRequest, "invalid_request", 900144, "The request must contain the parameter 'authorization_endpoint'.")
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(asked.Path, "/"), "/")
	if !ownHost(asked.Hostname()) || !c.t.knows(tenant) {
		return nil, aadsts(http.StatusBadRequest, "invalid_instance", 50049, "Unknown or invalid instance.")
	}
	return &answer{status: http.StatusOK, body: document{
		"tenant_discovery_endpoint": "https://" + asked.Host + "/" + tenant + discoveryPath, "api-version": "1.1",
		"metadata": []any{document{"preferred_network": asked.Host, "preferred_cache": asked.Host, "aliases": []any{asked.Host}}},
	}}, nil
}

// discovery lists the addresses of the sign-in service and what it can do.
func (c *call) discovery(name string) *answer {
	root := c.base + "/" + name
	return &answer{status: http.StatusOK, body: document{
		"issuer": c.issuer(), "authorization_endpoint": root + authorizePath, "token_endpoint": root + tokenPath, "jwks_uri": root + keysPath,
		"response_types_supported": []any{"code"}, "response_modes_supported": []any{"query"}, "subject_types_supported": []any{"pairwise"},
		"id_token_signing_alg_values_supported": []any{"RS256"}, "scopes_supported": []any{"openid", "profile", "email", "offline_access"},
		"token_endpoint_auth_methods_supported": []any{"client_secret_post", "private_key_jwt"}, "code_challenge_methods_supported": []any{"S256"},
		"claims_supported": []any{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "preferred_username", "name", "tid", "oid", "acrs"},
	}}
}

// issuer is who an ID token is from.
func (c *call) issuer() string { return c.base + "/" + c.t.world.tenantID + "/v2.0" }

// keys are the public keys by which the tenant's tokens are checked.
func (c *call) keys() (*answer, error) {
	key, err := c.t.signingKey()
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: document{"keys": []any{document{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID(&key.PublicKey), "x5t": keyID(&key.PublicKey), "issuer": c.issuer(),
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}}}, nil
}

// accessLife is how long an access token is good for.
const accessLife = time.Hour

// defaultWid stands in every app's token, and is no role that anybody gave it.
const defaultWid = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"

// accessToken makes an app's token for Microsoft Graph, with what it may do now.
func (c *call) accessToken(key *rsa.PrivateKey, a *application, aud string) (string, error) {
	roles := []any{}
	for _, p := range a.permissions() {
		roles = append(roles, string(p))
	}
	wids := []any{}
	for _, template := range a.Roles {
		wids = append(wids, template)
	}
	d := c.commonClaims(aud)
	d["iss"], d["ver"], d["idtyp"], d["sub"], d["oid"] = c.v1Issuer(), "1.0", "app", a.principalID, a.principalID
	d["appid"], d["app_displayname"], d["roles"], d["wids"] = a.ClientID, a.Name, roles, append(wids, defaultWid)
	d["appidacr"] = "2"
	return signJWT(key, d)
}

func (c *call) v1Issuer() string { return "https://sts.windows.net/" + c.t.world.tenantID + "/" }

func (c *call) commonClaims(aud string) document {
	now := c.view.now
	return document{
		"aud": aud, "tid": c.t.world.tenantID, "uti": newID(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(accessLife).Unix(),
	}
}

// checkToken believes a token of the tenant's own and nobody else's.
func (c *call) checkToken(text string) (caller, error) {
	bad := func(message string) (caller, error) {
		return caller{}, refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", message)
	}
	tok, err := parseJWT(text)
	if err != nil {
		return bad("CompactToken parsing failed.")
	}
	key, err := c.t.signingKey()
	if err != nil {
		return caller{}, err
	}
	switch now := c.view.now.Unix(); {
	case !tok.by(&key.PublicKey):
		return bad("Invalid signature.")
	case now >= tok.claims.Expires || now < tok.claims.NotBefore:
		return bad("Lifetime validation failed, the token is expired.")
	case len(tok.claims.Audience) != 1 || !graphResource(tok.claims.Audience[0]):
		return bad("Access token validation failure. Invalid audience.")
	}
	who := caller{declared: true}
	for _, p := range tok.claims.Roles {
		who.permissions = append(who.permissions, graph.Permission(p))
	}
	for _, template := range tok.claims.Wids {
		if template != defaultWid {
			who.roles = append(who.roles, template)
		}
	}
	return who, nil
}
