package commands

import (
	"errors"
	"time"

	"twokey/commands/approval"
	"twokey/graph"
)

// classify says what an answer of the tenant means for a step that was sent
// once. Whatever is not understood is unclear. What was read before the step
// may not hold any more, whatever the answer.
func classify(env Env, receipt graph.Receipt, err error) approval.Answer {
	if env.Changed != nil {
		env.Changed()
	}
	if err == nil {
		return approval.Answer{Class: approval.Applied, RequestID: receipt.RequestID}
	}
	var e *graph.Error
	if !errors.As(err, &e) {
		return approval.Answer{Class: approval.Unclear, Facts: "Microsoft 365 gave no clear answer."}
	}
	a := approval.Answer{Class: approval.Refused, RequestID: e.RequestID, Facts: e.Say()}
	switch e.Kind {
	case graph.KindNoLicence, graph.KindNoPermission, graph.KindNotFound, graph.KindConflict, graph.KindSignIn:
	case graph.KindNotSent:
		a.Class, a.Again, a.Wait = approval.NotSent, true, time.Second
	case graph.KindThrottled:
		a.Again, a.Wait = true, time.Second
		if wait := e.RetryAfter.Sub(env.Now()); !e.RetryAfter.IsZero() && wait > 0 {
			a.Wait = wait
		}
	case graph.KindRefused:
		switch {
		case errors.Is(err, graph.ErrDefaultMethod):
			a.Facts = "Microsoft 365 refused it: it is the default method, and others remain."
		case e.Message != "":
			a.Facts += " It said: " + quoted(e.Message, 200) + "."
		}
	default:
		a.Class = approval.Unclear
	}
	return a
}
