package msgraph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/microsoft/kiota-abstractions-go"

	"twokey/graph"
)

// Every operation that changes something, with the narrowest permission that
// Graph's table has for it.
var (
	setSecurityDefaults = operation{name: "set security defaults", permission: "Policy.ReadWrite.SecurityDefaults", budget: writesBudget, cost: 1, write: true}
	createPolicy        = operation{name: "create Conditional Access policy", permission: "Policy.ReadWrite.ConditionalAccess", budget: accessBudget, cost: 1, premium: true, write: true}
	setPolicyState      = operation{name: "switch Conditional Access policy", permission: "Policy.ReadWrite.ConditionalAccess", budget: accessBudget, cost: 1, premium: true, write: true}
	setPassPolicy       = operation{name: "set policy of passes", permission: "Policy.ReadWrite.AuthenticationMethod", budget: writesBudget, cost: 1, write: true}
	setCampaign         = operation{name: "set registration campaign", permission: "Policy.ReadWrite.AuthenticationMethod", budget: writesBudget, cost: 1, write: true}
	deleteMethod        = operation{name: "delete authentication method", budget: methodsBudget, cost: 1, write: true} // permission: see methodHomes
	addPhone            = operation{name: "add phone", permission: "UserAuthMethod-Phone.ReadWrite.All", budget: methodsBudget, cost: 1, write: true}
	createPass          = operation{name: "create Temporary Access Pass", permission: "UserAuthMethod-TAP.ReadWrite.All", budget: methodsBudget, cost: 1, write: true}
	setSignInPreference = operation{name: "set default method", permission: "UserAuthenticationMethod.ReadWrite.All", budget: methodsBudget, cost: 1, beta: true, write: true}
	setPerUserMFA       = operation{name: "set per-user MFA", permission: "Policy.ReadWrite.AuthenticationMethod", budget: methodsBudget, cost: 1, beta: true, write: true}
	revokeSessions      = operation{name: "revoke sessions", permission: "User.RevokeSessions.All", budget: writesBudget, cost: 1, write: true}
	setAccountEnabled   = operation{name: "block or unblock account", permission: "User.EnableDisableAccount.All", budget: writesBudget, cost: 1, write: true, orRole: true}
	sendMail            = operation{name: "send mail", permission: "Mail.Send", budget: mailBudget, cost: 1, write: true}
)

// write runs one changing call. It is sent once and never again.
func (c *Client) write(ctx context.Context, op operation, send func(context.Context) error) (graph.Receipt, error) {
	ctx, cancel := withLimit(ctx, callLimit)
	defer cancel()
	_, call, err := once(ctx, c, op, func(ctx context.Context) (struct{}, error) { return struct{}{}, send(ctx) })
	if call == nil {
		return graph.Receipt{}, err
	}
	if err = c.licensed(ctx, op, err); errors.Is(err, errLicensed) {
		err = ownsIt(err)
	}
	return graph.Receipt{RequestID: call.requestID, ClientRequestID: call.id}, err
}

// A change is one request that changes something, made by hand: what is sent is
// its body and no more, where the SDK's models add members of their own.
type change struct {
	method  abstractions.HttpMethod
	address string
	body    any // nil sends none
}

// apply sends a change and wants of the answer no more than that it is a whole
// one, if it is any.
func (c *Client) apply(ctx context.Context, op operation, ch change) (graph.Receipt, error) {
	return c.write(ctx, op, func(ctx context.Context) error {
		return c.sendChange(ctx, ch, func(answer []byte) error {
			if len(answer) > 0 && !json.Valid(answer) {
				return errors.New("decode answer")
			}
			return nil
		})
	})
}

// create sends a change whose answer is needed, decoded into T. A success that
// does not say what came of it is an unclear answer.
func create[T any](ctx context.Context, c *Client, op operation, ch change, take func(T) error) (graph.Receipt, error) {
	return c.write(ctx, op, func(ctx context.Context) error {
		return c.sendChange(ctx, ch, func(answer []byte) error {
			var made T
			if err := json.Unmarshal(answer, &made); err != nil {
				return errors.New("decode what was created") // the cause may quote a secret
			}
			return take(made)
		})
	})
}

func (c *Client) sendChange(ctx context.Context, ch change, take func(answer []byte) error) error {
	if ch.body == nil {
		return c.send(ctx, ch.method, ch.address, nil, nil, take)
	}
	body, err := json.Marshal(ch.body)
	if err != nil {
		return fmt.Errorf("encode change: %w", err)
	}
	return c.send(ctx, ch.method, ch.address, nil, body, take)
}

// object is a JSON object of a body.
type object map[string]any

// mistake is the error of a change that makes no sense, before anything is sent.
func mistake(op operation, why graph.Mistake) error {
	return &graph.Error{Kind: graph.KindNotSent, Op: op.name, Err: why}
}

// isID reports whether a text has the form of an object ID. Changes go by
// those alone: a name may belong to somebody else by now.
func isID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}
