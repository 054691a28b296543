package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// What stands beside deciding: stopping what is asked about oneself, saying how
// an unknown result ended, and freezing and thawing all changes.

func freeze(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "freeze", Summary: "Stop all changes at once, until an owner and the approvers agree to go on.", Example: "freeze somebody else uses Ada's account",
			Options: []chat.Option{{Name: "reason", Summary: "why; everybody who decides reads it", Rest: true}},
		},
		Access: only(identity.Approver),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			v, err := vote(c.Who, "", c.Args["reason"])
			if err != nil {
				return chat.Message{}, err
			}
			if err := env.Engine.Freeze(ctx, v, env.Organization.ID); err != nil {
				return chat.Message{}, attributed(ctx, env, err)
			}
			return chat.Message{
				Headline: "All changes are frozen.",
				Text:     "Nothing can be asked for and nothing starts any more. What was running already is finished. The other approvers are being told.\n\n" + thawWords(env),
			}, nil
		},
	}
}

const thawVersion = 1

func thaw(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "thaw", Summary: "Ask to let changes go on after a freeze. The approvers decide.", Example: "thaw the account is safe again",
			Options: []chat.Option{{Name: "reason", Summary: "why; the approvers read it", Rest: true}},
		},
		Access: only(identity.Owner),
		Plan:   func(ctx context.Context, _ Call) (approval.Plan, error) { return planThaw(ctx, env) },
	}
}

func planThaw(ctx context.Context, env Env) (approval.Plan, error) {
	snapshot, err := (approval.Thaw{Store: env.Requests}).Snapshot(ctx, approval.Request{Tenant: env.Organization.ID})
	if err != nil {
		return approval.Plan{}, err
	}
	var f approval.Freeze
	if err := json.Unmarshal(snapshot, &f); err != nil {
		return approval.Plan{}, fmt.Errorf("read freeze: %w", err)
	}
	if f.Since.IsZero() {
		return approval.Plan{}, &mistake{"Changes are not frozen.", "There is nothing to thaw."}
	}
	return approval.Plan{
		Kind: approval.KindThaw, KindVersion: thawVersion, Args: approval.Thaw{}.Args(f), Snapshot: snapshot,
		Words: approval.Words{
			Headline: "Let changes at " + quoted(env.Organization.Name, 60) + " go on after the freeze",
			Now:      frozenWords(ctx, env, f),
			Then:     "Changes can be asked for and carried out again.",
			Radius:   "Every change that this bot can make. What was approved before and has not run out starts then.",
			Risk:     "If the reason for the freeze is still there, whoever misuses an account can go on.",
			Undo:     "“/mfa freeze”, by any approver, at once.",
			Call:     env.contact(),
		},
		Policy: policyFor(env.Rules.Now(), thawStakes),
	}, nil
}

// frozenWords say that changes are frozen, by whom and why.
func frozenWords(ctx context.Context, env Env, f approval.Freeze) string {
	s := "All changes are frozen since " + moment(env, f.Since) + ", by " + freezer(ctx, env, f.By) + "."
	if f.Why != "" {
		s += " The reason: " + quoted(f.Why, 200) + "."
	}
	return s
}

// thawStakes are those of ending a freeze: it reaches every change there is.
var thawStakes = stakes{kind: thawKind, tenant: true}

// thawWords say how a freeze ends under the owner's rules.
func thawWords(env Env) string {
	const how = "An owner ends it with “/mfa thaw”"
	switch p := policyFor(env.Rules.Now(), thawStakes); p.Quorum {
	case 0:
		return how + "."
	case 1:
		return how + ", and one approver has to agree."
	default:
		return how + ", and two approvers have to agree."
	}
}

// freezer names who froze the changes, as it can stand in a sentence.
func freezer(ctx context.Context, env Env, by string) string {
	switch by {
	case approval.Host:
		return "somebody on the bot's own machine"
	case approval.Itself:
		return "Twokey itself"
	}
	return named(ctx, env, principal(env, by))
}

