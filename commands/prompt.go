package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/alert"
	"twokey/commands/approval"
)

// Renderers returns the wording of each kind of message that requests owe.
func Renderers(env Env) map[string]outbox.Renderer {
	return map[string]outbox.Renderer{
		approval.NoticePrompt:       about(env, prompt),
		approval.NoticeRequest:      about(env, card),
		approval.NoticeConcern:      about(env, concern),
		approval.NoticeReady:        about(env, ready),
		approval.NoticeOutcome:      about(env, outcome),
		approval.NoticeReminder:     about(env, reminder),
		approval.NoticeQuestion:     question(env),
		approval.NoticeAlert:        unexpected(env),
		approval.NoticeAnnouncement: announcement(env),
		alert.Notice:                alerted(env),
		NoticeCase:                  caseNotice(env),
	}
}

// about words a message about a request from what is stored now.
func about(env Env, word func(ctx context.Context, env Env, r approval.Request, ds []approval.Decision) chat.Message) outbox.Renderer {
	return func(ctx context.Context, facts []byte) (chat.Message, error) {
		var f struct{ Request string }
		if err := json.Unmarshal(facts, &f); err != nil {
			return chat.Message{}, fmt.Errorf("read message facts: %w", err)
		}
		r, ds, err := load(ctx, env, f.Request)
		if err != nil {
			return chat.Message{}, err
		}
		m := word(ctx, env, r, ds)
		m.Request = r.Ref
		return m, nil
	}
}

func load(ctx context.Context, env Env, id string) (r approval.Request, ds []approval.Decision, err error) {
	err = env.Requests.View(ctx, func(tx approval.Tx) error {
		if r, err = tx.Request(id); err != nil {
			return err
		}
		ds, err = tx.Decisions(r.ID)
		return err
	})
	return r, ds, err
}

// prompt is what approvers see. Its first screen is for somebody who is not
// technical and holds a phone: what happens to whom, why now, what goes wrong
// if it is wrong, whom to call, until when. All else is under the details.
func prompt(ctx context.Context, env Env, r approval.Request, ds []approval.Decision) chat.Message {
	m := chat.Message{
		Notice:   r.Ref + " " + stateWords(env, r) + ".",
		Headline: r.Words.Headline,
		Text:     progress(ctx, env, r, ds),
		Fields: []chat.Field{
			{Label: "Asked by", Value: env.People.Name(ctx, r.Requester), Quoted: true},
			{Label: "Why", Value: chat.Safe(r.Reason, 0), Quoted: true},
			{Label: "If it is wrong", Value: r.Words.Risk},
			{Label: "Whom to call", Value: r.Words.Call},
		},
		Details: details(env, r),
	}
	m.Fields = append(m.Fields, terms(env, r)...)
	if r.State == approval.Pending {
		m.Notice = "A request needs a decision: " + r.Ref
	}
	m.Buttons = choicesOf(r)
	if len(r.Targets) > 1 {
		m.Fields = append([]chat.Field{{Label: "Who", Value: shortly(r.Targets)}}, m.Fields...)
	}
	how, buttons := under(ctx, env, r)
	m.Text, m.Buttons = strings.TrimSpace(m.Text+" "+how), append(m.Buttons, buttons...)
	return m
}

// choicesOf are the buttons of whoever decides r.
func choicesOf(r approval.Request) []chat.Button {
	whyNot := []chat.FormField{{ID: "reason", Label: "Why not? (you may leave this empty)", MaxRunes: maxReason}}
	switch r.State {
	case approval.Pending:
		return []chat.Button{
			{ID: "approve", Label: "Approve", Value: r.Seal(), Style: chat.Primary},
			{ID: "deny", Label: "Deny", Value: r.Seal(), Style: chat.Danger, Form: whyNot},
			{ID: "ask", Label: "Ask", Value: r.Seal(), Form: []chat.FormField{{ID: "question", Label: "Your question to the requester", Required: true, MaxRunes: maxReason}}},
		}
	case approval.Approved:
		return []chat.Button{
			{ID: "cancel", Label: "Stop it", Value: r.Seal(), Style: chat.Danger},
			{ID: "deny", Label: "Deny", Value: r.Seal(), Form: whyNot},
		}
	case approval.Unknown:
		return []chat.Button{{ID: "resolve", Label: "Say how it ended", Value: r.Seal(), Form: []chat.FormField{
			{ID: "result", Label: "Was it done? Write “done” or “not-done”", Required: true, MaxRunes: 8},
			{ID: "note", Label: "What you saw, and where", Required: true, MaxRunes: maxReason},
		}}}
	default:
		return nil
	}
}

