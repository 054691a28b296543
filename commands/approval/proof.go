package approval

import (
	"context"
	"time"
)

// Fresh is what somebody proved lately about who they are, beyond that the press
// came from their chat account. The zero value is nothing.
type Fresh struct {
	Proof string    `json:"proof"`
	At    time.Time `json:"at"`
}

// Deed is for what somebody must have proved anew who they are.
type Deed string

// The deeds. Denying, cancelling and freezing need no proof: whoever stops a
// change by mistake has lost little.
const (
	ToAsk     Deed = "ask"
	ToApprove Deed = "approve"
	ToCollect Deed = "collect"
)

// Prove returns what p has proved lately by a chat account, if that is enough
// for a deed about a request of the kind, or if nothing is needed. It returns a
// [*Refusal] if it is not, ErrStepUp where it can be made up for; any other error
// means that it could not be found out: the answer is no.
type Prove func(ctx context.Context, p Principal, account, kind string, d Deed) (Fresh, error)

// prove asks nobody for anything if there is no Prove.
func (f Prove) prove(ctx context.Context, p Principal, account, kind string, d Deed) (Fresh, error) {
	if f == nil {
		return Fresh{}, nil
	}
	fresh, err := f(ctx, p, account, kind, d)
	fresh.At = fresh.At.UTC().Truncate(time.Microsecond)
	return fresh, err
}

// Note adds to a record's facts what was proved, if anything was.
func (f Fresh) Note(facts map[string]any) {
	if f.Proof != "" {
		facts["fresh"], facts["fresh_at"] = f.Proof, stamp(f.At)
	}
}
