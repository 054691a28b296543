package commands

import (
	"context"
	"hash/fnv"
	"slices"

	"twokey/commands/approval"
	"twokey/commands/rules"
)

// rulesVersion numbers all that the owner's rules, and this version of the bot,
// say about how changes of a kind are decided, and whether there may be any.
// Rules that say the same about them have the same number, whatever else they
// say.
func rulesVersion(r rules.Rules, kind string) int {
	r = r.Normal()
	say := []any{
		policyVersion, kind, r.Approvals[kind], r.Approvals[policyTwo], // any kind may be lifted to two
		r.Wait, r.Many, r.Solo, r.Fallback, r.ManagerApproves, r.AdminsTwo, r.AcceptLockout,
	}
	if switchable(kind) {
		say = append(say, slices.Contains(r.Changes, kind), r.MinAdmins, r.MinEmergency)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(encode(say))) // never fails
	return int(h.Sum32())
}

// switchable reports whether the owner has to name a kind for there to be
// changes of it. The others touch nothing in the tenant.
func switchable(kind string) bool { return slices.Contains(Kinds(), kind) }

// Current returns, for [approval.Engine.Current] and
// [approval.RunnerConfig.Current], whether a request is still decided as its
// approvers were shown, and may still be carried out: a reload may have changed
// that.
func Current(keeper *rules.Keeper) func(context.Context, approval.Request) error {
	return func(_ context.Context, r approval.Request) error {
		now := keeper.Now()
		switch {
		case switchable(r.Kind) && !slices.Contains(now.Changes, r.Kind), r.Kind == ownBlockKind.name && !slices.Contains(now.Changes, BlockKind):
			return outdated(kindNamed(r.Kind).what + " has been switched off since this was asked for.")
		case r.Policy.Version != rulesVersion(now, r.Kind):
			return outdated("The rules for this kind of change are no longer those under which this was asked for, so it would have to be asked for anew.")
		default:
			return nil
		}
	}
}

func outdated(text string) error {
	return &approval.Refusal{Code: approval.ErrChanged.Code, Text: text}
}
