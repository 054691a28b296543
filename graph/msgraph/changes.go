package msgraph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"twokey/graph"
)

// UserChanges reads GET /users/delta. A row of it need not hold more than what
// was changed, so an account whose row is not whole is read by its ID, twenty
// in a batch.
func (c *Client) UserChanges(ctx context.Context, since graph.DeltaToken) (graph.UserChanges, error) {
	changes, err := c.userChanges(ctx, since)
	if e, ok := errors.AsType[*graph.Error](err); ok && since != "" && expired(e) {
		return graph.UserChanges{Expired: true}, nil
	}
	return changes, err
}

// expired reports whether Graph no longer knows the token, in any of the
// spellings of its services.
func expired(e *graph.Error) bool {
	if e.Status == http.StatusGone {
		return true
	}
	codes := []string{"syncStateNotFound", "syncStateInvalid", "resyncRequired", "resyncChangesApplyDifferences", "resyncChangesUploadDifferences", "Directory_ExpiredDeltaToken", "Directory_ExpiredPageToken"}
	return e.Kind == graph.KindRefused && slices.ContainsFunc(codes, func(code string) bool { return strings.EqualFold(code, e.Code) })
}

func (c *Client) userChanges(ctx context.Context, since graph.DeltaToken) (graph.UserChanges, error) {
	link := c.url("/users/delta", url.Values{"$select": {userFields}, "$deltatoken": {"latest"}})
	if since != "" {
		var ok bool
		if link, ok = c.atHome(string(since)); !ok {
			return graph.UserChanges{Expired: true}, nil
		}
	}
	latest := map[string]userChange{} // an account may come several times: the last word holds
	l := listing[userChange]{op: readUserChanges, row: changeRow}
	for seen := map[string]bool{}; ; {
		p, err := l.page(ctx, c, link)
		if err != nil {
			return graph.UserChanges{}, err
		}
		for _, row := range p.rows {
			latest[row.user.ID] = row
		}
		if p.delta != "" {
			changes, err := c.wholeChanges(ctx, latest)
			changes.Next = graph.DeltaToken(c.withoutHost(p.delta))
			return changes, err
		}
		if p.next == "" || seen[p.next] {
			return graph.UserChanges{}, &graph.Error{Kind: graph.KindUnclear, Op: readUserChanges.name, Err: errors.New("changes without an end")}
		}
		seen[p.next] = true
		link = p.next
	}
}

// wholeChanges sorts the changes and reads the accounts that are not whole.
func (c *Client) wholeChanges(ctx context.Context, latest map[string]userChange) (graph.UserChanges, error) {
	var changes graph.UserChanges
	var part []string
	for id, row := range latest {
		switch {
		case row.removed:
			changes.Removed = append(changes.Removed, id)
		case row.whole:
			changes.Changed = append(changes.Changed, row.user)
		default:
			part = append(part, id)
		}
	}
	slices.Sort(part)
	if err := c.readChanged(ctx, part, &changes); err != nil {
		return graph.UserChanges{}, err
	}
	slices.SortFunc(changes.Changed, func(a, b graph.User) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(changes.Removed)
	return changes, nil
}

// readChanged reads accounts as they are now. One that is gone meanwhile was
// removed, which the next reading will say too.
func (c *Client) readChanged(ctx context.Context, ids []string, changes *graph.UserChanges) error {
	readings, err := sweepUsers(ctx, &sweep[graph.User]{
		c: c, op: readChangedUsers, root: c.base.String(), ids: ids,
		path: func(id string) string {
			return withQuery("/users/"+segment(id), url.Values{"$select": {userFields}})
		},
		convert: func(body []byte) (u graph.User, _ error) {
			_, err := userRow(newDecoder(body), &u)
			return u, err
		},
	})
	if err != nil {
		return err
	}
	for i, r := range readings {
		switch e, _ := errors.AsType[*graph.Error](r.err); {
		case r.err == nil:
			changes.Changed = append(changes.Changed, r.value)
		case e != nil && e.Kind == graph.KindNotFound:
			changes.Removed = append(changes.Removed, ids[i])
		default:
			return r.err
		}
	}
	return nil
}

// userChange is a row of the changes.
type userChange struct {
	user    graph.User
	removed bool
	whole   bool // all of userFields were said
}

// changeRow takes a member that is not there for one that did not change, and
// not for null.
func changeRow(d *decoder, r *userChange) (keep bool, _ error) {
	raw, err := d.Raw()
	if err != nil {
		return false, err
	}
	var said struct {
		ID      *string         `json:"id"`
		Removed json.RawMessage `json:"@removed"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return false, err
	}
	if r.user.ID, err = need("id", said.ID); err != nil {
		return false, err
	}
	if r.removed = said.Removed != nil && string(said.Removed) != "null"; r.removed {
		return true, nil
	}
	all := members(raw)
	r.whole = true
	for name := range strings.SplitSeq(userFields, ",") {
		if _, ok := all[name]; !ok {
			r.whole = false
			return true, nil
		}
	}
	r.user = graph.User{}
	return userRow(newDecoder(raw), &r.user)
}
