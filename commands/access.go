package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

const accessVersion = 2

// aim is one of the two Conditional Access policies that the bot can make.
type aim struct {
	kind kind
	does graph.PolicyAim
	noun string // "legacy authentication is blocked"
}

var (
	legacyBlock = aim{kindNamed(LegacyBlockKind), graph.AimBlockLegacy, "a block of legacy authentication"}
	requireMFA  = aim{kindNamed(RequireMFAKind), graph.AimRequireMFA, "a demand of MFA from everybody"}
)

// accessCommand asks to create one of the policies as report-only, or to switch
// it on once it is there. It needs P1.
func accessCommand(env Env, a aim, enforce bool) Command {
	word, summary := "report-only", "Ask for "+a.noun+" that only reports what it would do. Two approvers decide. Needs P1."
	if enforce {
		word, summary = "enforce", "Ask to enforce "+a.noun+". Two approvers decide. Needs P1."
	}
	return Command{
		CommandSpec: chat.CommandSpec{Name: a.kind.name + " " + word, Summary: summary, Example: a.kind.name + " " + word + " as agreed in the plan", Options: []chat.Option{reasonOption}},
		Access:      whoAsks(a.kind.name),
		Plan:        func(ctx context.Context, _ Call) (approval.Plan, error) { return planAccess(ctx, env, a, enforce) },
	}
}

// What a tenant without Conditional Access is told, and what it has instead.
const (
	noConditionalAccess = "This tenant has no licence for Conditional Access: it needs Entra ID P1."
	insteadOfIt         = "Security defaults are what this licence has instead (“/mfa preflight defaults”)."
)

func planAccess(ctx context.Context, env Env, a aim, enforce bool) (approval.Plan, error) {
	if err := switchedOn(env, a.kind.name); err != nil {
		return approval.Plan{}, err
	}
	action := accessAction{env, a}
	s, err := action.read(ctx)
	if k, known := kindOf(err); known && k == graph.KindNoLicence {
		return approval.Plan{}, &mistake{noConditionalAccess, insteadOfIt}
	}
	if err != nil {
		return approval.Plan{}, err
	}
	args, err := a.args(s, enforce)
	if err != nil {
		return approval.Plan{}, err
	}
	if say := action.guard(args, s); say != "" {
		return approval.Plan{}, &mistake{say, "Nothing was asked for."}
	}
	risks := action.risks(args, s)
	if err := lockedOut(env, risks); err != nil {
		return approval.Plan{}, err
	}
	p := tenantWide(env, a.kind, accessVersion, stakes{lockout: len(risks) > 0})
	p.Args, p.Snapshot = json.RawMessage(encode(args)), json.RawMessage(encode(s))
	p.Words = action.words(ctx, args, s)
	p.Words.Findings = append(p.Words.Findings, risks...)
	return p, nil
}

// accessArgs say what becomes of the policy.
type accessArgs struct {
	State   graph.PolicyState `json:"state"`
	Policy  string            `json:"policy,omitempty"`  // its ID; empty: it is created
	Exclude []string          `json:"exclude,omitempty"` // of one that is created: object IDs
}

// args works out what has to be done to the policies as they are.
func (a aim) args(s accessSnapshot, enforce bool) (accessArgs, error) {
	ours := s.ours(a)
	args := accessArgs{State: graph.PolicyReportOnly}
	if enforce {
		args.State = graph.PolicyEnabled
	}
	switch {
	case len(ours) > 1:
		names := make([]string, len(ours))
		for i, p := range ours {
			names[i] = p.Name
		}
		return args, &mistake{fmt.Sprintf("There are %d policies of ours for this: %s.", len(ours), quotedNames(names)), "Delete all but one of them in the Entra admin centre."}
	case len(ours) == 0 && enforce:
		return args, &mistake{"There is no policy of ours yet that could be enforced.", "Begin with “/mfa " + a.kind.name + " report-only”, and look for some days at whom it would stop."}
	case len(ours) == 0:
		for _, e := range s.Emergency {
			args.Exclude = append(args.Exclude, e.ID)
		}
		return args, nil
	case ours[0].State == args.State:
		return args, &mistake{"The policy " + quoted(ours[0].Name, 80) + " is " + policyState(args.State) + " already.", "There is nothing to change."}
	}
	args.Policy = ours[0].ID
	return args, nil
}

// accessSnapshot is what matters about a tenant for a policy.
type accessSnapshot struct {
	Enabled   bool           `json:"defaults"` // security defaults
	Policies  []graph.Policy `json:"policies"` // by ID
	Admins    []ableAccount  `json:"admins"`   // by ID
	Emergency []ableAccount  `json:"emergency"`
}

// ours are the policies that the bot has made for an aim, by their name: it was
// written with the first of them. What became of one since is for altered to say.
func (s accessSnapshot) ours(a aim) []graph.Policy {
	prefix, _, _ := strings.Cut(graph.PolicyDraft{Does: a.does, Mark: "|"}.Name(), "|")
	return slices.DeleteFunc(slices.Clone(s.Policies), func(p graph.Policy) bool { return !strings.HasPrefix(p.Name, prefix) })
}

