package commands

import (
	"context"
	"fmt"
	"slices"

	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
)

// preflightAccess judges whether a policy of ours could be enforced now. What
// makes it red is what refuses the change when it is asked for, and again before
// it runs.
func preflightAccess(ctx context.Context, env Env, a aim) (chat.Message, error) {
	facts := env.Facts(ctx)
	funnel := rollout.NewFunnel(facts, env.Scope)
	report := preflightReport{titles: a.titles(), asOf: facts.AsOf, oldest: funnel.Oldest}
	action := accessAction{env, a}
	s, err := action.read(ctx)
	if k, known := kindOf(err); known && k == graph.KindNoLicence {
		report.findings = []finding{{
			Level: red, Text: noConditionalAccess + " " + insteadOfIt, Owner: "whoever buys licences",
		}}
		return report.message(env), nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	report.findings = append(action.obstacles(s), chatSignIn(env), legacyUse(env, facts))
	if a.does == graph.AimRequireMFA {
		deciding, err := readDeciders(ctx, env, facts)
		report.findings = append(report.findings, deciders(deciding, err), readiness(funnel))
	}
	report.findings = append(append(report.findings, declared(facts, env.Scope.With(facts.Declared))...), deviceFindings(facts)...)
	slices.SortStableFunc(report.findings, func(a, b finding) int { return int(b.Level - a.Level) })
	return report.message(env), nil
}

func (a aim) titles() [3]string {
	return [3]string{
		"Nothing stands in the way of " + a.noun + ".",
		fmt.Sprintf("One could enforce %s, but look at these first.", a.noun),
		fmt.Sprintf("One cannot enforce %s yet.", a.noun),
	}
}

// obstacles are what the policy itself, and who is exempt from it, say.
func (a accessAction) obstacles(s accessSnapshot) []finding {
	const ca = "Conditional Access Administrator"
	var fs []finding
	if s.Enabled {
		fs = append(fs, finding{Level: red, Text: "Security defaults are on: they have to be turned off before a policy can be enforced, and between the two the tenant has neither.", Owner: "a lead, with “/mfa defaults disable”"})
	} else {
		fs = append(fs, finding{Level: green, Text: "Security defaults are off."})
	}
	switch ours := s.ours(a.aim); len(ours) {
	case 0:
		fs = append(fs, a.begun(s)...)
	case 1:
		args := accessArgs{State: graph.PolicyEnabled, Policy: ours[0].ID}
		rest := s
		rest.Enabled = false // said above
		if say := a.guard(args, rest); say != "" {
			fs = append(fs, finding{Level: red, Text: say, Owner: ca})
		} else {
			fs = append(fs, finding{Level: green, Text: "The policy " + quoted(ours[0].Name, 80) + " is " + policyState(ours[0].State) + ", as this bot made it, and exempts the emergency access accounts."})
		}
	default:
		fs = append(fs, finding{Level: red, Text: fmt.Sprintf("There are %d policies of ours for this: all but one have to be deleted.", len(ours)), Owner: ca})
	}
	for _, risk := range a.risks(accessArgs{State: graph.PolicyEnabled}, s) {
		fs = append(fs, finding{Level: guarded(a.env), Text: risk, Owner: mendAdmins, Lockout: true})
	}
	return fs
}

// begun is what is to be said while there is no policy of ours.
func (a accessAction) begun(s accessSnapshot) []finding {
	args := accessArgs{State: graph.PolicyReportOnly}
	for _, e := range s.Emergency {
		args.Exclude = append(args.Exclude, e.ID)
	}
	if say := a.guard(args, s); say != "" {
		return []finding{{Level: red, Text: say, Owner: "an owner of this bot"}}
	}
	return []finding{{Level: amber, Text: "There is no policy of ours yet. It begins as report-only: nobody is stopped, and the sign-in log shows whom it would stop.", Owner: "a lead, with “/mfa " + a.aim.kind.name + " report-only”"}}
}
