package simtenant

import (
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// App is an app registration of the tenant with its service principal.
type App struct {
	// ClientID is its application ID. A bearer that is just this word comes from
	// the app, and may do what was granted by then; a token of the tenant's own
	// may do what was granted when it was issued.
	ClientID string
	Name     string
	// Permissions are the application permissions of Microsoft Graph that were
	// consented to.
	Permissions []graph.Permission
	// Roles are the template IDs of the directory roles that the service
	// principal holds.
	Roles []string
	// Secret, Certificates and Federations are what it may sign in with.
	Secret       graph.Secret
	Certificates []*x509.Certificate
	Federations  []Federation
	// Owners are object IDs of users who own the registration, PrincipalOwners of
	// those who own the service principal.
	Owners          []string
	PrincipalOwners []string
	// Redirects are the addresses to which people may be sent after they signed in.
	Redirects []string
	// IDClaims are the optional claims of its ID tokens, of which auth_time is
	// known here.
	IDClaims []string
}

// checkApps wants every app to be told from the others.
func checkApps(apps []App) error {
	for i, a := range apps {
		if a.ClientID == "" {
			return fmt.Errorf("app %q has no client ID", a.Name)
		}
		if slices.ContainsFunc(apps[:i], func(b App) bool { return sameID(a.ClientID, b.ClientID) }) {
			return fmt.Errorf("client ID %s is declared twice", a.ClientID)
		}
	}
	return nil
}

// Federation lets the tokens of another issuer stand for an app's secret.
type Federation struct {
	Name     string
	Issuer   string // of the token, its iss
	Subject  string // sub
	Audience string // aud; "api://AzureADTokenExchange" if empty
	// Key is the issuer's public key, with which its tokens are checked. One that
	// was added by a write has none, and so trusts nobody.
	Key crypto.PublicKey
}

func (f Federation) audience() string {
	if f.Audience == "" {
		return "api://AzureADTokenExchange"
	}
	return f.Audience
}

// application is an app registration as it is kept. It is never modified.
type application struct {
	App
	objectID    string // of the registration
	principalID string // of the service principal
	created     time.Time
	credentials []appCredential
	grants      []appGrant
	// Who owns the registration, and who its service principal.
	owners, principalOwners []string
}

// appCredential is something that an app may sign in with.
type appCredential struct {
	id         string
	kind       graph.CredentialKind
	name       string
	start, end time.Time
	secret     graph.Secret
	cert       *x509.Certificate
	federation Federation
	// onPrincipal says that it is kept at the service principal: the registration
	// does not show it, which attackers like.
	onPrincipal bool
}

// appGrant is one application permission that was consented to.
type appGrant struct {
	id         string
	permission graph.Permission
	created    time.Time
}

// applications are the declared apps as they are at first.
func (w *world) applications(apps []App) []application {
	list := make([]application, len(apps))
	for i, app := range apps {
		r := stream(w.seed, "app "+app.ClientID, 0)
		a := application{
			App: app, objectID: guid(r), principalID: guid(r), created: w.epoch.Add(-100 * day).Truncate(time.Second),
			owners: slices.Clone(app.Owners), principalOwners: slices.Clone(app.PrincipalOwners),
		}
		end := a.created.AddDate(2, 0, 0)
		if app.Secret != (graph.Secret{}) {
			a.credentials = append(a.credentials, appCredential{id: guid(r), kind: graph.CredentialSecret, name: "first secret", start: a.created, end: end, secret: app.Secret})
		}
		for _, cert := range app.Certificates {
			a.credentials = append(a.credentials, appCredential{
				id: guid(r), kind: graph.CredentialCertificate, name: "CN=" + cert.Subject.CommonName, start: cert.NotBefore, end: cert.NotAfter, cert: cert,
			})
		}
		for _, f := range app.Federations {
			a.credentials = append(a.credentials, appCredential{id: guid(r), kind: graph.CredentialFederation, name: f.Name, start: a.created, federation: f})
		}
		for _, p := range app.Permissions {
			a.grants = append(a.grants, appGrant{id: grantID(a.principalID, p), permission: p, created: a.created})
		}
		list[i] = a
	}
	return list
}

// holdAppRoles gives the declared apps their directory roles.
func (w *world) holdAppRoles(apps []application) {
	for i := range apps {
		for _, template := range apps[i].Roles {
			w.assign(template, document{
				"@odata.type": "#microsoft.graph.servicePrincipal", "id": apps[i].principalID, "appId": apps[i].ClientID, "displayName": apps[i].Name,
			}, -1)
		}
	}
}

// grantID is the id of an assignment, which is no GUID.
func grantID(principalID string, p graph.Permission) string {
	sum := sha1.Sum([]byte(principalID + string(p)))
	return base64.RawURLEncoding.EncodeToString(append(sum[:], sum[:12]...))
}

// app finds a declared app by its application ID.
func (s *state) app(clientID string) (*application, bool) {
	return s.appWhere(func(a *application) bool { return sameID(a.ClientID, clientID) })
}

func (s *state) appWhere(is func(*application) bool) (*application, bool) {
	for i := range s.apps {
		if is(&s.apps[i]) {
			return &s.apps[i], true
		}
	}
	return nil, false
}

func (s *state) withApp(a application) *state {
	next := *s
	next.apps = slices.Clone(s.apps)
	for i := range next.apps {
		if next.apps[i].ClientID == a.ClientID {
			next.apps[i] = a
		}
	}
	return &next
}

// permissions are those that were consented to.
func (a *application) permissions() []graph.Permission {
	list := make([]graph.Permission, len(a.grants))
	for i, g := range a.grants {
		list[i] = g.permission
	}
	return list
}

// namedBy reports whether a part of a path names the app: by the object id
// that it has there, or by (appId='…').
func (a *application) namedBy(part, objectID string) bool {
	if id, ok := strings.CutPrefix(part, "appId='"); ok {
		return sameID(strings.TrimSuffix(id, "'"), a.ClientID)
	}
	return sameID(part, objectID)
}

// shown are the credentials of one kind, of the registration or of its service
// principal. Neither secrets nor keys can be read.
func (a *application) shown(kind graph.CredentialKind, onPrincipal bool) []any {
	list := []any{}
	for i := range a.credentials {
		if k := &a.credentials[i]; k.kind == kind && k.onPrincipal == onPrincipal {
			list = append(list, k.document())
		}
	}
	return list
}

func (k *appCredential) document() document {
	d := document{"keyId": k.id, "displayName": orNil(k.name), "startDateTime": stamp(k.start), "endDateTime": stamp(k.end), "customKeyIdentifier": nil}
	switch k.kind {
	case graph.CredentialSecret:
		d["secretText"], d["hint"] = nil, k.secret.Reveal()[:min(3, len(k.secret.Reveal()))]
	case graph.CredentialCertificate:
		sum := sha1.Sum(k.cert.Raw)
		d["customKeyIdentifier"], d["key"] = base64.URLEncoding.EncodeToString(sum[:]), nil
		d["type"], d["usage"] = "AsymmetricX509Cert", "Verify"
	case graph.CredentialFederation:
		return document{
			"id": k.id, "name": k.name, "issuer": k.federation.Issuer, "subject": k.federation.Subject, "description": nil,
			"audiences": []any{k.federation.audience()},
		}
	}
	return d
}

// registration is the app's page in the directory; principal that of its
// service principal.
func (a *application) registration() document {
	redirects, access, claims := []any{}, []any{}, []any{}
	for _, name := range a.IDClaims {
		claims = append(claims, document{"name": name, "source": nil, "essential": false, "additionalProperties": []any{}})
	}
	for _, r := range a.Redirects {
		redirects = append(redirects, r)
	}
	for _, g := range a.grants {
		access = append(access, document{"id": appRoleID(g.permission), "type": "Role"})
	}
	return document{
		"id": a.objectID, "appId": a.ClientID, "displayName": a.Name, "createdDateTime": stamp(a.created), "deletedDateTime": nil,
		"signInAudience": "AzureADMyOrg", "publisherDomain": defaultDomain, "identifierUris": []any{}, "tags": []any{},
		"passwordCredentials": a.shown(graph.CredentialSecret, false), "keyCredentials": a.shown(graph.CredentialCertificate, false),
		"requiredResourceAccess": []any{document{"resourceAppId": graphAppID, "resourceAccess": access}}, "web": document{"redirectUris": redirects},
		"optionalClaims": document{"idToken": claims, "accessToken": []any{}, "saml2Token": []any{}},
	}
}

func (a *application) principal(tenantID string) document {
	return document{
		"id": a.principalID, "appId": a.ClientID, "displayName": a.Name, "appDisplayName": a.Name, "deletedDateTime": nil,
		"accountEnabled": true, "servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg", "appOwnerOrganizationId": tenantID,
		"appRoleAssignmentRequired": false, "appRoles": []any{}, "servicePrincipalNames": []any{a.ClientID}, "tags": []any{},
		"passwordCredentials": a.shown(graph.CredentialSecret, true), "keyCredentials": a.shown(graph.CredentialCertificate, true),
	}
}
