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
	"twokey/commands/identity"
	"twokey/graph"
)

const passPolicyVersion = 1

// showPassPolicy says how the tenant is set up for passes.
func showPassPolicy(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "tap-policy show", Summary: "Who may be given a Temporary Access Pass, and for how long.", Example: "tap-policy show"},
		Access:      only(identity.Lead, identity.Helpdesk),
		Answer: func(ctx context.Context, _ Call) (chat.Message, error) {
			p, err := env.Tenant.MethodsPolicy(ctx)
			if err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{
				Headline: "Temporary Access Passes are switched " + onOff(p.Pass.Enabled) + ".",
				Fields: []chat.Field{
					{Label: "For", Value: targetList(p.Pass.Include)},
					{Label: "Valid", Value: fmt.Sprintf("%s to %s, usually %s", span(p.Pass.MinLifetime), span(p.Pass.MaxLifetime), span(p.Pass.DefaultLifetime))},
					{Label: "Use", Value: useWords(p.Pass.OnceOnly)},
				},
				Footer: "Read from Microsoft 365 just now.",
			}
			if len(p.Pass.Exclude) > 0 {
				m.Fields = append(m.Fields, chat.Field{Label: "But not for", Value: targetList(p.Pass.Exclude)})
			}
			return m, nil
		},
	}
}

func useWords(once bool) string {
	if once {
		return "just once"
	}
	return "once, or until they end if that is asked for"
}

// targetList names whom a setting reaches, by object ID.
func targetList(targets []graph.Target) string {
	var all []string
	for _, t := range targets {
		switch {
		case t.ID == graph.AllUsers:
			all = append(all, "everybody")
		case t.Group:
			all = append(all, "the group "+chat.Safe(t.ID, 60))
		default:
			all = append(all, "the account "+chat.Safe(t.ID, 60))
		}
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}

// enablePassPolicy asks to switch passes on.
func enablePassPolicy(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "tap-policy enable", Summary: "Ask to switch Temporary Access Passes on, for everybody or a group. Two approvers decide.",
			Example: "tap-policy enable all the help desk needs them",
			Options: []chat.Option{{Name: "whom", Summary: "“all”, or the object ID of a group", Required: true}, reasonOption},
		},
		Access: whoAsks(PassPolicyKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planPassPolicy(ctx, env, c) },
	}
}

func planPassPolicy(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	if err := switchedOn(env, PassPolicyKind); err != nil {
		return approval.Plan{}, err
	}
	whom, name := graph.Target{ID: graph.AllUsers, Group: true}, "everybody"
	if typed := c.Args["whom"]; !strings.EqualFold(typed, "all") {
		g, err := env.Tenant.Group(ctx, typed)
		if k, known := kindOf(err); known && k == graph.KindNotFound {
			return approval.Plan{}, &mistake{"There is no group " + shown(typed) + ".", "Type “all”, or a group's object ID."}
		}
		if err != nil {
			return approval.Plan{}, err
		}
		whom, name = graph.Target{ID: g.ID, Group: true}, "the group "+identified(g.Name, g.ID)
	}
	state, err := passPolicyAction{env}.read(ctx)
	if err != nil {
		return approval.Plan{}, err
	}
	reached := func(t graph.Target) bool { return t.ID == graph.AllUsers || strings.EqualFold(t.ID, whom.ID) }
	if state.Policy.Enabled && slices.ContainsFunc(state.Policy.Include, reached) {
		return approval.Plan{}, &mistake{"Passes are switched on for " + name + " already.", "There is nothing to change."}
	}
	p := tenantWide(env, kindNamed(PassPolicyKind), passPolicyVersion, stakes{})
	p.Args, p.Snapshot = json.RawMessage(encode(passPolicyArgs{widened(state.Policy, whom)})), json.RawMessage(encode(state))
	p.Words = approval.Words{
		Headline: "Switch Temporary Access Passes on for " + name,
		Now:      "Passes are switched " + onOff(state.Policy.Enabled) + ", for " + targetList(state.Policy.Include) + ".",
		Then:     "Passes are switched on, for " + targetList(widened(state.Policy, whom).Include) + ".",
		Radius:   "Nobody is given a pass by this. The help desk can give one to these accounts then, each with an approval of its own.",
		Risk:     "Whoever may issue passes in Microsoft 365 can get into these accounts.",
		Undo:     "In the Entra admin centre: Protection, Authentication methods, Temporary Access Pass.",
		Call:     env.contact(),
	}
	return p, nil
}

