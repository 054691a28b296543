package commands

import (
	"context"
	"hash/fnv"

	"twokey/commands/approval"
	"twokey/commands/rules"
)

// rulesVersion numbers all that the owner's rules, and this version of the bot,
// say about how changes of a kind are decided. Rules that say the same about
// them have the same number, whatever else they say.
func rulesVersion(r rules.Rules, kind string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(encode([]any{ // never fails
		policyVersion, kind, r.Approvals[kind], r.Wait, r.Many, r.Solo, r.Fallback, r.ManagerApproves, r.AdminsTwo, r.AcceptLockout,
	})))
	return int(h.Sum32())
}

// Current returns, for [approval.Engine.Current], whether a request is still
// decided as its approvers were shown: a reload may have changed that.
func Current(keeper *rules.Keeper) func(context.Context, approval.Request) error {
	return func(_ context.Context, r approval.Request) error {
		if r.Policy.Version == rulesVersion(keeper.Now(), r.Kind) {
			return nil
		}
		return &approval.Refusal{
			Code: approval.ErrChanged.Code,
			Text: "The rules for this kind of change are not what you were shown any more. Please have it asked for anew.",
		}
	}
}
