package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/commands/approval"
	"twokey/graph"
)

// Security reads of the tenant, live, what somebody can sign in with and what
// became of it, as [graph.Reader] promises it.
type Security interface {
	Methods(ctx context.Context, userIDs []string) ([]graph.UserMethods, error)
	Passes(ctx context.Context, userID string) ([]graph.Pass, error)
	Audits(ctx context.Context, q graph.AuditQuery) ([]graph.Audit, error)
}

// doubtful is for how long a new way into an account makes it doubtful that it is
// its owner who approves: whoever lost the account notices within a day.
const doubtful = 24 * time.Hour

var _ approval.Doubter = (*Directory)(nil)

// Doubt implements approval.Doubter: within a day of a pass, a reset or new
// security info somebody's approval does not count. The audit log tells of it some
// minutes late, what is on the account at once. What the bot has no permission or
// the tenant no licence for is left out; what else cannot be read is a no.
func (d *Directory) Doubt(ctx context.Context, p approval.Principal, r approval.Request) error {
	if d.cfg.Security == nil {
		return nil
	}
	since := d.cfg.Now().Add(-doubtful)
	for _, look := range []func(context.Context, approval.Principal, time.Time) (string, error){d.asked, d.passes, d.methods, d.logged} {
		what, err := look(ctx, p, since)
		if err != nil && !withheld(err) {
			return fmt.Errorf("read security info: %w", err)
		}
		if what != "" {
			return d.doubted(ctx, p, r, what)
		}
	}
	return nil
}

// doubted says to the voter what happened and who else could decide.
func (d *Directory) doubted(ctx context.Context, p approval.Principal, r approval.Request, what string) error {
	b, err := d.Bench(ctx, r)
	if err != nil {
		return err
	}
	var others []string
	for _, other := range b.Can {
		if other != p {
			others = append(others, "“"+d.Name(ctx, other)+"”")
		}
	}
	who := "Nobody else could decide it now: an owner can appoint somebody."
	if len(others) > 0 {
		who = "Who else could decide: " + strings.Join(others, ", ") + "."
	}
	return &approval.Refusal{
		Code: approval.ErrDoubt.Code, Words: what,
		Text: "Your approval does not count today: within the last 24 hours " + what + ", so that it might be somebody else who presses. You can still deny or freeze. " + who,
	}
}

// withheld reports whether a source is not given to the bot at all.
func withheld(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && (e.Kind == graph.KindNoPermission || e.Kind == graph.KindNoLicence || e.Kind == graph.KindNotFound)
}

// asked looks at our own requests that opened the account.
func (d *Directory) asked(ctx context.Context, p approval.Principal, since time.Time) (what string, err error) {
	if d.cfg.Requests == nil {
		return "", nil
	}
	var all []approval.Request
	err = d.cfg.Requests.View(ctx, func(tx approval.Tx) (err error) {
		all, err = tx.Recent(p.Tenant, since.Add(-longestWait))
		return err
	})
	for _, r := range all {
		if slices.Contains(d.cfg.Opening, r.Kind) && target(r, p.Object) && begun(r, since) {
			return "there was " + r.Ref + " about your account", nil
		}
	}
	return "", err
}

// longestWait is how long before it ran a request may have been asked at most.
const longestWait = 8 * 24 * time.Hour

// begun reports whether anything of a request may have been done since a moment.
func begun(r approval.Request, since time.Time) bool {
	switch r.State {
	case approval.Executing, approval.Reconciling:
		return true
	case approval.Succeeded, approval.Partial, approval.Unknown:
		return r.Outcome.At.After(since)
	default:
		return false
	}
}

// passes looks at the Temporary Access Pass that is on the account, if its time
// is not over for a day.
func (d *Directory) passes(ctx context.Context, p approval.Principal, since time.Time) (what string, err error) {
	held, err := d.cfg.Security.Passes(ctx, p.Object)
	for _, pass := range held {
		if pass.Usable || pass.Start.Add(pass.Lifetime).After(since) {
			what = "a Temporary Access Pass was on your account"
		}
	}
	return what, err
}

// methods looks at when each method was registered, where that is known. A
// password's own time is left out: people change it themselves.
func (d *Directory) methods(ctx context.Context, p approval.Principal, since time.Time) (what string, err error) {
	all, err := d.cfg.Security.Methods(ctx, []string{p.Object})
	if err != nil {
		return "", err
	}
	for _, u := range all {
		for _, m := range u.Methods {
			if m.Kind != graph.MethodPassword && m.Created.After(since) {
				what = "a new sign-in method was registered for your account"
			}
		}
		err = u.Err
	}
	return what, err
}

// logged looks for what is gone again, or was nothing that stays.
func (d *Directory) logged(ctx context.Context, p approval.Principal, since time.Time) (what string, err error) {
	lines, err := d.cfg.Security.Audits(ctx, graph.AuditQuery{Since: since, TargetID: p.Object})
	for _, l := range lines {
		activity := strings.ToLower(l.Activity)
		switch about := slices.ContainsFunc(l.Targets, func(t graph.AuditTarget) bool { return strings.EqualFold(t.ID, p.Object) }); {
		case !about || !l.Succeeded:
		case strings.Contains(activity, "registered security info"), strings.HasPrefix(activity, "admin") && strings.Contains(activity, "security info"):
			return "the security info of your account was changed", nil
		case strings.Contains(activity, "reset") && strings.Contains(activity, "password"):
			return "the password of your account was reset", nil
		}
	}
	return "", err
}