func resolve(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "resolve", Summary: "Say how a request ended whose result is not known.", Example: "resolve R-ABC234 done the portal shows it on",
			Options: []chat.Option{
				requestOption,
				{Name: "result", Summary: "whether it was done", Choices: []string{"done", "not-done"}, Required: true},
				{Name: "note", Summary: "what you saw, and where", Required: true, Rest: true},
			},
		},
		Access: linked, // who may decide this very request is the engine's to say
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return resolved(ctx, env, c.Who, c.Args["request"], c.Args["result"], c.Args["note"])
		},
	}
}

// resolved passes on what somebody has found out about a request.
func resolved(ctx context.Context, env Env, who identity.Speaker, seal, result, note string) (chat.Message, error) {
	result = strings.ToLower(strings.TrimSpace(result))
	if result != "done" && result != "not-done" {
		return chat.Message{}, &mistake{"Please say “done” or “not-done”: nothing else can be kept as the result.", "Look in the Entra admin centre whether the change is there."}
	}
	v, err := vote(who, seal, note)
	if err != nil {
		return chat.Message{}, err
	}
	r, err := env.Engine.Resolve(ctx, v, result == "done", v.Why)
	if err != nil {
		return chat.Message{}, attributed(ctx, env, err)
	}
	return chat.Message{Headline: fmt.Sprintf("Recorded: %s %s. Your note is kept with it.", r.Ref, stateWords(env, r)), Request: r.Ref}, nil
}

func stop(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "stop", Summary: "Stop a request that is about you or somebody who reports to you, or one that runs over several accounts.", Example: "stop R-ABC234 I did not lose my phone",
			Options: []chat.Option{
				{Name: "request", Summary: "the number of the request, like R-ABC234", Of: chat.OfRequests, Required: true},
				{Name: "reason", Summary: "why", Rest: true},
			},
		},
		Access: linked, // whom it is about is the engine's to say
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return stopped(ctx, env, c.Who, c.Args["request"], c.Args["reason"])
		},
	}
}

// stopped stops a request for somebody whom it is about.
func stopped(ctx context.Context, env Env, who identity.Speaker, seal, why string) (chat.Message, error) {
	v, err := vote(who, seal, why)
	if err != nil {
		return chat.Message{}, err
	}
	r, err := env.Engine.Stop(ctx, v)
	if err != nil {
		return chat.Message{}, attributed(ctx, env, err)
	}
	const alerted = "Everybody who decides about changes has been alerted."
	call := alerted + " If you did not expect this, call " + env.contact() + " now."
	switch {
	case r.Pausable():
		m := broken(r)
		if v.By != r.Requester && r.Concerns(v.By) {
			m.Text += "\n\n" + call
		}
		return m, nil
	case r.State == approval.Cancelled:
		return chat.Message{Headline: fmt.Sprintf("You stopped %s. Nothing will be changed.", r.Ref), Text: alerted, Request: r.Ref}, nil
	default:
		return chat.Message{Headline: fmt.Sprintf("%s cannot be stopped any more: %s.", r.Ref, stateWords(env, r)), Text: call, Request: r.Ref}, nil
	}
}

// broken says that a request ends before the next account has its turn.
func broken(r approval.Request) chat.Message {
	return chat.Message{
		Headline: fmt.Sprintf("%s ends before the next account.", r.Ref),
		Text:     "What was begun for one is finished. What is left is listed when it has ended, and can be asked for anew.",
		Request:  r.Ref,
	}
}

// told is a refusal with whose doing it is.
type told struct {
	*approval.Refusal
	hint string
}

func (t *told) Hint() string  { return t.hint }
func (t *told) Unwrap() error { return t.Refusal }

// attributed adds to a refusal whose doing it is, where that matters.
func attributed(ctx context.Context, env Env, err error) error {
	var no *approval.Refusal
	if !errors.As(err, &no) || len(no.By) == 0 {
		return err
	}
	names := make([]string, len(no.By))
	for i, p := range no.By {
		names[i] = freezer(ctx, env, p.Object)
	}
	t := &told{no, "It was decided by " + strings.Join(names, " and ") + "."}
	if no.Code == approval.ErrFrozen.Code {
		t.hint = "They were frozen by " + names[0] + " on " + moment(env, no.Since) + "."
		if no.Words != "" {
			t.hint += " The reason: " + quoted(no.Words, 200) + "."
		}
	}
	return t
}