// terms are until when it can be decided, and what was found when it
// was asked.
func terms(env Env, r approval.Request) []chat.Field {
	var fs []chat.Field
	if r.State == approval.Pending {
		fs = append(fs, chat.Field{Label: "Until", Value: moment(env, r.Expires)})
	}
	if len(r.Words.Findings) > 0 {
		fs = append(fs, chat.Field{Label: "Check first", Value: strings.Join(r.Words.Findings, "\n")})
	}
	for _, line := range r.Words.History {
		fs = append(fs, chat.Field{Label: "Asked before", Value: chat.Safe(line, 0), Quoted: true})
	}
	return fs
}

// card is what the requester sees.
func card(ctx context.Context, env Env, r approval.Request, ds []approval.Decision) chat.Message {
	m := chat.Message{
		Headline: r.Words.Headline,
		Text:     progress(ctx, env, r, ds),
		Details:  details(env, r),
	}
	if r.Reason != "" {
		m.Fields = []chat.Field{{Label: "Your reason", Value: chat.Safe(r.Reason, 0), Quoted: true}}
	}
	if kindNamed(r.Kind).opens { // nobody's name stands on a locked screen
		m.Notice = r.Ref + " " + stateWords(env, r) + "."
	}
	m.Fields = append(m.Fields, terms(env, r)...)
	how, buttons := under(ctx, env, r)
	m.Text, m.Buttons = strings.TrimSpace(m.Text+" "+how), buttons
	if r.State == approval.Pending || r.State == approval.Approved {
		if r.State == approval.Approved && r.Policy.Collect > 0 && !env.Now().Before(r.NotBefore) {
			m.Buttons = append(m.Buttons, chat.Button{ID: "collect", Label: "Collect", Value: r.Seal(), Style: chat.Primary})
		}
		m.Buttons = append(m.Buttons, chat.Button{ID: "cancel", Label: "Cancel the request", Value: r.Seal()})
	}
	return m
}

func details(env Env, r approval.Request) []chat.Field {
	fs := []chat.Field{
		{Label: "Tenant", Value: identified(r.TenantName, r.Tenant)},
		{Label: "Action", Value: r.Kind},
		{Label: "Before", Value: r.Words.Now},
		{Label: "After", Value: r.Words.Then},
		{Label: "Touches", Value: r.Words.Radius},
		{Label: "To undo it", Value: r.Words.Undo},
		{Label: "Rule", Value: rule(r.Policy)},
		{Label: "Asked", Value: moment(env, r.Created)},
	}
	return append(append(fs, targetFields(r.Targets)...), chat.Field{Label: "Digest", Value: r.Digest})
}

// identified shows an object of the tenant by name and ID, and warns of a name
// that may look like another.
func identified(name, id string) string {
	s := quoted(name, 60) + " (" + id + ")"
	if chat.MixedScripts(name) {
		s += ", mixed scripts: look at the ID"
	}
	return s
}

func rule(p approval.Policy) string {
	var s string
	switch {
	case p.Name == policyUndo:
		s = "one of those who approved what this undoes, never the requester"
	case p.Quorum == 0:
		s = "the requester's own confirmation"
	case p.Quorum == 1:
		s = "one approver, never the requester"
	default:
		s = fmt.Sprintf("%d different approvers, never the requester", p.Quorum)
	}
	if p.Manager {
		s += "; the manager of whom it is about may decide as well"
	}
	if p.Wait > 0 {
		s += "; then " + span(p.Wait) + " in which any approver can stop it"
	}
	if p.Collect > 0 {
		s += "; then the requester has " + span(p.Collect) + " to collect it"
	}
	if len(p.Because) > 0 {
		s += ". " + strings.Join(p.Because, " ")
	}
	return s
}

// progress says where the request stands and who brought it there.
func progress(ctx context.Context, env Env, r approval.Request, ds []approval.Decision) string {
	counted := approval.Counted(r, ds)
	names := make([]string, len(counted))
	for i, p := range counted {
		names[i] = named(ctx, env, p)
	}
	by := strings.Join(names, " and ")
	switch r.State {
	case approval.Pending:
		s := fmt.Sprintf("Waits for approval: %d of %d.", len(counted), r.Policy.Quorum)
		if by != "" {
			s += " Approved by " + by + "."
		}
		return s
	case approval.Approved:
		return agreed(r, by) + " " + next(env, r)
	case approval.Executing:
		return agreed(r, by) + " It is running now."
	default:
		return result(ctx, env, r) + approvedBy(by)
	}
}

