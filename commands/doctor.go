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
	all, err := decisions(ctx, env)
	if err != nil {
		return chat.Message{}, err
	}
	notes, err := approverNotes(ctx, env)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Message{
		Headline: "Every kind of change that is switched on could be decided today.",
		Table:    &chat.Table{Header: []string{"Change", "Decided by", "Who could today"}},
		Footer:   "Read from the tenant just now. Whoever asks may not decide, which can make it one fewer. Only you can see this.",
	}
	for _, d := range all {
		m.Table.Rows = append(m.Table.Rows, []string{d.Change, d.By, d.Who})
	}
	switch stuck := undecidable(all); {
	case len(all) == 0:
		m.Headline, m.Table = "No kind of change is switched on.", nil
	case len(stuck) > 0:
		m.Headline = stuckHeadline(stuck)
		first := slices.IndexFunc(all, func(d Decision) bool { return d.Mend != "" })
		m.Text = mend(ctx, env, 1, all[first].unlinked)
	}
	for _, note := range append(Notices(env.Rules.Now()), notes...) {
		m.Fields = append(m.Fields, chat.Field{Label: "Take care", Value: note})
	}
	f, err := approval.FreezeOf(ctx, env.Requests, env.Organization.ID)
	if err != nil {
		return chat.Message{}, fmt.Errorf("read freeze: %w", err)
	}
	if !f.Since.IsZero() {
		m.Headline, m.Text = frozenWords(ctx, env, f), thawWords(env)
	}
	if env.Guard != nil && env.Guard.Damage() != nil {
		m.Headline, m.Text = damaged(env.Guard.Damage()), readOnly
	}
	return m, nil
}

// Decision is how a kind of change is decided, and who could do that today.
type Decision struct {
	Change string // "tap", "tap for somebody with a role"
	By     string // "two: 2, then 15 minutes"
	Who    string // names, "nobody", "whoever asks"
	Mend   string // who has to link an account or whom to appoint, where it could not be decided; else empty

	unlinked []approval.Principal // see identity.Bench
}

// Decisions lists them for every kind of change that is switched on. Of env it
// takes the organisation, the people and the rules.
func Decisions(ctx context.Context, env Env) ([]Decision, error) {
	env.People = env.People.Once()
	return decisions(ctx, env)
}

// decisions lists for each kind of change that is switched on, about somebody
// without a role and about somebody with one, how it is decided and who could do
// that today.
func decisions(ctx context.Context, env Env) (all []Decision, err error) {
	now := env.Rules.Now()
	for _, k := range append(slices.Clone(kinds), thawKind) {
		if !slices.Contains(now.Changes, k.name) && (k.name != thawKind.name || len(all) == 0) { // nothing is stopped by a freeze
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
			d, err := decidable(ctx, env, k, row.policy)
			if err != nil {
				return nil, err
			}
			d.Change = row.name
			all = append(all, d)
		}
	}
	return all, nil
}

// undecidable are the changes that could not be decided today.
func undecidable(all []Decision) (stuck []string) {
	for _, d := range all {
		if d.Mend != "" {
			stuck = append(stuck, d.Change)
		}
	}
	return stuck
}

// decidable says how a kind of change would be decided today, and by whom.
func decidable(ctx context.Context, env Env, k kind, p approval.Policy) (d Decision, err error) {
	b, err := env.People.Bench(ctx, approval.Request{Tenant: env.Organization.ID, Kind: k.name, Policy: p})
	if err != nil {
		return d, err
	}
	p = fallback(env.Rules.Now(), p, b, 0)
	if p.Quorum == 0 {
		return Decision{By: p.Name, Who: "whoever asks"}, nil
	}
	names := make([]string, len(b.Can))
	for i, c := range b.Can {
		names[i] = named(ctx, env, c)
	}
	d = Decision{By: decidedBy(p), Who: strings.Join(names, ", "), unlinked: b.Unlinked}
	switch missing := p.Quorum - len(b.Can); {
	case p.Manager:
		d.Who = strings.TrimPrefix(d.Who+", and their manager", ", and ")
	case missing > 0:
		d.Mend = mend(ctx, env, missing, b.Unlinked)
		if d.Who = "nobody"; len(names) > 0 {
			d.Who = "too few: " + strings.Join(names, ", ")
		}
	}
	return d, nil
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