// widened is the policy with passes on for one more target. Where they were
// off, those who had been named once are not switched on along with it.
func widened(p graph.PassPolicy, whom graph.Target) graph.PassPolicy {
	if p.Enabled && whom.ID != graph.AllUsers {
		p.Include = append(slices.Clone(p.Include), whom)
	} else {
		p.Include = []graph.Target{whom}
	}
	p.Enabled = true
	return p
}

// tenantWide is a plan about the tenant, without its words.
func tenantWide(env Env, k kind, version int, what stakes) approval.Plan {
	what.kind, what.targets, what.tenant = k, 1, true
	return approval.Plan{
		Kind: k.name, KindVersion: version,
		Targets: []approval.Target{{ID: env.Organization.ID, Name: env.Organization.Name}},
		Policy:  policyFor(env.Rules.Now(), what),
	}
}

// passPolicyArgs hold the whole policy as it is to be.
type passPolicyArgs struct {
	Policy graph.PassPolicy `json:"policy"`
}

type passPolicySnapshot struct {
	Policy graph.PassPolicy `json:"policy"`
}

// passPolicyAction implements approval.Action.
type passPolicyAction struct{ env Env }

var _ approval.Action = passPolicyAction{}

func (a passPolicyAction) read(ctx context.Context) (passPolicySnapshot, error) {
	p, err := a.env.Tenant.MethodsPolicy(ctx)
	if err != nil {
		return passPolicySnapshot{}, fmt.Errorf("read methods policy: %w", err)
	}
	return passPolicySnapshot{normalPassPolicy(p.Pass)}, nil
}

// normalPassPolicy is the policy in one form, whatever the order of its lists.
func normalPassPolicy(p graph.PassPolicy) graph.PassPolicy {
	p.Include, p.Exclude = sortedTargets(p.Include), sortedTargets(p.Exclude)
	return p
}

func sortedTargets(targets []graph.Target) []graph.Target {
	all := append([]graph.Target{}, targets...)
	slices.SortFunc(all, func(a, b graph.Target) int {
		return strings.Compare(a.ID+" "+a.Method, b.ID+" "+b.Method)
	})
	return all
}

// Snapshot implements approval.Action.
func (a passPolicyAction) Snapshot(ctx context.Context, _ approval.Request) (json.RawMessage, error) {
	return snapshot(a.read(ctx))
}

// Compare implements approval.Action.
func (a passPolicyAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[passPolicySnapshot](was, now)
	args, unread := readArgs[passPolicyArgs](r, passPolicyVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	switch want := encode(normalPassPolicy(args.Policy)); {
	case encode(after) == encode(before):
		return nil
	case encode(after.Policy) == want:
		return []string{"The policy of passes is so already: there is nothing to change."}
	default:
		return []string{"The policy of passes was changed meanwhile: it is switched " + onOff(after.Policy.Enabled) + " for " + targetList(after.Policy.Include) + " now, or its limits are others."}
	}
}

// Steps implements approval.Action.
func (a passPolicyAction) Steps(r approval.Request) ([]approval.Call, error) {
	args, err := readArgs[passPolicyArgs](r, passPolicyVersion)
	if err != nil {
		return nil, err
	}
	return []approval.Call{{
		What: "switch passes on", Method: "PATCH",
		URL:  "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/temporaryAccessPass",
		Body: []byte(encode(args.Policy.Body())),
		Send: sending(a.env, func(ctx context.Context) (graph.Receipt, error) { return a.env.Writer.SetPassPolicy(ctx, args.Policy) }),
	}}, nil
}

// Probe implements approval.Action.
func (a passPolicyAction) Probe(ctx context.Context, r approval.Request, before json.RawMessage, _ approval.Step) (approval.Finding, error) {
	args, err := readArgs[passPolicyArgs](r, passPolicyVersion)
	if err != nil {
		return approval.Finding{}, err
	}
	is, err := a.read(ctx)
	if err != nil {
		return approval.Finding{}, err
	}
	seen, want := "passes are switched "+onOff(is.Policy.Enabled)+" for "+targetList(is.Policy.Include)+".", normalPassPolicy(args.Policy)
	var was passPolicySnapshot
	if err := json.Unmarshal(before, &was); err == nil && encode(is.Policy) != encode(want) && encode(is) != encode(was) {
		return approval.Finding{Class: approval.Open, Seen: "the policy of passes is neither as it was nor as it should be: " + seen}, nil
	}
	return found(encode(is.Policy) == encode(want), seen), nil
}
