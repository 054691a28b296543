package commands

import (
	"cmp"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/graph/rollout"
)

// legacyUse judges who still signs in by legacy authentication, which
// security defaults stop at once. It is never green without the sign-in log:
// what cannot be seen is not absent.
func legacyUse(facts rollout.Facts, scope rollout.Scope) finding {
	legacy := rollout.NewLegacy(facts, scope)
	succeeded := legacy.Get(rollout.LegacySucceeded)
	n, ok := succeeded.Value()
	switch {
	case !ok && succeeded.Reason() == rollout.NeedsP1:
		return finding{amber, "Who still signs in by old mail protocols cannot be seen on this licence. Ask who runs scanners, mailing programs or old mail apps: they stop at once.", "whoever runs them"}
	case !ok:
		return finding{amber, "Who still signs in by old mail protocols is not known: " + succeeded.String() + ".", "an owner of this bot"}
	case n > 0:
		return finding{amber, fmt.Sprintf("%s by old protocols succeeded in 7 days, from %s: %s. These stop at once.",
			plural(succeeded.String(), "sign-in"), plural(legacy.Get(rollout.LegacyAccounts).String(), "account"), legacyNames(legacy)), "whoever runs them"}
	default:
		return finding{green, "No sign-in by an old protocol succeeded in 7 days.", ""}
	}
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
func legacyFields(facts rollout.Facts, scope rollout.Scope) []chat.Field {
	legacy := rollout.NewLegacy(facts, scope)
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
	value := fmt.Sprintf("%s succeeded in 7 days, from %s", succeeded, plural(legacy.Get(rollout.LegacyAccounts).String(), "account"))
	if len(by) > 0 {
		value += " (" + strings.Join(by, ", ") + ")"
	}
	return []chat.Field{
		{Label: "Legacy sign-ins", Value: value},
		{Label: "Legacy attempts blocked", Value: legacy.Get(rollout.LegacyBlocked).String()},
	}
}
