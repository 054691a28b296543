package msgraph

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// App reads an app registration and its service principal, and who and what can
// act in its name: the credentials and owners of the one, the credentials and
// permissions of the other.
func (c *Client) App(ctx context.Context, appID string) (graph.App, error) {
	if !isAppID(appID) {
		return graph.App{}, mistake(readApp, "An app is named by its application ID.")
	}
	p, err := getOne(ctx, c, readApp, c.appURL("/servicePrincipals", appID, "id,displayName,accountEnabled,keyCredentials,passwordCredentials"), viaJSON(toPrincipal))
	if err != nil {
		return graph.App{}, err
	}
	r, err := getOne(ctx, c, readApp, c.appURL("/applications", appID, "id,keyCredentials,passwordCredentials"), viaJSON(toRegistered))
	if err != nil {
		return graph.App{}, err
	}
	app := graph.App{
		ID: appID, ObjectID: r.id, PrincipalID: p.id, Name: p.name, Enabled: p.enabled,
		Credentials: append(r.credentials, p.credentials...),
	}
	federations, err := listing[graph.Credential]{op: readApp, first: c.url("/applications/"+segment(r.id)+"/federatedIdentityCredentials", nil), row: viaJSON(toFederation)}.all(ctx, c)
	if err != nil {
		return graph.App{}, err
	}
	app.Credentials = append(app.Credentials, federations...)
	app.OwnerIDs, err = c.owners(ctx, "/applications/"+segment(r.id), "/servicePrincipals/"+segment(p.id))
	if err != nil {
		return graph.App{}, err
	}
	app.Permissions, err = listing[graph.AppGrant]{op: readAppGrants, first: c.url("/servicePrincipals/"+segment(p.id)+"/appRoleAssignments", nil), row: viaJSON(toAppGrant)}.all(ctx, c)
	return app, err
}

