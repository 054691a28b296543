package msgraph

import (
	"context"
	"net/url"
	"strings"
	"time"

	"twokey/graph"
)

// userFields are what graph.User needs. Most of them come only when asked for.
const userFields = "id,displayName,userPrincipalName,mail,department,userType,accountEnabled,onPremisesSyncEnabled,assignedLicenses,createdDateTime"

// Users reads GET /users with the largest page that Graph gives.
func (c *Client) Users(ctx context.Context) ([]graph.User, error) {
	return c.users().all(ctx, c)
}

// UserPage reads a page of the same list.
func (c *Client) UserPage(ctx context.Context, from graph.Cursor) ([]graph.User, graph.Cursor, error) {
	return c.users().from(ctx, c, from)
}

func (c *Client) users() listing[graph.User] {
	return listing[graph.User]{
		op:    readUsers,
		first: c.url("/users", url.Values{"$select": {userFields}, "$top": {"999"}}),
		row:   userRow,
	}
}

// User reads GET /users/{id or UPN}.
func (c *Client) User(ctx context.Context, idOrUPN string) (graph.User, error) {
	if noSegment(idOrUPN) {
		return graph.User{}, &graph.Error{Kind: graph.KindNotFound, Op: readUser.name}
	}
	return getOne(ctx, c, readUser, c.url("/users/"+segment(idOrUPN), url.Values{"$select": {userFields}}), userRow)
}

// SessionsFrom reads signInSessionsValidFromDateTime of GET /users/{id}, which
// no list needs.
func (c *Client) SessionsFrom(ctx context.Context, userID string) (time.Time, error) {
	if noSegment(userID) {
		return time.Time{}, &graph.Error{Kind: graph.KindNotFound, Op: readSessions.name}
	}
	address := c.url("/users/"+segment(userID), url.Values{"$select": {"id,signInSessionsValidFromDateTime"}})
	return getOne(ctx, c, readSessions, address, viaJSON(toSessionsFrom))
}

func toSessionsFrom(u struct {
	From *time.Time `json:"signInSessionsValidFromDateTime"`
},
) (time.Time, error) {
	from, err := need("signInSessionsValidFromDateTime", u.From)
	return from.UTC(), err
}

// segment escapes a part of a path with all that a UPN may hold, a guest's
// #EXT# above all.
func segment(name string) string {
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// noSegment reports whether a name would be another path, and not one object's.
func noSegment(name string) bool { return name == "" || name == "." || name == ".." }