func (s accessSnapshot) policy(id string) (graph.Policy, bool) {
	i := slices.IndexFunc(s.Policies, func(p graph.Policy) bool { return strings.EqualFold(p.ID, id) })
	if i < 0 {
		return graph.Policy{}, false
	}
	return s.Policies[i], true
}

// accessAction implements approval.Action.
type accessAction struct {
	env Env
	aim aim
}

var _ approval.Action = accessAction{}

func (a accessAction) read(ctx context.Context) (accessSnapshot, error) {
	policies, err := a.env.Tenant.Policies(ctx)
	if err != nil {
		return accessSnapshot{}, fmt.Errorf("read policies: %w", err)
	}
	s, err := readSignIn(ctx, a.env, policies)
	return accessSnapshot{s.Enabled, s.Policies, s.Admins, s.Emergency}, err
}

// words are what approvers read.
func (a accessAction) words(ctx context.Context, args accessArgs, s accessSnapshot) approval.Words {
	org := quoted(a.env.Organization.Name, 60)
	exempt := "Emergency access accounts are exempt: " + names(s.Emergency) + "."
	w := approval.Words{
		Headline: "Report what " + a.aim.noun + " would do at " + org,
		Now:      "There is no such policy.",
		Then:     "There is a Conditional Access policy that only reports.",
		Radius:   "Nobody's sign-in changes. " + exempt,
		Risk:     "Nothing goes wrong by a report. It shows in the sign-in log whom the policy would stop.",
		Undo:     "Delete the policy in the Entra admin centre.",
		Call:     a.env.contact(),
	}
	if p, there := s.policy(args.Policy); there {
		w.Now = "The policy " + quoted(p.Name, 80) + " is " + policyState(p.State) + "."
		w.Then = "The policy only reports. Nobody is stopped by it any more."
		w.Undo = "“/mfa " + a.aim.kind.name + " enforce”" + undoWords
	}
	if args.State != graph.PolicyEnabled {
		return w
	}
	w.Headline = "Enforce " + a.aim.noun + " at " + org
	w.Then = "The policy is on."
	w.Undo = "“/mfa " + a.aim.kind.name + " report-only”" + undoWords + " It works within minutes."
	if p, there := s.policy(args.Policy); there {
		if say := a.exempted(ctx, p, s); say != "" {
			w.Findings = append(w.Findings, say)
		}
	}
	facts := a.env.Facts(ctx)
	if a.aim.does == graph.AimBlockLegacy {
		w.Radius = "Every account that signs in with an old mail program, a scanner or a script by password alone. " + exempt
		w.Risk = "Old mail programs, scanners and scripts that still sign in that way stop at once."
		w.Findings = append(w.Findings, warnings(append(deviceFindings(facts), legacyUse(a.env, facts))...)...)
		return w
	}
	w.Radius = "Every account, in every program. " + exempt
	w.Risk = "Whoever has no second factor must register one at the next sign-in, and what signs in by password alone stops at once."
	w.Findings = append(w.Findings, warnings(append(deviceFindings(facts), readiness(rollout.NewFunnel(facts, a.env.Scope)), legacyUse(a.env, facts))...)...)
	return w
}

// warnings are the findings that an approver must know of.
func warnings(all ...finding) []string { return preflightReport{findings: all}.lines() }

// guard says why a change would be wrong however many approve it, or "".
func (a accessAction) guard(args accessArgs, s accessSnapshot) string {
	if len(s.Emergency) == 0 {
		return "No emergency access account is declared: a policy that exempts nobody can lock everybody out."
	}
	if args.Policy == "" {
		return exempts(args.Exclude, s.Emergency)
	}
	p, there := s.policy(args.Policy)
	switch {
	case !there:
		return "The policy is gone."
	case args.State != graph.PolicyEnabled:
		return ""
	case s.Enabled:
		return "Security defaults are on: they have to be turned off before a policy can be enforced."
	case everybodyOut(p):
		return "The policy " + quoted(p.Name, 80) + " would block everybody in every program. It is never enforced by this bot."
	}
	if say := exempts(p.Users.ExcludeUsers, s.Emergency); say != "" {
		return say
	}
	return alteredWords(a.aim, p)
}

// everybodyOut reports whether a policy blocks modern sign-in for everybody.
func everybodyOut(p graph.Policy) bool {
	old := func(client string) bool { return client == graph.ClientsActiveSync || client == graph.ClientsOther }
	legacy := len(p.Clients) > 0 && !slices.ContainsFunc(p.Clients, func(c string) bool { return !old(c) })
	return p.Blocks() && slices.Contains(p.Users.IncludeUsers, "All") && slices.Contains(p.Apps, "All") && !legacy
}

// exempts says which emergency access account a policy does not exempt, or
// exempts in vain, or "".
func exempts(excluded []string, accounts []ableAccount) string {
	for _, e := range accounts {
		switch {
		case !slices.ContainsFunc(excluded, func(id string) bool { return strings.EqualFold(id, e.ID) }):
			return "The policy does not exempt the emergency access account " + quoted(e.Name, 60) + "."
		case e.Off:
			return "The emergency access account " + quoted(e.Name, 60) + " is blocked or gone: exempting it helps nobody."
		}
	}
	return ""
}

