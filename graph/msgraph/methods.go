package msgraph

import (
	"context"

	"twokey/graph"
)

// Methods reads /users/{id}/authentication/methods for each user, in batches.
func (c *Client) Methods(ctx context.Context, userIDs []string) ([]graph.UserMethods, error) {
	readings, err := sweepUsers(ctx, &sweep[[]graph.Method]{
		c: c, op: readMethods, root: c.base.String(), ids: userIDs, convert: toMethods,
		path: func(id string) string { return "/users/" + segment(id) + "/authentication/methods" },
	})
	if err != nil {
		return nil, err
	}
	all := make([]graph.UserMethods, len(readings))
	for i, r := range readings {
		all[i] = graph.UserMethods{UserID: userIDs[i], Methods: r.value, Err: r.err}
	}
	return all, nil
}

// PerUserMFA reads /users/{id}/authentication/requirements for each user, in
// batches. Only beta has them.
func (c *Client) PerUserMFA(ctx context.Context, userIDs []string) ([]graph.UserMFA, error) {
	readings, err := sweepUsers(ctx, &sweep[graph.PerUserMFA]{
		c: c, op: readPerUserMFA, root: c.beta(), ids: userIDs, convert: toPerUserMFA,
		path: func(id string) string { return "/users/" + segment(id) + "/authentication/requirements" },
	})
	if err != nil {
		return nil, err
	}
	all := make([]graph.UserMFA, len(readings))
	for i, r := range readings {
		all[i] = graph.UserMFA{UserID: userIDs[i], State: r.value, Err: r.err}
	}
	return all, nil
}
