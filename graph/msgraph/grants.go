package msgraph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"twokey/graph"
)

// everyAppsRole stands among the roles of every app's token and is none that
// anybody gave it.
const everyAppsRole = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"

// claims are what we want to know of an access token.
type claims struct {
	AppID    string   `json:"appid"`
	TenantID string   `json:"tid"`
	Roles    []string `json:"roles"` // application permissions
	Wids     []string `json:"wids"`  // directory roles
	Issued   int64    `json:"iat"`   // seconds since 1970
}

// Grants signs in anew and reads what the token says of us. It asks nothing of
// the tenant, and does not verify the token: it came from the authority by TLS.
// A managed identity and the Azure CLI may give an older one, see AsOf.
func (c *Client) Grants(ctx context.Context) (graph.Grants, error) {
	if c.signIn == nil {
		return graph.Grants{}, mistake(readGrants, "The bot signs in without a token, so that nothing says what it may do.")
	}
	token, err := c.signIn.fresh(ctx, policy.TokenRequestOptions{Scopes: []string{c.scope}})
	if err != nil {
		return graph.Grants{}, asError(&call{op: readGrants}, err)
	}
	said, err := parseClaims(token.Token)
	if err != nil {
		return graph.Grants{}, mistake(readGrants, "The bot's token does not say what it may do.")
	}
	g := graph.Grants{AppID: said.AppID, TenantID: said.TenantID, AsOf: time.Unix(said.Issued, 0).UTC()}
	for _, p := range said.Roles {
		g.Permissions = append(g.Permissions, graph.Permission(p))
	}
	for _, id := range said.Wids {
		if id != everyAppsRole {
			g.Roles = append(g.Roles, id)
		}
	}
	return g, nil
}

// parseClaims decodes the middle of a token. An error must not quote it.
func parseClaims(token string) (claims, error) {
	var said claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return said, errors.New("not a token of three parts")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &said) != nil || said.AppID == "" || said.Issued == 0 {
		return claims{}, errors.New("not a token of an app")
	}
	return said, nil
}
