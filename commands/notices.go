package commands

import (
	"context"
	"encoding/json"
	"fmt"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/approval"
)

// concern tells somebody what is asked about them, or about whoever reports to
// them. Why it was asked is for those who decide.
func concern(ctx context.Context, env Env, r approval.Request, ds []approval.Decision) chat.Message {
	m := chat.Message{
		Notice:   "A request concerns you: " + r.Ref,
		Headline: r.Words.Headline,
		Text:     progress(ctx, env, r, ds) + "\n\nYou are told because this is about you, or about somebody who reports to you.",
		Fields:   []chat.Field{{Label: "Asked by", Value: env.People.Name(ctx, r.Requester), Quoted: true}},
		Footer:   "If you expected this there is nothing to do. We never ask for a password, code or pass.",
	}
	label := "Stop this"
	switch r.State {
	case approval.Pending, approval.Approved:
	case approval.Executing, approval.Reconciling, approval.Succeeded, approval.Partial, approval.Unknown:
		if !r.Pausable() {
			label = "I did not expect this"
		}
	default:
		return m
	}
	m.Buttons = []chat.Button{{
		ID: "stop", Label: label, Value: r.Seal(), Style: chat.Danger,
		Form: []chat.FormField{{ID: "reason", Label: "What is wrong? (you may leave this empty)", MaxRunes: maxReason}},
	}}
	return m
}

// ready tells a requester that what they asked for can be collected.
func ready(_ context.Context, env Env, r approval.Request, _ []approval.Decision) chat.Message {
	m := chat.Message{
		Notice:   r.Ref + " is ready.",
		Headline: r.Ref + " is approved, and ready for you to collect.",
		Text:     r.Words.Headline + "\n\nIt can be collected once, until " + moment(env, r.StartBy) + ". Have the person with you: what you get is shown once.",
	}
	if r.Kind == ExportKind {
		m.Text = r.Words.Headline + "\n\nIt can be collected once, until " + moment(env, r.StartBy) + "."
	}
	if r.State == approval.Approved {
		m.Buttons = []chat.Button{{ID: "collect", Label: "Collect", Value: r.Seal(), Style: chat.Primary}}
	} else {
		m.Headline, m.Text = r.Ref+" "+stateWords(env, r)+".", r.Words.Headline
	}
	return m
}

// reminder asks again whoever has not decided.
func reminder(ctx context.Context, env Env, r approval.Request, ds []approval.Decision) chat.Message {
	if r.State != approval.Pending {
		return chat.Message{Headline: r.Ref + " " + stateWords(env, r) + ".", Text: r.Words.Headline}
	}
	return chat.Message{
		Notice:   "Still waiting for a decision: " + r.Ref,
		Headline: "Still waiting for a decision: " + r.Ref,
		Text:     r.Words.Headline + "\n\n" + progress(ctx, env, r, ds),
		Fields: append([]chat.Field{
			{Label: "Asked by", Value: env.People.Name(ctx, r.Requester), Quoted: true},
			{Label: "Why", Value: chat.Safe(r.Reason, 0), Quoted: true},
			{Label: "If it is wrong", Value: r.Words.Risk},
			{Label: "Whom to call", Value: r.Words.Call},
		}, terms(env, r)...),
		Details: details(env, r),
		Buttons: choicesOf(r),
	}
}

// unexpected tells those who decide that somebody whom a request is about wants it
// stopped.
func unexpected(env Env) outbox.Renderer {
	return func(ctx context.Context, facts []byte) (chat.Message, error) {
		var f struct{ Request, By, Why string }
		if err := json.Unmarshal(facts, &f); err != nil {
			return chat.Message{}, fmt.Errorf("read message facts: %w", err)
		}
		r, _, err := load(ctx, env, f.Request)
		if err != nil {
			return chat.Message{}, err
		}
		who := named(ctx, env, principal(env, f.By))
		m := chat.Message{
			Notice:   "Alert: somebody did not expect " + r.Ref,
			Headline: "Alert: " + who + " did not expect " + r.Ref + ".",
			Text:     r.Words.Headline + "\n\nThe request is about them, or about somebody who reports to them. Where it stands: " + stateWords(env, r) + ".",
			Fields:   []chat.Field{{Label: "Asked by", Value: env.People.Name(ctx, r.Requester), Quoted: true}},
			Footer:   "If you think an account is misused, “/mfa freeze” stops all changes at once.",
			Request:  r.Ref,
		}
		if f.Why != "" {
			m.Fields = append(m.Fields, chat.Field{Label: "They say", Value: chat.Safe(f.Why, 0), Quoted: true})
		}
		return m, nil
	}
}
