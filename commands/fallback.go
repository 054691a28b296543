package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
)

// policyFallback is the policy of a request for which too few could decide only
// because of whom it is about, or of this day.
const policyFallback = "fallback"

// fallbackWait is how long a change waits that one approves where two should.
const fallbackWait = time.Hour

// fallback returns the policy under which a request can be decided by those who
// are there. Where the quorum is short only because approvers are targets or
// away, one of the others is enough, the change waits longer, and everybody is
// told. Nothing else makes fewer do, not that somebody has linked no account, and
// nothing at all where people may be locked out: there it stays as it is, and the request is refused. A request
// about several accounts is not one about an approver: whoever asks could add
// one of them to the others so that fewer decide.
func fallback(r rules.Rules, p approval.Policy, b identity.Bench, accounts int) approval.Policy {
	targets := len(b.Targets)
	if accounts > 1 {
		targets = 0
	}
	missing := targets + len(b.Away)
	if !r.Fallback || p.Quorum < 2 || slices.Contains(p.Because, whyLockout) || len(b.Can) == 0 || len(b.Can)+len(b.Unlinked) >= p.Quorum || len(b.Can)+missing < p.Quorum {
		return p
	}
	var why []string
	if targets > 0 {
		why = append(why, plural(fmt.Sprint(targets), "approver")+" would decide about themselves")
	}
	if len(b.Away) > 0 {
		why = append(why, plural(fmt.Sprint(len(b.Away)), "approver")+" away")
	}
	p.Because = append(slices.Clone(p.Because), fmt.Sprintf(
		"One approval is enough here, because not enough others could decide (%s). It waits longer instead, and everybody is told.", strings.Join(why, ", ")))
	p.Name, p.Quorum, p.Wait = policyFallback, 1, max(p.Wait, fallbackWait)
	for _, someone := range b.Can { // whoever is away has made fewer enough, and is not the one who then approves
		p.Voters = append(p.Voters, someone.Object)
	}
	return p
}

// tooFew words why a request was refused that too few people could decide, and
// says whom to appoint. Every other error comes back as it is.
func tooFew(ctx context.Context, env Env, p approval.Plan, err error) error {
	no, ok := errors.AsType[*approval.Refusal](err)
	if !ok || no.Code != approval.ErrQuorum.Code || len(p.Policy.Only) > 0 {
		return err
	}
	b, unread := env.People.Bench(ctx, wouldBe(p))
	if unread != nil || len(b.Can) >= p.Policy.Quorum {
		return err
	}
	text := shortWords(ctx, env, p.Policy, b)
	if len(p.Targets) > 1 && len(b.Targets) > 0 {
		text += " Or ask about approvers apart from the others, one by one."
	}
	return &approval.Refusal{Code: no.Code, Text: text}
}

// shortWords say who could decide and who not, and whom to appoint.
func shortWords(ctx context.Context, env Env, p approval.Policy, b identity.Bench) string {
	say := fmt.Sprintf("This needs %s, and %s could decide.", plural(fmt.Sprint(p.Quorum), "approver"), nobodyOr(len(b.Can)))
	for _, kept := range []struct {
		who []approval.Principal
		why string
	}{{b.Targets, "it is about them"}, {b.Provers, "they made sure of who it is for"}, {b.Away, "away"}} {
		for _, p := range kept.who {
			say += " " + named(ctx, env, p) + " may not: " + kept.why + "."
		}
	}
	if b.Requester {
		say += " You are an approver, and may not decide what you ask for yourself."
	}
	return say + " Nothing was asked for. " + mend(ctx, env, p.Quorum-len(b.Can), b.Unlinked)
}

func nobodyOr(n int) string {
	if n == 0 {
		return "nobody"
	}
	return fmt.Sprintf("only %d", n)
}

// mend says what makes enough who can decide: accounts of those who have none that
// counts, and whom to appoint where that is not enough.
func mend(ctx context.Context, env Env, missing int, unlinked []approval.Principal) string {
	if len(unlinked) == 0 {
		return appoint(ctx, env, missing)
	}
	names := make([]string, len(unlinked))
	for i, p := range unlinked {
		names[i] = named(ctx, env, p)
	}
	say := "No chat account counts of " + strings.Join(names, ", ") + ": “/mfa link” makes one that does a day later, or once an owner confirms it, and an owner can pin one."
	if missing <= len(unlinked) {
		return say
	}
	return say + " " + appoint(ctx, env, missing-len(unlinked))
}

// appoint says who can change that too few could decide.
func appoint(ctx context.Context, env Env, missing int) string {
	say := fmt.Sprintf("Appoint %s: somebody outside of IT, as a director or whoever leads finance, will do.", plural(fmt.Sprint(missing), "more approver"))
	owners, err := env.People.Active(ctx, identity.Owner)
	if err != nil || len(owners) == 0 {
		return say + " An owner does that in the configuration."
	}
	names := make([]string, len(owners))
	for i, o := range owners {
		names[i] = named(ctx, env, o)
	}
	return say + " An owner does that in the configuration: " + strings.Join(names, ", ") + "."
}

// firstAsked returns who is asked to decide at once: everybody who could but the
// backups, and those too where somebody is away or too few are left.
func firstAsked(r rules.Rules, p approval.Policy, b identity.Bench) []approval.Principal {
	first := slices.DeleteFunc(slices.Clone(b.Can), func(p approval.Principal) bool { return slices.Contains(r.Backups, p.Object) })
	if len(p.Only) > 0 || len(b.Away) > 0 || len(first) < max(p.Quorum, 1) {
		return b.Can
	}
	return first
}
