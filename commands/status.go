package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

func status(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "status", Summary: "Where the rollout stands: the funnel, enforcement and legacy sign-ins.", Example: "status", Options: partOptions,
		},
		Access: only(identity.Viewer),
		Aloud:  true,
		Names:  ofPart,
		Kept:   true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			facts := env.kept(ctx)
			if ofPart(c.Args) {
				part, of, err := partAsked(ctx, env, facts, c.Args)
				if err != nil {
					return chat.Message{}, err
				}
				return partMessage(env, part, of), nil
			}
			m := statusMessage(env, facts, rollout.NewFunnel(facts, env.Scope))
			keys, err := needKeys(ctx, env)
			if keys > 0 {
				m.Fields = append(m.Fields, chat.Field{Label: "Keys or tokens to buy", Value: fmt.Sprintf("%d people said that they have no phone for this", keys)})
			}
			return m, err
		},
	}
}

// funnelRows is what status shows of the funnel, in its order.
var funnelRows = []struct {
	id    rollout.ID
	label string
}{
	{rollout.Registered, "Registered"},
	{rollout.Capable, "Capable"},
	{rollout.Backup, "With a backup"},
	{rollout.NotPhoneOnly, "Not phone-only"},
	{rollout.PhishingResistant, "Phishing-resistant"},
	{rollout.Enforced, "MFA enforced"},
}

func statusMessage(env Env, facts rollout.Facts, funnel rollout.Funnel) chat.Message {
	m := funnelMessage(env, facts, funnel)
	m.Fields = []chat.Field{
		{Label: "Accounts", Value: accountWords(funnel)},
		{Label: "Security defaults", Value: defaultsWords(facts)},
		{Label: "Licence", Value: licenceWords(facts)},
		{Label: "Administrators", Value: adminWords(funnel)},
	}
	m.Fields = append(m.Fields, legacyFields(env, facts)...)
	return m
}

// partMessage is the funnel of a part of the people, without what is the whole
// tenant's.
func partMessage(env Env, facts rollout.Facts, of string) chat.Message {
	funnel := rollout.NewFunnel(facts, env.Scope)
	m := funnelMessage(env, facts, funnel)
	m.Text = strings.TrimSpace("Counted are people " + of + ". " + m.Text)
	m.Fields = []chat.Field{{Label: "Accounts", Value: accountWords(funnel)}, {Label: "Administrators", Value: adminWords(funnel)}}
	m.Footer += " " + onlyYou
	return m
}

func funnelMessage(env Env, facts rollout.Facts, funnel rollout.Funnel) chat.Message {
	m := chat.Message{
		Headline: statusHeadline(funnel),
		Table:    &chat.Table{Header: []string{"Of the people in scope", "People", "Share"}},
		Footer:   readWords(env, facts, funnel) + ". " + coverage(funnel),
	}
	for _, row := range funnelRows {
		people, share := partWords(funnel.Get(row.id))
		m.Table.Rows = append(m.Table.Rows, []string{row.label, people, share})
	}
	if _, ok := funnel.Get(rollout.InScope).Value(); ok {
		m.Text = rolesUnknown(facts)
	}
	return m
}

// partWords is a part of the people and its share. Where the answer is not known
// of all of them, both say of how many it is.
func partWords(f rollout.Figure) (people, share string) {
	_, ok := f.Value()
	switch {
	case !ok:
		return f.String(), ""
	case f.Unknown > 0:
		return "at least " + f.String(), fmt.Sprintf("%s of %d known", f.Share(), f.Of-f.Unknown)
	default:
		return f.String(), f.Share().String()
	}
}

func statusHeadline(funnel rollout.Funnel) string {
	registered, people := funnel.Get(rollout.Registered), funnel.Get(rollout.InScope)
	if _, ok := registered.Value(); !ok {
		return "How many people are registered is not known: " + registered.String() + "."
	}
	if registered.Unknown > 0 {
		return fmt.Sprintf("At least %s of %s people in scope are registered (%s of the %d who could be read).",
			registered, people, registered.Share(), registered.Of-registered.Unknown)
	}
	return fmt.Sprintf("%s of %s people in scope are registered (%s).", registered, people, registered.Share())
}

// oldReading is how old the oldest reading may be for all of them to count as
// made now.
const oldReading = time.Hour

// readWords says when what is told was read, from the oldest reading that counts.
func readWords(env Env, facts rollout.Facts, funnel rollout.Funnel) string {
	if funnel.Oldest.IsZero() || facts.AsOf.Sub(funnel.Oldest) <= oldReading {
		return "As of " + moment(env, facts.AsOf)
	}
	return "Read between " + moment(env, funnel.Oldest) + " and " + moment(env, facts.AsOf)
}

// coverage says where the figures come from and of how many people they could
// be read.
func coverage(funnel rollout.Funnel) string {
	read := funnel.Get(rollout.Read)
	if _, ok := read.Value(); !ok {
		return "No person could be read: " + read.String() + "."
	}
	how := "from the methods of each person"
	if funnel.Road == rollout.ReportRoad {
		how = "from the registration report, which lags by some hours"
	}
	return fmt.Sprintf("Read %s: %s of %s people.", how, read, funnel.Get(rollout.InScope))
}

// accountWords and adminWords give the reason once where there is no figure.
func accountWords(funnel rollout.Funnel) string {
	accounts := funnel.Get(rollout.Accounts)
	if _, ok := accounts.Value(); !ok {
		return accounts.String()
	}
	return fmt.Sprintf("%s, of which %s enabled, %s members, %s people in scope",
		accounts, funnel.Get(rollout.Enabled), funnel.Get(rollout.Members), funnel.Get(rollout.InScope))
}

func adminWords(funnel rollout.Funnel) string {
	admins := funnel.Get(rollout.Admins)
	if _, ok := admins.Value(); !ok {
		return admins.String()
	}
	return fmt.Sprintf("%s; without a method: %s; with one method only: %s",
		admins, funnel.Get(rollout.AdminsNoMethod), funnel.Get(rollout.AdminsOneMethod))
}

func defaultsWords(facts rollout.Facts) string {
	if d, ok := facts.SecurityDefaults.Get(); ok {
		return onOff(d.Enabled)
	}
	return string(facts.SecurityDefaults.Reason())
}

func licenceWords(facts rollout.Facts) string {
	if l, ok := facts.Licence.Get(); ok {
		return l.String()
	}
	return string(facts.Licence.Reason())
}
