// Package link is the page on which people prove who they are: by signing in to
// their tenant, or by a passkey that the page registered for them.
package link

import (
	"context"

	"twokey/chat/visit"
	"twokey/graph"
)

// Desk is what stands behind the page and knows what each address is for. It is
// safe for use by several goroutines, and by several processes on one store.
//
// Tokens and tickets are 128 random bits each, and kept as hashes alone. A
// [visit.Refusal] is the answer to whatever is not right, and it is the same for
// an address that never was and one that was used; any other error means that it
// could not be found out, and nothing has changed.
type Desk interface {
	// Look returns what an address was made for and changes nothing.
	Look(ctx context.Context, token string) (visit.Visit, error)
	// Begin uses an address up, and returns the ticket by which the browser that
	// began goes on. It is for a pressed button alone.
	Begin(ctx context.Context, token string) (ticket string, v visit.Visit, err error)
	// Visit returns the visit of a ticket, until it is over.
	Visit(ctx context.Context, ticket string) (visit.Visit, error)

	// Signed takes in who signed in. It counts once: afterwards the visit is
	// signed and a second sign-in is [visit.Gone]. After [visit.Other] and
	// [visit.Weak] the person can try again in the same visit, a few times. The
	// desk holds Claims.At against the time of the visit's beginning: an older
	// sign-in proves nothing.
	Signed(ctx context.Context, ticket string, c visit.Claims) (visit.Done, error)

	// Keys lists the passkeys of the person who must sign in. For a link there
	// are none before they have.
	Keys(ctx context.Context, ticket string) ([]visit.Key, error)
	// AddKey keeps a passkey of the person who has signed in by this ticket, at
	// most one a visit. Those who look after security are told if the person has
	// a role.
	AddKey(ctx context.Context, ticket string, k visit.Key) error
	// UseKey keeps the body of a passkey anew once it was checked, before Signed.
	UseKey(ctx context.Context, ticket string, k visit.Key) error

	// Collect creates what the visit's request is for and hands it to show, once
	// at most; the person must have signed in by this ticket. What show could not
	// show, its error says so, is taken back at the tenant. Show should return
	// only once the browser has said that it has it: it has until its context
	// ends. The returned sentence says for people how it ended, if it was not
	// shown; an error with a Say method has one too.
	Collect(ctx context.Context, ticket string, show func(ctx context.Context, p graph.Pass) error) (sentence string, err error)
}
