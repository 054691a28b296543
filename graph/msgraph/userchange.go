package msgraph

import (
	"context"
	"strings"

	"github.com/microsoft/kiota-abstractions-go"

	"twokey/graph"
)

// changeUser applies a change whose address is relative to a user. It goes by
// object ID alone: a name may have passed to somebody else since the change was
// decided.
func (c *Client) changeUser(ctx context.Context, op operation, userID string, ch change) (graph.Receipt, error) {
	if !isID(userID) {
		return graph.Receipt{}, mistake(op, wrongUser)
	}
	ch.address = c.userURL(op, userID) + ch.address
	return c.apply(ctx, op, ch)
}

const wrongUser graph.Mistake = "An account is changed by its object ID."

// userURL is a user's address in the version that has the operation.
func (c *Client) userURL(op operation, userID string) string {
	if op.beta {
		return c.betaURL("/users/"+userID, nil)
	}
	return c.url("/users/"+userID, nil)
}

// createFor creates something of a user's and takes what the answer says of it.
func createFor[T any](ctx context.Context, c *Client, op operation, userID, path string, body any, take func(T) error) (graph.Receipt, error) {
	if !isID(userID) {
		return graph.Receipt{}, mistake(op, wrongUser)
	}
	return create(ctx, c, op, change{abstractions.POST, c.userURL(op, userID) + path, body}, take)
}

// RevokeSessions sends POST /users/{id}/revokeSignInSessions. Any success will
// do: Graph is known to answer with others than 200.
func (c *Client) RevokeSessions(ctx context.Context, userID string) (graph.Receipt, error) {
	return c.changeUser(ctx, revokeSessions, userID, change{method: abstractions.POST, address: "/revokeSignInSessions"})
}

// SetAccountEnabled sends PATCH /users/{id}.
func (c *Client) SetAccountEnabled(ctx context.Context, userID string, enabled bool) (graph.Receipt, error) {
	return c.changeUser(ctx, setAccountEnabled, userID, change{method: abstractions.PATCH, body: object{"accountEnabled": enabled}})
}

// refHeader is the message header by which our mail can be found again. Graph
// wants the x- before it.
const refHeader = "x-twokey-ref"

// SendMail sends POST /users/{id}/sendMail. Graph answers 202 and names nothing.
func (c *Client) SendMail(ctx context.Context, m graph.Mail) (graph.Receipt, error) {
	switch {
	case m.From == "" || m.From == "." || m.From == "..":
		return graph.Receipt{}, mistake(sendMail, "A message needs a mailbox to be sent from.")
	case !strings.Contains(m.To, "@"):
		return graph.Receipt{}, mistake(sendMail, "A message needs an address to be sent to.")
	case m.Ref == "" || strings.ContainsFunc(m.Ref, func(r rune) bool { return r <= ' ' || r > '~' }):
		return graph.Receipt{}, mistake(sendMail, "A message needs a mark, in plain letters, by which it can be found again.")
	}
	message := object{
		"subject": m.Subject, "body": object{"contentType": "html", "content": m.HTML},
		"toRecipients":           []object{{"emailAddress": object{"address": m.To}}},
		"internetMessageHeaders": []object{{"name": refHeader, "value": m.Ref}},
	}
	address := c.url("/users/"+segment(m.From)+"/sendMail", nil)
	return c.apply(ctx, sendMail, change{abstractions.POST, address, object{"message": message, "saveToSentItems": false}})
}
