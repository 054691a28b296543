package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph"
	"twokey/graph/rollout"
)

// breakglass says whether the emergency access accounts would work on the day
// when nobody else gets in.
func breakglass(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "breakglass", Summary: "Whether the emergency access accounts would work, read live.", Example: "breakglass"},
		Access:      only(identity.Lead),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return meanwhile(ctx, c, func() (chat.Message, error) {
				report, err := readEmergency(ctx, env)
				m := report.message(env)
				m.Footer = "Read from Microsoft 365 just now. Try one of them once a quarter, and change its password afterwards. Only you can see this."
				return m, err
			})
		},
	}
}

// readEmergency looks at each declared emergency access account as it is.
func readEmergency(ctx context.Context, env Env) (preflightReport, error) {
	ids, facts := emergencyIDs(env), env.kept(ctx)
	report := preflightReport{titles: breakglassTitles, asOf: env.Now()}
	add := func(l level, owner, format string, args ...any) {
		f := finding{Level: l, Text: fmt.Sprintf(format, args...)}
		if l != green {
			f.Owner = owner
		}
		report.findings = append(report.findings, f)
	}
	switch len(ids) {
	case 0:
		add(red, "an owner of this bot", "No emergency access account is declared in this bot's configuration.")
		return report, nil
	case 1:
		add(amber, "an owner of this bot", "One emergency access account is declared. Two are advised: one may fail on the day.")
	default:
		add(green, "", "%d emergency access accounts are declared, and no change of this bot can touch them.", len(ids))
	}
	holders, err := env.Tenant.RoleHolders(ctx)
	if err != nil {
		return report, fmt.Errorf("read administrators: %w", err)
	}
	policies, err := env.Tenant.Policies(ctx)
	if k, known := kindOf(err); err != nil && !(known && k == graph.KindNoLicence) {
		return report, fmt.Errorf("read policies: %w", err)
	}
	methods, err := env.Tenant.Methods(ctx, ids)
	if err != nil {
		return report, fmt.Errorf("read emergency accounts' methods: %w", err)
	}
	for i, id := range ids {
		u, err := env.Tenant.User(ctx, id)
		if k, known := kindOf(err); known && k == graph.KindNotFound {
			add(red, "Global Administrator", "The account %s is gone.", chat.Safe(id, 60))
			continue
		}
		if err != nil {
			return report, fmt.Errorf("read emergency account: %w", err)
		}
		for _, f := range judgeEmergency(u, methods[i], holders, policies) {
			add(f.Level, "Global Administrator", "%s %s", quoted(u.Name, 60), f.Text)
		}
	}
	report.findings = append(report.findings, emergencyUse(env, facts))
	slices.SortStableFunc(report.findings, func(a, b finding) int { return int(b.Level - a.Level) })
	return report, nil
}

var breakglassTitles = [3]string{
	"The emergency access accounts are as they should be.",
	"The emergency access accounts would work, but look at these.",
	"The emergency access accounts would not all work.",
}

// judgeEmergency says of one account what is well with it and what is not: each
// text goes on after its name.
func judgeEmergency(u graph.User, m graph.UserMethods, holders []graph.RoleHolder, policies []graph.Policy) []finding {
	var fs []finding
	note := func(l level, text string) { fs = append(fs, finding{Level: l, Text: text}) }
	if !u.Enabled {
		note(red, "is blocked.")
	}
	switch best := graph.Strongest(m.Methods); {
	case m.Err != nil:
		note(red, "has methods that could not be read: "+string(rollout.ReasonOf(m.Err))+".")
	case best == graph.NotMFA:
		note(red, "has no second factor: wherever one is demanded it cannot get in.")
	case best < graph.PhishingResistant:
		note(amber, "has no passkey or security key, only: "+methodList(m.Methods)+".")
	default:
		note(green, "has a passkey or security key.")
	}
	if u.Synced {
		note(amber, "is kept on-premises: it fails when that does. Emergency accounts belong in the cloud alone.")
	}
	if !slices.ContainsFunc(holders, func(h graph.RoleHolder) bool {
		return strings.EqualFold(h.UserID, u.ID) && slices.ContainsFunc(h.Roles, func(r graph.Role) bool { return r.TemplateID == graph.RoleGlobalAdministrator })
	}) {
		note(red, "is no Global Administrator.")
	}
	for _, p := range policies {
		exempt := slices.ContainsFunc(p.Users.ExcludeUsers, func(id string) bool { return strings.EqualFold(id, u.ID) })
		if p.State == graph.PolicyEnabled && !exempt {
			note(amber, "is not exempt by name from the Conditional Access policy "+quoted(p.Name, 60)+".")
		}
	}
	return fs
}

// emergencyUse says when they were last used, or that nobody watches.
func emergencyUse(env Env, facts rollout.Facts) finding {
	used, why := rollout.EmergencySignIns(facts, env.Scope)
	switch {
	case why == rollout.NotWatched:
		return finding{Level: amber, Text: "When they sign in is not watched: this licence does not tell. The sign-in log in the Entra admin centre shows the last seven days.", Owner: "whoever buys licences"}
	case why != "":
		return finding{Level: amber, Text: "When they sign in is not known: " + string(why) + ".", Owner: "an owner of this bot"}
	}
	var words []string
	for _, u := range used {
		last := "never"
		if !u.Last.IsZero() {
			last = "on " + day(env, u.Last)
		}
		words = append(words, quoted(u.Name, 60)+" "+last)
	}
	if len(words) == 0 {
		return finding{Level: amber, Text: "When they sign in is not known: they were not among the accounts that were read.", Owner: "an owner of this bot"}
	}
	return finding{Level: green, Text: "Last seen: " + strings.Join(words, ", ") + "."}
}
