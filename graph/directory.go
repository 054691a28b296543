package graph

import "time"

// A Cursor is a place in a list that is too long to be read at once. The empty
// Cursor is the list's beginning and, in an answer, its end. It is opaque and
// may grow old: the tenant then refuses it (KindRefused), and the list has to be
// begun again.
type Cursor string

// A DeltaToken is a place in the tenant's stream of changed users. It is
// opaque, belongs to one tenant and grows old: after about a week the tenant
// may want a full reading again, see [UserChanges.Expired].
type DeltaToken string

// UserChanges is what happened to accounts since a [DeltaToken].
type UserChanges struct {
	// Changed are accounts that were made or changed, as they are now.
	Changed []User
	// Removed are the object IDs of accounts that are gone: deleted, for now or
	// for good.
	Removed []string
	// Next is where the following reading begins.
	Next DeltaToken
	// Expired says that the token was too old: nothing else is set, and the
	// accounts have to be read in full.
	Expired bool
}

// LastSignIn is when an account was last seen (signInActivity). It needs P1.
type LastSignIn struct {
	UserID string
	// At is the latest sign-in, interactive or not; the zero time means that
	// the tenant knows of none.
	At time.Time
}

// Group is a security or Microsoft 365 group.
type Group struct {
	ID             string
	Name           string
	RoleAssignable bool // its members and owners count as privileged accounts
}

// A Permission is an application permission of Microsoft Graph, as Microsoft
// spells it: "User.Read.All".
type Permission string

// Grants is what our app may do, as its own token says.
type Grants struct {
	AppID       string
	TenantID    string
	Permissions []Permission
	// Roles are the template IDs of the directory roles that the app itself
	// holds. Without one it cannot block an administrator, whatever its
	// permissions.
	Roles []string
	// AsOf is when the token was issued: what was consented to later is not in
	// it yet.
	AsOf time.Time
}

// Has reports whether a permission is among the grants.
func (g Grants) Has(p Permission) bool {
	for _, have := range g.Permissions {
		if have == p {
			return true
		}
	}
	return false
}

// App is an app registration with its service principal in the tenant, as far
// as it decides who can act in its name.
type App struct {
	ID          string // application (client) ID
	ObjectID    string // of the registration
	PrincipalID string // of the service principal
	Name        string
	Enabled     bool
	Credentials []Credential
	OwnerIDs    []string // object IDs of who owns the registration, the service principal or both
	Permissions []AppGrant
}

// Credential is a certificate, secret or federation of an app. The secret
// itself is never readable.
type Credential struct {
	ID    string // keyId, a GUID
	Kind  CredentialKind
	Name  string
	Start time.Time
	End   time.Time // zero: never

	// Of federations: whose tokens are as good as a secret. Whoever changes one of
	// these can sign in by the same credential, under its old ID.
	Issuer    string   // an address
	Subject   string   // the token's, or the expression that its claims must match
	Audiences []string // in the order of the alphabet
}

// CredentialKind tells an app's credentials apart.
type CredentialKind string

// The kinds.
const (
	CredentialCertificate CredentialKind = "certificate"
	CredentialSecret      CredentialKind = "secret"
	CredentialFederation  CredentialKind = "federation"
)

// AppGrant is one application permission that was consented to.
type AppGrant struct {
	ID         string     // of the assignment
	Resource   string     // the API's name, "Microsoft Graph"
	RoleID     string     // a GUID
	Permission Permission // empty if the ID is not one of those we know
	Granted    time.Time
}
