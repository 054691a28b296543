package approval

import "context"

// Standing says who may ask and decide, from the tenant as it is now. An error
// that is not a [*Refusal] means that it could not be read: the answer is no.
type Standing interface {
	// MayAsk returns why p may ask for this kind of action.
	MayAsk(ctx context.Context, p Principal, kind string) (Warrant, error)
	// MayDecide returns why p is an eligible approver of r. It heeds the
	// policy's Only and Manager.
	MayDecide(ctx context.Context, p Principal, r Request) (Warrant, error)
	// Approvers lists who could decide r now: without its requester and
	// targets, and without whoever is away.
	Approvers(ctx context.Context, r Request) ([]Principal, error)
	// Backups lists those among the people who may decide r who are asked only
	// when nobody else answers.
	Backups(ctx context.Context, r Request) ([]Principal, error)
	// Name returns how p is called, for people; the ID if that is not known.
	Name(ctx context.Context, p Principal) string
}