// risks are those of the lock-out guard. Emergency accounts are exempt, so that
// a demand of MFA leaves them able to sign in; administrators are not.
func (a accessAction) risks(args accessArgs, s accessSnapshot) []string {
	if args.State != graph.PolicyEnabled || a.aim.does != graph.AimRequireMFA {
		return nil
	}
	if risk := adminRisk(a.env, s.Admins); risk != "" {
		return []string{risk}
	}
	return nil
}

// Snapshot implements approval.Action.
func (a accessAction) Snapshot(ctx context.Context, _ approval.Request) (json.RawMessage, error) {
	return snapshot(a.read(ctx))
}

// Compare implements approval.Action. Who can sign in matters only for what is
// enforced; a report stops nobody.
func (a accessAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[accessSnapshot](was, now)
	args, unread := readArgs[accessArgs](r, accessVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	if p, there := after.policy(args.Policy); there && p.State == args.State {
		return []string{"The policy " + quoted(p.Name, 80) + " is " + policyState(p.State) + " already: there is nothing to change."}
	}
	diff := comparePolicies(before.Policies, after.Policies)
	if before.Enabled != after.Enabled {
		diff = append(diff, "Security defaults were "+onOff(before.Enabled)+" and are "+onOff(after.Enabled)+" now.")
	}
	if is, there := after.policy(args.Policy); there {
		if p, _ := before.policy(args.Policy); reach(p) != reach(is) {
			diff = append(diff, "Whom the policy "+quoted(is.Name, 80)+" reaches, or what it demands, was changed.")
		}
	}
	diff = append(diff, compareAccounts("emergency account", before.Emergency, after.Emergency)...)
	if args.State == graph.PolicyEnabled && a.aim.does == graph.AimRequireMFA {
		diff = append(diff, compareAccounts("administrator", before.Admins, after.Admins)...)
	}
	if say := a.guard(args, after); say != "" {
		diff = append(diff, say)
	}
	return append(diff, compareRisks(a.env, a.risks(args, before), a.risks(args, after))...)
}

// reach is all of a policy but its name and state.
func reach(p graph.Policy) string {
	p.Name, p.State = "", ""
	return encode(p)
}

// draft is the policy as it is created: the request's number stands in its name.
func (a accessAction) draft(r approval.Request, args accessArgs) graph.PolicyDraft {
	return graph.PolicyDraft{Does: a.aim.does, Mark: r.Ref, ExcludeUsers: args.Exclude}
}

// Steps implements approval.Action.
func (a accessAction) Steps(r approval.Request) ([]approval.Call, error) {
	args, err := readArgs[accessArgs](r, accessVersion)
	if err != nil {
		return nil, err
	}
	const address = "/identity/conditionalAccess/policies"
	if args.Policy != "" {
		return []approval.Call{{
			What: "switch the policy to " + policyState(args.State), Method: "PATCH", URL: address + "/" + args.Policy,
			Body: []byte(encode(map[string]any{"state": args.State})),
			Send: sending(a.env, func(ctx context.Context) (graph.Receipt, error) {
				return a.env.Writer.SetPolicyState(ctx, args.Policy, args.State)
			}),
		}}, nil
	}
	draft := a.draft(r, args)
	return []approval.Call{{
		What: "create a policy that only reports", Method: "POST", URL: address, Body: []byte(encode(draft.Body())),
		Send: func(ctx context.Context, clientID string) approval.Answer {
			id, receipt, err := a.env.Writer.CreatePolicy(graph.WithClientRequestID(ctx, clientID), draft)
			answer := classify(a.env, receipt, err)
			answer.Object = id
			return answer
		},
	}}, nil
}

// Probe implements approval.Action. What was created is known by the mark in
// its name, looked for over all pages.
func (a accessAction) Probe(ctx context.Context, r approval.Request, _ json.RawMessage, _ approval.Step) (approval.Finding, error) {
	args, err := readArgs[accessArgs](r, accessVersion)
	if err != nil {
		return approval.Finding{}, err
	}
	policies, err := a.env.Tenant.Policies(ctx)
	if err != nil {
		return approval.Finding{}, fmt.Errorf("read policies: %w", err)
	}
	if args.Policy != "" {
		p, there := accessSnapshot{Policies: policies}.policy(args.Policy)
		if !there {
			return found(false, "the policy is gone."), nil
		}
		return found(p.State == args.State, "the policy is "+policyState(p.State)+"."), nil
	}
	name := a.draft(r, args).Name()
	ours := slices.DeleteFunc(policies, func(p graph.Policy) bool { return p.Name != name })
	switch len(ours) {
	case 0:
		return found(false, "there is no policy with the mark of this request."), nil
	case 1:
		f := found(true, "there is a policy with the mark of this request.")
		f.Object = ours[0].ID
		return f, nil
	default:
		return found(true, fmt.Sprintf("there are %d policies with the mark of this request: please delete all but one.", len(ours))), nil
	}
}
