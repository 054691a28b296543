package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrUnsure is wrapped by the error of a transaction of which it is not known
// whether it was stored, because the connection broke during its commit. It has
// a sentence for people, for when reading again has not settled it either.
var ErrUnsure error = unsure{}

type unsure struct{}

func (unsure) Error() string { return "it is not known whether this was stored" }

// Say returns the sentence.
func (unsure) Say() string {
	return "It is not known whether this was recorded. Look with “/mfa requests” before you try again."
}

// submitted finds out what became of a request whose commit was left open.
func (e *Engine) submitted(ctx context.Context, key string, unsure error) (r Request, err error) {
	err = again(ctx, e.Store, unsure, func(tx Tx) (bool, error) {
		r, err = tx.RequestByKey(key)
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	})
	return r, err
}

// decided finds out what became of c, a change of the request whose commit was
// left open.
func (e *Engine) decided(ctx context.Context, id string, c Change, unsure error) (r Request, err error) {
	err = again(ctx, e.Store, unsure, func(tx Tx) (bool, error) {
		if r, err = tx.Request(id); err != nil {
			return false, err
		}
		ds, err := tx.Decisions(id)
		return c.in(r, ds), err
	})
	if err != nil {
		return Request{}, err
	}
	return r, nil
}

// in reports whether c is what was stored, by its moment and author, which no
// other change shares.
func (c Change) in(r Request, ds []Decision) bool {
	if c.Decision != nil {
		return slices.ContainsFunc(ds, func(d Decision) bool {
			return d.By == c.Decision.By && d.Approve == c.Decision.Approve && d.At.Equal(c.Decision.At)
		})
	}
	return c.Outcome != nil && r.State == c.To && r.Outcome.By == c.Outcome.By && r.Outcome.At.Equal(c.Outcome.At)
}

// How long it is tried to find out what became of a commit: an answer to
// somebody who waits is behind it.
const (
	againTries = 4
	againFirst = 50 * time.Millisecond
	againLimit = 2 * time.Second
)

var errLooked = errors.New("looked")

// again asks look whether something was stored. It gives nil if it was, the
// error that it was not, or, if that cannot be read, the one it was given.
// Looking is done in a write transaction, which begins only when the one that
// was broken off is over one way or the other.
func again(ctx context.Context, s Store, unsure error, look func(Tx) (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), againLimit)
	defer cancel()
	for wait, try := againFirst, 0; try < againTries; wait, try = 2*wait, try+1 {
		time.Sleep(wait)
		var stored bool
		err := s.Update(ctx, func(tx Tx) (err error) {
			if stored, err = look(tx); err != nil {
				return err
			}
			return errLooked // nothing to store
		})
		switch {
		case !errors.Is(err, errLooked):
		case stored:
			return nil
		default:
			return fmt.Errorf("the commit was lost: %v", unsure) //nolint:errorlint // it is certain now
		}
	}
	return unsure
}
