package msgraph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/microsoft/kiota-abstractions-go"

	"twokey/graph"
)

// eventual is the header of the directory's advanced queries.
var eventual = http.Header{"Consistencylevel": {"eventual"}}

// Group reads GET /groups/{id}. Null is how Graph says that a group was not
// made to hold roles.
func (c *Client) Group(ctx context.Context, id string) (graph.Group, error) {
	if noSegment(id) {
		return graph.Group{}, &graph.Error{Kind: graph.KindNotFound, Op: readGroup.name}
	}
	address := c.url("/groups/"+segment(id), url.Values{"$select": {"id,displayName,isAssignableToRole"}})
	return getOne(ctx, c, readGroup, address, func(d *decoder, g *graph.Group) (keep bool, _ error) {
		err := d.object(func(name []byte) (err error) {
			switch string(name) {
			case "id":
				return d.text(&g.ID)
			case "displayName":
				return d.text(&g.Name)
			case "isAssignableToRole":
				_, err = d.flag(&g.RoleAssignable)
				return err
			default:
				return d.Skip()
			}
		})
		if err != nil {
			return false, err
		}
		return true, missing(told{"id", g.ID != ""})
	})
}

// GroupMembers reads GET /groups/{id}/transitiveMembers, of which only the users.
func (c *Client) GroupMembers(ctx context.Context, id string) ([]string, error) {
	if noSegment(id) {
		return nil, &graph.Error{Kind: graph.KindNotFound, Op: readGroupMembers.name}
	}
	return c.groupUsers(ctx, readGroupMembers, id)
}

// groupUsers returns the IDs of the users in a group and the groups within it.
// Every page needs the header.
func (c *Client) groupUsers(ctx context.Context, op operation, id string) ([]string, error) {
	return listing[string]{
		op:     op,
		first:  c.url("/groups/"+segment(id)+"/transitiveMembers/microsoft.graph.user", url.Values{"$select": {"id"}, "$count": {"true"}, "$top": {"999"}}),
		header: eventual,
		row:    idRow,
	}.all(ctx, c)
}

// MemberOf asks POST /users/{id}/checkMemberGroups, twenty groups at a time.
// The answer names those that the user is in, in the order they were asked.
func (c *Client) MemberOf(ctx context.Context, userID string, groupIDs []string) ([]string, error) {
	if noSegment(userID) {
		return nil, &graph.Error{Kind: graph.KindNotFound, Op: checkGroups.name}
	}
	var in []string
	const most = 20
	for ids := range slices.Chunk(groupIDs, most) {
		found, err := c.checkGroups(ctx, userID, ids)
		if err != nil {
			return nil, err
		}
		in = append(in, found...)
	}
	return slices.DeleteFunc(slices.Clone(groupIDs), func(id string) bool {
		return !slices.ContainsFunc(in, func(found string) bool { return strings.EqualFold(found, id) })
	}), nil
}

func (c *Client) checkGroups(ctx context.Context, userID string, ids []string) ([]string, error) {
	body, err := json.Marshal(map[string][]string{"groupIds": ids})
	if err != nil {
		return nil, fmt.Errorf("encode groups: %w", err)
	}
	return read(ctx, c, checkGroups, func(ctx context.Context) ([]string, error) {
		var p page[string]
		err := c.send(ctx, abstractions.POST, c.url("/users/"+segment(userID)+"/checkMemberGroups", nil), nil, body, func(answer []byte) error {
			return p.decode(c, answer, func(d *decoder, id *string) (bool, error) { return true, d.text(id) })
		})
		return p.rows, err
	})
}
