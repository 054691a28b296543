package msgraph_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"sync"
	"testing"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// ourCertificate is made once: the same configuration has to make the same
// tenant.
var ourCertificate = sync.OnceValues(func() (*x509.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return certify(key)
})

// declaredApps are one app with everything that an app can have. Other callers
// may still do everything.
func declaredApps(t *testing.T) []simtenant.App {
	t.Helper()
	cert, err := ourCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return []simtenant.App{{
		ClientID: ourApp, Name: "Twokey", Secret: graph.NewSecret(ourSecret), Certificates: []*x509.Certificate{cert},
		Federations: []simtenant.Federation{{Name: "cluster", Issuer: "https://cluster.example/", Subject: "twokey"}},
		Permissions: []graph.Permission{"User.Read.All", "Policy.Read.All", "Files.Read.All"},
		Owners:      []string{simtenant.Cast(1)[0].ObjectID},
		// The first owns both halves and is one owner.
		PrincipalOwners: []string{simtenant.Cast(1)[0].ObjectID, simtenant.Cast(1)[1].ObjectID},
	}}
}

// app lists all apps to find the one, which is not how the client asks.
func (p plain) app(id string) graph.App {
	p.t.Helper()
	var app graph.App
	for _, o := range p.list("/v1.0/servicePrincipals") {
		if o.text("appId") != id {
			continue
		}
		app = graph.App{ID: id, PrincipalID: o.text("id"), Name: o.text("displayName"), Enabled: o.flag("accountEnabled")}
		app.Credentials = append(app.Credentials, o.credentials()...)
	}
	for _, o := range p.list("/v1.0/applications?$expand=owners") {
		if o.text("appId") != id {
			continue
		}
		app.ObjectID = o.text("id")
		app.Credentials = append(app.Credentials, o.credentials()...)
		for _, owner := range o.objects("owners") {
			app.OwnerIDs = append(app.OwnerIDs, owner.text("id"))
		}
	}
	for _, owner := range p.list("/v1.0/servicePrincipals/" + app.PrincipalID + "/owners") {
		if id := owner.text("id"); !slices.Contains(app.OwnerIDs, id) {
			app.OwnerIDs = append(app.OwnerIDs, id)
		}
	}
	for _, o := range p.list("/v1.0/applications/" + app.ObjectID + "/federatedIdentityCredentials") {
		app.Credentials = append(app.Credentials, graph.Credential{
			ID: o.text("id"), Kind: graph.CredentialFederation, Name: o.text("name"),
			Issuer: o.text("issuer"), Subject: o.text("subject"), Audiences: []string{"api://AzureADTokenExchange"},
		})
	}
	known := map[string]graph.Permission{"df021288-bdef-4463-88db-98f22de89214": "User.Read.All", "246dd0d5-5bd0-4def-940b-0421030a5b68": "Policy.Read.All"}
	for _, o := range p.list("/v1.0/servicePrincipals/" + app.PrincipalID + "/appRoleAssignments") {
		app.Permissions = append(app.Permissions, graph.AppGrant{
			ID: o.text("id"), Resource: o.text("resourceDisplayName"), RoleID: o.text("appRoleId"), Permission: known[o.text("appRoleId")], Granted: o.time("createdDateTime"),
		})
	}
	return app
}

// credentials are those that an app or a service principal shows.
func (o object) credentials() (all []graph.Credential) {
	for kind, member := range map[graph.CredentialKind]string{graph.CredentialCertificate: "keyCredentials", graph.CredentialSecret: "passwordCredentials"} {
		for _, k := range o.objects(member) {
			all = append(all, graph.Credential{ID: k.text("keyId"), Kind: kind, Name: k.text("displayName"), Start: k.time("startDateTime"), End: k.time("endDateTime")})
		}
	}
	return all
}
