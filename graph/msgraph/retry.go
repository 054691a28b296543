package msgraph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"twokey/graph"
)

// Repeats of a read, and the time for a call with all its waiting where the
// caller set none.
const (
	maxRepeats = 3
	callLimit  = 5 * time.Minute
)

// read runs one reading call: send builds the request through the SDK and
// converts the answer. It is repeated where that may help, as long as ctx
// lasts.
func read[T any](ctx context.Context, c *Client, op operation, send func(context.Context) (T, error)) (T, error) {
	ctx, cancel := withLimit(ctx, callLimit)
	defer cancel()
	v, err := repeated(ctx, c, op, send)
	if err = c.licensed(ctx, op, err); !errors.Is(err, errLicensed) {
		return v, err
	}
	v, err = repeated(ctx, c, op, send)
	return v, ownsIt(err)
}

// repeated sends a read until it is answered: again up to maxRepeats times
// where it failed, and as often as the caller's time allows where Graph asked
// us to slow down.
func repeated[T any](ctx context.Context, c *Client, op operation, send func(context.Context) (T, error)) (T, error) {
	var refused error
	renewed := false
	for failures := 0; ; {
		v, call, err := once(ctx, c, op, send)
		e, ok := errors.AsType[*graph.Error](err)
		switch {
		case !ok:
			return v, err
		case call != nil && call.renewed && !renewed:
			renewed = true // and the next one has another token
			continue
		case refused != nil && !call.sent && e.Kind == graph.KindThrottled:
			return v, refused // Graph's own word on why there is no time left
		case call != nil && call.sent && e.Kind == graph.KindThrottled:
			refused = err // and its budget is closed for as long as Graph said
			continue
		}
		wait, again := c.worthRepeating(ctx, e, failures)
		if !again || sleep(ctx, wait) != nil {
			return v, err
		}
		failures++
	}
}

// errLicensed says that Graph denied a licence which the tenant owns. Licensed
// tenants see that answer too at times.
var errLicensed = errors.New("the tenant owns the licence")

// licensed looks the licence up where Graph forbade what needs one, and says in
// the error what was the matter: not every service has the licence's own code
// for it, and the code is not always true.
func (c *Client) licensed(ctx context.Context, op operation, err error) error {
	e, ok := errors.AsType[*graph.Error](err)
	if !ok || !op.premium || e.Status != http.StatusForbidden {
		return err
	}
	licence, unread := c.Licence(ctx)
	cause, _ := errors.AsType[*graph.Error](unread)
	switch {
	case cause != nil && cause.Kind == graph.KindNoPermission && e.Kind == graph.KindNoLicence && !op.write:
		return cause // it names the permission that would tell
	case unread != nil && e.Kind == graph.KindNoLicence && !op.write:
		return &graph.Error{Kind: graph.KindUnclear, Op: op.name, Err: fmt.Errorf("confirm missing licence: %w", unread)}
	case unread != nil:
		return e
	case licence < graph.P1:
		e.Kind, e.Permission = graph.KindNoLicence, ""
	case e.Kind == graph.KindNoLicence:
		e.Err = errLicensed
	}
	return e
}

// ownsIt is the error of a call that was refused for a licence which the tenant
// owns.
func ownsIt(err error) error {
	if e, ok := errors.AsType[*graph.Error](err); ok && e.Kind == graph.KindNoLicence {
		e.Kind = graph.KindRefused
	}
	return err
}

// once sends one request within the throttle budget. The error is a
// *graph.Error; the call is nil if there could not be one.
func once[T any](ctx context.Context, c *Client, op operation, send func(context.Context) (T, error)) (v T, _ *call, err error) {
	call, err := newCall(ctx, op)
	if err != nil {
		return v, nil, err
	}
	limiter := c.budgets[op.budget]
	grant, wait := limiter.Acquire(ctx, op.cost)
	if grant == nil {
		return v, call, c.notAdmitted(ctx, op, wait)
	}
	defer func() { grant.Settle(err == nil) }()
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	v, err = send(withCall(ctx, call))
	if err == nil {
		return v, call, nil
	}
	e := asError(call, err)
	if e.Kind == graph.KindThrottled {
		limiter.Throttled(grant.At, c.untilThen(e.RetryAfter))
	}
	if call.status == http.StatusUnauthorized && c.signIn != nil {
		call.renewed = c.signIn.replace(ctx, c.scope, call.token.Reveal())
	}
	return v, call, e
}

// notAdmitted is the error of a call that the budget did not let go in its
// time: it hears when to come again.
func (c *Client) notAdmitted(ctx context.Context, op operation, wait time.Duration) *graph.Error {
	if wait <= 0 || errors.Is(ctx.Err(), context.Canceled) {
		return &graph.Error{Kind: graph.KindNotSent, Op: op.name, Err: cmp.Or(ctx.Err(), context.DeadlineExceeded)}
	}
	return &graph.Error{Kind: graph.KindThrottled, Op: op.name, RetryAfter: c.now().Add(wait)}
}

// untilThen is how long it is until a moment of Graph's, 0 if it named none.
func (c *Client) untilThen(at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(0, at.Sub(c.now()))
}

// worthRepeating reports whether a failed read should be sent again, and
// after how long: gateways' errors, broken connections and cut answers pass;
// what Graph understood does not.
func (c *Client) worthRepeating(ctx context.Context, e *graph.Error, failures int) (time.Duration, bool) {
	if failures >= maxRepeats || ctx.Err() != nil {
		return 0, false
	}
	if e.Kind != graph.KindNotSent && !(e.Kind == graph.KindUnclear && passing(e)) {
		return 0, false
	}
	wait := max(backOff(failures), c.untilThen(e.RetryAfter))
	return wait, wait < patience(ctx)
}

// patience is how long the context lets a call wait. A deadline is a moment of
// the machine's clock, which need not be the client's.
func patience(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Hour
	}
	return time.Until(deadline)
}

// passing reports whether an unclear answer is likely to be clear next time.
func passing(e *graph.Error) bool {
	switch e.Status {
	case 0, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return errors.Is(e.Err, errCut)
	}
}

// backOff is a second, doubled each time, half of it by chance so that
// callers do not come back together.
func backOff(attempt int) time.Duration {
	full := time.Second << attempt
	return full/2 + rand.N(full/2)
}

// withLimit gives ctx a deadline if it has none.
func withLimit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// sleep waits for d or for the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
