package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

// previewed is what stands before the line in a Confirm button's value.
const previewed = "#"

// confirmed parts what a Confirm button says: which plan was shown, if any, and
// the command line.
func confirmed(value string) (sum, line string) {
	if rest, ok := strings.CutPrefix(value, previewed); ok {
		sum, line, _ = strings.Cut(rest, " ")
		return sum, line
	}
	return "", value
}

// planSum is a short hash of all of a plan that is shown, or that it hangs on.
// A Confirm button carries it: if it is another one when the button is pressed,
// something has changed, and what was shown is not what would be done.
func planSum(p approval.Plan) string {
	sum := sha256.Sum256([]byte(encode([]any{p.Kind, p.KindVersion, p.Args, p.Targets, p.Snapshot, p.Words, p.Policy})))
	return hex.EncodeToString(sum[:8])
}

// alone reports whether a plan needs nobody's word but its requester's.
func alone(p approval.Plan) bool { return p.Policy.Quorum == 0 }

// needsReason reports whether a plan has to be justified: whatever somebody else
// decides, or would if there were anybody.
func needsReason(p approval.Plan) bool { return p.Policy.Name != policyConfirm }

// preview shows a plan to its requester, to be confirmed.
func preview(env Env, p approval.Plan, line string, again, needsReason bool) chat.Message {
	button := chat.Button{ID: "confirm", Label: "Confirm", Value: previewed + planSum(p) + " " + line, Style: chat.Primary}
	if needsReason {
		button.Form = []chat.FormField{{ID: "reason", Label: "Reason", Required: true, MaxRunes: maxReason}}
	}
	m := chat.Message{
		Notice:   "Please look at what you asked for, and confirm it.",
		Headline: p.Words.Headline,
		Text:     "Nothing has been done yet. It is done once you confirm it.",
		Fields: []chat.Field{
			{Label: "Before", Value: p.Words.Now},
			{Label: "After", Value: p.Words.Then},
			{Label: "If it is wrong", Value: p.Words.Risk},
			{Label: "To undo it", Value: p.Words.Undo},
		},
		Details: []chat.Field{
			{Label: "Tenant", Value: identified(env.Organization.Name, env.Organization.ID)},
			{Label: "Action", Value: p.Kind},
			{Label: "Touches", Value: p.Words.Radius},
			{Label: "Rule", Value: rule(p.Policy)},
		},
		Buttons: []chat.Button{button},
	}
	if again {
		m.Text = "Something has changed since this was shown to you, so nothing was done. This is how it is now; confirm it if it is still what you want."
	}
	if p.Policy.Wait > 0 {
		m.Text += " It waits for " + span(p.Policy.Wait) + " before it runs, and others are told."
	}
	if len(p.Words.Findings) > 0 {
		m.Fields = append(m.Fields, chat.Field{Label: "Check first", Value: strings.Join(p.Words.Findings, "\n")})
	}
	m.Details = append(m.Details, targetFields(p.Targets)...)
	typed := "/mfa " + confirmLine + " " + button.Value
	if needsReason {
		typed += " and a reason"
	}
	m.Details = append(m.Details, chat.Field{Label: "To confirm it by typing", Value: typed})
	return m
}

// submitted says that a change was asked for, and what comes next.
func submitted(r approval.Request) chat.Message {
	m := chat.Message{
		Headline: fmt.Sprintf("Recorded as %s. The approvers have been asked.", r.Ref),
		Text:     "You will see here how it goes on.",
		Request:  r.Ref,
	}
	if r.Policy.Quorum == 0 {
		m.Headline = fmt.Sprintf("Recorded as %s. You have confirmed it.", r.Ref)
	}
	return m
}

// spared refuses what would touch a protected account, whatever kind it is.
func spared(env Env, p approval.Plan) error {
	r := env.Rules.Now()
	for _, t := range p.Targets {
		if slices.Contains(r.Protected, t.ID) || slices.Contains(emergencyIDs(env), t.ID) {
			return &mistake{quoted(t.Name, 120) + " is a protected account. No change may touch it, however many approve.", "Do it in the Entra admin centre."}
		}
	}
	return nil
}

// concerned are those who are told at once of a change that opens or closes an
// account: whom it is about, and who is set above them, at each of their chat
// accounts. They can stop it. Whoever asked for it knows already, and whoever is
// asked to decide it is told by that.
func concerned(ctx context.Context, env Env, p approval.Plan) ([]approval.Subscriber, error) {
	if !kindNamed(p.Kind).opens {
		return nil, nil
	}
	var whom []string
	for _, t := range p.Targets {
		whom = append(whom, t.ID)
		m, err := env.Tenant.Manager(ctx, t.ID)
		if err == nil {
			whom = append(whom, m.ID)
		} else if k, known := kindOf(err); !known || k != graph.KindNotFound {
			return nil, fmt.Errorf("read manager: %w", err)
		}
	}
	slices.Sort(whom)
	var all []approval.Subscriber
	for _, id := range slices.Compact(whom) {
		if id == p.Requester.Object {
			continue
		}
		for _, a := range append(env.People.Accounts(ctx, principal(env, id)), mailbox(env, id)...) {
			all = append(all, approval.Subscriber{Address: encode(chat.Direct(a)), Concerned: true, Who: id})
		}
	}
	return all, nil
}
