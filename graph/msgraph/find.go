package msgraph

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"twokey/graph"
)

// FindUsers looks a person up by what somebody typed: an object ID, or a name
// of one kind after the other, until one kind is found. Addresses are compared
// in both spellings: the directory's own comparison of them minds the case of
// the scheme.
func (c *Client) FindUsers(ctx context.Context, typed string) ([]graph.User, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return []graph.User{}, nil
	}
	if isID(typed) {
		u, err := c.User(ctx, typed)
		if e, ok := errors.AsType[*graph.Error](err); ok && e.Kind == graph.KindNotFound {
			return []graph.User{}, nil
		}
		if err != nil {
			return nil, err
		}
		return []graph.User{u}, nil
	}
	for _, filter := range lookUps(typed) {
		found, err := c.usersWith(ctx, filter)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return []graph.User{}, nil
}

// lookUps are the filters to try, the surest first.
func lookUps(typed string) []string {
	name := "displayName eq " + literal(typed)
	if !strings.Contains(typed, "@") {
		return []string{name}
	}
	return []string{
		"userPrincipalName eq " + literal(typed),
		"mail eq " + literal(typed),
		"proxyAddresses/any(p:p eq " + literal("smtp:"+typed) + ") or proxyAddresses/any(p:p eq " + literal("SMTP:"+typed) + ")",
		"otherMails/any(m:m eq " + literal(typed) + ")",
		name,
	}
}

func (c *Client) usersWith(ctx context.Context, filter string) ([]graph.User, error) {
	return listing[graph.User]{
		op:    findUsers,
		first: c.url("/users", url.Values{"$select": {userFields}, "$filter": {filter}}),
		row:   userRow,
	}.all(ctx, c)
}

// CountUsers reads the count beside a page of one: /users/$count would answer
// in plain text.
func (c *Client) CountUsers(ctx context.Context) (int, error) {
	first := c.url("/users", url.Values{"$select": {"id"}, "$top": {"1"}, "$count": {"true"}})
	return read(ctx, c, countUsers, func(ctx context.Context) (n int, _ error) {
		err := c.get(ctx, first, eventual, func(answer []byte) (err error) {
			n, err = countIn(newDecoder(answer))
			return err
		})
		return n, err
	})
}

func countIn(d *decoder) (n int, _ error) {
	said := false
	err := d.object(func(name []byte) (err error) {
		if string(name) != "@odata.count" {
			return d.Skip()
		}
		said, err = d.number(&n)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, errors.Join(d.end(), missing(told{"@odata.count", said}))
}

// Manager reads GET /users/{id}/manager. One who is no user, but a contact, is
// none that we could ask.
func (c *Client) Manager(ctx context.Context, userID string) (graph.User, error) {
	if noSegment(userID) {
		return graph.User{}, &graph.Error{Kind: graph.KindNotFound, Op: readManager.name}
	}
	m, err := getOne(ctx, c, readManager, c.url("/users/"+segment(userID)+"/manager", url.Values{"$select": {userFields}}), managerRow)
	if err == nil && !m.user {
		err = &graph.Error{Kind: graph.KindNotFound, Op: readManager.name, Status: http.StatusOK}
	}
	return m.User, err
}

// managersAtOnce is the most that Graph gives in a page of directory objects
// with something expanded, whatever is asked for
// (https://learn.microsoft.com/graph/query-parameters, "expand").
const managersAtOnce = "100"

// Managers reads GET /users with the manager of each expanded.
func (c *Client) Managers(ctx context.Context) (map[string]string, error) {
	above := map[string]string{}
	err := listing[led]{
		op:    readManagers,
		first: c.url("/users", url.Values{"$select": {"id"}, "$expand": {"manager($select=id)"}, "$top": {managersAtOnce}}),
		row:   ledRow,
	}.each(ctx, c, func(l led) error {
		above[l.id] = l.by
		return nil
	})
	if err != nil {
		return nil, err
	}
	return above, nil
}

// led is an account, and who is set above it.
type led struct{ id, by string }

// ledRow keeps those who have somebody. A manager without a type is a user, as
// one who is read alone.
func ledRow(d *decoder, l *led) (keep bool, _ error) {
	err := d.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return d.text(&l.id)
		case "manager":
			return d.above(&l.by)
		default:
			return d.Skip()
		}
	})
	if err != nil {
		return false, err
	}
	return l.by != "", missing(told{"id", l.id != ""})
}

func (d *decoder) above(by *string) error {
	id, kind := "", ""
	said, err := d.objectOrNull(func(name []byte) error {
		switch string(name) {
		case "id":
			return d.text(&id)
		case "@odata.type":
			return d.word(&kind)
		default:
			return d.Skip()
		}
	})
	if err != nil || !said {
		return err
	}
	if kind == "" || strings.EqualFold(kind, "#microsoft.graph.user") {
		*by = id
	}
	return missing(told{"manager/id", id != ""})
}

type manager struct {
	graph.User
	user bool
}

func managerRow(d *decoder, m *manager) (keep bool, _ error) {
	raw, err := d.Raw()
	if err != nil {
		return false, err
	}
	kind := text(members(raw)["@odata.type"])
	if m.user = kind == "" || strings.EqualFold(kind, "#microsoft.graph.user"); !m.user {
		return true, nil
	}
	return userRow(newDecoder(raw), &m.User)
}

// LastSignIns reads GET /users with signInActivity alone, whose budget and
// licence are not the users' own. A tenant in which nobody ever signed in is
// none: there the activity was not said.
func (c *Client) LastSignIns(ctx context.Context) ([]graph.LastSignIn, error) {
	all, err := listing[graph.LastSignIn]{
		op:    readLastSignIns,
		first: c.url("/users", url.Values{"$select": {"id,signInActivity"}, "$top": {"500"}}),
		row:   lastSignInRow,
	}.all(ctx, c)
	if err == nil && len(all) > 0 && !slices.ContainsFunc(all, func(l graph.LastSignIn) bool { return !l.At.IsZero() }) {
		return nil, &graph.Error{Kind: graph.KindUnclear, Op: readLastSignIns.name, Err: errMissing("every signInActivity")}
	}
	return all, err
}

// lastSignInRow takes null for "never": Graph keeps nothing of who was not seen.
func lastSignInRow(d *decoder, l *graph.LastSignIn) (keep bool, _ error) {
	err := d.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return d.text(&l.UserID)
		case "signInActivity":
			return d.activity(l)
		default:
			return d.Skip()
		}
	})
	if err != nil {
		return false, err
	}
	return true, missing(told{"id", l.UserID != ""})
}

func (d *decoder) activity(l *graph.LastSignIn) error {
	_, err := d.objectOrNull(func(name []byte) error {
		switch string(name) {
		case "lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime":
			at := l.At
			if err := d.moment(&l.At); err != nil {
				return err
			}
			if l.At.Before(at) {
				l.At = at
			}
			return nil
		default:
			return d.Skip()
		}
	})
	return err
}
