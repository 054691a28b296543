package commands

import (
	"time"

	"twokey/graph/rollout"
)

// peopleSheet is people with all that is known of how they sign in. What is not
// known is said, and never left empty.
func peopleSheet(people []rollout.Person) sheet {
	s := sheet{columns: []string{
		"object_id", "name", "sign_in_name", "department", "enabled", "guest", "admin", "registered", "capable",
		"backup", "phone_only", "phishing_resistant", "enforced", "last_seen", "as_of", "why_unknown",
	}}
	for _, p := range people {
		why := string(p.Why)
		if why == "" {
			why = string(p.CapableWhy)
		}
		s.rows = append(s.rows, []string{
			p.ID, p.Name, p.UPN, p.Department, yesOrNo(p.Enabled), yesOrNo(p.Guest), answerWords(p.Admin), answerWords(p.Registered), answerWords(p.Capable),
			answerWords(p.Backup), answerWords(p.PhoneOnly), answerWords(p.PhishingResistant), answerWords(p.Enforcement.Answer()),
			stamp(p.LastSeen), stamp(p.AsOf), why,
		})
	}
	return s
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// answerWords is an answer in a word.
func answerWords(a rollout.Answer) string {
	switch a {
	case rollout.Yes:
		return "yes"
	case rollout.No:
		return "no"
	case rollout.Partly:
		return "partly"
	default:
		return "unknown"
	}
}

// stamp is a moment for machines, "" if it is not known.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
