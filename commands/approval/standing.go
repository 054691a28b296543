package approval

import "context"

// Standing says who may ask and decide, from the tenant as it is now. An error
// that is not a [*Refusal] means that it could not be read: the answer is no.
type Standing interface {
	// MayAsk returns why p may ask for this kind of action.
	MayAsk(ctx context.Context, p Principal, kind string) (Warrant, error)
	// MayDecide returns why p is an eligible approver of r. It heeds the
	// policy's Only, Barred and Manager.
	MayDecide(ctx context.Context, p Principal, r Request) (Warrant, error)
	// MayStop returns why p may deny, cancel or pause r: as any approver, whom Only
	// and Barred do not keep from it, or as whoever else may decide it.
	MayStop(ctx context.Context, p Principal, r Request) (Warrant, error)
	// Approvers lists who could decide r now: without its requester and
	// targets, without those on whose word it rests, and without whoever is away.
	Approvers(ctx context.Context, r Request) ([]Principal, error)
	// Backups lists those among the people who may decide r who are asked only
	// when nobody else answers.
	Backups(ctx context.Context, r Request) ([]Principal, error)
	// Name returns how p is called, for people; the ID if that is not known.
	Name(ctx context.Context, p Principal) string
}

// Doubter is a [Standing] that may know why it is not certain that it is really
// the person who approves. Denying, cancelling and freezing need no certainty.
type Doubter interface {
	// Doubt returns a [*Refusal] with the code of ErrDoubt while p's approval of r
	// does not count. Any other error means that it could not be read: the answer
	// is no.
	Doubt(ctx context.Context, p Principal, r Request) error
}

// mayApprove returns nil if p may decide r and nothing is in doubt about p.
func mayApprove(ctx context.Context, s Standing, p Principal, r Request) error {
	if _, err := s.MayDecide(ctx, p, r); err != nil {
		return err
	}
	return undoubted(ctx, s, p, r)
}

func undoubted(ctx context.Context, s Standing, p Principal, r Request) error {
	if d, ok := s.(Doubter); ok {
		return d.Doubt(ctx, p, r)
	}
	return nil
}
