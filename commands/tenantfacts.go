package commands

import (
	"context"
	"errors"
	"slices"

	"twokey/chat/phrases"
	"twokey/commands/guide"
	"twokey/graph"
	"twokey/graph/rollout"
)

// guideFacts are what is known of the tenant that changes what articles say. What
// could not be read is not among them: articles then say what is usual.
func guideFacts(ctx context.Context, env Env) (all []guide.Fact) {
	if env.OwnTexts {
		all = append(all, guide.OwnTexts)
	}
	f, known := env.last(ctx)
	if !known {
		return all
	}
	switch policies, known := policiesAsk(f); {
	case policies:
		all = append(all, guide.Policies)
	case known:
		all = append(all, guide.NotAsked)
	}
	p, ok := f.MethodsPolicy.Get()
	if !ok {
		return all
	}
	for _, m := range []struct {
		fact guide.Fact
		kind graph.MethodKind
		old  bool // the settings before this policy can allow it too
	}{
		{guide.NoTexts, graph.MethodPhone, true},
		{guide.NoPasskeys, graph.MethodPasskey, false},
		{guide.NoCodes, graph.MethodSoftwareOATH, true},
		{guide.NoPasses, graph.MethodTemporaryPass, false},
	} {
		if nobodyMay(p, m.kind) && (p.Migrated || !m.old) {
			all = append(all, m.fact)
		}
	}
	return all
}

// policiesAsk reports whether Conditional Access asks for MFA in the place of security
// defaults, and whether it is known of both.
func policiesAsk(f rollout.Facts) (policies, known bool) {
	if d, ok := f.SecurityDefaults.Get(); !ok || d.Enabled {
		return false, false
	}
	all, known := f.Policies.Get()
	if no := (*graph.Error)(nil); errors.As(f.Policies.Err(), &no) && no.Kind == graph.KindNoLicence {
		known = true // who cannot have any has none
	}
	return slices.ContainsFunc(all, func(p graph.Policy) bool { return p.State == graph.PolicyEnabled && p.DemandsMFA() }), known
}

// nobodyMay reports whether a policy has settings for a kind of method and all are
// off. A text and a call are of one kind.
func nobodyMay(p graph.MethodsPolicy, kind graph.MethodKind) bool {
	said := false
	for _, s := range p.Methods {
		if s.Kind != kind {
			continue
		}
		if said = true; s.Enabled {
			return false
		}
	}
	return said
}

// factWords says what readers of an article must know of the tenant beside it.
func factWords(v phrases.Voice, f guide.Fact) string {
	switch f {
	case guide.NoTexts:
		return v.Say("Your organisation does not allow texts and calls: choose another way.")
	case guide.NoPasskeys:
		return v.Say("Your organisation does not allow passkeys and security keys at present.")
	case guide.NoCodes:
		return v.Say("Your organisation does not allow codes from other apps.")
	case guide.NoPasses:
		return v.Say("Your organisation has not switched on Temporary Access Passes, so nobody can make one.")
	case guide.OwnTexts:
		return v.Say("Your organisation sends texts by a provider of its own. They go on when those of Microsoft end.")
	default:
		return ""
	}
}
