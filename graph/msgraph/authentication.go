package msgraph

import (
	"context"
	"errors"
	"slices"
	"strings"
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

// HasPhone reads GET /users/{id}/authentication/phoneMethods, and compares: the
// numbers go no further.
func (c *Client) HasPhone(ctx context.Context, userID string, p graph.Phone) (bool, error) {
	if noSegment(userID) {
		return false, &graph.Error{Kind: graph.KindNotFound, Op: readPhones.name}
	}
	phones, err := listing[graph.Phone]{
		op: readPhones, first: c.url("/users/"+segment(userID)+"/authentication/phoneMethods", nil), row: viaJSON(toPhone),
	}.all(ctx, c)
	return slices.ContainsFunc(phones, func(is graph.Phone) bool { return is.Type == p.Type && digits(is.Number) == digits(p.Number) }), err
}

type phoneItem struct {
	Type   *string `json:"phoneType"`
	Number *string `json:"phoneNumber"`
}

func toPhone(p phoneItem) (graph.Phone, error) {
	kind, noType := need("phoneType", p.Type)
	number, noNumber := need("phoneNumber", p.Number)
	if noNumber == nil && strings.Trim(number, "+0123456789 ()-.x") != "" {
		noNumber = errors.New("phoneNumber is not said whole")
	}
	return graph.Phone{Type: graph.PhoneType(kind), Number: number}, errors.Join(noType, noNumber)
}

// digits are those of a number, and the mark of its extension: how they are set
// apart is nothing of it.
func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == 'x' {
			return r
		}
		return -1
	}, number)
}
