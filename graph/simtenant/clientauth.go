package simtenant

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// assertionType is the only kind of client assertion there is.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// client finds out which app asks for a token, by a secret, a certificate or a
// federation.
func (c *call) client(form url.Values) (*application, error) {
	id := form.Get("client_id")
	a, ok := c.view.state.app(id)
	if !ok {
		return nil, aadsts(http.StatusBadRequest, "unauthorized_client", 700016,
			"Application with identifier '"+id+"' was not found in the directory '"+organizationName+"'.")
	}
	secret, assertion := form.Get("client_secret"), form.Get("client_assertion")
	switch {
	case secret != "":
		return a, c.checkSecret(a, secret)
	case assertion != "" && form.Get("client_assertion_type") == assertionType:
		return a, c.checkAssertion(a, assertion)
	default:
		return nil, aadsts(http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
}

// checkSecret wants one of the app's secrets that holds now.
func (c *call) checkSecret(a *application, secret string) error {
	err := aadsts(http.StatusUnauthorized, "invalid_client", 7000215,
		"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+a.ClientID+"'.")
	for i := range a.credentials {
		k := &a.credentials[i]
		if k.kind != graph.CredentialSecret || subtle.ConstantTimeCompare([]byte(k.secret.Reveal()), []byte(secret)) == 0 {
			continue
		}
		if !c.view.now.Before(k.start) && c.view.now.Before(k.end) {
			return nil
		}
		err = aadsts(http.StatusUnauthorized, "invalid_client", 7000222, "The provided client secret keys for app '"+a.ClientID+"' are expired.")
	}
	return err
}

// checkAssertion wants a token that one of the app's certificates signed, or
// one of an issuer that the app trusts.
func (c *call) checkAssertion(a *application, text string) error {
	tok, err := parseJWT(text)
	if err != nil {
		return aadsts(http.StatusUnauthorized, "invalid_client", 50027, "JWT token is invalid or malformed.")
	}
	if tok.header.X5t != "" || tok.header.X5tS256 != "" {
		err = c.checkCertificate(a, tok)
	} else {
		err = c.checkFederation(a, tok)
	}
	if err == nil && !c.holdsSomewhere(&tok.claims) {
		err = aadsts(http.StatusUnauthorized, "invalid_client", 700024, "Client assertion is not within its valid time range.")
	}
	return err
}

// holdsSomewhere takes an assertion that is in time by the tenant's clock, or
// by this machine's: whoever made it knows nothing of simulated time.
func (c *call) holdsSomewhere(claims *claims) bool {
	return claims.holds(c.view.now) || claims.holds(time.Now())
}

func (c *call) checkCertificate(a *application, tok *token) error {
	at := slices.IndexFunc(a.credentials, func(k appCredential) bool {
		if k.kind != graph.CredentialCertificate {
			return false
		}
		old, current := sha1.Sum(k.cert.Raw), sha256.Sum256(k.cert.Raw)
		return names509(tok.header.X5t, old[:]) || names509(tok.header.X5tS256, current[:])
	})
	switch {
	case at < 0:
		return aadsts(http.StatusUnauthorized, "invalid_client", 700027,
			"The certificate with identifier used to sign the client assertion is not registered on application.")
	case !tok.by(a.credentials[at].cert.PublicKey):
		return aadsts(http.StatusUnauthorized, "invalid_client", 700027, "Client assertion contains an invalid signature.")
	case !c.view.now.Before(a.credentials[at].end):
		return aadsts(http.StatusUnauthorized, "invalid_client", 700027, "The certificate used to sign the client assertion is expired.")
	case !sameID(tok.claims.Issuer, a.ClientID) || !sameID(tok.claims.Subject, a.ClientID):
		return aadsts(http.StatusUnauthorized, "invalid_client", 700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	case !slices.ContainsFunc(tok.claims.Audience, c.isTokenAddress):
		return aadsts(http.StatusUnauthorized, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer.")
	}
	return nil
}

// names509 reports whether a header names a certificate by its hash, in either
// alphabet of base64.
func names509(header string, sum []byte) bool {
	plain := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(header, "="))
	return header != "" && plain == base64.RawURLEncoding.EncodeToString(sum)
}

// isTokenAddress reports whether an audience is the address that tokens are
// fetched from, or the issuer that stands for it.
func (c *call) isTokenAddress(aud string) bool {
	rest, ok := strings.CutPrefix(aud, c.base+"/")
	tenant, path, _ := strings.Cut(rest, "/")
	return ok && c.t.knows(tenant) && (path == strings.TrimPrefix(tokenPath, "/") || path == "v2.0")
}

// checkFederation compares issuer, subject and audience with what the app
// trusts, letter by letter as Microsoft does.
func (c *call) checkFederation(a *application, tok *token) error {
	for i := range a.credentials {
		f := a.credentials[i].federation
		if a.credentials[i].kind != graph.CredentialFederation || f.Issuer != tok.claims.Issuer || f.Subject != tok.claims.Subject ||
			!slices.Contains(tok.claims.Audience, f.audience()) {
			continue
		}
		if !tok.by(f.Key) {
			return aadsts(http.StatusUnauthorized, "invalid_client", 7000272, "The signature of the presented assertion could not be validated.")
		}
		return nil
	}
	return aadsts(http.StatusUnauthorized, "invalid_client", 700213,
		"No matching federated identity record found for presented assertion subject '"+tok.claims.Subject+"'.")
}
