package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph"
	"twokey/graph/rollout"
)

func preflight(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "preflight", Summary: "What would break, and for whom, before a change.", Example: "preflight defaults",
			Options: []chat.Option{{Name: "change", Summary: "the change to look at", Choices: []string{DefaultsKind, LegacyBlockKind, RequireMFAKind}, Required: true}},
		},
		Access: only(identity.Lead),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return meanwhile(ctx, c, func() (chat.Message, error) {
				switch c.Args["change"] {
				case LegacyBlockKind:
					return preflightAccess(ctx, env, legacyBlock)
				case RequireMFAKind:
					return preflightAccess(ctx, env, requireMFA)
				default:
					return lookAtDefaults(ctx, env)
				}
			})
		},
	}
}

func lookAtDefaults(ctx context.Context, env Env) (chat.Message, error) {
	snapshot, err := (defaultsAction{env}).read(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	facts := env.Facts(ctx)
	deciding, err := readDeciders(ctx, env, facts)
	m := preflightDefaults(env, snapshot, facts, deciders(deciding, err)).message(env)
	if snapshot.Enabled {
		m.Headline = "Security defaults are on already. This is what they meet:"
	}
	return m, nil
}

// level is how bad a finding is. It is always said in words: colour alone
// tells too few people anything.
type level int

const (
	green level = iota
	amber
	red
)

func (l level) String() string {
	return [...]string{"Green, fine", "Amber, look first", "Red, stops it"}[l]
}

// finding is one line of a preflight.
type finding struct {
	Level level
	Text  string // one sentence
	Owner string // who can mend it; empty for green
	// Lockout says that too few could sign in: it stops the change unless the
	// owner accepts that by its name.
	Lockout bool
}

// acceptable says how the owner can let what stops a change pass, or "" where
// anything is among it that no owner can accept.
func acceptable(reds []finding) string {
	if slices.ContainsFunc(reds, func(f finding) bool { return !f.Lockout }) {
		return ""
	}
	return " " + acceptHint
}

// guarded is how bad it is that too few could sign in.
func guarded(env Env) level {
	if env.Rules.Now().AcceptLockout {
		return amber
	}
	return red
}

// preflightReport is what was found before a change, worst first.
type preflightReport struct {
	titles   [3]string // by the level of the worst
	findings []finding
	asOf     time.Time
	oldest   time.Time // reading that counts, zero if none does
}

func (p preflightReport) reds() []finding {
	return slices.DeleteFunc(slices.Clone(p.findings), func(f finding) bool { return f.Level != red })
}

// locksOut reports whether too few could sign in.
func (p preflightReport) locksOut() bool {
	return slices.ContainsFunc(p.findings, func(f finding) bool { return f.Lockout })
}

// lines are the findings that an approver must know of.
func (p preflightReport) lines() []string {
	var lines []string
	for _, f := range p.findings {
		if f.Level != green {
			lines = append(lines, f.Text)
		}
	}
	return lines
}

func (p preflightReport) message(env Env) chat.Message {
	m := chat.Message{
		Footer: "Read from Microsoft 365 " + p.readWords(env) + ". It is read again before anything is changed.",
	}
	if len(p.findings) > 0 {
		m.Headline = p.titles[p.findings[0].Level]
	}
	for _, f := range p.findings {
		value := f.Text
		if f.Owner != "" {
			value += " Who can mend it: " + f.Owner + "."
		}
		m.Fields = append(m.Fields, chat.Field{Label: f.Level.String(), Value: value})
	}
	return m
}

func (p preflightReport) readWords(env Env) string {
	if p.oldest.IsZero() || p.asOf.Sub(p.oldest) <= oldReading {
		return "at " + moment(env, p.asOf)
	}
	return "between " + moment(env, p.oldest) + " and " + moment(env, p.asOf)
}

// preflightDefaults judges whether security defaults can be turned on, beside what
// was found out about those who decide.
func preflightDefaults(env Env, s defaultsSnapshot, facts rollout.Facts, deciding finding) preflightReport {
	findings := lockout(env, s)
	findings[len(findings)-1].Text += watched(facts, env.Scope) // the emergency accounts'
	findings = append(findings, deciding, chatSignIn(env))
	funnel := rollout.NewFunnel(facts, env.Scope)
	findings = append(findings, readiness(funnel), legacyUse(env, facts))
	findings = append(append(findings, declared(facts, env.Scope.With(facts.Declared))...), deviceFindings(facts)...)
	slices.SortStableFunc(findings, func(a, b finding) int { return int(b.Level - a.Level) })
	return preflightReport{titles: defaultsTitles, findings: findings, asOf: facts.AsOf, oldest: funnel.Oldest}
}

var defaultsTitles = [3]string{
	"Nothing stands in the way of security defaults.",
	"Security defaults can be turned on, but look at these first.",
	"Security defaults cannot be turned on yet.",
}

// lockout judges what would lock an organisation out, or be refused.
func lockout(env Env, s defaultsSnapshot) []finding {
	var fs []finding
	for _, p := range s.Policies {
		if p.State == graph.PolicyEnabled {
			fs = append(fs, finding{Level: red, Text: "The Conditional Access policy " + quoted(p.Name, 60) + " is on. With Conditional Access you do not need security defaults, and cannot have both.", Owner: "Conditional Access Administrator"})
		}
	}
	if len(fs) == 0 {
		fs = append(fs, finding{Level: green, Text: "No Conditional Access policy is on."})
	}
	fs = append(append(fs, adminSignIn(env, s.Admins)...), emergencySignIn(env, s.Emergency))
	if saved, _, _ := split(s.Emergency); len(mighty(s.Admins))+len(saved) == 0 {
		for i := range fs { // nobody could turn it off again: no owner can accept that
			if fs[i].Lockout {
				fs[i].Level, fs[i].Lockout = red, false
			}
		}
	}
	return fs
}

const mendAdmins = "the administrators themselves, with “/mfa setup”"

// adminSignIn judges the administrators. That one of them has no second factor
// stops the change whatever risk the owner accepts.
func adminSignIn(env Env, accounts []ableAccount) []finding {
	var fs []finding
	ready, without, _ := split(accounts)
	if len(without) > 0 {
		fs = append(fs, finding{Level: red, Text: fmt.Sprintf("No second factor yet for %d of %d administrators: %s.", len(without), len(ready)+len(without), names(without)), Owner: mendAdmins})
	}
	if risk := adminRisk(env, accounts); risk != "" {
		fs = append(fs, finding{Level: guarded(env), Text: risk, Owner: mendAdmins, Lockout: true})
	}
	switch {
	case len(fs) > 0:
		return fs
	case len(ready) == 1:
		return []finding{{Level: green, Text: "The only administrator has a second factor."}}
	default:
		return []finding{{Level: green, Text: fmt.Sprintf("All %d administrators have a second factor.", len(ready))}}
	}
}

func emergencySignIn(env Env, accounts []ableAccount) finding {
	ready, without, off := split(accounts)
	risk := emergencyRisk(env, accounts)
	unable := names(append(without, off...))
	switch {
	case len(accounts) == 0:
		return finding{Level: amber, Text: "No emergency access account is declared. Two are advised, for the day when nobody else gets in.", Owner: "an owner of this bot"}
	case risk != "":
		return finding{Level: guarded(env), Text: risk + " Security defaults make no exception for them.", Owner: "Global Administrator", Lockout: true}
	case len(ready) < len(accounts):
		return finding{Level: amber, Text: fmt.Sprintf("%d of %d emergency access accounts could sign in with a second factor. Not so: %s.", len(ready), len(accounts), unable), Owner: "Global Administrator"}
	case len(ready) == 1:
		return finding{Level: green, Text: "The emergency access account can sign in with a second factor."}
	default:
		return finding{Level: green, Text: fmt.Sprintf("All %d emergency access accounts can sign in with a second factor.", len(ready))}
	}
}

// watched says it where nobody would notice that an emergency account is used.
func watched(facts rollout.Facts, scope rollout.Scope) string {
	if _, why := rollout.EmergencySignIns(facts, scope); why == rollout.NotWatched && slices.Contains(slices.Collect(maps.Values(scope.Declared)), rollout.Emergency) {
		return " When they sign in is not watched: this licence does not tell."
	}
	return ""
}

// split parts accounts that can sign in with a second factor from those that
// have none, and from those that cannot sign in at all: nothing changes for
// those. Accounts of the directory synchronisation were never read as people.
func split(accounts []ableAccount) (ready, without, off []ableAccount) {
	for _, a := range accounts {
		switch {
		case a.Able:
			ready = append(ready, a)
		case a.Off:
			off = append(off, a)
		default:
			without = append(without, a)
		}
	}
	return ready, without, off
}

func names(accounts []ableAccount) string {
	all := make([]string, len(accounts))
	for i, a := range accounts {
		all[i] = a.Name
	}
	return quotedNames(all)
}

// readDeciders reads of each approver and owner of this bot whether they could
// sign in. A method that the tenant does not let them use is none.
func readDeciders(ctx context.Context, env Env, facts rollout.Facts) ([]ableAccount, error) {
	approvers, err := env.People.Holders(ctx, identity.Approver)
	owners, err2 := env.People.Holders(ctx, identity.Owner)
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	ids := append(approvers, owners...)
	slices.Sort(ids)
	return ableWith(ctx, env.Tenant, slices.Compact(ids), func(u graph.User, methods []graph.Method) bool {
		return graph.Strongest(methods) > graph.NotMFA && rollout.Usable(facts, u, methods) != rollout.No
	})
}

// deciders judges whether those who would have to turn it off again through
// this bot could sign in themselves. The error is why that is not known.
func deciders(accounts []ableAccount, err error) finding {
	if err != nil {
		return finding{Level: red, Text: "Whether the approvers have a second factor could not be read.", Owner: "an owner of this bot"}
	}
	ready, without, off := split(accounts)
	switch {
	case len(without) > 0:
		return finding{Level: red, Text: "Approvers or owners of this bot have no second factor that they can use: " + names(without) + ".", Owner: "they themselves, with “/mfa setup”"}
	case len(ready) == 0:
		return finding{Level: red, Text: "No approver or owner of this bot could sign in: nobody could turn this off again through it.", Owner: "whoever runs this bot"}
	case len(off) > 0:
		return finding{Level: amber, Text: "Approvers or owners of this bot are disabled or gone: " + names(off) + ".", Owner: "an owner of this bot"}
	default:
		return finding{Level: green, Text: "All approvers and owners of this bot have a second factor."}
	}
}

// ChatSignIn is through what people sign in to the chat that the bot is in.
type ChatSignIn string

// What it can be. Empty, it is not known.
const (
	ChatOwn   ChatSignIn = "own"   // the chat's own sign-in, or another directory's
	ChatEntra ChatSignIn = "entra" // this tenant
)

// chatSignIn judges whether the bot can still be reached by somebody whom the
// tenant does not let in: if not, what was turned on here cannot be turned off
// here.
func chatSignIn(env Env) finding {
	const then = "whoever cannot sign in there can neither approve nor undo anything here. Know the way without the bot (docs/without-the-bot.md), and who would go it."
	switch env.ChatSignIn {
	case ChatOwn:
		return finding{Level: green, Text: "The chat does not need Microsoft 365 to sign in."}
	case ChatEntra:
		return finding{Level: amber, Text: "People sign in to this chat through Microsoft 365: " + then, Owner: "an owner of this bot"}
	default:
		return finding{Level: amber, Text: "Whether people sign in to this chat through Microsoft 365 is not known. If so, " + then, Owner: "an owner of this bot, who can say so in the configuration"}
	}
}

// enough is the share of registered people, in percent, from which a rollout
// is called ready.
const enough = 90

// readiness judges how many people are registered already. It is never green
// where too few could be read: a share of those few says nothing of the rest.
func readiness(funnel rollout.Funnel) finding {
	registered := funnel.Get(rollout.Registered)
	share := registered.Share()
	v, ok := share.Value()
	if !ok {
		return finding{Level: amber, Text: "How many people are registered is not known: " + share.String() + ".", Owner: "an owner of this bot"}
	}
	text := fmt.Sprintf("%s of %s people are registered (%s).", registered, funnel.Get(rollout.InScope), share)
	if registered.Unknown > 0 {
		text = fmt.Sprintf("%s of %s people are registered (%s of those who could be read; %d could not).", registered, funnel.Get(rollout.InScope), share, registered.Unknown)
	}
	switch {
	case v < enough:
		return finding{Level: amber, Text: text + " Everybody else must set up a second factor at their next sign-in.", Owner: "a lead, with reminders"}
	case registered.Thin():
		return finding{Level: amber, Text: text, Owner: "an owner of this bot"}
	default:
		return finding{Level: green, Text: text}
	}
}

// declared names the accounts of machines and rooms: they cannot do a second
// factor, and security defaults make no exceptions.
func declared(facts rollout.Facts, scope rollout.Scope) []finding {
	users, read := facts.Users.Get()
	var found []string
	for _, u := range users {
		if machine(scope.Declared[u.ID]) && u.Enabled {
			found = append(found, u.Name)
		}
	}
	n := len(slices.DeleteFunc(slices.Collect(maps.Values(scope.Declared)), func(p rollout.Purpose) bool { return !machine(p) }))
	which := plural(strconv.Itoa(n), "service, shared or room account")
	switch {
	case n == 0 || read && len(found) == 0:
		return nil
	case read:
		slices.Sort(found)
		which = "Service, shared and room accounts: " + quotedNames(found)
	default:
		which += " declared"
	}
	return []finding{{Level: amber, Text: which + ". Whatever signs in with them by password alone stops at once.", Owner: "whoever runs the scanner or program"}}
}

func machine(p rollout.Purpose) bool {
	return p == rollout.Service || p == rollout.Shared || p == rollout.Room
}
