package msgraph

import (
	"context"
	"errors"
	"time"

	"twokey/graph"
)

// SignInPreference reads /users/{id}/authentication/signInPreferences, which
// only beta has.
func (c *Client) SignInPreference(ctx context.Context, userID string) (graph.SignInPreference, error) {
	if noSegment(userID) {
		return graph.SignInPreference{}, &graph.Error{Kind: graph.KindNotFound, Op: readSignInPreference.name}
	}
	return getOne(ctx, c, readSignInPreference, c.betaURL("/users/"+segment(userID)+"/authentication/signInPreferences", nil), viaJSON(toSignInPreference))
}

type preferenceItem struct {
	System *bool   `json:"isSystemPreferredAuthenticationMethodEnabled"`
	Method *string `json:"userPreferredMethodForSecondaryAuthentication"`
}

func toSignInPreference(p preferenceItem) (graph.SignInPreference, error) {
	system, err := need("isSystemPreferredAuthenticationMethodEnabled", p.System)
	method := or(p.Method, "")
	if method == "none" {
		method = ""
	}
	return graph.SignInPreference{Method: method, System: system}, err
}

// Passes reads GET /users/{id}/authentication/temporaryAccessPassMethods. The
// code is never among it.
func (c *Client) Passes(ctx context.Context, userID string) ([]graph.Pass, error) {
	if noSegment(userID) {
		return nil, &graph.Error{Kind: graph.KindNotFound, Op: readPasses.name}
	}
	return listing[graph.Pass]{
		op: readPasses, first: c.url("/users/"+segment(userID)+"/authentication/temporaryAccessPassMethods", nil), row: viaJSON(toHeldPass),
	}.all(ctx, c)
}

// heldPass is a Temporary Access Pass as it is read: without its code.
type heldPass struct {
	ID       *string    `json:"id"`
	Created  *time.Time `json:"createdDateTime"`
	Start    *time.Time `json:"startDateTime"`
	Lifetime *int       `json:"lifetimeInMinutes"`
	Once     *bool      `json:"isUsableOnce"`
	Usable   *bool      `json:"isUsable"`
	Why      *string    `json:"methodUsabilityReason"`
}

func toHeldPass(p heldPass) (graph.Pass, error) {
	id, noID := need("id", p.ID)
	start, noStart := need("startDateTime", p.Start)
	lifetime, noLifetime := need("lifetimeInMinutes", p.Lifetime)
	once, noOnce := need("isUsableOnce", p.Once)
	usable, noUsable := need("isUsable", p.Usable)
	return graph.Pass{
		ID: id, Created: or(p.Created, time.Time{}).UTC(), Start: start.UTC(), Lifetime: time.Duration(lifetime) * time.Minute, Once: once, Usable: usable, Why: or(p.Why, ""),
	}, errors.Join(noID, noStart, noLifetime, noOnce, noUsable)
}
