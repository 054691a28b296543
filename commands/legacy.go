package commands

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"twokey/chat"
	"twokey/graph/rollout"
)

// legacyUse judges who still signs in by legacy authentication, which
// security defaults stop at once. It is never green without the sign-in log:
// what cannot be seen is not absent.
func legacyUse(env Env, facts rollout.Facts) finding {
	legacy, verdict := rollout.NewLegacy(facts, env.Scope), rollout.JudgeLegacy(facts, env.Scope)
	until := logEnd(env, facts, legacy)
	succeeded := legacy.Get(rollout.LegacySucceeded)
	switch {
	case verdict.Source == rollout.MailReport:
		return finding{Level: amber, Text: mailWords(verdict), Owner: "whoever runs them"}
	case verdict.Source != rollout.SignInLog && succeeded.Reason() == rollout.NeedsP1:
		return finding{Level: amber, Text: "Who still signs in by old mail protocols cannot be seen on this licence. Ask who runs scanners, mailing programs or old mail apps: they stop at once.", Owner: "whoever runs them"}
	case verdict.Source != rollout.SignInLog:
		return finding{Level: amber, Text: "Who still signs in by old mail protocols is not known: " + succeeded.String() + ".", Owner: "an owner of this bot"}
	case verdict.Level == rollout.LegacyUsed:
		return finding{Level: amber, Text: fmt.Sprintf("%s by old protocols succeeded in 7 days%s, from %s: %s. These stop at once.",
			plural(succeeded.String(), "sign-in"), until, plural(legacy.Get(rollout.LegacyAccounts).String(), "account"), legacyNames(legacy)), Owner: "whoever runs them"}
	case !verdict.Green():
		return finding{Level: amber, Text: fmt.Sprintf("No sign-in by an old protocol succeeded in the %s that could be read%s.", plural(strconv.Itoa(verdict.Days), "day"), until), Owner: "an owner of this bot"}
	default:
		return finding{Level: green, Text: "No sign-in by an old protocol succeeded in 7 days" + until + "."}
	}
}

// logEnd says until when the sign-in log was read, if that is not just now.
func logEnd(env Env, facts rollout.Facts, legacy rollout.Legacy) string {
	if facts.AsOf.Sub(legacy.AsOf) <= oldReading {
		return ""
	}
	return " up to " + moment(env, legacy.AsOf)
}

// mailWords says what the mail program report shows and what it cannot.
func mailWords(v rollout.LegacyVerdict) string {
	text := "Nothing by old mail protocols was seen in "
	if v.Level == rollout.LegacySuspected {
		text = "Old mail protocols were seen (" + seenWords(v.Seen) + ") in "
	}
	if v.Why != rollout.NeedsP1 {
		text = "The sign-in log could not be read (" + string(v.Why) + "). " + text
	}
	text += fmt.Sprintf("%s up to %s. Unknown devices cannot be excluded, and all that sign in with a password alone stop at once.",
		plural(strconv.Itoa(v.Days), "day"), v.AsOf.Format("2 January"))
	if len(v.Ask) > 0 {
		text += " Ask who runs " + askNames(v.Ask) + "."
	}
	if slices.Contains(v.Blind, rollout.BlindNames) {
		text += " The tenant hides names in reports; its owner can show them: " + rollout.ShowNames + "."
	}
	return text
}

func seenWords(seen []rollout.MailProtocol) string {
	by := make([]string, len(seen))
	for i, p := range seen {
		by[i] = string(p.Protocol) + " by " + plural(strconv.Itoa(p.Accounts), "account")
	}
	return strings.Join(by, ", ")
}

func askNames(all []rollout.AskOf) string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = cmp.Or(a.UPN, a.Name, a.UserID)
	}
	return quotedNames(names)
}

func legacyNames(l rollout.Legacy) string {
	var all []string
	for i, a := range l.Accounts {
		if i == namesShown {
			all = append(all, fmt.Sprintf("and %d more", len(l.Accounts)-i))
			break
		}
		protocols := make([]string, len(a.Protocols))
		for j, p := range a.Protocols {
			protocols[j] = string(p)
		}
		name := cmp.Or(a.UPN, a.UserID, "no name in the log")
		all = append(all, quoted(name, 80)+" ("+strings.Join(protocols, ", ")+")")
	}
	return strings.Join(all, ", ")
}

// legacyFields shows legacy sign-ins in status, successes apart from attempts
// that were blocked: most of those come from outside and are nobody's use.
func legacyFields(env Env, facts rollout.Facts) []chat.Field {
	legacy := rollout.NewLegacy(facts, env.Scope)
	succeeded := legacy.Get(rollout.LegacySucceeded)
	if _, ok := succeeded.Value(); !ok {
		return []chat.Field{{Label: "Legacy sign-ins", Value: succeeded.String()}}
	}
	var by []string
	for _, use := range legacy.ByProtocol {
		if use.Succeeded > 0 {
			by = append(by, fmt.Sprintf("%s %d", use.Protocol, use.Succeeded))
		}
	}
	value := fmt.Sprintf("%s succeeded in 7 days%s, from %s", succeeded, logEnd(env, facts, legacy), plural(legacy.Get(rollout.LegacyAccounts).String(), "account"))
	if len(by) > 0 {
		value += " (" + strings.Join(by, ", ") + ")"
	}
	return []chat.Field{
		{Label: "Legacy sign-ins", Value: value},
		{Label: "Legacy attempts blocked", Value: legacy.Get(rollout.LegacyBlocked).String()},
	}
}