// agreed says by whose word an approved request may run.
func agreed(r approval.Request, by string) string {
	if r.Policy.Quorum == 0 {
		return "Confirmed by its requester."
	}
	return "Approved by " + by + "."
}

// next says what becomes of an approved request.
func next(env Env, r approval.Request) string {
	if r.Policy.Collect > 0 {
		return fmt.Sprintf("Its requester can collect it from %s until %s, and any approver can stop it before that.", clock(env, r.NotBefore), clock(env, r.StartBy))
	}
	return fmt.Sprintf("It runs at %s, and any approver can stop it until then.", clock(env, r.NotBefore))
}

// named returns a person's name as it can stand in a sentence of ours.
func named(ctx context.Context, env Env, p approval.Principal) string {
	return quoted(env.People.Name(ctx, p), 60)
}

func approvedBy(names string) string {
	if names == "" {
		return ""
	}
	return " Approved by " + names + "."
}

// result says how a request ended, in whole sentences.
func result(ctx context.Context, env Env, r approval.Request) string {
	o := r.Outcome
	by, why := "", ""
	if o.Why != "" {
		why = " " + o.Why
	}
	if o.By.Object != "" {
		by = " by " + named(ctx, env, o.By)
		why = " Found out" + by + ": " + quoted(o.Why, 0) + "."
	}
	const anew = " If it is still wanted, ask for it anew."
	switch r.State {
	case approval.Reconciling:
		return "It is not clear yet whether it was done." + why
	case approval.Succeeded:
		return "Done at " + moment(env, o.At) + "." + why
	case approval.Failed:
		return "Failed, and nothing was changed." + why + anew
	case approval.Partial:
		if r.Policy.Collect > 0 { // and why says what became of it
			return "Its requester may not have got it." + why
		}
		if len(r.Targets) > 1 {
			return "A part was done: " + counted(r) + "." + why
		}
		return "A part was done: " + stepWords(o.Done) + "." + why + " Please look at the rest in the Entra admin centre."
	case approval.Denied, approval.Cancelled:
		s := "Denied" + by + ". Nothing was changed."
		if r.State == approval.Cancelled {
			s = "Cancelled" + by + ". Nothing was changed."
		}
		if o.Why != "" {
			s += " The reason: " + quoted(o.Why, 0) + "."
		}
		return s
	case approval.Expired:
		return "Expired. Nothing was changed." + why + anew
	case approval.Stale:
		return "Not carried out, because something changed in the meantime. Nothing was changed by it. " + strings.Join(o.Findings, " ") + anew
	case approval.Unknown:
		return "It is not known whether this happened." + why + " Please look in the Entra admin centre."
	default:
		return stateWords(env, r) + "."
	}
}

func stepWords(steps []approval.StepReport) string {
	words := make([]string, len(steps))
	for i, s := range steps {
		words[i] = s.What + ": " + classWords(s.Class)
	}
	return strings.Join(words, "; ")
}

func classWords(c approval.Class) string {
	switch c {
	case approval.Applied:
		return "done"
	case approval.LeftOut:
		return "left out"
	case approval.Refused, approval.NotSent, approval.NotDone:
		return string(c)
	default:
		return "not known"
	}
}

// outcome tells the requester how it ended, as a message of its own.
func outcome(ctx context.Context, env Env, r approval.Request, _ []approval.Decision) chat.Message {
	m := chat.Message{
		Headline: r.Ref + " " + stateWords(env, r) + ".",
		Text:     r.Words.Headline + "\n\n" + result(ctx, env, r),
	}
	if r.State == approval.Succeeded {
		m.Fields = []chat.Field{{Label: "To undo it", Value: r.Words.Undo}}
	}
	m.Table = fates(r)
	m.Buttons = nextRequests(env, r)
	return m
}

// question relays what an approver asks, as a quotation.
func question(env Env) outbox.Renderer {
	return func(ctx context.Context, facts []byte) (chat.Message, error) {
		var f struct{ Request, By, Question string }
		if err := json.Unmarshal(facts, &f); err != nil {
			return chat.Message{}, fmt.Errorf("read message facts: %w", err)
		}
		r, _, err := load(ctx, env, f.Request)
		if err != nil {
			return chat.Message{}, err
		}
		return chat.Message{
			Headline: named(ctx, env, principal(env, f.By)) + " has a question about " + r.Ref + ".",
			Fields:   []chat.Field{{Label: "They ask", Value: chat.Safe(f.Question, 0), Quoted: true}},
			Text:     r.Words.Headline,
			Footer:   "Please answer them directly. Nobody needs a password, a code or a pass for this.",
			Request:  r.Ref,
		}, nil
	}
}
