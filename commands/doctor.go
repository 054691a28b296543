package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
)

// doctor says whether changes could be decided today, before somebody needs one.
func doctor(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "doctor", Summary: "Who could approve what today, and what is laxer than usual.", Example: "doctor"},
		Access:      only(identity.Lead, identity.Owner),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return meanwhile(ctx, c, func() (chat.Message, error) { return diagnose(ctx, env) })
		},
	}
}

// diagnose asks of every kind of change who could decide it.
func diagnose(ctx context.Context, env Env) (chat.Message, error) {
	env.People = env.People.Once() // each kind of change has nearly the same people
	table, stuck, err := approvals(ctx, env)
	if err != nil {
		return chat.Message{}, err
	}
	notes, err := approverNotes(ctx, env)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Message{
		Headline: "Every kind of change that is switched on could be decided today.",
		Table:    table,
		Footer:   "Read from the tenant just now. Whoever asks may not decide, which can make it one fewer. Only you can see this.",
	}
	switch {
	case len(table.Rows) == 0:
		m.Headline, m.Table = "No kind of change is switched on.", nil
	case len(stuck) > 0:
		m.Headline = stuckHeadline(stuck)
		m.Text = appoint(ctx, env, 1)
	}
	for _, note := range append(Notices(env.Rules.Now()), notes...) {
		m.Fields = append(m.Fields, chat.Field{Label: "Take care", Value: note})
	}
	if env.Guard != nil && env.Guard.Damage() != nil {
		m.Headline, m.Text = damaged(env.Guard.Damage()), readOnly
	}
	return m, nil
}

// approvals lists for each kind of change that is switched on, about somebody
// without a role and about somebody with one, how it is decided and who could do
// that today. What could not be decided at all is stuck.
func approvals(ctx context.Context, env Env) (table *chat.Table, stuck []string, err error) {
	now := env.Rules.Now()
	table = &chat.Table{Header: []string{"Change", "Decided by", "Who could today"}}
	for _, k := range append(slices.Clone(kinds), thawKind) {
		if !slices.Contains(now.Changes, k.name) && (k.name != thawKind.name || len(table.Rows) == 0) { // nothing is stopped by a freeze
			continue
		}
		ordinary := policyFor(now, stakes{kind: k, targets: 1, tenant: k.policy == policyTwo})
		lifted := policyFor(now, stakes{kind: k, targets: 1, holders: []string{""}})
		rows := []struct {
			name   string
			policy approval.Policy
		}{{k.name, ordinary}, {k.name + " for somebody with a role", lifted}}
		if ordinary.Quorum == lifted.Quorum {
			rows = rows[:1]
		}
		for _, row := range rows {
			by, who, ok, err := decidable(ctx, env, k, row.policy)
			if err != nil {
				return nil, nil, err
			}
			if !ok {
				stuck = append(stuck, row.name)
			}
			table.Rows = append(table.Rows, []string{row.name, by, who})
		}
	}
	return table, stuck, nil
}

// decidable says how a kind of change would be decided today, and by whom.
func decidable(ctx context.Context, env Env, k kind, p approval.Policy) (by, who string, ok bool, err error) {
	b, err := env.People.Bench(ctx, approval.Request{Tenant: env.Organization.ID, Kind: k.name, Policy: p})
	if err != nil {
		return "", "", false, err
	}
	p = fallback(env.Rules.Now(), p, b)
	names := make([]string, len(b.Can))
	for i, c := range b.Can {
		names[i] = named(ctx, env, c)
	}
	who = strings.Join(names, ", ")
	if p.Manager {
		who = strings.TrimPrefix(who+", and their manager", ", and ")
	}
	switch {
	case p.Quorum == 0:
		return p.Name, "whoever asks", true, nil
	case len(b.Can) < p.Quorum && !p.Manager:
		if who == "" {
			return decidedBy(p), "nobody", false, nil
		}
		return decidedBy(p), "too few: " + who, false, nil
	default:
		return decidedBy(p), who, true, nil
	}
}

func decidedBy(p approval.Policy) string {
	s := fmt.Sprintf("%s: %d", p.Name, p.Quorum)
	if p.Wait > 0 {
		s += ", then " + span(p.Wait)
	}
	return s
}

// Notices say by which rules fewer decide, or less is asked of them, than usual:
// a sentence each. They stand in every digest.
func Notices(r rules.Rules) []string {
	var all []string
	if r.Solo {
		all = append(all, "“solo” is on: one person alone can change the tenant. It waits "+span(r.Wait)+" first, and everybody is told.")
	}
	if r.AcceptNoStepUp {
		all = append(all, "“accept_no_step_up” is on: nobody has to prove anew who they are before a powerful change.")
	}
	if r.AcceptLockout {
		all = append(all, "“accept_lockout” is on: two approvers can let through what leaves too few able to sign in.")
	}
	return all
}

// approverNotes say what is wrong, or other than usual, with those who decide.
func approverNotes(ctx context.Context, env Env) ([]string, error) {
	now := env.Rules.Now()
	var all []string
	if now.Fallback {
		all = append(all, "Where a quorum is short only because an approver is away or the target, one is enough after "+span(fallbackWait)+".")
	}
	if few := now.Approvals[policyTwo]; few.Policy == policyOne {
		all = append(all, "Where two approvers are usual one is enough here, after "+span(max(few.Wait, longWait))+" at least.")
	}
	if now.ManagerApproves {
		all = append(all, "Managers may approve passes and resets of their own staff without a role.")
	}
	holders, err := env.People.Holders(ctx, identity.Approver)
	if err != nil {
		return nil, err
	}
	active, err := env.People.Active(ctx, identity.Approver)
	if err != nil {
		return nil, err
	}
	for _, object := range holders {
		p := principal(env, object)
		switch {
		case !slices.Contains(active, p):
			all = append(all, named(ctx, env, p)+" ("+chat.Safe(object, 60)+") is listed as an approver, and is a guest, disabled or gone: their approval does not count.")
		case len(env.People.Accounts(ctx, p)) == 0:
			all = append(all, named(ctx, env, p)+" is an approver without a chat account: nobody can ask them.")
		}
	}
	away, err := env.People.Away(ctx)
	if err != nil {
		return nil, err
	}
	for _, object := range slices.Sorted(maps.Keys(away)) {
		if slices.Contains(holders, object) {
			all = append(all, named(ctx, env, principal(env, object))+" is away until "+dayWords(env, away[object])+".")
		}
	}
	return append(all, waiting(ctx, env)...), nil
}

// waiting says what the configuration says already and does not hold yet.
func waiting(ctx context.Context, env Env) []string {
	var all []string
	for _, d := range env.Rules.Waiting() {
		names := map[string]string{}
		for _, object := range people(d) {
			names[object] = env.People.Name(ctx, principal(env, object))
		}
		all = append(all, differenceWords(d, names)+" It does not hold yet: what makes the rules weaker waits "+span(rules.Late)+".")
	}
	return all
}
