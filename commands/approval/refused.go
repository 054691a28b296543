package approval

import (
	"context"
	"errors"
	"slices"
	"time"
)

// quiet is how long the same refusal of the same person is not recorded again.
const quiet = time.Minute

// refusals is how the names of the leases begin that remember a refusal.
const refusals = "refused/"

// silent are refusals that say nothing about whoever was refused.
var silent = []string{ErrNotFound.Code, ErrLost.Code}

var errQuiet = errors.New("recorded lately")

// refused records that somebody was not let decide, and gives back the error
// that said so: an auditor wants to see who tried. It is a transaction of its
// own. A press can be repeated without end, so that the same refusal is
// recorded once a minute; a lease that nobody renews remembers it, for every
// replica. The answer is no, whether or not it could be recorded.
func (e *Engine) refused(ctx context.Context, v Vote, choice string, err error) error {
	var no *Refusal
	if !errors.As(err, &no) || slices.Contains(silent, no.Code) || e.gate(ctx) != nil {
		return err
	}
	_ = e.Store.Update(ctx, func(tx Tx) error {
		r, err := tx.Request(ref(v))
		if err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if err := tx.ForgetLeases(refusals); err != nil {
			return err
		}
		owner, _ := newID()
		_, first, err := tx.Acquire(refusals+r.ID+"/"+v.By.Tenant+"/"+v.By.Object+"/"+no.Code, owner, quiet, false)
		if err != nil {
			return err
		}
		if !first {
			return errQuiet
		}
		facts := map[string]any{"choice": choice, "code": no.Code, "account": v.Account}
		if v.By.Tenant != r.Tenant {
			facts["tenant"] = v.By.Tenant
		}
		return record(tx, r, now, "request.refused", v.By, facts)
	})
	return err
}
