package msgraph

import (
	"context"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"twokey/graph"
)

// userFields are what graph.User needs. Most of them come only when asked for.
var userFields = []string{
	"id", "displayName", "userPrincipalName", "mail", "department", "userType", "accountEnabled",
	"onPremisesSyncEnabled", "assignedLicenses", "createdDateTime",
}

// Users reads GET /users with the largest page that Graph gives.
func (c *Client) Users(ctx context.Context) ([]graph.User, error) {
	top := int32(999)
	first := &users.UsersRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.UsersRequestBuilderGetQueryParameters{Select: userFields, Top: &top},
	}
	return list(ctx, c, readUsers, func(ctx context.Context, link string) (models.UserCollectionResponseable, error) {
		b := users.NewUsersRequestBuilderInternal(c.path(), c.adapter)
		if link != "" {
			return b.WithUrl(link).Get(ctx, nil)
		}
		return b.Get(ctx, first)
	}, toUser)
}

// User reads GET /users/{id or UPN}. The SDK escapes what a UPN may hold, a
// guest's #EXT# above all.
func (c *Client) User(ctx context.Context, idOrUPN string) (graph.User, error) {
	switch idOrUPN {
	case "", ".", "..": // a path of its own: not one account
		return graph.User{}, &graph.Error{Kind: graph.KindNotFound, Op: readUser.name}
	}
	return read(ctx, c, readUser, func(ctx context.Context) (graph.User, error) {
		u, err := users.NewUsersRequestBuilderInternal(c.path(), c.adapter).ByUserId(idOrUPN).Get(ctx,
			&users.UserItemRequestBuilderGetRequestConfiguration{
				QueryParameters: &users.UserItemRequestBuilderGetQueryParameters{Select: userFields},
			})
		if err != nil {
			return graph.User{}, err
		}
		if isNil(u) {
			return graph.User{}, errMissing("user")
		}
		return toUser(u)
	})
}