// owners lists who owns any of these objects, each once: an owner of either half
// of an app can give it credentials.
func (c *Client) owners(ctx context.Context, objects ...string) ([]string, error) {
	var all []string
	for _, o := range objects {
		ids, err := listing[string]{op: readApp, first: c.url(o+"/owners", url.Values{"$select": {"id"}}), row: idRow}.all(ctx, c)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// isAppID reports whether an application ID can stand in an address. It is a GUID;
// a simulated tenant's may be a plain word.
func isAppID(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// appURL names an object by its application ID, which is a key of both.
func (c *Client) appURL(collection, appID, fields string) string {
	return c.url(collection+"(appId='"+appID+"')", url.Values{"$select": {fields}})
}

// Graph's JSON of apps.
type (
	credentialItem struct {
		KeyID *string    `json:"keyId"`
		Name  *string    `json:"displayName"`
		Start *time.Time `json:"startDateTime"`
		End   *time.Time `json:"endDateTime"`
	}
	principalItem struct {
		ID        *string           `json:"id"`
		Name      *string           `json:"displayName"`
		Enabled   *bool             `json:"accountEnabled"`
		Keys      *[]credentialItem `json:"keyCredentials"`
		Passwords *[]credentialItem `json:"passwordCredentials"`
	}
	federationItem struct {
		ID         *string  `json:"id"`
		Name       *string  `json:"name"`
		Issuer     *string  `json:"issuer"`
		Subject    *string  `json:"subject"`
		Audiences  []string `json:"audiences"`
		Expression *struct {
			Value *string `json:"value"`
		} `json:"claimsMatchingExpression"`
	}
	appGrantItem struct {
		ID       *string    `json:"id"`
		Role     *string    `json:"appRoleId"`
		Resource *string    `json:"resourceDisplayName"`
		Created  *time.Time `json:"createdDateTime"`
	}
)

// principal is a service principal or an application.
type principal struct {
	id, name    string
	enabled     bool
	credentials []graph.Credential
}

func toPrincipal(i principalItem) (principal, error) {
	p, err := toRegistered(i)
	enabled, noEnabled := need("accountEnabled", i.Enabled)
	p.enabled = enabled
	return p, errors.Join(err, noEnabled)
}

// toRegistered insists on the lists: an app whose credentials were not said has
// not none.
func toRegistered(i principalItem) (principal, error) {
	id, noID := need("id", i.ID)
	if i.Keys == nil || i.Passwords == nil {
		return principal{}, errors.Join(noID, errMissing("credentials"))
	}
	p := principal{id: id, name: or(i.Name, "")}
	keys, badKey := toCredentials(graph.CredentialCertificate, *i.Keys)
	secrets, badSecret := toCredentials(graph.CredentialSecret, *i.Passwords)
	p.credentials = append(keys, secrets...)
	return p, errors.Join(noID, badKey, badSecret)
}

func toCredentials(kind graph.CredentialKind, items []credentialItem) ([]graph.Credential, error) {
	all := make([]graph.Credential, 0, len(items))
	for _, item := range items {
		id, err := need("keyId", item.KeyID)
		if err != nil {
			return nil, err
		}
		all = append(all, graph.Credential{
			ID: id, Kind: kind, Name: or(item.Name, ""), Start: or(item.Start, time.Time{}).UTC(), End: or(item.End, time.Time{}).UTC(),
		})
	}
	return all, nil
}

// toFederation: a federation holds until somebody deletes it. It insists on
// whom it trusts: what was not said could change unseen. One that goes by an
// expression has no subject.
func toFederation(i federationItem) (graph.Credential, error) {
	id, noID := need("id", i.ID)
	issuer, noIssuer := need("issuer", i.Issuer)
	if i.Expression != nil {
		i.Subject = cmp.Or(i.Subject, i.Expression.Value)
	}
	subject, noSubject := need("subject", i.Subject)
	slices.Sort(i.Audiences)
	return graph.Credential{
		ID: id, Kind: graph.CredentialFederation, Name: or(i.Name, ""), Issuer: issuer, Subject: subject, Audiences: i.Audiences,
	}, errors.Join(noID, noIssuer, noSubject, missing(told{"audiences", i.Audiences != nil}))
}

func toAppGrant(i appGrantItem) (graph.AppGrant, error) {
	id, noID := need("id", i.ID)
	role, noRole := need("appRoleId", i.Role)
	return graph.AppGrant{
		ID: id, RoleID: role, Permission: permissionIDs[role], Resource: or(i.Resource, ""), Granted: or(i.Created, time.Time{}).UTC(),
	}, errors.Join(noID, noRole)
}

// permissionIDs name those app roles of Microsoft Graph that are ours to know:
// what we ask for, and what would make an app dangerous.
var permissionIDs = map[string]graph.Permission{
	"df021288-bdef-4463-88db-98f22de89214": "User.Read.All",
	"741f803b-c850-494e-b5df-cde7c675a1ca": "User.ReadWrite.All",
	"3011c876-62b7-4ada-afa2-506cbbecc68c": "User.EnableDisableAccount.All",
	"77f3a031-c388-4f99-b373-dc68676a979e": "User.RevokeSessions.All",
	"38d9df27-64da-44fd-b7c5-a6fbac20248f": "UserAuthenticationMethod.Read.All",
	"50483e42-d915-4231-9639-7fdb7fd190e5": "UserAuthenticationMethod.ReadWrite.All",
	"627169a8-8c15-451c-861a-5b80e383de5c": "UserAuthMethod-TAP.ReadWrite.All",
	"6e85d483-7092-4375-babe-0a94a8213a58": "UserAuthMethod-Phone.ReadWrite.All",
	"c833c349-a1ab-4b6d-94a2-fa9a8674420c": "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All",
	"b0afded3-3588-46d8-8b3d-9842eff778da": "AuditLog.Read.All",
	"230c1aed-a721-4c5d-9cb4-a90514e508ef": "Reports.Read.All",
	"ee353f83-55ef-4b78-82da-555bfa2b4b95": "ReportSettings.Read.All",
	"2a60023f-3219-47ad-baa4-40e17cd02a1d": "ReportSettings.ReadWrite.All",
	"246dd0d5-5bd0-4def-940b-0421030a5b68": "Policy.Read.All",
	"8e3bc81b-d2f3-4b7b-838c-32c88218d2f0": "Policy.Read.AuthenticationMethod",
	"29c18626-4985-4dcd-85c0-193eef327366": "Policy.ReadWrite.AuthenticationMethod",
	"1c6e93a6-28e2-4cbb-9f64-1a46a821124d": "Policy.ReadWrite.SecurityDefaults",
	"01c0a623-fc9b-48e9-b794-0756f8e8f067": "Policy.ReadWrite.ConditionalAccess",
	"98830695-27a2-44f7-8c18-0c3ebc9698f6": "GroupMember.Read.All",
	"483bed4a-2ad3-4361-a73b-c83ccdbdc53c": "RoleManagement.Read.Directory",
	"9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": "RoleManagement.ReadWrite.Directory",
	"498476ce-e0fe-48b0-b801-37ba7e2685c6": "Organization.Read.All",
	"e2f98668-2877-4f38-a2f4-8202e0717aa1": "LicenseAssignment.Read.All",
	"bf394140-e372-4bf9-a898-299cfc7564e5": "SecurityEvents.Read.All",
	"b633e1c5-b582-4048-a93e-9f11b44c7e96": "Mail.Send",
	"9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30": "Application.Read.All",
	"1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": "Application.ReadWrite.All",
	"06b708a9-e830-4db3-a914-8e69da51d44f": "AppRoleAssignment.ReadWrite.All",
	"7ab1d382-f21e-4acd-a863-ba3e13f7da61": "Directory.Read.All",
	"19dbc75e-c2e2-444c-a770-ec69d8559fc7": "Directory.ReadWrite.All",
}
